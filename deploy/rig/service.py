"""The service itself."""

import subprocess

from .fleet import Trouble
from .ports import free_port, get

COMMAND_SECONDS = 600


def start_replica(fleet, binary, name, database_url, *options):
    """One replica, up when it is ready. It can be killed and started again on the same port."""
    port = free_port()
    where = ["--listen", f"127.0.0.1:{port}", "--database-url", database_url]
    return fleet.start(
        name,
        [binary, "serve", *where, *options],
        port=port,
        is_up=lambda: get(f"127.0.0.1:{port}", "/readyz")[0] == 200,
        cwd=fleet.folder,
    )


def vacancy(binary, command, database_url, *words, **options):
    """Runs `vacancy migrate`, `audit` or `keys` to its end."""
    return subprocess.run(
        [binary, command, *words, "--database-url", database_url],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=COMMAND_SECONDS,
        check=False,
        **options,
    )


def make_key(binary, database_url, name, scope, **options):
    """A new key of a principal of its own, as an operator makes it. The tables must be there."""
    words = ("create", "--name", name, "--scopes", scope)
    made = vacancy(binary, "keys", database_url, *words, **options)
    if made.returncode != 0:
        raise Trouble(f"vacancy keys exited {made.returncode}: {made.stderr[:2000]}")
    return made.stdout.strip()
