"""HAProxy with the shipped file."""

import os
import pathlib
import socket

import rig
from client import call

HERE = pathlib.Path(__file__).resolve().parent
BACKENDS = ("repeatable", "once", "room_repeatable", "room_once")


class Proxy:
    """HAProxy with the shipped file; only its environment says where things are."""

    def __init__(self, fleet, name, port_a, port_b):
        self.port, self.admin_port = rig.free_port(), rig.free_port()
        # The path of a unix socket is at most 107 bytes.
        self.socket = f"{fleet.folder}/{name}.sock"
        environment = {
            **os.environ,
            "VACANCY_PROXY_BIND": f"127.0.0.1:{self.port}",
            "VACANCY_PROXY_ADMIN": f"127.0.0.1:{self.admin_port}",
            "VACANCY_PROXY_SOCKET": self.socket,
            "VACANCY_REPLICA_A": f"127.0.0.1:{port_a}",
            "VACANCY_REPLICA_B": f"127.0.0.1:{port_b}",
        }
        self.program = fleet.start(
            f"haproxy-{name}",
            ["haproxy", "-db", "-f", HERE / "haproxy.cfg"],
            port=self.port,
            is_up=lambda: self.up("a", "b"),
            env=environment,
        )

    def command(self, line):
        with socket.socket(socket.AF_UNIX) as s:
            s.settimeout(60)
            s.connect(self.socket)
            s.sendall(line.encode() + b"\n")
            return b"".join(iter(lambda: s.recv(65536), b"")).decode()

    def stats(self):
        """{(proxy, server): {column: value}} of HAProxy's own counters."""
        lines = self.command("show stat").lstrip("# ").strip().splitlines()
        columns = lines[0].split(",")
        rows = [dict(zip(columns, line.split(","))) for line in lines[1:]]
        return {(row["pxname"], row["svname"]): row for row in rows}

    def status(self, server, backend="repeatable"):
        return self.stats()[(backend, server)]["status"]

    def up(self, *servers):
        try:
            return all(
                self.status(s, b).startswith("UP") or self.status(s, b) == "no check"
                for s in servers
                for b in BACKENDS
            )
        except (OSError, KeyError, IndexError):
            return False

    def call(self, method, path, body=None, **headers):
        """Asks through the proxy, and again while it says that it knows of no replica: such a request
        has reached none. Checks that a busy machine did not answer in time have taken them out."""

        def answer():
            answer = call(self.port, method, path, body, **headers)
            is_refused = answer.status == 503 and b"no replica can be reached" in answer.body
            return None if is_refused else answer

        return rig.wait_until(f"a replica takes {method} {path}", answer)

    def steadily(self, case, servers=("a", "b")):
        """What `case()` returns: whether it is well, and what was seen. It rests on these replicas being
        known to the proxy, so one that is not well is tried anew if the proxy lost sight of one, which
        it does when a busy machine lets the checks wait."""
        for _ in range(5):
            rig.wait_until("the proxy knows the replicas", lambda: self.up(*servers))
            lost = self.lost(servers)
            is_well, seen = case()
            if is_well or (self.lost(servers) == lost and self.up(*servers)):
                break
        return is_well, seen

    def lost(self, servers):
        """How many checks of each have failed, and how often it was taken out."""
        rows = self.stats()
        each = (rows["repeatable", server] for server in servers)
        return [(row["chkfail"], row["chkdown"]) for row in each]

    def retries(self):
        rows = self.stats()
        return sum(int(rows[(b, "BACKEND")]["wretr"]) for b in BACKENDS)
