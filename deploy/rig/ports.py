"""Ports of 127.0.0.1, and requests to one of them."""

import http.client
import pathlib
import random
import socket

LOWEST, HIGHEST = 15_000, 32_000
EPHEMERAL = pathlib.Path("/proc/sys/net/ipv4/ip_local_port_range")

# A socket for each port that was given, held as long as this process lives.
_given = {}


def free_port():
    """A port that nothing listens on, given to no other process that asks here.

    It is below the ports of outgoing connections. One of those could be the load's own connection,
    which would take the port before the server comes, or while it is killed and started again.
    """
    ports = _ports()
    for port in random.sample(ports, len(ports)):
        if port not in _given and _can_bind(port) and _claim(port):
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


def _claim(port):
    """Takes the port's name, which one process has at a time: the port itself is free until its
    server has started, and while it is killed and started again."""
    claim = socket.socket(socket.AF_UNIX)
    try:
        # An abstract name, as Linux has them: of this network, like the port, and gone with us.
        claim.bind(f"\0vacancy-rig-port-{port}")
    except OSError:
        claim.close()
        return False
    _given[port] = claim
    return True


def is_taken(port):
    """Whether a program listens there."""
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


class Connection(http.client.HTTPConnection):
    """Sends a request's head and body in one piece. In two, a client that is not scheduled between them
    is one whose body does not come, and is answered 408."""

    _pieces = None

    def request(self, *arguments, **options):
        self._pieces = []
        try:
            super().request(*arguments, **options)
            whole = b"".join(self._pieces)
        finally:
            self._pieces = None
        self.send(whole)

    def send(self, data):
        if self._pieces is None:
            super().send(data)
        else:
            self._pieces.append(data)


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
