//! Every counter, compared as a whole with what was done: what must move moves, and nothing else.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use reqwest::Method;
use serde_json::json;
use vacancy_testkit::database::{Database, Kind};
use vacancy_testkit::replica::{Replica, ReplicaOptions};
use vacancy_testkit::scrape::{Scrape, difference};
use vacancy_testkit::wire::{Cut, Wire};
use vacancy_testkit::{PATIENCE, eventually, on_both_databases};

use crate::crowd::idle;
use crate::rival::Rival;
use crate::support::{Api, day, id_of, stay_body};

const OPERATIONS: &[&str] = &[
    "book",
    "hold",
    "auto_book",
    "confirm",
    "cancel",
    "expire",
    "erase",
    "forget",
    "move",
    "prolong",
    "edit_booking",
    "edit_room",
    "edit_hotel",
];

const OUTCOMES: &[&str] = &[
    "first_attempt",
    "after_retry",
    "unchanged",
    "refused",
    "precondition_failed",
    "exhausted",
    "unknown",
    "failed",
];

const CONFLICT_CODES: &[&str] = &[
    "room_unavailable",
    "room_closed",
    "no_room_available",
    "version_conflict",
    "hold_expired",
    "invalid_transition",
    "duplicate",
    "reference_taken",
    "hotel_in_use",
    "room_in_use",
    "idempotency_in_flight",
    "lock_conflict",
];

/// A replica whose counters are read before and after every step.
struct Ledger {
    replica: Replica,
    api: Api,
    rival: Rival,
    db: Database,
    before: Scrape,
}

impl Ledger {
    async fn open(db: Database, options: ReplicaOptions) -> Self {
        let rival = Rival::on(&db);
        // The rival wins between decision and commit, which the last attempt's lock would prevent.
        let options = ReplicaOptions { failpoint: rival.failpoint(), room_lanes: false, ..options };
        let replica = Replica::start_with(&db, options).await;
        let api = Api::new(replica.url());
        let before = Scrape::get(&replica.url()).await;
        Self { replica, api, rival, db, before }
    }

    /// What has moved since the last look is `expect` and nothing else. Each line of it is a
    /// series in short and by how much it has moved.
    async fn check(&mut self, step: &str, expect: &[&str]) {
        let after = Scrape::get(&self.replica.url()).await;
        assert_eq!(moved(&self.before, &after), series(expect), "{step}");
        self.before = after;
    }

    /// The same for what the service does of its own accord: it is counted after it can be seen in
    /// the database, so that the counters are waited for.
    async fn check_in_time(&mut self, step: &str, expect: &[&str]) {
        let began = Instant::now();
        loop {
            let after = Scrape::get(&self.replica.url()).await;
            if moved(&self.before, &after) == series(expect) || began.elapsed() > PATIENCE {
                break;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        self.check(step, expect).await;
    }
}

/// The series that differ, and by how much.
fn moved(before: &Scrape, after: &Scrape) -> BTreeMap<String, String> {
    let moved = difference(before, after);
    let prefixes = ["booking_", "idempotency_", "http_preconditions_"].into_iter();
    let moved = prefixes.flat_map(|prefix| moved.nonzero(prefix));
    let moved = moved.filter(|(series, _)| !series.contains("_bucket{"));
    moved.map(|(series, by)| (series, format!("{by:.6}"))).collect()
}

/// The series that lines of short forms stand for, and by how much each is to move.
fn series(lines: &[&str]) -> BTreeMap<String, String> {
    let mut expected: BTreeMap<String, f64> = BTreeMap::new();
    for line in lines {
        let (series, by) = line.rsplit_once(' ').expect("a series and a number");
        let by: f64 = by.parse().expect("a number");
        for series in names(series) {
            *expected.entry(series).or_default() += by;
        }
    }
    expected.into_iter().map(|(series, by)| (series, format!("{by:.6}"))).collect()
}

/// The series that a short form stands for. Those that count the same thing move together.
fn names(short: &str) -> Vec<String> {
    let of = |name: &str, operation: &str| format!("{name}{{operation={operation:?}}}");
    match short.split(' ').collect::<Vec<_>>()[..] {
        ["outcomes", operation, outcome] => {
            let mut names = vec![
                format!(
                    "booking_write_outcomes_total{{operation={operation:?},outcome={outcome:?}}}"
                ),
                of("booking_write_attempts_count", operation),
            ];
            if outcome == "exhausted" {
                names.push(of("booking_lock_exhausted_total", operation));
            }
            names
        }
        ["attempts", operation] => vec![of("booking_write_attempts_sum", operation)],
        ["conflicts", operation] => vec![of("booking_lock_conflicts_total", operation)],
        ["retries", operation] => vec![
            of("booking_lock_retries_total", operation),
            of("booking_retry_backoff_seconds_count", operation),
        ],
        ["backoff", operation] => vec![of("booking_retry_backoff_seconds_sum", operation)],
        ["refusals", code] => vec![format!("booking_refusals_total{{code={code:?}}}")],
        ["preconditions", result] => vec![format!("http_preconditions_total{{result={result:?}}}")],
        ["keys", result] => vec![format!("idempotency_requests_total{{result={result:?}}}")],
        ["holds_expired"] => vec!["booking_holds_expired_total".to_owned()],
        ["guard"] => vec!["booking_overlap_guard_violations_total".to_owned()],
        _ => panic!("no series is called {short}"),
    }
}

on_both_databases! {
    async fn bookings_and_their_races_are_counted_exactly(db: Database) {
        let mut ledger = Ledger::open(db, ReplicaOptions::default()).await;
        let api = ledger.api.clone();
        let hotel = api.hotel().await;
        ledger
            .check(
                "a hotel is created",
                &["outcomes edit_hotel first_attempt 1", "attempts edit_hotel 1"],
            )
            .await;
        let room = api.room(&hotel, "101").await;
        ledger
            .check(
                "a room is created",
                &["outcomes edit_room first_attempt 1", "attempts edit_room 1"],
            )
            .await;
        let meddle = ledger.rival.room_write(&room);

        let first = id_of(&api.book(&room, 0, 2).await.expect(201));
        ledger.check("a booking", &["outcomes book first_attempt 1", "attempts book 1"]).await;
        api.book(&room, 1, 3).await.expect(409);
        ledger
            .check(
                "a taken night",
                &["outcomes book refused 1", "attempts book 1", "refusals room_unavailable 1"],
            )
            .await;

        ledger.rival.interfere(1, &meddle);
        assert_eq!(api.book(&room, 4, 5).await.expect(201).json()["attempts"], 2);
        ledger
            .check(
                "a booking that lost one race",
                &[
                    "conflicts book 1",
                    "retries book 1",
                    "backoff book 0.1",
                    "outcomes book after_retry 1",
                    "attempts book 2",
                ],
            )
            .await;
        ledger.rival.interfere(2, &meddle);
        assert_eq!(api.hold(&room, 5, 6).await.expect(201).json()["attempts"], 3);
        ledger
            .check(
                "a hold that lost two",
                &[
                    "conflicts hold 2",
                    "retries hold 2",
                    "backoff hold 0.3",
                    "outcomes hold after_retry 1",
                    "attempts hold 3",
                ],
            )
            .await;
        ledger.rival.interfere(3, &meddle);
        api.book(&room, 6, 7).await.expect(409);
        ledger
            .check(
                "a booking that lost all",
                &[
                    "conflicts book 3",
                    "retries book 2",
                    "backoff book 0.3",
                    "outcomes book exhausted 1",
                    "attempts book 3",
                    "refusals lock_conflict 1",
                ],
            )
            .await;

        ledger.rival.interfere(1, &ledger.rival.room_closure(&room));
        api.book(&room, 6, 7).await.expect(409);
        ledger
            .check(
                "a booking that lost to one who closed the room",
                &[
                    "conflicts book 1",
                    "retries book 1",
                    "backoff book 0.1",
                    "outcomes book refused 1",
                    "attempts book 2",
                    "refusals room_closed 1",
                ],
            )
            .await;
        let path = format!("/v1/rooms/{room}");
        api.patch(&path, "*", &json!({ "status": "open" })).await.expect(200);
        ledger
            .check(
                "the room is opened again",
                &[
                    "outcomes edit_room first_attempt 1",
                    "attempts edit_room 1",
                    "preconditions passed 1",
                ],
            )
            .await;

        let lawless = "01890000-0000-7000-8000-00000000dead";
        ledger.rival.interfere(1, &ledger.rival.lawless_booking(&first, lawless, &day(6), &day(7)));
        api.book(&room, 6, 7).await.expect(409);
        ledger
            .check(
                "a booking that only the database stopped",
                &[
                    "conflicts book 1",
                    "guard 1",
                    "retries book 1",
                    "backoff book 0.1",
                    "outcomes book refused 1",
                    "attempts book 2",
                    "refusals room_unavailable 1",
                ],
            )
            .await;
        let lawless = ledger.db.kind().uuid(lawless);
        ledger.db.sql(&format!("DELETE FROM bookings WHERE id = {lawless}")).await;

        for (step, body) in [
            ("a body of another shape", json!({})),
            (
                "too many guests",
                json!({ "check_in": day(8), "check_out": day(9), "guests": 3, "guest": { "name": "A" } }),
            ),
            (
                "a stay in the past",
                json!({ "check_in": "2020-01-01", "check_out": "2020-01-02", "guests": 1, "guest": { "name": "A" } }),
            ),
        ] {
            api.post(&format!("{path}/bookings"), &body).await.expect(422);
            ledger.check(step, &[]).await;
        }
        api.get("/v1/rooms/none").await.expect(404);
        api.book("01890000-0000-7000-8000-000000000000", 0, 1).await.expect(404);
        api.post(&format!("{path}/bookings?bogus=1"), &stay_body(8, 9)).await.expect(400);
        ledger.check("what does not exist or does not read", &[]).await;

        // The service picks the room.
        let anywhere = format!("/v1/hotels/{hotel}/bookings");
        api.post(&anywhere, &stay_body(20, 21)).await.expect(201);
        ledger
            .check("a room picked", &["outcomes auto_book first_attempt 1", "attempts auto_book 1"])
            .await;
        let mut hold = stay_body(21, 22);
        hold["hold_seconds"] = 60.into();
        api.post(&anywhere, &hold).await.expect(201);
        ledger
            .check(
                "a room picked and held",
                &["outcomes auto_book first_attempt 1", "attempts auto_book 1"],
            )
            .await;
        api.post(&anywhere, &stay_body(20, 21)).await.expect(409);
        ledger
            .check(
                "no room to pick",
                &[
                    "outcomes auto_book refused 1",
                    "attempts auto_book 1",
                    "refusals no_room_available 1",
                ],
            )
            .await;
        // One candidate, and that lost: the attempt is lost with it.
        ledger.rival.interfere(1, &meddle);
        api.post(&anywhere, &stay_body(22, 23)).await.expect(201);
        ledger
            .check(
                "the only room lost",
                &[
                    "conflicts auto_book 1",
                    "retries auto_book 1",
                    "backoff auto_book 0.1",
                    "outcomes auto_book after_retry 1",
                    "attempts auto_book 2",
                ],
            )
            .await;
        api.room(&hotel, "102").await;
        ledger
            .check("another room", &["outcomes edit_room first_attempt 1", "attempts edit_room 1"])
            .await;
        // Two candidates, the first lost: the second at once.
        let meddle_with_all = "UPDATE rooms SET version = version + 1, times_booked = times_booked \
            WHERE number = '102'; INSERT INTO room_events (room_id, version, kind, at, data, \
            write_id) SELECT id, version, 'room_edited', created_at, '{}', id FROM rooms WHERE number = '102'";
        ledger.rival.interfere(1, meddle_with_all);
        let picked = api.post(&anywhere, &stay_body(23, 24)).await.expect(201);
        assert_eq!(
            picked.json()["room_id"],
            room.as_str(),
            "the other room was less booked, and lost"
        );
        assert_eq!(picked.json()["attempts"], 1);
        ledger
            .check(
                "one of two rooms lost",
                &[
                    "conflicts auto_book 1",
                    "outcomes auto_book first_attempt 1",
                    "attempts auto_book 1",
                ],
            )
            .await;
    }

    async fn commands_edits_and_preconditions_are_counted_exactly(db: Database) {
        let mut ledger = Ledger::open(db, ReplicaOptions::default()).await;
        let api = ledger.api.clone();
        let hotel = api.hotel().await;
        let (room, other) = (api.room(&hotel, "101").await, api.room(&hotel, "102").await);
        let hold = id_of(&api.hold(&room, 0, 2).await.expect(201));
        ledger
            .check(
                "the stage",
                &[
                    "outcomes edit_hotel first_attempt 1",
                    "attempts edit_hotel 1",
                    "outcomes edit_room first_attempt 2",
                    "attempts edit_room 2",
                    "outcomes hold first_attempt 1",
                    "attempts hold 1",
                ],
            )
            .await;

        for (command, status, expect) in [
            ("confirm", 200, &["outcomes confirm first_attempt 1", "attempts confirm 1"][..]),
            ("confirm", 200, &["outcomes confirm unchanged 1", "attempts confirm 1"]),
            ("cancel", 200, &["outcomes cancel first_attempt 1", "attempts cancel 1"]),
            ("cancel", 200, &["outcomes cancel unchanged 1", "attempts cancel 1"]),
            (
                "confirm",
                409,
                &[
                    "outcomes confirm refused 1",
                    "attempts confirm 1",
                    "refusals invalid_transition 1",
                ],
            ),
        ] {
            api.command(&hold, command).await.expect(status);
            ledger.check(command, expect).await;
        }

        let booking = id_of(&api.book(&room, 0, 2).await.expect(201));
        let path = format!("/v1/bookings/{booking}");
        ledger.check("a booking", &["outcomes book first_attempt 1", "attempts book 1"]).await;
        let passed = "preconditions passed 1";
        for (step, body, expect) in [
            (
                "another guest",
                json!({ "guest": { "name": "Grace" } }),
                &["outcomes edit_booking first_attempt 1", "attempts edit_booking 1", passed][..],
            ),
            (
                "the same guest",
                json!({ "guest": { "name": "Grace" } }),
                &["outcomes edit_booking unchanged 1", "attempts edit_booking 1", passed],
            ),
            (
                "other nights",
                json!({ "check_in": day(1), "check_out": day(3) }),
                &["outcomes move first_attempt 1", "attempts move 1", passed],
            ),
            (
                "another room",
                json!({ "room_id": other }),
                &["outcomes move first_attempt 1", "attempts move 1", passed],
            ),
            ("too many guests", json!({ "guests": 3 }), &[passed]),
            ("a field of another type", json!({ "guests": "two" }), &[passed]),
        ] {
            api.patch(&path, "*", &body).await;
            ledger.check(step, expect).await;
        }
        api.hold(&room, 1, 2).await.expect(201);
        ledger.check("a hold", &["outcomes hold first_attempt 1", "attempts hold 1"]).await;
        api.patch(&path, "*", &json!({ "room_id": room })).await.expect(409);
        ledger
            .check(
                "a move to a taken room",
                &[
                    "outcomes move refused 1",
                    "attempts move 1",
                    "refusals room_unavailable 1",
                    passed,
                ],
            )
            .await;

        // What the preconditions come to, on edits.
        let body = json!({ "guest": { "name": "Mary" } });
        let edit = |query: &str| api.client.patch(api.path(&format!("{path}{query}"))).json(&body);
        let failed = ["outcomes edit_booking precondition_failed 1", "attempts edit_booking 1"];
        edit("").send().await.expect(428);
        ledger.check("no precondition", &["preconditions missing_428 1"]).await;
        edit("").header("If-Match", "\"1\"").send().await.expect(412);
        ledger.check("a stale tag", &[failed[0], failed[1], "preconditions failed_412 1"]).await;
        edit("").header("If-Match", "*").header("If-None-Match", "*").send().await.expect(412);
        ledger
            .check("a tag that must not be", &[failed[0], failed[1], "preconditions failed_412 1"])
            .await;
        edit("").header("If-Match", "W/\"4\"").send().await.expect(412);
        ledger.check("a weak tag", &[failed[0], failed[1], "preconditions weak_etag 1"]).await;
        edit("?version=1").send().await.expect(409);
        ledger
            .check(
                "a stale version",
                &[
                    failed[0],
                    failed[1],
                    "preconditions version_409 1",
                    "refusals version_conflict 1",
                ],
            )
            .await;
        edit("").header("If-Match", "four").send().await.expect(400);
        ledger.check("a tag that does not read", &["preconditions malformed_400 1"]).await;
        edit("?version=four").send().await.expect(400);
        ledger.check("a version that does not read", &["preconditions malformed_400 1"]).await;
        // And on a booking whose body was not looked at yet.
        let hold = api.client.post(api.path(&format!("/v1/rooms/{room}/bookings")));
        let mut wanted = stay_body(9, 10);
        wanted["hold_seconds"] = 60.into();
        hold.json(&wanted).header("If-Match", "\"1\"").send().await.expect(412);
        ledger
            .check(
                "a hold with a stale tag",
                &[
                    "outcomes book precondition_failed 1",
                    "attempts book 1",
                    "preconditions failed_412 1",
                ],
            )
            .await;
        // And on reads.
        let read = || api.client.get(api.path(&path));
        for (name, tag, status, expect) in [
            ("If-None-Match", "\"4\"", 304, "preconditions not_modified 1"),
            ("If-None-Match", "\"1\"", 200, passed),
            ("If-Match", "\"4\"", 200, passed),
            ("If-Match", "\"1\"", 412, "preconditions failed_412 1"),
            ("If-Match", "W/\"4\"", 412, "preconditions weak_etag 1"),
            ("If-Match", "four", 400, "preconditions malformed_400 1"),
        ] {
            read().header(name, tag).send().await.expect(status);
            ledger.check(&format!("a read with {name}: {tag}"), &[expect]).await;
        }
        api.get(&format!("{path}?version=1")).await.expect(409);
        ledger
            .check(
                "a read of a stale version",
                &["preconditions version_409 1", "refusals version_conflict 1"],
            )
            .await;
        api.get(&path).await.expect(200);
        ledger.check("a read", &[]).await;
        let list = api.get("/v1/bookings").await;
        let tag = list.header("etag").expect("lists have tags");
        api.client
            .get(api.path("/v1/bookings"))
            .header("If-None-Match", tag)
            .send()
            .await
            .expect(304);
        ledger.check("a list", &["preconditions not_modified 1"]).await;

        // Rules about rooms and hotels.
        let number = json!({ "number": "101", "kind": "double", "capacity": 2 });
        api.post(&format!("/v1/hotels/{hotel}/rooms"), &number).await.expect(409);
        let refused = ["outcomes edit_room refused 1", "attempts edit_room 1"];
        ledger.check("a number twice", &[refused[0], refused[1], "refusals duplicate 1"]).await;
        let delete =
            |path: String| api.client.delete(api.path(&path)).header("If-Match", "*").send();
        delete(format!("/v1/rooms/{other}")).await.expect(409);
        ledger
            .check("a room in use", &[refused[0], refused[1], "refusals room_in_use 1", passed])
            .await;
        delete(format!("/v1/hotels/{hotel}")).await.expect(409);
        ledger
            .check(
                "a hotel in use",
                &[
                    "outcomes edit_hotel refused 1",
                    "attempts edit_hotel 1",
                    "refusals hotel_in_use 1",
                    passed,
                ],
            )
            .await;
        let spare = api.room(&hotel, "103").await;
        delete(format!("/v1/rooms/{spare}")).await.expect(204);
        ledger
            .check(
                "a room comes and goes",
                &["outcomes edit_room first_attempt 2", "attempts edit_room 2", passed],
            )
            .await;
    }

    async fn keys_and_expiries_are_counted_exactly(db: Database) {
        let mut ledger = Ledger::open(db, ReplicaOptions::default()).await;
        let api = ledger.api.clone();
        let room = api.one_room().await;
        ledger
            .check(
                "the stage",
                &[
                    "outcomes edit_hotel first_attempt 1",
                    "attempts edit_hotel 1",
                    "outcomes edit_room first_attempt 1",
                    "attempts edit_room 1",
                ],
            )
            .await;
        let path = format!("/v1/rooms/{room}/bookings");
        let meddle = ledger.rival.room_write(&room);

        api.post_keyed(&path, &stay_body(0, 1), "k").await.expect(201);
        ledger
            .check("a key", &["outcomes book first_attempt 1", "attempts book 1", "keys new 1"])
            .await;
        api.post_keyed(&path, &stay_body(0, 1), "k").await.expect(201);
        ledger.check("the key again", &["keys replayed 1"]).await;
        api.post_keyed(&path, &stay_body(1, 2), "k").await.expect(422);
        ledger.check("the key for another request", &["keys mismatch 1"]).await;
        api.post_keyed(&path, &stay_body(0, 1), "refused").await.expect(409);
        ledger
            .check(
                "a key whose request is refused",
                &["outcomes book refused 1", "attempts book 1", "refusals room_unavailable 1"],
            )
            .await;
        ledger.rival.interfere(1, &meddle);
        api.post_keyed(&path, &stay_body(1, 2), "raced").await.expect(201);
        ledger
            .check(
                "a key whose request lost a race",
                &[
                    "conflicts book 1",
                    "retries book 1",
                    "backoff book 0.1",
                    "outcomes book after_retry 1",
                    "attempts book 2",
                    "keys new 1",
                ],
            )
            .await;

        // A hold that has lapsed is expired by the request that meets it, as a write of its own.
        let expired = ["outcomes expire first_attempt 1", "attempts expire 1", "holds_expired 1"];
        let hold = id_of(&api.hold(&room, 5, 6).await.expect(201));
        ledger.db.let_holds_lapse().await;
        ledger.check("a hold", &["outcomes hold first_attempt 1", "attempts hold 1"]).await;
        api.command(&hold, "confirm").await.expect(409);
        ledger
            .check(
                "confirming too late",
                &[
                    "outcomes confirm refused 1",
                    "attempts confirm 1",
                    "refusals hold_expired 1",
                    expired[0],
                    expired[1],
                    expired[2],
                ],
            )
            .await;
        api.command(&hold, "confirm").await.expect(409);
        ledger
            .check(
                "and again",
                &["outcomes confirm refused 1", "attempts confirm 1", "refusals hold_expired 1"],
            )
            .await;
        for night in [5, 6] {
            api.hold(&room, night, night + 1).await.expect(201);
        }
        ledger.db.let_holds_lapse().await;
        ledger.check("two holds", &["outcomes hold first_attempt 2", "attempts hold 2"]).await;
        ledger.rival.interfere(1, &meddle);
        api.book(&room, 5, 7).await.expect(201);
        ledger
            .check(
                "a booking over two lapsed holds that lost a race",
                &[
                    "conflicts book 1",
                    "retries book 1",
                    "backoff book 0.1",
                    "outcomes book after_retry 1",
                    "attempts book 2",
                    "outcomes expire after_retry 2",
                    "attempts expire 4",
                    "holds_expired 2",
                ],
            )
            .await;
        api.hold(&room, 10, 12).await.expect(201);
        ledger.db.let_holds_lapse().await;
        api.book(&room, 12, 13).await.expect(201);
        ledger
            .check(
                "a booking beside a lapsed hold",
                &[
                    "outcomes hold first_attempt 1",
                    "attempts hold 1",
                    "outcomes book first_attempt 1",
                    "attempts book 1",
                ],
            )
            .await;
        api.book(&room, 11, 13).await.expect(409);
        ledger
            .check(
                "a refused booking that met a lapsed hold",
                &[
                    "outcomes book refused 1",
                    "attempts book 1",
                    "refusals room_unavailable 1",
                    expired[0],
                    expired[1],
                    expired[2],
                ],
            )
            .await;
    }

    /// A twin that waits in vain, and a write that the deadline overtakes.
    async fn what_runs_out_of_time_is_counted_exactly(db: Database) {
        // Long enough for all that is not to run out of it.
        let request_timeout = Duration::from_secs(15);
        let options = ReplicaOptions { request_timeout, ..ReplicaOptions::default() };
        let mut ledger = Ledger::open(db, options).await;
        let api = ledger.api.clone();
        let room = api.one_room().await;
        let path = format!("/v1/rooms/{room}/bookings");
        ledger
            .check(
                "the stage",
                &[
                    "outcomes edit_hotel first_attempt 1",
                    "attempts edit_hotel 1",
                    "outcomes edit_room first_attempt 1",
                    "attempts edit_room 1",
                ],
            )
            .await;

        ledger.rival.hold_up(1);
        let wanted = stay_body(0, 1);
        let first = api.post_keyed(&path, &wanted, "k");
        let twin = async {
            ledger.rival.has_held_up(1).await;
            let twin = api.post_keyed(&path, &wanted, "k").await;
            ledger.rival.let_go(1);
            twin
        };
        let (first, twin) = tokio::join!(first, twin);
        first.expect(201);
        let twin = twin.expect(409);
        assert_eq!(
            (twin.code().as_str(), twin.header("retry-after")),
            ("idempotency_in_flight", Some("1"))
        );
        ledger
            .check(
                "a twin that is too early",
                &[
                    "outcomes book first_attempt 1",
                    "attempts book 1",
                    "keys new 1",
                    "keys in_flight 1",
                    "refusals idempotency_in_flight 1",
                ],
            )
            .await;

        ledger.rival.hold_up(1);
        let late = api.book(&room, 1, 2).await.expect(503);
        assert_eq!((late.code().as_str(), late.header("retry-after")), ("unavailable", Some("1")));
        ledger
            .check(
                "a write that the deadline overtakes",
                &["outcomes book failed 1", "attempts book 1"],
            )
            .await;
        // Past the deadline nothing is committed any more.
        ledger.rival.has_held_up(1).await;
        ledger.rival.let_go(1);
        idle(&ledger.replica).await;
        assert_eq!(api.room_now(&room).await["version"], 2);
        ledger.check("what was given up stays given up", &[]).await;
    }

    async fn a_sweeper_is_counted_exactly(db: Database) {
        let options = ReplicaOptions {
            sweep_interval: Some(Duration::from_millis(300)),
            ..ReplicaOptions::default()
        };
        let mut ledger = Ledger::open(db, options).await;
        let api = ledger.api.clone();
        let room = api.one_room().await;
        let hold = id_of(&api.hold(&room, 0, 1).await.expect(201));
        ledger
            .check(
                "the stage",
                &[
                    "outcomes edit_hotel first_attempt 1",
                    "attempts edit_hotel 1",
                    "outcomes edit_room first_attempt 1",
                    "attempts edit_room 1",
                    "outcomes hold first_attempt 1",
                    "attempts hold 1",
                ],
            )
            .await;
        ledger.rival.interfere(3, &ledger.rival.room_write(&room));
        ledger.db.let_holds_lapse().await;
        // No client was refused anything: a sweeper that loses comes again.
        ledger
            .check_in_time(
                "a sweeper that lost all races once",
                &[
                    "conflicts expire 3",
                    "retries expire 2",
                    "backoff expire 0.3",
                    "outcomes expire exhausted 1",
                    "outcomes expire first_attempt 1",
                    "attempts expire 4",
                    "holds_expired 1",
                ],
            )
            .await;
        let status = api.get(&format!("/v1/bookings/{hold}")).await.json()["status"].clone();
        assert_eq!(status, "expired");
        // The next rounds find nothing of it: all that they count is another hold.
        api.hold(&room, 0, 1).await.expect(201);
        ledger.db.let_holds_lapse().await;
        ledger
            .check_in_time(
                "another hold is swept, and the first is left alone",
                &[
                    "outcomes hold first_attempt 1",
                    "attempts hold 1",
                    "outcomes expire first_attempt 1",
                    "attempts expire 1",
                    "holds_expired 1",
                ],
            )
            .await;
    }

    async fn every_series_exists_at_zero_from_the_start(db: Database) {
        let replica = Replica::start(&db).await;
        let scrape = Scrape::get(&replica.url()).await;
        let zero = |name: &str, labels: &[(&str, &str)]| {
            assert_eq!(scrape.count(name, labels), 0, "{name} {labels:?}");
            // Exactly one series, and not an empty sum.
            assert_eq!(scrape.value(name, labels).to_bits(), 0, "{name} {labels:?}");
        };
        for operation in OPERATIONS {
            let operation = ("operation", *operation);
            for outcome in OUTCOMES {
                zero("booking_write_outcomes_total", &[operation, ("outcome", outcome)]);
            }
            for name in [
                "booking_lock_conflicts_total",
                "booking_lock_retries_total",
                "booking_lock_exhausted_total",
                "booking_write_attempts_count",
                "booking_retry_backoff_seconds_count",
            ] {
                zero(name, &[operation]);
            }
            for bound in ["1", "2", "3", "5", "10", "+Inf"] {
                zero("booking_write_attempts_bucket", &[operation, ("le", bound)]);
            }
        }
        for code in CONFLICT_CODES {
            zero("booking_refusals_total", &[("code", code)]);
        }
        for result in [
            "passed",
            "not_modified",
            "failed_412",
            "version_409",
            "missing_428",
            "malformed_400",
            "weak_etag",
        ] {
            zero("http_preconditions_total", &[("result", result)]);
        }
        for result in ["new", "replayed", "mismatch", "in_flight"] {
            zero("idempotency_requests_total", &[("result", result)]);
        }
        zero("booking_holds_expired_total", &[]);
        zero("booking_overlap_guard_violations_total", &[]);
        assert_eq!(scrape.count("vacancy_build_info", &[]), 1);
        for state in ["idle", "in_use"] {
            scrape.value("db_pool_connections", &[("state", state)]);
        }
        for name in ["process_resident_memory_bytes", "process_open_fds"] {
            assert!(scrape.value(name, &[]) > 0.0, "{name}");
        }
        // Counted in hundredths of a second: a process that has just begun may not have used one yet,
        // and looking uses some.
        eventually("process_cpu_seconds_total counts", PATIENCE, || async {
            let scrape = Scrape::get(&replica.url()).await;
            (scrape.value("process_cpu_seconds_total", &[]) > 0.0).then_some(())
        })
        .await;
        assert_eq!(scrape.count("booking_write_outcomes_total", &[]), 0);
        let series = scrape.samples().iter().filter(|it| it.name == "booking_write_outcomes_total");
        assert_eq!(
            series.count(),
            OPERATIONS.len() * OUTCOMES.len(),
            "no other operation or outcome"
        );
        let series = scrape.samples().iter().filter(|it| it.name == "booking_refusals_total");
        assert_eq!(series.count(), CONFLICT_CODES.len(), "no other code");
    }

    /// Whatever clients send, labels are words of ours.
    async fn labels_are_bounded_and_metrics_are_named_as_prometheus_wants(db: Database) {
        let replica = Replica::start(&db).await;
        let api = Api::new(replica.url());
        let room = api.one_room().await;
        let booking = id_of(&api.book(&room, 0, 1).await.expect(201));
        api.get(&format!("/v1/rooms/{room}")).await.expect(200);
        api.command(&booking, "cancel").await.expect(200);
        for path in ["/nothing", "/v1/rooms/none", "/v2/rooms", "/%F0%9F%98%80", "/docs/nothing.js"]
        {
            api.get(path).await.expect(404);
        }
        for method in ["BREW", "PROPFIND"] {
            let method = Method::from_bytes(method.as_bytes()).expect("a token");
            api.client.request(method.clone(), api.path("/v1/hotels")).send().await.expect(405);
            api.client.request(method, api.path("/nothing")).send().await.expect(404);
        }
        let scrape = Scrape::get(&replica.url()).await;
        let seconds = "http_server_request_duration_seconds_count";
        for (method, route, status, times) in [
            ("POST", "/v1/hotels", "201", 1),
            ("POST", "/v1/hotels/{hotel_id}/rooms", "201", 1),
            ("POST", "/v1/rooms/{room_id}/bookings", "201", 1),
            ("GET", "/v1/rooms/{room_id}", "200", 1),
            ("GET", "/v1/rooms/{room_id}", "404", 1),
            ("POST", "/v1/bookings/{booking_id}/cancel", "200", 1),
            ("GET", "unmatched", "404", 3),
            ("other", "/v1/hotels", "405", 2),
            ("other", "unmatched", "404", 2),
        ] {
            let labels = [("method", method), ("route", route), ("status", status)];
            assert_eq!(scrape.count(seconds, &labels), times, "{labels:?}");
        }
        assert_eq!(scrape.count("http_server_active_requests", &[]), 1, "the scrape itself");
        check_names_and_labels(&scrape);
    }
}

/// Only counters end in `_total`, units are base units, and nothing is without help and type.
fn check_names_and_labels(scrape: &Scrape) {
    let mut values: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for sample in scrape.samples() {
        let family = ["_bucket", "_sum", "_count"].iter().find_map(|suffix| {
            let family = sample.name.strip_suffix(suffix)?;
            (scrape.type_of(family) == Some("histogram")).then_some(family)
        });
        let family = family.unwrap_or(&sample.name);
        let kind = scrape.type_of(family).unwrap_or_else(|| panic!("{family} has no type"));
        assert!(["counter", "gauge", "histogram"].contains(&kind), "{family} is a {kind}");
        let help = scrape.help_of(family).unwrap_or_else(|| panic!("{family} has no help"));
        assert!(help.ends_with('.') || family.starts_with("process_"), "{family}: {help}");
        assert_eq!(family.ends_with("_total"), kind == "counter", "{family} is a {kind}");
        assert!(
            !["_ms", "_milliseconds", "_kb", "_info_total"].iter().any(|it| family.ends_with(it))
        );
        for (label, value) in &sample.labels {
            values.entry(label).or_default().insert(value);
        }
    }
    let labels: Vec<_> = values.keys().copied().collect();
    let known = [
        "arch",
        "code",
        "le",
        "method",
        "operation",
        "os",
        "outcome",
        "profile",
        "reason",
        "result",
        "route",
        "state",
        "status",
        "time_zones",
        "time_zones_from",
        "version",
    ];
    assert_eq!(labels, known);
    for (label, values) in &values {
        for value in values {
            assert!(value.len() <= 60 && !value.contains("0189"), "{label}={value}");
        }
    }
    assert_eq!(values["operation"], OPERATIONS.iter().copied().collect());
    assert_eq!(values["outcome"], OUTCOMES.iter().copied().collect());
    assert_eq!(values["code"], CONFLICT_CODES.iter().copied().collect());
}

/// The connection breaks at COMMIT and none can be made any more: its outcome is unknown.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_unknown_outcome_is_counted_exactly() {
    let Some(db) = Database::create(Kind::Postgres).await else { return };
    let wire = Wire::start(db.address()).await;
    let options = ReplicaOptions {
        database_url: Some(wire.url(db.url())),
        connections: 1,
        // Long enough to find out, on a busy machine too, what can be found out.
        request_timeout: Duration::from_secs(10),
        // And for PostgreSQL to begin what is cut afterwards.
        fence: Some(Duration::from_secs(2)),
        ..ReplicaOptions::default()
    };
    let mut ledger = Ledger::open(db, options).await;
    let api = ledger.api.clone();
    let room = api.one_room().await;
    let path = format!("/v1/rooms/{room}/bookings");
    ledger
        .check(
            "the stage",
            &[
                "outcomes edit_hotel first_attempt 1",
                "attempts edit_hotel 1",
                "outcomes edit_room first_attempt 1",
                "attempts edit_room 1",
            ],
        )
        .await;

    wire.cut(Cut::AfterCommit(1));
    wire.refuse();
    let lost = api.post_keyed(&path, &stay_body(0, 1), "k").await.expect(504);
    assert_eq!(
        (lost.code().as_str(), lost.json()["retryable"].clone()),
        ("outcome_unknown", json!(true))
    );
    ledger.check("an unknown outcome", &["outcomes book unknown 1", "attempts book 1"]).await;
    wire.accept();
    // The same key says what became of it.
    let known = eventually("the database is back", PATIENCE, || async {
        let answer = api.post_keyed(&path, &stay_body(0, 1), "k").await;
        // The first one's work may go on for a moment after its deadline.
        (answer.status == 201 || answer.json()["retryable"] != true).then_some(answer)
    })
    .await
    .expect(201);
    assert_eq!(known.header("idempotency-replayed"), Some("true"));

    // With time to ask, the service finds out itself.
    ledger.before = Scrape::get(&ledger.replica.url()).await;
    wire.cut(Cut::AfterCommit(1));
    api.post_keyed(&path, &stay_body(1, 2), "l").await.expect(201);
    ledger
        .check(
            "an outcome that was found out",
            &["outcomes book first_attempt 1", "attempts book 1", "keys new 1"],
        )
        .await;
    wire.cut(Cut::BeforeCommit(1));
    api.book(&room, 2, 3).await.expect(201);
    ledger
        .check(
            "a COMMIT that never arrived",
            &[
                "retries book 1",
                "backoff book 0.1",
                "outcomes book after_retry 1",
                "attempts book 2",
            ],
        )
        .await;
    ledger.db.assert_audit_is_clean().await;
}
