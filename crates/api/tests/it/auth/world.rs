//! A replica that needs credentials, and clients with some.

use reqwest::Method;
use serde_json::{Value, json};
use vacancy::auth::guard::GuardOptions;
use vacancy::auth::key_text::KeyText;
use vacancy::auth::root_key::RootKey;
use vacancy_testkit::database::Database;
use vacancy_testkit::http::{Answer, Client};
use vacancy_testkit::replica::{Replica, ReplicaOptions};

use crate::support::{day, id_of, stay_body};

/// A client with a credential, or without.
#[derive(Clone)]
pub struct Caller {
    pub url: String,
    pub client: Client,
    pub credential: Option<String>,
}

impl Caller {
    pub fn new(url: String, key: Option<&str>) -> Self {
        let credential = key.map(|key| format!("Bearer {key}"));
        Self { url, client: Client::new(), credential }
    }

    pub fn with(&self, key: &str) -> Self {
        Self::new(self.url.clone(), Some(key))
    }

    pub async fn send(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: Option<&Value>,
    ) -> Answer {
        let method: Method = method.to_uppercase().parse().expect("a method");
        let mut request = self.client.request(method, format!("{}{path}", self.url));
        if let Some(credential) = &self.credential {
            request = request.header("Authorization", credential);
        }
        for (name, value) in headers {
            request = request.header(name, value);
        }
        if let Some(body) = body {
            request = request.json(body);
        }
        request.send().await
    }

    pub async fn get(&self, path: &str) -> Answer {
        self.send("GET", path, &[], None).await
    }

    pub async fn post(&self, path: &str, body: &Value) -> Answer {
        self.send("POST", path, &[], Some(body)).await
    }

    /// A new key's text.
    pub async fn key(&self, body: &Value) -> String {
        let made = self.post("/v1/keys", body).await.expect(201).json();
        made["key"].as_str().expect("it is shown once").to_owned()
    }

    /// A client with a new key.
    pub async fn make(&self, body: &Value) -> Self {
        self.with(&self.key(body).await)
    }

    pub async fn book(&self, room: &str, from: u64, to: u64) -> Answer {
        self.post(&format!("/v1/rooms/{room}/bookings"), &stay_body(from, to)).await
    }
}

/// Two hotels with a room each, and a booking in the first by a principal of its own.
pub struct World {
    pub replica: Replica,
    pub root: Caller,
    pub hotels: [String; 2],
    pub rooms: [String; 2],
    pub booking: String,
    /// Booked it.
    pub owner: Caller,
}

pub const NIGHTS: (u64, u64) = (0, 2);

impl World {
    pub async fn on(db: &Database) -> Self {
        Self::with(db, GuardOptions::default()).await
    }

    pub async fn with(db: &Database, guard: GuardOptions) -> Self {
        let root = KeyText::made();
        let root_key = Some(RootKey::of(&root));
        let guard = GuardOptions { required: true, root_key, ..guard };
        let options = ReplicaOptions { guard, ..ReplicaOptions::default() };
        let replica = Replica::start_with(db, options).await;
        let root = Caller::new(replica.url(), Some(root.reveal()));
        let (mut hotels, mut rooms) = (Vec::new(), Vec::new());
        for name in ["Rialto", "Prinsenhof"] {
            let body = json!({ "name": name, "city": "Venice" });
            let hotel = id_of(&root.post("/v1/hotels", &body).await.expect(201));
            let body = json!({ "number": "101", "kind": "double", "capacity": 2 });
            let made = root.post(&format!("/v1/hotels/{hotel}/rooms"), &body).await.expect(201);
            rooms.push(id_of(&made));
            hotels.push(hotel);
        }
        let owner = json!({ "name": "owner", "principal": "owner", "scopes": ["book"] });
        let owner = root.make(&owner).await;
        let booking = id_of(&owner.book(&rooms[0], NIGHTS.0, NIGHTS.1).await.expect(201));
        let (hotels, rooms) = (pair(hotels), pair(rooms));
        Self { replica, root, hotels, rooms, booking, owner }
    }

    /// The path of an operation, about the first hotel.
    pub fn path(&self, template: &str, key: &str) -> String {
        let path = template
            .replace("{hotel_id}", &self.hotels[0])
            .replace("{room_id}", &self.rooms[0])
            .replace("{booking_id}", &self.booking)
            .replace("{key_id}", key);
        let span = format!("?from={}&to={}", day(0), day(9));
        if path.ends_with("/availability") { path + &span } else { path }
    }
}

fn pair(ids: Vec<String>) -> [String; 2] {
    ids.try_into().expect("two")
}
