//! Requests of different rooms that share statements on PostgreSQL: each ends as if it had been alone.

use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::FutureExt;
use tokio::task::JoinHandle;
use vacancy_domain::RoomId;
use vacancy_persistence::{NightsQuery, Part, Snapshot, SnapshotQuery, Store, StoreError, Write};
use vacancy_testkit::database::{Database, Kind};
use vacancy_testkit::{PATIENCE, eventually};

use super::house::{House, ROOM, record};

type End = Result<(), StoreError>;

/// One of a batch has the wrong version, one a room that another session holds, one a key in use, one
/// was given up, two are of one room, and one breaks its statement: the others are kept, by one
/// transaction where nothing breaks it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn writes_of_several_rooms_end_each_by_itself() {
    for key in [None, Some("in use"), Some("held")] {
        let breaks = key.is_some();
        let Some(db) = Database::create(Kind::Postgres).await else { return };
        let house = House::build(&db).await;
        let mut rooms = Vec::new();
        for number in 0..8 {
            rooms.push(house.room(10 + number).await);
        }
        let mut parts = Vec::new();
        for room in &rooms {
            parts.push(House::part(&house.calendar(*room).await, 0, 1));
        }
        let twin = House::part(&house.calendar(rooms[0]).await, 3, 4);
        let [room, held_room] = [rooms[1], rooms[2]].map(|room| db.kind().uuid(room.0));
        db.sql(&format!("UPDATE rooms SET version = version + 1 WHERE id = {room}")).await;
        let held =
            db.hold_write(&format!("SELECT 1 FROM rooms WHERE id = {held_room} FOR UPDATE")).await;
        assert!(parts[3].gate.abandon());
        parts[4].record = key.map(record);
        let mut key_held = None;
        if key == Some("held") {
            // Waited for until the lock's timeout, which is longer than a fence.
            key_held = Some(db.hold_key("held").await);
        } else if breaks {
            db.sql(
                "INSERT INTO idempotency_keys
                     (key, fingerprint, status, created_at, expires_at)
                 VALUES ('in use', '', 200, now(), now() + interval '1 hour')",
            )
            .await;
        }
        parts.push(twin);
        let mut others = behind_others(&house, parts, &house.store).await;
        let waits = others.remove(2);
        let mut ends = heard(others).await;
        // None of them has waited for the room that is held.
        held.let_go().await;
        if let Some(key) = key_held {
            key.let_go().await;
        }
        ends.insert(2, waits.await.expect("no panic"));
        let kept = |end: &End| end.is_ok();
        let missed = |end: &End| matches!(end, Err(StoreError::Missed));
        for (place, expect) in [
            (1, missed as fn(&End) -> bool),
            (2, |end| matches!(end, Ok(()) | Err(StoreError::Held))),
            (3, |end| matches!(end, Err(StoreError::Abandoned))),
            (5, kept),
            (6, kept),
            (7, kept),
        ] {
            assert!(expect(&ends[place]), "{breaks} {place}: {ends:#?}");
        }
        let of_one_room = [&ends[0], &ends[8]];
        assert!(of_one_room.iter().any(|end| kept(end)), "{breaks}: {ends:#?}");
        assert!(of_one_room.iter().any(|end| missed(end)), "{breaks}: {ends:#?}");
        let lost = matches!(ends[4], Err(StoreError::Lost { guard: false }));
        assert!(if breaks { lost } else { ends[4].is_ok() }, "{breaks}: {ends:#?}");
        for (room, end) in rooms.iter().zip(&ends) {
            let of = format!("room_id = {}", db.kind().uuid(room.0));
            let rows = db.count(&format!("SELECT COUNT(*) FROM bookings WHERE {of}")).await;
            let kept = end.is_ok() || *room == rooms[0];
            assert_eq!(rows, i64::from(kept), "{breaks}: {ends:#?}");
        }
        let [one, another] = [rooms[0], rooms[7]].map(|room| db.kind().uuid(room.0));
        let transactions = db
            .count(&format!(
                "SELECT COUNT(DISTINCT xmin::text) FROM bookings WHERE room_id IN ({one}, {another})"
            ))
            .await;
        assert_eq!(transactions, if breaks { 2 } else { 1 });
        // The bumped version has no event.
        db.sql(&format!("UPDATE rooms SET version = version - 1 WHERE id = {room}")).await;
        db.assert_audit_is_clean().await;
    }
}

/// What PostgreSQL begins after its fence leaves nothing and says so, to each of those who share a
/// statement, and under a lock. The same is kept when it comes in time.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_begins_too_late_is_told_so() {
    const BOOKED: &str = "SELECT COUNT(*) FROM bookings";
    let Some(db) = Database::create(Kind::Postgres).await else { return };
    let house = House::build(&db).await;
    let late = house.store.clone().with_fence(Duration::ZERO);
    let is_late = |end: &End| matches!(end, Err(StoreError::Late));
    let mut parts = Vec::new();
    for number in 10..14 {
        let room = house.room(number).await;
        parts.push(House::part(&house.calendar(room).await, 0, 1));
    }
    let ends = heard(behind_others(&house, parts.clone(), &late).await).await;
    assert!(ends.iter().all(is_late), "{ends:?}");
    eventually("those before are kept, and nothing else is", PATIENCE, || async {
        (db.count(BOOKED).await == 2).then_some(())
    })
    .await;
    for part in parts {
        house.commit(vec![part]).await.expect("it was left as it was");
    }
    for (store, is_kept) in [(&late, false), (&house.store, true)] {
        let part = House::part(&house.calendar(ROOM).await, 0, 1);
        let write = Arc::new(store.write(vec![part], house.calendar(ROOM).await.now));
        let session = store.session().expect("the file is there");
        let session = session.lock(&[ROOM]).await.expect("no other writes");
        let end = session.commit(write).await;
        assert!(if is_kept { end.is_ok() } else { is_late(&end) }, "{end:?}");
        assert_eq!(db.count(BOOKED).await, 6 + i64::from(is_kept));
    }
    db.assert_audit_is_clean().await;
}

/// Commits `parts`, one write each by `store`, which come while two others hold both slots.
async fn behind_others(house: &House<'_>, parts: Vec<Part>, store: &Store) -> Vec<JoinHandle<End>> {
    const UNDER_WAY: &str = "SELECT COUNT(*) FROM pg_stat_activity
        WHERE datname = current_database() AND state = 'active' AND query LIKE '-- One decision%'
          AND pid <> pg_backend_pid()";
    let (mut first, mut rooms) = (Vec::new(), Vec::new());
    for number in [2, 3] {
        let room = house.room(number).await;
        first.push(House::part(&house.calendar(room).await, 0, 1));
        rooms.push(house.db.kind().uuid(room.0));
    }
    // A wait that is none for a lock, which would be given up after a second.
    let gate = format!(
        "CREATE TABLE gate (is_open bool);
         CREATE FUNCTION wait_at_gate() RETURNS trigger LANGUAGE plpgsql AS
         $$ BEGIN
             WHILE NOT EXISTS (SELECT 1 FROM gate) LOOP PERFORM pg_sleep(0.01); END LOOP;
             RETURN NEW;
         END $$;
         CREATE TRIGGER gate BEFORE INSERT ON room_events FOR EACH ROW
             WHEN (NEW.room_id IN ({})) EXECUTE FUNCTION wait_at_gate();",
        rooms.join(", ")
    );
    house.db.sql(&gate).await;
    // A write measures the time that it waits, but not the time since what it was decided on.
    let at = house.calendar(ROOM).await.now;
    let write = |store: &Store, part| Arc::new(store.write(vec![part], at));
    let first: Vec<_> = first.into_iter().map(|part| write(&house.store, part)).collect();
    let writes: Vec<_> = parts.into_iter().map(|part| write(store, part)).collect();
    for (place, write) in (1..).zip(first) {
        // One by one, or they would share a slot.
        begin(commit(house, write));
        eventually("a commit is at the gate", PATIENCE, || async {
            (house.db.count(UNDER_WAY).await == place).then_some(())
        })
        .await;
    }
    let ends = writes.into_iter().map(|write| begin(commit(house, write))).collect();
    house.db.sql("INSERT INTO gate VALUES (true)").await;
    ends
}

fn commit(
    house: &House<'_>,
    write: Arc<Write>,
) -> impl Future<Output = End> + Send + 'static + use<> {
    house.store.session().expect("the file is there").commit(write)
}

/// Begins `call`, which is in the queue then if it does not go at once.
fn begin<T: Send + 'static>(call: impl Future<Output = T> + Send + 'static) -> JoinHandle<T> {
    let mut call = Box::pin(call);
    assert!((&mut call).now_or_never().is_none(), "it takes a statement");
    tokio::spawn(call)
}

fn look(
    house: &House<'_>,
    ask: &SnapshotQuery,
) -> impl Future<Output = Result<Snapshot, StoreError>> + Send + 'static + use<> {
    let mut session = house.store.session().expect("the file is there");
    let ask = ask.clone();
    async move { session.snapshot(&ask).await }
}

async fn heard(ends: Vec<JoinHandle<End>>) -> Vec<End> {
    let mut heard = Vec::new();
    for end in ends {
        heard.push(end.await.expect("no panic"));
    }
    heard
}

/// What each of `asks` sees, when all have queued while two others held both slots.
async fn seen_together(
    house: &House<'_>,
    asks: &[SnapshotQuery],
) -> Vec<Result<Snapshot, StoreError>> {
    const WAITING: &str = "SELECT COUNT(*) FROM pg_stat_activity
        WHERE datname = current_database() AND wait_event_type = 'Lock'";
    let began = Instant::now();
    loop {
        // Statements that wait for a table. They do so for a second: if a busy machine needs longer to come
        // to the end of this, it is done once more.
        let held = house.db.hold_write("LOCK TABLE hotels").await;
        let mut first: Vec<JoinHandle<_>> = Vec::new();
        for (place, ask) in (1..=2).zip(asks) {
            first.push(begin(look(house, ask)));
            eventually("it waits for the table", PATIENCE, || async {
                let waiting = house.db.count(WAITING).await;
                (waiting >= place || first.iter().any(JoinHandle::is_finished)).then_some(())
            })
            .await;
        }
        let queued: Vec<_> = asks.iter().map(|ask| begin(look(house, ask))).collect();
        let in_time = !first.iter().any(JoinHandle::is_finished);
        held.let_go().await;
        let mut seen = Vec::new();
        for one in queued {
            seen.push(one.await.expect("no panic"));
        }
        let gave_up =
            |seen: &Result<_, _>| matches!(seen, Err(StoreError::Lost { .. } | StoreError::Held));
        if in_time && !seen.iter().any(gave_up) {
            return seen;
        }
        assert!(began.elapsed() < PATIENCE, "the slots were never held for long enough");
    }
}

/// Each sees what it asks for, and its own room's damage only.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn snapshots_of_several_rooms_show_each_its_own() {
    let Some(db) = Database::create(Kind::Postgres).await else { return };
    let house = House::build(&db).await;
    let (mut rooms, mut alone) = (Vec::new(), Vec::new());
    for number in 0..6 {
        let room = house.room(10 + number).await;
        let part =
            House::part(&house.calendar(room).await, 0, 1 + i64::try_from(number).unwrap_or(0));
        let stay = part.change.bookings[0].to().stay;
        house.commit(vec![part]).await.expect("no other writes");
        let night = NightsQuery::of(room, stay);
        let ask =
            SnapshotQuery { rooms: vec![room], nights: vec![night], ..SnapshotQuery::default() };
        rooms.push((room, ask));
        alone.push(house.calendar(room).await.taken);
    }
    for broken in [false, true] {
        if broken {
            let id = db.kind().uuid(rooms[3].0.0);
            db.sql(&format!(
                "UPDATE rooms SET rate_amount = 1, rate_currency = '?' WHERE id = {id}"
            ))
            .await;
        }
        let asks: Vec<_> = rooms.iter().chain(&rooms).map(|(_, ask)| ask.clone()).collect();
        for (place, seen) in seen_together(&house, &asks).await.into_iter().enumerate() {
            let (room, at) = (rooms[place % 6].0, place % 6);
            match seen {
                Ok(seen) => {
                    let rooms: Vec<RoomId> = seen.calendars.keys().copied().collect();
                    assert_eq!(rooms, [room]);
                    assert_eq!(seen.calendars[&room].taken, alone[at]);
                    assert!(!broken || at != 3);
                }
                Err(error) => {
                    assert!(matches!(error, StoreError::Corrupt { .. }), "{error:?}");
                    assert!(broken && at == 3, "{place}: {error:?}");
                }
            }
        }
    }
    db.is_left_unsound("a room's currency is no currency");
}
