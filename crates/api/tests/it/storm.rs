//! Clients that hang up. What they asked for is done or not done, counted once either way, and
//! nothing that they leave behind harms the next.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::{Duration, Instant};

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio::time::timeout;
use vacancy_testkit::database::{Database, Kind};
use vacancy_testkit::replica::{Replica, ReplicaOptions};
use vacancy_testkit::scrape::Scrape;
use vacancy_testkit::{PATIENCE, eventually, on_both_databases, seed};

use crate::crowd::{at_once, clients, events, idle, tally};
use crate::lanes::no_lane_is_left;
use crate::rival::Rival;
use crate::support::{Api, id_of, stay_body};

const REQUESTS: usize = 2_000;
const CLIENTS: usize = 8;
const ROOMS: usize = 40;
/// As many requests as the service works on at once.
const PERMITS: u32 = 1_024;

on_both_databases! {
    /// Two thousand bookings over five connections, and no client listens for longer than 50 ms.
    async fn two_thousand_clients_that_hang_up_poison_nothing(db: Database) {
        storm(&db, ROOMS).await;
    }

    /// The same when all want one room: those that hang up are in batches with those that do not.
    async fn two_thousand_clients_that_hang_up_poison_no_hot_room(db: Database) {
        storm(&db, 1).await;
    }

    /// Who hangs up leaves work behind, and that work keeps its permit: there is a limit on how much
    /// is at work, and not only on how many listen.
    async fn clients_that_hang_up_do_not_make_room_for_more_work(db: Database) {
        const HANG_UP: u32 = 32;

        let rival = Rival::on(&db);
        // No deadline gives their permits back here, nor does a slow answer lower the limit.
        let (failpoint, request_timeout) = (rival.failpoint(), Duration::from_hours(1));
        // Without lanes, so that each is held up before a commit of its own.
        let room_lanes = false;
        let options =
            ReplicaOptions { failpoint, request_timeout, room_lanes, ..ReplicaOptions::default() };
        let replica = Replica::start_with(&db, options).await;
        let api = Api::new(replica.url());
        let room = api.one_room().await;

        rival.hold_up(HANG_UP as usize);
        let path = format!("/v1/rooms/{room}/bookings");
        let sending: Vec<_> = (0..HANG_UP).map(|_| {
            let post = api.client.post(api.path(&path));
            // One stay_body for all: only one of them can come true in the end.
            tokio::spawn(post.json(stay_body(0, 1)).try_send())
        }).collect();
        rival.has_held_up(HANG_UP).await;
        // There is a permit for each of these as long as the others have no more than theirs.
        let others = take_permits(&replica, PERMITS - HANG_UP).await;
        for request in &sending {
            request.abort();
        }
        // A client that hangs up looks like one that only has no further request, so the service goes
        // on for it; either way its work counts.
        let refused = api.book(&room, 5, 6).await.expect(503);
        assert_eq!(refused.code(), "unavailable");
        api.get(&format!("/v1/rooms/{room}")).await.expect(503);
        // The operator is let in all the same.
        api.until_ready().await;

        rival.let_go(HANG_UP as usize);
        drop(others);
        idle(&replica).await;
        let now = api.room_now(&room).await;
        assert_eq!((&now["version"], &now["times_booked"]), (&2.into(), &1.into()));
        api.book(&room, 5, 6).await.expect(201);
    }

    /// The deadline answers the client, and the work behind it goes on for a while. It is at work
    /// like any other then: it keeps its permit, and a stop would wait for it. What does not end is
    /// dropped, and gives both back.
    async fn a_write_that_outlives_its_deadline_keeps_its_permit_until_it_is_dropped(db: Database) {
        let rival = Rival::on(&db);
        let (failpoint, request_timeout) = (rival.failpoint(), Duration::from_secs(3));
        let options = ReplicaOptions { failpoint, request_timeout, ..ReplicaOptions::default() };
        let replica = Replica::start_with(&db, options).await;
        let app = replica.app.clone();
        let api = Api::new(replica.url());
        let room = api.one_room().await;
        rival.hold_up(1);
        let late = tokio::spawn({
            let (api, room) = (api.clone(), room.clone());
            async move { api.book(&room, 0, 1).await }
        });
        rival.has_held_up(1).await;

        // Every permit but its own is taken, and then there is none left.
        let mut others = take_permits(&replica, PERMITS - 1).await;
        let late = late.await.expect("a client ends without a panic").expect(503);
        assert_eq!(late.code(), "unavailable");
        // Looked at from inside: it is dropped two seconds later, and a request may take as long.
        assert!(!app.tasks.is_empty() && !app.has_room(), "the write is still at work");
        others.shutdown().await;

        idle(&replica).await;
        api.book(&room, 5, 6).await.expect(201);
        // The late one's client was told that nothing was written.
        assert_eq!(db.count("SELECT COUNT(*) FROM bookings").await, 1);
        replica.stop().await;
    }

    /// The same key from clients that hang up, until one of them listens: one booking each.
    async fn a_key_survives_clients_that_hang_up(db: Database) {
        let mut random = StdRng::seed_from_u64(seed());
        let options = ReplicaOptions { connections: 5, ..ReplicaOptions::default() };
        let replica = Replica::start_with(&db, options).await;
        let clients = clients(&[replica.url()], 40).await;
        let room = clients[0].one_room().await;
        let path = format!("/v1/rooms/{room}/bookings");
        let tries = clients.iter().cloned().zip(0_u64..).map(|(api, night)| {
            let path = path.clone();
            let patience: Vec<_> =
                (0..4).map(|_| Duration::from_micros(random.random_range(0..50_000))).collect();
            async move {
                let key = format!("k{night}");
                let mut heard = Vec::new();
                for patience in patience {
                    let post = api.client.post(api.path(&path)).json(stay_body(night, night + 1));
                    let post = post.header("Idempotency-Key", &key).timeout(patience);
                    heard.extend(post.try_send().await.ok());
                }
                // And now with patience, as often as it takes.
                loop {
                    let answer = api.post_keyed(&path, &stay_body(night, night + 1), &key).await;
                    if answer.status == 201 {
                        heard.push(answer);
                        return heard;
                    }
                    assert_eq!(answer.json()["retryable"], true, "{answer:?}");
                }
            }
        });
        let heard = at_once(tries.collect::<Vec<_>>()).await;
        for answers in &heard {
            let said: BTreeSet<_> = answers
                .iter()
                .filter(|answer| answer.status == 201)
                .map(|answer| answer.body.clone())
                .collect();
            assert_eq!(said.len(), 1, "one booking, one answer: {answers:?}");
        }
        idle(&replica).await;
        assert_eq!(db.count("SELECT COUNT(*) FROM bookings").await, 40);
        let now = clients[0].room_now(&room).await;
        assert_eq!((&now["version"], &now["times_booked"]), (&41.into(), &40.into()));
    }
}

/// Takes so many of the permits, until what it returns is dropped.
async fn take_permits(replica: &Replica, count: u32) -> JoinSet<()> {
    let taken = Arc::new(Semaphore::new(0));
    let mut others = JoinSet::new();
    for _ in 0..count {
        let (app, taken) = (replica.app.clone(), taken.clone());
        others.spawn(async move {
            let request = async {
                taken.add_permits(1);
                std::future::pending::<()>().await;
            };
            // One that is refused adds nothing.
            let _ = app.with_permit(request).await;
        });
    }
    let all = timeout(PATIENCE, taken.acquire_many(count)).await;
    all.expect("there is a permit for each").expect("never closed").forget();
    others
}

#[expect(clippy::too_many_lines, reason = "one storm, told in its order")]
async fn storm(db: &Database, count: usize) {
    let began = Instant::now();
    let mut random = StdRng::seed_from_u64(seed());
    let options = ReplicaOptions { connections: 5, ..ReplicaOptions::default() };
    let replica = Replica::start_with(db, options).await;
    let urls = [replica.url()];
    let clients = clients(&urls, CLIENTS).await;
    let api = &clients[0];
    let hotel = api.hotel().await;
    let mut rooms = Vec::new();
    for number in 0..count {
        rooms.push(api.room(&hotel, &number.to_string()).await);
    }
    let before = Scrape::get(&urls[0]).await;

    let storms: Vec<_> = clients
        .iter()
        .cloned()
        .enumerate()
        .map(|(place, api)| {
            let orders: Vec<_> = (0..REQUESTS / CLIENTS)
                .map(|_| {
                    let room = random.random_range(0..count);
                    // Few enough nights that many find theirs taken.
                    let night = random.random_range(0..60);
                    // Mostly short, so that many give up on a quick machine, too.
                    let patience = Duration::from_micros(random.random_range(0..224_u64).pow(2));
                    (rooms[room].clone(), night, patience)
                })
                .collect();
            hang_up_on_each(api, place, orders)
        })
        .collect();
    let heard: Vec<_> = at_once(storms).await.into_iter().flatten().collect();
    let stormed = began.elapsed();
    idle(&replica).await;

    let after = Scrape::get(&urls[0]).await;
    let outcome = |outcome| {
        let labels = [("operation", "book"), ("outcome", outcome)];
        let name = "booking_write_outcomes_total";
        after.count(name, &labels) - before.count(name, &labels)
    };
    let won = outcome("first_attempt") + outcome("after_retry");
    let (refused, exhausted, failed) =
        (outcome("refused"), outcome("exhausted"), outcome("failed"));
    // A deadline that passes during COMMIT leaves it open, here as for a client that listens.
    let unknown = outcome("unknown");
    assert_eq!(outcome("unchanged") + outcome("precondition_failed"), 0);
    let confirmed = "SELECT COUNT(*) FROM bookings WHERE status = 'confirmed'";
    let rows = db.count(confirmed).await;
    let applied_unknowns = rows - i64::try_from(won).expect("at most 2,000");
    let unknown_max = i64::try_from(unknown).expect("at most 2,000");
    assert!((0..=unknown_max).contains(&applied_unknowns), "{rows} rows, {won} won");
    assert_eq!(db.count("SELECT COUNT(*) FROM bookings").await, rows);
    let booked = db.count("SELECT COUNT(*) FROM room_events WHERE kind = 'booked'").await;
    assert_eq!(booked, rows);
    let sold = db.count("SELECT CAST(SUM(times_booked) AS BIGINT) FROM rooms").await;
    assert_eq!(sold, rows);
    // Each write is counted once, and its attempts with it.
    let attempts = |part: &str| {
        let name = format!("booking_write_attempts_{part}");
        let labels = [("operation", "book")];
        after.count(&name, &labels) - before.count(&name, &labels)
    };
    let reached = won + refused + exhausted + failed + unknown;
    assert_eq!(attempts("count"), reached);
    assert!(won > 0 && reached <= REQUESTS as u64);

    // Who did hear an answer heard the truth.
    let acknowledged: BTreeSet<_> =
        heard.iter().filter(|answer| answer.status == 201).map(id_of).collect();
    for answer in &heard {
        assert!([201, 409, 503, 504].contains(&answer.status), "{answer:?}");
    }
    for id in &acknowledged {
        let state = api.get(&format!("/v1/bookings/{id}")).await.expect(200).json();
        assert_eq!(state["status"], "confirmed");
    }
    assert_eq!(tally(&heard, 201, ""), acknowledged.len());
    let hung_up = REQUESTS - heard.len();
    assert!(hung_up > REQUESTS / 10, "a storm in which no client hung up: {hung_up}");
    eprintln!(
        "storm, {:?}: {REQUESTS} requests, {hung_up} hung up, {reached} reached a decision: \
         {won} booked ({} of them heard of it), {refused} refused, {exhausted} gave up, {failed} \
         failed, {unknown} unknown ({applied_unknowns} applied); {rows} rows; {stormed:?}",
        db.kind(),
        acknowledged.len()
    );

    // No connection is left inside a transaction that would swallow the next one's writes.
    if db.kind() == Kind::Postgres {
        let stuck = "SELECT COUNT(*) FROM pg_stat_activity \
                     WHERE datname = current_database() AND state LIKE 'idle in transaction%'";
        // A session may be slow to see that its connection was closed. One that is left is ended by
        // PostgreSQL after ten seconds.
        eventually("no session is in a transaction", Duration::from_secs(8), || async {
            (db.count(stuck).await == 0).then_some(())
        })
        .await;
    }
    let further =
        at_once(clients.iter().cycle().cloned().zip(rooms.clone()).map(|(api, room)| async move {
            let mut answers = Vec::new();
            for night in 100..105 {
                answers.push(api.book(&room, night, night + 1).await.expect(201));
            }
            answers
        }))
        .await;
    let further: BTreeSet<_> = further.iter().flatten().map(id_of).collect();
    assert_eq!(further.len(), count * 5);
    assert_eq!(db.count(confirmed).await, rows + i64::try_from(count * 5).expect("small"));
    for room in &rooms {
        // Gap-free: asserted where they are read.
        events(api, room).await;
    }
    idle(&replica).await;
    no_lane_is_left(&replica);
}

/// Books and hangs up, again and again; what was heard all the same comes back.
async fn hang_up_on_each(
    api: Api,
    place: usize,
    orders: Vec<(String, u64, Duration)>,
) -> Vec<vacancy_testkit::http::Answer> {
    let mut heard = Vec::new();
    for (number, (room, night, patience)) in orders.into_iter().enumerate() {
        let post = api.client.post(api.path(&format!("/v1/rooms/{room}/bookings")));
        let mut post = post.json(stay_body(night, night + 1)).timeout(patience);
        if number % 2 == 0 {
            post = post.header("Idempotency-Key", format!("storm-{place}-{number}"));
        }
        heard.extend(post.try_send().await.ok());
    }
    heard
}
