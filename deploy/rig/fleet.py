"""Programs that are started, waited for and stopped, and the stack that stops them."""

import contextlib
import pathlib
import shutil
import signal
import subprocess
import tempfile
import time

from .ports import is_taken
from .signals import ignore_signals

# Long enough for a cold machine that does other things, too: it costs time only where something hangs.
START_SECONDS = 120
STOP_SECONDS = 60  # The service promises 10; where that is the question, the time is taken.
POLL_SECONDS = 0.1
LOG_LINES = 15


class Trouble(Exception):
    """Something of the rig does not work; the message is for the user who runs it."""


class TimeIsUp(Trouble):
    """What was waited for did not come."""


def wait_until(what, condition, seconds=START_SECONDS, every=POLL_SECONDS):
    """Asks until the answer is true, and returns it. Fails after `seconds`."""
    deadline = time.monotonic() + seconds
    while True:
        # Before it is asked: a process that was not scheduled until the deadline asks once more.
        is_last = time.monotonic() > deadline
        answer = condition()
        if answer:
            return answer
        if is_last:
            raise TimeIsUp(f"waited {seconds} s in vain until {what}")
        time.sleep(every)


def comes(condition, seconds=START_SECONDS):
    """Whether it becomes true, for a check that has to go on where it does not."""
    with contextlib.suppress(TimeIsUp):
        return bool(wait_until("it is so", condition, seconds))
    return False


class Program:
    """A program that can be started again after it was stopped or killed, always on one port."""

    def __init__(
        self, name, command, log, *, port=None, is_up=None, stop_by=signal.SIGTERM, **options
    ):
        self.name, self.log, self.port = name, log, port
        self.address = f"127.0.0.1:{port}" if port else None
        self.process = None
        self._command = [str(word) for word in command]
        self._is_up, self._stop_by, self._options = is_up, stop_by, options

    def start(self):
        """Starts it in a session of its own, so that Ctrl-C reaches us and not it, and waits."""
        # Another program that took the port meanwhile would answer in its place.
        if self.port and is_taken(self.port):
            raise Trouble(f"{self.name} cannot start: another program has taken {self.address}")
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(
                self._command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                **self._options,
            )
        if self._is_up:
            self._wait_until_up()

    def _wait_until_up(self):
        def up():
            # In this order: an answer counts only if it was still running after it.
            answers = self._is_up()
            self.check()
            return answers

        try:
            wait_until(f"{self.name} is up", up)
        except TimeIsUp as failure:
            raise Trouble(f"{failure}{self._last_words()}") from None

    def check(self):
        """Fails if it has ended by itself."""
        status = self.process.poll()
        if status is not None:
            raise Trouble(f"{self.name} ended with {status}{self._last_words()}")

    def _last_words(self):
        lines = self.log.read_text(errors="replace").splitlines()[-LOG_LINES:]
        if len(lines) > 1:
            return "; its log says:" + "".join(f"\n    {line}" for line in lines)
        return f": {lines[0]}" if lines else ""

    def kill(self):
        """kill -9, as a crash would end it."""
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()

    def ask_to_stop(self):
        """Sends it the signal to stop."""
        if self.process and self.process.poll() is None:
            # A process that a test has stopped in its tracks has to run to hear the signal.
            self.process.send_signal(signal.SIGCONT)
            self.process.send_signal(self._stop_by)

    def wait(self, seconds=STOP_SECONDS):
        """Waits for its end and returns its status. What does not end in time is killed."""
        if self.process is None:
            return None
        with contextlib.suppress(subprocess.TimeoutExpired):
            return self.process.wait(seconds)
        self.kill()
        return self.process.returncode

    def stop(self):
        """Asks, waits, insists. Returns its status, which is also that of an earlier end."""
        self.ask_to_stop()
        return self.wait()


class Fleet(contextlib.ExitStack):
    """A stack of what was started; leaving it stops everything and removes its folder.

    Logs go to `report`, if there is one, and stay. `keep` says what to call the files of the folder
    when they are to stay, too.
    """

    def __init__(self, prefix, report=None):
        super().__init__()
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix=prefix)).resolve()
        # PostgreSQL runs as another user when we are root and has to pass through.
        self.folder.chmod(0o711)
        self.report = report or self.folder
        self.keep = None
        self.callback(self._leave_or_remove)

    def _leave_or_remove(self):
        if self.keep:
            print(f"{self.keep} are in {self.folder}", flush=True)
        else:
            shutil.rmtree(self.folder, ignore_errors=True)

    def start(self, name, command, **options):
        """Starts a program, logging to `NAME.log`, and waits until its `is_up()`, if given.

        `port` is where it listens, `stop_by` the signal that stops it; all else is for Popen.
        """
        program = Program(name, command, self.report / f"{name}.log", **options)
        self.callback(program.stop)
        program.start()
        return program

    def __exit__(self, *failure):
        with ignore_signals():
            return super().__exit__(*failure)
