//! kill -9, of the service and of PostgreSQL, under load. Clients do what clients should: they send
//! the same request with the same key again until they are answered. Nothing that was acknowledged
//! is lost, and nothing is done twice.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use vacancy_testkit::cluster::Server;
use vacancy_testkit::database::{Database, Kind};
use vacancy_testkit::process::Process;
use vacancy_testkit::{PATIENCE, eventually, on_both_databases};

use crate::crowd::events;
use crate::support::{Api, binary, id_of, stay_body};

const ROUNDS: u64 = 3;
const CLIENTS: usize = 16;
/// So many that the clients meet now and then.
const ROOMS: usize = 8;
/// How many bookings are acknowledged before each kill.
const BETWEEN_KILLS: u64 = 120;
/// How many nights of a room clients may ask for beyond those that are waited for: enough to be at work
/// at the kill, and not so many that a test which is slow to look lets them run out of the years that can
/// be booked.
const SPARE_NIGHTS: u64 = 100;

on_both_databases! {
    /// The one process dies, and the next one finds its database as it was left.
    async fn killing_the_service_loses_and_doubles_nothing(db: Database) {
        kill_the_service(&db, ROOMS).await;
    }

    /// The same when all want one room, and every commit is that of a batch.
    async fn killing_the_service_loses_nothing_of_a_hot_room(db: Database) {
        kill_the_service(&db, 1).await;
    }
}

async fn kill_the_service(db: &Database, rooms: usize) {
    let began = Instant::now();
    let mut process = Process::start(binary(), db.url(), &[]).await;
    let load = Load::start(&[process.url()], rooms).await;
    for round in 1..=ROUNDS {
        load.acknowledged_at_least(round * BETWEEN_KILLS).await;
        process.kill9().await;
        // Its port may soon be another service's.
        load.goes_to(&[]);
        process = Process::start(binary(), db.url(), &[]).await;
        load.goes_to(&[process.url()]);
    }
    load.acknowledged_at_least((ROUNDS + 1) * BETWEEN_KILLS).await;
    let report = load.finish(db).await;
    eprintln!(
        "kill -9 of the service, {:?}, {ROUNDS} times: {report}; {:?}",
        db.kind(),
        began.elapsed()
    );
    let (status, _) = process.terminate().await;
    assert!(status.success(), "{status}");
}

/// One of two replicas dies at a time; its clients go to the other one.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killing_one_of_two_replicas_in_turn_loses_and_doubles_nothing() {
    let Some(db) = Database::create(Kind::Postgres).await else { return };
    let began = Instant::now();
    let mut first = Process::start(binary(), db.url(), &[]).await;
    let mut second = Process::start(binary(), db.url(), &[]).await;
    let load = Load::start(&[first.url(), second.url()], ROOMS).await;
    for round in 1..=ROUNDS {
        load.acknowledged_at_least(round * BETWEEN_KILLS).await;
        first.kill9().await;
        load.goes_to(&[second.url()]);
        first = Process::start(binary(), db.url(), &[]).await;
        load.goes_to(&[first.url(), second.url()]);
        std::mem::swap(&mut first, &mut second);
    }
    load.acknowledged_at_least((ROUNDS + 1) * BETWEEN_KILLS).await;
    let report = load.finish(&db).await;
    eprintln!("kill -9 of one replica of two, {ROUNDS} times: {report}; {:?}", began.elapsed());
    db.assert_audit_is_clean().await;
}

/// PostgreSQL dies as by a power cut, with commits on their way, and comes back.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killing_postgresql_loses_and_doubles_nothing() {
    kill_postgresql(ROOMS).await;
}

/// The same when all want one room.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killing_postgresql_loses_nothing_of_a_hot_room() {
    kill_postgresql(1).await;
}

async fn kill_postgresql(rooms: usize) {
    let Some(mut server) = Server::start().await else { return };
    let began = Instant::now();
    let db = Database::on(&server).await;
    let first = Process::start(binary(), db.url(), &[]).await;
    let second = Process::start(binary(), db.url(), &[]).await;
    let load = Load::start(&[first.url(), second.url()], rooms).await;
    for round in 1..=ROUNDS {
        load.acknowledged_at_least(round * BETWEEN_KILLS).await;
        server.kill9().await;
        // Long enough without a database that every client has been told so.
        load.told_off_after(load.told_off() + CLIENTS as u64).await;
        server.restart().await;
    }
    load.acknowledged_at_least((ROUNDS + 1) * BETWEEN_KILLS).await;
    let report = load.finish(&db).await;
    eprintln!("kill -9 of PostgreSQL, {ROUNDS} times: {report}; {:?}", began.elapsed());
    db.assert_audit_is_clean().await;
}

/// Clients that book night after night until they are asked to stop.
struct Load {
    shared: Arc<Shared>,
    rooms: Vec<String>,
    clients: Vec<tokio::task::JoinHandle<()>>,
}

#[derive(Default)]
struct Shared {
    urls: Mutex<Vec<String>>,
    /// The next night of each room that no client has asked for. They are dealt out and not divided
    /// beforehand: a client that is served more often than others would run out of the years that can
    /// be booked.
    nights: Vec<AtomicU64>,
    /// How many nights of each room may be asked for by now.
    nights_max: AtomicU64,
    stop: AtomicBool,
    acknowledged: Mutex<Vec<Acknowledged>>,
    /// Answers 503 and 504.
    told_off: AtomicU64,
    unknown: AtomicU64,
    /// Requests whose connection broke before an answer.
    unanswered: AtomicU64,
}

/// A booking that a client was told it has.
struct Acknowledged {
    id: String,
    room: usize,
    night: u64,
    /// It had been done by an earlier request whose answer was lost.
    replayed: bool,
}

impl Shared {
    /// Where a client sends to; none while no replica is there.
    fn url(&self, client: usize) -> Option<String> {
        let urls = self.urls.lock().expect("no holder panics");
        (!urls.is_empty()).then(|| urls[client % urls.len()].clone())
    }

    /// The next night of a room, if another one may be asked for by now.
    fn next_night(&self, room: usize) -> Option<u64> {
        let max = self.nights_max.load(Ordering::SeqCst);
        let next = |night: u64| (night < max).then(|| night + 1);
        self.nights[room].fetch_update(Ordering::SeqCst, Ordering::SeqCst, next).ok()
    }
}

impl Load {
    async fn start(urls: &[String], count: usize) -> Self {
        let api = Api::new(&urls[0]);
        let hotel = api.hotel().await;
        let mut rooms = Vec::new();
        for number in 0..count {
            rooms.push(api.room(&hotel, &number.to_string()).await);
        }
        let nights = (0..count).map(|_| AtomicU64::new(0)).collect();
        let shared = Arc::new(Shared { nights, ..Shared::default() });
        let mut load = Self { shared: shared.clone(), rooms, clients: Vec::new() };
        load.goes_to(urls);
        for client in 0..CLIENTS {
            let room = client % count;
            let path = format!("/v1/rooms/{}/bookings", load.rooms[room]);
            let work = keep_booking(shared.clone(), client, room, path);
            load.clients.push(tokio::spawn(work));
        }
        load
    }

    /// From now on clients send to these replicas.
    fn goes_to(&self, urls: &[String]) {
        *self.shared.urls.lock().expect("no holder panics") = urls.to_vec();
    }

    async fn acknowledged_at_least(&self, count: u64) {
        let nights = count.div_ceil(self.rooms.len() as u64) + SPARE_NIGHTS;
        self.shared.nights_max.fetch_max(nights, Ordering::SeqCst);
        let enough = || async {
            assert!(!self.clients.iter().any(tokio::task::JoinHandle::is_finished), "one gave up");
            let acknowledged = self.shared.acknowledged.lock().expect("see above").len();
            (acknowledged as u64 >= count).then_some(())
        };
        eventually("bookings are acknowledged", PATIENCE, enough).await;
    }

    fn told_off(&self) -> u64 {
        self.shared.told_off.load(Ordering::SeqCst)
    }

    async fn told_off_after(&self, count: u64) {
        // Those that had all of their nights ask for further ones.
        self.shared.nights_max.fetch_add(CLIENTS as u64, Ordering::SeqCst);
        let enough = || async { (self.told_off() >= count).then_some(()) };
        eventually("clients hear that the database is gone", PATIENCE, enough).await;
    }

    /// Lets every client finish what it began, and compares what they were told with the rows.
    async fn finish(self, db: &Database) -> String {
        self.shared.stop.store(true, Ordering::SeqCst);
        for client in self.clients {
            client.await.expect("a client's every answer was one of those expected");
        }
        let acknowledged =
            std::mem::take(&mut *self.shared.acknowledged.lock().expect("see above"));
        let api = Api::new(self.shared.url(0).expect("a replica is there"));
        let (mut places, mut ids) = (BTreeSet::new(), BTreeSet::new());
        for Acknowledged { id, room, night, .. } in &acknowledged {
            assert!(ids.insert(id) && places.insert((room, night)), "acknowledged twice: {id}");
        }
        let confirmed = confirmed(&api).await;
        let lost = ids.iter().filter(|id| !confirmed.contains(**id)).count();
        let doubled = confirmed.len().saturating_sub(ids.len() - lost);
        let replayed = acknowledged.iter().filter(|booking| booking.replayed).count();
        let load = |number: &AtomicU64| number.load(Ordering::SeqCst);
        let report = format!(
            "acknowledged {}, lost {lost}, doubled {doubled}; {} requests unanswered, {} told 503 or \
             504 ({} of them unknown), {replayed} found done when asked again",
            acknowledged.len(),
            load(&self.shared.unanswered),
            load(&self.shared.told_off),
            load(&self.shared.unknown),
        );
        assert_eq!((lost, doubled), (0, 0), "{report}");
        let rows = db.count("SELECT COUNT(*) FROM bookings").await;
        assert_eq!(rows, i64::try_from(ids.len()).expect("some hundreds"), "{report}");
        for (place, room) in self.rooms.iter().enumerate() {
            let sold = places.iter().filter(|(room, _)| **room == place).count();
            let now = api.room_now(room).await;
            assert_eq!((&now["version"], &now["times_booked"]), (&(sold + 1).into(), &sold.into()));
            assert_eq!(events(&api, room).await.len(), sold + 1);
        }
        report
    }
}

/// One client: a night at a time, each with its key, until it is acknowledged.
async fn keep_booking(shared: Arc<Shared>, client: usize, room: usize, path: String) {
    let mut api = Api::new("");
    while !shared.stop.load(Ordering::SeqCst) {
        let Some(night) = shared.next_night(room) else {
            tokio::time::sleep(Duration::from_millis(5)).await;
            continue;
        };
        let key = format!("{client}-{night}");
        let mut tried = 0;
        loop {
            let Some(url) = shared.url(client + tried) else {
                tokio::time::sleep(Duration::from_millis(5)).await;
                continue;
            };
            api.url = url;
            tried += 1;
            let post = api.client.post(api.path(&path)).json(stay_body(night, night + 1));
            let Ok(answer) = post.header("Idempotency-Key", &key).try_send().await else {
                shared.unanswered.fetch_add(1, Ordering::SeqCst);
                tokio::time::sleep(Duration::from_millis(20)).await;
                continue;
            };
            match answer.status {
                201 => {
                    let replayed = answer.header("idempotency-replayed").is_some();
                    let booking = Acknowledged { id: id_of(&answer), room, night, replayed };
                    shared.acknowledged.lock().expect("see above").push(booking);
                    break;
                }
                503 | 504 => {
                    shared.told_off.fetch_add(1, Ordering::SeqCst);
                    shared.unknown.fetch_add(u64::from(answer.status == 504), Ordering::SeqCst);
                    tokio::time::sleep(Duration::from_millis(50)).await;
                }
                409 => {
                    // Never `room_unavailable`: the night is this client's own.
                    let code = answer.code();
                    let again = ["lock_conflict", "idempotency_in_flight"];
                    assert!(again.contains(&code.as_str()), "{answer:?}");
                }
                _ => panic!("unexpected: {answer:?}"),
            }
        }
    }
}

/// The ids of all confirmed bookings.
async fn confirmed(api: &Api) -> BTreeSet<String> {
    let mut ids = BTreeSet::new();
    let mut path = "/v1/bookings?status=confirmed&limit=200".to_owned();
    loop {
        let page = api.get(&path).await.expect(200).json();
        for booking in page["items"].as_array().expect("a list") {
            ids.insert(booking["id"].as_str().expect("an id").to_owned());
        }
        let Some(cursor) = page["next_cursor"].as_str() else { return ids };
        path = format!("/v1/bookings?status=confirmed&limit=200&cursor={cursor}");
    }
}
