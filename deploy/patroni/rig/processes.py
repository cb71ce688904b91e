"""Child processes: started as an unprivileged user, kept by their pid, stopped by that pid."""

import os
import pwd
import signal
import socket
import subprocess
import time
from pathlib import Path

POLL_SECONDS = 0.1


class RigFailure(Exception):
    """The rig itself could not do its work; says nothing of the service."""


def until(what, seconds, probe, every=POLL_SECONDS):
    """Polls `probe` until it answers something true, which is returned; fails after `seconds`."""
    deadline = time.monotonic() + seconds
    while True:
        answer = probe()
        if answer:
            return answer
        if time.monotonic() > deadline:
            raise RigFailure(f"gave up after {seconds} s waiting until {what}")
        time.sleep(every)


def free_ports(count):
    """`count` different ports that nobody listened on a moment ago."""
    sockets = [socket.socket() for _ in range(count)]
    try:
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [each.getsockname()[1] for each in sockets]
    finally:
        for each in sockets:
            each.close()


def unprivileged_user():
    """Who runs the servers: ourselves, or, for root, an account that initdb accepts."""
    if os.geteuid() != 0:
        return pwd.getpwuid(os.geteuid())
    for name in ("postgres", "nobody"):
        try:
            return pwd.getpwnam(name)
        except KeyError:
            continue
    raise RigFailure("running as root, and there is neither a user postgres nor a user nobody")


def alive(pid):
    """Whether `pid` runs. A zombie, dead but not yet collected by its parent, does not."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return False
    return stat.rpartition(")")[2].split()[0] not in ("Z", "X")


def children(pid):
    """The pids of the direct children of `pid`."""
    found = []
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            stat = (entry / "stat").read_text()
        except OSError:
            continue
        # The second field, the name in parentheses, may hold blanks; the parent comes after it.
        if int(stat.rpartition(")")[2].split()[1]) == pid:
            found.append(int(entry.name))
    return found


def naming(directory):
    """The pids of processes that have a path under `directory` among their arguments."""
    inside = os.fsencode(directory) + b"/"
    found = []
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            arguments = (entry / "cmdline").read_bytes().split(b"\0")
        except OSError:
            continue
        if any(argument.startswith(inside) for argument in arguments):
            found.append(int(entry.name))
    return found


def send(pid, number):
    """Sends a signal to one process that may have ended meanwhile."""
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        pass


class Processes:
    """The children of this rig, each a session of its own, so that Ctrl-C reaches only the rig."""

    def __init__(self, directory):
        self.directory = directory
        self.user = unprivileged_user()
        self._running = {}

    def start(self, name, command, privileged=False):
        """Starts `command` with its output in `<directory>/<name>.log`, appended to."""
        # If the rig dies without a chance to clean up, the kernel tells its children to stop.
        wrapper = ["setpriv", "--pdeathsig", "TERM"]
        if os.geteuid() == 0 and not privileged:
            wrapper += ["--reuid", str(self.user.pw_uid), "--regid", str(self.user.pw_gid)]
            wrapper += ["--clear-groups"]
        with open(self.directory / f"{name}.log", "ab") as log:
            process = subprocess.Popen(
                [*wrapper, "--", *map(str, command)],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                cwd=self.directory,
                env=clean_environment(self.directory),
                start_new_session=True,
            )
        self._running[name] = process
        return process

    def check(self, name):
        """Fails if a child that ought to run has ended."""
        status = self._running[name].poll()
        if status is not None:
            log = self.directory / f"{name}.log"
            tail = log.read_text(errors="replace").splitlines()[-15:]
            raise RigFailure(
                "\n".join([f"{name} ended with status {status}; its log says:", *tail])
            )

    def kill(self, name):
        """kill -9, and the exit status is collected."""
        process = self._running.pop(name)
        process.kill()
        process.wait()

    def stop(self, names, seconds):
        """Asks the named children to end, all at once; after `seconds`, kills those that live."""
        asked = [(name, self._running.pop(name)) for name in names if name in self._running]
        for _, process in asked:
            process.terminate()
        deadline = time.monotonic() + seconds
        for _, process in asked:
            try:
                process.wait(max(0.0, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()

    def names(self):
        """What runs, in the order it was started."""
        return list(self._running)


def clean_environment(home):
    """No PG*, PATRONI_* or VACANCY_* variable of the caller may change what is measured."""
    return {"PATH": os.environ.get("PATH", os.defpath), "HOME": str(home), "LANG": "C.UTF-8"}


def kill_tree(pid):
    """kill -9 of a postmaster and its backends, as if the machine had lost power.

    The postmaster goes first, so that it cannot restart what dies under it.
    """
    backends = children(pid)
    send(pid, signal.SIGKILL)
    for backend in backends:
        send(backend, signal.SIGKILL)
