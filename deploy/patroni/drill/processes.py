"""What is peculiar to a failover: servers of another user, processes that are not our children."""

import os
import signal
import time
from pathlib import Path

import rig


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
    """What this run started, by name. Servers run as an unprivileged user, none with more than
    the few variables of `clean_environment`."""

    def __init__(self, fleet):
        self.fleet = fleet
        self.directory = fleet.folder
        self.user = rig.unprivileged()
        self._running = {}

    def start(self, name, command, *, privileged=False, **options):
        """Starts `command` with its output in `<directory>/<name>.log`, appended to."""
        # If the rig dies without a chance to clean up, the kernel tells its children to stop.
        wrapper = ["setpriv", "--pdeathsig", "TERM"]
        if os.geteuid() == 0 and not privileged:
            wrapper += ["--reuid", self.user.pw_uid, "--regid", self.user.pw_gid, "--clear-groups"]
        environment = clean_environment(self.directory)
        self._running[name] = self.fleet.start(
            name, [*wrapper, "--", *command], cwd=self.directory, env=environment, **options
        )

    def check(self, name):
        """Fails if a child that ought to run has ended."""
        self._running[name].check()

    def kill(self, name):
        """kill -9, and the exit status is collected."""
        self._running.pop(name).kill()

    def stop(self, names, seconds):
        """Asks the named children to end, all at once; after `seconds`, kills those that live."""
        asked = [self._running.pop(name) for name in names if name in self._running]
        for program in asked:
            program.ask_to_stop()
        deadline = time.monotonic() + seconds
        for program in asked:
            program.wait(max(0.0, deadline - time.monotonic()))

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
