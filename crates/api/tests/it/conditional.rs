//! Conditional requests: every row of the contract, on every method that takes preconditions.

use std::sync::atomic::{AtomicU64, Ordering};

use reqwest::Method;
use serde_json::{Value, json};
use vacancy_testkit::database::Database;
use vacancy_testkit::http::{Answer, Request};
use vacancy_testkit::on_both_databases;
use vacancy_testkit::replica::{Replica, ReplicaOptions};
use vacancy_testkit::scrape::{Scrape, difference};

use crate::rival::Rival;
use crate::support::{Api, id_of, stay_body};

/// What a row of the matrix comes to.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Means {
    /// Every precondition holds.
    Holds,
    /// `If-Match` does not.
    Stale,
    /// `If-Match` has only tags that this service could not have made.
    Foreign,
    /// `If-Match` does not, and has a weak member.
    Weak,
    /// `If-None-Match` does not.
    Known,
    /// `?version=` does not.
    OtherVersion,
    /// A header cannot be read.
    Malformed,
    /// `?version=` cannot be read.
    BadVersion,
}

use Means::{BadVersion, Foreign, Holds, Known, Malformed, OtherVersion, Stale, Weak};

/// Lines of `If-Match`, lines of `If-None-Match`, the query, and what they mean. `NOW` is the
/// resource's version, `NEXT` the one it will have.
type Row = (&'static [&'static str], &'static [&'static str], &'static str, Means);

const ROWS: &[Row] = &[
    // If-Match: any member may match, compared strongly.
    (&["\"NOW\""], &[], "", Holds),
    (&["\"NEXT\", \"NOW\""], &[], "", Holds),
    (&["\"NEXT\"", "\"NOW\""], &[], "", Holds),
    (&["\"NOW\",,\"a,b\""], &[], "", Holds),
    (&["W/\"NOW\", \"NOW\""], &[], "", Holds),
    (&["\"NEXT\""], &[], "", Stale),
    (&["\"NEXT\", \"x\""], &[], "", Stale),
    (&["\"\""], &[], "", Foreign),
    (&["\"0NOW\""], &[], "", Foreign),
    (&["\"NOW-gzip\""], &[], "", Foreign),
    (&["\"NOW;br\", \"NOW--gzip\""], &[], "", Foreign),
    (&["\"NOW-gzip\", \"NOW\""], &[], "", Holds),
    (&["\"9223372036854775808\""], &[], "", Foreign),
    (&["W/\"NOW\""], &[], "", Weak),
    (&["W/\"x\""], &[], "", Weak),
    (&["\"NEXT\", W/\"NOW\""], &[], "", Weak),
    // Whatever is there.
    (&["*"], &[], "", Holds),
    (&[" * "], &[], "", Holds),
    // Unquoted digits are a tag.
    (&["NOW"], &[], "", Holds),
    (&["NEXT, NOW"], &[], "", Holds),
    (&["NEXT"], &[], "", Stale),
    (&["0NOW"], &[], "", Foreign),
    // Neither a list of tags nor a lone star.
    (&["\"NOW\", *"], &[], "", Malformed),
    (&["*", "\"NOW\""], &[], "", Malformed),
    (&["*", "*"], &[], "", Malformed),
    (&[""], &[], "", Malformed),
    (&[","], &[], "", Malformed),
    (&["\"NOW"], &[], "", Malformed),
    (&["NOW\""], &[], "", Malformed),
    (&["'NOW'"], &[], "", Malformed),
    (&["W/NOW"], &[], "", Malformed),
    (&["w/\"NOW\""], &[], "", Malformed),
    (&["seven"], &[], "", Malformed),
    (&["\"NOW\" \"NEXT\""], &[], "", Malformed),
    // If-None-Match: weak comparison, by the same rules of writing.
    (&[], &["\"NEXT\""], "", Holds),
    (&[], &["\"NOW\""], "", Known),
    (&[], &["W/\"NOW\""], "", Known),
    (&[], &["\"NEXT\", W/\"NOW\""], "", Known),
    (&[], &["\"NEXT\"", "\"NOW\""], "", Known),
    (&[], &["NOW"], "", Known),
    (&[], &["*"], "", Known),
    (&[], &["\"NEXT\", *"], "", Malformed),
    (&[], &["W/NOW"], "", Malformed),
    // The version parameter.
    (&[], &[], "?version=NOW", Holds),
    (&[], &[], "?version=NEXT", OtherVersion),
    (&[], &[], "?version=9223372036854775807", OtherVersion),
    (&[], &[], "?version=9223372036854775808", BadVersion),
    (&[], &[], "?version=0", BadVersion),
    (&[], &[], "?version=0NOW", BadVersion),
    (&[], &[], "?version=-1", BadVersion),
    (&[], &[], "?version=%2B1", BadVersion),
    (&[], &[], "?version=1.0", BadVersion),
    (&[], &[], "?version=", BadVersion),
    (&[], &[], "?version=%22NOW%22", BadVersion),
    (&[], &[], "?version=NOW&version=NOW", BadVersion),
    // Together: If-Match, then If-None-Match, then the parameter; all must hold.
    (&["\"NOW\""], &["\"NEXT\""], "?version=NOW", Holds),
    (&["*"], &["\"NOW\""], "", Known),
    (&["\"NEXT\""], &["\"NOW\""], "", Stale),
    (&["\"NEXT\""], &["\"NEXT\""], "?version=NEXT", Stale),
    (&["W/\"NOW\""], &[], "?version=NEXT", Weak),
    (&["\"NOW\""], &["\"NOW\""], "?version=NEXT", Known),
    (&["\"NOW\""], &[], "?version=NEXT", OtherVersion),
    (&["*"], &[], "?version=NEXT", OtherVersion),
    (&["\"NEXT\""], &["W/NOW"], "", Stale),
    (&["\"NOW\""], &["W/NOW"], "", Malformed),
    (&["seven"], &[], "?version=seven", BadVersion),
];

/// No precondition at all.
const NOTHING: &[Row] = &[(&[], &[], "", Holds)];

/// Something to send a conditional request to.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Kind {
    Hotel,
    Room,
    Booking,
}

use Kind::{Booking, Hotel, Room};

/// A way of sending it.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Way {
    Get,
    Head,
    Put,
    Patch,
    Delete,
    Confirm,
    Cancel,
    /// Books the room.
    Book,
}

impl Way {
    /// Whether a request without `If-Match` and `?version=` is 428.
    fn edits(self) -> bool {
        matches!(self, Self::Put | Self::Patch | Self::Delete)
    }

    fn reads(self) -> bool {
        matches!(self, Self::Get | Self::Head)
    }

    fn success(self) -> u16 {
        match self {
            Self::Get | Self::Head | Self::Put | Self::Patch | Self::Confirm | Self::Cancel => 200,
            Self::Delete => 204,
            Self::Book => 201,
        }
    }
}

on_both_databases! {
    async fn every_row_on_a_hotel(db: Database) {
        check_rows(&db, Hotel, &[Way::Get, Way::Head, Way::Put, Way::Patch, Way::Delete]).await;
    }

    async fn every_row_on_a_room(db: Database) {
        let ways = [Way::Get, Way::Head, Way::Put, Way::Patch, Way::Delete, Way::Book];
        check_rows(&db, Room, &ways).await;
    }

    async fn every_row_on_a_booking(db: Database) {
        let ways = [Way::Get, Way::Head, Way::Patch, Way::Confirm, Way::Cancel];
        check_rows(&db, Booking, &ways).await;
    }

    /// Nothing is asked of commands and reads; edits must say what they edit.
    async fn only_edits_need_a_precondition(db: Database) {
        let replica = Replica::start(&db).await;
        let site = Site::build(&replica).await;
        site.check_rows(Hotel, &[Way::Get, Way::Put, Way::Patch, Way::Delete], NOTHING).await;
        site.check_rows(Room, &[Way::Head, Way::Patch, Way::Delete, Way::Book], NOTHING).await;
        site.check_rows(Booking, &[Way::Get, Way::Patch, Way::Confirm, Way::Cancel], NOTHING).await;
    }
}

async fn check_rows(db: &Database, kind: Kind, ways: &[Way]) {
    let replica = Replica::start(db).await;
    Site::build(&replica).await.check_rows(kind, ways, ROWS).await;
}

/// A hotel and a room to make subjects of, and a supply of nights and names.
struct Site {
    api: Api,
    hotel: String,
    room: String,
    used: AtomicU64,
}

/// One resource.
struct Subject {
    kind: Kind,
    id: String,
}

impl Subject {
    fn path(&self) -> String {
        match self.kind {
            Hotel => format!("/v1/hotels/{}", self.id),
            Room => format!("/v1/rooms/{}", self.id),
            Booking => format!("/v1/bookings/{}", self.id),
        }
    }

    fn name(&self) -> &'static str {
        match self.kind {
            Hotel => "hotel",
            Room => "room",
            Booking => "booking",
        }
    }
}

impl Site {
    async fn build(replica: &Replica) -> Self {
        let api = Api::new(replica.url());
        let hotel = api.hotel().await;
        let room = api.room(&hotel, "first").await;
        Self { api, hotel, room, used: AtomicU64::new(0) }
    }

    fn next(&self) -> u64 {
        self.used.fetch_add(1, Ordering::Relaxed)
    }

    async fn subject(&self, kind: Kind) -> Subject {
        let next = self.next();
        let id = match kind {
            Hotel => self.api.hotel().await,
            Room => self.api.room(&self.hotel, &format!("room {next}")).await,
            Booking => {
                id_of(&self.api.hold(&self.room, next % 900, next % 900 + 1).await.expect(201))
            }
        };
        Subject { kind, id }
    }

    /// Sends every row in every way, and looks at the answer and at what it left behind.
    async fn check_rows(&self, kind: Kind, ways: &[Way], rows: &[Row]) {
        for way in ways {
            let mut subject = self.subject(kind).await;
            for row in rows {
                let consumed = self.check(&subject, *way, row).await;
                if consumed {
                    subject = self.subject(kind).await;
                }
            }
        }
    }

    async fn shown(&self, subject: &Subject) -> Value {
        self.api.get(&subject.path()).await.expect(200).json()
    }

    fn request(&self, subject: &Subject, way: Way, query: &str, shown: &Value) -> Request {
        let path = match way {
            Way::Get | Way::Head | Way::Put | Way::Patch | Way::Delete => subject.path(),
            Way::Confirm => format!("{}/confirm", subject.path()),
            Way::Cancel => format!("{}/cancel", subject.path()),
            Way::Book => format!("{}/bookings", subject.path()),
        };
        let method = match way {
            Way::Get => Method::GET,
            Way::Head => Method::HEAD,
            Way::Put => Method::PUT,
            Way::Patch => Method::PATCH,
            Way::Delete => Method::DELETE,
            Way::Confirm | Way::Cancel | Way::Book => Method::POST,
        };
        let request = self.api.client.request(method, self.api.path(&format!("{path}{query}")));
        let next = self.next();
        match way {
            Way::Put => {
                // What GET gave, with one change.
                let mut body = shown.clone();
                let field = if subject.kind == Hotel { "name" } else { "kind" };
                body[field] = format!("put {next}").into();
                request.json(body)
            }
            Way::Patch => request.json(match subject.kind {
                Hotel => json!({ "name": format!("patch {next}") }),
                Room => json!({ "kind": format!("patch {next}") }),
                Booking => json!({ "guest": { "name": format!("patch {next}") } }),
            }),
            Way::Book => request.json(stay_body(next % 900, next % 900 + 1)),
            Way::Get | Way::Head | Way::Delete | Way::Confirm | Way::Cancel => request,
        }
    }

    /// Sends one row in one way. Says whether the subject cannot be used again.
    async fn check(&self, subject: &Subject, way: Way, row: &Row) -> bool {
        let (if_match, if_none_match, query, means) = row;
        let shown = self.shown(subject).await;
        let now = shown["version"].as_i64().expect("every representation has its version");
        let filled = |text: &str| {
            text.replace("NOW", &now.to_string()).replace("NEXT", &(now + 1).to_string())
        };
        let mut request = self.request(subject, way, &filled(query), &shown);
        for line in *if_match {
            request = request.header("If-Match", filled(line));
        }
        for line in *if_none_match {
            request = request.header("If-None-Match", filled(line));
        }
        let answer = request.send().await;
        let case = format!(
            "{way:?} {subject} {row:?} at version {now}: {answer:?}",
            subject = subject.name()
        );

        let (status, code) = expected(way, row);
        assert_eq!(answer.status, status, "{case}");
        if let Some(code) = code
            && way != Way::Head
        {
            assert_eq!(answer.code(), code, "{case}");
        }
        let shows_version = match status {
            304 | 412 => true,
            409 => {
                let provided = if query.contains("NEXT") { now + 1 } else { i64::MAX };
                check_conflict(subject, now, provided, way, &answer);
                true
            }
            _ => false,
        };
        if shows_version {
            assert_eq!(answer.header("etag"), Some(format!("\"{now}\"").as_str()), "{case}");
            if status != 304 && way != Way::Head {
                assert_eq!(answer.json()["current_version"], now, "{case}");
            }
        }
        if status == 304 {
            assert!(answer.body.is_empty(), "{case}");
            let cache = Some("private, no-cache, no-transform");
            assert_eq!(answer.header("cache-control"), cache, "{case}");
        }
        self.check_left_behind(subject, way, *means, status, now, &answer).await
    }

    /// A refused request leaves the version alone; one that is carried out advances it by one.
    async fn check_left_behind(
        &self,
        subject: &Subject,
        way: Way,
        means: Means,
        status: u16,
        now: i64,
        answer: &Answer,
    ) -> bool {
        let done = status == way.success();
        if done && way == Way::Delete {
            self.api.get(&subject.path()).await.expect(404);
            return true;
        }
        let after = self.shown(subject).await["version"].clone();
        let advanced = done && !way.reads();
        assert_eq!(after, now + i64::from(advanced), "{way:?} {means:?}: {answer:?}");
        if advanced && way != Way::Book {
            assert_eq!(answer.header("etag"), Some(format!("\"{after}\"").as_str()), "{answer:?}");
        }
        if advanced && way == Way::Book {
            assert_eq!(answer.json()["room_version"], after, "{answer:?}");
            assert_eq!(answer.header("etag"), Some("\"1\""), "the booking's own: {answer:?}");
        }
        advanced && matches!(way, Way::Confirm | Way::Cancel)
    }
}

fn check_conflict(subject: &Subject, now: i64, provided: i64, way: Way, answer: &Answer) {
    if way == Way::Head {
        return;
    }
    let words = format!(
        "[{}][{}]: version conflict, current version [{now}] is different than the one \
         provided [{provided}]",
        subject.name(),
        subject.id
    );
    assert_eq!(answer.json()["detail"], words, "{answer:?}");
    assert_eq!(answer.json()["provided_version"], provided, "{answer:?}");
}

fn expected(way: Way, row: &Row) -> (u16, Option<&'static str>) {
    let (if_match, _, query, means) = row;
    if *means == BadVersion {
        return (400, Some("invalid_version"));
    }
    // If-None-Match alone does not say what is edited.
    if way.edits() && if_match.is_empty() && query.is_empty() {
        return (428, Some("precondition_required"));
    }
    match means {
        Holds => (way.success(), None),
        Known if way.reads() => (304, None),
        Stale | Known => (412, Some("precondition_failed")),
        Foreign => (412, Some("foreign_etag")),
        Weak => (412, Some("weak_etag")),
        OtherVersion => (409, Some("version_conflict")),
        Malformed => (400, Some("malformed_precondition")),
        BadVersion => (400, Some("invalid_version")),
    }
}

/// A request, as far as the order of checks depends on it. Absent parts are fine.
#[derive(Clone, Copy, Default)]
struct Faults {
    query: &'static str,
    media_type: Option<&'static str>,
    body: Option<&'static str>,
    too_large: bool,
    if_match: Option<&'static str>,
    keys: &'static [&'static str],
}

const FINE: Faults = Faults {
    query: "",
    media_type: None,
    body: None,
    too_large: false,
    if_match: Some("*"),
    keys: &[],
};
const STALE: Faults = Faults { if_match: Some("\"77\""), ..FINE };
const NONE: Faults = Faults { if_match: None, ..FINE };

/// Of several faults in one request, the first in the contract's order is answered.
const ORDER: &[(Faults, u16, &str)] = &[
    (
        Faults { media_type: Some("text/plain"), too_large: true, ..STALE },
        415,
        "unsupported_media_type",
    ),
    (Faults { too_large: true, query: "?bogus=1", ..STALE }, 413, "payload_too_large"),
    (Faults { query: "?bogus=1", body: Some("{"), ..STALE }, 400, "invalid_request"),
    (Faults { query: "?version=x", body: Some("{"), ..STALE }, 400, "invalid_version"),
    (Faults { keys: &["a", "b"], ..STALE }, 400, "invalid_request"),
    (Faults { keys: &["a b"], ..NONE }, 400, "invalid_request"),
    (Faults { body: Some("{"), ..NONE }, 428, "precondition_required"),
    (Faults { body: Some("{\"bogus\": 1}"), ..NONE }, 428, "precondition_required"),
    (Faults { body: Some("{"), ..STALE }, 412, "precondition_failed"),
    (Faults { body: Some("{\"bogus\": 1}"), ..STALE }, 412, "precondition_failed"),
    (Faults { query: "?version=77", ..STALE }, 412, "precondition_failed"),
    (Faults { query: "?version=77", body: Some("{"), ..FINE }, 409, "version_conflict"),
    (Faults { query: "?version=77", body: Some("[]"), ..NONE }, 409, "version_conflict"),
    (Faults { body: Some("{"), ..FINE }, 400, "invalid_request"),
    (Faults { body: Some("{\"bogus\": 1}"), ..FINE }, 422, "validation_failed"),
];

on_both_databases! {
    async fn the_first_fault_in_the_order_of_the_contract_is_answered(db: Database) {
        let replica = Replica::start(&db).await;
        let api = Api::new(replica.url());
        let room = api.one_room().await;
        let booking = id_of(&api.hold(&room, 0, 1).await.expect(201));
        let hotel = api.room_now(&room).await["hotel_id"].as_str().expect("text").to_owned();
        for path in [
            format!("/v1/hotels/{hotel}"),
            format!("/v1/rooms/{room}"),
            format!("/v1/bookings/{booking}"),
        ] {
            for (faults, status, code) in ORDER {
                let answer = send_faulty(&api, Method::PATCH, &path, faults).await;
                assert_eq!(
                    (answer.status, answer.code().as_str()),
                    (*status, *code),
                    "{path}: {answer:?}"
                );
            }
        }
        assert_eq!(api.get(&format!("/v1/hotels/{hotel}")).await.expect(200).json()["version"], 1);
        assert_eq!(api.get(&format!("/v1/bookings/{booking}")).await.json()["version"], 1);
        assert_eq!(api.room_now(&room).await["version"], 2);
    }

    /// 404 stands behind what is wrong with the request itself, and before its preconditions.
    async fn what_does_not_exist_is_404_before_its_preconditions_are_read(db: Database) {
        let replica = Replica::start(&db).await;
        let api = Api::new(replica.url());
        let absent = "01890000-0000-7000-8000-000000000000";
        for (faults, status) in [
            (NONE, 404),
            (STALE, 404),
            (Faults { if_match: Some("seven"), ..FINE }, 404),
            (Faults { if_match: Some(""), body: Some("{"), ..FINE }, 404),
            (Faults { query: "?version=7", body: Some("[]"), ..FINE }, 404),
            (Faults { query: "?version=x", ..FINE }, 400),
            (Faults { query: "?bogus=1", ..FINE }, 400),
            (Faults { keys: &["a", "b"], ..FINE }, 400),
            (Faults { media_type: Some("text/plain"), ..FINE }, 415),
            (Faults { too_large: true, ..FINE }, 413),
        ] {
            for (method, path) in [
                (Method::PATCH, format!("/v1/hotels/{absent}")),
                (Method::PUT, format!("/v1/rooms/{absent}")),
                (Method::PATCH, format!("/v1/bookings/{absent}")),
                (Method::POST, format!("/v1/rooms/{absent}/bookings")),
            ] {
                let answer = send_faulty(&api, method, &path, &faults).await;
                assert_eq!(answer.status, status, "{path}: {answer:?}");
                answer.code();
            }
        }
        for path in ["hotels", "rooms", "bookings"].map(|kind| format!("/v1/{kind}/{absent}")) {
            let url = api.path(&path);
            api.client.get(&url).header("If-Match", "seven").send().await.expect(404);
            api.client.get(&url).header("If-None-Match", "*").send().await.expect(404);
            api.client.head(&url).header("If-Match", "*").send().await.expect(404);
            api.get(&format!("{path}?version=x")).await.expect(400);
            api.get(&format!("{path}?version=7")).await.expect(404);
        }
        let url = api.path(&format!("/v1/rooms/{absent}"));
        api.client.delete(&url).send().await.expect(404);
        // A collection has no version to name, which is said only where there is one.
        let hotel = api.hotel().await;
        for collection in ["rooms", "bookings"] {
            for (hotel, status) in [(absent, 404), (hotel.as_str(), 400)] {
                let url = api.path(&format!("/v1/hotels/{hotel}/{collection}"));
                for tag in ["\"1\"", "\"1\", *", "*"] {
                    let request = api.client.post(&url).json(json!({})).header("If-Match", tag);
                    request.send().await.expect(status);
                }
            }
        }
        for command in ["confirm", "cancel"] {
            api.command(absent, command).await.expect(404);
        }
    }

    /// A retry of an edit whose answer was lost must hear that answer, not the 412 it caused.
    async fn a_key_is_replayed_before_preconditions_are_looked_at(db: Database) {
        let replica = Replica::start(&db).await;
        let api = Api::new(replica.url());
        let room = api.one_room().await;
        let path = format!("/v1/rooms/{room}");
        let send = |if_match: &'static str, query: &'static str, kind: &'static str| {
            let request = api.client.patch(api.path(&format!("{path}{query}")));
            let request = request.json(json!({ "kind": kind })).header("Idempotency-Key", "edit");
            request.header("If-Match", if_match).send()
        };
        let first = send("\"1\"", "", "suite").await.expect(200);
        assert_eq!(first.header("idempotency-replayed"), None);
        let again = send("\"1\"", "", "suite").await.expect(200);
        assert_eq!(again.header("idempotency-replayed"), Some("true"));
        assert_eq!(
            (again.body, again.headers.get("etag")),
            (first.body, first.headers.get("etag"))
        );
        for other in [
            send("\"1\"", "", "twin").await,
            send("\"2\"", "", "suite").await,
            send("\"1\"", "?version=1", "suite").await,
        ] {
            assert_eq!(other.expect(422).code(), "idempotency_mismatch");
        }
        let malformed = send("seven", "", "suite").await.expect(422);
        assert_eq!(malformed.code(), "idempotency_mismatch", "the key comes first");
        assert_eq!(api.room_now(&room).await["version"], 2);
    }

    async fn a_client_that_wants_no_body_gets_none(db: Database) {
        let replica = Replica::start(&db).await;
        let api = Api::new(replica.url());
        let room = api.one_room().await;
        let minimal = |request: Request| request.header("Prefer", "return=minimal").send();

        let hotel = json!({ "name": "Gritti", "city": "Venice" });
        let created = minimal(api.client.post(api.path("/v1/hotels")).json(hotel)).await;
        check_minimal(&created, 201, Some("\"1\""));
        let hotel = created.header("location").expect("a creation says where").to_owned();
        assert_eq!(api.get(&hotel).await.expect(200).json()["name"], "Gritti");

        let bookings = api.path(&format!("/v1/rooms/{room}/bookings"));
        let booked = minimal(api.client.post(&bookings).json(stay_body(0, 1))).await;
        check_minimal(&booked, 201, Some("\"1\""));
        let booking = booked.header("location").expect("a creation says where").to_owned();

        let edit = |name: &str| {
            let request = api.client.patch(api.path(&booking)).header("If-Match", "*");
            request.json(json!({ "guest": { "name": name } }))
        };
        check_minimal(&minimal(edit("Grace")).await, 204, Some("\"2\""));
        check_minimal(&minimal(edit("Grace")).await, 204, Some("\"2\""));
        let cancel = api.client.post(api.path(&format!("{booking}/cancel")));
        check_minimal(&minimal(cancel).await, 204, Some("\"3\""));

        // What is wrong is said all the same.
        let refused = minimal(edit("Heddy")).await.expect(409);
        assert_eq!(refused.code(), "invalid_transition");
        assert_eq!(refused.header("preference-applied"), None);
        // The stored answer is whole: the caller that repeats the request may want all of it.
        let keyed = |request: Request| request.json(stay_body(1, 2)).header("Idempotency-Key", "k");
        check_minimal(&minimal(keyed(api.client.post(&bookings))).await, 201, Some("\"1\""));
        let whole = keyed(api.client.post(&bookings)).send().await.expect(201);
        assert_eq!(whole.json()["status"], "confirmed");
    }

    async fn lists_have_weak_tags_for_304_and_nothing_else(db: Database) {
        let replica = Replica::start(&db).await;
        let api = Api::new(replica.url());
        let room = api.one_room().await;
        for path in [
            "/v1/hotels".to_owned(),
            "/v1/rooms?limit=1".to_owned(),
            "/v1/bookings".to_owned(),
            format!("/v1/rooms/{room}/bookings"),
            format!("/v1/rooms/{room}/events"),
        ] {
            let url = api.path(&path);
            let first = api.get(&path).await.expect(200);
            let tag = first.header("etag").expect("a list has a tag").to_owned();
            assert!(tag.starts_with("W/\""), "{tag}");
            let strong = tag.trim_start_matches("W/").to_owned();
            for (given, status) in [
                (tag.clone(), 304),
                (strong, 304),
                (format!("\"x\", {tag}"), 304),
                ("*".to_owned(), 304),
                ("W/\"x\"".to_owned(), 200),
                ("x".to_owned(), 400),
            ] {
                let answer = api.client.get(&url).header("If-None-Match", &given).send().await;
                assert_eq!(answer.status, status, "{path} {given}: {answer:?}");
                if status == 304 {
                    assert_eq!(answer.header("etag"), Some(tag.as_str()));
                    assert!(answer.body.is_empty());
                }
                if status == 400 {
                    assert_eq!(answer.code(), "malformed_precondition");
                }
                let head = api.client.head(&url).header("If-None-Match", &given).send().await;
                assert_eq!(head.status, status, "HEAD {path} {given}");
            }
            api.client.get(&url).header("If-Match", "\"x\"").send().await.expect(200);
        }
        // The tag follows the content.
        let before = api.get("/v1/bookings").await.expect(200);
        api.book(&room, 0, 1).await.expect(201);
        let after = api.get("/v1/bookings").await.expect(200);
        assert_ne!(before.header("etag"), after.header("etag"));
        // Dates are ignored: there is no Last-Modified to compare with.
        for name in ["If-Modified-Since", "If-Unmodified-Since"] {
            let url = api.path(&format!("/v1/rooms/{room}"));
            let answer = api.client.get(url).header(name, "Thu, 01 Jan 1970 00:00:00 GMT");
            let answer = answer.send().await.expect(200);
            assert_eq!(answer.header("last-modified"), None);
        }
        let free = format!("/v1/rooms/{room}/availability?from=2030-01-01&to=2030-01-02");
        let free = api.get(&free).await.expect(200);
        assert_eq!((free.header("etag"), free.header("cache-control")), (None, Some("no-store")));
    }
}

#[track_caller]
fn check_minimal(answer: &Answer, status: u16, etag: Option<&str>) {
    assert_eq!(answer.status, status, "{answer:?}");
    assert!(answer.body.is_empty(), "{answer:?}");
    assert_eq!(answer.header("etag"), etag, "{answer:?}");
    assert_eq!(answer.header("preference-applied"), Some("return=minimal"), "{answer:?}");
    assert_eq!(answer.header("content-type"), None, "{answer:?}");
}

async fn send_faulty(api: &Api, method: Method, path: &str, faults: &Faults) -> Answer {
    let mut request = api.client.request(method, api.path(&format!("{path}{}", faults.query)));
    request = request.header("Content-Type", faults.media_type.unwrap_or("application/json"));
    if let Some(if_match) = faults.if_match {
        request = request.header("If-Match", if_match);
    }
    for key in faults.keys {
        request = request.header("Idempotency-Key", key);
    }
    let body = faults.body.unwrap_or("{}");
    let body = if faults.too_large { " ".repeat(70_000) } else { body.to_owned() };
    request.body(body).send().await
}

/// A replica with a rival at its failpoint, and a room with one confirmed booking.
struct Contest {
    replica: Replica,
    api: Api,
    rival: Rival,
    hotel: String,
    room: String,
    booking: String,
}

impl Contest {
    async fn begin(db: Database) -> Self {
        let rival = Rival::on(&db);
        let options = ReplicaOptions {
            failpoint: rival.failpoint(),
            room_lanes: false,
            ..ReplicaOptions::default()
        };
        let replica = Replica::start_with(&db, options).await;
        let api = Api::new(replica.url());
        let hotel = api.hotel().await;
        let room = api.room(&hotel, "101").await;
        let booking = id_of(&api.book(&room, 0, 1).await.expect(201));
        rival.commits();
        Self { replica, api, rival, hotel, room, booking }
    }

    /// Sends `request` while the rival runs `sql` before each of the next `times` commits.
    async fn lose(&self, times: usize, sql: &str, request: Request) -> (Answer, Scrape, usize) {
        let before = Scrape::get(&self.replica.url()).await;
        self.rival.interfere(times, sql);
        self.rival.commits();
        let answer = request.send().await;
        let moved = difference(&before, &Scrape::get(&self.replica.url()).await);
        (answer, moved, self.rival.commits())
    }

    /// A race lost at the UPDATE that settles the client's precondition: one attempt, no waiting.
    async fn check_settled(&self, sql: &str, request: Request, status: u16, operation: &str) {
        let (answer, moved, commits) = self.lose(1, sql, request).await;
        assert_eq!(answer.status, status, "{answer:?}");
        let code = if status == 412 { "precondition_failed" } else { "version_conflict" };
        assert_eq!(answer.code(), code, "{answer:?}");
        let current = answer.json()["current_version"].clone();
        assert_eq!(answer.header("etag"), Some(format!("\"{current}\"").as_str()), "{answer:?}");
        assert_eq!(commits, 1, "the attempt that lost was the only one");
        let labels = [("operation", operation)];
        assert_eq!(moved.count("booking_lock_conflicts_total", &labels), 1);
        assert_eq!(moved.count("booking_lock_retries_total", &[]), 0);
        let labels = [("operation", operation), ("outcome", "precondition_failed")];
        assert_eq!(moved.count("booking_write_outcomes_total", &labels), 1);
        let result = if status == 412 { "failed_412" } else { "version_409" };
        assert_eq!(moved.count("http_preconditions_total", &[("result", result)]), 1);
        assert_eq!(moved.count("http_preconditions_total", &[]), 1);
    }

    /// A race that the precondition survives: decided again, and won.
    async fn check_decided_again(&self, sql: &str, request: Request, status: u16, operation: &str) {
        let (answer, moved, commits) = self.lose(1, sql, request).await;
        assert_eq!(answer.status, status, "{answer:?}");
        assert_eq!(commits, 2);
        assert_eq!(moved.count("booking_lock_retries_total", &[("operation", operation)]), 1);
        let labels = [("operation", operation), ("outcome", "after_retry")];
        assert_eq!(moved.count("booking_write_outcomes_total", &labels), 1);
        assert!(answer.json()["attempts"] == 2 || operation.starts_with("edit_"), "{answer:?}");
    }

    fn patch(&self, path: &str, body: &Value) -> Request {
        self.api.client.patch(self.api.path(path)).json(body)
    }

    fn book(&self, query: &str, from: u64) -> Request {
        let path = format!("/v1/rooms/{}/bookings{query}", self.room);
        self.api.client.post(self.api.path(&path)).json(stay_body(from, from + 1))
    }

    async fn version(&self, path: &str) -> i64 {
        self.api.get(path).await.expect(200).json()["version"].as_i64().expect("a number")
    }
}

on_both_databases! {
    async fn a_precondition_is_not_outlived_by_a_lost_race_on_a_hotel(db: Database) {
        let contest = Contest::begin(db).await;
        let path = format!("/v1/hotels/{}", contest.hotel);
        let sql = contest.rival.hotel_write(&contest.hotel);
        let body = json!({ "name": "Danieli" });

        let request = contest.patch(&path, &body).header("If-Match", "\"1\"");
        contest.check_settled(&sql, request, 412, "edit_hotel").await;
        let request = contest.patch(&format!("{path}?version=2"), &body);
        contest.check_settled(&sql, request, 409, "edit_hotel").await;
        let request = contest.patch(&path, &body).header("If-Match", "*");
        contest.check_decided_again(&sql, request, 200, "edit_hotel").await;
        assert_eq!(contest.version(&path).await, 5);
    }

    async fn a_precondition_is_not_outlived_by_a_lost_race_on_a_room(db: Database) {
        let contest = Contest::begin(db).await;
        let path = format!("/v1/rooms/{}", contest.room);
        let sql = contest.rival.room_write(&contest.room);
        let body = json!({ "kind": "suite" });

        let request = contest.patch(&path, &body).header("If-Match", "\"2\"");
        contest.check_settled(&sql, request, 412, "edit_room").await;
        let request = contest.patch(&format!("{path}?version=3"), &body);
        contest.check_settled(&sql, request, 409, "edit_room").await;
        let request = contest.book("", 3).header("If-Match", "\"4\"");
        contest.check_settled(&sql, request, 412, "book").await;
        let request = contest.book("?version=5", 3);
        contest.check_settled(&sql, request, 409, "book").await;
        // If-None-Match is met by the winner's version or it is not; here it still is.
        let request = contest.book("", 3).header("If-None-Match", "\"2\"");
        contest.check_decided_again(&sql, request, 201, "book").await;
        let request = contest.book("", 4).header("If-None-Match", "\"9\"");
        let (answer, moved, commits) = contest.lose(1, &sql, request).await;
        assert_eq!((answer.expect(412).code().as_str(), commits), ("precondition_failed", 1));
        assert_eq!(moved.count("booking_lock_retries_total", &[]), 0);

        let request = contest.book("", 4).header("If-Match", "*");
        contest.check_decided_again(&sql, request, 201, "book").await;
        let request = contest.patch(&path, &body).header("If-Match", "*");
        contest.check_decided_again(&sql, request, 200, "edit_room").await;
        assert_eq!(contest.version(&path).await, 13);
    }

    /// The booking's version is what the client named; the room's is ours to mind.
    async fn a_race_lost_on_the_room_alone_is_decided_again(db: Database) {
        let contest = Contest::begin(db).await;
        let path = format!("/v1/bookings/{}", contest.booking);
        let elsewhere = contest.rival.room_write(&contest.room);
        let body = json!({ "guest": { "name": "Grace Hopper" } });
        let request = contest.patch(&path, &body).header("If-Match", "\"1\"");
        contest.check_decided_again(&elsewhere, request, 200, "edit_booking").await;
        let body = json!({ "guest": { "name": "Mary Shelley" } });
        let request = contest.patch(&format!("{path}?version=2"), &body);
        contest.check_decided_again(&elsewhere, request, 200, "edit_booking").await;
        let request =
            contest.api.client.post(contest.api.path(&format!("{path}/cancel?version=3")));
        contest.check_decided_again(&elsewhere, request, 200, "cancel").await;

        let second = id_of(&contest.api.hold(&contest.room, 5, 6).await.expect(201));
        let path = format!("/v1/bookings/{second}");
        let here_too = contest.rival.booking_write(&contest.room, &second);
        let request = contest.patch(&path, &body).header("If-Match", "\"1\"");
        contest.check_settled(&here_too, request, 412, "edit_booking").await;
        let request = contest.patch(&format!("{path}?version=2"), &body);
        contest.check_settled(&here_too, request, 409, "edit_booking").await;
        let confirm = || contest.api.client.post(contest.api.path(&format!("{path}/confirm")));
        let request = confirm().header("If-Match", "\"3\"");
        contest.check_settled(&here_too, request, 412, "confirm").await;
        let request = confirm().header("If-Match", "*");
        contest.check_decided_again(&here_too, request, 200, "confirm").await;
        // A command without a precondition does not mind the other's write to the booking either.
        let request = contest.api.client.post(contest.api.path(&format!("{path}/cancel")));
        contest.check_decided_again(&here_too, request, 200, "cancel").await;
    }

    async fn a_resource_that_is_gone_at_the_update_is_404(db: Database) {
        let contest = Contest::begin(db).await;
        for if_match in ["\"1\"", "*"] {
            let room = contest.api.room(&contest.hotel, if_match).await;
            let path = format!("/v1/rooms/{room}");
            let request = contest.patch(&path, &json!({ "kind": "suite" }));
            let request = request.header("If-Match", if_match);
            let sql = contest.rival.room_deletion(&room);
            let (answer, _, commits) = contest.lose(1, &sql, request).await;
            assert_eq!(answer.expect(404).code(), "not_found");
            assert_eq!(commits, 1);
        }
    }

    /// Three attempts, two delays, exactly as configured, and nothing written.
    async fn a_write_that_loses_every_race_waits_exactly_100_and_200_ms(db: Database) {
        let contest = Contest::begin(db).await;
        let sql = contest.rival.room_write(&contest.room);
        let began = std::time::Instant::now();
        let (answer, moved, commits) = contest.lose(3, &sql, contest.book("", 3)).await;
        assert!(began.elapsed() >= std::time::Duration::from_millis(300), "it waited");
        let problem = answer.expect(409);
        assert_eq!(problem.code(), "lock_conflict");
        assert_eq!(problem.json()["attempts"], 3);
        assert_eq!(problem.json()["retryable"], true);
        assert_eq!(problem.header("retry-after"), Some("1"));
        assert_eq!(commits, 3);
        let book = [("operation", "book")];
        assert_eq!(moved.count("booking_lock_conflicts_total", &book), 3);
        assert_eq!(moved.count("booking_lock_retries_total", &book), 2);
        assert_eq!(moved.count("booking_lock_exhausted_total", &book), 1);
        assert_eq!(moved.count("booking_retry_backoff_seconds_count", &book), 2);
        let waited = moved.value("booking_retry_backoff_seconds_sum", &book);
        assert!((waited - 0.3).abs() < 1e-9, "{waited}");
        for (bound, waits) in [("0.05", 0), ("0.1", 1), ("0.125", 1), ("0.2", 2), ("+Inf", 2)] {
            let labels = [("operation", "book"), ("le", bound)];
            assert_eq!(
                moved.count("booking_retry_backoff_seconds_bucket", &labels),
                waits,
                "{bound}"
            );
        }
        let room = contest.api.room_now(&contest.room).await;
        assert_eq!((&room["version"], &room["times_booked"]), (&json!(5), &json!(1)));
    }
}
