"""Starts a throw-away PostgreSQL, replicas of the service and a Prometheus that scrapes them.

Everything listens on 127.0.0.1, keeps its files below one temporary folder, and is stopped by the
process handle that was kept when it started: in reverse order, politely first, and also when the
test fails or is interrupted.
"""

import contextlib
import glob
import json
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import urllib.error
import urllib.parse
import urllib.request

START_SECONDS = 30
STOP_SECONDS = 15
POSTGRES_USER = "nobody"


class Trouble(Exception):
    """Something of the rig does not work; the message is for whoever runs it."""


class Fleet(contextlib.ExitStack):
    """A stack of what was started; leaving it stops and removes everything."""

    def __init__(self):
        super().__init__()
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="vacancy-compare-"))
        # PostgreSQL runs as another user when we are root and has to pass through.
        self.folder.chmod(0o755)
        self.callback(shutil.rmtree, self.folder, ignore_errors=True)

    def start(self, name, command, *, stop_signal=signal.SIGTERM, **options):
        """Starts a program in a session of its own, so that Ctrl-C reaches us and not it."""
        log = self.enter_context(open(self.folder / f"{name}.log", "wb"))
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            **options,
        )
        self.callback(stop, process, stop_signal)
        return process

    def log_tail(self, name, lines=15):
        """The end of a program's log, for the message that says it did not work."""
        with contextlib.suppress(OSError):
            text = (self.folder / f"{name}.log").read_text(errors="replace")
            return "\n".join(f"    {line}" for line in text.splitlines()[-lines:])
        return ""

    def wait_until_up(self, name, process, answers):
        """Waits until `answers()` is true. Fails when the process ends or time runs out."""
        deadline = time.monotonic() + START_SECONDS
        while not answers():
            if process.poll() is not None:
                raise Trouble(f"{name} ended with {process.returncode}:\n{self.log_tail(name)}")
            if time.monotonic() > deadline:
                raise Trouble(f"{name} not up in {START_SECONDS} s:\n{self.log_tail(name)}")
            time.sleep(0.1)


def stop(process, stop_signal=signal.SIGTERM):
    """Stops a process we started and waits for its end."""
    if process.poll() is not None:
        return
    # A process that a test has stopped in its tracks has to run to hear the signal.
    process.send_signal(signal.SIGCONT)
    process.send_signal(stop_signal)
    try:
        process.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait(STOP_SECONDS)


def free_port():
    """A port that was free a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def http_status(url, timeout=2):
    """The status of a GET, or 0 when nobody answers."""
    try:
        with urllib.request.urlopen(url, timeout=timeout) as response:
            return response.status
    except urllib.error.HTTPError as error:
        return error.code
    except OSError:
        return 0


def find_postgres():
    """The folder of the newest PostgreSQL server binaries, or None."""
    found = glob.glob("/usr/lib/postgresql/*/bin/initdb")
    if found:
        return os.path.dirname(max(found, key=lambda path: float(path.split("/")[-3])))
    found = shutil.which("initdb")
    return os.path.dirname(found) if found else None


def start_postgres(fleet):
    """A fresh cluster with production's durability. Returns its process and URL."""
    binaries = find_postgres()
    data = fleet.folder / "postgres"
    data.mkdir()
    as_user = {}
    if os.geteuid() == 0:  # initdb refuses root.
        as_user = {"user": POSTGRES_USER, "group": "nogroup", "extra_groups": []}
        shutil.chown(data, POSTGRES_USER, "nogroup")
    initdb = subprocess.run(
        [f"{binaries}/initdb", "-D", data, *"-U postgres -A trust -E UTF8 --locale=C".split()],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
        cwd=data,
        **as_user,
    )
    if initdb.returncode != 0:
        raise Trouble(f"initdb failed:\n{initdb.stderr}")
    port = free_port()
    process = fleet.start(
        "postgres",
        [f"{binaries}/postgres", "-D", data, "-h", "127.0.0.1", "-p", str(port), "-k", data],
        stop_signal=signal.SIGINT,  # Ends sessions instead of waiting for them.
        cwd=data,
        **as_user,
    )
    ready = [f"{binaries}/pg_isready", "-q", "-h", "127.0.0.1", "-p", str(port)]
    fleet.wait_until_up(
        "postgres",
        process,
        lambda: subprocess.run(ready, timeout=10, check=False).returncode == 0,
    )
    return process, f"postgres://postgres@127.0.0.1:{port}/postgres?sslmode=disable"


def start_replica(fleet, binary, name, database_url):
    """One replica of the service. Returns its process and `host:port`."""
    address = f"127.0.0.1:{free_port()}"
    process = fleet.start(
        name,
        [binary, "serve", "--listen", address, "--database-url", database_url],
        cwd=fleet.folder,
    )
    fleet.wait_until_up(name, process, lambda: http_status(f"http://{address}/readyz") == 200)
    return process, address


def start_prometheus(fleet, rules, targets):
    """A Prometheus that scrapes the targets and evaluates our rules every second."""
    port = free_port()
    config = fleet.folder / "prometheus.yml"
    # JSON is YAML, and needs no library.
    config.write_text(
        json.dumps(
            {
                "global": {
                    "scrape_interval": "1s",
                    "scrape_timeout": "1s",
                    "evaluation_interval": "1s",
                },
                "rule_files": [str(path) for path in rules],
                "scrape_configs": [
                    {"job_name": "vacancy", "static_configs": [{"targets": list(targets)}]}
                ],
            }
        )
    )
    process = fleet.start(
        "prometheus",
        [
            "prometheus",
            f"--config.file={config}",
            f"--storage.tsdb.path={fleet.folder / 'tsdb'}",
            f"--web.listen-address=127.0.0.1:{port}",
            "--log.level=warn",
        ],
        cwd=fleet.folder,
    )
    prometheus = Prometheus(f"http://127.0.0.1:{port}")
    fleet.wait_until_up(
        "prometheus", process, lambda: http_status(f"{prometheus.url}/-/ready") == 200
    )
    return prometheus


class Prometheus:
    """The HTTP API of a Prometheus."""

    def __init__(self, url):
        self.url = url.rstrip("/")

    def get(self, path, **parameters):
        """The `data` of an answer. Fails with Prometheus's own words."""
        url = f"{self.url}/api/v1/{path}?{urllib.parse.urlencode(parameters)}"
        try:
            with urllib.request.urlopen(url, timeout=30) as response:
                return json.load(response)["data"]
        except urllib.error.HTTPError as error:
            raise Trouble(f"{url}: {error.read().decode(errors='replace')}") from error
        except OSError as error:
            raise Trouble(f"{url}: {error}") from error

    def vector(self, expr):
        """The instant answer to a query: a list of `(labels, value)`."""
        data = self.get("query", query=expr)
        if data["resultType"] == "scalar":
            return [({}, float(data["result"][1]))]
        return [(sample["metric"], float(sample["value"][1])) for sample in data["result"]]

    def value(self, expr):
        """The one value of a query, or None when there is none. Fails when there are several."""
        samples = self.vector(expr)
        if len(samples) > 1:
            raise Trouble(f"{expr} has {len(samples)} answers, expected one")
        return samples[0][1] if samples else None

    def by(self, expr, *labels):
        """The answers of a query as a dictionary from the values of these labels."""
        return {
            tuple(metric.get(label, "") for label in labels): value
            for metric, value in self.vector(expr)
        }


def turn_signals_into_exits():
    """Lets the usual signals unwind the stack, once, so that nothing stays behind.

    SIGINT is among them because a shell hands it down ignored to what it runs in the background.
    """
    usual = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

    def leave(received, _):
        for number in usual:
            signal.signal(number, signal.SIG_IGN)  # Do not interrupt the stopping itself.
        raise SystemExit(128 + received)

    for number in usual:
        signal.signal(number, leave)
