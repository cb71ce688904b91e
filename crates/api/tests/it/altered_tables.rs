//! Tables that are altered beside a service at work, as the migrations of a newer release do it: no
//! request fails, and none counts as a race that was lost.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Instant;

use serde_json::{Value, json};
use vacancy_testkit::database::{Database, Kind};
use vacancy_testkit::http::{Answer, Request};
use vacancy_testkit::replica::{Replica, ReplicaOptions};

use crate::crowd::{at_once, clients, counted, events, idle, urls};
use crate::lanes::no_lane_is_left;
use crate::rival::Rival;
use crate::support::{Api, day, id_of, stay_body};

const CLIENTS: usize = 6;
/// Beside the one that all want.
const ROOMS: usize = 2;
/// How often a client does all it does, at least.
const CYCLES_MIN: u64 = 2;
/// What is altered, and a column of text in it that is never null.
const TABLES: [(&str, &str); 5] = [
    ("hotels", "name"),
    ("rooms", "kind"),
    ("bookings", "guest_name"),
    ("room_events", "kind"),
    ("idempotency_keys", "key"),
];
/// How often a request that is told to come again does so. That is no failure: two replicas may want
/// the same room.
const CONFLICTS_MAX: u32 = 20;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_request_fails_on_one_replica_while_tables_change() {
    while_tables_change(1).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_request_fails_on_two_replicas_while_tables_change() {
    while_tables_change(2).await;
}

/// Columns, indexes and constraints come and go under a load of reads and writes.
async fn while_tables_change(replicas: usize) {
    let Some(db) = Database::create(Kind::Postgres).await else { return };
    let began = Instant::now();
    let house = House::build(&db, replicas).await;
    let altered = Arc::new(AtomicBool::new(false));
    let altering = tokio::spawn({
        let (db, altered) = (db.clone(), altered.clone());
        async move {
            let _ended = Ended(altered);
            for (there, back) in TABLES.iter().flat_map(|(table, column)| changes(table, column)) {
                alter(&db, &there).await;
                alter(&db, &back).await;
            }
        }
    });
    let load = house.load(&altered).await;
    altering.await.expect("every change is made");
    house.check(&db, &load).await;
    eprintln!("{replicas} replicas: {load:?}, {:?}", began.elapsed());
}

/// Says when it is dropped that the changes are over, also when one of them could not be made: the load
/// goes on until then.
struct Ended(Arc<AtomicBool>);

impl Drop for Ended {
    fn drop(&mut self) {
        self.0.store(true, Ordering::SeqCst);
    }
}

/// Each connection loses its statements with every fifth version of a room.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_request_fails_while_connections_lose_their_statements() {
    let Some(db) = Database::create(Kind::Postgres).await else { return };
    let house = House::build(&db, 2).await;
    forget_statements(&db, "NEW.version % 5 = 0").await;
    let load = house.load(&Arc::new(AtomicBool::new(true))).await;
    house.check(&db, &load).await;
    eprintln!("2 replicas: {load:?}");
}

/// One request after the other, so that nothing but the tables can be in its way: each is answered at
/// its first attempt.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_changed_table_costs_no_request_an_attempt() {
    let Some(db) = Database::create(Kind::Postgres).await else { return };
    let replica = Replica::start(&db).await;
    let guest = Guest::new(Api::new(replica.url()), 0, Arc::default()).await;
    let room = guest.api.room(&guest.hotel, "1").await;
    guest.cycle(&room, 0).await;
    for (number, (table, column)) in (1..).zip(TABLES) {
        let [.., (there, back)] = changes(table, column);
        for (half, change) in [there, back].iter().enumerate() {
            db.sql(change).await;
            guest.cycle(&room, 2 * number + half as u64).await;
        }
    }
    forget_statements(&db, "true").await;
    for number in 20..25 {
        guest.cycle(&room, number).await;
    }
    for name in ["booking_lock_conflicts_total", "booking_lock_retries_total"] {
        assert_eq!(counted(&[replica.url()], name, &[]).await, 0, "{name}");
    }
    db.assert_audit_is_clean().await;
}

/// The last attempt reads under lock, in a transaction that a stale statement ends: it locks again.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_last_attempt_survives_a_changed_table() {
    let Some(db) = Database::create(Kind::Postgres).await else { return };
    let rival = Rival::on(&db);
    // One connection for writes, which has prepared everything before the change.
    let options = ReplicaOptions {
        connections: 2,
        failpoint: rival.failpoint(),
        ..ReplicaOptions::default()
    };
    let replica = Replica::start_with(&db, options).await;
    let api = Api::new(replica.url());
    let room = api.one_room().await;
    let [.., (there, back)] = changes("rooms", "kind");
    for (night, change) in (0..).zip([there, back]) {
        rival.interfere(1, &rival.room_write(&room));
        rival.interfere(1, &format!("{} {change}", rival.room_write(&room)));
        let booked = api.book(&room, night, night + 1).await.expect(201).json();
        assert_eq!(booked["attempts"], 3, "{booked}");
    }
    let conflicts = counted(&[replica.url()], "booking_lock_conflicts_total", &[]).await;
    assert_eq!(conflicts, 4, "those that the rival won");
    idle(&replica).await;
    no_lane_is_left(&replica);
    db.assert_audit_is_clean().await;
}

/// What a migration does to a table, and how it is taken back. The last changes what statements
/// return, so that those prepared before are refused.
fn changes(table: &str, column: &str) -> [(String, String); 4] {
    let alter = format!("ALTER TABLE {table}");
    [
        (format!("{alter} ADD COLUMN extra text"), format!("{alter} DROP COLUMN extra")),
        (
            format!("CREATE INDEX {table}_extra ON {table} ({column})"),
            format!("DROP INDEX {table}_extra"),
        ),
        (
            format!("{alter} ADD CONSTRAINT {table}_extra CHECK ({column} <> 'never') NOT VALID"),
            format!("{alter} DROP CONSTRAINT {table}_extra"),
        ),
        (
            format!("{alter} ALTER COLUMN {column} TYPE varchar COLLATE \"C\""),
            format!("{alter} ALTER COLUMN {column} TYPE text COLLATE \"C\""),
        ),
    ]
}

/// As migrations do it: every statement on the table queues behind one that waits for its lock, so it
/// waits for a moment, lets go, and tries again.
async fn alter(db: &Database, change: &str) {
    // Nor does it keep the lock for as long as a busy disk takes to flush it.
    let patiently = format!(
        "SET lock_timeout = '100ms';
         SET synchronous_commit = off;
         DO $do$ BEGIN
             FOR tries IN 1..1000 LOOP
                 BEGIN
                     EXECUTE $change${change}$change$;
                     RETURN;
                 EXCEPTION WHEN lock_not_available OR deadlock_detected THEN
                     PERFORM pg_sleep(0.05);
                 END;
             END LOOP;
             RAISE 'it never has its lock';
         END $do$"
    );
    db.sql(&patiently).await;
}

/// Makes the connection that writes a room forget all it has prepared.
async fn forget_statements(db: &Database, when: &str) {
    let trigger = format!(
        "CREATE FUNCTION forget_statements() RETURNS trigger LANGUAGE plpgsql AS
             $$ BEGIN EXECUTE 'DEALLOCATE ALL'; RETURN NULL; END $$;
         CREATE TRIGGER forget_statements AFTER UPDATE ON rooms
             FOR EACH ROW WHEN ({when}) EXECUTE FUNCTION forget_statements();"
    );
    db.sql(&trigger).await;
}

/// What the load did, for all of its clients.
#[derive(Debug, Default)]
struct Load {
    /// Answers 201, replays not counted.
    created: AtomicU64,
    /// Acknowledged writes, each of which is a version of one room.
    written: AtomicU64,
    /// Bookings that are confirmed at the end.
    confirmed: AtomicU64,
    reads: AtomicU64,
    /// Requests that were told to come again, and did.
    conflicts: AtomicU64,
}

struct House {
    replicas: Vec<Replica>,
    clients: Vec<Api>,
    hotel: String,
    /// The first is the one that all want.
    rooms: Vec<String>,
}

impl House {
    async fn build(db: &Database, count: usize) -> Self {
        let mut replicas = Vec::new();
        for _ in 0..count {
            replicas.push(Replica::start(db).await);
        }
        let clients = clients(&urls(&replicas), CLIENTS).await;
        let hotel = clients[0].hotel().await;
        let mut rooms = Vec::new();
        for number in 0..=ROOMS {
            rooms.push(clients[0].room(&hotel, &number.to_string()).await);
        }
        Self { replicas, clients, hotel, rooms }
    }

    /// Runs all clients until `enough`, and each for some cycles at least.
    async fn load(&self, enough: &Arc<AtomicBool>) -> Arc<Load> {
        let load = Arc::new(Load::default());
        let work = self.clients.iter().cloned().enumerate().map(|(place, api)| {
            let rooms = [self.rooms[0].clone(), self.rooms[1 + place % ROOMS].clone()];
            let guest =
                Guest { api, hotel: self.hotel.clone(), place: place as u64, load: load.clone() };
            let enough = enough.clone();
            async move {
                let mut number = 0;
                while number < CYCLES_MIN || !enough.load(Ordering::SeqCst) {
                    for room in &rooms {
                        guest.cycle(room, number).await;
                    }
                    number += 1;
                }
                for room in &rooms {
                    guest.stay(room).await;
                }
            }
        });
        at_once(work.collect::<Vec<_>>()).await;
        load
    }

    /// Every number agrees.
    async fn check(&self, db: &Database, load: &Load) {
        for replica in &self.replicas {
            idle(replica).await;
            no_lane_is_left(replica);
        }
        let (mut versions, mut booked) = (0, 0);
        for room in &self.rooms {
            let now = self.clients[0].room_now(room).await;
            let version = now["version"].as_u64().expect("a version");
            assert_eq!(events(&self.clients[0], room).await.len() as u64, version);
            versions += version - 1;
            booked += now["times_booked"].as_u64().expect("a number");
        }
        let count = |number: &AtomicU64| number.load(Ordering::SeqCst);
        assert_eq!(versions, count(&load.written), "{load:?}");
        assert_eq!(booked, count(&load.confirmed), "{load:?}");
        for (rows, expected) in
            [("bookings", &load.created), ("bookings WHERE status = 'confirmed'", &load.confirmed)]
        {
            let found = db.count(&format!("SELECT COUNT(*) FROM {rows}")).await;
            assert_eq!(found, i64::try_from(count(expected)).expect("some"), "{rows}: {load:?}");
        }
        let urls = urls(&self.replicas);
        assert_eq!(counted(&urls, "booking_overlap_guard_violations_total", &[]).await, 0);
        db.assert_audit_is_clean().await;
    }
}

/// One client, whose nights no other wants: whatever it asks for is granted.
struct Guest {
    api: Api,
    hotel: String,
    place: u64,
    load: Arc<Load>,
}

impl Guest {
    async fn new(api: Api, place: u64, load: Arc<Load>) -> Self {
        let hotel = api.hotel().await;
        Self { api, hotel, place, load }
    }

    /// Every kind of write to a room, every other with a key, and every kind of read. Leaves the nights
    /// free.
    async fn cycle(&self, room: &str, number: u64) {
        let api = &self.api;
        let book = |body: Value| {
            let path = format!("/v1/rooms/{room}/bookings");
            api.client.post(api.path(&path)).json(body)
        };
        let command = |id: &str, command: &str| {
            api.client.post(api.path(&format!("/v1/bookings/{id}/{command}")))
        };
        let patch = |path: &str, body: Value| {
            api.client.patch(api.path(path)).header("If-Match", "*").json(body)
        };
        let night = stay_body(self.place, self.place + 1);
        let key = |step: &str| format!("{step}-{room}-{}-{number}", self.place);

        let booked = self.write(201, || book(night.clone()).header("Idempotency-Key", key("book")));
        let booked = booked.await;
        let again = book(night.clone()).header("Idempotency-Key", key("book"));
        let again = self.read(201, again).await;
        assert_eq!(again.body, booked.body, "it is the same booking");
        let id = id_of(&booked);
        self.reads(room, &id).await;
        self.write(200, || command(&id, "cancel")).await;

        let mut hold = night;
        hold["hold_seconds"] = 600.into();
        let id = id_of(&self.write(201, || book(hold.clone())).await);
        let name = json!({ "guest": { "name": key("guest") } });
        self.write(200, || patch(&format!("/v1/bookings/{id}"), name.clone())).await;
        self.write(200, || command(&id, "confirm").header("Idempotency-Key", key("confirm"))).await;
        let kind = json!({ "kind": format!("{}-{number}", self.place) });
        self.write(200, || patch(&format!("/v1/rooms/{room}"), kind.clone())).await;
        self.write(200, || command(&id, "cancel").header("Idempotency-Key", key("cancel"))).await;
        self.hotels(number).await;
    }

    /// Books the night and keeps it.
    async fn stay(&self, room: &str) {
        let path = self.api.path(&format!("/v1/rooms/{room}/bookings"));
        let book = || self.api.client.post(&path).json(stay_body(self.place, self.place + 1));
        self.write(201, book).await;
        self.load.confirmed.fetch_add(1, Ordering::SeqCst);
    }

    async fn reads(&self, room: &str, booking: &str) {
        let hotel = &self.hotel;
        let days = format!("from={}&to={}", day(0), day(30));
        for path in [
            format!("/v1/bookings/{booking}"),
            format!("/v1/rooms/{room}"),
            format!("/v1/rooms/{room}/availability?{days}"),
            format!("/v1/rooms/{room}/bookings"),
            format!("/v1/rooms/{room}/events?limit=5"),
            format!("/v1/rooms?hotel_id={hotel}"),
            format!("/v1/bookings?hotel_id={hotel}"),
            format!("/v1/hotels/{hotel}"),
            "/v1/hotels".to_owned(),
        ] {
            self.read(200, self.api.client.get(self.api.path(&path))).await;
        }
    }

    /// A hotel of its own, edited and with a room: writes that take several statements.
    async fn hotels(&self, number: u64) {
        let api = &self.api;
        let name = format!("{}-{number}", self.place);
        let body = json!({ "name": name, "city": "Venice", "time_zone": "Europe/Rome" });
        let hotel = self.read(201, api.client.post(api.path("/v1/hotels")).json(body)).await;
        let path = format!("/v1/hotels/{}", id_of(&hotel));
        let edit = api.client.patch(api.path(&path)).header("If-Match", "*");
        self.read(200, edit.json(json!({ "city": name }))).await;
        let room = json!({ "number": name, "kind": "double", "capacity": 2 });
        let room = api.client.post(api.path(&format!("{path}/rooms"))).json(room);
        self.read(201, room.header("Idempotency-Key", format!("room-{}", id_of(&hotel)))).await;
    }

    /// Sends what writes a version of a room, again if it is told to come again.
    async fn write(&self, status: u16, request: impl Fn() -> Request) -> Answer {
        let mut conflicts = 0;
        let answer = loop {
            let answer = request().send().await;
            let again = answer.status == 409 && answer.code() == "lock_conflict";
            if !again || conflicts == CONFLICTS_MAX {
                break answer.expect(status);
            }
            conflicts += 1;
            self.load.conflicts.fetch_add(1, Ordering::SeqCst);
        };
        self.load.written.fetch_add(1, Ordering::SeqCst);
        self.load.created.fetch_add(u64::from(status == 201), Ordering::SeqCst);
        answer
    }

    /// Sends what writes no version of a room that is counted.
    async fn read(&self, status: u16, request: Request) -> Answer {
        self.load.reads.fetch_add(1, Ordering::SeqCst);
        request.send().await.expect(status)
    }
}
