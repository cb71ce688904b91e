"""A load with known outcomes: first one request after the other, then a crowd at one room."""

import datetime
import itertools
import json
import random
import threading
import time

import rig
from seen import Sent

# Longer than a replica takes on the slowest machine: its request timeout.
ANSWER_SECONDS = 120
LAST_NIGHT = 1000
# The same for the whole run, also when midnight passes.
FIRST_DAY = datetime.datetime.now(datetime.timezone.utc).date() + datetime.timedelta(days=2)


class Unexpected(Exception):
    """An answer that this load never asks for."""


class Client:
    """Talks to the replicas in turn, one kept connection to each."""

    def __init__(self, seen, addresses):
        self.seen = seen
        self.connections = itertools.cycle(
            [rig.Connection(address, timeout=ANSWER_SECONDS) for address in addresses]
        )

    def send(
        self, method, path, body=None, *, expect, write=None, changes_nothing=False, headers=None
    ):
        """Sends one request, counts its answer and returns `(status, headers, body)`.

        `expect` is a status or several; any other answer fails the run.
        """
        headers = dict(headers or {})
        if body is not None:
            headers["Content-Type"] = "application/json"
            body = json.dumps(body)
        connection = next(self.connections)
        start = time.monotonic()
        connection.request(method, path, body=body, headers=headers)
        response = connection.getresponse()
        text = response.read()
        seconds = time.monotonic() - start
        parsed = json.loads(text) if text else {}
        sent = Sent(method, path, headers, write, changes_nothing)
        self.seen.count(sent, response.status, response.headers, parsed, seconds)
        if response.status not in (expect if isinstance(expect, tuple) else (expect,)):
            raise Unexpected(
                f"{method} {path} was answered {response.status}, expected {expect}: {parsed}"
            )
        return response.status, response.headers, parsed

    def create_hotel(self, name):
        body = {"name": name, "city": "Lisbon", "country": "PT"}
        return self.send("POST", "/v1/hotels", body, expect=201, write="edit_hotel")[2]["id"]

    def create_room(self, hotel, number):
        body = {
            "number": str(number),
            "kind": "double",
            "capacity": 2,
            "nightly_rate": {"amount": 12000, "currency": "EUR"},
        }
        path = f"/v1/hotels/{hotel}/rooms"
        return self.send("POST", path, body, expect=201, write="edit_room")[2]["id"]

    def book(self, room, night, *, expect=201, write="book", headers=None, query="", **more):
        path = f"/v1/rooms/{room}/bookings{query}"
        return self.send(
            "POST", path, stay(night) | more, expect=expect, write=write, headers=headers
        )


def stay(night):
    """The body that books one night, `night` days after the day after tomorrow."""
    first = FIRST_DAY + datetime.timedelta(days=night)
    return {
        "check_in": first.isoformat(),
        "check_out": (first + datetime.timedelta(days=1)).isoformat(),
        "guests": 1,
        "guest": {"name": "A. Guest"},
    }


def quiet_cases(client, postgres):
    """One after the other, so that every answer is known beforehand."""
    hotel = client.create_hotel("Quiet")
    room = client.create_room(hotel, 1)
    for night in range(20):
        client.book(room, night)
    for night in range(10):
        client.book(room, night, expect=409)
    client.send("GET", f"/v1/rooms?hotel_id={hotel}&guests=1", expect=200)
    client.send("GET", "/v1/rooms/00000000-0000-7000-8000-000000000000", expect=404)
    quiet_lock(client, room, postgres)
    quiet_holds(client, room)
    quiet_bookings_change(client, room)
    quiet_preconditions(client, room)
    quiet_keys(client, room)
    quiet_auto_book(client)


def quiet_lock(client, room, postgres):
    """A room that another session has locked: each attempt waits for it in vain, the last one, too."""
    with postgres.holding(f"SELECT FROM rooms WHERE id = '{room}' FOR UPDATE"):
        client.book(room, 60, expect=409)
    client.book(room, 60)


def quiet_holds(client, room):
    for night in range(30, 35):
        held = client.book(room, night, write="hold", hold_seconds=600)[2]["id"]
        path = f"/v1/bookings/{held}"
        client.send("POST", f"{path}/confirm", expect=200, write="confirm")
        client.send("POST", f"{path}/confirm", expect=200, write="confirm", changes_nothing=True)
        client.send("POST", f"{path}/cancel", expect=200, write="cancel")
        client.send("POST", f"{path}/cancel", expect=200, write="cancel", changes_nothing=True)
        client.send("POST", f"{path}/confirm", expect=409, write="confirm")
    lapsed = client.book(room, 40, write="hold", hold_seconds=1)[2]["id"]
    time.sleep(1.5)
    client.send("POST", f"/v1/bookings/{lapsed}/confirm", expect=409, write="confirm")
    with client.seen.lock:
        client.seen.holds_expired += 1
        client.seen.wrote("expire", "first_attempt")


def quiet_bookings_change(client, room):
    booked = client.book(room, 50)[2]
    path = f"/v1/bookings/{booked['id']}"
    edit = {"guest": {"name": "B. Guest"}}
    tag = {"If-Match": f'"{booked["version"]}"'}
    client.send("PATCH", path, edit, expect=200, write="edit_booking", headers=tag)
    client.send("PATCH", path, edit, expect=412, write="edit_booking", headers=tag)
    version = booked["version"] + 1
    later = {key: stay(51)[key] for key in ("check_in", "check_out")}
    client.send("PATCH", f"{path}?version={version}", later, expect=200, write="move")
    # A stale version is answered before the body is read, and only the body would say "move".
    client.send("PATCH", f"{path}?version={version}", later, expect=409, write="edit_booking")


def quiet_preconditions(client, room):
    path = f"/v1/rooms/{room}"
    _, headers, state = client.send("GET", path, expect=200)
    tag, stale = headers["ETag"], f'"{state["version"] - 1}"'
    weak = f"W/{tag}"
    client.send("GET", path, expect=304, headers={"If-None-Match": tag})
    edit = {"capacity": 3}
    client.send("PATCH", path, edit, expect=428)
    client.send("PATCH", path, edit, expect=400, headers={"If-Match": '"7'})
    client.send("PATCH", path, edit, expect=412, write="edit_room", headers={"If-Match": weak})
    client.send("PATCH", path, edit, expect=412, write="edit_room", headers={"If-Match": stale})
    client.send("PATCH", path, edit, expect=200, write="edit_room", headers={"If-Match": tag})
    same = {"If-Match": "*"}
    client.send(
        "PATCH", path, edit, expect=200, write="edit_room", changes_nothing=True, headers=same
    )
    client.book(room, 60, expect=412, headers={"If-Match": stale})
    client.book(room, 60, expect=409, query=f"?version={state['version']}")


def quiet_keys(client, room):
    for night in range(70, 75):
        key = {"Idempotency-Key": f"compare-{room}-{night}"}
        client.book(room, night, headers=key)
        client.book(room, night, headers=key)
        client.book(room, night + 100, expect=422, headers=key)


def quiet_auto_book(client):
    hotel = client.create_hotel("Small")
    for number in (1, 2, 3):
        client.create_room(hotel, number)
    path = f"/v1/hotels/{hotel}/bookings"
    for _ in range(3):
        client.send("POST", path, stay(0), expect=201, write="auto_book")
    client.send("POST", path, stay(0), expect=409, write="auto_book")


class HotRoom:
    """The room that all clients ask for, night by night; a sold-out room is followed by the next."""

    def __init__(self, client, hotel):
        self.client = client
        self.hotel = hotel
        self.lock = threading.Lock()
        self.rooms = 0
        self.room = None
        self.night = LAST_NIGHT
        self.sold = None

    def next_night(self):
        with self.lock:
            if self.night >= LAST_NIGHT:
                self.rooms += 1
                self.room = self.client.create_room(self.hotel, f"hot-{self.rooms}")
                self.night = 0
            self.night += 1
            return self.room, self.night - 1


def crowd(seen, addresses, *, clients, seconds):
    """Many clients at one room for so many seconds, with other traffic beside them."""
    opener = Client(seen, addresses)
    hotel = opener.create_hotel("Crowded")
    hot = HotRoom(opener, hotel)
    start = time.monotonic()
    stopped = threading.Event()
    failures = []

    def work(number):
        try:
            client = Client(seen, addresses)
            own = OwnRoom(client, hotel, number)
            chance = random.Random(number)
            while not stopped.is_set() and time.monotonic() - start < seconds:
                one_step(client, hot, own, hotel, chance)
        except Exception as error:  # Any failure of a client is the run's.
            failures.append(error)
            stopped.set()

    workers = [threading.Thread(target=work, args=(n,), daemon=True) for n in range(clients)]
    for worker in workers:
        worker.start()
    try:
        for worker in workers:
            while worker.is_alive():
                worker.join(0.5)
    finally:
        stopped.set()
    if failures:
        raise failures[0]


class OwnRoom:
    """A room only one client touches, so that what it is answered is known beforehand."""

    def __init__(self, client, hotel, number):
        self.client = client
        self.path_id = client.create_room(hotel, f"own-{number}")
        self.version = 1
        self.night = 0

    def edit(self):
        path, tag = f"/v1/rooms/{self.path_id}", {"If-Match": f'"{self.version}"'}
        edit = {"nightly_rate": {"amount": 10000 + self.version, "currency": "EUR"}}
        self.client.send("PATCH", path, edit, expect=200, write="edit_room", headers=tag)
        self.client.send("PATCH", path, edit, expect=412, write="edit_room", headers=tag)
        self.version += 1

    def read(self):
        path = f"/v1/rooms/{self.path_id}"
        self.client.send("GET", path, expect=304, headers={"If-None-Match": f'"{self.version}"'})

    def book_twice_with_one_key(self):
        if self.night >= LAST_NIGHT:
            return
        key = {"Idempotency-Key": f"crowd-{self.path_id}-{self.night}"}
        self.client.book(self.path_id, self.night, headers=key)
        self.client.book(self.path_id, self.night, headers=key)
        self.night += 1
        self.version += 1


def one_step(client, hot, own, hotel, chance):
    dice = chance.random()
    if dice < 0.55:
        book_hot(client, hot)
    elif dice < 0.62 and hot.sold:
        room, night = hot.sold
        client.book(room, night, expect=409)
    elif dice < 0.72:
        hold_and_decide(client, hot, chance)
    elif dice < 0.80:
        dates = stay(chance.randrange(LAST_NIGHT))
        search = f"check_in={dates['check_in']}&check_out={dates['check_out']}&guests=1"
        client.send("GET", f"/v1/rooms?hotel_id={hotel}&{search}&limit=20", expect=200)
    elif dice < 0.85:
        first, last = stay(0)["check_in"], stay(60)["check_in"]
        path = f"/v1/rooms/{own.path_id}/availability?from={first}&to={last}"
        client.send("GET", path, expect=200)
    elif dice < 0.90:
        own.read()
    elif dice < 0.95:
        own.edit()
    else:
        own.book_twice_with_one_key()


def book_hot(client, hot):
    room, night = hot.next_night()
    status, _, _ = client.book(room, night, expect=(201, 409))
    if status == 201:
        hot.sold = (room, night)


def hold_and_decide(client, hot, chance):
    """Holds a night, and confirms or cancels it, against the crowd at the same room."""
    room, night = hot.next_night()
    status, _, held = client.book(room, night, expect=(201, 409), write="hold", hold_seconds=3600)
    if status == 201:
        decision = chance.choice(("confirm", "cancel"))
        path = f"/v1/bookings/{held['id']}/{decision}"
        client.send("POST", path, expect=(200, 409), write=decision)
