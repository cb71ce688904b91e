"""etcd, three Patroni nodes and haproxy on loopback."""

import json
import os
import re
import secrets
import shutil
import signal
import string
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

import rig

from .processes import alive, clean_environment, kill_tree, naming, send

HERE = Path(__file__).resolve().parent.parent
NODES = ("pg1", "pg2", "pg3")
DATABASE = "vacancy"
MAX_CONNECTIONS = 100
START_SECONDS = 120
REJOIN_SECONDS = 180
PACKAGES = "apt-get install -y --no-install-recommends patroni etcd-server haproxy postgresql"


@dataclass(frozen=True)
class Mode:
    """What a commit waits for."""

    synchronous: bool
    strict: bool
    standbys: int


@dataclass(frozen=True)
class Node:
    """One PostgreSQL under one Patroni."""

    name: str
    directory: Path
    pg_port: int
    rest_port: int


def find_programs():
    """Paths of everything that is run, or a failure that says what to install."""
    found = {name: shutil.which(name) for name in ("etcd", "patroni", "haproxy", "setpriv")}
    found["postgresql"] = rig.find_postgres()
    missing = sorted(name for name, path in found.items() if path is None)
    if missing:
        raise rig.Trouble(f"not found: {', '.join(missing)}; on Debian: {PACKAGES}")
    said = subprocess.run([found["patroni"], "--version"], capture_output=True, text=True)
    version = re.search(r"(\d+)\.", said.stdout)
    if version is None or int(version[1]) < 3:
        raise rig.Trouble(f"Patroni 3 or later is needed, this is: {said.stdout.strip()}")
    return found


def get_json(port, path):
    """Status and body of a GET on loopback; (None, None) if there is no answer."""
    status, body = rig.get(f"127.0.0.1:{port}", path)
    try:
        return (status, json.loads(body or b"null")) if status else (None, None)
    except ValueError:
        return None, None


class Cluster:
    """Knows who leads, kills it, and brings it back."""

    def __init__(self, processes, mode):
        self.processes = processes
        self.programs = find_programs()
        self.mode = mode
        ports = [rig.free_port() for _ in range(9)]
        self.etcd_port, self.etcd_peer_port, self.port = ports[:3]
        root = processes.directory
        self.nodes = [
            Node(name, root / name, ports[3 + 2 * i], ports[4 + 2 * i])
            for i, name in enumerate(NODES)
        ]
        self.passwords = {
            who: secrets.token_hex(16) for who in ("superuser", "replication", "rewind", "service")
        }

    @property
    def url(self):
        """Where the service connects: haproxy's port."""
        return f"postgres://vacancy:{self.passwords['service']}@127.0.0.1:{self.port}/{DATABASE}"

    def start(self):
        """Brings everything up and returns the seconds until the first leader accepted writes."""
        began = time.monotonic()
        self._start_etcd()
        for node in self.nodes:
            self._configure(node)
            self.start_patroni(node)
        leader = rig.wait_until("the cluster has a leader", self.leader, START_SECONDS)
        self._create_database(leader)
        first_leader = time.monotonic() - began
        self._start_haproxy()
        self.wait_until_whole()
        return first_leader

    def _start_etcd(self):
        data = self._own_directory("etcd")
        client = f"http://127.0.0.1:{self.etcd_port}"
        peer = f"http://127.0.0.1:{self.etcd_peer_port}"
        command = [self.programs["etcd"], "--name", "etcd1", "--data-dir", data]
        command += ["--listen-client-urls", client, "--advertise-client-urls", client]
        command += ["--listen-peer-urls", peer, "--initial-advertise-peer-urls", peer]
        command += ["--initial-cluster", f"etcd1={peer}"]

        def healthy():
            return get_json(self.etcd_port, "/health")[1] == {"health": "true"}

        self.processes.start("etcd", command, port=self.etcd_port, is_up=healthy)

    def _own_directory(self, name):
        directory = self.processes.directory / name
        directory.mkdir(mode=0o700)
        self._give_away(directory)
        return directory

    def _give_away(self, path):
        if os.geteuid() == 0:
            os.chown(path, self.processes.user.pw_uid, self.processes.user.pw_gid)

    def _write(self, path, template, **values):
        text = string.Template((HERE / template).read_text()).substitute(values)
        path.touch(mode=0o600)
        path.write_text(text)
        self._give_away(path)

    def _configure(self, node):
        self._own_directory(node.name)
        self._write(
            node.directory / "patroni.yml",
            "patroni.yml",
            name=node.name,
            directory=node.directory,
            rest_port=node.rest_port,
            pg_port=node.pg_port,
            etcd_hosts=f"127.0.0.1:{self.etcd_port}",
            bin_dir=self.programs["postgresql"],
            synchronous_mode=str(self.mode.synchronous).lower(),
            synchronous_mode_strict=str(self.mode.strict).lower(),
            synchronous_node_count=self.mode.standbys,
            max_connections=MAX_CONNECTIONS,
            superuser_password=self.passwords["superuser"],
            replication_password=self.passwords["replication"],
            rewind_password=self.passwords["rewind"],
        )

    def start_patroni(self, node):
        """Starts a node's Patroni, which starts, clones or rewinds its PostgreSQL."""
        command = [self.programs["patroni"], node.directory / "patroni.yml"]
        self.processes.start(node.name, command)

    def _start_haproxy(self):
        servers = [
            f"    server {node.name} 127.0.0.1:{node.pg_port} check port {node.rest_port}"
            for node in self.nodes
        ]
        config = self.processes.directory / "haproxy.cfg"
        values = {
            "listen_port": self.port,
            "maxconn": MAX_CONNECTIONS,
            "servers": "\n".join(servers),
        }
        self._write(config, "haproxy.cfg", **values)

        def leads_to_primary():
            try:
                return self.query("SELECT NOT pg_is_in_recovery()") == ["t"]
            except rig.Trouble:
                return False

        command = [self.programs["haproxy"], "-db", "-f", config]
        self.processes.start("haproxy", command, port=self.port, is_up=leads_to_primary)

    def _create_database(self, leader):
        password = self.passwords["service"]
        # The leader is told of before it has left recovery, so the first statement waits for that.
        rig.wait_until(
            "the first leader accepts writes", lambda: self._is_primary(leader), START_SECONDS
        )
        self.admin(leader, f"CREATE ROLE vacancy LOGIN PASSWORD '{password}'")
        self.admin(leader, f"CREATE DATABASE {DATABASE} OWNER vacancy")

    def _is_primary(self, node):
        return self.admin(node, "SELECT NOT pg_is_in_recovery()") == ["t"]

    def admin(self, node, sql):
        """Lines that `sql` answers on one node, asked past haproxy as superuser."""
        return self._psql(node.pg_port, "postgres", self.passwords["superuser"], "postgres", sql)

    def query(self, sql):
        """Lines that `sql` answers through haproxy, as the service's role."""
        return self._psql(self.port, "vacancy", self.passwords["service"], DATABASE, sql)

    def _psql(self, port, user, password, database, sql):
        psql = self.programs["postgresql"] / "psql"
        command = [psql, "-XAtq", "-v", "ON_ERROR_STOP=1", "-c", sql]
        environment = clean_environment(self.processes.directory) | {
            "PGHOST": "127.0.0.1",
            "PGPORT": str(port),
            "PGUSER": user,
            "PGPASSWORD": password,
            "PGDATABASE": database,
            "PGCONNECT_TIMEOUT": "3",
        }
        try:
            said = subprocess.run(
                command, env=environment, capture_output=True, text=True, timeout=60
            )
        except subprocess.TimeoutExpired:
            raise rig.Trouble(f"psql did not answer within 60 s: {sql}") from None
        if said.returncode != 0:
            raise rig.Trouble(f"psql failed: {said.stderr.strip()}")
        return said.stdout.splitlines()

    def members(self):
        """What Patroni says of its members, from the first node that answers."""
        for node in self.nodes:
            status, body = get_json(node.rest_port, "/cluster")
            if status == 200:
                return body.get("members", [])
        return []

    def leader(self):
        """The node that answers `/primary`, which is what haproxy asks; None during an election."""
        for node in self.nodes:
            if get_json(node.rest_port, "/primary")[0] == 200:
                return node
        return None

    def postmaster(self, node):
        """The pid of a node's postmaster, or None. Only one on our own data directory counts."""
        try:
            pid = int((node.directory / "data/postmaster.pid").read_text().split()[0])
            command = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
        except (OSError, ValueError, IndexError):
            return None
        ours = os.fsencode(node.directory / "data")
        return pid if alive(pid) and ours in command else None

    def standbys(self, leader):
        """{name: sync_state} of the standbys that stream from `leader` and have caught up."""
        sql = (
            "SELECT application_name, sync_state FROM pg_stat_replication WHERE state = 'streaming'"
        )
        try:
            return dict(line.split("|") for line in self.admin(leader, sql))
        except rig.Trouble:
            return {}

    def synchronous_standbys(self, leader):
        """Names that the leader's commits wait for and that Patroni may promote, both."""
        waiting = {name for name, state in self.standbys(leader).items() if state != "async"}
        promotable = {m["name"] for m in self.members() if m.get("role") == "sync_standby"}
        return waiting & promotable

    def wait_until_whole(self):
        """Waits until a leader has every other node streaming and, if asked for, synchronous.

        Returns that leader.
        """

        def whole():
            leader = self.leader()
            if leader is None or len(self.standbys(leader)) != len(self.nodes) - 1:
                return None
            if self.mode.synchronous:
                enough = len(self.synchronous_standbys(leader)) >= self.mode.standbys
                return leader if enough else None
            return leader

        return rig.wait_until("all standbys stream again", whole, REJOIN_SECONDS, every=0.25)

    def stall_replication(self, leader, seconds):
        """Freezes the leader's WAL senders, as a network to the standbys that drops everything.

        They are left frozen, for the kill that follows.
        """
        pids = [int(pid) for pid in self.admin(leader, "SELECT pid FROM pg_stat_replication")]
        try:
            for pid in pids:
                send(pid, signal.SIGSTOP)
            time.sleep(seconds)
        except BaseException:
            # Stopping the cluster would wait for them.
            for pid in pids:
                send(pid, signal.SIGCONT)
            raise

    def kill_leader(self, leader, victim):
        """kill -9 of the leader's PostgreSQL, its Patroni, or both. Returns when, monotonic."""
        postmaster = self.postmaster(leader)
        if postmaster is None:
            raise rig.Trouble(f"{leader.name} leads but has no postmaster")
        killed_at = time.monotonic()
        if victim in ("node", "patroni"):
            self.processes.kill(leader.name)
        if victim in ("node", "postgres"):
            kill_tree(postmaster)
        return killed_at

    def log_size(self, node):
        """Length of a node's Patroni log, to read on from there."""
        return (self.processes.directory / f"{node.name}.log").stat().st_size

    def way_back(self, node, offset):
        """How a node came back to the cluster, from what its Patroni logged after `offset`."""
        log = (self.processes.directory / f"{node.name}.log").read_bytes()[offset:]
        if b"replica has been created using basebackup" in log:
            return "copied anew"
        if b"running pg_rewind from" in log:
            return "pg_rewind"
        return "without rewinding"

    def stop(self):
        """Stops haproxy, the nodes and etcd, and what a killed Patroni left running."""
        self.processes.stop(["haproxy"], 5)
        # The leader last: a leader that stops asks the others how far they are.
        leader = self.leader()
        self.processes.stop([node.name for node in self.nodes if node != leader], 20)
        self.processes.stop(NODES, 20)
        # A Patroni that was killed, or stopped in the middle of initdb, leaves its children. They
        # name the node's directory, which is this run's alone. One may just have started another.
        for _ in range(5):
            left = [pid for node in self.nodes for pid in naming(node.directory)]
            if not left:
                break
            for pid in left:
                kill_tree(pid)
            time.sleep(0.2)
        self.processes.stop(["etcd"], 5)
