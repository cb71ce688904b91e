"""Ports of 127.0.0.1, and a GET on one of them, with a key or without."""

import http.client
import pathlib
import random
import socket

LOWEST, HIGHEST = 15_000, 32_000
EPHEMERAL = pathlib.Path("/proc/sys/net/ipv4/ip_local_port_range")

_given = set()


def free_port():
    """A port that nothing listens on, given only once in this process.

    It is below the ports of outgoing connections. One of those could be the load's own connection,
    which would take the port before the server comes, or while it is killed and started again.
    """
    ports = _ports()
    for port in random.sample(ports, len(ports)):
        if port not in _given and _can_bind(port):
            _given.add(port)
            return port
    raise OSError(f"no free port from {ports.start} to {ports.stop - 1} on 127.0.0.1")


def _ports():
    """Where ports are taken from. Where outgoing connections begin lower still, nothing is safe."""
    lowest_ephemeral = int(EPHEMERAL.read_text().split()[0]) if EPHEMERAL.exists() else HIGHEST
    below = range(LOWEST, min(HIGHEST, lowest_ephemeral))
    return below or range(LOWEST, HIGHEST)


def _can_bind(port):
    with socket.socket() as probe:
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True


def is_taken(port):
    """Whether a program listens there."""
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def bearing(key):
    """The headers of a request with this key; none without one."""
    return {"Authorization": f"Bearer {key}"} if key else {}


def get(address, path, seconds=2, key=None):
    """Status and body of a GET on `host:port`; 0 and nothing when there is no whole answer."""
    connection = http.client.HTTPConnection(address, timeout=seconds)
    try:
        connection.request("GET", path, headers=bearing(key))
        response = connection.getresponse()
        return response.status, response.read()
    except (OSError, http.client.HTTPException):
        return 0, b""
    finally:
        connection.close()
