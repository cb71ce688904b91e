//! What a booking writes, without the service: scripts for `pgbench` and statements for SQLite.
//!
//! Rooms are found by their id, which is computed from a random number. Nights lie beyond the year
//! 2100 and are never the same twice, so that every transaction writes its rows, and none of them
//! is in the way of the service's own.

use crate::rooms::{REFERENCE_ROOMS, ROOMS};
use crate::sql::Sql;

/// Sets what one transaction needs: which is its night, among all clients of all slices.
const PROLOGUE: &str = r"\set n :n + 1
\set night :client_id * 1000000 + :n
";

/// The body that the service keeps with a key, in bytes.
const BODY_BYTES: usize = 420;

/// One read and one statement that writes all rows of a booking of a random room, where `:rooms` is
/// how many there are.
pub fn uniform(sql: &Sql, keyed: bool) -> String {
    let room = sql.id(ROOMS, ":room");
    let write = booking(sql, &room, keyed);
    format!(
        "\\set room random(0, :rooms - 1)\n{PROLOGUE}\
         SELECT version, hotel_id FROM rooms WHERE id = {room} \\gset\n{write};\n"
    )
}

/// The same of the one room `:room`, which is locked before it is read.
pub fn hot(sql: &Sql) -> String {
    let room = sql.id(REFERENCE_ROOMS, ":room");
    let write = booking(sql, &room, false);
    format!(
        "{PROLOGUE}BEGIN;\n\
         SELECT version, hotel_id FROM rooms WHERE id = {room} FOR UPDATE \\gset\n{write};\nCOMMIT;\n"
    )
}

/// One random room read.
pub fn read(sql: &Sql) -> String {
    let room = sql.id(ROOMS, ":room");
    format!("\\set room random(0, :rooms - 1)\nSELECT * FROM rooms WHERE id = {room};\n")
}

/// The room with the version that was read, the booking, the event, and the key if there is one.
/// When the version is no longer that, nothing is written.
fn booking(sql: &Sql, room: &str, keyed: bool) -> String {
    let check_in = "date '2100-01-01' + CAST(:night AS int)";
    let check_out = format!("{check_in} + 1");
    // In ascending order of time, as the service's own ids are.
    let id = "CAST(lpad(to_hex(CAST(:n AS bigint)), 12, '0') || '70008000' \
              || lpad(to_hex(CAST(:client_id AS bigint)), 12, '0') AS uuid)";
    let booking = sql.insert(
        "bookings",
        &[
            ("room_id", "hit.id"),
            ("id", id),
            ("hotel_id", "hit.hotel_id"),
            ("guest_name", "'Ada Lovelace'"),
            ("guests", "2"),
            ("check_in", check_in),
            ("check_out", &check_out),
            ("status", "'confirmed'"),
            ("version", "1"),
            ("room_version", "hit.version"),
            ("created_at", "now()"),
            ("updated_at", "now()"),
        ],
    );
    let data = "jsonb_build_object('check_in', '2100-01-01', 'check_out', '2100-01-02', 'guests', 2, \
                'request_id', '01900000-0000-7000-8000-000000000000')";
    let event = sql.insert(
        "room_events",
        &[
            ("room_id", "hit.id"),
            ("version", "hit.version"),
            ("kind", "'booked'"),
            ("booking_id", id),
            ("at", "now()"),
            ("data", data),
        ],
    );
    let key = "'0b2ac4de-0000-7000-8000-' || lpad(to_hex(CAST(:night AS bigint)), 12, '0')";
    let body = format!("repeat('x', {BODY_BYTES})");
    let key = sql.insert(
        "idempotency_keys",
        &[
            ("key", key),
            ("fingerprint", r"decode(repeat('ab', 32), 'hex')"),
            ("status", "201"),
            ("version", "hit.version"),
            ("location", "'/v1/bookings/01900000-0000-7000-8000-000000000000'"),
            ("body", &body),
            ("created_at", "now()"),
            ("expires_at", "now() + interval '1 day'"),
        ],
    );
    let key = if keyed { format!(",\n kept AS ({key} FROM hit)") } else { String::new() };
    format!(
        "WITH hit AS (UPDATE rooms SET times_booked = times_booked + 1, version = version + 1, updated_at = now()\n   \
            WHERE id = {room} AND version = CAST(:version AS bigint) RETURNING id, hotel_id, version),\n \
          booked AS ({booking} FROM hit),\n \
          told AS ({event} FROM hit){key}\n\
         SELECT count(*) FROM hit"
    )
}

/// The statements of one booking on SQLite, after `BEGIN IMMEDIATE` and before `COMMIT`: first the
/// read, then the writes, with named parameters.
pub fn sqlite(sql: &Sql, keyed: bool) -> (String, Vec<String>) {
    let booking = sql.insert(
        "bookings",
        &[
            ("room_id", ":room"),
            ("id", ":id"),
            ("hotel_id", ":hotel"),
            ("guest_name", "'Ada Lovelace'"),
            ("guests", "2"),
            ("check_in", ":check_in"),
            ("check_out", ":check_out"),
            ("status", "'confirmed'"),
            ("version", "1"),
            ("room_version", ":version"),
            ("created_at", ":now"),
            ("updated_at", ":now"),
        ],
    );
    let event = sql.insert(
        "room_events",
        &[
            ("room_id", ":room"),
            ("version", ":version"),
            ("kind", "'booked'"),
            ("booking_id", ":id"),
            ("at", ":now"),
            ("data", ":data"),
        ],
    );
    let body = "x".repeat(BODY_BYTES);
    let body = format!("'{body}'");
    let key = sql.insert(
        "idempotency_keys",
        &[
            ("key", ":key"),
            ("fingerprint", "zeroblob(32)"),
            ("status", "201"),
            ("version", ":version"),
            ("location", "'/v1/bookings/01900000-0000-7000-8000-000000000000'"),
            ("body", &body),
            ("created_at", ":now"),
            ("expires_at", ":now"),
        ],
    );
    let room =
        "UPDATE rooms SET times_booked = times_booked + 1, version = version + 1, updated_at = :now
        WHERE id = :room AND version = :version - 1";
    let mut writes = vec![room.to_owned(), booking, event];
    if keyed {
        writes.push(key);
    }
    ("SELECT version, hotel_id FROM rooms WHERE id = :room".to_owned(), writes)
}
