//! What a request costs on PostgreSQL: the round trips on the wire, counted.

use std::sync::Mutex;
use std::time::{Duration, Instant};

use serde_json::json;
use vacancy_testkit::PATIENCE;
use vacancy_testkit::database::{Database, Kind};
use vacancy_testkit::http::Answer;
use vacancy_testkit::replica::{Replica, ReplicaOptions};
use vacancy_testkit::wire::Wire;

use crate::support::{Api, day, id_of, stay_body};

/// What the driver's pool asks a connection that comes back to it; only lists and searches use that
/// pool, and no request waits for it.
const POOL_CHECK: &str = "SELECT now() = statement_timestamp()";

/// How long a connection of the hot path may idle until it is asked for a sign of life at the next
/// request.
const IDLE_TRUSTED: Duration = Duration::from_secs(1);

/// A room behind a wire that listens.
struct Desk {
    db: Database,
    /// When the last request began that used the hot path, as far as it is known.
    used: Mutex<Option<Instant>>,
    _replica: Replica,
    api: Api,
    wire: Wire,
}

impl Desk {
    /// None when there is no PostgreSQL here.
    async fn open(room_lanes: bool) -> Option<Self> {
        let db = Database::create(Kind::Postgres).await?;
        let wire = Wire::start(db.address()).await;
        // As few connections as there can be, so that each has prepared its statements soon.
        let options = ReplicaOptions {
            database_url: Some(wire.url(db.url())),
            connections: 2,
            // A commit that is begun too late would be read and written once more.
            fence: Some(PATIENCE),
            room_lanes,
            ..ReplicaOptions::default()
        };
        let replica = Replica::start_with(&db, options).await;
        let api = Api::new(replica.url());
        Some(Self { db, used: Mutex::default(), _replica: replica, api, wire })
    }

    /// Uses a connection of the hot path, so that it is not asked for a sign of life at the next request.
    async fn touch(&self) {
        self.uses();
        self.api.get(&format!("/v1/hotels/{}", uuid::Uuid::nil())).await.expect(404);
    }

    /// Sends a request and says how many round trips it was: exactly as many as it has statements,
    /// none of them asked twice, and no sign of life among them.
    async fn check(
        &self,
        what: &str,
        send: impl Future<Output = Answer>,
        status: u16,
        trips: usize,
    ) -> Answer {
        self.wire.record();
        let answer = send.await.expect(status);
        let mut work = self.wire.take_recorded();
        work.retain(|it| it != POOL_CHECK);
        assert_eq!(work.len(), trips, "{what}: {work:#?}");
        answer
    }

    /// Notes that a request begins which uses the hot path. Returns when the one before it began.
    fn uses(&self) -> Option<Instant> {
        self.used.lock().expect("no holder panics").replace(Instant::now())
    }

    /// As [`Self::check`], with all that goes over the wire: requests that only need the hot path's
    /// connections, which nothing checks when they come back. On a machine so slow that a connection
    /// may have been asked for a sign of life, the statements alone are counted.
    async fn check_all(
        &self,
        what: &str,
        send: impl Future<Output = Answer>,
        status: u16,
        trips: u64,
    ) -> Answer {
        let before = self.uses();
        self.wire.record();
        let answer = send.await.expect(status);
        let (round_trips, mut work) = (self.wire.round_trips(), self.wire.take_recorded());
        let trusted = before.is_some_and(|before| before.elapsed() < IDLE_TRUSTED);
        // A check of the pool may have come between the two.
        let nothing_else = round_trips <= work.len() as u64;
        assert!(!trusted || nothing_else, "{what}: {round_trips} round trips for {work:#?}");
        // One of a request before, whose connection has come back only now.
        work.retain(|it| it != POOL_CHECK);
        assert_eq!(work.len() as u64, trips, "{what}: {work:#?}");
        answer
    }
}

/// Each kind of request twice: the first on a connection prepares its statements.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_write_to_a_room_is_one_read_and_one_statement() {
    for room_lanes in [true, false] {
        let Some(desk) = Desk::open(room_lanes).await else { return };
        let api = &desk.api;
        let hotel = api.hotel().await;
        let (room, other) = (api.room(&hotel, "101").await, api.room(&hotel, "102").await);
        warm_up(api, &room, &other).await;
        desk.touch().await;
        let path = format!("/v1/rooms/{room}/bookings");

        let booked = desk.check_all("book", api.book(&room, 0, 1), 201, 2).await;
        let body = stay_body(1, 2);
        let keyed = || api.post_keyed(&path, &body, "k");
        let mut named = stay_body(3, 4);
        named["source"] = "channel.example".into();
        named["reference"] = format!("{room_lanes}").into();
        desk.check_all("book with a reference", api.post(&path, &named), 201, 2).await;
        desk.check_all("book with a key", keyed(), 201, 2).await;
        desk.check_all("the same again", keyed(), 201, 1).await;
        let held = desk.check_all("hold", api.hold(&room, 2, 3), 201, 2).await;
        // A booking says which room it is about, and then it is the same.
        desk.check_all("confirm", api.command(&id_of(&held), "confirm"), 200, 3).await;
        desk.check_all("confirm again", api.command(&id_of(&held), "confirm"), 200, 2).await;
        desk.check_all("cancel", api.command(&id_of(&held), "cancel"), 200, 3).await;

        // And the lapsed holds in its way, however many.
        for night in 60..64 {
            api.hold(&room, night, night + 1).await.expect(201);
        }
        desk.db.let_holds_lapse().await;
        desk.touch().await;
        desk.check_all("book over four lapsed holds", api.book(&room, 60, 64), 201, 2).await;

        let booking = format!("/v1/bookings/{}", id_of(&booked));
        let body = json!({ "guest": { "name": "Grace Hopper" } });
        desk.check_all("another guest", api.patch(&booking, "*", &body), 200, 3).await;
        let body = json!({ "check_in": day(20), "check_out": day(22) });
        desk.check_all("other nights", api.patch(&booking, "*", &body), 200, 3).await;
        let body = json!({ "room_id": other });
        desk.check_all("another room", api.patch(&booking, "*", &body), 200, 3).await;
        // Of a guest in the house, whose nights slept stay: another row, and no more.
        let guest = id_of(&api.book(&room, 70, 75).await.expect(201));
        let (id, in_house) = (desk.db.kind().uuid(&guest), "current_date - 2, current_date + 3");
        let sql =
            format!("UPDATE bookings SET (check_in, check_out) = ({in_house}) WHERE id = {id}");
        desk.db.sql(&sql).await;
        desk.touch().await;
        let staying = format!("/v1/bookings/{guest}");
        let moved =
            desk.check_all("a guest changes rooms", api.patch(&staying, "*", &body), 200, 3);
        assert_ne!(moved.await.json().get("continues"), None);
        let body = json!({ "kind": "suite" });
        let edited = format!("/v1/rooms/{room}");
        desk.check_all("edit the room", api.patch(&edited, "*", &body), 200, 2).await;
        let stale =
            api.client.post(api.path(&path)).json(stay_body(30, 31)).header("If-Match", "\"1\"");
        desk.check_all("a stale tag", stale.send(), 412, 1).await;
        desk.db.assert_audit_is_clean().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_read_is_one_round_trip() {
    let Some(desk) = Desk::open(true).await else { return };
    let api = &desk.api;
    let hotel = api.hotel().await;
    let (room, other) = (api.room(&hotel, "101").await, api.room(&hotel, "102").await);
    let booking = warm_up(api, &room, &other).await;
    let days = format!("from={}&to={}", day(0), day(60));
    for path in [
        format!("/v1/rooms/{room}"),
        format!("/v1/hotels/{hotel}"),
        format!("/v1/bookings/{booking}"),
        format!("/v1/rooms/{room}/availability?{days}"),
    ] {
        desk.uses();
        api.get(&path).await.expect(200);
        desk.check_all(&path, api.get(&path), 200, 1).await;
    }
    // Lists and searches have connections of their own, which are checked when they come back.
    let search = format!("check_in={}&check_out={}", day(0), day(9));
    for path in [
        format!("/v1/rooms?hotel_id={hotel}&{search}&sort=times_booked"),
        "/v1/bookings?limit=200".to_owned(),
    ] {
        desk.check(&path, api.get(&path), 200, 1).await;
    }
    // Looking, and looking for other rooms.
    desk.check("a taken night", api.book(&room, 90, 91), 409, 2).await;
    // Where, and then whether: each room is decided on a snapshot of its own.
    let anywhere = format!("/v1/hotels/{hotel}/bookings");
    desk.check("book any room", api.post(&anywhere, &stay_body(40, 41)), 201, 3).await;
}

/// Sends one request of each kind; a booking's id.
async fn warm_up(api: &Api, room: &str, other: &str) -> String {
    let path = format!("/v1/rooms/{room}/bookings");
    api.post_keyed(&path, &stay_body(90, 91), "warm").await.expect(201);
    let held = id_of(&api.hold(room, 92, 93).await.expect(201));
    api.command(&held, "confirm").await.expect(200);
    let booking = format!("/v1/bookings/{held}");
    api.patch(&booking, "*", &json!({ "room_id": other })).await.expect(200);
    api.patch(&format!("/v1/rooms/{room}"), "*", &json!({ "kind": "twin" })).await.expect(200);
    held
}
