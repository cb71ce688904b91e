//! A commit is whole or nothing: what one write, of one request or of several, leaves behind when it
//! is kept, when it comes too late, and when something in the middle of it fails.

mod house;
mod together;

use std::sync::Arc;
use std::time::Duration;

use chrono::TimeDelta;
use vacancy_domain::{BookingChange, Version};
use vacancy_persistence::{Part, StoreError};
use vacancy_testkit::database::{Database, Kind};
use vacancy_testkit::on_both_databases;

use self::house::{House, OTHER_ROOM, ROOM, new_booking, part, record};

on_both_databases! {
    /// Of a write that comes too late, for whichever reason, no row stays.
    async fn a_lost_race_leaves_nothing(db: Database) {
        let house = House::build(&db).await;
        let earlier = house.book(0, 2).await;
        let stale = House::part(&house.calendar(ROOM).await, 5, 7);
        // One that another write came before.
        house.book(8, 9).await;
        house.fails(vec![stale], |error| matches!(error, StoreError::Missed)).await;
        // Two requests of which the first is in order: the room is moved on from where it was.
        let mut calendar = house.calendar(ROOM).await;
        let first = House::part(&calendar, 10, 11);
        calendar.apply(&first.change);
        let second = House::part(&calendar, 11, 12);
        house.book(20, 21).await;
        house.fails(vec![first, second], |error| matches!(error, StoreError::Missed)).await;
        // A booking that has another version than its room's version lets one believe.
        let mut amiss = house.cancellation(&earlier).await;
        for booking in &mut amiss.change.bookings {
            if let BookingChange::Replace { from, .. } = booking {
                *from = Version(7);
            }
        }
        house.fails(vec![amiss], |error| matches!(error, StoreError::Lost { guard: false })).await;
        // Two rooms of which one was missed, whichever.
        for missed in [ROOM, OTHER_ROOM] {
            let mut parts = Vec::new();
            for room in [ROOM, OTHER_ROOM] {
                parts.push(House::part(&house.calendar(room).await, 30, 31));
            }
            let late = House::part(&house.calendar(missed).await, 40, 41);
            house.commit(vec![late]).await.expect("it is the first");
            let lost = |error: &StoreError| matches!(error, StoreError::Lost { .. } | StoreError::Missed);
            house.fails(parts, lost).await;
        }
        // And both together, when neither was missed.
        let mut parts = Vec::new();
        for room in [ROOM, OTHER_ROOM] {
            parts.push(House::part(&house.calendar(room).await, 30, 31));
        }
        house.commit(parts).await.expect("neither was missed");
    }

    /// A lapsed hold is given up and its nights are sold, and given up and sold once more, in one
    /// write: the guard meets no overlap.
    async fn nights_change_hands_in_one_write(db: Database) {
        let house = House::build(&db).await;
        let hold = house.hold(0, 3).await;
        db.let_holds_lapse().await;
        let mut calendar = house.calendar(ROOM).await;
        let first = House::part(&calendar, 1, 2);
        assert_eq!(first.change.holds_expired(), 1, "{:?}", first.change);
        calendar.apply(&first.change);
        let second = House::part(&calendar, 2, 3);
        calendar.apply(&second.change);
        house.commit(vec![first, second]).await.expect("the nights are free then");
        let booked = house.calendar(ROOM).await.taken;
        assert_eq!(booked.len(), 2);
        // A confirmed one is cancelled and its nights are sold.
        let cancelled = house.cancellation(&booked[0]).await;
        let mut calendar = house.calendar(ROOM).await;
        calendar.apply(&cancelled.change);
        let stay = booked[0].stay;
        let again = part(calendar.book(new_booking(stay)));
        house.commit(vec![cancelled, again]).await.expect("the nights are free then");
        let id = house.db.kind().uuid(hold.id.0);
        let expired = format!("SELECT COUNT(*) FROM bookings WHERE status = 'expired' AND id = {id}");
        assert_eq!(db.count(&expired).await, 1);
    }

    /// A key that is in use undoes the writes of all that it came with.
    async fn a_key_in_use_undoes_everything(db: Database) {
        let house = House::build(&db).await;
        let with_key = |mut part: Part, text: &str| {
            part.record = Some(record(text));
            part
        };
        let first = with_key(House::part(&house.calendar(ROOM).await, 0, 1), "k1");
        house.commit(vec![first]).await.expect("the key is new");
        let mut calendar = house.calendar(ROOM).await;
        let mut parts = Vec::new();
        for (night, key) in [(2, "k2"), (3, "k1"), (4, "k3")] {
            let part = with_key(House::part(&calendar, night, night + 1), key);
            calendar.apply(&part.change);
            parts.push(part);
        }
        house.fails(parts.clone(), |error| matches!(error, StoreError::Lost { guard: false })).await;
        assert_eq!(db.count("SELECT COUNT(*) FROM idempotency_keys").await, 1);
        // One whose time is over is as good as new.
        let past = if db.kind() == Kind::Sqlite { "'2001-01-01T00:00:00+00:00'" } else { "'2001-01-01'" };
        db.sql(&format!("UPDATE idempotency_keys SET expires_at = {past}")).await;
        house.commit(parts).await.expect("the key may be used again");
        assert_eq!(db.count("SELECT COUNT(*) FROM idempotency_keys").await, 3);
    }

    /// What is given up before it is kept is not kept, and neither is what it came with.
    async fn a_closed_gate_keeps_nothing(db: Database) {
        let house = House::build(&db).await;
        let mut calendar = house.calendar(ROOM).await;
        let first = House::part(&calendar, 0, 1);
        calendar.apply(&first.change);
        let second = House::part(&calendar, 1, 2);
        assert!(second.gate.abandon());
        let gate = first.gate.clone();
        house.fails(vec![first, second], |error| matches!(error, StoreError::Abandoned)).await;
        assert!(gate.abandon(), "the other's gate is open: nothing of it is under way");
    }
}

/// A statement that the network delivers late finds that its fate was decided without it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn after_the_fence_nothing_is_written() {
    let Some(db) = Database::create(Kind::Postgres).await else { return };
    let house = House::build(&db).await;
    for (late, is_kept) in [(TimeDelta::milliseconds(1_100), false), (TimeDelta::zero(), true)] {
        let before = house.rows().await;
        let part = House::part(&house.calendar(ROOM).await, 0, 1);
        let at = house.calendar(ROOM).await.now;
        let write = Arc::new(house.store.write(vec![part], at - late));
        let kept = house.store.session().expect("the file is there").commit(write).await;
        assert_eq!(kept.is_ok(), is_kept, "{kept:?}");
        assert!(is_kept || matches!(kept, Err(StoreError::Late)), "{kept:?}");
        assert_eq!(house.rows().await != before, is_kept);
    }
    db.assert_audit_is_clean().await;
}

/// What the server stops is undone, and that is known: it answers, so nothing is open.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_statement_that_is_stopped_in_the_middle_leaves_nothing() {
    let Some(db) = Database::create(Kind::Postgres).await else { return };
    let house = House::build_with(&db, Duration::from_secs(2)).await;
    // After the room, the bookings and the events are written.
    db.sql(
        "CREATE FUNCTION linger() RETURNS trigger LANGUAGE plpgsql AS
         $$ BEGIN PERFORM pg_sleep(30); RETURN NEW; END $$;
         CREATE TRIGGER linger AFTER INSERT ON room_events FOR EACH ROW EXECUTE FUNCTION linger();",
    )
    .await;
    let part = House::part(&house.calendar(ROOM).await, 0, 1);
    house.fails(vec![part], |error| matches!(error, StoreError::Unavailable(_))).await;
    db.sql("DROP TRIGGER linger ON room_events").await;
    let again = House::part(&house.calendar(ROOM).await, 0, 1);
    house.commit(vec![again]).await.expect("nothing was left of it");
    db.assert_audit_is_clean().await;
}

/// SQLite commits those that wait in one transaction: one that fails, in whatever way, leaves the
/// others as they are, and what each is told is true.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_of_a_group_that_fails_is_told_so_alone() {
    // The whole transaction may be gone: so SQLite ends one when its disk is full.
    for raise in ["ABORT", "FAIL", "ROLLBACK"] {
        let db = Database::create(Kind::Sqlite).await.expect("SQLite is always here");
        let house = House::build(&db).await;
        let mut rooms = Vec::new();
        for number in 0..6_u128 {
            rooms.push(house.room(number).await);
        }
        let bad = house.db.kind().uuid(rooms[2].0);
        db.sql(&format!(
            "CREATE TRIGGER bad BEFORE INSERT ON room_events WHEN NEW.room_id = {bad}
             BEGIN SELECT RAISE({raise}, 'broken on purpose'); END"
        ))
        .await;
        let mut parts = Vec::new();
        for room in &rooms {
            parts.push(House::part(&house.calendar(*room).await, 0, 1));
        }
        // While another holds the file, the first waits for it and the rest for the first.
        let held = db.hold_rooms().await;
        let writes: Vec<_> = parts
            .into_iter()
            .map(|part| {
                let store = house.store.clone();
                tokio::spawn(async move {
                    let at = part.change.rooms[0].to.updated_at;
                    let session = store.session().expect("the file is there");
                    session.commit(Arc::new(store.write(vec![part], at))).await
                })
            })
            .collect();
        tokio::time::sleep(Duration::from_millis(200)).await;
        held.let_go().await;
        let mut told = Vec::new();
        for write in writes {
            told.push(write.await.expect("it does not panic"));
        }
        eprintln!("{raise}: {told:?}");
        for (room, told) in rooms.iter().zip(&told) {
            let id = house.db.kind().uuid(room.0);
            let rows =
                db.count(&format!("SELECT COUNT(*) FROM bookings WHERE room_id = {id}")).await;
            assert_eq!(rows, i64::from(told.is_ok()), "{raise}: {told:?}");
        }
        assert!(told[2].is_err(), "{raise}: {told:?}");
        assert_eq!(told.iter().filter(|told| told.is_ok()).count(), 5, "{raise}: {told:?}");
        // And what comes next is kept.
        let next = House::part(&house.calendar(rooms[0]).await, 8, 9);
        house.commit(vec![next]).await.expect("the writer is as good as new");
        db.assert_audit_is_clean().await;
    }
}
