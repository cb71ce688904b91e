"""The reference on SQLite: one thread that books, one transaction each, with the service's pragmas.

Reads what to do from standard input and prints what it did, both as JSON. Rooms are found by their
id, nights lie beyond the year 2100 and are never the same twice.
"""

import datetime
import json
import random
import sqlite3
import sys
import time

plan = json.load(sys.stdin)
connection = sqlite3.connect(plan["file"], isolation_level=None)
for pragma in ("journal_mode = WAL", "synchronous = FULL", "foreign_keys = ON", "journal_size_limit = 67108864"):
    connection.execute(f"PRAGMA {pragma}")
prefix = bytes.fromhex(plan["room_prefix"])
first_day = datetime.date(2100, 1, 1).toordinal()
dice = random.Random(1)
started, worked = time.monotonic(), time.process_time()
end = started + plan["seconds"]
done = 0
while time.monotonic() < end:
    number = plan["first"] + done
    check_in = datetime.date.fromordinal(first_day + number).isoformat()
    check_out = datetime.date.fromordinal(first_day + number + 1).isoformat()
    room = prefix + (plan["first_room"] + dice.randrange(plan["rooms"])).to_bytes(6, "big")
    connection.execute("BEGIN IMMEDIATE")
    version, hotel = connection.execute(plan["read"], {"room": room}).fetchone()
    values = {
        "room": room,
        "hotel": hotel,
        "version": version + 1,
        "id": number.to_bytes(6, "big") + b"\x70\x00\x80\x00" + dice.randbytes(6),
        "key": f"0b2ac4de-0000-7000-8000-{number:012x}",
        "check_in": check_in,
        "check_out": check_out,
        "data": f'{{"check_in":"{check_in}","check_out":"{check_out}","guests":2,'
        '"request_id":"01900000-0000-7000-8000-000000000000"}',
        "now": datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="microseconds"),
    }
    for statement in plan["writes"]:
        connection.execute(statement, values)
    connection.execute("COMMIT")
    done += 1
elapsed = time.monotonic() - started
print(json.dumps({"transactions": done, "rate": done / elapsed, "cpu": time.process_time() - worked}))
