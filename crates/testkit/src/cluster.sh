# Makes a folder with a PostgreSQL data directory and runs a server on it for as long as a process holds the other
# end of standard input.
# Arguments: the folder to make, the folder of PostgreSQL's binaries, the server's further arguments.
# Each line read is a port: wait until the server that runs, if any, has ended, then run one there.
# End of input means: shut down and remove the folder.
set -u
folder=$1
binaries=$2
shift 2
# Only the end of input ends this, so that the folder is always removed.
trap '' HUP INT TERM

# Made here and not by the test process, which may be killed before it can start us.
umask 077
mkdir "$folder" && cd "$folder" || exit 1

"$binaries/initdb" --auth=trust --username=postgres --encoding=UTF8 --locale=C --no-sync \
    --no-instructions --pgdata "$folder/data" </dev/null >"$folder/log" 2>&1 \
    || touch "$folder/failed"

server=
while read -r port; do
    [ -n "$server" ] && wait "$server"
    "$binaries/postgres" -D "$folder/data" -c "port=$port" "$@" </dev/null >>"$folder/log" 2>&1 &
    server=$!
    echo "$server" >"$folder/pid.new"
    mv "$folder/pid.new" "$folder/pid"
done

cd /
if [ -n "$server" ]; then
    # Immediate shutdown, and CONT in case it was left frozen. Said again and again, because a
    # server that has only just started does not listen to signals yet.
    (
        while kill -s QUIT "$server" && kill -s CONT "$server"; do
            sleep 1
        done
    ) 2>/dev/null &
    reminder=$!
    wait "$server"
    kill -s KILL "$reminder" 2>/dev/null
    # A server that was killed leaves its shared memory behind: line 7 of its pid file names it.
    set -- $(sed -n 7p "$folder/data/postmaster.pid" 2>/dev/null)
    [ $# -eq 2 ] && ipcrm -m "$2" 2>/dev/null
fi
rm -rf "$folder"
