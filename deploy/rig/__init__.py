"""What the tests of deploy/ start: PostgreSQL, replicas of the service, Prometheus.

Everything listens on 127.0.0.1 below the ports of outgoing connections, keeps its files below one
temporary folder, and is stopped by the handle that was kept when it started: in reverse order,
politely first, and also when the test fails or is interrupted.

A script finds this package by the folder above its own:

    sys.path.insert(0, str(HERE.parent))
    import rig
"""

from .fleet import Fleet, Program, TimeIsUp, Trouble, comes, wait_until
from .ports import Connection, bearing, free_port, get
from .postgres import Postgres, find_postgres, unprivileged
from .programs import built_binary, default_binary, find_binary, find_program
from .prometheus import RULES, Prometheus, start_prometheus
from .service import make_key, start_replica, vacancy
from .signals import Interrupted, ignore_signals, turn_signals_into_exits

__all__ = [
    "RULES",
    "Connection",
    "Fleet",
    "Interrupted",
    "Postgres",
    "Program",
    "Prometheus",
    "TimeIsUp",
    "Trouble",
    "bearing",
    "built_binary",
    "comes",
    "default_binary",
    "find_binary",
    "find_postgres",
    "find_program",
    "free_port",
    "get",
    "ignore_signals",
    "make_key",
    "start_prometheus",
    "start_replica",
    "turn_signals_into_exits",
    "unprivileged",
    "vacancy",
    "wait_until",
]
