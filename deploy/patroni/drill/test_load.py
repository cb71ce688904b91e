"""The clients of the drill against a stand-in for the service that looks at their keys."""

import contextlib
import http.server
import itertools
import json
import threading
import unittest

import rig

from .load import Load

ADMIN, BOOK = "vac_admin", "vac_book"


class StandIn(http.server.BaseHTTPRequestHandler):
    """Makes hotels and rooms for one key and bookings for another; everything else is 401."""

    protocol_version = "HTTP/1.1"

    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        books = self.path.endswith("/bookings")
        if self.headers["Authorization"] != f"Bearer {BOOK if books else ADMIN}":
            return self.answer(401, {"code": "unauthenticated"})
        made = {"id": f"id-{next(self.server.numbers)}"}
        if not books:
            return self.answer(201, made)
        made |= {"room_id": self.path.split("/")[3], "check_in": body["check_in"], "room_version": 1}
        return self.answer(201, self.server.booked.setdefault(self.headers["Idempotency-Key"], made))

    def answer(self, status, document):
        text = json.dumps(document).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def log_message(self, *_):
        """Nothing is logged."""


@contextlib.contextmanager
def stand_in():
    """The port of a stand-in."""
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), StandIn)
    server.daemon_threads = True
    server.numbers, server.booked = itertools.count(1), {}
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield server.server_port
    finally:
        server.shutdown()
        server.server_close()


class LoadTest(unittest.TestCase):
    """Which key goes with which request, and what comes of a wrong one."""

    def run_load(self, admin, book):
        with stand_in() as port:
            load = Load([port, port], clients=2, seconds_max=10)
            load.create_rooms(admin)
            load.start(book)
            rig.wait_until("each client was answered", lambda: len(load.answers) > 4)
            load.stop()
            return load, load.replay(load.acks)

    def test_rooms_are_an_admins_and_bookings_the_clients(self):
        load, wrong = self.run_load(ADMIN, BOOK)
        self.assertEqual((wrong, load.unexpected, load.undecided), ([], [], []))
        self.assertEqual(len(load.acks), len(load.answers))

    def test_a_key_that_is_refused_is_unexpected(self):
        load, _ = self.run_load(ADMIN, ADMIN)
        self.assertEqual(len(load.acks), 0)
        self.assertEqual(len(load.unexpected), len(load.answers))

    def test_without_an_admin_nothing_begins(self):
        with self.assertRaisesRegex(rig.Trouble, "answered 401"):
            self.run_load(BOOK, BOOK)


if __name__ == "__main__":
    unittest.main()
