"""Bounded clients that book nights and keep the receipts."""

import contextlib
import datetime
import http.client
import json
import math
import random
import threading
import time
import uuid
from collections import Counter
from dataclasses import dataclass

import rig

# A client's pause after a booking: bounds the load, so that the rig measures outages, not capacity.
PAUSE_SECONDS = 0.04
# Shorter than the Retry-After a polite client would keep, so that outages are measured finer.
RETRY_SECONDS = (0.1, 0.2)
# Longer than the service's own request timeout, which answers first unless the service hangs.
ANSWER_SECONDS = 10
# A booking without a definite answer after this long counts as undecided, which fails the run.
DECIDE_SECONDS = 120
# Stays are sold at most three years ahead; this many nights of each room are certainly within.
NIGHTS_A_ROOM = 1000

RETRYABLE_CONFLICTS = ("lock_conflict", "idempotency_in_flight")


@dataclass(frozen=True)
class Ack:
    """A booking that the service said is made."""

    key: str
    booking: str
    room: str
    night: datetime.date
    room_version: int
    sent: float  # Monotonic: when the first request with this key was sent.
    sent_last: float  # When the request that was acknowledged was sent.
    ended: float  # When its answer had arrived.


@dataclass(frozen=True)
class Answer:
    """One request's end, whatever it was."""

    at: float
    what: str  # "2xx", a status, "409 code", or "no answer".
    resent: bool  # Whether the key had been sent before.


class Client:
    """One keep-alive connection to each replica, and the key that every request bears."""

    def __init__(self, ports, bearer):
        self.ports = ports
        self.bearer = bearer
        self._connections = {}

    def request(self, turn, method, path, body=None, key=None):
        """Status and JSON body; raises OSError or HTTPException if there is no whole answer."""
        port = self.ports[turn % len(self.ports)]
        connection = self._connections.get(port)
        if connection is None:
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=ANSWER_SECONDS)
            self._connections[port] = connection
        headers = rig.bearing(self.bearer)
        if body is not None:
            headers["Content-Type"] = "application/json"
        if key is not None:
            headers["Idempotency-Key"] = key
        try:
            payload = json.dumps(body) if body is not None else None
            connection.request(method, path, payload, headers)
            response = connection.getresponse()
            text = response.read()
            return response.status, json.loads(text) if text else None
        except (OSError, http.client.HTTPException, ValueError):
            # Whatever the connection still carries belongs to a request that was given up.
            connection.close()
            del self._connections[port]
            raise

    def close(self):
        """Closes both connections."""
        for connection in self._connections.values():
            connection.close()
        self._connections.clear()


def booking_request(room, night, key):
    """Path and body of a booking. The guest bears the key, so that rows can be told apart later."""
    body = {
        "check_in": night.isoformat(),
        "check_out": (night + datetime.timedelta(days=1)).isoformat(),
        "guests": 1,
        "guest": {"name": key},
    }
    return f"/v1/rooms/{room}/bookings", body


class Load:
    """The clients, what they were told, and what they could not find out."""

    def __init__(self, ports, clients, seconds_max):
        self.ports = ports
        self.clients = clients
        self.bearer = None
        self.rooms = []
        self.rooms_wanted = math.ceil(clients / PAUSE_SECONDS * seconds_max / NIGHTS_A_ROOM)
        self.run_id = uuid.uuid4().hex[:12]
        # The day after next is in the future in every time zone, also if midnight passes.
        self.first_night = datetime.date.today() + datetime.timedelta(days=2)
        self.acks = []
        self.answers = []
        self.undecided = []
        self.unexpected = []
        self._next = 0
        self._lock = threading.Lock()
        self._stopping = threading.Event()
        self._threads = []

    def create_rooms(self, bearer):
        """One hotel with enough rooms that its nights outlast the run, made by an admin's key."""
        with contextlib.closing(Client(self.ports, bearer)) as client:
            hotel = self._create(client, "/v1/hotels", {"name": "Failover", "city": "Utrecht"})
            path = f"/v1/hotels/{hotel}/rooms"
            for number in range(self.rooms_wanted):
                room = {"number": str(number + 1), "kind": "double", "capacity": 2}
                self.rooms.append(self._create(client, path, room))

    def _create(self, client, path, body):
        status, answer = client.request(0, "POST", path, body)
        if status != 201:
            raise rig.Trouble(f"POST {path} answered {status}: {answer}")
        return answer["id"]

    def start(self, bearer):
        """Lets the clients loose, with a key that may book."""
        self.bearer = bearer
        for number in range(self.clients):
            thread = threading.Thread(target=self._book_until_stopped, args=(number,), daemon=True)
            thread.start()
            self._threads.append(thread)

    def stop(self):
        """Lets each client finish the booking it is about, within its time limit."""
        self._stopping.set()
        deadline = time.monotonic() + DECIDE_SECONDS + 2 * ANSWER_SECONDS
        for thread in self._threads:
            thread.join(max(0.0, deadline - time.monotonic()))
        if any(thread.is_alive() for thread in self._threads):
            raise rig.Trouble("a client did not end within its time limit")

    def abandon(self):
        """Tells the clients to end and waits for none: their results will not be read."""
        self._stopping.set()

    def check(self):
        """Fails if the clients have nothing left to sell, or have died."""
        if self._next >= len(self.rooms) * NIGHTS_A_ROOM:
            raise rig.Trouble("all nights are sold before the run is over")
        if not self._stopping.is_set() and not all(thread.is_alive() for thread in self._threads):
            raise rig.Trouble("a client has died; see above")

    def _book_until_stopped(self, number):
        client = Client(self.ports, self.bearer)
        # The first turns differ, so that both replicas get work from the start.
        turn = number
        while not self._stopping.is_set():
            with self._lock:
                place = self._next
                self._next += 1
            if place >= len(self.rooms) * NIGHTS_A_ROOM:
                break
            room = self.rooms[place % len(self.rooms)]
            night = self.first_night + datetime.timedelta(days=place // len(self.rooms))
            turn = self._book(client, turn, room, night, f"{self.run_id}-{place}")
            self._stopping.wait(PAUSE_SECONDS)
        client.close()

    def _book(self, client, turn, room, night, key):
        """Asks for one booking with one key until the answer is definite. Returns the next turn."""
        path, body = booking_request(room, night, key)
        began = time.monotonic()
        resent = False
        while time.monotonic() - began < DECIDE_SECONDS:
            sent = time.monotonic()
            try:
                status, answer = client.request(turn, "POST", path, body, key)
            except (OSError, http.client.HTTPException, ValueError):
                status, answer = None, None
            turn += 1
            ended = time.monotonic()
            code = answer.get("code") if isinstance(answer, dict) else None
            self.answers.append(Answer(ended, label(status, code), resent))
            if status == 201:
                ack = receipt(key, room, night, answer, began, sent, ended)
                if ack is None:
                    self.unexpected.append(f"{key}: 201 for something else: {answer}")
                else:
                    self.acks.append(ack)
                return turn
            if status not in (None, 503, 504) and code not in RETRYABLE_CONFLICTS:
                self.unexpected.append(f"{key}: {status} {code} {answer}")
                # A 500 says nothing of the outcome; other refusals are final.
                if status < 500:
                    return turn
            resent = True
            time.sleep(random.uniform(*RETRY_SECONDS))
        self.undecided.append(key)
        return turn

    def first_ack_sent_after(self, moment):
        """The first acknowledgement of a request sent after `moment`, or None."""
        # Only the last few can qualify and be new; reversed, the scan stops at the kill.
        found = None
        for ack in reversed(self.acks):
            if ack.ended < moment:
                break
            if ack.sent_last > moment:
                found = ack
        return found

    def window(self, began, ended):
        """What the clients were told in a span: answers by kind, and how many to resent keys."""
        answers = [each for each in self.answers if began <= each.at < ended]
        return Counter(each.what for each in answers), sum(each.resent for each in answers)

    def pauses(self, began, ended, least):
        """(start, seconds) of each pause of at least `least` seconds between acknowledgements.

        There can be several after a kill: the new primary takes a write, then waits for a standby.
        """
        times = sorted(ack.ended for ack in self.acks if began - 5 <= ack.ended < ended)
        pauses = [(a, b - a) for a, b in zip(times, times[1:]) if b > began]
        return [(start, seconds) for start, seconds in pauses if seconds >= least]

    def replay(self, acks):
        """Sends the keys of `acks` once more; returns what did not answer the same booking."""
        client = Client(self.ports, self.bearer)
        wrong = []
        for turn, ack in enumerate(acks):
            path, body = booking_request(ack.room, ack.night, ack.key)
            try:
                status, answer = client.request(turn, "POST", path, body, ack.key)
            except (OSError, http.client.HTTPException, ValueError) as error:
                status, answer = None, {"error": str(error)}
            if status != 201 or not isinstance(answer, dict) or answer.get("id") != ack.booking:
                wrong.append(f"{ack.key}: replay answered {status} {answer}")
        client.close()
        return wrong


def label(status, code):
    """The name under which an answer is counted."""
    if status is None:
        return "no answer"
    if status < 300:
        return "2xx"
    return f"{status} {code}" if status == 409 else str(status)


def receipt(key, room, night, answer, sent, sent_last, ended):
    """What a 201 said, if it is about the booking that was asked for."""
    try:
        same = answer["room_id"] == room and answer["check_in"] == night.isoformat()
        ack = Ack(
            key, answer["id"], room, night, int(answer["room_version"]), sent, sent_last, ended
        )
    except (KeyError, TypeError, ValueError):
        return None
    return ack if same else None
