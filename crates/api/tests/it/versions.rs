//! Is the history one that could have happened one write at a time?
//!
//! Every acknowledged write names the version of the room that it produced, so its place in the
//! order is known, and no general checker is needed. Clients of mixed operations run against a few
//! rooms over all replicas, some of them hang up, and on PostgreSQL one replica's commits are cut
//! now and then. Afterwards the rooms' histories are replayed, and everything that any client was told
//! is held against them.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use serde_json::{Value, json};
use vacancy_testkit::database::{Database, Kind};
use vacancy_testkit::http::{Answer, Request};
use vacancy_testkit::replica::{Replica, ReplicaOptions};
use vacancy_testkit::wire::{Cut, Wire};
use vacancy_testkit::{on_both_databases, seed};

use crate::crowd::{at_once, clients, counted, events, idle};
use crate::support::{Api, day};

const CLIENTS: usize = 16;
const ROOMS: usize = 4;
/// What each client does.
const STEPS: usize = 50;
/// Nights that are asked for: few enough that all are in each other's way.
const NIGHTS: u64 = 40;

on_both_databases! {
    /// The check itself; see above.
    async fn every_answer_fits_one_history_of_each_room(db: Database) {
        let seed = seed();
        let began = Instant::now();
        let wire = match db.kind() {
            Kind::Postgres => Some(Arc::new(Wire::start(db.address()).await)),
            Kind::Sqlite => None,
        };
        let mut replicas = vec![Replica::start(&db).await];
        if let Some(wire) = &wire {
            let database_url = Some(wire.url(db.url()));
            let options = ReplicaOptions { database_url, ..ReplicaOptions::default() };
            replicas.push(Replica::start_with(&db, options).await);
        }
        let urls: Vec<_> = replicas.iter().map(Replica::url).collect();
        let clients = clients(&urls, CLIENTS).await;
        let hotel = clients[0].hotel().await;
        let mut rooms = Vec::new();
        for number in 0..ROOMS {
            rooms.push(clients[0].room(&hotel, &number.to_string()).await);
        }
        let known: Known = Arc::default();
        let rooms = Arc::new(rooms);
        let work = clients.iter().cloned().enumerate().map(|(number, api)| {
            let client = Client {
                number,
                api,
                rooms: rooms.clone(),
                known: known.clone(),
                random: StdRng::seed_from_u64(seed.wrapping_add(number as u64)),
                began,
                told: Vec::new(),
                looks: Vec::new(),
            };
            client.run()
        });
        let cutting = tokio::spawn(cut_now_and_then(wire.clone(), StdRng::seed_from_u64(seed)));
        let (told, looks): (Vec<_>, Vec<_>) = at_once(work.collect::<Vec<_>>()).await.into_iter().unzip();
        cutting.abort();
        let cuts = wire.as_ref().map(|wire| {
            wire.cut(Cut::None);
            wire.counters()
        });
        // Requests whose client hung up may still be at work.
        for replica in &replicas {
            idle(replica).await;
        }
        let told: BTreeMap<_, _> =
            told.into_iter().flatten().map(|told| (told.request.clone(), told)).collect();
        let looks: Vec<_> = looks.into_iter().flatten().collect();
        assert_eq!(told.len(), CLIENTS * STEPS - looks.len(), "every request has its own id");

        let mut history = Vec::new();
        for room in rooms.iter() {
            history.push(read_history(&clients[0], room).await);
        }
        let unknown_applied = every_event_belongs_to_a_write_that_may_have_happened(&history, &told);
        every_acknowledged_write_is_in_the_history(&history, &told, &rooms);
        no_write_ends_before_an_earlier_one_began(&history, &told);
        let states = replay(&history);
        every_look_saw_a_state_of_its_time(&history, &states, &told, &looks, &rooms);
        for ((room, events), states) in rooms.iter().zip(&history).zip(&states) {
            let now = clients[0].room_now(room).await;
            assert_eq!(now["version"], events.len(), "the last version is the last event's");
            let last = states.last().expect("a room begins with an event");
            assert_eq!(now["times_booked"], last.times_booked);
            // Version 1 was the room's creation; from there one for each write there was.
            let acknowledged = told.values().filter(|told| told.changed_room(&events[..])).count();
            let unknown = unknown_applied.get(room).copied().unwrap_or_default();
            assert_eq!(events.len(), 1 + acknowledged + unknown, "{room}");
        }
        assert_eq!(counted(&urls, "booking_overlap_guard_violations_total", &[]).await, 0);
        report(db.kind(), replicas.len(), &told, &looks, &history, &unknown_applied, began);
        if let Some(cuts) = cuts {
            eprintln!("commits cut: {} before, {} after", cuts.cut_before, cuts.cut_after);
        }
    }
}

/// Bookings that clients know of: an id and the `ETag` they last saw of it.
type Known = Arc<Mutex<Vec<(String, String)>>>;

/// A write as its client saw it.
#[derive(Debug)]
struct Told {
    request: String,
    kind: &'static str,
    began: Duration,
    /// When the answer had come; absent if none came, or one that leaves it open.
    ended: Option<Duration>,
    outcome: Outcome,
}

#[derive(Debug, PartialEq)]
enum Outcome {
    /// 2xx: the room and the version that the write produced in it.
    Done { room: String, version: u64, booking: Option<String> },
    /// 4xx or 503: not applied.
    Not(u16, String),
    /// Unknown: 504, or the client hung up.
    Unknown,
}

/// A room as a client saw it.
#[derive(Debug)]
struct Look {
    room: String,
    began: Duration,
    ended: Duration,
    version: u64,
    times_booked: i64,
    kind: String,
}

/// One version of a room.
#[derive(Debug)]
struct Event {
    room: String,
    version: u64,
    kind: String,
    booking: Option<String>,
    request: String,
    data: Value,
}

impl Told {
    /// Whether it is an acknowledged write that wrote one of these events.
    fn changed_room(&self, events: &[Event]) -> bool {
        matches!(self.outcome, Outcome::Done { .. })
            && events.iter().any(|event| event.request == self.request)
    }
}

struct Client {
    number: usize,
    api: Api,
    rooms: Arc<Vec<String>>,
    known: Known,
    random: StdRng,
    began: Instant,
    told: Vec<Told>,
    looks: Vec<Look>,
}

impl Client {
    async fn run(mut self) -> (Vec<Told>, Vec<Look>) {
        for step in 0..STEPS {
            self.step(step).await;
        }
        (self.told, self.looks)
    }

    async fn step(&mut self, step: usize) {
        let room = self.rooms[self.random.random_range(0..ROOMS)].clone();
        let known = self.pick();
        let request = format!("v-{}-{step}", self.number);
        let dice = self.random.random_range(0..100);
        let (kind, sent) = match (dice, known) {
            (0..10, _) => return self.look(&room).await,
            (10..18, _) => ("edit_room", self.edit_room(&room, &request)),
            (18..40, _) | (_, None) => ("book", self.book(&room, None)),
            (40..55, _) => ("hold", self.book(&room, Some(600))),
            (55..65, Some((id, _))) => ("confirm", self.command(&id, "confirm")),
            (65..76, Some((id, _))) => ("cancel", self.command(&id, "cancel")),
            (76..86, Some(known)) => ("edit_booking", self.edit_booking(&known, &request)),
            (_, Some(known)) => ("move", self.move_to(&known, &room)),
        };
        let mut sent = sent.header("X-Request-Id", &request);
        if self.random.random_bool(0.5) {
            sent = sent.header("Idempotency-Key", &request);
        }
        if self.random.random_bool(0.1) {
            // This client will not wait.
            sent = sent.timeout(Duration::from_micros(self.random.random_range(0..40_000)));
        }
        let began = self.began.elapsed();
        let answer = sent.try_send().await.ok();
        let heard = self.began.elapsed();
        let outcome = answer.as_ref().map_or(Outcome::Unknown, |answer| self.hear(kind, answer));
        let ended = (outcome != Outcome::Unknown).then_some(heard);
        self.told.push(Told { request, kind, began, ended, outcome });
    }

    fn hear(&mut self, kind: &'static str, answer: &Answer) -> Outcome {
        if answer.status == 504 {
            return Outcome::Unknown;
        }
        if answer.status >= 400 {
            assert!([409, 412, 503].contains(&answer.status), "{kind}: {answer:?}");
            return Outcome::Not(answer.status, answer.code());
        }
        let body = answer.json();
        let text = |name: &str| body[name].as_str().expect("a field of text").to_owned();
        if kind == "edit_room" {
            let version = body["version"].as_u64().expect("a version");
            return Outcome::Done { room: text("id"), version, booking: None };
        }
        let tag = answer.header("etag").expect("a booking has a tag").to_owned();
        self.known.lock().expect("no holder panics").push((text("id"), tag));
        let version = body["room_version"].as_u64().expect("a version");
        Outcome::Done { room: text("room_id"), version, booking: Some(text("id")) }
    }

    async fn look(&mut self, room: &str) {
        let began = self.began.elapsed();
        let now = self.api.room_now(room).await;
        self.looks.push(Look {
            room: room.to_owned(),
            began,
            ended: self.began.elapsed(),
            version: now["version"].as_u64().expect("a version"),
            times_booked: now["times_booked"].as_i64().expect("a number"),
            kind: now["kind"].as_str().expect("a text").to_owned(),
        });
    }

    /// A booking that a client knows of, mostly one of the latest.
    fn pick(&mut self) -> Option<(String, String)> {
        let known = self.known.lock().expect("no holder panics");
        let recent = known.len().min(30);
        if recent == 0 {
            return None;
        }
        let place = known.len() - 1 - self.random.random_range(0..recent);
        Some(known[place].clone())
    }

    fn stay(&mut self) -> (String, String) {
        let from = self.random.random_range(0..NIGHTS);
        (day(from), day(from + self.random.random_range(1..4)))
    }

    fn book(&mut self, room: &str, hold_seconds: Option<u64>) -> Request {
        let (check_in, check_out) = self.stay();
        let guest = json!({ "name": "Ada Lovelace" });
        let mut body =
            json!({ "check_in": check_in, "check_out": check_out, "guests": 2, "guest": guest });
        if let Some(seconds) = hold_seconds {
            body["hold_seconds"] = seconds.into();
        }
        self.api.client.post(self.api.path(&format!("/v1/rooms/{room}/bookings"))).json(&body)
    }

    fn command(&self, booking: &str, command: &str) -> Request {
        self.api.client.post(self.api.path(&format!("/v1/bookings/{booking}/{command}")))
    }

    /// A name that was not given before, so that the edit changes something.
    fn edit_booking(&mut self, (id, tag): &(String, String), request: &str) -> Request {
        self.patch_booking(id, tag, &json!({ "guest": { "name": request } }))
    }

    /// To another room, other nights, or both.
    fn move_to(&mut self, (id, tag): &(String, String), room: &str) -> Request {
        let (check_in, check_out) = self.stay();
        let mut body = json!({ "room_id": room });
        if self.random.random_bool(0.5) {
            body["check_in"] = check_in.into();
            body["check_out"] = check_out.into();
        }
        self.patch_booking(id, tag, &body)
    }

    fn patch_booking(&mut self, id: &str, tag: &str, body: &Value) -> Request {
        let tag = if self.random.random_bool(0.5) { tag } else { "*" };
        let request = self.api.client.patch(self.api.path(&format!("/v1/bookings/{id}")));
        request.json(body).header("If-Match", tag)
    }

    fn edit_room(&mut self, room: &str, request: &str) -> Request {
        let patch = self.api.client.patch(self.api.path(&format!("/v1/rooms/{room}")));
        patch.json(json!({ "kind": request })).header("If-Match", "*")
    }
}

/// Every now and then one commit on the wire is swallowed, before or after it took effect.
async fn cut_now_and_then(wire: Option<Arc<Wire>>, mut random: StdRng) {
    let Some(wire) = wire else { return };
    loop {
        let seen = wire.counters().passed;
        let further = random.random_range(5..20);
        while wire.counters().passed < seen + further {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        let before = random.random_bool(0.5);
        wire.cut(if before { Cut::BeforeCommit(1) } else { Cut::AfterCommit(1) });
    }
}

async fn read_history(api: &Api, room: &str) -> Vec<Event> {
    let events = events(api, room).await;
    let text = |value: &Value| value.as_str().map(ToOwned::to_owned);
    let events = events.into_iter().map(|event| Event {
        room: room.to_owned(),
        version: event["version"].as_u64().expect("a version"),
        kind: text(&event["kind"]).expect("a kind"),
        booking: text(&event["booking_id"]),
        request: text(&event["data"]["request_id"]).expect("an event names its request"),
        data: event["data"].clone(),
    });
    events.collect()
}

/// No version belongs to a request that was told "no". Gives, for each room, how many belong to
/// requests of which no client was told anything.
fn every_event_belongs_to_a_write_that_may_have_happened(
    history: &[Vec<Event>],
    told: &BTreeMap<String, Told>,
) -> BTreeMap<String, usize> {
    let mut unknown_applied = BTreeMap::new();
    let mut seen = BTreeSet::new();
    for event in history.iter().flatten().filter(|event| event.kind != "room_created") {
        let told = &told[&event.request];
        assert!(
            seen.insert((&event.request, &event.room)),
            "one request wrote the room twice: {event:?} {told:?}"
        );
        match &told.outcome {
            Outcome::Done { .. } => {}
            Outcome::Not(status, code) => {
                panic!("answered {status} {code}, and applied: {event:?} {told:?}")
            }
            Outcome::Unknown => *unknown_applied.entry(event.room.clone()).or_default() += 1,
        }
    }
    unknown_applied
}

/// An acknowledged write is where it was said to be; no two writes share a version.
fn every_acknowledged_write_is_in_the_history(
    history: &[Vec<Event>],
    told: &BTreeMap<String, Told>,
    rooms: &[String],
) {
    let mut acknowledged = BTreeSet::new();
    for told in told.values() {
        let Outcome::Done { room, version, booking } = &told.outcome else { continue };
        let place = rooms.iter().position(|its| its == room).expect("one of the rooms");
        let event = usize::try_from(*version - 1).ok().and_then(|at| history[place].get(at));
        let event = event.unwrap_or_else(|| panic!("acknowledged and lost: {told:?}"));
        let wrote = history.iter().flatten().any(|event| event.request == told.request);
        if !wrote {
            // It already was as asked: the version is that of the write that made it so.
            assert!(["confirm", "cancel", "move"].contains(&told.kind), "{told:?}");
            assert_eq!(event.booking, *booking, "{told:?}");
            continue;
        }
        assert_eq!(event.request, told.request, "{told:?}");
        assert_eq!(event.booking, *booking, "{told:?}");
        assert!(acknowledged.insert((room, version)), "acknowledged twice: {told:?}");
        let kinds: &[&str] = match told.kind {
            "book" => &["booked"],
            "hold" => &["held"],
            "confirm" => &["confirmed"],
            "cancel" => &["cancelled"],
            "edit_booking" => &["booking_edited"],
            "edit_room" => &["room_edited"],
            _ => &["moved_in", "rescheduled"],
        };
        assert!(kinds.contains(&event.kind.as_str()), "{told:?} {event:?}");
    }
}

/// Real time: sorted by version, no write ends before a write with a lower version began.
fn no_write_ends_before_an_earlier_one_began(
    history: &[Vec<Event>],
    told: &BTreeMap<String, Told>,
) {
    for events in history {
        let mut latest_began = Duration::ZERO;
        for event in &events[1..] {
            let write = &told[&event.request];
            if let Some(ended) = write.ended {
                assert!(
                    ended >= latest_began,
                    "{event:?} ended after {ended:?}, an earlier version began at {latest_began:?}"
                );
            }
            latest_began = latest_began.max(write.began);
        }
    }
}

/// What a room was at one version.
struct State {
    times_booked: i64,
    kind: String,
}

/// A booking while the histories are replayed.
struct Stay {
    room: usize,
    confirmed: bool,
    from: String,
    to: String,
}

/// Goes through all histories at once, a move's departure before its arrival, and holds every event
/// against the rules: transitions, nights that no other booking has. Gives each room's state at each
/// version.
fn replay(history: &[Vec<Event>]) -> Vec<Vec<State>> {
    let mut stays = BTreeMap::<String, Stay>::new();
    let mut departed = BTreeMap::<String, Stay>::new();
    let mut states: Vec<Vec<State>> = history.iter().map(|_| Vec::new()).collect();
    loop {
        let mut went_on = false;
        for (room, events) in history.iter().enumerate() {
            while let Some(event) = events.get(states[room].len()) {
                if event.kind == "moved_in" && !departed.contains_key(&event.request) {
                    break;
                }
                let (sold, kind) = apply(event, room, &mut stays, &mut departed);
                let (before, was) = states[room]
                    .last()
                    .map_or((0, String::new()), |state| (state.times_booked, state.kind.clone()));
                let times_booked = before + sold;
                states[room].push(State { times_booked, kind: kind.unwrap_or(was) });
                went_on = true;
            }
        }
        if !went_on {
            break;
        }
    }
    for (events, states) in history.iter().zip(&states) {
        assert_eq!(events.len(), states.len(), "moves that each came before the other: no history");
    }
    assert!(departed.is_empty(), "left a room and arrived nowhere");
    states
}

/// Applies one event. Gives by how much `times_booked` changes, and the room's new kind.
fn apply(
    event: &Event,
    room: usize,
    stays: &mut BTreeMap<String, Stay>,
    departed: &mut BTreeMap<String, Stay>,
) -> (i64, Option<String>) {
    let text = |name: &str| event.data[name].as_str().map(ToOwned::to_owned);
    let day = |name: &str| text(name).expect("an event of a booking has its nights");
    let id = event.booking.clone().unwrap_or_default();
    let present =
        |stays: &BTreeMap<String, Stay>| stays.get(&id).is_some_and(|its| its.room == room);
    let settle = |stays: &mut BTreeMap<String, Stay>, stay: Stay| {
        let taken = stays.iter().find(|(other, its)| {
            **other != id && its.room == stay.room && its.from < stay.to && stay.from < its.to
        });
        assert!(taken.is_none(), "sold twice: {event:?}, in the way {:?}", taken.map(|(id, _)| id));
        stays.insert(id.clone(), stay);
    };
    let nights = |confirmed| Stay { room, confirmed, from: day("check_in"), to: day("check_out") };
    match event.kind.as_str() {
        "room_created" | "room_edited" => (0, text("kind")),
        kind @ ("booked" | "held") => {
            assert!(!stays.contains_key(&id), "{event:?}");
            let confirmed = kind == "booked";
            settle(stays, nights(confirmed));
            (i64::from(confirmed), None)
        }
        "confirmed" => {
            assert!(present(stays), "{event:?}");
            let stay = stays.get_mut(&id).expect("present");
            assert!(!stay.confirmed, "confirmed twice: {event:?}");
            stay.confirmed = true;
            (1, None)
        }
        "cancelled" => {
            assert!(present(stays), "{event:?}");
            let stay = stays.remove(&id).expect("present");
            (-i64::from(stay.confirmed), None)
        }
        "booking_edited" => {
            assert!(present(stays), "{event:?}");
            (0, None)
        }
        "rescheduled" => {
            assert!(present(stays), "{event:?}");
            let confirmed = stays[&id].confirmed;
            settle(stays, nights(confirmed));
            (0, None)
        }
        "moved_out" => {
            assert!(present(stays), "{event:?}");
            let stay = stays.remove(&id).expect("present");
            let sold = -i64::from(stay.confirmed);
            assert!(departed.insert(event.request.clone(), stay).is_none(), "{event:?}");
            (sold, None)
        }
        "moved_in" => {
            let stay = departed.remove(&event.request).expect("it was looked for");
            settle(stays, nights(stay.confirmed));
            (i64::from(stay.confirmed), None)
        }
        other => panic!("no such event was asked for: {other}"),
    }
}

/// Each reader saw one whole state: no later than what was there when the answer came, and no
/// earlier than what was there when they asked.
fn every_look_saw_a_state_of_its_time(
    history: &[Vec<Event>],
    states: &[Vec<State>],
    told: &BTreeMap<String, Told>,
    looks: &[Look],
    rooms: &[String],
) {
    for look in looks {
        let room = rooms.iter().position(|room| *room == look.room).expect("one of the rooms");
        let version = usize::try_from(look.version).expect("small");
        let state = &states[room][version - 1];
        assert_eq!(look.times_booked, state.times_booked, "{look:?}");
        assert_eq!(look.kind, state.kind, "{look:?}");
        for event in &history[room][1..] {
            let write = &told[&event.request];
            if event.version <= look.version {
                assert!(
                    write.began <= look.ended,
                    "seen before it was asked for: {look:?} {write:?}"
                );
            } else if let Some(ended) = write.ended {
                assert!(ended >= look.began, "not seen after it was done: {look:?} {write:?}");
            }
        }
    }
}

/// What was there to check, so that a check of nothing does not pass for one.
fn report(
    database: Kind,
    replicas: usize,
    told: &BTreeMap<String, Told>,
    looks: &[Look],
    history: &[Vec<Event>],
    unknown_applied: &BTreeMap<String, usize>,
    began: Instant,
) {
    let mut numbers = BTreeMap::<String, usize>::new();
    let mut done = BTreeSet::new();
    for told in told.values() {
        let outcome = match &told.outcome {
            Outcome::Done { .. } => {
                done.insert(told.kind);
                "done".to_owned()
            }
            Outcome::Not(_, code) => code.clone(),
            Outcome::Unknown => "unknown".to_owned(),
        };
        *numbers.entry(outcome).or_default() += 1;
    }
    let versions: usize = history.iter().map(Vec::len).sum();
    eprintln!(
        "versions, {database:?}, {replicas} replicas: {} writes {numbers:?}, {} looks, {versions} \
         versions of {ROOMS} rooms, of unknown requests {}; {:?}",
        told.len(),
        looks.len(),
        unknown_applied.values().sum::<usize>(),
        began.elapsed()
    );
    let all = ["book", "hold", "confirm", "cancel", "edit_booking", "move", "edit_room"];
    assert_eq!(done, BTreeSet::from(all), "every operation succeeded at least once");
    assert!(!looks.is_empty());
}

/// The check is worth what it finds: histories that could not have happened, forged.
mod forged {
    use super::*;

    #[test]
    fn a_plain_history_passes() {
        let (history, told) = (vec![forged_room()], forged_writes());
        every_event_belongs_to_a_write_that_may_have_happened(&history, &told);
        every_acknowledged_write_is_in_the_history(&history, &told, &["r".to_owned()]);
        no_write_ends_before_an_earlier_one_began(&history, &told);
        let states = replay(&history);
        let times_booked: Vec<_> = states[0].iter().map(|state| state.times_booked).collect();
        assert_eq!(times_booked, [0, 1, 2]);
        let look = Look { version: 2, times_booked: 1, ..look_at(25, 26) };
        every_look_saw_a_state_of_its_time(&history, &states, &told, &[look], &["r".to_owned()]);
    }

    #[test]
    #[should_panic(expected = "sold twice")]
    fn a_night_sold_twice_is_found() {
        let mut history = vec![forged_room()];
        history[0][2].data["check_in"] = "2030-01-01".into();
        replay(&history);
    }

    #[test]
    #[should_panic(expected = "and applied")]
    fn an_effect_of_a_refused_request_is_found() {
        let mut told = forged_writes();
        told.get_mut("b").expect("forged").outcome = Outcome::Not(409, "lock_conflict".to_owned());
        every_event_belongs_to_a_write_that_may_have_happened(&[forged_room()], &told);
    }

    #[test]
    #[should_panic(expected = "acknowledged and lost")]
    fn a_lost_write_is_found() {
        let mut history = vec![forged_room()];
        history[0].pop();
        every_acknowledged_write_is_in_the_history(&history, &forged_writes(), &["r".to_owned()]);
    }

    #[test]
    #[should_panic(expected = "an earlier version began")]
    fn versions_against_real_time_are_found() {
        let mut told = forged_writes();
        told.get_mut("b").expect("forged").ended = Some(Duration::from_millis(9));
        no_write_ends_before_an_earlier_one_began(&[forged_room()], &told);
    }

    #[test]
    #[should_panic(expected = "not seen after it was done")]
    fn a_stale_look_is_found() {
        let (history, told) = (vec![forged_room()], forged_writes());
        let states = replay(&history);
        let look = Look { version: 2, times_booked: 1, ..look_at(41, 42) };
        every_look_saw_a_state_of_its_time(&history, &states, &told, &[look], &["r".to_owned()]);
    }

    #[test]
    #[should_panic(expected = "no history")]
    fn two_moves_that_each_came_first_are_found() {
        let nights = |from: &str, to: &str| json!({ "check_in": from, "check_out": to });
        let (one, two) = (nights("2030-01-01", "2030-01-02"), nights("2030-02-01", "2030-02-02"));
        let room = |room: &str, mine: &str, other: &str, arrives: &str, leaves: &str| {
            vec![
                event(room, 1, "room_created", None, "x", &json!({ "kind": "double" })),
                event(room, 2, "booked", Some(mine), mine, &one),
                event(room, 3, "moved_in", Some(other), arrives, &two),
                event(room, 4, "moved_out", Some(mine), leaves, &one),
            ]
        };
        replay(&[room("r", "a", "b", "m2", "m1"), room("s", "b", "a", "m1", "m2")]);
    }

    /// Two bookings, `a` asked for from 10 to 20 ms and `b` from 30 to 40 ms.
    fn forged_room() -> Vec<Event> {
        let nights = |from: &str, to: &str| json!({ "check_in": from, "check_out": to });
        vec![
            event("r", 1, "room_created", None, "x", &json!({ "kind": "double" })),
            event("r", 2, "booked", Some("1"), "a", &nights("2030-01-01", "2030-01-03")),
            event("r", 3, "booked", Some("2"), "b", &nights("2030-01-03", "2030-01-04")),
        ]
    }

    fn forged_writes() -> BTreeMap<String, Told> {
        let write = |request: &str, began, version, booking: &str| Told {
            request: request.to_owned(),
            kind: "book",
            began: Duration::from_millis(began),
            ended: Some(Duration::from_millis(began + 10)),
            outcome: Outcome::Done {
                room: "r".to_owned(),
                version,
                booking: Some(booking.to_owned()),
            },
        };
        let writes = [write("a", 10, 2, "1"), write("b", 30, 3, "2")];
        writes.into_iter().map(|write| (write.request.clone(), write)).collect()
    }

    fn look_at(began: u64, ended: u64) -> Look {
        Look {
            room: "r".to_owned(),
            began: Duration::from_millis(began),
            ended: Duration::from_millis(ended),
            version: 1,
            times_booked: 0,
            kind: "double".to_owned(),
        }
    }

    fn event(
        room: &str,
        version: u64,
        kind: &str,
        booking: Option<&str>,
        request: &str,
        data: &Value,
    ) -> Event {
        Event {
            room: room.to_owned(),
            version,
            kind: kind.to_owned(),
            booking: booking.map(ToOwned::to_owned),
            request: request.to_owned(),
            data: data.clone(),
        }
    }
}
