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


class Stub(http.server.ThreadingHTTPServer):
    """Stands where a replica stands, remembers what reached it, and misbehaves by path."""

    daemon_threads = True

    def __init__(self):
        self.seen = []
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
            time.sleep(float(self.path.rsplit("/", 1)[1]))
            self.answer(200)
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

        def arrivals(path):
            return [x for stub in (a, b) for x in stub.seen if x[1] == path]

        for method in ("POST", "PUT", "PATCH", "DELETE"):
            path = f"/v1/cut/{method}"
            body = None if method == "DELETE" else {"n": 1}
            answer = call(proxy.port, method, path, body)
            check(
                f"{method} without a key, cut off by the replica, reaches one replica once",
                len(arrivals(path)) == 1,
                arrivals(path),
            )
            check(
                f"{method} without a key: the client is told 502 outcome_unknown as a problem",
                answer.status == 502
                and answer.json()["code"] == "outcome_unknown"
                and answer.headers["Content-Type"] == "application/problem+json",
                answer,
            )

            path = f"/v1/cut/{method}/keyed"
            call(proxy.port, method, path, body, Idempotency_Key="k-1")
            sent = arrivals(path)
            both = all(any(x[1] == path for x in stub.seen) for stub in (a, b))
            check(
                f"{method} with a key is sent again, to the other replica, with the same key and body",
                both
                and len({(x[2], x[3]) for x in sent}) == 1
                and sent[0][2] == "k-1"
                and len(sent) <= 3,
                sent,
            )
        call(proxy.port, "GET", "/v1/cut/read")
        check("GET is sent again", len(arrivals("/v1/cut/read")) > 1, arrivals("/v1/cut/read"))

        answer = call(proxy.port, "GET", "/v1/unavailable")
        check(
            "a replica's own 503 is handed on, not tried elsewhere",
            answer.status == 503
            and len(arrivals("/v1/unavailable")) == 1
            and answer.json()["code"] == "unavailable",
            answer,
        )

        slow = {}

        def ask(seconds):
            began = time.monotonic()
            answer = Client(proxy.port, timeout_s=15.0).call("GET", f"/v1/slow/{seconds}")
            slow[seconds] = (answer, time.monotonic() - began)

        threads = [threading.Thread(target=ask, args=(s,)) for s in (5.5, 11)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(timeout=20)
        check("an answer after 5.5 s still arrives", slow[5.5][0].status == 200, slow.get(5.5))
        answer, took = slow[11]
        check(
            "a replica that hangs is given up after 8 s with 504 outcome_unknown",
            answer.status == 504 and answer.json()["code"] == "outcome_unknown" and 7.5 < took < 10,
            (answer, took),
        )
        check(
            "a request that timed out was not sent again",
            len(arrivals("/v1/slow/11")) == 1,
            arrivals("/v1/slow/11"),
        )

        rooms = {f"/v1/rooms/{uuid.uuid4()}": None for _ in range(40)}

        def replica_of(room):
            """Which stub all of the room's writes reached, if it was one."""
            reached = [s for s in (a, b) if any(x[1].startswith(room) for x in s.seen)]
            return reached[0] if len(reached) == 1 else None

        for room in rooms:
            for number, path in enumerate(("/bookings", "/bookings", "")):
                keys = {"Idempotency_Key": f"k-{number}"} if number else {}
                call(proxy.port, "POST" if path else "PATCH", room + path, {"n": 1}, **keys)
            rooms[room] = replica_of(room)
        check(
            "writes of one room reach one replica, with a key and without, and both have rooms",
            set(rooms.values()) == {a, b},
            [len([r for r in rooms.values() if r is stub]) for stub in (a, b, None)],
        )

        a.shutdown()
        a.server_close()
        for room in rooms:
            answer = call(proxy.port, "POST", f"{room}/later", {"n": 1}, Idempotency_Key="k-9")
            rooms[room] = (rooms[room], answer.status, len(arrivals(f"{room}/later")))
        check(
            "when a replica is away its rooms are served by the other, each write once",
            all(rest == [200, 1] for _, *rest in rooms.values()),
            rooms,
        )
        answers = [call(proxy.port, "POST", f"/v1/refused/{n}", {"n": n}) for n in range(12)]
        once = all(len(arrivals(f"/v1/refused/{n}")) == 1 for n in range(12))
        check(
            "a refused connection: POST without a key goes to the other replica, unnoticed, once",
            once and all(x.status == 200 for x in answers),
            [x.status for x in answers],
        )

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
    finally:
        proxy.program.stop()
