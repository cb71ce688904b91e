"""What the proxy sends again and what never, against two stubs that misbehave on purpose."""

import http.server
import json
import socket
import threading
import time
import uuid

import rig
from client import Client, call
from haproxy import Proxy
from rig.checks import check


# Longer than the proxy waits for any answer.
HANGS_S = 60


class Stub(http.server.ThreadingHTTPServer):
    """Stands where a replica stands, remembers what reached it, and misbehaves by path."""

    daemon_threads = True

    def __init__(self):
        self.seen, self.slowest = [], 0.0
        super().__init__(("127.0.0.1", rig.free_port()), StubHandler)
        self.port = self.server_address[1]
        threading.Thread(target=self.serve_forever, args=(0.05,), daemon=True).start()

    def handle_error(self, request, client_address):
        """The other side hanging up is part of the game here."""


class StubHandler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def answer(self, status, body=b"{}"):
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def handle_any(self):
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        if self.path == "/readyz":
            return self.answer(200)
        self.server.seen.append((self.command, self.path, self.headers["Idempotency-Key"], body))
        if self.path.startswith("/v1/cut"):
            self.close_connection = True
            self.connection.shutdown(socket.SHUT_RDWR)
        elif self.path.startswith("/v1/slow/"):
            began = time.monotonic()
            time.sleep(float(self.path.rsplit("/", 1)[1]))
            self.answer(200)
            self.server.slowest = max(self.server.slowest, time.monotonic() - began)
        elif self.path.startswith("/v1/unavailable"):
            self.answer(503, b'{"code":"unavailable"}')
        else:
            self.answer(200, json.dumps({"path": self.path}).encode())

    do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = handle_any


def policy(fleet):
    print("policy: what is sent again")
    a, b = Stub(), Stub()
    proxy = Proxy(fleet, "policy", a.port, b.port)
    try:
        sent_again(proxy, a, b)
        slow_answers(proxy, a, b)
        rooms = rooms_of(proxy, a, b)
        one_is_away(proxy, a, b, rooms)
        none_is_there(proxy, b)
    finally:
        proxy.program.stop()


def arrivals(stubs, path):
    return [x for stub in stubs for x in stub.seen if x[1] == path]


def sent_again(proxy, a, b):
    stubs = (a, b)
    for method in ("POST", "PUT", "PATCH", "DELETE"):
        body = None if method == "DELETE" else {"n": 1}

        def without_key():
            path = f"/v1/cut/{method}/{uuid.uuid4()}"
            answer = call(proxy.port, method, path, body)
            is_told = (
                answer.status == 502
                and answer.json()["code"] == "outcome_unknown"
                and answer.headers["Content-Type"] == "application/problem+json"
            )
            once = len(arrivals(stubs, path)) == 1
            return once and is_told, (once, is_told, answer, arrivals(stubs, path))

        _, (once, is_told, answer, arrived) = proxy.steadily(without_key)
        check(
            f"{method} without a key, cut off by the replica, reaches one replica once",
            once,
            arrived,
        )
        check(
            f"{method} without a key: the client is told 502 outcome_unknown as a problem",
            is_told,
            answer,
        )

        def with_key():
            path = f"/v1/cut/{method}/keyed/{uuid.uuid4()}"
            call(proxy.port, method, path, body, Idempotency_Key="k-1")
            sent = arrivals(stubs, path)
            is_same = bool(sent) and {(x[2], x[3]) for x in sent} == {("k-1", sent[0][3])}
            both = all(arrivals([stub], path) for stub in stubs)
            return both and is_same and len(sent) <= 3, sent

        check(
            f"{method} with a key is sent again, to the other replica, with the same key and body",
            *proxy.steadily(with_key),
        )

    def read():
        path = f"/v1/cut/read/{uuid.uuid4()}"
        call(proxy.port, "GET", path)
        return len(arrivals(stubs, path)) > 1, arrivals(stubs, path)

    check("GET is sent again", *proxy.steadily(read))

    def unavailable():
        path = f"/v1/unavailable/{uuid.uuid4()}"
        answer = call(proxy.port, "GET", path)
        is_handed_on = (
            answer.status == 503
            and len(arrivals(stubs, path)) == 1
            and answer.json()["code"] == "unavailable"
        )
        return is_handed_on, answer

    check(
        "a replica's own 503 is handed on, not tried elsewhere", *proxy.steadily(unavailable)
    )


def slow_answers(proxy, a, b):
    stubs = (a, b)

    def slow():
        for stub in stubs:
            stub.slowest = 0.0
        answer = call(proxy.port, "GET", "/v1/slow/5.5")
        return answer.status == 200, answer

    for _ in range(5):
        is_well, answer = proxy.steadily(slow)
        # A stub that was not scheduled in time has not answered after 5.5 s.
        if is_well or 0 < max(stub.slowest for stub in stubs) < 7.5:
            break
    check("an answer after 5.5 s still arrives", is_well, answer)

    def hangs():
        path, began = f"/v1/slow/{uuid.uuid4()}/{HANGS_S}", time.monotonic()
        answer = Client(proxy.port, timeout_s=2 * HANGS_S).call("GET", path)
        took = time.monotonic() - began
        is_given_up = answer.status == 504 and answer.json()["code"] == "outcome_unknown"
        once = len(arrivals(stubs, path)) == 1
        # Above by the clock of a machine that may be busy; the stub would have answered later still.
        in_time = 7.5 < took < HANGS_S / 2
        return is_given_up and in_time and once, (is_given_up and in_time, once, answer, took)

    _, (is_given_up, once, answer, took) = proxy.steadily(hangs)
    check(
        f"a replica that hangs is given up after 8 s with 504 outcome_unknown ({took:.1f} s)",
        is_given_up,
        (answer, took),
    )
    check("a request that timed out was not sent again", once, answer)


def rooms_of(proxy, a, b):
    """The stub that each of some rooms' writes reach."""

    def of_one():
        rooms = {f"/v1/rooms/{uuid.uuid4()}": None for _ in range(40)}
        for room in rooms:
            for number, path in enumerate(("/bookings", "/bookings", "")):
                keys = {"Idempotency_Key": f"k-{number}"} if number else {}
                call(proxy.port, "POST" if path else "PATCH", room + path, {"n": 1}, **keys)
            reached = [s for s in (a, b) if any(x[1].startswith(room) for x in s.seen)]
            rooms[room] = reached[0] if len(reached) == 1 else None
        return set(rooms.values()) == {a, b}, rooms

    is_well, rooms = proxy.steadily(of_one)
    check(
        "writes of one room reach one replica, with a key and without, and both have rooms",
        is_well,
        [len([r for r in rooms.values() if r is stub]) for stub in (a, b, None)],
    )
    return rooms


def one_is_away(proxy, a, b, rooms):
    a.shutdown()
    a.server_close()

    def sent(paths, **headers):
        """Whether each is answered at its first sending, and reaches one replica once."""
        seen = {}
        for path in paths:
            answer = call(proxy.port, "POST", path, {"n": 1}, **headers)
            seen[path] = (answer.status, len(arrivals((a, b), path)))
        return all(it == (200, 1) for it in seen.values()), seen

    def of_rooms():
        later = uuid.uuid4()
        return sent([f"{room}/{later}" for room in rooms], Idempotency_Key="k-9")

    def without_key():
        return sent([f"/v1/refused/{uuid.uuid4()}" for _ in range(12)])

    check(
        "when a replica is away its rooms are served by the other, each write once",
        *proxy.steadily(of_rooms, servers=["b"]),
    )
    check(
        "a refused connection: POST without a key goes to the other replica, unnoticed, once",
        *proxy.steadily(without_key, servers=["b"]),
    )


def none_is_there(proxy, b):
    b.shutdown()
    b.server_close()
    answer = call(proxy.port, "POST", "/v1/absent", {"n": 1}, X_Request_Id="absent-1")
    check(
        "no replica there: 503 unavailable with Retry-After and the request's id",
        answer.status == 503
        and answer.headers["Retry-After"] == "1"
        and answer.json()["instance"] == "absent-1"
        and answer.json()["retryable"] is True,
        answer,
    )
