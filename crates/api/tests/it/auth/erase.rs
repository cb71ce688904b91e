//! Forgetting a guest, whatever has become of the booking.

use vacancy_testkit::database::{Database, Kind};
use vacancy_testkit::on_both_databases;
use vacancy_testkit::replica::Replica;

use crate::support::{Api, id_of, stay_body};

on_both_databases! {
    async fn a_guest_is_forgotten_in_every_state(db: Database) {
        let replica = Replica::start(&db).await;
        let api = Api::new(replica.url());
        let hotel = api.hotel().await;
        for (number, state) in ["held", "lapsed", "confirmed", "cancelled", "room deleted"].iter().enumerate() {
            let room = api.room(&hotel, &number.to_string()).await;
            let mut body = stay_body(0, 2);
            if *state == "held" || *state == "lapsed" {
                body["hold_seconds"] = if *state == "held" { 600 } else { 1 }.into();
            }
            let key = format!("key-{number}");
            let path = format!("/v1/rooms/{room}/bookings");
            let booking = id_of(&api.post_keyed(&path, &body, &key).await.expect(201));
            match *state {
                "cancelled" | "room deleted" => {
                    api.command(&booking, "cancel").await.expect(200);
                }
                "lapsed" => tokio::time::sleep(std::time::Duration::from_millis(1_200)).await,
                _ => {}
            }
            if *state == "room deleted" {
                let url = api.path(&format!("/v1/rooms/{room}"));
                api.client.delete(url).header("If-Match", "*").send().await.expect(204);
            }
            let before = api.get(&format!("/v1/bookings/{booking}")).await.expect(200).json();
            let erased = api.command(&booking, "erase").await.expect(200).json();
            assert_eq!(erased["guest"], serde_json::json!({ "name": "erased" }), "{state}");
            for kept in ["status", "check_in", "total", "guests", "created_at"] {
                assert_eq!(erased[kept], before[kept], "{state}");
            }
            let version = before["version"].as_i64().map(|version| version + 1);
            assert_eq!(erased["version"].as_i64(), version, "{state}");
            // Again changes nothing, and neither does a stale edit.
            let again = api.command(&booking, "erase").await.expect(200).json();
            assert_eq!(again["version"].as_i64(), version, "{state}");
            let shown = api.get(&format!("/v1/bookings/{booking}")).await.expect(200).json();
            assert_eq!(shown["guest"], erased["guest"], "{state}");
            let events = api.get(&format!("/v1/rooms/{room}/events")).await.expect(200).json();
            let last = events["items"].as_array().and_then(|items| items.last()).expect("events");
            assert_eq!((&last["kind"], &last["booking_id"]), (&"erased".into(), &booking.into()));
        }
        // Neither in the rows nor in what is kept for repetitions.
        let text = match db.kind() {
            Kind::Sqlite => "guest_name = 'Ada Lovelace' OR guest_email IS NOT NULL",
            Kind::Postgres => "bookings::text LIKE '%Lovelace%' OR guest_email IS NOT NULL",
        };
        assert_eq!(db.count(&format!("SELECT COUNT(*) FROM bookings WHERE {text}")).await, 0);
        let kept = "SELECT COUNT(*) FROM idempotency_keys WHERE body LIKE '%Lovelace%'";
        assert_eq!(db.count(kept).await, 0);
    }
}
