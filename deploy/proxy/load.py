"""Clients that book against each other, and the proof of what they were told."""

import contextlib
import http.client
import threading
import time
import uuid

import rig
from client import Client, create_rooms, night
from rig.checks import check

CLIENTS = 8
CLIENT_GIVES_UP_AFTER_S = 60.0
LEAST_BOOKED = 50


class Attempt:
    """One booking that a client wants, and how it ended for that client."""

    def __init__(self, room, n):
        self.room, self.night, self.key = room, n, str(uuid.uuid4())
        self.status, self.code, self.booking, self.sent = None, None, None, 0
        self.statuses = []


class Load:
    """Clients in pairs; both of a pair want the same nights of the same rooms, each with a key of
    its own, so exactly one of the two gets each night. `patient` clients send again what is
    retryable, with the same key; the others take the first answer for the last."""

    NIGHTS = 1000
    # Of a pair, two after two: more than are sold while replicas start on the slowest machine.
    ROOMS_A_PAIR = 10

    def __init__(self, port, keyed=True, patient=True, reads=False):
        self.port, self.keyed, self.patient, self.reads = port, keyed, patient, reads
        self.rooms = create_rooms(port, CLIENTS // 2 * self.ROOMS_A_PAIR)
        self.attempts = [[] for _ in range(CLIENTS)]
        self.read_failures = []
        self.read_count = [0] * CLIENTS
        self.stopping = threading.Event()
        self.threads = [threading.Thread(target=self.client, args=(i,)) for i in range(CLIENTS)]

    def __enter__(self):
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, failure, *_):
        try:
            if failure is None:
                self.wait_until_it_is_one()
        finally:
            self.stopping.set()
            for thread in self.threads:
                thread.join(timeout=2 * CLIENT_GIVES_UP_AFTER_S)
        assert not any(t.is_alive() for t in self.threads), "a client hangs"

    def wait_until_it_is_one(self):
        """However slow the machine is; what is booked shows that it goes on."""
        with contextlib.suppress(rig.TimeIsUp):
            rig.wait_until("enough is booked", lambda: len(self.booked()) > LEAST_BOOKED)

    def client(self, i):
        client = Client(self.port)
        rooms = self.rooms[i // 2 * self.ROOMS_A_PAIR :][: self.ROOMS_A_PAIR]
        for two in zip(rooms[::2], rooms[1::2]):
            for n in range(self.NIGHTS):
                for room in two:
                    if self.stopping.is_set():
                        return
                    self.want(client, i, Attempt(room, n + 1))

    def want(self, client, i, attempt):
        self.attempts[i].append(attempt)
        self.book(client, attempt)
        if self.reads:
            self.read(client, i, attempt.room)
        time.sleep(0.002)

    def read(self, client, i, room):
        self.read_count[i] += 1
        try:
            answer = client.call("GET", f"/v1/rooms/{room}")
            if answer.status != 200:
                self.read_failures.append(repr(answer))
        except (OSError, http.client.HTTPException) as error:
            self.read_failures.append(repr(error))

    def book(self, client, attempt):
        body = {
            "check_in": night(attempt.night),
            "check_out": night(attempt.night + 1),
            "guests": 1,
            "guest": {"name": "Ada"},
        }
        headers = {"Idempotency_Key": attempt.key} if self.keyed else {}
        deadline = time.monotonic() + CLIENT_GIVES_UP_AFTER_S
        while True:
            attempt.sent += 1
            try:
                answer = client.call("POST", f"/v1/rooms/{attempt.room}/bookings", body, **headers)
                problem = {} if answer.status == 201 else answer.json()
                attempt.status, attempt.code = answer.status, problem.get("code")
                retryable = problem.get("retryable", False)
                if answer.status == 201:
                    attempt.booking = answer.json()["id"]
            except (OSError, http.client.HTTPException, ValueError) as error:
                attempt.status, attempt.code, retryable = 0, repr(error), True
            attempt.statuses.append(attempt.code or attempt.status)
            # Losing every attempt to the other client of the pair is an answer, not a failure; it
            # is sent again whether or not this client is patient with failures.
            again = retryable if self.patient else attempt.code == "lock_conflict"
            if not again or time.monotonic() > deadline:
                return
            time.sleep(0.05)

    def all(self):
        return [attempt for of_client in self.attempts for attempt in of_client]

    def booked(self):
        return [attempt for attempt in self.all() if attempt.status == 201]

    def sent_again(self):
        return sum(a.sent - 1 for a in self.all())

    def verify(self, what):
        """Every night was sold once, to a client that knows it, and to no other."""
        attempts = self.all()
        booked = self.booked()
        odd = [a for a in attempts if a.status != 201 and a.code != "room_unavailable"]
        check(
            f"{what}: each of {len(attempts)} bookings ended in 201 ({len(booked)}) or "
            f"409 room_unavailable",
            not odd,
            [(a.status, a.code, a.sent) for a in odd[:5]],
        )
        check(f"{what}: the load was one ({len(booked)} booked)", len(booked) > LEAST_BOOKED, len(booked))

        kept = {}
        client = Client(self.port)
        times_booked = 0
        for room in self.rooms:
            times_booked += client.call("GET", f"/v1/rooms/{room}").json()["times_booked"]
            path = f"/v1/rooms/{room}/bookings?status=confirmed&limit=200"
            while path:
                page = client.call("GET", path).json()
                for item in page["items"]:
                    kept.setdefault((room, item["check_in"]), []).append(item["id"])
                cursor = page.get("next_cursor")
                path = cursor and (
                    f"/v1/rooms/{room}/bookings?status=confirmed&limit=200&cursor={cursor}"
                )
        lost = [a for a in booked if a.booking not in kept.get((a.room, night(a.night)), [])]
        check(f"{what}: no acknowledged booking is lost", not lost, [a.booking for a in lost[:5]])
        twice = [slot for slot, ids in kept.items() if len(ids) > 1]
        check(f"{what}: no night is sold twice", not twice, twice[:5])
        known = {a.booking for a in booked}
        unknown = [i for ids in kept.values() for i in ids if i not in known]
        check(f"{what}: no booking exists that no client knows of", not unknown, unknown[:5])
        check(f"{what}: times_booked counts them", times_booked == len(booked), times_booked)
        # A pair's clients stop at different nights, so only nights both asked for are compared.
        asked = {}
        for attempt in attempts:
            asked.setdefault((attempt.room, attempt.night), []).append(attempt.status)
        unsold = [slot for slot, ends in asked.items() if ends.count(201) != 1]
        check(
            f"{what}: each of {len(asked)} nights asked for has exactly one winner",
            not unsold,
            [(slot, asked[slot]) for slot in unsold[:5]],
        )
