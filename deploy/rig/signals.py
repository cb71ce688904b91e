"""The usual signals unwind the stack, once, so that nothing stays behind."""

import contextlib
import signal

# SIGINT is among them because a shell hands it down ignored to what it runs in the background.
USUAL = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Interrupted(SystemExit):
    """A signal asked us to stop; uncaught, it ends the script as a shell would report it."""

    def __init__(self, number):
        super().__init__(128 + number)
        self.signal = signal.Signals(number)


def turn_signals_into_exits():
    """From now on, each of the usual signals raises `Interrupted`; only the first one does."""

    def leave(number, _):
        for usual in USUAL:
            signal.signal(usual, signal.SIG_IGN)
        raise Interrupted(number)

    for usual in USUAL:
        signal.signal(usual, leave)


@contextlib.contextmanager
def ignore_signals():
    """While things are being stopped, nothing may interrupt that."""
    before = [signal.signal(usual, signal.SIG_IGN) for usual in USUAL]
    try:
        yield
    finally:
        for usual, handler in zip(USUAL, before):
            signal.signal(usual, handler)
