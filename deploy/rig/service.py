"""The service itself."""

import subprocess

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


def vacancy(binary, command, database_url, **options):
    """Runs `vacancy migrate` or `vacancy audit` to its end."""
    return subprocess.run(
        [binary, command, "--database-url", database_url],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=COMMAND_SECONDS,
        check=False,
        **options,
    )
