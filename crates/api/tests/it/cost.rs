//! What a write costs on PostgreSQL: the statements that go over the wire, counted.

use serde_json::json;
use vacancy_testkit::database::{Database, Kind};
use vacancy_testkit::http::Answer;
use vacancy_testkit::replica::{Replica, ReplicaOptions};
use vacancy_testkit::wire::Wire;

use crate::support::{Api, day, id_of, wish};

/// What the pool asks a connection in place of a ping; it is no part of the work.
const POOL_CHECK: &str = "SELECT now() = statement_timestamp()";

/// Reads, and the statements of the one transaction without BEGIN and COMMIT.
#[derive(Debug, PartialEq)]
struct Cost {
    reads: usize,
    writes: Option<usize>,
}

fn cost(statements: &[String]) -> Cost {
    let work: Vec<_> =
        statements.iter().map(String::as_str).filter(|it| *it != POOL_CHECK).collect();
    let begins = work.iter().filter(|it| it.starts_with("BEGIN")).count();
    let Some(begin) = work.iter().position(|it| it.starts_with("BEGIN")) else {
        return Cost { reads: work.len(), writes: None };
    };
    assert_eq!(begins, 1, "one transaction: {work:#?}");
    assert_eq!(work.last(), Some(&"COMMIT"), "nothing after it: {work:#?}");
    assert!(work[..begin].iter().all(|it| it.starts_with("SELECT")), "reads come first: {work:#?}");
    let writes = &work[begin + 1..work.len() - 1];
    assert!(
        writes[0].starts_with("UPDATE \"rooms\""),
        "the compare-and-set comes first: {work:#?}"
    );
    Cost { reads: begin, writes: Some(writes.len()) }
}

/// A room behind a wire that listens.
struct Desk {
    db: Database,
    _replica: Replica,
    api: Api,
    wire: Wire,
}

impl Desk {
    /// None when there is no PostgreSQL here.
    async fn open() -> Option<Self> {
        let db = Database::create(Kind::Postgres).await?;
        let wire = Wire::start(db.address()).await;
        let options =
            ReplicaOptions { database_url: Some(wire.url(db.url())), ..ReplicaOptions::default() };
        let replica = Replica::start_with(&db, options).await;
        let api = Api::new(replica.url());
        Some(Self { db, _replica: replica, api, wire })
    }

    /// Sends a request and says what it cost.
    async fn check(
        &self,
        what: &str,
        send: impl Future<Output = Answer>,
        status: u16,
        expect: Cost,
    ) -> Answer {
        self.wire.record();
        let answer = send.await.expect(status);
        let statements = self.wire.take_recorded();
        eprintln!("{what}:");
        for statement in &statements {
            eprintln!("    {statement}");
        }
        assert_eq!(cost(&statements), expect, "{what}");
        answer
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_booking_is_one_read_and_one_transaction_of_at_most_five_statements() {
    let Some(desk) = Desk::open().await else { return };
    let api = &desk.api;
    let hotel = api.hotel().await;
    let (room, other) = (api.room(&hotel, "101").await, api.room(&hotel, "102").await);
    // The first of each kind on a connection may look types up; what counts is the day's business.
    api.book(&room, 90, 91).await.expect(201);
    let path = format!("/v1/rooms/{room}/bookings");
    let one = |writes| Cost { reads: 1, writes: Some(writes) };

    // The room, the booking, the event, the key.
    let booked = desk.check("book", api.book(&room, 0, 1), 201, one(4)).await;
    desk.check("book with a key", api.post_keyed(&path, &wish(1, 2), "k"), 201, one(4)).await;
    let replay = Cost { reads: 1, writes: None };
    desk.check("the same again", api.post_keyed(&path, &wish(1, 2), "k"), 201, replay).await;
    let held = desk.check("hold", api.hold(&room, 2, 3), 201, one(4)).await;
    desk.check("confirm", api.command(&id_of(&held), "confirm"), 200, one(4)).await;
    desk.check("cancel", api.command(&id_of(&held), "cancel"), 200, one(4)).await;

    // And the lapsed holds in its way, however many.
    api.hold(&room, 10, 12).await.expect(201);
    desk.db.let_holds_lapse().await;
    desk.check("book over a lapsed hold", api.book(&room, 11, 13), 201, one(5)).await;
    for night in 60..64 {
        api.hold(&room, night, night + 1).await.expect(201);
    }
    desk.db.let_holds_lapse().await;
    desk.check("book over four lapsed holds", api.book(&room, 60, 64), 201, one(5)).await;

    let booking = format!("/v1/bookings/{}", id_of(&booked));
    let body = json!({ "guest": { "name": "Grace Hopper" } });
    desk.check("another guest", api.patch(&booking, "*", &body), 200, one(4)).await;
    let body = json!({ "check_in": day(20), "check_out": day(22) });
    desk.check("other nights", api.patch(&booking, "*", &body), 200, one(4)).await;
    let body = json!({ "room_id": other });
    desk.check("another room", api.patch(&booking, "*", &body), 200, one(5)).await;
    let body = json!({ "kind": "suite" });
    let edited = format!("/v1/rooms/{room}");
    desk.check("edit the room", api.patch(&edited, "*", &body), 200, one(3)).await;

    // Nothing to write: nothing but looking, and looking for another room.
    let looked = |reads| Cost { reads, writes: None };
    desk.check("confirm again", api.command(&id_of(&booked), "confirm"), 200, looked(1)).await;
    desk.check("a taken night", api.book(&room, 1, 2), 409, looked(2)).await;
    let stale = api.client.post(api.path(&path)).json(wish(30, 31)).header("If-Match", "\"1\"");
    desk.check("a stale tag", stale.send(), 412, looked(1)).await;
    // Where, and then whether: each room is decided on a snapshot of its own.
    let anywhere = format!("/v1/hotels/{hotel}/bookings");
    let twice = Cost { reads: 2, writes: Some(4) };
    desk.check("book any room", api.post(&anywhere, &wish(40, 41)), 201, twice).await;
    // Reads are one statement too.
    for path in [
        format!("/v1/rooms/{room}"),
        booking.clone(),
        format!("/v1/rooms/{room}/availability?from={}&to={}", day(0), day(60)),
        format!(
            "/v1/rooms?hotel_id={hotel}&check_in={}&check_out={}&sort=times_booked",
            day(0),
            day(9)
        ),
        "/v1/bookings?limit=200".to_owned(),
    ] {
        desk.check(&path, api.get(&path), 200, looked(1)).await;
    }
    desk.db.assert_audit_is_clean().await;
}
