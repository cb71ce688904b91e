//! Many clients and one room: what holds for many rooms holds when all want the same one.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use vacancy_testkit::database::{Database, Kind};
use vacancy_testkit::replica::{Replica, ReplicaOptions};
use vacancy_testkit::wire::{Cut, Wire};
use vacancy_testkit::{PATIENCE, eventually, on_both_databases};

use crate::crowd::{at_once, clients, counted, events, idle, replicas, tally, urls};
use crate::lanes::{Line, no_lane_is_left};
use crate::rival::Rival;
use crate::support::stay_body;

const CLIENTS: usize = 64;
/// How many nights each client books, one after the other.
const NIGHTS: u64 = 3;
/// How often each client comes again when the room's row was not to be had, for all of its nights.
const AGAIN_MAX: u64 = 2;
/// How long a statement waits for the row of a room that another replica writes.
const ROW_WAIT: Duration = Duration::from_secs(1);

on_both_databases! {
    /// 64 clients, different nights, one room, on as many replicas as there may be: nothing is lost,
    /// nothing refused, and every number agrees. Several replicas wait for each other at the room's row:
    /// on a machine so slow that one of them has waited for longer than it may, its clients come again; not
    /// so often as if that were the rule.
    async fn a_crowd_wants_one_room_and_all_are_served(db: Database) {
        let counts: &[usize] = if db.kind() == Kind::Postgres { &[1, 2, 4] } else { &[1] };
        for count in counts {
            let began = Instant::now();
            let mut replicas = Vec::new();
            for _ in 0..*count {
                replicas.push(Replica::start(&db).await);
            }
            let urls = urls(&replicas);
            let clients = clients(&urls, CLIENTS).await;
            let room = clients[0].one_room().await;
            let requests = clients.iter().cloned().zip(0_u64..).map(|(api, place)| {
                let room = room.clone();
                let again_max = if *count == 1 { 0 } else { AGAIN_MAX };
                async move {
                    let (mut answers, mut repeated) = (Vec::new(), 0);
                    for night in place * NIGHTS..(place + 1) * NIGHTS {
                        let answer = loop {
                            let began = Instant::now();
                            let answer = api.book(&room, night, night + 1).await;
                            let waited = began.elapsed() >= ROW_WAIT && answer.status == 409;
                            if repeated == again_max || !waited || answer.code() != "lock_conflict" {
                                break answer;
                            }
                            repeated += 1;
                        };
                        answers.push(answer);
                    }
                    (answers, repeated)
                }
            });
            let (answers, repeated): (Vec<_>, Vec<_>) = at_once(requests).await.into_iter().unzip();
            let answers: Vec<_> = answers.into_iter().flatten().collect();
            let repeated: u64 = repeated.iter().sum();
            assert!(repeated <= CLIENTS as u64, "{repeated} times the row was not to be had");
            let sold = CLIENTS as u64 * NIGHTS;
            assert_eq!(tally(&answers, 201, "") as u64, sold, "{count} replicas: {answers:?}");
            let now = clients[0].room_now(&room).await;
            assert_eq!((&now["version"], &now["times_booked"]), (&(1 + sold).into(), &sold.into()));
            assert_eq!(events(&clients[0], &room).await.len() as u64, 1 + sold);
            let id = db.kind().uuid(&room);
            let rows = db.count(&format!("SELECT COUNT(*) FROM bookings WHERE room_id = {id}")).await;
            assert_eq!(u64::try_from(rows).expect("some"), sold);
            let batches = counted(&urls, "booking_lane_batch_size_count", &[]).await;
            let members = counted(&urls, "booking_lane_batch_size_sum", &[]).await;
            assert!(members > 2 * batches, "{members} requests in {batches} batches");
            let conflicts = counted(&urls, "booking_lock_conflicts_total", &[]).await;
            for replica in &replicas {
                idle(replica).await;
                no_lane_is_left(replica);
                assert_eq!(replica.app.lanes.waiting(), 0);
            }
            eprintln!(
                "{:?}, {count} replicas: {sold} booked by {CLIENTS} clients in {batches} batches, \
                 {conflicts} races lost, {:?}", db.kind(), began.elapsed()
            );
        }
    }

    /// A writer past the service that never pauses makes no request lose its last race: the last attempt
    /// waits in line behind it.
    async fn a_rival_that_never_pauses_starves_no_request(db: Database) {
        let replicas = replicas(&db).await;
        let urls = urls(&replicas);
        let clients = clients(&urls, 8).await;
        let room = clients[0].one_room().await;
        let write = Rival::on(&db).room_write(&room);
        // It does not wait for the disk either, which would only make others wait for its lock: SQLite's
        // goes to the process that looks at the right moment, and PostgreSQL's is waited for as long as a second.
        let (hurry, begin) = match db.kind() {
            Kind::Sqlite => ("PRAGMA synchronous = OFF;", "BEGIN IMMEDIATE;"),
            Kind::Postgres => ("SET synchronous_commit = off;", "BEGIN;"),
        };
        let write = hurry.to_owned() + &format!("{begin} {write} COMMIT;").repeat(20);
        let stop = Arc::new(AtomicBool::new(false));
        let rivals: Vec<_> = (0..2).map(|_| {
            let (db, write, stop) = (db.clone(), write.clone(), stop.clone());
            tokio::spawn(async move {
                let mut writes = 0;
                while !stop.load(Ordering::SeqCst) {
                    db.sql(&write).await;
                    writes += 20;
                }
                writes
            })
        }).collect();
        let requests = clients.iter().cloned().zip(0_u64..).map(|(api, place)| {
            let room = room.clone();
            async move {
                let mut slowest = Duration::ZERO;
                for night in place * 3..place * 3 + 3 {
                    let began = Instant::now();
                    api.book(&room, night, night + 1).await.expect(201);
                    slowest = slowest.max(began.elapsed());
                }
                slowest
            }
        });
        let slowest = at_once(requests).await.into_iter().max();
        stop.store(true, Ordering::SeqCst);
        let mut writes = 0;
        for rival in rivals {
            writes += rival.await.expect("the rival writes");
        }
        let conflicts = counted(&urls, "booking_lock_conflicts_total", &[]).await;
        eprintln!("{:?}: 24 booked beside {writes} writes, {conflicts} races lost, slowest {slowest:?}", db.kind());
        let now = clients[0].room_now(&room).await;
        assert_eq!((&now["version"], &now["times_booked"]), (&(25 + writes).into(), &24.into()));
        assert!(conflicts > 0, "the rival came in between");
    }
}

/// A stranger keeps one room's row for longer than any request waits: those who want the room, with keys
/// or without, hear in time that it was not to be had, and others hear nothing of it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_strangers_lock_is_told_and_reaches_no_other_room() {
    /// Sixteen bookings, on a busy machine. If they waited behind those of the locked room, one by one,
    /// that would be a second for each.
    const UNAFFECTED_MAX: Duration = Duration::from_secs(10);

    let Some(db) = Database::create(Kind::Postgres).await else { return };
    let replica = Replica::start(&db).await;
    let clients = clients(&[replica.url()], 16).await;
    let hotel = clients[0].hotel().await;
    let (room, other) = (clients[0].room(&hotel, "1").await, clients[0].room(&hotel, "2").await);
    for keyed in [false, true] {
        let id = db.kind().uuid(&room);
        let lock = format!("SELECT 1 FROM rooms WHERE id = {id} FOR UPDATE");
        let stranger = db.hold_write(&lock).await;
        let base = u64::from(keyed) * 40;
        let requests = clients.iter().cloned().zip(base..).map(|(api, night)| {
            let (room, other) = (room.clone(), other.clone());
            async move {
                let key = format!("{room}-{night}");
                let path = format!("/v1/rooms/{room}/bookings");
                let began = Instant::now();
                let free = api.book(&other, night, night + 1).await.expect(201);
                let unaffected = began.elapsed();
                let locked = if keyed {
                    api.post_keyed(&path, &stay_body(night, night + 1), &key).await
                } else {
                    api.book(&room, night, night + 1).await
                };
                (free, unaffected, locked)
            }
        });
        let answers = at_once(requests).await;
        for (_, unaffected, _) in &answers {
            assert!(*unaffected < UNAFFECTED_MAX, "another room waited for {unaffected:?}");
        }
        let locked: Vec<_> = answers.into_iter().map(|(_, _, locked)| locked).collect();
        let told = tally(&locked, 409, "lock_conflict");
        assert_eq!(told, clients.len(), "keyed: {keyed}: {locked:?}");
        let id = db.kind().uuid(&room);
        let rows = db.count(&format!("SELECT COUNT(*) FROM bookings WHERE room_id = {id}")).await;
        assert_eq!(rows, 0, "whatever was said, nothing was written");
        stranger.let_go().await;
    }
    idle(&replica).await;
    no_lane_is_left(&replica);
    db.assert_audit_is_clean().await;
}

/// The wire breaks at the commit of whole batches, before it or after it: none of them is lost and
/// none done twice.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_batch_cut_before_or_after_its_commit_is_booked_once() {
    let Some(db) = Database::create(Kind::Postgres).await else { return };
    let wire = Wire::start(db.address()).await;
    let database_url = Some(wire.url(db.url()));
    let replica =
        Replica::start_with(&db, ReplicaOptions { database_url, ..ReplicaOptions::default() })
            .await;
    let clients = clients(&[replica.url()], 32).await;
    let room = clients[0].one_room().await;
    let path = format!("/v1/rooms/{room}/bookings");
    let mut told = [0; 2];
    for round in 0..6 {
        wire.cut(if round % 2 == 0 { Cut::BeforeCommit(2) } else { Cut::AfterCommit(2) });
        let requests = clients.iter().cloned().zip(32 * round..).map(|(api, night)| {
            let path = path.clone();
            async move {
                let key = format!("k{night}");
                let first = api.post_keyed(&path, &stay_body(night, night + 1), &key).await;
                let again =
                    api.post_keyed(&path, &stay_body(night, night + 1), &key).await.expect(201);
                assert!(first.status != 201 || first.body == again.body, "{first:?} {again:?}");
                first
            }
        });
        let before = wire.counters();
        let answers = at_once(requests).await;
        // All of them may have come together, and then there was one commit to cut.
        wire.cut(Cut::None);
        let after = wire.counters();
        let cut = (after.cut_before - before.cut_before) + (after.cut_after - before.cut_after);
        assert!((1..=2).contains(&cut), "{after:?}");
        told[0] += tally(&answers, 201, "");
        told[1] += tally(&answers, 504, "outcome_unknown") + tally(&answers, 503, "unavailable");
    }
    eprintln!("cut {:?}; {} booked at once, {} told 503 or 504", wire.counters(), told[0], told[1]);
    assert_eq!(told[0] + told[1], 192);
    let now = clients[0].room_now(&room).await;
    assert_eq!((&now["version"], &now["times_booked"]), (&193.into(), &192.into()));
    assert_eq!(db.count("SELECT COUNT(*) FROM bookings").await, 192);
    assert_eq!(events(&clients[0], &room).await.len(), 193);
    db.assert_audit_is_clean().await;
}

/// While it cannot be found out what has become of a batch, its requests wait; they do not work.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn requests_whose_outcome_is_unknown_wait_without_working() {
    let Some(db) = Database::create(Kind::Postgres).await else { return };
    let wire = Wire::start(db.address()).await;
    // One connection: when it breaks, there is none left to ask by. All of them come within the
    // deadline, on a busy machine too, and what is let through is applied, however slow PostgreSQL is to
    // begin it.
    let options = ReplicaOptions {
        database_url: Some(wire.url(db.url())),
        connections: 1,
        request_timeout: Duration::from_secs(15),
        fence: Some(PATIENCE),
        ..ReplicaOptions::default()
    };
    let line = Line::start(&db, options).await;
    let room = line.api.one_room().await;
    let path = line.api.path(&format!("/v1/rooms/{room}/bookings"));
    let requests = (0..CLIENTS as u64)
        .map(|night| line.api.client.post(&path).json(stay_body(night, night + 1)));
    let mut queued = line.queue(&room, requests.collect()).await;
    let all = || async { (line.replica.app.lanes.waiting() == CLIENTS).then_some(()) };
    eventually("all wait", PATIENCE, all).await;
    line.rival.hold_up(1);
    line.rival.let_go(1);
    line.rival.has_held_up(1).await;
    queued.remove(0).await.expect("a client does not panic").expect(201);
    wire.cut(Cut::AfterCommit(1));
    wire.refuse();
    line.rival.let_go(1);
    let lost = || async { (wire.armed() == Cut::None).then_some(()) };
    eventually("the batch's answer is lost", PATIENCE, lost).await;
    // This test's runtime is its own, and the service runs in it.
    let busy = || {
        let runtime = tokio::runtime::Handle::current().metrics();
        let workers = 0..runtime.num_workers();
        workers.map(|worker| runtime.worker_total_busy_duration(worker)).sum::<Duration>()
    };
    let (began, before) = (Instant::now(), busy());
    let mut answers = Vec::new();
    for answer in queued {
        answers.push(answer.await.expect("a client does not panic"));
    }
    let (waited, worked) = (began.elapsed(), busy().saturating_sub(before));
    eprintln!("{waited:?} until all were told that the outcome is unknown, {worked:?} at work");
    assert_eq!(tally(&answers, 504, "outcome_unknown"), CLIENTS, "{answers:?}");
    assert!(worked < waited / 2, "{worked:?} of work to wait for {waited:?}");
    wire.accept();
    assert_eq!(
        db.count("SELECT COUNT(*) FROM bookings").await,
        1 + i64::try_from(CLIENTS).expect("a few")
    );
    db.assert_audit_is_clean().await;
}
