"""Replicas that are killed, restarted or of another release, under load."""

import subprocess
import time

import rig
from client import call
from haproxy import BACKENDS
from load import Load
from rig.checks import check


def audit(binary, url, what):
    done = rig.vacancy(binary, "audit", url)
    check(f"{what}: audit is clean", done.returncode == 0, done.stdout + done.stderr)


def served(proxy, server):
    rows = proxy.stats()
    return sum(int(rows[(b, server)]["stot"]) for b in BACKENDS)


def crash(proxy, a, b, binary, url):
    print("crash: kill -9 under load, clients that send again with the same key")
    retries = proxy.retries()
    with Load(proxy.port) as load:
        time.sleep(1.5)
        for name, replica in (("a", a), ("b", b), ("a", a)):
            replica.kill()
            time.sleep(1.5)
            check(
                f"replica {name} killed: the proxy has noticed",
                rig.comes(lambda: proxy.status(name).startswith("DOWN")),
                proxy.status(name),
            )
            replica.start()
            rig.wait_until(f"replica {name} is back", lambda: proxy.up(name))
            before = served(proxy, name)
            check(
                f"replica {name} is back and takes requests again",
                rig.comes(lambda: served(proxy, name) > before),
                (before, served(proxy, name)),
            )
            time.sleep(1.0)
    print(
        f"        sent again by the proxy {proxy.retries() - retries}, by clients "
        f"{load.sent_again()}"
    )
    load.verify("crash")
    audit(binary, url, "crash")


def restart(proxy, a, b, binary, url):
    print("restart: SIGTERM under load, clients that never send again")
    retries = proxy.retries()
    with Load(proxy.port, patient=False, reads=True) as load:
        time.sleep(1.0)
        for name, replica in (("a", a), ("b", b)):
            roll(proxy, name, replica)
        time.sleep(0.5)
    print(f"        sent again by the proxy {proxy.retries() - retries}")
    check(
        f"restart: none of {sum(load.read_count)} reads failed",
        not load.read_failures,
        load.read_failures[:3],
    )
    load.verify("restart, keyed bookings")
    audit(binary, url, "restart")

    print("restart: drain, then SIGTERM, bookings without a key, clients that never send again")
    with Load(proxy.port, keyed=False, patient=False) as load:
        time.sleep(1.0)
        for name, replica in (("a", a), ("b", b)):
            proxy.command(f"set server repeatable/{name} state drain")
            check(
                f"replica {name} drains for writes without a key too",
                all(proxy.status(name, p).startswith("DRAIN") for p in BACKENDS),
                [proxy.status(name, p) for p in BACKENDS],
            )
            # As long as a request may take: what is under way on that replica ends first.
            idle = lambda: all(proxy.stats()[(p, name)]["scur"] == "0" for p in BACKENDS)
            rig.wait_until(f"replica {name} is idle", idle)
            roll(proxy, name, replica, drained=True)
        time.sleep(0.5)
    load.verify("restart after draining, bookings without a key")
    audit(binary, url, "restart after draining")


def roll(proxy, name, replica, drained=False):
    began = time.monotonic()
    status = replica.stop()
    took = time.monotonic() - began
    check(
        f"replica {name} ends within 10 s of SIGTERM with status 0 ({took:.2f} s)",
        status == 0 and took <= 10.0,
        (status, took),
    )
    replica.start()
    if drained:
        proxy.command(f"set server repeatable/{name} state ready")
    rig.wait_until(f"replica {name} is back", lambda: proxy.up(name))
    time.sleep(0.5)


def release(proxy, binary, postgres):
    """What a rollout rests on: no replica serves tables that are behind, and a replica that runs lives
    with tables that are ahead; only starting the older release on them is refused."""
    print("release: replicas and tables of different releases")
    postgres.sql("CREATE DATABASE empty OWNER vacancy")
    empty = postgres.url.removesuffix("vacancy") + "empty"

    def start(url):
        done = subprocess.run(
            [
                binary,
                "serve",
                "--listen",
                f"127.0.0.1:{rig.free_port()}",
                "--database-url",
                url,
                "--migrate=false",
                # A statement that took a second on a busy machine is another line.
                "--log=info,sqlx=error",
            ],
            capture_output=True,
            text=True,
            timeout=120,
        )
        return done.returncode, done.stderr.strip()

    status, said = start(empty)
    check(
        "a replica on tables that are not there ends with one line",
        status == 1 and "migrate" in said and "\n" not in said,
        (status, said),
    )
    postgres.sql("INSERT INTO seaql_migrations VALUES ('m9999_of_a_later_release', 1)")
    time.sleep(2.5)  # Time for the proxy's checks to change their mind, if they do.

    def stay_ready():
        return call(proxy.port, "GET", "/readyz").status == 200 and proxy.up("a", "b")

    check(
        "replicas that run stay ready when a later release has migrated",
        rig.comes(stay_ready),
        [proxy.status(name) for name in ("a", "b")],
    )
    with Load(proxy.port, patient=False) as load:
        time.sleep(1.5)
    load.verify("bookings on the later tables")
    status, said = start(postgres.url)
    check(
        "starting the earlier release on them is refused in one line",
        status == 1 and "m9999_of_a_later_release" in said and "\n" not in said,
        (status, said),
    )
    postgres.sql("DELETE FROM seaql_migrations WHERE version = 'm9999_of_a_later_release'")
