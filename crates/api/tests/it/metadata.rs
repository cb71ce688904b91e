//! What clients note beside a booking.

use serde_json::{Value, json};
use vacancy_testkit::database::{Database, Kind};
use vacancy_testkit::on_both_databases;
use vacancy_testkit::replica::Replica;

use crate::crowd::{events, kinds};
use crate::support::{Api, id_of, stay_body};

/// A stay of one night with notes.
fn noted(night: u64, notes: &Value) -> Value {
    let mut body = stay_body(night, night + 1);
    body["metadata"] = notes.clone();
    body
}

on_both_databases! {
    async fn notes_are_kept_letter_by_letter(db: Database) {
        let replica = Replica::start(&db).await;
        let api = Api::new(replica.url());
        let hotel = api.hotel().await;
        let room = api.room(&hotel, "101").await;
        let path = format!("/v1/rooms/{room}/bookings");
        let odd = json!({
            "flight": "AZ 1471", "e\u{301}": " two\r\nlines\t ", "": "", "a/b~c.'\"\\": "\u{1f468}\u{200d}\u{1f373}",
        });
        let mut kept = odd.clone();
        kept.as_object_mut().expect("an object").remove("");
        let wrong = api.post(&path, &noted(0, &odd)).await.expect(422).json();
        assert_eq!(wrong["errors"][0]["pointer"], "/metadata", "a name without a letter");
        let mut hold = noted(1, &kept);
        hold["hold_seconds"] = 60.into();
        for (path, body) in [
            (path.clone(), noted(0, &kept)), (path.clone(), hold),
            (format!("/v1/hotels/{hotel}/bookings"), noted(2, &kept)),
        ] {
            let booked = api.post(&path, &body).await.expect(201);
            assert_eq!(booked.json()["metadata"], kept);
            let shown = api.get(&format!("/v1/bookings/{}", id_of(&booked))).await.expect(200);
            assert_eq!(shown.json()["metadata"], kept);
        }
        let listed = api.get(&path).await.expect(200).json();
        assert!(listed["items"].as_array().is_some_and(|items| items.iter().all(|it| it["metadata"] == kept)));
        // None at all is no field, however that was said.
        for (night, none) in [(3, json!({})), (4, Value::Null)] {
            assert_eq!(api.post(&path, &noted(night, &none)).await.expect(201).json().get("metadata"), None);
        }
        let without = "SELECT COUNT(*) FROM bookings WHERE metadata IS NULL";
        assert_eq!(db.count(without).await, 2);
        // The longest there may be.
        let longest: serde_json::Map<_, _> =
            (0..16).map(|n| (format!("{n:-<40}"), "\u{e9}".repeat(500).into())).collect();
        let longest = Value::Object(longest);
        assert_eq!(api.post(&path, &noted(5, &longest)).await.expect(201).json()["metadata"], longest);
    }

    async fn what_is_no_note_is_refused_and_pointed_at(db: Database) {
        let replica = Replica::start(&db).await;
        let api = Api::new(replica.url());
        let room = api.one_room().await;
        let path = format!("/v1/rooms/{room}/bookings");
        let booking = id_of(&api.post(&path, &noted(0, &json!({ "a": "1" }))).await.expect(201));
        let many: serde_json::Map<_, _> = (0..17).map(|n| (n.to_string(), "".into())).collect();
        for (notes, pointer) in [
            (json!("text"), "/metadata"),
            (json!(["a"]), "/metadata"),
            (json!({ "a": 1 }), "/metadata/a"),
            (json!({ "a": { "b": "c" } }), "/metadata/a"),
            (json!({ "a": true }), "/metadata/a"),
            (json!({ "a": "v".repeat(501) }), "/metadata/a"),
            (json!({ "a": "b\u{0}" }), "/metadata/a"),
            (json!({ "a\u{0}": "b" }), "/metadata/a\u{0}"),
            (json!({ "k".repeat(41): "v" }), &format!("/metadata/{}", "k".repeat(41))),
            (json!({ "a/b": 1 }), "/metadata/a~1b"),
            (Value::Object(many), "/metadata"),
        ] {
            let problem = api.post(&path, &noted(1, &notes)).await.expect(422).json();
            assert_eq!(problem["errors"][0]["pointer"], pointer, "{notes}: {problem}");
            let patch = json!({ "metadata": notes });
            let problem = api.patch(&format!("/v1/bookings/{booking}"), "*", &patch).await.expect(422).json();
            assert_eq!(problem["errors"][0]["pointer"], pointer, "{notes}: {problem}");
        }
        let problem = api.post(&path, &noted(1, &json!({ "a": null }))).await.expect(422).json();
        assert_eq!(problem["errors"][0]["pointer"], "/metadata/a");
        assert_eq!(api.room_now(&room).await["version"], 2);
    }

    /// RFC 7396, member by member.
    async fn a_patch_merges_notes(db: Database) {
        let replica = Replica::start(&db).await;
        let api = Api::new(replica.url());
        let room = api.one_room().await;
        let booked = api.book(&room, 0, 1).await.expect(201);
        let path = format!("/v1/bookings/{}", id_of(&booked));
        for (version, patch, expect) in [
            (2, json!({ "a": "1", "gone": null }), json!({ "a": "1" })),
            (3, json!({ "b": "2" }), json!({ "a": "1", "b": "2" })),
            (3, json!({ "b": "2" }), json!({ "a": "1", "b": "2" })),
            (3, json!({}), json!({ "a": "1", "b": "2" })),
            (3, json!({ "c": null }), json!({ "a": "1", "b": "2" })),
            (4, json!({ "a": null, "b": "3" }), json!({ "b": "3" })),
            (5, Value::Null, Value::Null),
            (6, json!({ "a": "1" }), json!({ "a": "1" })),
            (7, json!({ "a": null }), Value::Null),
        ] {
            let edited = api.patch(&path, "*", &json!({ "metadata": patch })).await.expect(200).json();
            assert_eq!(edited.get("metadata").cloned().unwrap_or_default(), expect, "{patch}");
            assert_eq!(edited["version"], version, "{patch}");
        }
        assert_eq!(kinds(&events(&api, &room).await)[2..], ["booking_edited"; 6]);
        // A patch of something else leaves them, and so do a move and a command.
        api.patch(&path, "*", &json!({ "metadata": { "a": "1" } })).await.expect(200);
        api.patch(&path, "*", &json!({ "guests": 1 })).await.expect(200);
        let whole = api.get(&path).await.expect(200).json();
        assert_eq!(api.patch(&path, "*", &whole).await.expect(200).json()["version"], whole["version"]);
        let cancelled = api.command(&id_of(&booked), "cancel").await.expect(200).json();
        assert_eq!(cancelled["metadata"], json!({ "a": "1" }));
        // The limit holds for what comes out.
        let other = id_of(&api.book(&room, 1, 2).await.expect(201));
        let notes = |from: u64| (from..from + 10).map(|n| (n.to_string(), "".into())).collect::<serde_json::Map<_, Value>>();
        let path = format!("/v1/bookings/{other}");
        api.patch(&path, "*", &json!({ "metadata": notes(0) })).await.expect(200);
        api.patch(&path, "*", &json!({ "metadata": notes(10) })).await.expect(422);
    }

    async fn erasing_removes_notes_everywhere(db: Database) {
        let replica = Replica::start(&db).await;
        let api = Api::new(replica.url());
        let room = api.one_room().await;
        let path = format!("/v1/rooms/{room}/bookings");
        for (night, cancel) in [(0, false), (1, true)] {
            let body = noted(night, &json!({ "ask for": "Byron's daughter" }));
            let booking = id_of(&api.post_keyed(&path, &body, &format!("k{night}")).await.expect(201));
            if cancel {
                api.command(&booking, "cancel").await.expect(200);
            }
            assert_eq!(api.command(&booking, "erase").await.expect(200).json().get("metadata"), None);
        }
        let rows = match db.kind() {
            Kind::Sqlite => "SELECT COUNT(*) FROM bookings WHERE metadata IS NOT NULL",
            Kind::Postgres => "SELECT COUNT(*) FROM bookings WHERE bookings::text LIKE '%Byron%'",
        };
        assert_eq!(db.count(rows).await, 0);
        let kept = "SELECT COUNT(*) FROM idempotency_keys WHERE body LIKE '%Byron%'";
        assert_eq!(db.count(kept).await, 0);
        let told = match db.kind() {
            Kind::Sqlite => "SELECT COUNT(*) FROM room_events WHERE data LIKE '%Byron%'",
            Kind::Postgres => "SELECT COUNT(*) FROM room_events WHERE data::text LIKE '%Byron%'",
        };
        assert_eq!(db.count(told).await, 0);
    }
}
