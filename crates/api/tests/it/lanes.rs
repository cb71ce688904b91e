//! Requests that queue for one room are decided and committed together, and none can tell.

use std::collections::HashMap;
use std::ops::Range;
use std::time::{Duration, Instant};

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use serde_json::{Value, json};
use uuid::Uuid;
use vacancy_testkit::database::{Database, Kind};
use vacancy_testkit::http::{Answer, Request};
use vacancy_testkit::replica::{Replica, ReplicaOptions};
use vacancy_testkit::{PATIENCE, eventually, on_both_databases, seed};

use crate::crowd::{counted, events, idle};
use crate::rival::Rival;
use crate::support::{Api, day, id_of, stay_body};

const ROUNDS: usize = 12;
/// Bookings that are there before the batch comes.
const BOOKINGS: usize = 6;

on_both_databases! {
    /// Any list of requests, decided as one batch in one room and one at a time in its twin: the same
    /// answers, rows, versions and events.
    async fn one_batch_is_one_at_a_time(db: Database) {
        let mut random = StdRng::seed_from_u64(seed());
        let line = Line::start(&db, ReplicaOptions::default()).await;
        let (mut batches, mut members) = (0, 0);
        for round in 0..ROUNDS {
            let lapsed = random.random_range(0..BOOKINGS);
            let mut twins = [
                House::build(&line.api, format!("{round}-batch")).await,
                House::build(&line.api, format!("{round}-alone")).await,
            ];
            for (bookings, lapse) in [(0..lapsed, true), (lapsed..BOOKINGS, false)] {
                for house in &mut twins {
                    house.take(&line.api, bookings.clone(), lapse).await;
                }
                if lapse {
                    db.let_holds_lapse().await;
                }
            }
            let drafts: Vec<_> = {
                let count = random.random_range(4..20);
                let any = |place| Draft::any(&mut random, place);
                let mut drafts: Vec<_> = (0..count).map(any).collect();
                // A move takes two lanes, and queues with the others of neither.
                drafts.extend(random.random_bool(0.3).then(|| Draft::a_move(count)));
                drafts
            };
            let [batch, single] = &mut twins;
            let requests = drafts.iter().map(|draft| batch.request(&line.api, draft));
            let before = line.batches().await;
            let together = line.together(&batch.room, requests.collect()).await;
            let after = line.batches().await;
            batches += after.0 - before.0;
            members += after.1 - before.1;
            line.api.book(&single.room, 300, 301).await.expect(201);
            let mut one_by_one = Vec::new();
            for draft in &drafts {
                one_by_one.push(single.request(&line.api, draft).send().await);
            }
            let answers = together.iter().zip(&one_by_one);
            for (draft, (batch_said, single_said)) in drafts.iter().zip(answers) {
                let said = [batch.plain(batch_said), single.plain(single_said)];
                assert_eq!(said[0], said[1], "round {round}: {draft:?} among {drafts:#?}");
            }
            let (rows, twins) = (batch.rows(&line.api).await, single.rows(&line.api).await);
            for (row, twin) in rows.iter().zip(&twins) {
                assert_eq!(row, twin, "round {round}: {drafts:#?}");
            }
            assert_eq!(rows.len(), twins.len(), "round {round}: {drafts:#?}");
            // What keys keep is the same too.
            for draft in drafts.iter().filter(|draft| draft.has("idempotency-key")) {
                let again = batch.request(&line.api, draft).send().await;
                let twin = single.request(&line.api, draft).send().await;
                assert_eq!(batch.plain(&again), single.plain(&twin), "round {round}: {draft:?}");
            }
        }
        eprintln!("{:?}: {members} requests in {batches} batches", db.kind());
        assert!(members > 2 * batches, "{members} requests in {batches} batches");
    }
}

on_both_databases! {
    /// What goes wrong with one request of a batch is told to it alone; all others are booked.
    async fn one_members_failure_reaches_no_other(db: Database) {
        db.is_left_unsound("a booking is written past the service, and another one broken");
        // The one that waits for its key does so with company first, and then at each attempt.
        let request_timeout = PATIENCE;
        let line =
            Line::start(&db, ReplicaOptions { request_timeout, ..ReplicaOptions::default() }).await;
        for (failure, status) in [
            (Failure::Guard, 409), (Failure::Key, 409), (Failure::Corrupt, 500), (Failure::Number, 409),
            (Failure::Reference, 409),
        ] {
            // The whole of SQLite is one writer's, so a key is never another's alone.
            if matches!(failure, Failure::Key) && db.kind() == Kind::Sqlite {
                continue;
            }
            let hotel = line.api.hotel().await;
            let (room, other) = (line.api.room(&hotel, "101").await, line.api.room(&hotel, "102").await);
            let earlier = id_of(&line.api.book(&room, 50, 51).await.expect(201));
            let mut held = None;
            let book = |night| {
                let path = format!("/v1/rooms/{room}/bookings");
                line.api.client.post(line.api.path(&path)).json(stay_body(night, night + 1))
            };
            let mut requests: Vec<_> = (0..10).map(&book).collect();
            requests.extend((10..20).map(|night| {
                book(night).header("idempotency-key", format!("{room}-{night}"))
            }));
            let victim = match failure {
                Failure::Guard => book(30),
                Failure::Key => {
                    let key = format!("{room}-victim");
                    held = Some(db.hold_key(&key).await);
                    book(30).header("idempotency-key", key)
                }
                Failure::Corrupt => {
                    let id = db.kind().uuid(&earlier);
                    db.sql(&format!("UPDATE bookings SET guest_email = 'none' WHERE id = {id}")).await;
                    line.api.client.post(line.api.path(&format!("/v1/bookings/{earlier}/cancel")))
                }
                Failure::Number => {
                    let edit = line.api.client.patch(line.api.path(&format!("/v1/rooms/{room}")));
                    edit.header("if-match", "*").json(json!({ "number": "102" }))
                }
                Failure::Reference => {
                    let mut body = stay_body(30, 31);
                    body["reference"] = "R1".into();
                    line.api.post(&format!("/v1/rooms/{other}/bookings"), &body).await.expect(201);
                    book(30).json(body)
                }
            };
            requests.insert(5, victim);
            let queued = line.queue(&room, requests).await;
            if matches!(failure, Failure::Guard) {
                // When the batch is decided, and before it is committed.
                let lawless = Uuid::now_v7().to_string();
                line.rival.interfere(1, &line.rival.lawless_booking(&earlier, &lawless, &day(30), &day(31)));
            }
            line.rival.let_go(1);
            for (place, request) in queued.into_iter().enumerate() {
                let answer = request.await.expect("a client does not panic");
                assert_eq!(answer.status, if place == 6 { status } else { 201 }, "{failure:?} {place} {answer:?}");
            }
            if let Some(held) = held {
                held.let_go().await;
            }
            let urls = [line.replica.url()];
            let fired = counted(&urls, "booking_overlap_guard_violations_total", &[]).await;
            assert_eq!(fired, 1, "the guard's word is counted once, whatever else is in the batch");
        }
    }

    /// Who was given up before the batch is committed is left out; the others are booked.
    async fn a_deadline_that_passes_takes_no_other_along(db: Database) {
        // Half of it for the others to come, and half for them to be booked, on a busy machine.
        let timeout = Duration::from_secs(10);
        let options = ReplicaOptions { request_timeout: timeout, ..ReplicaOptions::default() };
        let line = Line::start(&db, options).await;
        for batch_is_decided in [false, true] {
            let room = line.api.one_room().await;
            let book = |night| {
                let path = format!("/v1/rooms/{room}/bookings");
                line.api.client.post(line.api.path(&path)).json(stay_body(night, night + 1))
            };
            let mut early = line.queue(&room, vec![book(0)]).await;
            eventually("it waits", PATIENCE, || async { (line.replica.app.lanes.waiting() == 1).then_some(()) }).await;
            // So that the others' deadlines are later.
            tokio::time::sleep(timeout / 2).await;
            let late: Vec<_> = (1..9).map(|night| tokio::spawn(book(night).send())).collect();
            eventually("all wait", PATIENCE, || async { (line.replica.app.lanes.waiting() == 9).then_some(()) }).await;
            if batch_is_decided {
                line.rival.hold_up(1);
                line.rival.let_go(1);
                line.rival.has_held_up(1).await;
            }
            let given_up = early.remove(1).await.expect("a client does not panic").expect(503);
            assert_eq!(given_up.code(), "unavailable");
            line.rival.let_go(1);
            for answer in late {
                answer.await.expect("a client does not panic").expect(201);
            }
            let told = early.remove(0).await.expect("a client does not panic").status;
            let sold = 8 + u64::from(told == 201);
            assert_eq!(line.api.room_now(&room).await["times_booked"], sold);
        }
    }

    /// As many as one batch takes, and every one is answered in time.
    async fn a_full_batch_is_answered_in_time(db: Database) {
        let line = Line::start(&db, ReplicaOptions::default()).await;
        let room = line.api.one_room().await;
        let path = line.api.path(&format!("/v1/rooms/{room}/bookings"));
        let book = |night| line.api.client.post(&path).json(stay_body(night, night + 1));
        let requests = (0..65).map(book);
        let queued = line.queue(&room, requests.collect()).await;
        let ready = || async { (line.replica.app.lanes.waiting() == 65).then_some(()) };
        eventually("all wait", PATIENCE, ready).await;
        let before = line.batches().await;
        let began = Instant::now();
        line.rival.let_go(1);
        for answer in queued {
            answer.await.expect("a client does not panic").expect(201);
        }
        let (batches, members) = line.batches().await;
        assert_eq!((batches - before.0, members - before.1), (2, 65), "64 and one");
        eprintln!("{:?}: 65 bookings in two batches within {:?}", db.kind(), began.elapsed());
        idle(&line.replica).await;
        line.is_empty();
    }
}

/// What goes wrong with one of them.
#[derive(Debug)]
enum Failure {
    /// A booking written past the service on its nights.
    Guard,
    /// Its key is in another transaction's hands.
    Key,
    /// Its booking is broken.
    Corrupt,
    /// Another room has the number it wants.
    Number,
    /// A booking of another room has the reference it wants.
    Reference,
}

/// A replica whose requests can be made to queue.
pub struct Line {
    pub replica: Replica,
    pub rival: Rival,
    pub api: Api,
}

impl Line {
    pub async fn start(db: &Database, options: ReplicaOptions) -> Self {
        let rival = Rival::on(db);
        let replica =
            Replica::start_with(db, ReplicaOptions { failpoint: rival.failpoint(), ..options })
                .await;
        let api = Api::new(replica.url());
        Self { replica, rival, api }
    }

    /// Sends `requests` about `room` in this order while a booking of night 300 is held up there, then
    /// lets all go.
    pub async fn together(&self, room: &str, requests: Vec<Request>) -> Vec<Answer> {
        let queued = self.queue(room, requests).await;
        self.rival.let_go(1);
        let mut answers = Vec::new();
        for request in queued {
            answers.push(request.await.expect("a client does not panic"));
        }
        answers.remove(0).expect(201);
        answers
    }

    /// The same, without letting go; the booking comes first.
    pub async fn queue(
        &self,
        room: &str,
        requests: Vec<Request>,
    ) -> Vec<tokio::task::JoinHandle<Answer>> {
        self.rival.hold_up(1);
        let (api, room) = (self.api.clone(), room.to_owned());
        let mut queued = vec![tokio::spawn(async move { api.book(&room, 300, 301).await })];
        self.rival.has_held_up(1).await;
        let lanes = &self.replica.app.lanes;
        let last = requests.len().saturating_sub(1);
        for (place, request) in requests.into_iter().enumerate() {
            let before = lanes.waiting();
            let sent = tokio::spawn(request.send());
            let arrives = async {
                while lanes.waiting() == before && !sent.is_finished() && place < last {
                    tokio::time::sleep(Duration::from_millis(1)).await;
                }
            };
            tokio::time::timeout(PATIENCE, arrives).await.expect("it queues or is answered");
            queued.push(sent);
        }
        queued
    }

    /// No lane is left when nothing is at work.
    pub fn is_empty(&self) {
        no_lane_is_left(&self.replica);
    }

    /// How many batches there were, and how many requests in them.
    pub async fn batches(&self) -> (u64, u64) {
        let urls = [self.replica.url()];
        (
            counted(&urls, "booking_lane_batch_size_count", &[]).await,
            counted(&urls, "booking_lane_batch_size_sum", &[]).await,
        )
    }
}

/// Lanes exist only while a request is in them.
pub fn no_lane_is_left(replica: &Replica) {
    let lanes = format!("{:?}", replica.app.lanes);
    assert!(lanes.contains("data: {}"), "{lanes}");
}

/// A request to either twin; `{room}`, `{other}`, `{b0}` … and `{name}` stand for what differs.
#[derive(Clone, Debug)]
struct Draft {
    method: &'static str,
    path: String,
    body: Option<Value>,
    headers: Vec<(&'static str, String)>,
}

impl Draft {
    fn any(random: &mut StdRng, place: usize) -> Self {
        let booking = random.random_range(0..BOOKINGS);
        let night = random.random_range(0..12);
        let stay = stay_body(night, night + random.random_range(1..4));
        let with = |name: &str, value: Value| {
            let mut body = stay.clone();
            body[name] = value;
            body
        };
        let to_room = |body| ("POST", "/v1/rooms/{room}/bookings".to_owned(), Some(body));
        let of_booking = |what: &str| format!("/v1/bookings/{{b{booking}}}{what}");
        let room = || "/v1/rooms/{room}".to_owned();
        let (method, path, body) = match random.random_range(0..22) {
            0..=5 => to_room(stay),
            6..=8 => to_room(with("hold_seconds", 600.into())),
            9 => to_room(with("guests", 5.into())),
            10 => to_room(with("check_out", day(night).into())),
            11..=12 => ("POST", of_booking("/confirm"), None),
            13..=15 => ("POST", of_booking("/cancel"), None),
            16 => ("PATCH", of_booking(""), Some(json!({ "guests": random.random_range(1..3) }))),
            17 => {
                let days = json!({ "check_in": day(night), "check_out": day(night + 2) });
                ("PATCH", of_booking(""), Some(days))
            }
            18 => ("PATCH", room(), Some(json!({ "capacity": random.random_range(1..4) }))),
            19 => ("PATCH", room(), Some(json!({ "kind": "double" }))),
            20 => {
                let status = if random.random_bool(0.5) { "closed" } else { "open" };
                ("PATCH", room(), Some(json!({ "status": status })))
            }
            _ => ("DELETE", room(), None),
        };
        let versions = if path.contains("/v1/rooms") { 8..16 } else { 1..4 };
        let version = random.random_range(versions);
        let (mut path, mut headers) = (path, Vec::new());
        let conditional = if method == "POST" { 0.25 } else { 0.9 };
        if random.random_bool(conditional) {
            match random.random_range(0..8) {
                0..=1 => path = format!("{path}?version={version}"),
                2..=4 => headers.push(("if-match", format!("\"{version}\""))),
                _ => headers.push(("if-match", "*".to_owned())),
            }
        }
        match random.random_range(0..10) {
            0..=3 => headers.push(("idempotency-key", format!("{{name}}-{place}"))),
            // The key of a booking made before.
            4 if place < BOOKINGS => {
                headers.push(("idempotency-key", format!("{{name}}-b{place}")));
            }
            _ => {}
        }
        if random.random_bool(0.2) {
            headers.push(("prefer", "return=minimal".to_owned()));
        }
        headers.push(("x-request-id", format!("r-{place}")));
        Self { method, path, body, headers }
    }

    /// To the other room.
    fn a_move(place: usize) -> Self {
        let headers = vec![("if-match", "*".to_owned()), ("x-request-id", format!("r-{place}"))];
        let body = Some(json!({ "room_id": "{other}" }));
        Self { method: "PATCH", path: "/v1/bookings/{b5}".to_owned(), body, headers }
    }

    fn has(&self, header: &str) -> bool {
        self.headers.iter().any(|(name, _)| *name == header)
    }
}

/// A hotel of two rooms; one has some bookings, of which the first few are lapsed holds.
struct House {
    name: String,
    room: String,
    other: String,
    bookings: Vec<String>,
    /// The names of what has an id, by order of appearance.
    names: HashMap<Uuid, String>,
}

impl House {
    async fn build(api: &Api, name: String) -> Self {
        let hotel = api.hotel().await;
        let (room, other) = (api.room(&hotel, "101").await, api.room(&hotel, "102").await);
        let known = [&hotel, &room, &other].map(|id| id.parse().expect("a UUID"));
        let names = known.into_iter().zip(["hotel", "room", "other"].map(str::to_owned)).collect();
        Self { name, room, other, bookings: Vec::new(), names }
    }

    /// Adds bookings, every other one a hold, or all of them.
    async fn take(&mut self, api: &Api, places: Range<usize>, hold: bool) {
        let path = format!("/v1/rooms/{}/bookings", self.room);
        for place in places {
            let mut body = stay_body(2 * place as u64, 2 * place as u64 + 1);
            if hold || place % 2 == 0 {
                body["hold_seconds"] = 600.into();
            }
            let key = format!("{}-b{place}", self.name);
            let id = id_of(&api.post_keyed(&path, &body, &key).await.expect(201));
            self.names.insert(id.parse().expect("a UUID"), format!("b{place}"));
            self.bookings.push(id);
        }
    }

    fn fill(&self, text: &str) -> String {
        let text = text.replace("{room}", &self.room).replace("{other}", &self.other);
        let text = text.replace("{name}", &self.name);
        let bookings = self.bookings.iter().enumerate();
        bookings.fold(text, |text, (place, id)| text.replace(&format!("{{b{place}}}"), id))
    }

    fn request(&self, api: &Api, draft: &Draft) -> Request {
        let method = draft.method.parse().expect("a method");
        let mut request = api.client.request(method, api.path(&self.fill(&draft.path)));
        for (name, value) in &draft.headers {
            request = request.header(name, self.fill(value));
        }
        match &draft.body {
            Some(body) => {
                let body: Value =
                    serde_json::from_str(&self.fill(&body.to_string())).expect("JSON");
                request.json(body)
            }
            None => request,
        }
    }

    /// An answer without ids and instants.
    fn plain(&mut self, answer: &Answer) -> Value {
        let mut headers = serde_json::Map::new();
        for name in [
            "etag",
            "location",
            "content-type",
            "idempotency-replayed",
            "preference-applied",
            "retry-after",
            "x-request-id",
            "vary",
            "cache-control",
        ] {
            headers
                .insert(name.to_owned(), answer.header(name).map(|it| self.plain_text(it)).into());
        }
        let body = if answer.body.is_empty() { Value::Null } else { answer.json() };
        json!({ "status": answer.status, "headers": headers, "body": self.plain_json(body) })
    }

    fn plain_json(&mut self, value: Value) -> Value {
        match value {
            Value::String(text) => self.plain_text(&text).into(),
            Value::Array(items) => items.into_iter().map(|item| self.plain_json(item)).collect(),
            Value::Object(mut fields) => {
                // A hint, as of the moment of the answer.
                fields.remove("alternatives");
                fields.into_iter().map(|(name, value)| (name, self.plain_json(value))).collect()
            }
            plain @ (Value::Null | Value::Bool(_) | Value::Number(_)) => plain,
        }
    }

    fn plain_text(&mut self, text: &str) -> String {
        if chrono::DateTime::parse_from_rfc3339(text).is_ok() {
            return "an instant".to_owned();
        }
        let mut plain = String::new();
        for word in text.split_inclusive(|c: char| !c.is_ascii_hexdigit() && c != '-') {
            let id = word.trim_end_matches(|c: char| !c.is_ascii_hexdigit());
            match id.parse::<Uuid>() {
                Ok(uuid) => {
                    let next = format!("#{}", self.names.len());
                    plain.push_str(self.names.entry(uuid).or_insert(next));
                    plain.push_str(&word[id.len()..]);
                }
                Err(_) => plain.push_str(word),
            }
        }
        plain
    }

    /// Both rooms, their bookings and events.
    async fn rows(&mut self, api: &Api) -> Vec<Value> {
        let mut rows = Vec::new();
        for room in [self.room.clone(), self.other.clone()] {
            let now = api.get(&format!("/v1/rooms/{room}")).await;
            rows.push(self.plain(&now));
            let history = events(api, &room).await;
            rows.extend(history.into_iter().map(|event| self.plain_json(event)));
            let bookings = api.get(&format!("/v1/bookings?room_id={room}&limit=200")).await;
            let bookings = bookings.expect(200).json()["items"].clone();
            // New ones are named in the answers; as rows they have no order.
            let Value::Array(mut bookings) = self.plain_json(bookings) else { panic!("a list") };
            bookings.sort_by_key(ToString::to_string);
            rows.extend(bookings);
        }
        rows
    }
}
