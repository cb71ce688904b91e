//! What the tests have in common: a hotel, its rooms, and ways to book them.

use std::path::Path;
use std::sync::LazyLock;
use std::time::Duration;

use chrono::{DateTime, Days, NaiveDate, TimeDelta, Utc};
use serde_json::{Value, json};
use vacancy_testkit::http::{Answer, Client};
use vacancy_testkit::{PATIENCE, eventually};

/// The program under test, for tests that end it.
pub fn binary() -> &'static Path {
    Path::new(env!("CARGO_BIN_EXE_vacancy"))
}

/// The day `ahead` days after one a month from now, so that no stay lies in the past. Midnight, when
/// it comes during the tests, moves no day of theirs.
pub fn day(ahead: u64) -> String {
    static TODAY: LazyLock<NaiveDate> =
        LazyLock::new(|| DateTime::<Utc>::from(std::time::SystemTime::now()).date_naive());
    (*TODAY + Days::new(30 + ahead)).to_string()
}

/// Waits for a new day, in UTC, if it begins soon: for tests whose days are counted from today.
pub async fn away_from_midnight() {
    const SOON: TimeDelta = TimeDelta::minutes(3);
    let now = || DateTime::<Utc>::from(std::time::SystemTime::now());
    let today = now().date_naive();
    while (now() + SOON).date_naive() != now().date_naive() && now().date_naive() == today {
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
}

/// A client of one replica.
#[derive(Clone)]
pub struct Api {
    pub client: Client,
    pub url: String,
}

impl Api {
    pub fn new(url: impl Into<String>) -> Self {
        Self { client: Client::new(), url: url.into() }
    }

    pub fn path(&self, path: &str) -> String {
        format!("{}{path}", self.url)
    }

    pub async fn get(&self, path: &str) -> Answer {
        self.client.get(self.path(path)).send().await
    }

    /// Waits until the service says that it is ready. A database that needs a second to answer, as any may
    /// on a loaded machine, is not ready for that moment.
    pub async fn until_ready(&self) {
        eventually("it is ready", PATIENCE, || async {
            (self.get("/readyz").await.status == 200).then_some(())
        })
        .await;
    }

    pub async fn post(&self, path: &str, body: &Value) -> Answer {
        self.client.post(self.path(path)).json(body).send().await
    }

    /// POST with an `Idempotency-Key`.
    pub async fn post_keyed(&self, path: &str, body: &Value, key: &str) -> Answer {
        let request = self.client.post(self.path(path)).json(body);
        request.header("Idempotency-Key", key).send().await
    }

    pub async fn patch(&self, path: &str, if_match: &str, body: &Value) -> Answer {
        let request = self.client.patch(self.path(path)).json(body);
        request.header("If-Match", if_match).send().await
    }

    /// A new hotel's id.
    pub async fn hotel(&self) -> String {
        let body = json!({ "name": "Rialto", "city": "Venice", "time_zone": "Europe/Rome" });
        id_of(&self.post("/v1/hotels", &body).await.expect(201))
    }

    /// A new room's id; it takes two guests and costs 100.00 EUR.
    pub async fn room(&self, hotel: &str, number: &str) -> String {
        let rate = json!({ "amount": 10_000, "currency": "EUR" });
        let body =
            json!({ "number": number, "kind": "double", "capacity": 2, "nightly_rate": rate });
        id_of(&self.post(&format!("/v1/hotels/{hotel}/rooms"), &body).await.expect(201))
    }

    /// A hotel with one room: the room's id.
    pub async fn one_room(&self) -> String {
        let hotel = self.hotel().await;
        self.room(&hotel, "101").await
    }

    /// The room as it is now.
    pub async fn room_now(&self, room: &str) -> Value {
        self.get(&format!("/v1/rooms/{room}")).await.expect(200).json()
    }

    /// Books the nights from `day(from)` to `day(to)`.
    pub async fn book(&self, room: &str, from: u64, to: u64) -> Answer {
        self.post(&format!("/v1/rooms/{room}/bookings"), &stay_body(from, to)).await
    }

    /// Holds them for ten minutes.
    pub async fn hold(&self, room: &str, from: u64, to: u64) -> Answer {
        let mut body = stay_body(from, to);
        body["hold_seconds"] = 600.into();
        self.post(&format!("/v1/rooms/{room}/bookings"), &body).await
    }

    /// `confirm` or `cancel`.
    pub async fn command(&self, booking: &str, command: &str) -> Answer {
        self.client.post(self.path(&format!("/v1/bookings/{booking}/{command}"))).send().await
    }
}

/// A stay for two from `day(from)` to `day(to)`.
pub fn stay_body(from: u64, to: u64) -> Value {
    json!({
        "check_in": day(from), "check_out": day(to), "guests": 2,
        "guest": { "name": "Ada Lovelace", "email": "ada@example.org" },
    })
}

/// The id of what an answer shows.
pub fn id_of(answer: &Answer) -> String {
    answer.json()["id"].as_str().expect("every resource has an id").to_owned()
}
