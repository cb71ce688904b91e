//! Channels find their reservations again: a source and a reference name one booking of a hotel.

use serde_json::{Value, json};
use std::time::Instant;

use vacancy::config::RetryPolicy;
use vacancy_testkit::PATIENCE;
use vacancy_testkit::database::{Database, Kind};
use vacancy_testkit::http::Answer;
use vacancy_testkit::on_both_databases;
use vacancy_testkit::replica::{Replica, ReplicaOptions};

use crate::auth::world::World;
use crate::crowd::{at_once, clients, counted, events, kinds, replicas, tally, until_told, urls};
use crate::lanes::Line;
use crate::rival::Rival;
use crate::support::{Api, day, id_of, stay_body};

/// A stay from `day(from)` to `day(to)` with a reference of a channel.
fn sent(from: u64, to: u64, reference: &str) -> Value {
    let mut body = stay_body(from, to);
    body["source"] = "channel.example".into();
    body["reference"] = reference.into();
    body
}

fn room_path(room: &str) -> String {
    format!("/v1/rooms/{room}/bookings")
}

/// The answer says that `booking` has the reference.
#[track_caller]
fn assert_taken(answer: Answer, booking: &str) {
    let problem = answer.expect(409).json();
    assert_eq!(problem["code"], "reference_taken", "{problem}");
    assert_eq!((&problem["booking_id"], &problem["retryable"]), (&booking.into(), &false.into()));
}

on_both_databases! {
    async fn a_reservation_that_is_sent_again_finds_the_first(db: Database) {
        let replica = Replica::start(&db).await;
        let api = Api::new(replica.url());
        let hotel = api.hotel().await;
        let (room, other) = (api.room(&hotel, "101").await, api.room(&hotel, "102").await);
        let first = api.post(&room_path(&room), &sent(0, 2, "R1")).await.expect(201);
        let id = id_of(&first);
        assert_eq!((&first.json()["source"], &first.json()["reference"]), (&"channel.example".into(), &"R1".into()));
        let anywhere = format!("/v1/hotels/{hotel}/bookings");
        let mut hold = sent(5, 6, "R1");
        hold["hold_seconds"] = 60.into();
        let mut party = sent(5, 6, "R1");
        party["guests"] = 3.into();
        for (what, path, body) in [
            ("the same again", room_path(&room), sent(0, 2, "R1")),
            ("other nights", room_path(&room), sent(5, 6, "R1")),
            ("another room", room_path(&other), sent(0, 2, "R1")),
            ("a hold", room_path(&other), hold.clone()),
            ("what was a good day once", room_path(&room), { let mut body = sent(0, 2, "R1"); body["check_in"] = "2020-01-01".into(); body["check_out"] = "2020-01-02".into(); body }),
            ("a larger party", room_path(&room), party),
            ("any room", anywhere.clone(), sent(5, 6, "R1")),
            ("any room, in the past", anywhere.clone(), { let mut body = sent(0, 2, "R1"); body["check_in"] = "2020-01-01".into(); body["check_out"] = "2020-01-02".into(); body }),
        ] {
            eprintln!("{what}");
            assert_taken(api.post(&path, &body).await, &id);
        }
        // Nor when nothing is free.
        api.book(&other, 0, 2).await.expect(201);
        assert_taken(api.post(&anywhere, &sent(0, 2, "R1")).await, &id);
        let closed = json!({ "status": "closed" });
        api.patch(&format!("/v1/rooms/{room}"), "*", &closed).await.expect(200);
        assert_taken(api.post(&room_path(&room), &sent(0, 2, "R1")).await, &id);
        api.patch(&format!("/v1/rooms/{room}"), "*", &json!({ "status": "open" })).await.expect(200);
        // A refusal of a request with a reference of its own says what it always said.
        let refused = api.post(&room_path(&room), &sent(0, 2, "R2")).await.expect(409);
        assert_eq!(refused.code(), "room_unavailable");
        assert!(refused.json().get("alternatives").is_some(), "{refused:?}");
        assert_eq!(api.post(&anywhere, &sent(0, 2, "R2")).await.expect(409).code(), "no_room_available");
        // The list finds it, and what was refused wrote nothing.
        let found = api.get("/v1/bookings?source=channel.example&reference=R1").await.expect(200).json();
        assert_eq!(found["items"].as_array().map(Vec::len), Some(1));
        assert_eq!(found["items"][0]["id"], id.as_str());
        assert_eq!(db.count("SELECT COUNT(*) FROM bookings").await, 2);
        let refused = [("code", "reference_taken")];
        assert_eq!(counted(&[replica.url()], "booking_refusals_total", &refused).await, 10);
        assert_eq!(counted(&[replica.url()], "booking_lock_conflicts_total", &[]).await, 0);
        api.get("/problems/reference_taken").await.expect(200);
    }

    async fn a_reference_is_one_within_its_hotel_and_its_source(db: Database) {
        let replica = Replica::start(&db).await;
        let api = Api::new(replica.url());
        let hotel = api.hotel().await;
        let (room, elsewhere) = (api.room(&hotel, "101").await, api.one_room().await);
        let first = id_of(&api.post(&room_path(&room), &sent(0, 1, "Caf\u{e9}  1")).await.expect(201));
        // Composed otherwise, with other blanks: people read the same.
        assert_taken(api.post(&room_path(&room), &sent(1, 2, " Cafe\u{301} 1")).await, &first);
        let query = "/v1/bookings?reference=Cafe%CC%81%20%201";
        assert_eq!(api.get(query).await.expect(200).json()["items"][0]["id"], first.as_str());
        // Another case, source or hotel: another name. So is that of no source, which is one as well.
        api.post(&room_path(&room), &sent(1, 2, "caf\u{e9} 1")).await.expect(201);
        api.post(&room_path(&elsewhere), &sent(1, 2, "Caf\u{e9} 1")).await.expect(201);
        let mut body = sent(2, 3, "Caf\u{e9} 1");
        body["source"] = "other".into();
        api.post(&room_path(&room), &body).await.expect(201);
        let mut body = sent(3, 4, "Caf\u{e9} 1");
        body["source"] = Value::Null;
        let unnamed = id_of(&api.post(&room_path(&room), &body).await.expect(201));
        body["check_in"] = day(4).into();
        body["check_out"] = day(5).into();
        assert_taken(api.post(&room_path(&room), &body).await, &unnamed);
        // A source alone names nothing.
        for night in 6..8 {
            let mut body = stay_body(night, night + 1);
            body["source"] = "channel.example".into();
            let booked = api.post(&room_path(&room), &body).await.expect(201).json();
            assert_eq!((booked.get("source").is_some(), booked.get("reference")), (true, None));
        }
        for (field, value) in [
            ("source", json!("")), ("source", json!("Booking")), ("source", json!("a".repeat(41))),
            ("source", json!(7)), ("reference", json!("")), ("reference", json!(" ")),
            ("reference", json!("1\u{200b}")), ("reference", json!("1\n2")),
            ("reference", json!("x".repeat(101))), ("reference", json!("a\u{0}")),
        ] {
            let mut body = sent(8, 9, "new");
            body[field] = value.clone();
            let problem = api.post(&room_path(&room), &body).await.expect(422).json();
            let pointers = problem["errors"].as_array().map(|all| all.iter().map(|it| it["pointer"].clone()).collect::<Vec<_>>());
            assert_eq!(pointers, Some(vec![format!("/{field}").into()]), "{value}");
        }
        for query in ["source=A", "source=", "reference=", "reference=%00", "reference=a%E2%80%8Bb", "source=a&source=a"] {
            assert_eq!(api.get(&format!("/v1/bookings?{query}")).await.expect(400).code(), "invalid_request");
            assert_eq!(api.get(&format!("{}?{query}", room_path(&room))).await.expect(400).code(), "invalid_request");
        }
    }

    /// A cancelled reservation stays the channel's; a hold that has run out was never one.
    async fn a_cancelled_booking_keeps_its_reference_and_an_expired_one_does_not(db: Database) {
        let replica = Replica::start(&db).await;
        let api = Api::new(replica.url());
        let hotel = api.hotel().await;
        let (room, other) = (api.room(&hotel, "101").await, api.room(&hotel, "102").await);
        let cancelled = id_of(&api.post(&room_path(&room), &sent(0, 1, "C")).await.expect(201));
        api.command(&cancelled, "cancel").await.expect(200);
        assert_taken(api.post(&room_path(&room), &sent(0, 1, "C")).await, &cancelled);
        assert_taken(api.post(&room_path(&other), &sent(0, 1, "C")).await, &cancelled);

        let anywhere = format!("/v1/hotels/{hotel}/bookings");
        for (round, (reference, path)) in
            [("same nights", room_path(&room)), ("another room", room_path(&other)), ("any room", anywhere)].iter().enumerate()
        {
            let mut hold = sent(2, 3, reference);
            hold["hold_seconds"] = 600.into();
            let held = id_of(&api.post(&room_path(&room), &hold).await.expect(201));
            assert_taken(api.post(path, &sent(2, 3, reference)).await, &held);
            db.let_holds_lapse().await;
            // It was not recorded yet, wherever it is.
            let again = api.post(path, &sent(2, 3, reference)).await.expect(201).json();
            assert_eq!((&again["reference"], &again["attempts"]), (&(*reference).into(), &1.into()));
            let before = api.get(&format!("/v1/bookings/{held}")).await.expect(200).json();
            assert_eq!((&before["status"], &before["reference"]), (&"expired".into(), &(*reference).into()));
            let found = api.get(&format!("/v1/bookings?reference={}", reference.replace(' ', "%20"))).await;
            assert_eq!(found.expect(200).json()["items"].as_array().map(Vec::len), Some(2), "both");
            let again = again["id"].as_str().expect("an id");
            api.command(again, "cancel").await.expect(200);
            assert_eq!(kinds(&events(&api, &room).await).iter().filter(|it| **it == "expired").count(), round + 1);
        }
    }

    async fn an_edit_sets_changes_and_removes_a_reference(db: Database) {
        let replica = Replica::start(&db).await;
        let api = Api::new(replica.url());
        let hotel = api.hotel().await;
        let (room, other) = (api.room(&hotel, "101").await, api.room(&hotel, "102").await);
        let first = id_of(&api.post(&room_path(&room), &sent(0, 1, "R1")).await.expect(201));
        let second = id_of(&api.book(&room, 1, 2).await.expect(201));
        let path = format!("/v1/bookings/{second}");
        let set = json!({ "source": "channel.example", "reference": " R2 " });
        let edited = api.patch(&path, "\"1\"", &set).await.expect(200).json();
        assert_eq!((&edited["reference"], &edited["version"]), (&"R2".into(), &2.into()));
        assert_eq!(kinds(&events(&api, &room).await).last(), Some(&"booking_edited"));
        // The same again changes nothing, and one that another has is refused, also with a move.
        assert_eq!(api.patch(&path, "*", &set).await.expect(200).json()["version"], 2);
        assert_taken(api.patch(&path, "*", &json!({ "reference": "R1" })).await, &first);
        assert_taken(api.patch(&path, "\"2\"", &json!({ "reference": "R1", "room_id": other })).await, &first);
        assert_eq!(api.patch(&path, "\"1\"", &json!({ "reference": "R1" })).await.expect(412).code(), "precondition_failed");
        // Without a source it is another name, and with it again not.
        assert_eq!(api.patch(&path, "*", &json!({ "source": null, "reference": "R1" })).await.expect(200).json().get("source"), None);
        assert_taken(api.patch(&path, "*", &json!({ "source": "channel.example" })).await, &first);
        // A move takes it along.
        let moved = api.patch(&path, "*", &json!({ "room_id": other })).await.expect(200).json();
        assert_eq!(moved["reference"], "R1");
        assert_eq!(api.patch(&path, "*", &json!({ "reference": null })).await.expect(200).json().get("reference"), None);
        for (field, bad) in [("source", "A"), ("reference", "")] {
            let problem = api.patch(&path, "*", &json!({ field: bad })).await.expect(422).json();
            assert_eq!(problem["errors"][0]["pointer"], format!("/{field}"));
        }
        // What is given up goes to the next.
        api.patch(&format!("/v1/bookings/{first}"), "*", &json!({ "reference": "R3" })).await.expect(200);
        api.patch(&path, "*", &json!({ "source": "channel.example", "reference": "R1" })).await.expect(200);
        api.command(&second, "cancel").await.expect(200);
        assert_eq!(api.patch(&path, "*", &json!({ "reference": null })).await.expect(409).code(), "invalid_transition");
        // GET, change, PATCH with everything that was read.
        let mut whole = api.get(&format!("/v1/bookings/{first}")).await.expect(200).json();
        whole["guests"] = 1.into();
        assert_eq!(api.patch(&format!("/v1/bookings/{first}"), "*", &whole).await.expect(200).json()["reference"], "R3");
    }

    async fn erasing_drops_the_reference_and_gives_it_up(db: Database) {
        let replica = Replica::start(&db).await;
        let api = Api::new(replica.url());
        let room = api.one_room().await;
        for (night, cancel) in [(0, false), (1, true)] {
            let reference = format!("Lovelace {night}");
            let first = id_of(&api.post_keyed(&room_path(&room), &sent(night, night + 1, &reference), &reference.replace(' ', "-")).await.expect(201));
            if cancel {
                api.command(&first, "cancel").await.expect(200);
            }
            let erased = api.command(&first, "erase").await.expect(200).json();
            assert_eq!((erased.get("reference"), &erased["source"]), (None, &"channel.example".into()));
            api.post(&room_path(&room), &sent(10 + night, 11 + night, &reference)).await.expect(201);
            let rows = format!("SELECT COUNT(*) FROM bookings WHERE reference = '{reference}'");
            assert_eq!(db.count(&rows).await, 1);
        }
        let kept = "SELECT COUNT(*) FROM idempotency_keys WHERE body LIKE '%Lovelace%'";
        assert_eq!(db.count(kept).await, 0);
    }

    /// That the reference is taken must be said; by which booking, only to those who may see it.
    async fn another_principals_booking_is_not_named(db: Database) {
        let world = World::on(&db).await;
        let path = room_path(&world.rooms[0]);
        let first = id_of(&world.owner.post(&path, &sent(5, 6, "R1")).await.expect(201));
        assert_taken(world.owner.post(&path, &sent(5, 6, "R1")).await, &first);
        assert_taken(world.root.post(&path, &sent(7, 8, "R1")).await, &first);
        let stranger = json!({ "name": "other", "principal": "other", "scopes": ["book"] });
        let stranger = world.root.make(&stranger).await;
        for nights in [(5, 6), (7, 8)] {
            let problem = stranger.post(&path, &sent(nights.0, nights.1, "R1")).await.expect(409).json();
            assert_eq!((&problem["code"], problem.get("booking_id")), (&"reference_taken".into(), None));
        }
        let list = "/v1/bookings?source=channel.example&reference=R1";
        assert_eq!(stranger.get(list).await.expect(200).json()["items"], json!([]));
        assert_eq!(world.owner.get(list).await.expect(200).json()["items"][0]["id"], first.as_str());
        let reader = json!({ "name": "reader", "scopes": ["read"] });
        world.root.make(&reader).await.get(list).await.expect(403);
    }
}

const CLIENTS: usize = 16;
const ROUNDS: u64 = 10;

on_both_databases! {
    /// Each client another room, so that nothing but the reference is in their way.
    async fn one_of_many_gets_the_reference_whatever_the_room(db: Database) {
        let replicas = replicas(&db).await;
        let urls = urls(&replicas);
        let clients = clients(&urls, CLIENTS).await;
        let hotel = clients[0].hotel().await;
        let mut rooms = Vec::new();
        for number in 0..CLIENTS {
            rooms.push(clients[0].room(&hotel, &number.to_string()).await);
        }
        let mut waits = 0;
        for round in 0..ROUNDS {
            let requests = clients.iter().cloned().zip(rooms.clone()).map(|(api, room)| async move {
                let began = Instant::now();
                let body = sent(round, round + 1, &format!("R{round}"));
                let answer = api.post(&room_path(&room), &body).await;
                (answer, began.elapsed().as_secs())
            });
            let (answers, seconds): (Vec<_>, Vec<_>) = at_once(requests).await.into_iter().unzip();
            waits += seconds.iter().sum::<u64>();
            assert_eq!(tally(&answers, 201, ""), 1, "round {round}: {answers:?}");
            assert_eq!(tally(&answers, 409, "reference_taken"), CLIENTS - 1, "{answers:?}");
            let winner = answers.iter().find(|answer| answer.status == 201).map(id_of);
            for answer in answers.iter().filter(|answer| answer.status == 409) {
                assert_eq!(answer.json()["booking_id"].as_str(), winner.as_deref());
            }
        }
        // A reference that is taken is no race. One that another process has not committed for a second,
        // on a busy disk, is.
        let conflicts = counted(&urls, "booking_lock_conflicts_total", &[]).await;
        let most = if replicas.len() > 1 { waits } else { 0 };
        assert!(conflicts <= most, "{conflicts} in {waits} s of waiting");
        assert_eq!(db.count("SELECT COUNT(*) FROM bookings").await, 10);
    }

    /// Each client the same room, other nights: within a batch or across replicas.
    async fn one_of_many_gets_the_reference_in_one_room(db: Database) {
        let replicas = replicas(&db).await;
        let urls = urls(&replicas);
        let clients = clients(&urls, 8).await;
        let room = clients[0].one_room().await;
        for round in 0..ROUNDS {
            let requests = clients.iter().cloned().zip(0..).map(|(api, place)| {
                let path = room_path(&room);
                let night = 8 * round + place;
                async move { api.post(&path, &sent(night, night + 1, &format!("R{round}"))).await }
            });
            let answers = at_once(requests).await;
            assert_eq!(tally(&answers, 201, ""), 1, "round {round}: {answers:?}");
            assert_eq!(tally(&answers, 409, "reference_taken"), 7, "{answers:?}");
        }
        assert_eq!(counted(&urls, "booking_overlap_guard_violations_total", &[]).await, 0);
    }

    /// What one member of a batch is refused is told to it alone.
    async fn two_of_one_batch_do_not_get_one_reference(db: Database) {
        let line = Line::start(&db, ReplicaOptions::default()).await;
        let room = line.api.one_room().await;
        let book = |body: &Value| line.api.client.post(line.api.path(&room_path(&room))).json(body);
        let mut requests: Vec<_> = (0..10).map(|night| book(&stay_body(night, night + 1))).collect();
        requests.insert(3, book(&sent(20, 21, "R1")));
        requests.insert(6, book(&sent(21, 22, "R1")));
        requests.insert(9, book(&sent(22, 23, "R1")).header("idempotency-key", "k"));
        requests.push(book(&sent(23, 24, "R2")));
        let answers = line.together(&room, requests).await;
        assert_eq!(tally(&answers, 409, "reference_taken"), 2, "{answers:?}");
        assert_eq!(tally(&answers, 201, ""), answers.len() - 2, "{answers:?}");
        assert_eq!(counted(&[line.replica.url()], "booking_lock_conflicts_total", &[]).await, 0);
    }

    /// Whether another process gets the reference is not known yet. The request that waits for that is
    /// alone in waiting, and not taken for one whose room is locked.
    async fn a_reference_in_other_hands_holds_up_its_own_request_alone(db: Database) {
        // The whole of SQLite is one writer's, so a reference is never another's alone.
        if db.kind() == Kind::Sqlite {
            return db.is_left_unsound("no tables were made");
        }
        // It waits a second at each attempt, and still does when the others are through, on a busy machine
        // too.
        let retry = RetryPolicy { attempts: 1_000, multiplier: 1, ..ReplicaOptions::default().retry };
        let options =
            ReplicaOptions { request_timeout: PATIENCE, retry, ..ReplicaOptions::default() };
        let line = Line::start(&db, options).await;
        let hotel = line.api.hotel().await;
        let (room, other) = (line.api.room(&hotel, "101").await, line.api.room(&hotel, "102").await);
        let earlier = id_of(&line.api.book(&other, 0, 1).await.expect(201));
        let write = format!("UPDATE bookings SET reference = 'R1', source = 'channel.example' WHERE id = '{earlier}'");
        let held = db.hold_write(&write).await;
        let book = |body: &Value| line.api.client.post(line.api.path(&room_path(&room))).json(body);
        let mut requests: Vec<_> = (0..6).map(|night| book(&stay_body(night, night + 1))).collect();
        requests.insert(2, book(&sent(20, 21, "R1")));
        let mut queued = line.queue(&room, requests).await;
        line.rival.let_go(1);
        let waiting = queued.remove(3);
        for (place, request) in queued.into_iter().enumerate() {
            let answer = request.await.expect("a client does not panic");
            assert_eq!(answer.status, 201, "{place} {answer:?}");
        }
        assert!(!waiting.is_finished());
        held.let_go().await;
        waiting.await.expect("a client does not panic").expect(201);
    }

    /// Copies of one request stay one request: what they lose to is their own first copy.
    async fn copies_under_one_key_hear_one_answer(db: Database) {
        let replicas = replicas(&db).await;
        let clients = clients(&urls(&replicas), CLIENTS).await;
        let hotel = clients[0].hotel().await;
        for number in 0..4 {
            clients[0].room(&hotel, &number.to_string()).await;
        }
        for round in 0..ROUNDS {
            let answers = at_once(clients.iter().cloned().map(|api| {
                let path = format!("/v1/hotels/{hotel}/bookings");
                let (body, key) = (sent(round, round + 1, &format!("R{round}")), format!("k{round}"));
                async move { until_told(|| api.post_keyed(&path, &body, &key)).await.0 }
            }))
            .await;
            assert_eq!(tally(&answers, 201, ""), CLIENTS, "round {round}: {answers:?}");
            let ids: std::collections::BTreeSet<_> = answers.iter().map(id_of).collect();
            assert_eq!(ids.len(), 1, "round {round}");
        }
    }

    /// Between the decision and the commit another writer takes the reference.
    async fn a_reference_taken_before_the_commit_is_refused(db: Database) {
        let rival = Rival::on(&db);
        let options = ReplicaOptions { failpoint: rival.failpoint(), ..ReplicaOptions::default() };
        let replica = Replica::start_with(&db, options).await;
        let api = Api::new(replica.url());
        let hotel = api.hotel().await;
        let (room, other) = (api.room(&hotel, "101").await, api.room(&hotel, "102").await);
        let first = id_of(&api.post(&room_path(&other), &sent(0, 1, "R0")).await.expect(201));
        let id = db.kind().uuid(&first);
        rival.interfere(1, &format!("UPDATE bookings SET reference = 'R1' WHERE id = {id}"));
        assert_taken(api.post(&room_path(&room), &sent(0, 1, "R1")).await, &first);
        assert_eq!(api.room_now(&room).await["version"], 1, "nothing was written");
        rival.interfere(1, &format!("UPDATE bookings SET reference = 'R2' WHERE id = {id}"));
        assert_taken(api.post_keyed(&room_path(&room), &sent(0, 1, "R2"), "k").await, &first);
        // A refusal leaves the key free.
        api.post_keyed(&room_path(&room), &sent(0, 1, "R3"), "k").await.expect(201);
    }
}
