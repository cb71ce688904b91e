//! Round trips of each operation on PostgreSQL, counted on the wire: one request at a time over a
//! connection in use, as under load, with what the connection does on its way back to the pool.

use std::fmt::Write;
use std::time::Duration;

use chrono::Days;
use serde_json::{Value, json};
use vacancy_testkit::database::Kind;
use vacancy_testkit::http::{Answer, Client, Request};
use vacancy_testkit::wire::Wire;

use crate::requests;
use crate::rig::Rig;
use crate::rooms;
use crate::service::Service;
use crate::sql::id;

/// Requests of each operation that are counted.
const COUNTED: u64 = 20;
/// Requests before those, which connect and prepare.
const BEFORE: u64 = 3;
/// How long after the last answer a connection may still be asked whether it is well.
const SETTLED: Duration = Duration::from_millis(100);

/// An operation, and what must be there before it.
const OPERATIONS: &[(&str, Option<Before>)] = &[
    ("`GET /v1/rooms/{id}`", None),
    ("book", None),
    ("book, with a key", None),
    ("hold", None),
    ("confirm", Some(Before::Held)),
    ("cancel", Some(Before::Booked)),
    ("edit a booking's guest", Some(Before::Booked)),
    ("edit a room", None),
    ("book any room of a hotel", None),
];

/// The booking that an operation works on.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Before {
    Held,
    Booked,
}

/// Counts them, and returns their section.
pub async fn run(rig: &mut Rig) -> String {
    let (database, _) = rig.database_with_rooms(Kind::Postgres).await;
    let wire = Wire::start(database.address()).await;
    let service = Service::start(&rig.binary, &wire.url(database.url()), 1, &[]).await;
    let caller = Caller { client: Client::new(), url: service.url() };
    let mut text =
        "### PostgreSQL: round trips\n\n| operation | round trips |\n|---|---|\n".to_owned();
    for (index, (name, before)) in OPERATIONS.iter().enumerate() {
        rig.progress(&format!("round trips: {name}"));
        let mut calls = Vec::new();
        for number in 0..BEFORE + COUNTED {
            calls.push(caller.prepare(name, index as u64 * 100 + number, *before).await);
        }
        let counted = calls.split_off(BEFORE as usize);
        send(calls).await;
        wire.record();
        send(counted).await;
        let trips = wire.round_trips() as f64 / COUNTED as f64;
        writeln!(text, "| {name} | {trips:.2} |").expect("memory takes text");
    }
    service.stop().await;
    rig.audit(&database, "trips").await;
    text
}

/// Sends them one after the other, and waits until the connections are back.
async fn send(calls: Vec<Request>) {
    for call in calls {
        good(call.send().await);
    }
    tokio::time::sleep(SETTLED).await;
}

/// Panics unless it is a success.
fn good(answer: Answer) -> Answer {
    assert!((200..300).contains(&answer.status), "{answer:?}");
    answer
}

struct Caller {
    client: Client,
    url: String,
}

impl Caller {
    /// The request that does the operation in room `room`, after making what it needs.
    async fn prepare(&self, operation: &str, room: u64, before: Option<Before>) -> Request {
        let path = format!("{}/v1/rooms/{}", self.url, id(rooms::ROOMS, room));
        let bookings = format!("{path}/bookings");
        let booking = match before {
            None => String::new(),
            Some(before) => {
                let held = before == Before::Held;
                let made = self.client.post(&bookings).json(body(held)).send().await;
                let made: Value = good(made).json();
                format!("{}/v1/bookings/{}", self.url, made["id"].as_str().expect("an id"))
            }
        };
        let post = |path: &str, held| self.client.post(path).json(body(held));
        match operation {
            "book" => post(&bookings, false),
            "book, with a key" => {
                post(&bookings, false).header("Idempotency-Key", format!("k{room}"))
            }
            "hold" => post(&bookings, true),
            "confirm" => self.client.post(format!("{booking}/confirm")),
            "cancel" => self.client.post(format!("{booking}/cancel")),
            "edit a booking's guest" => {
                let guest = json!({ "guest": { "name": "Grace Hopper" } });
                self.client.patch(booking).header("If-Match", "*").json(guest)
            }
            "edit a room" => {
                self.client.patch(path).header("If-Match", "*").json(json!({ "kind": "suite" }))
            }
            "book any room of a hotel" => {
                post(&format!("{}/v1/hotels/{}/bookings", self.url, id(rooms::HOTELS, 50)), false)
            }
            _ => self.client.get(path),
        }
    }
}

fn body(held: bool) -> Value {
    let (night, morning) = (requests::today() + Days::new(7), requests::today() + Days::new(8));
    let guest = json!({ "name": "Ada Lovelace" });
    let mut body = json!({ "check_in": night, "check_out": morning, "guests": 2, "guest": guest });
    if held {
        body["hold_seconds"] = 3600.into();
    }
    body
}
