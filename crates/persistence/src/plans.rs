//! How the databases carry out the statements of this crate: by index, and reading no more when
//! the past grows. Tests only.
//!
//! The statements are caught on their way to the driver, so that what is explained is what is run.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use sea_orm::{ConnectionTrait, Statement};
use serde_json::Value;
use uuid::Uuid;
use vacancy_domain::{BookingId, Day, HotelId, RoomId, Stay};
use vacancy_testkit::database::{Database, Kind};

use crate::{
    BookingFilter, Nights, RoomFilter, RoomPosition, RoomSort, SnapshotQuery, Store, StoreOptions,
};

const HOTEL: Uuid = Uuid::from_u128(1);
/// The room with a past.
const ROOM: Uuid = Uuid::from_u128(1 << 32);
/// A booking of it, next month.
const BOOKING: Uuid = Uuid::from_u128(u128::MAX);

#[tokio::test]
async fn on_postgres_no_statement_reads_more_when_the_past_grows() {
    let Some(db) = Database::create(Kind::Postgres).await else { return };
    let (store, caught) = open(&db).await;
    fill_postgres(&db).await;
    let mut read_before = BTreeMap::new();
    for past in [1_000, 20_000] {
        // Nights of one room, one after the other, up to yesterday.
        db.sql(&format!(
            "INSERT INTO bookings (room_id, id, hotel_id, guest_name, guests, check_in, check_out,
                 status, version, room_version, created_at, updated_at)
             SELECT '{ROOM}', gen_random_uuid(), '{HOTEL}', 'Ada', 1,
                 current_date - n, current_date - n + 1, 'confirmed', 1, 1, now(), now()
             FROM generate_series(1, {past}) AS n
             WHERE current_date - n < COALESCE((SELECT MIN(check_in) FROM bookings
                 WHERE room_id = '{ROOM}'), current_date)"
        ))
        .await;
        db.sql("ANALYZE").await;
        assert_eq!(db.count(&past_of_room()).await, past);
        for (what, statement) in statements(&store, &caught, today(&db).await).await {
            let explained =
                explain(&store, "EXPLAIN (ANALYZE, FORMAT JSON) ", statement.clone()).await;
            let plan: Value = explained[0].try_get_by_index(0).expect("a plan is JSON");
            let (mut read, mut scanned) = (0.0, Vec::new());
            walk(&plan[0]["Plan"], &mut read, &mut scanned);
            eprintln!("{what}: {read} rows read with {past} past bookings, in full: {scanned:?}");
            for table in ["bookings", "idempotency_keys", "room_events"] {
                assert!(!scanned.iter().any(|it| it == table), "{what} scans {table}: {plan:#}");
            }
            let all_rooms = what.contains("of all rooms");
            assert!(all_rooms || !scanned.iter().any(|it| it == "rooms"), "{what}: {plan:#}");
            let before = *read_before.entry(what).or_insert(read);
            assert!(read <= before + 5.0, "{what} read {before} rows before, now {read}: {plan:#}");
        }
    }
}

#[tokio::test]
async fn on_sqlite_no_statement_scans_a_table() {
    let db = Database::create(Kind::Sqlite).await.expect("SQLite is always there");
    let (store, caught) = open(&db).await;
    for (what, statement) in statements(&store, &caught, today(&db).await).await {
        let plan = explain(&store, "EXPLAIN QUERY PLAN ", statement).await;
        let lines = plan.iter().map(|row| row.try_get_by_index::<String>(3).expect("a line"));
        for line in lines {
            // In the order of an index, up to LIMIT, is how a list is read.
            let by_index = line.contains("USING INDEX") || line.contains("USING COVERING INDEX");
            let harmless =
                ["SCAN clock", "SCAN CONSTANT ROW", "SCAN free"].contains(&line.as_str());
            let all_rooms = what.contains("of all rooms");
            let scans = line.starts_with("SCAN ");
            assert!(!scans || by_index || harmless || all_rooms, "{what}: {line}");
            if what.starts_with("decide") {
                assert!(!scans || harmless, "{what}: {line}");
            }
        }
    }
}

/// Every statement of this crate that looks at rooms or bookings, with what it is for.
#[expect(clippy::too_many_lines, reason = "it is a list")]
async fn statements(store: &Store, caught: &Caught, today: Day) -> Vec<(&'static str, Statement)> {
    let (hotel, room, booking) = (HotelId(HOTEL), RoomId(ROOM), BookingId(BOOKING));
    let check_in = today + chrono::Days::new(40);
    let check_out = today + chrono::Days::new(43);
    let stay = Stay::new(check_in, check_out).expect("three nights");
    let key = Some("key");
    let mut statements = Vec::new();
    let mut keep = |what| {
        let mut caught = caught.lock().expect("nobody panics while holding it");
        assert_eq!(caught.len(), 1, "{what} is one statement");
        statements.extend(caught.pop().map(|statement| (what, statement)));
    };
    for (what, ask) in [
        (
            "decide on a booking",
            SnapshotQuery { key, room: Some(room), nights: stay.into(), booking: None },
        ),
        (
            "decide on a command",
            SnapshotQuery { key, booking: Some(booking), ..SnapshotQuery::default() },
        ),
        (
            "decide on other nights",
            SnapshotQuery {
                booking: Some(booking),
                nights: Nights::Range(None, Some(check_out)),
                ..SnapshotQuery::default()
            },
        ),
        (
            "decide on another room",
            SnapshotQuery {
                key,
                booking: Some(booking),
                room: Some(room),
                nights: Nights::Range(None, None),
            },
        ),
        (
            "decide on a deletion",
            SnapshotQuery { key, room: Some(room), nights: Nights::Ahead, booking: None },
        ),
    ] {
        store.snapshot(&ask).await.expect("it is read");
        keep(what);
    }
    store.hotel_snapshot(key, Some(hotel)).await.expect("it is read");
    keep("decide on a hotel");
    store.candidates(key, hotel, stay, 2, Some("double")).await.expect("it is read");
    keep("pick a room");
    store.alternatives(room, stay, 2, 5).await.expect("it is read");
    keep("name alternatives");
    store.calendar(room, today, check_out).await.expect("it is read");
    keep("availability");
    let rooms = RoomFilter {
        hotel: Some(hotel),
        city: None,
        kind: None,
        guests: Some(2),
        stay: Some(stay),
        sort: RoomSort::Number,
        after: None,
        limit: 50,
    };
    for (what, filter) in [
        ("rooms of a hotel for a stay", rooms.clone()),
        (
            "the next rooms of a hotel for a stay, least booked first",
            RoomFilter {
                sort: RoomSort::TimesBooked,
                after: Some(RoomPosition::TimesBooked(0, room)),
                ..rooms.clone()
            },
        ),
        ("a page of all rooms", RoomFilter { hotel: None, stay: None, ..rooms.clone() }),
        ("a page of all rooms for a stay", RoomFilter { hotel: None, ..rooms.clone() }),
        (
            "a page of all rooms for a stay, least booked first",
            RoomFilter { hotel: None, sort: RoomSort::TimesBooked, ..rooms },
        ),
    ] {
        store.rooms(&filter).await.expect("it is read");
        keep(what);
    }
    let from = BookingFilter {
        from: Some(today),
        to: Some(check_out),
        limit: 50,
        ..BookingFilter::default()
    };
    for (what, filter) in [
        ("bookings of a room in a span", BookingFilter { room: Some(room), ..from.clone() }),
        ("bookings of a hotel in a span", BookingFilter { hotel: Some(hotel), ..from.clone() }),
        (
            "the next bookings of a room from a day on",
            BookingFilter {
                room: Some(room),
                to: None,
                after: Some((check_in, booking)),
                ..from.clone()
            },
        ),
        ("bookings in a span", from),
    ] {
        store.bookings(&filter).await.expect("it is read");
        keep(what);
    }
    store.booking(booking).await.expect("it is read");
    keep("one booking");
    store.events(room, 0, 50).await.expect("it is read");
    keep("a history");
    store.lapsed_holds(100).await.expect("it is read");
    keep("lapsed holds");
    statements
}

type Caught = Arc<Mutex<Vec<Statement>>>;

/// A store whose reads leave their statements behind.
async fn open(db: &Database) -> (Store, Caught) {
    let options = StoreOptions {
        url: db.url().to_owned(),
        connections: 2,
        statement_timeout: Duration::from_mins(1),
        exclusive: true,
    };
    let mut store = Store::connect(&options).await.expect("the test's database can be opened");
    store.migrate().await.expect("an empty database can be migrated");
    let caught = Caught::default();
    let into = caught.clone();
    store.reader.set_metric_callback(move |info| {
        let mut caught = into.lock().expect("nobody panics while holding it");
        caught.push(info.statement.clone());
    });
    (store, caught)
}

async fn explain(store: &Store, how: &str, statement: Statement) -> Vec<sea_orm::QueryResult> {
    let explain = Statement { sql: format!("{how}{}", statement.sql), ..statement };
    // Past the callback: this is the writer's connection.
    store.writer.query_all_raw(explain).await.expect("what was run can be explained")
}

/// Adds up the rows that a plan took from tables and indexes, those that it threw away included,
/// and names the tables read from end to end.
fn walk(node: &Value, read: &mut f64, scanned: &mut Vec<String>) {
    let number = |name: &str| node[name].as_f64().unwrap_or(0.0);
    let kind = node["Node Type"].as_str().unwrap_or_default();
    if kind.contains("Scan") && kind != "Subquery Scan" {
        let thrown_away =
            number("Rows Removed by Filter") + number("Rows Removed by Index Recheck");
        let table = node["Relation Name"].as_str().unwrap_or_default();
        // There are too few hotels for an index to be worth while.
        if table != "hotels" {
            *read += (number("Actual Rows") + thrown_away) * number("Actual Loops");
        }
        if kind == "Seq Scan" {
            scanned.push(table.to_owned());
        }
    }
    for inner in node["Plans"].as_array().into_iter().flatten() {
        walk(inner, read, scanned);
    }
}

/// 100 hotels of 100 rooms, each room with three bookings to come.
async fn fill_postgres(db: &Database) {
    db.sql(&format!(
        "INSERT INTO hotels (id, name, city, time_zone, version, created_at, updated_at)
         SELECT lpad(to_hex(n), 32, '0')::uuid, 'h' || n, 'c' || n % 10, 'UTC', 1, now(), now()
         FROM generate_series(1, 100) AS n;
         INSERT INTO rooms (id, hotel_id, number, kind, capacity, status, times_booked, version,
             created_at, updated_at)
         SELECT (lpad(to_hex(n), 24, '0') || '00000000')::uuid,
             lpad(to_hex((n - 1) / 100 + 1), 32, '0')::uuid, 'r' || n, 'double', 2, 'open', 3, 4,
             now(), now()
         FROM generate_series(1, 10000) AS n;
         INSERT INTO bookings (room_id, id, hotel_id, guest_name, guests, check_in, check_out,
             status, version, room_version, created_at, updated_at)
         SELECT rooms.id, gen_random_uuid(), hotel_id, 'Ada', 1, current_date + 30 + 5 * n,
             current_date + 33 + 5 * n, 'confirmed', 1, 2, now(), now()
         FROM rooms, generate_series(1, 3) AS n;
         UPDATE bookings SET id = '{BOOKING}' WHERE room_id = '{ROOM}' AND check_in = current_date + 35;
         INSERT INTO room_events (room_id, version, kind, at, data)
         SELECT id, n, 'room_edited', now(), '{{}}' FROM rooms, generate_series(1, 4) AS n;
         INSERT INTO idempotency_keys (key, fingerprint, status, created_at, expires_at)
         SELECT 'k' || n, '', 201, now(), now() + interval '1 day' FROM generate_series(1, 10000) AS n;"
    ))
    .await;
}

fn past_of_room() -> String {
    format!("SELECT COUNT(*) FROM bookings WHERE room_id = '{ROOM}' AND check_in < current_date")
}

/// The database's own day, in UTC.
async fn today(db: &Database) -> Day {
    let days = match db.kind() {
        Kind::Sqlite => {
            "SELECT CAST(julianday('now', 'start of day') - julianday('1970-01-01') AS INTEGER)"
        }
        Kind::Postgres => "SELECT CAST(current_date - date '1970-01-01' AS bigint)",
    };
    let days = db.count(days).await;
    Day::default() + chrono::TimeDelta::days(days)
}
