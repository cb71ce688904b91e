"""Compares what the clients were told with what the database holds."""

import csv
from collections import Counter, defaultdict
from dataclasses import dataclass, field

OCCUPYING = ("held", "confirmed")


@dataclass
class Proof:
    """Counts that must be 0, each with up to a few examples in `examples`."""

    rows: int = 0
    lost: int = 0
    doubled: int = 0
    disordered: int = 0
    unacknowledged: int = 0
    lost_keys: set = field(default_factory=set)
    examples: list = field(default_factory=list)

    def note(self, text):
        """Keeps an example for the report."""
        if len(self.examples) < 5:
            self.examples.append(text)


@dataclass(frozen=True)
class Row:
    """A row of `bookings`."""

    booking: str
    room: str
    check_in: str
    check_out: str
    status: str
    key: str


def read_rows(cluster):
    """Every booking. The guest's name is the key that made it."""
    sql = (
        "COPY (SELECT id, room_id, check_in, check_out, status, guest_name FROM bookings)"
        " TO STDOUT WITH (FORMAT csv)"
    )
    return [Row(*values) for values in csv.reader(cluster.query(sql))]


def read_events(cluster):
    """{(room, version): booking} of every event."""
    sql = "COPY (SELECT room_id, version, booking_id FROM room_events) TO STDOUT WITH (FORMAT csv)"
    return {(room, int(n)): booking for room, n, booking in csv.reader(cluster.query(sql))}


def prove(acks, rows, events):
    """Checks every receipt against the rows and events, and the rows against each other."""
    proof = Proof(rows=len(rows))
    by_id = {row.booking: row for row in rows}
    for ack in acks:
        row = by_id.get(ack.booking)
        kept = row is not None and row.status == "confirmed"
        if not kept or (row.room, row.check_in) != (ack.room, ack.night.isoformat()):
            proof.lost += 1
            proof.lost_keys.add(ack.key)
            proof.note(f"lost: {ack.key}, booking {ack.booking}: {row}")
    count_doubled(proof, acks, rows)
    kept = [ack for ack in acks if ack.key not in proof.lost_keys]
    count_disordered(proof, kept, events)
    proof.unacknowledged = len({row.key for row in rows} - {ack.key for ack in acks})
    return proof


def count_doubled(proof, acks, rows):
    """Two bookings for one key, two keys for one booking, two stays on one night."""
    for key, times in Counter(row.key for row in rows).items():
        if times > 1:
            proof.doubled += times - 1
            proof.note(f"doubled: key {key} made {times} bookings")
    for booking, times in Counter(ack.booking for ack in acks).items():
        if times > 1:
            proof.doubled += times - 1
            proof.note(f"doubled: booking {booking} was acknowledged for {times} keys")
    rooms = defaultdict(list)
    for row in rows:
        if row.status in OCCUPYING:
            rooms[row.room].append(row)
    for stays in rooms.values():
        # ISO dates sort as text. What a stay can overlap first is the one that ends last so far.
        stays.sort(key=lambda row: (row.check_in, row.check_out))
        latest = stays[0]
        for stay in stays[1:]:
            if stay.check_in < latest.check_out:
                proof.doubled += 1
                proof.note(f"doubled: {latest} overlaps {stay}")
            latest = max(latest, stay, key=lambda row: row.check_out)


def count_disordered(proof, acks, events):
    """Acknowledged versions name their own event and agree with the order of real time."""
    rooms = defaultdict(list)
    for ack in acks:
        rooms[ack.room].append(ack)
        if events.get((ack.room, ack.room_version)) != ack.booking:
            proof.disordered += 1
            proof.note(f"no event of its own: {ack}")
    for writes in rooms.values():
        writes.sort(key=lambda ack: -ack.room_version)
        earliest_end = float("inf")
        for ack in writes:
            # A write of a later version must not have been over before this one was first sent.
            if earliest_end < ack.sent:
                proof.disordered += 1
                proof.note(f"a later version was acknowledged before this was sent: {ack}")
            earliest_end = min(earliest_end, ack.ended)
