//! A guest in the house changes rooms: the nights slept stay, the others move.

use chrono::NaiveDate;
use serde_json::{Value, json};
use vacancy_testkit::database::{Database, Kind};
use vacancy_testkit::http::Answer;
use vacancy_testkit::on_both_databases;
use vacancy_testkit::replica::{Replica, ReplicaOptions};
use vacancy_testkit::scrape::{Scrape, difference};

use crate::crowd::{at_once, clients, events, kinds, replicas, tally, urls};
use crate::day_ends::{early_morning, hotel, stay};
use crate::rival::Rival;
use crate::support::{Api, id_of};

/// A hotel with a single room of 100.00 EUR and a suite of 200.00 EUR; it is early in the morning.
struct House {
    db: Database,
    api: Api,
    hotel: String,
    single: String,
    suite: String,
    today: NaiveDate,
}

impl House {
    async fn open(db: &Database, api: Api) -> Self {
        let (zone, today) = early_morning();
        let hotel = hotel(&api, &zone, "00:00").await;
        let (single, suite) = (api.room(&hotel, "single").await, api.room(&hotel, "suite").await);
        let rate = json!({ "nightly_rate": { "amount": 20_000 } });
        api.patch(&format!("/v1/rooms/{suite}"), "*", &rate).await.expect(200);
        Self { db: db.clone(), api, hotel, single, suite, today }
    }

    /// The day that is so many after today, or before.
    fn day(&self, ahead: i64) -> NaiveDate {
        self.today + chrono::TimeDelta::days(ahead)
    }

    async fn book(&self, room: &str, from: i64, to: i64) -> Answer {
        let body = stay(self.day(from), self.day(to));
        self.api.post(&format!("/v1/rooms/{room}/bookings"), &body).await
    }

    /// A guest who arrived yesterday and leaves in `nights` days.
    async fn guest(&self, room: &str, nights: i64) -> String {
        let booking = id_of(&self.book(room, 0, nights + 1).await.expect(201));
        a_day_passes(&self.db, &booking).await;
        booking
    }

    async fn booking(&self, id: &str) -> Value {
        self.api.get(&format!("/v1/bookings/{id}")).await.expect(200).json()
    }

    async fn change_rooms(&self, booking: &str, room: &str) -> Answer {
        let body = json!({ "room_id": room });
        self.api.patch(&format!("/v1/bookings/{booking}"), "*", &body).await
    }

    async fn bookings(&self) -> i64 {
        self.db.count("SELECT COUNT(*) FROM bookings").await
    }

    /// Whether a room's nights from day to day are free, each.
    async fn free(&self, room: &str, from: i64, to: i64) -> Vec<Value> {
        let path =
            format!("/v1/rooms/{room}/availability?from={}&to={}", self.day(from), self.day(to));
        let free = self.api.get(&path).await.expect(200).json();
        free["free"].as_array().expect("ranges").clone()
    }
}

/// Lets a day pass for one booking, by moving its nights back.
async fn a_day_passes(db: &Database, booking: &str) {
    let id = db.kind().uuid(booking);
    let (check_in, check_out) = match db.kind() {
        Kind::Sqlite => ("date(check_in, '-1 day')", "date(check_out, '-1 day')"),
        Kind::Postgres => ("check_in - 1", "check_out - 1"),
    };
    db.sql(&format!(
        "UPDATE bookings SET check_in = {check_in}, check_out = {check_out} WHERE id = {id}"
    ))
    .await;
}

#[track_caller]
fn check_stay(booking: &Value, room: &str, from: NaiveDate, to: NaiveDate, amount: i64) {
    assert_eq!(booking["room_id"], *room, "{booking}");
    assert_eq!(
        (&booking["check_in"], &booking["check_out"]),
        (&json!(from), &json!(to)),
        "{booking}"
    );
    assert_eq!(booking["total"]["amount"], amount, "{booking}");
    assert_eq!(booking["status"], "confirmed", "{booking}");
}

fn text<'a>(booking: &'a Value, field: &str) -> &'a str {
    booking[field].as_str().expect("it is there")
}

on_both_databases! {
    async fn the_nights_slept_stay_sold_and_the_others_move(db: Database) {
        let replica = Replica::start(&db).await;
        let house = House::open(&db, Api::new(replica.url())).await;
        let id = house.guest(&house.single, 3).await;
        let before = house.booking(&id).await;
        check_stay(&before, &house.single, house.day(-1), house.day(3), 40_000);

        let answer = house.change_rooms(&id, &house.suite).await.expect(200);
        assert_eq!((answer.header("etag"), answer.header("location")), (Some("\"2\""), None));
        let moved = answer.json();
        assert_eq!(moved["id"], *id, "what is confirmed, changed and cancelled is the stay as before");
        check_stay(&moved, &house.suite, house.day(0), house.day(3), 60_000);
        let slept = house.booking(text(&moved, "continues")).await;
        check_stay(&slept, &house.single, house.day(-1), house.day(0), 10_000);
        assert_eq!((&slept["continued_by"], &slept["version"]), (&json!(id), &json!(1)));
        assert_eq!((&slept["guest"], &slept["guests"]), (&before["guest"], &before["guests"]));
        let mut shown = moved.clone();
        shown.as_object_mut().expect("an object").remove("attempts");
        assert_eq!(house.booking(&id).await, shown);

        // The nights that were freed can be had, those that were taken cannot.
        assert_eq!(house.free(&house.single, 0, 3).await.len(), 1);
        assert_eq!(house.free(&house.suite, 0, 3).await, Vec::<Value>::new());
        let taken = house.book(&house.suite, 0, 1).await.expect(409);
        assert_eq!(taken.code(), "room_unavailable");
        let next = id_of(&house.book(&house.single, 0, 3).await.expect(201));
        let single = house.api.room_now(&house.single).await;
        let suite = house.api.room_now(&house.suite).await;
        assert_eq!((&single["times_booked"], &suite["times_booked"]), (&json!(2), &json!(1)));

        // Both rooms tell it, each version once.
        let told = events(&house.api, &house.single).await;
        assert_eq!(kinds(&told), ["room_created", "booked", "moved_out", "stayed", "booked"]);
        assert_eq!((&told[2]["booking_id"], &told[3]["booking_id"]), (&moved["id"], &slept["id"]));
        assert_eq!(told[3]["version"], slept["room_version"]);
        for event in &told[2..4] {
            assert_eq!(event["data"]["other_room_id"], *house.suite);
        }
        assert_eq!(told[2]["data"]["request_id"], told[3]["data"]["request_id"]);
        let told = events(&house.api, &house.suite).await;
        assert_eq!(kinds(&told), ["room_created", "room_edited", "moved_in"]);
        assert_eq!(told[2]["data"]["check_in"], json!(house.day(0)));

        // The guest leaves early: what was slept is sold all the same.
        house.api.command(&id, "cancel").await.expect(200);
        assert_eq!(house.booking(text(&slept, "id")).await, slept);
        assert_eq!(house.free(&house.suite, 0, 3).await.len(), 1);
        assert_eq!(house.booking(&next).await["status"], "confirmed");
        db.assert_audit_is_clean().await;
    }

    async fn a_stay_may_change_rooms_again_and_keeps_its_id(db: Database) {
        let replica = Replica::start(&db).await;
        let house = House::open(&db, Api::new(replica.url())).await;
        let id = house.guest(&house.single, 3).await;
        let noted = json!({ "metadata": { "flight": "AZ 1471" } });
        house.api.patch(&format!("/v1/bookings/{id}"), "*", &noted).await.expect(200);
        let first = house.change_rooms(&id, &house.suite).await.expect(200).json();
        // On the same day the whole of what is left moves back.
        let back = house.change_rooms(&id, &house.single).await.expect(200).json();
        check_stay(&back, &house.single, house.day(0), house.day(3), 30_000);
        assert_eq!(back["continues"], first["continues"]);
        // And the day after it goes on elsewhere, at the rate agreed, for a night more.
        let slept = text(&first, "continues").to_owned();
        a_day_passes(&db, &slept).await;
        a_day_passes(&db, &id).await;
        let body = json!({ "room_id": house.suite, "check_out": house.day(3), "reprice": false });
        let again = house.api.patch(&format!("/v1/bookings/{id}"), "*", &body).await.expect(200);
        let again = again.json();
        check_stay(&again, &house.suite, house.day(0), house.day(3), 30_000);
        let between = house.booking(text(&again, "continues")).await;
        check_stay(&between, &house.single, house.day(-1), house.day(0), 10_000);
        assert_eq!((&between["continues"], &between["continued_by"]), (&json!(slept), &json!(id)));
        assert_eq!(house.booking(&slept).await["continued_by"], *id);
        assert_eq!(house.bookings().await, 3);

        // Nights slept move no more, and neither do they grow. A name may be put right.
        let path = format!("/v1/bookings/{slept}");
        for patch in [
            json!({ "room_id": house.suite }),
            json!({ "check_out": house.day(0) }),
            json!({ "check_in": house.day(0), "check_out": house.day(1) }),
        ] {
            let refused = house.api.patch(&path, "*", &patch).await.expect(409);
            assert_eq!(refused.code(), "invalid_transition", "{patch}");
        }
        let renamed = json!({ "guest": { "name": "Grace Hopper" }, "continued_by": id.to_uppercase() });
        house.api.patch(&path, "*", &renamed).await.expect(200);
        for linked in ["continues", "continued_by"] {
            let other = json!({ linked: house.hotel });
            let refused = house.api.patch(&path, "*", &other).await.expect(422).json();
            assert_eq!(refused["errors"][0]["pointer"], format!("/{linked}"));
        }

        // Who asks to be forgotten is forgotten in every room.
        let legs = [&id, &slept, &text(&between, "id").to_owned()];
        for leg in legs {
            assert_eq!(house.booking(leg).await["metadata"], noted["metadata"]);
        }
        house.api.command(&id, "erase").await.expect(200);
        for leg in legs {
            let leg = house.booking(leg).await;
            assert_eq!(leg["guest"], json!({ "name": "erased" }));
            assert_eq!(leg.get("metadata"), None);
        }
        house.api.command(&slept, "erase").await.expect(200);
        db.assert_audit_is_clean().await;
    }

    async fn it_happens_once_and_only_to_the_version_that_was_seen(db: Database) {
        let replica = Replica::start(&db).await;
        let house = House::open(&db, Api::new(replica.url())).await;
        let api = &house.api;
        let id = house.guest(&house.single, 3).await;
        let path = format!("/v1/bookings/{id}");
        let body = json!({ "room_id": house.suite });
        let patch = |path: &str| api.client.patch(api.path(path)).json(body.clone());
        assert_eq!(patch(&path).send().await.expect(428).code(), "precondition_required");
        api.patch(&path, "\"9\"", &body).await.expect(412);
        patch(&format!("{path}?version=9")).send().await.expect(409);
        assert_eq!(house.bookings().await, 1, "a refusal leaves nothing behind");

        let before = Scrape::get(&replica.url()).await;
        let keyed = || {
            let request = patch(&format!("{path}?version=1"));
            request.header("Idempotency-Key", "change").header("Prefer", "return=minimal").send()
        };
        let done = keyed().await.expect(204);
        assert_eq!((done.header("etag"), done.body.len()), (Some("\"2\""), 0));
        // The rest is moved on meanwhile; what was answered is answered again.
        let later = api.patch(&path, "*", &json!({ "check_out": house.day(2) })).await.expect(200);
        for _ in 0..2 {
            let again = keyed().await.expect(204);
            assert_eq!(again.header("idempotency-replayed"), Some("true"));
            assert_eq!(again.header("etag"), Some("\"2\""));
        }
        let full = patch(&format!("{path}?version=1")).header("Idempotency-Key", "change").send();
        let full = full.await.expect(200).json();
        check_stay(&full, &house.suite, house.day(0), house.day(3), 60_000);
        assert_eq!(full["continues"], later.json()["continues"]);
        let other = api.client.patch(api.path(&format!("{path}?version=1"))).json(json!({}));
        other.header("Idempotency-Key", "change").send().await.expect(422);
        assert_eq!(house.bookings().await, 2);
        // Both, the change of rooms and that of nights, count as moves.
        let moved = difference(&before, &Scrape::get(&replica.url()).await);
        let counted = |outcome| {
            moved.count("booking_write_outcomes_total", &[("operation", "move"), ("outcome", outcome)])
        };
        assert_eq!((counted("first_attempt"), counted("refused")), (2, 0));
    }

    /// A channel finds the stay that goes on, however often its guest has changed rooms.
    async fn the_reference_names_the_stay_that_goes_on(db: Database) {
        let replica = Replica::start(&db).await;
        let house = House::open(&db, Api::new(replica.url())).await;
        let mut body = stay(house.day(0), house.day(3));
        (body["source"], body["reference"]) = ("channel".into(), "R-1".into());
        let path = format!("/v1/rooms/{}/bookings", house.single);
        let id = id_of(&house.api.post(&path, &body).await.expect(201));
        a_day_passes(&db, &id).await;
        let moved = house.change_rooms(&id, &house.suite).await.expect(200).json();
        let slept = house.booking(text(&moved, "continues")).await;
        assert_eq!((&slept["source"], slept.get("reference")), (&json!("channel"), None));
        let again = house.api.post(&path, &body).await.expect(409).json();
        assert_eq!((&again["code"], &again["booking_id"]), (&json!("reference_taken"), &json!(id)));
        let list = format!("/v1/bookings?hotel_id={}&source=channel", house.hotel);
        let found = |list: String| {
            let api = house.api.clone();
            async move { api.get(&list).await.expect(200).json()["items"].clone() }
        };
        let both = found(list.clone()).await;
        assert_eq!((&both[0]["id"], &both[1]["id"]), (&slept["id"], &json!(id)), "by check-in");
        let named = found(format!("{list}&reference=R-1")).await;
        assert_eq!((named.as_array().map(Vec::len), &named[0]["id"]), (Some(1), &json!(id)));
    }

    /// Others write to either room between the decision and the commit.
    async fn a_lost_race_is_decided_again_and_leaves_one_record(db: Database) {
        let rival = Rival::on(&db);
        let options = ReplicaOptions { failpoint: rival.failpoint(), ..ReplicaOptions::default() };
        let replica = Replica::start_with(&db, options).await;
        let house = House::open(&db, Api::new(replica.url())).await;
        let id = house.guest(&house.single, 3).await;
        let path = format!("/v1/bookings/{id}");
        // A name put right by another desk: what this one looked at is gone.
        rival.interfere(1, &rival.booking_write(&house.single, &id));
        let body = json!({ "room_id": house.suite });
        let stale = house.api.patch(&path, "\"1\"", &body).await.expect(412).json();
        assert_eq!(stale["current_version"], 2);
        assert_eq!(house.bookings().await, 1);
        // The rooms alone: decided again, whichever of the two it is.
        rival.interfere(1, &rival.room_write(&house.single));
        rival.interfere(1, &rival.room_write(&house.suite));
        let moved = house.api.patch(&path, "\"2\"", &body).await.expect(200).json();
        assert_eq!((&moved["attempts"], &moved["version"]), (&json!(3), &json!(3)));
        assert_eq!(house.bookings().await, 2);
        check_stay(&house.booking(text(&moved, "continues")).await, &house.single, house.day(-1), house.day(0), 10_000);
        // It is too late: the room was closed meanwhile.
        let other = house.api.room(&house.hotel, "other").await;
        a_day_passes(&db, text(&moved, "continues")).await;
        a_day_passes(&db, &id).await;
        rival.interfere(1, &rival.room_closure(&other));
        let closed = house.change_rooms(&id, &other).await.expect(409);
        assert_eq!(closed.code(), "room_closed");
        assert_eq!(house.bookings().await, 2);
        db.assert_audit_is_clean().await;
    }

    /// Guests of six rooms want the same seventh, over every replica; others want the nights they leave.
    async fn one_of_many_guests_gets_the_room(db: Database) {
        let replicas = replicas(&db).await;
        let clients = clients(&urls(&replicas), 12).await;
        let house = House::open(&db, clients[0].clone()).await;
        let mut guests = Vec::new();
        for number in 0..6 {
            let room = house.api.room(&house.hotel, &number.to_string()).await;
            guests.push((house.guest(&room, 3).await, room));
        }
        let (to, suite) = (stay(house.day(0), house.day(3)), json!({ "room_id": house.suite }));
        let requests = clients.iter().cloned().enumerate().map(|(place, api)| {
            let (booking, room) = guests[place / 2].clone();
            let (to, suite) = (to.clone(), suite.clone());
            async move {
                if place % 2 == 0 {
                    return api.patch(&format!("/v1/bookings/{booking}"), "\"1\"", &suite).await;
                }
                api.post(&format!("/v1/rooms/{room}/bookings"), &to).await
            }
        });
        let answers = at_once(requests).await;
        let (changes, bookings): (Vec<_>, Vec<_>) =
            answers.into_iter().enumerate().partition(|(place, _)| place % 2 == 0);
        let plain = |answers: Vec<(usize, Answer)>| -> Vec<Answer> {
            answers.into_iter().map(|(_, answer)| answer).collect()
        };
        let (changes, bookings) = (plain(changes), plain(bookings));
        assert_eq!(tally(&changes, 200, ""), 1, "{changes:?}");
        assert_eq!(tally(&changes, 409, "room_unavailable"), 5, "{changes:?}");
        // Who asked for the room that became free may have been early.
        assert!(tally(&bookings, 201, "") <= 1, "{bookings:?}");
        assert_eq!(tally(&bookings, 201, "") + tally(&bookings, 409, "room_unavailable"), 6);
        let winner = changes.iter().find(|answer| answer.status == 200).expect("counted").json();
        let slept = house.booking(text(&winner, "continues")).await;
        assert_eq!(slept["continued_by"], winner["id"]);
        let records = "SELECT COUNT(*) FROM bookings WHERE continued_by IS NOT NULL";
        assert_eq!(db.count(records).await, 1);
        db.assert_audit_is_clean().await;
    }

    async fn only_nights_that_are_left_move_and_only_where_they_are_free(db: Database) {
        let replica = Replica::start(&db).await;
        let house = House::open(&db, Api::new(replica.url())).await;
        let api = &house.api;
        // Another guest sleeps in the suite until tomorrow.
        let neighbour = house.guest(&house.suite, 1).await;
        let id = house.guest(&house.single, 3).await;
        let third = api.room(&house.hotel, "third").await;
        let refused = house.change_rooms(&id, &house.suite).await.expect(409).json();
        let conflicts = json!([{ "check_in": house.day(-1), "check_out": house.day(1) }]);
        assert_eq!(refused["conflicts"], conflicts);
        assert_eq!(refused["alternatives"], json!([third]));
        // Who left today is in no one's way, though that night was slept there.
        let leaving = json!({ "check_out": house.day(0) });
        api.patch(&format!("/v1/bookings/{neighbour}"), "*", &leaving).await.expect(200);
        house.change_rooms(&id, &house.suite).await.expect(200);

        // The guest whose stay is over moves nowhere, and who stays on does.
        let refused = house.change_rooms(&neighbour, &third).await.expect(422).json();
        assert_eq!(refused["errors"][0]["pointer"], "/room_id");
        let on = json!({ "room_id": third, "check_out": house.day(2) });
        let on = api.patch(&format!("/v1/bookings/{neighbour}"), "*", &on).await.expect(200).json();
        check_stay(&on, &third, house.day(0), house.day(2), 20_000);

        // A hold is no stay: it moves whole, or not at all.
        let mut body = stay(house.day(0), house.day(2));
        body["hold_seconds"] = 600.into();
        let (fourth, fifth) =
            (api.room(&house.hotel, "fourth").await, api.room(&house.hotel, "fifth").await);
        let path = format!("/v1/rooms/{fifth}/bookings");
        let held = id_of(&api.post(&path, &body).await.expect(201));
        a_day_passes(&db, &held).await;
        let moved = house.change_rooms(&held, &fourth).await.expect(200).json();
        assert_eq!((&moved["check_in"], moved.get("continues")), (&json!(house.day(-1)), None));

        // What refuses every move refuses this one.
        let last = house.guest(&fifth, 2).await;
        let small = json!({ "number": "small", "kind": "single", "capacity": 1 });
        let small = id_of(&api.post(&format!("/v1/hotels/{}/rooms", house.hotel), &small).await.expect(201));
        let elsewhere = api.one_room().await;
        for (room, pointer) in [(&small, "/guests"), (&elsewhere, "/room_id")] {
            let refused = house.change_rooms(&last, room).await.expect(422).json();
            assert_eq!(refused["errors"][0]["pointer"], pointer);
        }
        assert_eq!(house.booking(&last).await["version"], 1);
        db.assert_audit_is_clean().await;
    }
}
