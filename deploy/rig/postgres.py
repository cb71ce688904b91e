"""A throw-away PostgreSQL, as durable as production's."""

import contextlib
import glob
import os
import pathlib
import pwd
import secrets
import shutil
import signal
import subprocess

from .fleet import Trouble
from .ports import free_port

# fsync stays on: a figure that the disk was not asked for is no figure.
SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",
    "max_connections": 200,
    "fsync": "on",
    "synchronous_commit": "on",
    "shared_buffers": "256MB",
}


def find_postgres():
    """The folder of PostgreSQL's server programs: `PG_BIN`, else the newest; None without any."""
    newest_first = sorted(
        glob.glob("/usr/lib/postgresql/[0-9]*/bin"), key=lambda path: -float(path.split("/")[-2])
    )
    on_path = shutil.which("initdb")
    given = os.environ.get("PG_BIN")
    for folder in [given] if given else [*newest_first, on_path and os.path.dirname(on_path)]:
        if folder and os.access(f"{folder}/initdb", os.X_OK):
            return pathlib.Path(folder)
    return None


def unprivileged():
    """The account that runs servers: ours, or, as initdb refuses root, another that always is."""
    if os.geteuid() != 0:
        return pwd.getpwuid(os.geteuid())
    for name in ("postgres", "nobody"):
        try:
            return pwd.getpwnam(name)
        except KeyError:
            continue
    raise Trouble("running as root, and there is neither a user postgres nor a user nobody")


class Postgres:
    """A cluster with a database `vacancy`, whose owner may do everything.

    The password reaches clients as deploy/docker hands it over: in a file named by PGPASSFILE,
    which is set for everything this process starts from now on.
    """

    def __init__(self, fleet):
        self._tools = find_postgres()
        if self._tools is None:
            raise Trouble("no PostgreSQL server: `apt-get install postgresql`, or set PG_BIN")
        self._home = fleet.folder / "postgres"
        self._home.mkdir(mode=0o700)
        self._as_user = {}
        if os.geteuid() == 0:  # initdb refuses root, and so does the server.
            user = unprivileged()
            self._as_user = {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}
            os.chown(self._home, user.pw_uid, user.pw_gid)
        self.port = free_port()
        self.url = f"postgres://vacancy@127.0.0.1:{self.port}/vacancy"
        password = secrets.token_hex(16)
        # The file that PGPASSFILE names is not this user's.
        self._environment = {**os.environ, "PGPASSWORD": password}
        self._make(password, fleet.folder / "pgpass")
        self.program = self._serve(fleet)
        self._run("createdb", *self._where(), "vacancy")

    def _make(self, password, passfile):
        given = self._home / "password"
        given.write_text(password)
        words = "-D data -U vacancy -A scram-sha-256 --pwfile password -E UTF8 --locale=C --no-sync"
        self._run("initdb", *words.split())
        passfile.touch(mode=0o600)
        passfile.write_text(f"127.0.0.1:{self.port}:*:vacancy:{password}\n")
        os.environ["PGPASSFILE"] = str(passfile)

    def _serve(self, fleet):
        settings = [f"--{name}={value}" for name, value in SETTINGS.items()]
        # It gives up by itself, after three seconds.
        ready = [self._tools / "pg_isready", "-q", *self._where()]
        return fleet.start(
            "postgres",
            [self._tools / "postgres", "-D", "data", f"--port={self.port}", *settings],
            port=self.port,
            is_up=lambda: subprocess.run(ready, check=False).returncode == 0,
            stop_by=signal.SIGINT,  # Ends sessions instead of waiting for them.
            cwd=self._home,
            **self._as_user,
        )

    def sql(self, statement):
        """Runs a statement in the service's database, as its owner."""
        where = [*self._where(), "-d", "vacancy"]
        self._run("psql", "-Xq", *where, "-v", "ON_ERROR_STOP=1", "-c", statement)

    @contextlib.contextmanager
    def holding(self, statement):
        """Keeps a transaction open in which `statement` was run, such as one that locks a row."""
        words = ["-Xqt", *self._where(), "-d", "vacancy", "-v", "ON_ERROR_STOP=1"]
        with subprocess.Popen(
            [self._tools / "psql", *words],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=self._home,
            env=self._environment,
            **self._as_user,
        ) as psql:
            psql.stdin.write(f"BEGIN;\n{statement};\n\\echo held\n")
            psql.stdin.flush()
            if "held\n" not in iter(psql.stdout.readline, ""):
                raise Trouble(f"psql failed: {statement}")
            # At the end of its input it goes, and the transaction with it.
            yield

    def _where(self):
        return ["-h", "127.0.0.1", "-p", str(self.port), "-U", "vacancy"]

    def _run(self, tool, *arguments):
        done = subprocess.run(
            [self._tools / tool, *arguments],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=600,
            check=False,
            cwd=self._home,
            env=self._environment,
            **self._as_user,
        )
        if done.returncode != 0:
            raise Trouble(f"{tool} failed: {done.stderr.strip()}")
