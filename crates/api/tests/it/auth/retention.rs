//! Guests are forgotten by themselves, so many days after they left.

use std::time::Duration;

use vacancy_testkit::database::{Database, Kind};
use vacancy_testkit::replica::{Replica, ReplicaOptions};
use vacancy_testkit::scrape::Scrape;
use vacancy_testkit::{PATIENCE, eventually, on_both_databases};

use super::erase::{STATES, booking_in_state};
use crate::support::{Api, away_from_midnight, id_of, stay_body};

const DAYS: u32 = 30;
const KEPT: &str = "SELECT COUNT(*) FROM bookings WHERE guest_name LIKE '%Lovelace%'";
const ERASED: &str =
    "SELECT COUNT(*) FROM room_events WHERE kind = 'erased' AND actor = 'system:sweeper'";

/// Lets the stay of a booking have ended so many days ago.
async fn let_leave(db: &Database, booking: &str, days: u32) {
    let ago = |days: u32| match db.kind() {
        Kind::Sqlite => format!("date('now', '-{days} days')"),
        Kind::Postgres => format!("(now() AT TIME ZONE 'UTC')::date - {days}"),
    };
    let id = db.kind().uuid(booking);
    let (check_in, check_out) = (ago(days + 2), ago(days));
    let left = format!("SET check_in = {check_in}, check_out = {check_out} WHERE id = {id}");
    db.sql(&format!("UPDATE bookings {left}")).await;
}

on_both_databases! {
    async fn guests_are_forgotten_so_many_days_after_they_left(db: Database) {
        db.is_left_unsound("stays are moved into the past, where nothing is booked");
        away_from_midnight().await;
        let replica = Replica::start(&db).await;
        let api = Api::new(replica.url());
        let hotel = api.hotel().await;
        let mut rooms = Vec::new();
        for state in STATES {
            let (room, booking) = booking_in_state(&api, &hotel, state).await;
            let_leave(&db, &booking, DAYS + 1).await;
            rooms.push(room);
        }
        let room = api.room(&hotel, "kept").await;
        let path = format!("/v1/rooms/{room}/bookings");
        let recent = api.post_keyed(&path, &stay_body(3, 4), "recent").await.expect(201);
        let_leave(&db, &id_of(&recent), DAYS).await;
        let coming = api.post_keyed(&path, &stay_body(5, 6), "coming").await.expect(201);
        let erased = api.post_keyed(&path, &stay_body(7, 8), "erased").await.expect(201);
        api.command(&id_of(&erased), "erase").await.expect(200);
        let_leave(&db, &id_of(&erased), DAYS + 10).await;
        let answers = "SELECT COUNT(*) FROM idempotency_keys WHERE body LIKE '%Lovelace%'";
        assert_eq!((db.count(KEPT).await, db.count(answers).await), (8, 8));
        replica.stop().await;

        // Without the option none is; with it those, and once.
        for days in [None, Some(DAYS)] {
            let options = ReplicaOptions {
                sweep_interval: Some(Duration::from_millis(50)),
                guest_retention_days: days,
                ..ReplicaOptions::default()
            };
            let replica = Replica::start_with(&db, options).await;
            let db = &db;
            let expected: i32 = if days.is_some() { 2 } else { 8 };
            eventually("they are forgotten", PATIENCE, || async move {
                (db.count(KEPT).await == i64::from(expected)).then_some(())
            })
            .await;
            // Some rounds more find nothing to do.
            tokio::time::sleep(Duration::from_millis(300)).await;
            assert_eq!(db.count(KEPT).await, i64::from(expected));
            assert_eq!(db.count(ERASED).await, i64::from(8 - expected), "once each");
            // A guest counts as forgotten a moment after the row says so.
            let (url, count) = (&replica.url(), u64::from((8 - expected).unsigned_abs()));
            let page = eventually("they are counted", PATIENCE, || async move {
                let page = Scrape::get(url).await;
                (page.count("booking_guests_erased_total", &[]) == count).then_some(page)
            })
            .await;
            let outcome = [("operation", "forget"), ("outcome", "first_attempt")];
            let unchanged = [("operation", "forget"), ("outcome", "unchanged")];
            for (name, labels, count) in [
                ("booking_guests_erased_total", &[][..], 8 - expected),
                ("booking_write_outcomes_total", &outcome, 8 - expected),
                ("booking_write_outcomes_total", &unchanged, 0),
                ("booking_refusals_total", &[("code", "lock_conflict")], 0),
            ] {
                let (counted, count) = (page.value(name, labels), f64::from(count));
                assert!((counted - count).abs() < 0.5, "{name} {labels:?}: {counted}");
            }
            replica.stop().await;
        }
        assert_eq!(db.count(answers).await, 2, "answers about them are gone");
        let replica = Replica::start(&db).await;
        let api = Api::new(replica.url());
        for (room, state) in rooms.iter().zip(STATES) {
            let told = api.get(&format!("/v1/rooms/{room}/events")).await.expect(200).json();
            let last = told["items"].as_array().and_then(|items| items.last()).expect("events");
            let by = (&last["kind"], &last["actor"]);
            assert_eq!(by, (&"erased".into(), &"system:sweeper".into()), "{state}");
        }
        let coming = api.get(&format!("/v1/bookings/{}", id_of(&coming))).await.expect(200).json();
        assert_eq!(coming["guest"]["name"], "Ada Lovelace");
    }

    /// More of them than the sweeper looks for at once have rows that do not read.
    async fn guests_who_cannot_be_forgotten_keep_no_other_one(db: Database) {
        const UNREADABLE: u64 = 100;
        db.is_left_unsound("stays are moved into the past, and names are removed");
        let replica = Replica::start(&db).await;
        let api = Api::new(replica.url());
        let hotel = api.hotel().await;
        let room = api.room(&hotel, "1").await;
        for night in 0..=UNREADABLE {
            api.book(&room, night, night + 1).await.expect(201);
        }
        replica.stop().await;
        let ago = match db.kind() {
            Kind::Sqlite => "check_in = date(check_in, '-900 days'), \
                             check_out = date(check_out, '-900 days')",
            Kind::Postgres => "check_in = check_in - 900, check_out = check_out - 900",
        };
        db.sql(&format!("UPDATE bookings SET {ago}")).await;
        let last = "check_out = (SELECT MAX(check_out) FROM bookings)";
        db.sql(&format!("UPDATE bookings SET guest_name = '' WHERE NOT {last}")).await;
        assert_eq!(db.count(KEPT).await, 1);
        let options = ReplicaOptions {
            sweep_interval: Some(Duration::from_millis(50)),
            guest_retention_days: Some(DAYS),
            ..ReplicaOptions::default()
        };
        let replica = Replica::start_with(&db, options).await;
        let db = &db;
        eventually("the one whose row reads is forgotten", PATIENCE, || async move {
            (db.count(KEPT).await == 0).then_some(())
        })
        .await;
        replica.stop().await;
    }
}
