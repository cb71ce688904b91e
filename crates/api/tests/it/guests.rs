//! A guest is found by what the name or the address begins with.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use vacancy_testkit::database::Database;
use vacancy_testkit::on_both_databases;
use vacancy_testkit::replica::Replica;

use crate::auth::world::World;
use crate::support::{Api, day, id_of, stay_body};

/// A night of a guest.
fn of(night: u64, name: &str, email: Option<&str>) -> Value {
    let mut body = stay_body(night, night + 1);
    body["guest"] = json!({ "name": name, "email": email });
    body
}

/// The names found in a hotel, in the list's order. `more` is put behind the query.
async fn found(api: &Api, hotel: &str, prefix: &str, more: &str) -> Vec<String> {
    let request =
        api.client.get(api.path(&format!("/v1/bookings?hotel_id={hotel}{more}&{}", query(prefix))));
    let page = request.send().await.expect(200).json();
    let items = page["items"].as_array().expect("a list").iter();
    items.map(|it| it["guest"]["name"].as_str().expect("a name").to_owned()).collect()
}

/// `guest=` and every byte of `prefix` in hexadecimal digits.
fn query(prefix: &str) -> String {
    prefix.bytes().fold("guest=".to_owned(), |query, byte| format!("{query}%{byte:02X}"))
}

on_both_databases! {
    async fn guests_are_found_by_what_their_name_or_address_begins_with(db: Database) {
        let replica = Replica::start(&db).await;
        let api = Api::new(replica.url());
        let hotel = api.hotel().await;
        let room = api.room(&hotel, "101").await;
        let path = format!("/v1/rooms/{room}/bookings");
        for (night, (name, email)) in (0..).zip([
            ("Ada Lovelace", Some("ada@example.org")),
            ("ADAM Smith", Some("wealth@nations.example")),
            ("Jose\u{301} N\u{fa}\u{f1}ez", Some("Lovelace@example.org")),
            ("Weiss", Some("STRASSE@example.org")),
            ("Wei\u{df}, Karl", None),
            ("100%_sure", None),
            ("\u{39f}\u{3b4}\u{3c5}\u{3c3}\u{3c3}\u{3b5}\u{3cd}\u{3c2}", None),
            ("\u{674e}\u{660e}", None),
            ("Grace\u{a0} Hopper", Some("a%b@example.org")),
        ]) {
            api.post(&path, &of(night, name, email)).await.expect(201);
        }
        // In another hotel the same guest.
        let elsewhere = api.one_room().await;
        api.post(&format!("/v1/rooms/{elsewhere}/bookings"), &of(0, "Ada Lovelace", None)).await.expect(201);
        for (prefix, names) in [
            ("ad", &["Ada Lovelace", "ADAM Smith"][..]),
            ("ADA", &["Ada Lovelace", "ADAM Smith"]),
            ("ada l", &["Ada Lovelace"]),
            (" ada \u{3000} lovelace ", &["Ada Lovelace"]),
            ("ada lovelace x", &[]),
            ("ada@", &["Ada Lovelace"]),
            ("ada@example.org", &["Ada Lovelace"]),
            // The name of one, the address of another.
            ("lovelace", &["Jos\u{e9} N\u{fa}\u{f1}ez"]),
            ("jos\u{e9}", &["Jos\u{e9} N\u{fa}\u{f1}ez"]),
            ("JOSE\u{301} N", &["Jos\u{e9} N\u{fa}\u{f1}ez"]),
            ("jose", &[]),
            ("weiss", &["Weiss", "Wei\u{df}, Karl"]),
            ("wei\u{df},", &["Wei\u{df}, Karl"]),
            ("stra\u{df}e", &["Weiss"]),
            ("100%", &["100%_sure"]),
            ("100%_", &["100%_sure"]),
            ("%%", &[]), ("__", &[]), ("%a", &[]), ("a%", &["Grace\u{a0} Hopper"]), ("a_", &[]),
            ("\\%", &[]), ("' OR 1=1", &[]),
            ("\u{39f}\u{394}\u{3a5}\u{3a3}", &["\u{39f}\u{3b4}\u{3c5}\u{3c3}\u{3c3}\u{3b5}\u{3cd}\u{3c2}"]),
            ("\u{674e}\u{660e}", &["\u{674e}\u{660e}"]),
            ("grace hop", &["Grace\u{a0} Hopper"]),
            ("hopper", &[]),
            ("\u{10ffff}\u{10ffff}", &[]),
        ] {
            assert_eq!(found(&api, &hotel, prefix, "").await, names, "{prefix:?}");
        }
        // With the other filters, and page by page.
        for (more, names) in [
            (format!("&room_id={room}"), &["Ada Lovelace", "ADAM Smith"][..]),
            (format!("&room_id={elsewhere}"), &[]),
            ("&status=confirmed".to_owned(), &["Ada Lovelace", "ADAM Smith"]),
            ("&status=held".to_owned(), &[]),
            (format!("&from={}", day(1)), &["ADAM Smith"]),
            (format!("&to={}", day(1)), &["Ada Lovelace"]),
            ("&source=a".to_owned(), &[]),
            ("&reference=a".to_owned(), &[]),
            ("&limit=1".to_owned(), &["Ada Lovelace"]),
        ] {
            assert_eq!(found(&api, &hotel, "ad", &more).await, names, "{more}");
        }
        let mut path = format!("/v1/bookings?hotel_id={hotel}&guest=%61d&limit=1");
        let mut seen = BTreeSet::new();
        loop {
            let page = api.get(&path).await.expect(200).json();
            assert!(seen.insert(page["items"][0]["id"].to_string()), "{page}");
            let Some(cursor) = page["next_cursor"].as_str() else { break };
            path = format!("/v1/bookings?hotel_id={hotel}&guest=ad&limit=1&cursor={cursor}");
        }
        assert_eq!(seen.len(), 2);
    }

    /// The search looks at the guest as it is now, and at nothing that was erased.
    async fn the_search_follows_edits_and_erasure(db: Database) {
        let replica = Replica::start(&db).await;
        let api = Api::new(replica.url());
        let hotel = api.hotel().await;
        let room = api.room(&hotel, "101").await;
        let booking = id_of(&api.book(&room, 0, 1).await.expect(201));
        let rename = json!({ "guest": { "name": "Augusta King", "email": "king@example.org" } });
        api.patch(&format!("/v1/bookings/{booking}"), "*", &rename).await.expect(200);
        assert_eq!(found(&api, &hotel, "ada", "").await.len(), 0);
        for prefix in ["augusta", "king@"] {
            assert_eq!(found(&api, &hotel, prefix, "").await, ["Augusta King"]);
        }
        let moved = json!({ "room_id": api.room(&hotel, "102").await });
        api.patch(&format!("/v1/bookings/{booking}"), "*", &moved).await.expect(200);
        api.command(&booking, "cancel").await.expect(200);
        assert_eq!(found(&api, &hotel, "augusta", "").await, ["Augusta King"]);
        api.command(&booking, "erase").await.expect(200);
        for prefix in ["augusta", "king@"] {
            assert_eq!(found(&api, &hotel, prefix, "").await.len(), 0, "{prefix}");
        }
        let left = "SELECT COUNT(*) FROM bookings WHERE guest_name_folded <> 'erased' \
                    OR guest_email_folded IS NOT NULL";
        assert_eq!(db.count(left).await, 0);
    }

    async fn only_the_desk_searches_for_guests_and_within_a_hotel(db: Database) {
        let world = World::on(&db).await;
        let hotel = &world.hotels[0];
        let path = format!("/v1/bookings?hotel_id={hotel}&guest=ada");
        assert_eq!(world.root.get(&path).await.expect(200).json()["items"][0]["id"], world.booking.as_str());
        let caller = |scope: &str, hotels: Value| json!({ "name": scope, "scopes": [scope], "hotels": hotels });
        let desk = world.root.make(&caller("desk", Value::Null)).await;
        assert_eq!(desk.get(&path).await.expect(200).json()["items"].as_array().map(Vec::len), Some(1));
        // Not even its own: what is not found must tell nothing of others.
        for caller in [&world.owner, &world.root.make(&caller("read", Value::Null)).await] {
            let refused = caller.get(&path).await.expect(403);
            assert_eq!(refused.code(), "insufficient_scope");
        }
        let needs = world.owner.get(&path).await;
        assert!(needs.header("www-authenticate").is_some_and(|it| it.contains("scope=\"desk\"")), "{needs:?}");
        let other = world.root.make(&caller("desk", json!([world.hotels[1]]))).await;
        assert_eq!(other.get(&path).await.expect(200).json()["items"], json!([]));
        for query in [
            "guest=ada".to_owned(),
            format!("room_id={}&guest=ada", world.rooms[0]),
            format!("hotel_id={hotel}&guest="),
            format!("hotel_id={hotel}&guest=a"),
            format!("hotel_id={hotel}&guest=a%E2%80%8B"),
            format!("hotel_id={hotel}&guest=%20a%20"),
            format!("hotel_id={hotel}&guest=ada&guest=ada"),
            format!("hotel_id={hotel}&guest={}", "a".repeat(101)),
            format!("hotel_id={hotel}&guest=a%00a"),
        ] {
            let problem = world.root.get(&format!("/v1/bookings?{query}")).await.expect(400);
            assert_eq!(problem.code(), "invalid_request", "{query}");
            assert!(!problem.json()["detail"].to_string().contains("aaa"), "{problem:?}");
        }
        world.root.get(&format!("/v1/rooms/{}/bookings?guest=ada", world.rooms[0])).await.expect(400);
    }
}
