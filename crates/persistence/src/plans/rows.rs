//! Rows for the plans: many of what is common, few of what is rare, and a past that grows.

use uuid::Uuid;
use vacancy_domain::Day;
use vacancy_testkit::database::{Database, Kind};

pub const HOTEL: Uuid = Uuid::from_u128(1);
/// The room with a past.
pub const ROOM: Uuid = Uuid::from_u128(1 << 32);
/// Another room of the same hotel.
pub const OTHER_ROOM: Uuid = Uuid::from_u128(2 << 32);
/// A source, and a guest's name, of few bookings: five holds of `ROOM`, with the references `R1` to `R5`.
pub const RARE: &str = "rare";
/// A booking of `ROOM`, next month.
pub const BOOKING: Uuid = Uuid::from_u128(u128::MAX);

/// A database as a new owner has it: a hotel, two rooms, one booking.
pub async fn begin_on_postgres(db: &Database) {
    db.sql(&format!(
        "INSERT INTO hotels (id, name, city, time_zone, version, created_at, updated_at)
         VALUES ('{HOTEL}', 'h', 'c', 'UTC', 1, now(), now());
         INSERT INTO rooms (id, hotel_id, number, kind, capacity, status, times_booked, version,
             created_at, updated_at)
         SELECT id, '{HOTEL}', id, 'double', 2, 'open', 3, 4, now(), now()
         FROM unnest(ARRAY['{ROOM}', '{OTHER_ROOM}']::uuid[]) AS id;
         INSERT INTO bookings (room_id, id, hotel_id, guest_name, guests, check_in, check_out, status,
             version, room_version, created_at, updated_at)
         VALUES ('{ROOM}', '{BOOKING}', '{HOTEL}', 'Ada', 1, current_date + 35, current_date + 38,
             'confirmed', 1, 2, now(), now());"
    ))
    .await;
    // What becomes of them is not looked at.
    for table in TABLES {
        db.sql(&format!("ALTER TABLE {table} SET (autovacuum_enabled = off)")).await;
    }
}

/// Adds 2,000 rooms to the hotel of [`begin_on_postgres`], each booked for the same night.
pub async fn book_one_night_everywhere(db: &Database) {
    db.sql(&format!(
        "INSERT INTO rooms (id, hotel_id, number, kind, capacity, status, times_booked, version,
             created_at, updated_at)
         SELECT gen_random_uuid(), '{HOTEL}', n, 'double', 2, 'open', 1, 2, now(), now()
         FROM generate_series(1, 2000) AS n;
         INSERT INTO bookings (room_id, id, hotel_id, guest_name, guests, check_in, check_out, status,
             version, room_version, created_at, updated_at)
         SELECT id, gen_random_uuid(), hotel_id, 'Ada', 1, current_date + 30, current_date + 31,
             'confirmed', 1, 2, now(), now()
         FROM rooms WHERE version = 2"
    ))
    .await;
    db.sql("VACUUM ANALYZE").await;
}

/// Removes what [`begin_on_postgres`] and its use have left.
pub async fn empty_postgres(db: &Database) {
    for table in TABLES {
        db.sql(&format!("DELETE FROM {table}")).await;
    }
}

/// In an order in which they can be emptied.
const TABLES: [&str; 5] = ["idempotency_keys", "room_events", "bookings", "rooms", "hotels"];

/// 100 hotels of 100 rooms in 50 cities; each room of the first three hotels has 100 bookings to
/// come, those of the second made by `ada`. `HOTEL`, the first, has 5,000 cancelled bookings and five
/// holds; nothing is expired. What is cancelled or past is of one source, each with a
/// reference.
pub async fn fill_postgres(db: &Database) {
    db.sql(&format!(
        "INSERT INTO hotels (id, name, city, time_zone, version, created_at, updated_at)
         SELECT lpad(to_hex(n), 32, '0')::uuid, 'h' || n, 'c' || n % 50, 'UTC', 1, now(), now()
         FROM generate_series(1, 100) AS n;
         INSERT INTO rooms (id, hotel_id, number, kind, capacity, status, times_booked, version,
             created_at, updated_at)
         SELECT (lpad(to_hex(n), 24, '0') || '00000000')::uuid,
             lpad(to_hex((n - 1) / 100 + 1), 32, '0')::uuid, 'r' || n, 'double', 2, 'open', 3, 4,
             now(), now()
         FROM generate_series(1, 10000) AS n;
         INSERT INTO bookings (room_id, id, hotel_id, guest_name, guests, check_in, check_out,
             status, version, room_version, created_at, updated_at, made_by)
         SELECT rooms.id, gen_random_uuid(), hotel_id, 'Ada', 1, current_date + 30 + 5 * n,
             current_date + 33 + 5 * n, 'confirmed', 1, 2, now(), now(),
             CASE WHEN hotel_id = '00000000-0000-0000-0000-000000000002' THEN 'ada' END
         FROM rooms, generate_series(1, 100) AS n
         WHERE hotel_id <= '00000000-0000-0000-0000-000000000003';
         UPDATE bookings SET id = '{BOOKING}' WHERE room_id = '{ROOM}' AND check_in = current_date + 35;
         INSERT INTO bookings (room_id, id, hotel_id, guest_name, guests, check_in, check_out,
             status, version, room_version, created_at, updated_at, source, reference)
         SELECT rooms.id, gen_random_uuid(), hotel_id, 'Ada', 1, current_date + 10,
             current_date + 12, 'cancelled', 1, 2, now(), now(), 'common', rooms.number || '-' || n
         FROM rooms, generate_series(1, 50) AS n WHERE hotel_id = '{HOTEL}';
         INSERT INTO bookings (room_id, id, hotel_id, guest_name, guests, check_in, check_out,
             status, hold_expires_at, version, room_version, created_at, updated_at, source, reference,
             guest_name_folded)
         SELECT '{ROOM}', gen_random_uuid(), '{HOTEL}', 'Ada', 1, current_date + 600 + n,
             current_date + 601 + n, 'held', now() + interval '1 day', 1, 2, now(), now(), '{RARE}',
             'R' || n, '{RARE}'
         FROM generate_series(1, 5) AS n;
         INSERT INTO room_events (room_id, version, kind, at, data, write_id)
         SELECT id, n, 'room_edited', now(), '{{}}', id FROM rooms, generate_series(1, 4) AS n;
         INSERT INTO idempotency_keys (key, fingerprint, status, created_at, expires_at)
         SELECT 'k' || n, '', 201, now(), now() + interval '1 day' FROM generate_series(1, 10000) AS n;"
    ))
    .await;
}

/// Lets `ROOM` have been booked every night of the last `nights`.
pub async fn grow_past_on_postgres(db: &Database, nights: i64) {
    db.sql(&format!(
        "INSERT INTO bookings (room_id, id, hotel_id, guest_name, guests, check_in, check_out,
             status, version, room_version, created_at, updated_at, source, reference,
             guest_name_folded, guest_email_folded)
         SELECT '{ROOM}', gen_random_uuid(), '{HOTEL}', 'Ada', 1, current_date - n,
             current_date - n + 1, 'confirmed', 1, 1, now(), now(), 'common', 'past ' || n,
             'guest ' || n, n || '@example.org'
         FROM generate_series(1, {nights}) AS n
         WHERE current_date - n < COALESCE((SELECT MIN(check_in) FROM bookings
             WHERE room_id = '{ROOM}' AND status = 'confirmed'), current_date)"
    ))
    .await;
    db.sql("ANALYZE").await;
    let past = format!(
        "SELECT COUNT(*) FROM bookings WHERE room_id = '{ROOM}' AND check_in < current_date"
    );
    assert_eq!(db.count(&past).await, nights);
}

/// The database's own day, in UTC.
pub async fn today(db: &Database) -> Day {
    let days = match db.kind() {
        Kind::Sqlite => {
            "SELECT CAST(julianday('now', 'start of day') - julianday('1970-01-01') AS INTEGER)"
        }
        Kind::Postgres => "SELECT CAST(current_date - date '1970-01-01' AS bigint)",
    };
    let days = db.count(days).await;
    Day::default() + chrono::TimeDelta::days(days)
}
