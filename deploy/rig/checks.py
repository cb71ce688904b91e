"""Expectations, printed and counted one by one, for scripts that go on after a failure."""

passed = failed = not_run = 0


def check(what, ok, seen=""):
    """Counts one expectation and prints it; `seen` is printed when it does not hold."""
    global passed, failed
    passed, failed = passed + bool(ok), failed + (not ok)
    shown = seen if isinstance(seen, str) else repr(seen)
    print(f"  ok    {what}" if ok else f"  FAIL  {what}: {shown}", flush=True)


def skip(what, why):
    """Says and counts what could not be looked at."""
    global not_run
    not_run += 1
    print(f"  --    {what}: not run, {why}", flush=True)
