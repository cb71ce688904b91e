//! What typed clients send back, and text as people see it.

use serde_json::{Value, json};
use vacancy_testkit::database::Database;
use vacancy_testkit::http::Answer;
use vacancy_testkit::on_both_databases;
use vacancy_testkit::replica::Replica;

use crate::support::{Api, day, id_of, stay_body};

/// How a client of some platform writes an instant that it was given with six digits and `Z`.
type Spelling = (&'static str, fn(&str) -> String);

const SPELLINGS: &[Spelling] = &[
    ("JavaScript, toISOString", |at| format!("{}Z", &at[..23])),
    ("Python, isoformat", |at| format!("{}+00:00", &at[..26])),
    ("Java, without zeros", |at| {
        let (clock, fraction) = at.trim_end_matches('Z').split_once('.').expect("six digits");
        let fraction = fraction.trim_end_matches('0');
        format!("{clock}{}{fraction}Z", if fraction.is_empty() { "" } else { "." })
    }),
    ("Go, RFC3339", |at| format!("{}Z", &at[..19])),
    (".NET, round trip", |at| format!("{}0+00:00", &at[..26])),
];

/// What a client of such a platform sends back of what it was given.
fn respelled(resource: &Value, spelling: fn(&str) -> String) -> Value {
    let mut body = resource.clone();
    for field in ["created_at", "updated_at", "hold_expires_at"] {
        if let Some(at) = resource[field].as_str() {
            body[field] = spelling(at).into();
        }
    }
    // Types of a time of day write its seconds.
    if let Some(time) = resource["day_ends"].as_str() {
        body["day_ends"] = format!("{time}:00").into();
    }
    for field in ["id", "hotel_id", "room_id"] {
        if let Some(id) = resource[field].as_str() {
            body[field] = id.to_uppercase().into();
        }
    }
    body
}

#[track_caller]
fn check_pointer(what: &str, answer: Answer, pointer: &str) {
    let problem = answer.expect(422).json();
    assert_eq!(problem["errors"][0]["pointer"], pointer, "{what}: {problem}");
}

on_both_databases! {
    /// GET, change one field, send it all back: with the types of five languages.
    async fn what_was_read_may_be_sent_back_however_it_is_spelt(db: Database) {
        let replica = Replica::start(&db).await;
        let api = Api::new(replica.url());
        let room = api.one_room().await;
        let held = api.hold(&room, 0, 2).await.expect(201).json();
        let room = api.room_now(&room).await;
        let hotel = format!("/v1/hotels/{}", room["hotel_id"].as_str().expect("an id"));
        let resources = [
            (hotel, "PUT", "name", json!("Lido")),
            (format!("/v1/rooms/{}", room["id"].as_str().expect("an id")), "PUT", "kind", json!("twin")),
            (format!("/v1/bookings/{}", held["id"].as_str().expect("an id")), "PATCH", "guests", json!(1)),
        ];
        for (path, method, field, value) in resources {
            for (who, spelling) in SPELLINGS {
                let seen = api.get(&path).await.expect(200);
                let mut body = respelled(&seen.json(), *spelling);
                body[field] = value.clone();
                // Some write every number as their only type of number.
                let body = body.to_string().replace(&format!("\"version\":{}", body["version"]),
                    &format!("\"version\":{}.0", body["version"]));
                let request = api.client.request(method.parse().expect("a method"), api.path(&path));
                let request = request.header("Content-Type", "application/json").body(body);
                let etag = seen.header("etag").expect("a tag");
                let answer = request.header("If-Match", etag).send().await;
                assert_eq!(answer.status, 200, "{who} {method} {path}: {answer:?}");
                assert_eq!(answer.json()[field], value, "{who} {method} {path}");
                // Nothing but what was meant is different.
                for field in ["created_at", "day_ends"] {
                    assert_eq!(answer.json()[field], seen.json()[field], "{who}");
                }
            }
            // Another moment is another value.
            let mut body = api.get(&path).await.expect(200).json();
            body["created_at"] = json!("2020-01-01T00:00:00Z");
            let request = api.client.request(method.parse().expect("a method"), api.path(&path));
            let answer = request.json(body).header("If-Match", "*").send().await;
            check_pointer(&path, answer, "/created_at");
        }
    }

    async fn json_is_taken_by_what_it_means(db: Database) {
        let replica = Replica::start(&db).await;
        let api = Api::new(replica.url());
        let room = api.one_room().await;
        let path = format!("/v1/rooms/{room}/bookings");
        let send = |body: String, key: &'static str| {
            let request = api.client.post(api.path(&path)).header("Content-Type", "application/json");
            request.header("Idempotency-Key", key).body(body).send()
        };
        let body = stay_body(0, 1).to_string();
        let unusual = format!("\u{feff}{}", body.replace("\"guests\":2", "\"guests\":2.0"));
        let booked = send(unusual.clone(), "unusual").await.expect(201);
        assert_eq!(booked.json()["guests"], 2);
        let again = send(body.clone(), "unusual").await.expect(201);
        assert_eq!(again.header("idempotency-replayed"), Some("true"), "the same request");
        // A member twice is refused, also under a key that knows what its last values mean.
        let twice = body.replace("\"guests\":2", "\"guests\":9,\"guests\":2");
        send(twice.clone(), "unusual").await.expect(422);
        let refused = send(twice, "twice").await.expect(400);
        assert!(refused.json()["detail"].as_str().is_some_and(|it| it.contains("\"guests\"")));
        let fraction = body.replace("\"guests\":2", "\"guests\":2.5");
        check_pointer("a fraction", send(fraction, "fraction").await, "/guests");
    }

    /// Giving up a night at the rate that was agreed, after the room has become dearer.
    async fn a_change_costs_what_was_agreed_if_that_is_asked_for(db: Database) {
        let replica = Replica::start(&db).await;
        let api = Api::new(replica.url());
        let room = api.one_room().await;
        let booking = api.book(&room, 0, 3).await.expect(201).json();
        let path = format!("/v1/bookings/{}", booking["id"].as_str().expect("an id"));
        let dearer = json!({ "nightly_rate": { "amount": 20_000 } });
        api.patch(&format!("/v1/rooms/{room}"), "*", &dearer).await.expect(200);
        let hotel = booking["hotel_id"].as_str().expect("an id");
        let other = api.room(hotel, "102").await;
        for (patch, amount) in [
            (json!({ "check_out": day(2), "reprice": false }), 20_000),
            (json!({ "guests": 1, "reprice": true }), 20_000),
            (json!({ "check_out": day(4), "reprice": false }), 40_000),
            (json!({ "room_id": other, "check_out": day(1), "reprice": false }), 10_000),
            (json!({ "room_id": room, "reprice": null }), 20_000),
            (json!({ "check_out": day(2) }), 40_000),
        ] {
            let edited = api.patch(&path, "*", &patch).await.expect(200).json();
            assert_eq!(edited["total"]["amount"], amount, "{patch}");
            assert_eq!(edited.get("reprice"), None, "it is said, not kept");
        }
        check_pointer("a word", api.patch(&path, "*", &json!({ "reprice": "no" })).await, "/reprice");
    }

    async fn a_hold_is_prolonged_while_it_lives(db: Database) {
        let replica = Replica::start(&db).await;
        let api = Api::new(replica.url());
        let room = api.one_room().await;
        let held = api.hold(&room, 0, 1).await.expect(201).json();
        let id = held["id"].as_str().expect("an id").to_owned();
        let path = format!("/v1/bookings/{id}");
        let end = |booking: &Value| booking["hold_expires_at"].as_str().expect("an end").to_owned();
        // A hold that runs longer already is left as it is.
        let same = api.patch(&path, "\"1\"", &json!({ "hold_seconds": 60 })).await.expect(200).json();
        assert_eq!((end(&same), &same["version"]), (end(&held), &json!(1)));
        let longer = api.patch(&path, "\"1\"", &json!({ "hold_seconds": 3_600 })).await.expect(200);
        let longer = longer.json();
        assert!(end(&longer) > end(&held), "{longer}");
        assert_eq!(
            (&longer["status"], &longer["version"], &longer["room_version"]),
            (&json!("held"), &json!(2), &json!(3))
        );
        let history = api.get(&format!("/v1/rooms/{room}/events")).await.expect(200).json();
        let last = &history["items"][2];
        assert_eq!(last["kind"], "hold_prolonged");
        assert_eq!(last["data"]["hold_expires_at"].as_str().map(|at| &at[..19]), Some(&end(&longer)[..19]));
        for bad in [json!(0), json!(86_401), json!("60"), json!(60.5)] {
            let patch = json!({ "hold_seconds": bad });
            check_pointer("a bad length", api.patch(&path, "*", &patch).await, "/hold_seconds");
        }
        let metrics = String::from_utf8(api.get("/metrics").await.body.clone()).expect("text");
        assert!(metrics.contains("operation=\"prolong\""), "{metrics}");
        api.command(&id, "confirm").await.expect(200);
        let late = api.patch(&path, "*", &json!({ "hold_seconds": 60 })).await.expect(409);
        assert_eq!(late.code(), "invalid_transition");
    }

    async fn what_was_sent_comes_back_cut(db: Database) {
        let replica = Replica::start(&db).await;
        let api = Api::new(replica.url());
        let (long, path) = ("x".repeat(60_000), "/v1/hotels");
        for body in [
            json!({ "name": "a", "city": "b", long.as_str(): 1 }),
            json!({ long.as_str(): { "a": [] } }),
        ] {
            let answer = api.post(path, &body).await.expect(422);
            assert!(answer.body.len() < 1_500, "{} bytes", answer.body.len());
        }
        let long = &long[..7_000];
        let answer = api.get(&format!("{path}?{long}=secret")).await.expect(400);
        assert!(answer.body.len() < 1_000, "{} bytes", answer.body.len());
        assert!(!answer.json().to_string().contains("secret"), "{answer:?}");
        let answer = api.get("/v1/hotels?sslpassword=secret").await.expect(400);
        assert!(answer.json().to_string().contains("sslpassword"), "{answer:?}");
        assert!(!answer.json().to_string().contains("secret"), "{answer:?}");
        for path in ["/docs/%ff", "/problems/%ff", "/v1/rooms/%ff", "/%ff", "/docs/no", "/problems/no"] {
            assert_eq!(api.get(path).await.expect(404).code(), "not_found", "{path}");
        }
    }

    async fn text_counts_as_people_read_it(db: Database) {
        let replica = Replica::start(&db).await;
        let api = Api::new(replica.url());
        let composed = json!({ "name": "Caf\u{e9}", "city": "Z\u{fc}rich" });
        let taken_apart = json!({ "name": "Cafe\u{301}", "city": " Zu\u{308}rich\u{a0}" });
        let hotel = api.post("/v1/hotels", &composed).await.expect(201);
        let other = api.post("/v1/hotels", &taken_apart).await.expect(201);
        assert_eq!(other.json()["name"], "Caf\u{e9}");
        let id = id_of(&hotel);
        let add = |number: &str, kind: &str| {
            let body = json!({ "number": number, "kind": kind, "capacity": 2 });
            let path = format!("/v1/hotels/{id}/rooms");
            let api = api.clone();
            async move { api.post(&path, &body).await }
        };
        add("S\u{fc}d 1", "caf\u{e9}").await.expect(201);
        for same in ["Su\u{308}d 1", "S\u{fc}d\u{a0}1", " S\u{fc}d  1 "] {
            assert_eq!(add(same, "double").await.expect(409).code(), "duplicate", "{same:?}");
        }
        for hidden in ["S\u{fc}d\u{200b} 1", "\u{202e}S\u{fc}d 1", "101\u{2060}", "1\n1", "\u{200b}"] {
            check_pointer(hidden, add(hidden, "double").await, "/number");
        }
        for city in ["Z%C3%BCrich", "Zu%CC%88rich", "%20Z%C3%BCrich"] {
            let hotels = api.get(&format!("/v1/hotels?city={city}")).await.expect(200).json();
            assert_eq!(hotels["items"].as_array().map(Vec::len), Some(2), "{city}");
            let rooms = api.get(&format!("/v1/rooms?city={city}&kind=cafe%CC%81")).await.expect(200);
            assert_eq!(rooms.json()["items"].as_array().map(Vec::len), Some(1), "{city}");
        }
        let stay = json!({
            "check_in": day(0), "check_out": day(1), "guests": 1, "kind": "cafe\u{301}",
            "guest": { "name": "Ada" },
        });
        api.post(&format!("/v1/hotels/{id}/bookings"), &stay).await.expect(201);
        for (name, email) in [("\u{2800}", "a@b"), ("A\u{7}da", "a@b"), ("Ada", "a\u{200b}@b")] {
            let mut stay = stay.clone();
            stay["guest"] = json!({ "name": name, "email": email });
            api.post(&format!("/v1/hotels/{id}/bookings"), &stay).await.expect(422);
        }
    }
}
