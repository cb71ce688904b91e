//! Forgetting a guest, whatever has become of the booking.

use std::time::Duration;

use serde_json::json;
use vacancy_testkit::database::Database;
use vacancy_testkit::on_both_databases;
use vacancy_testkit::process::Process;
use vacancy_testkit::replica::Replica;

use super::dump::{check_is_nowhere, is_somewhere};
use crate::support::{Api, binary, id_of, stay_body};

/// Every state a booking can be in.
pub const STATES: &[&str] =
    &["held", "lapsed", "expired", "confirmed", "cancelled", "room deleted"];

/// A booking in a room of its own, made under the key `key-STATE`, in this state. Returns the room and
/// the booking. What lapses has done so when this returns.
pub async fn booking_in_state(api: &Api, hotel: &str, state: &str) -> (String, String) {
    let room = api.room(hotel, state).await;
    let mut body = stay_body(0, 2);
    match state {
        "held" => body["hold_seconds"] = 600.into(),
        "lapsed" | "expired" => body["hold_seconds"] = 1.into(),
        _ => {}
    }
    let path = format!("/v1/rooms/{room}/bookings");
    let key = format!("key-{}", state.replace(' ', "-"));
    let booking = id_of(&api.post_keyed(&path, &body, &key).await.expect(201));
    match state {
        "cancelled" | "room deleted" => {
            api.command(&booking, "cancel").await.expect(200);
        }
        "lapsed" | "expired" => tokio::time::sleep(Duration::from_millis(1_200)).await,
        _ => {}
    }
    if state == "expired" {
        // Whatever meets it records it.
        let confirmed = api.command(&booking, "confirm").await.expect(409);
        assert_eq!(confirmed.code(), "hold_expired");
    }
    if state == "room deleted" {
        let url = api.path(&format!("/v1/rooms/{room}"));
        api.client.delete(url).header("If-Match", "*").send().await.expect(204);
    }
    (room, booking)
}

on_both_databases! {
    async fn a_guest_is_forgotten_in_every_state(db: Database) {
        let replica = Replica::start(&db).await;
        let api = Api::new(replica.url());
        let hotel = api.hotel().await;
        for state in STATES {
            let (room, booking) = booking_in_state(&api, &hotel, state).await;
            let before = api.get(&format!("/v1/bookings/{booking}")).await.expect(200).json();
            let erased = api.command(&booking, "erase").await.expect(200).json();
            assert_eq!(erased["guest"], json!({ "name": "erased" }), "{state}");
            for kept in ["status", "check_in", "total", "guests", "created_at"] {
                assert_eq!(erased[kept], before[kept], "{state}");
            }
            let version = before["version"].as_i64().map(|version| version + 1);
            assert_eq!(erased["version"].as_i64(), version, "{state}");
            // Again changes nothing.
            let again = api.command(&booking, "erase").await.expect(200).json();
            assert_eq!(again["version"].as_i64(), version, "{state}");
            let shown = api.get(&format!("/v1/bookings/{booking}")).await.expect(200).json();
            assert_eq!(shown["guest"], erased["guest"], "{state}");
            let events = api.get(&format!("/v1/rooms/{room}/events")).await.expect(200).json();
            let last = events["items"].as_array().and_then(|items| items.last()).expect("events");
            assert_eq!((&last["kind"], &last["booking_id"]), (&"erased".into(), &booking.into()));
        }
        let kept = "SELECT COUNT(*) FROM idempotency_keys WHERE body LIKE '%Lovelace%'";
        assert_eq!(db.count(kept).await, 0, "what is kept for repetitions");
        let erased = "SELECT COUNT(*) FROM bookings WHERE guest_name = 'erased' AND guest_email IS NULL";
        assert_eq!(db.count(erased).await, 6);
    }

    /// Neither the rows nor, on SQLite, the file, nor the log at its most talkative.
    async fn nothing_of_an_erased_guest_is_left_in_the_database_or_the_log(db: Database) {
        let args = ["--log", "trace", "--sweep-interval", "0", "--request-timeout", "1m"];
        let mut service = Process::start(binary(), db.url(), &args).await;
        let api = Api::new(service.url());
        let hotel = api.hotel().await;
        let mut bookings = Vec::new();
        for state in STATES {
            bookings.push(booking_in_state(&api, &hotel, state).await.1);
        }
        let names = ["Lovelace", "ada@example.org", "Hopper", "Johnson"];
        let guest = json!({ "guest": { "name": "Grace Hopper", "email": "ada@example.org" } });
        let path = format!("/v1/bookings/{}", bookings[3]);
        let patch = api.client.patch(api.path(&path)).header("If-Match", "*");
        let patch = patch.header("Idempotency-Key", "edit");
        patch.json(&guest).send().await.expect(200);
        let guest = json!({ "guest": { "name": "Katherine Johnson" } });
        api.patch(&path, "*", &guest).await.expect(200);
        // And where many answers fill many pages, of which some are given up again.
        let room = api.room(&hotel, "many").await;
        for night in 10..60 {
            let path = format!("/v1/rooms/{room}/bookings");
            let (body, key) = (stay_body(night, night + 1), format!("n{night}"));
            bookings.push(id_of(&api.post_keyed(&path, &body, &key).await.expect(201)));
        }
        for booking in &bookings {
            api.command(booking, "erase").await.expect(200);
        }
        service.terminate().await;
        for name in names {
            check_is_nowhere(&db, name).await;
            assert!(!service.log().contains(name), "{name} is in the log");
        }
        assert!(is_somewhere(&db, "erased").await, "the rows are there");
        assert!(service.log().contains("/erase"), "the log tells of the requests");
    }
}
