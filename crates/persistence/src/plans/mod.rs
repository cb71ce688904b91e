//! How the databases carry out the statements of this crate: by index, and reading no more when
//! the past grows. Tests only.

mod hot;
mod notices;
mod rows;
mod statements;
mod work;

use sea_orm::{
    ConnectionTrait, DbBackend, Statement, TransactionTrait, TryGetable, Value as Bound,
};
use serde_json::Value;
use vacancy_domain::{HotelId, RoomId};
use vacancy_testkit::database::{Database, Kind};

use self::notices::{REPORTED, Reported};
use self::rows::{
    HOTEL, ROOM, begin_on_postgres, book_one_night_everywhere, empty_postgres, fill_postgres,
    grow_past_on_postgres, today,
};
use self::statements::{Purpose, all, open};
use self::work::Work;
use crate::by_id::Single;
use crate::hot::PLANS_KEPT;
use crate::{BookingFilter, ROOMS_EXAMINED_MAX, Store, commit_sqlite, receipt, snapshot};

#[tokio::test]
async fn on_postgres_no_statement_reads_more_when_the_past_grows() {
    let Some(db) = Database::create(Kind::Postgres).await else { return };
    let (store, caught) = open(&db, "").await;
    let reported = Reported::default();
    let _listening = reported.listen();
    let (reporting, _) = open(&db, &format!("?{REPORTED}")).await;
    fill_postgres(&db).await;
    for past in [1_000, 20_000] {
        grow_past_on_postgres(&db, past).await;
        check_hot_path(&db, &reporting, &reported, past).await;
        for (purpose, statement) in all(&store, &caught, today(&db).await).await {
            // As planned for its values; with the long past also as prepared for any.
            let modes = ["force_custom_plan", "force_generic_plan"];
            for mode in &modes[..if past == 20_000 { 2 } else { 1 }] {
                let plan = explain_on_postgres(&store, mode, &statement).await;
                let mut work = Work::default();
                work.add(&plan);
                let what = format!("{purpose:?}, {mode}, {past} past bookings: {work:?}");
                assert!(work.scanned.is_empty(), "{what}: {plan:#}");
                assert!(work.rows <= rows_at_most(&purpose), "{what}: {plan:#}");
                // A row's block, and an index's; more are entries that were passed over.
                let blocks = 2.0 * rows_at_most(&purpose) + 100.0;
                assert!(work.blocks <= blocks, "{what}: {plan:#}");
            }
        }
    }
}

/// Plans that were made for a few rows are made again before they cost much: how many rows there are is
/// looked at by PostgreSQL itself no more than once a minute.
#[tokio::test]
async fn on_postgres_the_hot_path_is_planned_anew_as_tables_grow() {
    let Some(db) = Database::create(Kind::Postgres).await else { return };
    let reported = Reported::default();
    let _listening = reported.listen();
    let (reporting, _) = open(&db, &format!("?{REPORTED}")).await;
    begin_on_postgres(&db).await;
    // Plans are made, and kept.
    hot::all(&reporting, &reported, today(&db).await).await;
    empty_postgres(&db).await;
    fill_postgres(&db).await;
    // Of two connections, which take turns.
    for _ in 0..2 * PLANS_KEPT {
        reporting.room(RoomId(ROOM)).await.expect("it is read");
    }
    check_hot_path(&db, &reporting, &reported, 0).await;
}

/// The guard's own index finds a room's bookings too, ten times dearer than the one that is made for it. No
/// query may take it, and with few bookings it would look as good.
#[tokio::test]
async fn on_postgres_no_query_takes_the_guards_index() {
    let Some(db) = Database::create(Kind::Postgres).await else { return };
    let (store, caught) = open(&db, "").await;
    begin_on_postgres(&db).await;
    book_one_night_everywhere(&db).await;
    for (purpose, statement) in all(&store, &caught, today(&db).await).await {
        for mode in ["force_custom_plan", "force_generic_plan"] {
            let mut work = Work::default();
            work.add(&explain_on_postgres(&store, mode, &statement).await);
            let taken = work.indexes.values().any(|index| index == "bookings_do_not_overlap");
            assert!(!taken, "{purpose:?}, {mode}: {work:?}");
        }
    }
}

/// PostgreSQL plans a statement five times for its values, and from then on keeps the plan for any values
/// unless that looks dearer; planning a list of four statuses takes longer than reading it.
#[tokio::test]
async fn on_postgres_a_list_is_not_planned_for_each_request() {
    let Some(db) = Database::create(Kind::Postgres).await else { return };
    let (store, caught) = open(&db, "").await;
    fill_postgres(&db).await;
    grow_past_on_postgres(&db, 20_000).await;
    let filter = BookingFilter { limit: 50, ..BookingFilter::default() };
    for of in [
        BookingFilter { hotel: Some(HotelId(HOTEL)), ..filter.clone() },
        BookingFilter { room: Some(RoomId(ROOM)), ..filter },
    ] {
        store.bookings(&of).await.expect("it is read");
        let statement = caught.lock().expect("no test panics while holding it").pop();
        let statement = statement.expect("one was run");
        assert_eq!(planned_of_ten(&store, &statement).await, 5, "{of:?}");
    }
}

/// Checks the statements of single resources, decisions and commits as they run: each by its one
/// plan, made for any values.
async fn check_hot_path(db: &Database, store: &Store, reported: &Reported, past: i64) {
    for (what, explained) in hot::all(store, reported, today(db).await).await {
        let mut work = Work::default();
        work.add(&explained["Plan"]);
        let probes = match what {
            "snapshot" | "availability" => vec!["earlier", "within"],
            _ => Vec::new(),
        };
        let what = format!("{what}, {past} past bookings: {work:?}");
        assert!(work.scanned.is_empty(), "{what}: {explained:#}");
        // The most are all nights from now on: 100 bookings.
        assert!(work.rows <= 110.0 && work.blocks <= 300.0, "{what}: {explained:#}");
        for probe in probes {
            let by = work.indexes.get(probe).map(String::as_str);
            assert_eq!(by, Some("bookings_occupying"), "{what}, {probe}: {explained:#}");
        }
    }
}

/// How many rows a statement may take from tables and indexes, however long the past is. All tables
/// have more.
fn rows_at_most(purpose: &Purpose) -> f64 {
    match purpose {
        // A hotel's rooms, a few bookings of each.
        Purpose::Other("pick a room" | "name alternatives") => 1_000.0,
        Purpose::Other(_) => 110.0,
        // One more than a page of each status, and the room's hotel; from a day on, the nights of a
        // room over which a long stay could reach it.
        Purpose::Bookings(filter) => {
            let before = if filter.room.is_some() && filter.from.is_some() { 364.0 } else { 0.0 };
            let hotels = if filter.hotels.is_some() { 2.0 } else { 1.0 };
            4.0 * 51.0 * hotels + 1.0 + before
        }
        // Those examined; again, to find where the next page begins; and two bookings of each.
        Purpose::Rooms(_) => {
            let examined = u32::try_from(ROOMS_EXAMINED_MAX).expect("not so many");
            4.0 * f64::from(examined) + 100.0
        }
    }
}

/// The plan that a prepared statement has in this mode, carried out.
async fn explain_on_postgres(store: &Store, mode: &str, statement: &Statement) -> Value {
    let (prepare, execute) = prepared(statement);
    let asks = [format!("SET LOCAL plan_cache_mode = {mode}"), prepare];
    let explain = format!("EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) {execute}");
    let plan: Value = last_of(store, &asks, explain).await;
    plan[0]["Plan"].clone()
}

/// How many of ten executions of a prepared statement were planned for their values.
async fn planned_of_ten(store: &Store, statement: &Statement) -> i64 {
    let (prepare, execute) = prepared(statement);
    let mut asks = vec![prepare];
    asks.extend(std::iter::repeat_n(execute, 10));
    let planned = "SELECT custom_plans FROM pg_prepared_statements WHERE name = 'planned'";
    last_of(store, &asks, planned.to_owned()).await
}

/// How a statement is prepared as `planned`, and executed with its values.
fn prepared(statement: &Statement) -> (String, String) {
    let values = statement.values.iter().flat_map(|values| &values.0);
    let (types, literals): (Vec<_>, Vec<_>) = values.map(in_sql).unzip();
    let listed = |list: Vec<_>| {
        if list.is_empty() { String::new() } else { format!("({})", list.join(", ")) }
    };
    let types = listed(types.into_iter().map(str::to_owned).collect());
    let sql = &statement.sql;
    (format!("PREPARE planned {types} AS {sql}"), format!("EXECUTE planned {}", listed(literals)))
}

/// Does what is asked, `planned` among it, and returns the one value of the last.
async fn last_of<T: TryGetable>(store: &Store, asks: &[String], last: String) -> T {
    // Past the callback: this is the writer's connection.
    let tx = store.writer.begin().await.expect("a transaction begins");
    for ask in asks {
        tx.execute_unprepared(ask).await.expect("what was run can be prepared");
    }
    let row = tx.query_one_raw(Statement::from_string(DbBackend::Postgres, last)).await;
    let row = row.expect("what was prepared can be asked about").expect("one row");
    let value = row.try_get_by_index(0).expect("its type");
    tx.execute_unprepared("DEALLOCATE planned").await.expect("it was prepared");
    tx.rollback().await.expect("nothing was written");
    value
}

/// Type and literal of a value.
#[expect(clippy::wildcard_enum_match_arm, reason = "a value of another type fails the test")]
fn in_sql(value: &Bound) -> (&'static str, String) {
    match value {
        Bound::Uuid(id) => ("uuid", id.map_or("NULL".into(), |id| format!("'{id}'"))),
        Bound::String(text) => {
            ("text", text.as_ref().map_or("NULL".into(), |text| format!("'{text}'")))
        }
        Bound::ChronoDate(Some(day)) => ("date", format!("'{day}'")),
        Bound::BigInt(Some(number)) => ("bigint", number.to_string()),
        Bound::BigUnsigned(Some(number)) => ("bigint", number.to_string()),
        other => panic!("no statement has had such a value yet: {other:?}"),
    }
}

#[tokio::test]
async fn on_sqlite_no_statement_scans_a_table() {
    let db = Database::create(Kind::Sqlite).await.expect("SQLite is always there");
    let (store, caught) = open(&db, "").await;
    for (purpose, statement) in all(&store, &caught, today(&db).await).await {
        let explain =
            Statement { sql: format!("EXPLAIN QUERY PLAN {}", statement.sql), ..statement };
        let plan = store.writer.query_all_raw(explain).await.expect("it can be explained");
        let lines = plan.iter().map(|row| row.try_get_by_index::<String>(3).expect("a line"));
        let lines: Vec<_> = lines.collect();
        for line in &lines {
            assert!(is_bounded(&purpose, line, &lines), "{purpose:?}: {line} in {lines:#?}");
        }
        if let Purpose::Bookings(filter) = &purpose {
            // Each status comes in order; what is sorted is a page's worth of each. Of one reference
            // there are few.
            let sorted = |pair: &[String]| {
                filter.reference.is_none()
                    && filter.guest.is_none()
                    && pair[0].starts_with("SEARCH b ")
                    && pair[1].starts_with("USE TEMP B-TREE")
            };
            assert!(!lines.windows(2).any(sorted), "{purpose:?}: {lines:#?}");
            let searches = lines.iter().filter(|line| line.starts_with("SEARCH b "));
            let statuses = match (&filter.guest, filter.status) {
                // By name, and by address.
                (Some(_), _) => 2,
                (None, Some(_)) => 1,
                (None, None) => 4,
            };
            let apart = filter.hotels.as_ref().filter(|_| filter.reference.is_none());
            let hotels = apart.map_or(1, Vec::len);
            assert_eq!(searches.count(), statuses * hotels, "{purpose:?}: {lines:#?}");
        }
    }
}

/// Each reads by the keys it is given, and nothing else.
#[tokio::test]
async fn on_sqlite_no_write_scans_a_table() {
    let db = Database::create(Kind::Sqlite).await.expect("SQLite is always there");
    let (store, _) = open(&db, "").await;
    let texts = [
        ("snapshot", snapshot::SQLITE.as_str()),
        ("one hotel", Single::Hotel.one()),
        ("one room", Single::Room.one()),
        ("one booking", Single::Booking.one()),
        ("a booking's room", Single::Place.one()),
        ("advance a room", commit_sqlite::ADVANCE),
        ("edit a room", commit_sqlite::REWRITE),
        ("change a booking", commit_sqlite::CHANGE),
        ("find out", receipt::FOUND_SQLITE),
    ];
    for (what, text) in texts {
        let explain =
            Statement::from_string(DbBackend::Sqlite, format!("EXPLAIN QUERY PLAN {text}"));
        let plan = store.writer.query_all_raw(explain).await.expect("it can be explained");
        let lines = plan.iter().map(|row| row.try_get_by_index::<String>(3).expect("a line"));
        let lines: Vec<_> = lines.collect();
        assert!(lines.iter().any(|line| line.starts_with("SEARCH ")), "{what}: {lines:#?}");
        for line in &lines {
            // Of a list that was bound; of the one row with the time.
            let scan = line.strip_prefix("SCAN ").map(|scan| scan.split(' ').next());
            let bound = ["json_each", "wanted", "nights", "asked", "clock", "CONSTANT"];
            let known = scan.is_none_or(|scan| scan.is_some_and(|scan| bound.contains(&scan)));
            assert!(known, "{what}: {line} in {lines:#?}");
            let probe =
                ["earlier", "taken"].iter().any(|it| line.starts_with(&format!("SEARCH {it} ")));
            assert!(!probe || line.contains("INDEX bookings_occupying ("), "{what}: {lines:#?}");
        }
        let probes = lines.iter().filter(|line| line.contains(" bookings_occupying ")).count();
        assert_eq!(probes, if what == "snapshot" { 2 } else { 0 }, "{what}: {lines:#?}");
    }
}

/// Whether a step of a plan of SQLite's reads no more than what it is asked for.
fn is_bounded(purpose: &Purpose, line: &str, lines: &[String]) -> bool {
    let index = |names: &[&str]| names.iter().any(|name| line.contains(&format!("INDEX {name} (")));
    if let (true, Purpose::Bookings(filter)) = (line.starts_with("SEARCH b "), purpose) {
        let of_hotels = filter.hotel.is_some() || filter.hotels.is_some();
        if filter.guest.is_some() {
            return index(&["bookings_guest_name", "bookings_guest_email"]);
        }
        if filter.reference.is_some() {
            return index(&["bookings_reference_key", "bookings_reference_expired"]);
        }
        if filter.source.is_some() {
            return index(&[match (filter.room, of_hotels) {
                (Some(_), _) => "bookings_source_room",
                (None, true) => "bookings_source_hotel",
                (None, false) => "bookings_source",
            }]);
        }
        return match (filter.room, of_hotels) {
            (Some(_), _) => index(&["bookings_occupying", "bookings_room_others"]),
            (None, true) => index(&["bookings_hotel_status"]),
            (None, false) if filter.made_by.is_some() => index(&["bookings_made_by"]),
            (None, false) => index(&["bookings_status"]),
        };
    }
    let Some(scanned) = line.strip_prefix("SCAN ") else { return true };
    let (what, how) = scanned.split_once(' ').unwrap_or((scanned, ""));
    match (what, how) {
        // One row; what was found before.
        ("clock" | "CONSTANT" | "found", _) => true,
        // Up to a limit, in the order of an index.
        ("r", how) if how.starts_with("USING INDEX rooms_n") => true,
        ("h", how) if how.starts_with("USING INDEX hotels_live") => true,
        // A subquery by that name, not the table.
        ("b" | "r", "" | "LEFT-JOIN") => {
            let made = ["CO-ROUTINE ", "MATERIALIZE "].map(|made| format!("{made}{what}"));
            let made = |it: &String| made.contains(it) || it == "MATERIALIZE found";
            let scans = lines.iter().filter(|it| {
                **it == format!("SCAN {what}") || **it == format!("SCAN {what} LEFT-JOIN")
            });
            scans.count() <= lines.iter().filter(|it| made(it)).count()
        }
        _ => false,
    }
}
