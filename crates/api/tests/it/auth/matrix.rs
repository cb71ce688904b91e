//! Every operation of the API's own document, with every kind of credential. Nothing is written: who
//! is let in meets a precondition that does not hold, or a body that does not read.

use serde_json::{Value, json};
use vacancy_testkit::database::Database;
use vacancy_testkit::http::Answer;
use vacancy_testkit::on_both_databases;

use super::world::{Caller, World};
use crate::support::day;

/// What belongs to whom, as far as an operation is about it.
#[derive(Clone, Copy, PartialEq, Eq)]
enum About {
    /// Something of a hotel.
    Hotel,
    /// A booking of a hotel and a principal.
    Booking,
    /// A list of such things.
    List,
    /// All hotels.
    AllHotels,
    /// A key for all hotels.
    Key,
    /// Nothing but the credential.
    Nothing,
}

/// How an operation is called so that it writes nothing, and how it answers who is let in.
struct Rule {
    about: About,
    if_match: Option<&'static str>,
    body: Option<Value>,
    answer: u16,
}

/// An operation without a row here fails the test.
fn rule(operation: &str) -> Rule {
    use About::{AllHotels, Booking, Hotel, Key, List, Nothing};
    let stale = Some("\"999\"");
    let none = || Some(json!({}));
    let (about, if_match, body, answer) = match operation {
        "list_hotels" | "list_rooms" | "list_bookings" | "list_keys" => (List, None, None, 200),
        "get_hotel" | "get_room" | "get_availability" | "list_room_events"
        | "list_room_bookings" => (Hotel, None, None, 200),
        "create_hotel" => (AllHotels, None, none(), 422),
        "create_room" | "book_hotel" => (Hotel, None, none(), 422),
        "replace_hotel" | "edit_hotel" | "replace_room" | "edit_room" | "book_room" => {
            (Hotel, stale, none(), 412)
        }
        "delete_hotel" | "delete_room" => (Hotel, stale, None, 412),
        "get_booking" => (Booking, None, None, 200),
        "edit_booking" => (Booking, stale, none(), 412),
        "confirm_booking" | "cancel_booking" | "erase_booking" => (Booking, stale, None, 412),
        "create_key" => (Nothing, None, none(), 422),
        "get_key" => (Key, None, None, 200),
        "edit_key" => (Key, None, none(), 200),
        "revoke_key" => (Key, None, None, 204),
        "get_me" | "get_metrics" => (Nothing, None, None, 200),
        other => panic!("no rule says who may {other}"),
    };
    Rule { about, if_match, body, answer }
}

struct Operation {
    id: String,
    method: String,
    path: String,
    scope: String,
}

impl Operation {
    async fn by(&self, caller: &Caller) -> Answer {
        let Rule { if_match, body, .. } = rule(&self.id);
        let headers: Vec<_> = if_match.map(|tag| ("If-Match", tag)).into_iter().collect();
        caller.send(&self.method, &self.path, &headers, body.as_ref()).await
    }
}

/// The operations, from the document that the service gives to all.
async fn operations(world: &World, key: &str) -> Vec<Operation> {
    let anonymous = Caller::new(world.replica.url(), None);
    let document = anonymous.get("/openapi.json").await.expect(200).json();
    let mut operations = Vec::new();
    for (path, item) in document["paths"].as_object().expect("paths") {
        for (method, operation) in item.as_object().expect("operations") {
            let text = |name: &str| operation[name].as_str().expect("a text").to_owned();
            if ["/livez", "/readyz"].contains(&path.as_str()) {
                assert_eq!(operation["security"], json!([]), "{path} needs nothing");
                continue;
            }
            assert_eq!(operation["security"][0], json!({ "bearer": [] }), "{method} {path}");
            let (id, scope) = (text("operationId"), text("x-scope"));
            let path = world.path(path, key);
            operations.push(Operation { id, method: method.clone(), path, scope });
        }
    }
    assert!(operations.len() >= 28);
    operations
}

fn includes(scope: &str, needs: &str) -> bool {
    let order = ["read", "book", "desk", "admin"];
    let place = |name: &str| order.iter().position(|scope| *scope == name);
    needs == "any"
        || scope == needs
        || scope == "admin" && needs == "metrics"
        || place(scope).zip(place(needs)).is_some_and(|(has, needs)| has >= needs)
}

#[track_caller]
fn check_unauthenticated(answer: &Answer, sent: bool, what: &str) {
    assert_eq!(answer.status, 401, "{what}: {answer:?}");
    assert_eq!(answer.code(), "unauthenticated", "{what}");
    let error = if sent { ", error=\"invalid_token\"" } else { "" };
    let challenge = format!("Bearer realm=\"vacancy\"{error}");
    assert_eq!(answer.header("www-authenticate"), Some(&challenge[..]), "{what}");
}

#[track_caller]
fn check_insufficient(answer: &Answer, needs: &str, what: &str) {
    assert_eq!(answer.status, 403, "{what}: {answer:?}");
    assert_eq!(answer.code(), "insufficient_scope", "{what}");
    let challenge = format!("Bearer error=\"insufficient_scope\", scope=\"{needs}\"");
    assert_eq!(answer.header("www-authenticate"), Some(&challenge[..]), "{what}");
}

/// A problem without what names its request.
fn without_instance(answer: &Answer) -> Value {
    let mut problem = answer.json();
    problem["instance"] = Value::Null;
    problem
}

on_both_databases! {
    async fn every_operation_answers_every_credential_as_the_table_says(db: Database) {
        let world = World::on(&db).await;
        let target = world.root.key(&json!({ "name": "target", "scopes": ["read"] })).await;
        let target = &target[4..16];
        let operations = operations(&world, target).await;

        let anonymous = Caller::new(world.replica.url(), None);
        let basic = Caller { credential: Some("Basic YTpi".into()), ..anonymous.clone() };
        let unknown = vacancy::auth::key_text::KeyText::made();
        let (expired, revoked) = (json!({ "name": "x", "scopes": ["admin"] }), "DELETE");
        let expired = world.root.key(&expired).await;
        let past = format!("UPDATE api_keys SET expires_at = created_at WHERE id = '{}'", &expired[4..16]);
        db.sql(&past).await;
        let ended = world.root.key(&json!({ "name": "y", "scopes": ["admin"] })).await;
        let ended_path = format!("/v1/keys/{}", &ended[4..16]);
        world.root.send(revoked, &ended_path, &[], None).await.expect(204);
        let bad = [
            Caller { credential: Some("Bearer".into()), ..anonymous.clone() },
            Caller { credential: Some("Bearer garbage".into()), ..anonymous.clone() },
            Caller { credential: Some("Bearer a.b.c".into()), ..anonymous.clone() },
            anonymous.with(unknown.reveal()),
            // A key that exists, with another's secret.
            anonymous.with(&format!("{}{}", &expired[..17], &unknown.reveal()[17..])),
            anonymous.with(&expired),
            anonymous.with(&ended),
        ];
        for operation in &operations {
            check_unauthenticated(&operation.by(&anonymous).await, false, &operation.id);
            check_unauthenticated(&operation.by(&basic).await, false, &operation.id);
            for caller in &bad {
                check_unauthenticated(&operation.by(caller).await, true, &operation.id);
            }
        }

        for scope in ["read", "book", "desk", "admin", "metrics"] {
            let body = json!({ "name": scope, "principal": "owner", "scopes": [scope] });
            let caller = world.root.make(&body).await;
            for operation in &operations {
                let what = format!("{} with {scope}", operation.id);
                let answer = operation.by(&caller).await;
                if includes(scope, &operation.scope) {
                    assert_eq!(answer.status, rule(&operation.id).answer, "{what}: {answer:?}");
                } else {
                    check_insufficient(&answer, &operation.scope, &what);
                }
            }
            let answer = caller.get("/metrics").await;
            if includes(scope, "metrics") {
                answer.expect(200);
            } else {
                check_insufficient(&answer, "metrics", scope);
            }
        }
    }

    async fn what_belongs_to_another_hotel_or_principal_is_not_there(db: Database) {
        let world = World::on(&db).await;
        let target = world.root.key(&json!({ "name": "target", "scopes": ["read"] })).await;
        let operations = operations(&world, &target[4..16]).await;
        let other = json!({
            "name": "other hotel", "principal": "owner", "scopes": ["admin"],
            "hotels": [world.hotels[1]],
        });
        let other_hotel = world.root.make(&other).await;
        let stranger = json!({ "name": "stranger", "principal": "stranger", "scopes": ["book"] });
        let stranger = world.root.make(&stranger).await;
        for operation in &operations {
            let Rule { about, answer: allowed, .. } = rule(&operation.id);
            let answer = operation.by(&other_hotel).await;
            let what = format!("{} in another hotel: {answer:?}", operation.id);
            match about {
                About::Hotel | About::Booking | About::Key => {
                    assert_eq!(answer.status, 404, "{what}");
                    check_as_absent(operation, &world, &other_hotel, &answer).await;
                }
                About::AllHotels => assert_eq!(answer.code(), "insufficient_scope", "{what}"),
                About::List | About::Nothing => assert_eq!(answer.status, allowed, "{what}"),
            }
            if about == About::List {
                let shown = String::from_utf8_lossy(&answer.body).into_owned();
                for hidden in [&world.hotels[0], &world.rooms[0], &world.booking, "target"] {
                    assert!(!shown.contains(hidden), "{what}");
                }
            }
            if !includes("book", &operation.scope) {
                continue;
            }
            let answer = operation.by(&stranger).await;
            let what = format!("{} of another principal: {answer:?}", operation.id);
            if about == About::Booking {
                assert_eq!(answer.status, 404, "{what}");
                check_as_absent(operation, &world, &stranger, &answer).await;
            } else {
                assert_eq!(answer.status, allowed, "{what}");
                let shown = String::from_utf8_lossy(&answer.body).into_owned();
                let history = operation.id == "list_room_events";
                assert!(history || !shown.contains(&world.booking), "{what}");
                assert!(!shown.contains("Lovelace") && !shown.contains("\"actor\""), "{what}");
            }
        }
        // Nothing of it was done.
        let booking = world.owner.get(&format!("/v1/bookings/{}", world.booking)).await.expect(200);
        assert_eq!(booking.json()["version"], 1);
    }

    /// Guests, and who did what, are shown to those who see all bookings.
    async fn who_made_it_is_shown_to_the_desk_alone(db: Database) {
        let world = World::on(&db).await;
        let desk = json!({ "name": "desk", "principal": "desk", "scopes": ["desk"] });
        let desk = world.root.make(&desk).await;
        let path = format!("/v1/bookings/{}", world.booking);
        assert_eq!(desk.get(&path).await.expect(200).json()["made_by"], "owner");
        assert!(world.owner.get(&path).await.expect(200).json().get("made_by").is_none());
        // A move by another principal leaves it whose it was.
        let edit = json!({ "check_in": day(4), "check_out": day(6) });
        let moved = desk.send("PATCH", &path, &[("If-Match", "*")], Some(&edit)).await.expect(200);
        assert_eq!(moved.json()["made_by"], "owner");
        world.owner.get(&path).await.expect(200);
        let cancelled = format!("{path}/cancel");
        world.owner.send("POST", &cancelled, &[], None).await.expect(200);
        let events = format!("/v1/rooms/{}/events", world.rooms[0]);
        let told = desk.get(&events).await.expect(200).json();
        let actors: Vec<_> = told["items"].as_array().expect("events").iter().collect();
        let actors: Vec<_> = actors.iter().map(|event| event["actor"].as_str()).collect();
        assert_eq!(actors, [Some("root"), Some("owner"), Some("desk"), Some("owner")]);
        let told = world.owner.get(&events).await.expect(200).json();
        assert!(told["items"][1].get("actor").is_none());
    }
}

/// The answer is word for word the one to an id that names nothing.
async fn check_as_absent(operation: &Operation, world: &World, caller: &Caller, answer: &Answer) {
    let nothing = uuid::Uuid::from_u128(7).to_string();
    let path = operation.path.replace(&world.hotels[0], &nothing);
    let path = path.replace(&world.rooms[0], &nothing).replace(&world.booking, &nothing);
    let path = if path.contains("/v1/keys/") { "/v1/keys/000000000000".to_owned() } else { path };
    let absent = Operation {
        id: operation.id.clone(),
        method: operation.method.clone(),
        path,
        scope: operation.scope.clone(),
    };
    let absent = absent.by(caller).await;
    assert_eq!(without_instance(answer), without_instance(&absent), "{}", operation.id);
}
