//! How the databases carry out the statements of this crate: by index, and reading no more when
//! the past grows. Tests only.

mod rows;
mod statements;

use sea_orm::{ConnectionTrait, Statement, TransactionTrait, Value as Bound};
use serde_json::Value;
use vacancy_testkit::database::{Database, Kind};

use self::rows::{fill_postgres, grow_past_on_postgres, today};
use self::statements::{Purpose, all, open};
use crate::{ROOMS_EXAMINED_MAX, Store};

#[tokio::test]
async fn on_postgres_no_statement_reads_more_when_the_past_grows() {
    let Some(db) = Database::create(Kind::Postgres).await else { return };
    let (store, caught) = open(&db).await;
    fill_postgres(&db).await;
    for past in [1_000, 20_000] {
        grow_past_on_postgres(&db, past).await;
        for (purpose, statement) in all(&store, &caught, today(&db).await).await {
            // As planned for its values, and as prepared for any.
            for mode in ["force_custom_plan", "force_generic_plan"] {
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
            4.0 * 51.0 + 1.0 + before
        }
        // Those examined; again, to find where the next page begins; and two bookings of each.
        Purpose::Rooms(_) => {
            let examined = u32::try_from(ROOMS_EXAMINED_MAX).expect("not so many");
            4.0 * f64::from(examined) + 100.0
        }
    }
}

/// What a plan cost when it was carried out.
#[derive(Debug, Default)]
struct Work {
    /// Taken from tables and indexes, those that were thrown away included.
    rows: f64,
    /// Of tables and indexes.
    blocks: f64,
    /// Tables read from end to end.
    scanned: Vec<String>,
}

impl Work {
    fn add(&mut self, node: &Value) {
        let number = |name: &str| node[name].as_f64().unwrap_or(0.0);
        let kind = node["Node Type"].as_str().unwrap_or_default();
        let table = node["Relation Name"].as_str().unwrap_or_default();
        // There are too few hotels for an index to be worth while.
        if !table.is_empty() && table != "hotels" {
            let thrown_away =
                number("Rows Removed by Filter") + number("Rows Removed by Index Recheck");
            self.rows += (number("Actual Rows") + thrown_away) * number("Actual Loops");
            if kind == "Seq Scan" {
                self.scanned.push(table.to_owned());
            }
        }
        // Of a node and all below it.
        self.blocks = self.blocks.max(number("Shared Hit Blocks") + number("Shared Read Blocks"));
        for inner in node["Plans"].as_array().into_iter().flatten() {
            self.add(inner);
        }
    }
}

/// The plan that a prepared statement has in this mode, carried out.
async fn explain_on_postgres(store: &Store, mode: &str, statement: &Statement) -> Value {
    let values = statement.values.iter().flat_map(|values| &values.0);
    let (types, literals): (Vec<_>, Vec<_>) = values.map(in_sql).unzip();
    let types = if types.is_empty() { String::new() } else { format!("({})", types.join(", ")) };
    let literals =
        if literals.is_empty() { String::new() } else { format!("({})", literals.join(", ")) };
    // Past the callback: this is the writer's connection.
    let tx = store.writer.begin().await.expect("a transaction begins");
    let prepare =
        format!("SET LOCAL plan_cache_mode = {mode}; PREPARE planned {types} AS {}", statement.sql);
    tx.execute_unprepared(&prepare).await.expect("what was run can be prepared");
    let explain = format!("EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) EXECUTE planned {literals}");
    let explained = tx.query_one_raw(Statement::from_string(statement.db_backend, explain)).await;
    let explained = explained.expect("what was prepared can be explained").expect("one row");
    let plan: Value = explained.try_get_by_index(0).expect("a plan is JSON");
    tx.execute_unprepared("DEALLOCATE planned").await.expect("it was prepared");
    tx.rollback().await.expect("nothing was written");
    plan[0]["Plan"].clone()
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
    let (store, caught) = open(&db).await;
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
            // Each status comes in order; what is sorted is a page's worth of each.
            let sorted = |pair: &[String]| {
                pair[0].starts_with("SEARCH b ") && pair[1].starts_with("USE TEMP B-TREE")
            };
            assert!(!lines.windows(2).any(sorted), "{purpose:?}: {lines:#?}");
            let searches = lines.iter().filter(|line| line.starts_with("SEARCH b "));
            let statuses = if filter.status.is_some() { 1 } else { 4 };
            assert_eq!(searches.count(), statuses, "{purpose:?}: {lines:#?}");
        }
    }
}

/// Whether a step of a plan of SQLite's reads no more than what it is asked for.
fn is_bounded(purpose: &Purpose, line: &str, lines: &[String]) -> bool {
    let index = |names: &[&str]| names.iter().any(|name| line.contains(&format!("INDEX {name} (")));
    if let (true, Purpose::Bookings(filter)) = (line.starts_with("SEARCH b "), purpose) {
        return match (filter.room, filter.hotel) {
            (Some(_), _) => index(&["bookings_occupying", "bookings_room_others"]),
            (None, Some(_)) => index(&["bookings_hotel_status"]),
            (None, None) => index(&["bookings_status"]),
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
