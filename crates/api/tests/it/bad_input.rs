//! What must not be sent: each gets its problem document, and nothing is written.

use std::collections::BTreeSet;
use std::net::SocketAddr;

use reqwest::Method;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;
use vacancy_testkit::database::{Database, Kind};
use vacancy_testkit::http::{Answer, Request, raw};
use vacancy_testkit::replica::Replica;
use vacancy_testkit::{PATIENCE, eventually, on_both_databases};

use crate::crowd::{at_once, idle};
use crate::support::{Api, day, id_of, stay_body};

const ABSENT: &str = "01890000-0000-7000-8000-000000000000";

/// A problem document, whole, that belongs to this answer.
#[track_caller]
fn check_problem(what: &str, answer: &Answer, status: u16, code: &str) {
    assert_eq!(answer.status, status, "{what}: {answer:?}");
    assert_eq!(answer.code(), code, "{what}: {answer:?}");
    let problem = answer.json();
    assert_eq!(problem["status"], status, "{what}");
    assert_eq!(problem["type"], format!("/problems/{code}"), "{what}");
    for member in ["title", "detail", "instance"] {
        assert!(problem[member].as_str().is_some_and(|it| !it.is_empty()), "{what}: {problem}");
    }
    assert!(problem["retryable"].is_boolean(), "{what}: {problem}");
    assert_eq!(problem["instance"].as_str(), answer.header("x-request-id"), "{what}");
    if status == 422 {
        let errors = problem["errors"].as_array().expect("422 says what to mend");
        for error in errors {
            assert!(error["pointer"].is_string() && error["message"].is_string(), "{problem}");
        }
        assert!(!errors.is_empty(), "{what}: {problem}");
    }
    let text = problem.to_string();
    for secret in ["SELECT", "sqlx", "sea_orm", ".rs", "panicked", "Ada"] {
        assert!(!text.contains(secret), "{what} tells {secret}: {text}");
    }
}

/// How much is in each table, and the sum of all versions: it stands still when nothing is written.
async fn stored(db: &Database) -> Vec<i64> {
    let mut stored = Vec::new();
    for table in ["hotels", "rooms", "bookings", "room_events"] {
        let sum = "CAST(COALESCE(SUM(version), 0) AS bigint)";
        stored.push(db.count(&format!("SELECT {sum} FROM {table}")).await);
        stored.push(db.count(&format!("SELECT COUNT(*) FROM {table}")).await);
    }
    // Keys of requests without one are kept a while too, but only for what was written.
    stored.push(db.count("SELECT COUNT(*) FROM idempotency_keys").await);
    stored
}

/// A replica with one of everything.
struct House {
    replica: Replica,
    api: Api,
    hotel: String,
    room: String,
    booking: String,
}

impl House {
    async fn build(db: &Database) -> Self {
        let replica = Replica::start(db).await;
        let api = Api::new(replica.url());
        let hotel = api.hotel().await;
        let room = api.room(&hotel, "101").await;
        let booking = id_of(&api.hold(&room, 0, 1).await.expect(201));
        Self { replica, api, hotel, room, booking }
    }

    fn address(&self) -> SocketAddr {
        self.api.url.trim_start_matches("http://").parse().expect("a replica has an address")
    }

    /// Every way to write something with a body.
    fn writes(&self) -> Vec<(Method, String)> {
        let Self { hotel, room, booking, .. } = self;
        vec![
            (Method::POST, "/v1/hotels".to_owned()),
            (Method::PUT, format!("/v1/hotels/{hotel}")),
            (Method::PATCH, format!("/v1/hotels/{hotel}")),
            (Method::POST, format!("/v1/hotels/{hotel}/rooms")),
            (Method::POST, format!("/v1/hotels/{hotel}/bookings")),
            (Method::PUT, format!("/v1/rooms/{room}")),
            (Method::PATCH, format!("/v1/rooms/{room}")),
            (Method::POST, format!("/v1/rooms/{room}/bookings")),
            (Method::PATCH, format!("/v1/bookings/{booking}")),
        ]
    }

    /// Every way to write something without a body.
    fn commands(&self) -> Vec<(Method, String)> {
        let Self { hotel, room, booking, .. } = self;
        vec![
            (Method::POST, format!("/v1/bookings/{booking}/confirm")),
            (Method::POST, format!("/v1/bookings/{booking}/cancel")),
            (Method::DELETE, format!("/v1/rooms/{room}")),
            (Method::DELETE, format!("/v1/hotels/{hotel}")),
        ]
    }

    /// Every path that can be read.
    fn reads(&self) -> Vec<String> {
        let Self { hotel, room, booking, .. } = self;
        let span = format!("from={}&to={}", day(0), day(9));
        vec![
            "/v1/hotels".to_owned(),
            format!("/v1/hotels/{hotel}"),
            "/v1/rooms".to_owned(),
            format!("/v1/rooms/{room}"),
            format!("/v1/rooms/{room}/availability?{span}"),
            format!("/v1/rooms/{room}/bookings?{span}"),
            format!("/v1/rooms/{room}/events"),
            "/v1/bookings".to_owned(),
            format!("/v1/bookings/{booking}"),
        ]
    }

    async fn send(&self, method: &Method, path: &str, media_type: &str, body: &[u8]) -> Answer {
        self.request(method, path, media_type, body).send().await
    }

    fn request(&self, method: &Method, path: &str, media_type: &str, body: &[u8]) -> Request {
        let mut request = self.api.client.request(method.clone(), self.api.path(path));
        if !media_type.is_empty() {
            request = request.header("Content-Type", media_type);
        }
        if *method != Method::POST {
            request = request.header("If-Match", "*");
        }
        request.body(body)
    }
}

const JSON: &str = "application/json";

on_both_databases! {
    async fn bodies_that_are_not_what_they_should_be(db: Database) {
        let house = House::build(&db).await;
        let before = stored(&db).await;
        let deep_array = [b"[".repeat(1_000), b"]".repeat(1_000)].concat();
        let deep_object = [br#"{"a":"#.repeat(1_000), b"1".to_vec(), b"}".repeat(1_000)].concat();
        let long_text = format!("{{\"name\": \"{}\"}}", "x".repeat(60_000));
        let many_fields: Vec<_> = (0..4_000).map(|field| format!("\"f{field}\":1")).collect();
        let many_fields = format!("{{{}}}", many_fields.join(","));
        let bodies: &[(&str, &[u8], u16, &str)] = &[
            ("nothing", b"", 400, "invalid_request"),
            ("a blank", b" \n", 400, "invalid_request"),
            ("half an object", b"{\"name\":", 400, "invalid_request"),
            ("a comma too many", b"{\"name\": \"a\",}", 400, "invalid_request"),
            ("two documents", b"{} {}", 400, "invalid_request"),
            ("no JSON", b"name=Rialto", 400, "invalid_request"),
            ("single quotes", b"{'name': 'a'}", 400, "invalid_request"),
            ("a comment", b"{} // nothing", 400, "invalid_request"),
            ("NaN", b"{\"guests\": NaN}", 400, "invalid_request"),
            ("a number beyond all", b"{\"guests\": 1e400}", 400, "invalid_request"),
            ("a leading zero", b"{\"guests\": 02}", 400, "invalid_request"),
            ("a NUL byte", b"{\"name\": \"a\0b\"}", 400, "invalid_request"),
            ("a line break in a string", b"{\"name\": \"a\nb\"}", 400, "invalid_request"),
            ("broken UTF-8", b"{\"name\": \"\xff\xfe\"}", 400, "invalid_request"),
            ("an overlong NUL", b"{\"name\": \"\xc0\x80\"}", 400, "invalid_request"),
            ("half a surrogate", b"{\"name\": \"\\ud800\"}", 400, "invalid_request"),
            ("UTF-16", b"\xff\xfe{\0}\0", 400, "invalid_request"),
            ("a byte order mark behind", b"{}\xef\xbb\xbf", 400, "invalid_request"),
            ("a member twice", b"{\"name\": 1, \"name\": 1}", 400, "invalid_request"),
            ("a thousand arrays", &deep_array, 400, "invalid_request"),
            ("a thousand objects", &deep_object, 400, "invalid_request"),
            ("null", b"null", 422, "validation_failed"),
            ("true", b"true", 422, "validation_failed"),
            ("a number", b"1", 422, "validation_failed"),
            ("a text", b"\"name\"", 422, "validation_failed"),
            ("an array", b"[]", 422, "validation_failed"),
            (
                "an array of values",
                b"[\"Rialto\", \"Venice\", null, null]",
                422,
                "validation_failed",
            ),
            ("a field that is not known", b"{\"bogus\": 1}", 422, "validation_failed"),
            ("a field without a name", b"{\"\": 1}", 422, "validation_failed"),
            ("a field called __proto__", b"{\"__proto__\": {}}", 422, "validation_failed"),
            ("a field of odd letters", b"{\"a/b~c\\u0000\": 1}", 422, "validation_failed"),
            ("four thousand fields", many_fields.as_bytes(), 422, "validation_failed"),
        ];
        for (method, path) in house.writes() {
            for (what, body, status, code) in bodies {
                let what = format!("{what} to {method} {path}");
                check_problem(&what, &house.send(&method, &path, JSON, body).await, *status, code);
            }
        }
        for (method, path) in house.commands() {
            for (what, body, status, code) in
                bodies.iter().filter(|it| !it.1.trim_ascii().is_empty())
            {
                let what = format!("{what} to {method} {path}");
                check_problem(&what, &house.send(&method, &path, JSON, body).await, *status, code);
            }
        }
        let hotels = (Method::POST, "/v1/hotels");
        for (what, body) in [
            ("an escaped NUL", "{\"name\": \"a\\u0000b\", \"city\": \"x\"}"),
            ("a NUL alone", "{\"name\": \"\\u0000\", \"city\": \"x\"}"),
            ("a long text", &long_text),
            ("a line break", "{\"name\": \"a\\nb\", \"city\": \"x\"}"),
            ("a text that shows nothing", "{\"name\": \"\\u200b\", \"city\": \"x\"}"),
            ("2^63", "{\"name\": 9223372036854775808, \"city\": \"x\"}"),
        ] {
            let answer = house.send(&hotels.0, hotels.1, JSON, body.as_bytes()).await;
            check_problem(what, &answer, 422, "validation_failed");
        }
        // Serde reads arrays as the values of an object in order; clients must not come to rely on it.
        let guest = stay_body(3, 4)
            .to_string()
            .replace(r#"{"email":"ada@example.org","name":"Ada Lovelace"}"#, r#"["Ada", null]"#);
        let path = format!("/v1/rooms/{}/bookings", house.room);
        let answer = house.send(&Method::POST, &path, JSON, guest.as_bytes()).await;
        check_problem("a guest as an array", &answer, 422, "validation_failed");
        assert_eq!(answer.json()["errors"][0]["pointer"], "/guest");
        assert_eq!(stored(&db).await, before);
        // What is only unusual is taken.
        let unusual = "\t{\"name\": \"\\ud83c\\udfe8 H\u{f6}tel \u{202e}\", \"city\": \"\u{6771}\u{4eac}\"}\r\n";
        let hotel = house
            .send(&hotels.0, hotels.1, "Application/JSON ; charset=utf-8", unusual.as_bytes())
            .await;
        assert_eq!(hotel.expect(201).json()["name"], "\u{1f3e8} H\u{f6}tel \u{202e}");
    }

    async fn media_types_that_are_not_taken(db: Database) {
        let house = House::build(&db).await;
        let before = stored(&db).await;
        for (method, path) in house.writes() {
            let merge = if method == Method::PATCH { JSON } else { "application/merge-patch+json" };
            for media_type in [
                "",
                "text/plain",
                "application/xml",
                "application/x-www-form-urlencoded",
                "application/problem+json",
                "application/json-patch+json",
                "application/jsonx",
                "json",
                "/",
                "application/json, text/plain",
                "*/*",
                merge,
            ] {
                if media_type == merge && method == Method::PATCH {
                    continue;
                }
                let answer = house.send(&method, &path, media_type, b"{}").await;
                check_problem(
                    &format!("{media_type} to {method} {path}"),
                    &answer,
                    415,
                    "unsupported_media_type",
                );
            }
            let twice = house.api.client.request(method.clone(), house.api.path(&path));
            let twice = twice.header("Content-Type", JSON).header("Content-Type", "text/plain");
            check_problem(
                "two types",
                &twice.body("{}").send().await,
                415,
                "unsupported_media_type",
            );
        }
        for (method, path) in house.commands() {
            let answer = house.send(&method, &path, "text/plain", b"please").await;
            check_problem(&format!("{method} {path}"), &answer, 415, "unsupported_media_type");
        }
        let coded = |coding: &'static str| {
            let request = house.api.client.post(house.api.path("/v1/hotels"));
            let request = request.header("Content-Type", JSON).header("Content-Encoding", coding);
            request.body("{}").send()
        };
        check_problem("gzip", &coded("gzip").await, 415, "unsupported_media_type");
        check_problem("no coding at all", &coded("identity").await, 422, "validation_failed");
        assert_eq!(stored(&db).await, before);
    }

    /// The client hears 413, though it has sent everything or is still sending.
    async fn bodies_that_are_too_large(db: Database) {
        let house = House::build(&db).await;
        let before = stored(&db).await;
        let largest = 64 * 1024;
        for (method, path) in house.writes().into_iter().chain(house.commands()) {
            for length in [largest + 1, 10 * 1024 * 1024] {
                if length > 100_000 && method != Method::POST {
                    continue;
                }
                let body = vec![b' '; length];
                // The service reads on for two seconds, and a client may be slower than that.
                let answer = eventually("a client hears the answer", PATIENCE, || async {
                    house.request(&method, &path, JSON, &body).try_send().await.ok()
                })
                .await;
                check_problem(
                    &format!("{length} bytes to {method} {path}"),
                    &answer,
                    413,
                    "payload_too_large",
                );
            }
        }
        let full = vec![b' '; largest];
        let answer = house.send(&Method::POST, "/v1/hotels", JSON, &full).await;
        check_problem("the largest body", &answer, 400, "invalid_request");
        // Without a length said beforehand.
        let chunk = [b"4000\r\n".to_vec(), vec![b' '; 0x4000], b"\r\n".to_vec()].concat();
        let head = "POST /v1/hotels HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n";
        let chunks = [
            format!("{head}Transfer-Encoding: chunked\r\n\r\n").into_bytes(),
            chunk.repeat(5),
            b"0\r\n\r\n".to_vec(),
        ];
        let answer = said(&raw(house.address(), &chunks.concat()).await);
        check_problem("chunks", &answer, 413, "payload_too_large");
        // A client that asks first is spared the sending.
        let asks = format!("{head}Expect: 100-continue\r\nContent-Length: 10000000\r\n\r\n");
        let answer = said(&raw(house.address(), asks.as_bytes()).await);
        check_problem("asking first", &answer, 413, "payload_too_large");
        // What is left of the body is no next request, and the client is told.
        assert_eq!(answer.header("connection"), Some("close"));
        let small = "POST /nothing HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n{}";
        let answer = said(&raw(house.address(), small.as_bytes()).await);
        check_problem("half a body to nowhere", &answer, 404, "not_found");
        assert_eq!(answer.header("connection"), Some("close"));
        let answer = house.send(&Method::POST, "/v1/hotels", JSON, b"{}").await.expect(422);
        assert_eq!(answer.header("connection"), None, "a body that was read is no reason to part");
        assert_eq!(stored(&db).await, before);
    }

    async fn bodies_that_end_before_their_end(db: Database) {
        let house = House::build(&db).await;
        let before = stored(&db).await;
        let body = stay_body(3, 4).to_string();
        for kept in [0, body.len() / 2, body.len() - 1] {
            for head in [
                format!("Content-Length: {}\r\n\r\n{}", body.len(), &body[..kept]),
                format!("Transfer-Encoding: chunked\r\n\r\n{:x}\r\n{}", body.len(), &body[..kept]),
                // All of it, but the end is not said.
                format!("Transfer-Encoding: chunked\r\n\r\n{:x}\r\n{}\r\n", body.len(), body),
            ] {
                let room = &house.room;
                let request = format!(
                    "POST /v1/rooms/{room}/bookings HTTP/1.1\r\nHost: x\r\n\
                     Content-Type: application/json\r\n{head}"
                );
                let mut stream = TcpStream::connect(house.address()).await.expect("it listens");
                stream.write_all(request.as_bytes()).await.expect("it reads");
                stream.shutdown().await.expect("it is still connected");
                // The server hangs up in turn when it has done with the request.
                let heard = timeout(PATIENCE, stream.read_to_end(&mut Vec::new())).await;
                // A reset is as good an end; what it says is looked at elsewhere.
                let _ = heard.expect("the server hangs up");
            }
        }
        idle(&house.replica).await;
        assert_eq!(stored(&db).await, before);
    }

    async fn paths_that_lead_nowhere(db: Database) {
        let house = House::build(&db).await;
        let (api, room) = (&house.api, &house.room);
        let before = stored(&db).await;
        for path in [
            "/nothing",
            "/v1",
            "/v1/",
            "/v1/hotels/",
            "/v2/hotels",
            "/V1/hotels",
            "//v1/hotels",
            "/v1/rooms/1/2/3",
            "/%00",
            "/%FF%FE",
            "/..%2f..%2fetc%2fpasswd",
            "/docs/..%2fCargo.toml",
            "/problems/nothing",
            "/v1/bookings/confirm",
            "/favicon.ico",
        ] {
            check_problem(path, &api.get(path).await, 404, "not_found");
        }
        let simple = room.replace('-', "");
        let braced = format!("%7B{room}%7D");
        let urn = format!("urn:uuid:{room}");
        let longer = format!("{room}0");
        let cut = &room[..35];
        let blank = format!("{room}%20");
        let ids = [
            "1",
            "none",
            ABSENT,
            "%00",
            "%FF",
            "-",
            "01890000_0000_7000_8000_000000000000",
            "' OR 1=1 --",
            "%E2%80%AE",
            &simple,
            &braced,
            &urn,
            &longer,
            cut,
            &blank,
        ];
        for id in ids {
            for kind in ["hotels", "rooms", "bookings"] {
                let path = format!("/v1/{kind}/{id}");
                check_problem(&path, &api.get(&path).await, 404, "not_found");
                for (method, path) in [
                    (Method::PATCH, path.clone()),
                    (Method::DELETE, path.clone()),
                    (Method::POST, format!("{path}/confirm")),
                    (Method::POST, format!("{path}/bookings")),
                ] {
                    if kind == "bookings" && method == Method::DELETE {
                        continue;
                    }
                    let answer = house.send(&method, &path, JSON, b"{}").await;
                    check_problem(&format!("{method} {path}"), &answer, 404, "not_found");
                }
            }
            for sub in ["events", "bookings", "availability?from=2030-01-01&to=2030-01-02"] {
                let path = format!("/v1/rooms/{id}/{sub}");
                check_problem(&path, &api.get(&path).await, 404, "not_found");
            }
        }
        // A hotel's id names no room, and so on.
        for path in [
            format!("/v1/rooms/{}", house.hotel),
            format!("/v1/hotels/{room}"),
            format!("/v1/bookings/{room}"),
        ] {
            check_problem(&path, &api.get(&path).await, 404, "not_found");
        }
        assert_eq!(stored(&db).await, before);
    }

    async fn methods_that_are_not_known(db: Database) {
        let house = House::build(&db).await;
        let before = stored(&db).await;
        let House { hotel, room, booking, .. } = &house;
        for (path, allowed) in [
            ("/v1/hotels".to_owned(), "GET,HEAD,POST"),
            (format!("/v1/hotels/{hotel}"), "DELETE,GET,HEAD,PATCH,PUT"),
            (format!("/v1/hotels/{hotel}/rooms"), "POST"),
            (format!("/v1/hotels/{hotel}/bookings"), "POST"),
            ("/v1/rooms".to_owned(), "GET,HEAD"),
            (format!("/v1/rooms/{room}"), "DELETE,GET,HEAD,PATCH,PUT"),
            (format!("/v1/rooms/{room}/availability"), "GET,HEAD"),
            (format!("/v1/rooms/{room}/bookings"), "GET,HEAD,POST"),
            (format!("/v1/rooms/{room}/events"), "GET,HEAD"),
            ("/v1/bookings".to_owned(), "GET,HEAD"),
            (format!("/v1/bookings/{booking}"), "GET,HEAD,PATCH"),
            (format!("/v1/bookings/{booking}/confirm"), "POST"),
            (format!("/v1/bookings/{booking}/cancel"), "POST"),
            ("/livez".to_owned(), "GET,HEAD"),
            ("/readyz".to_owned(), "GET,HEAD"),
            ("/metrics".to_owned(), "GET,HEAD"),
            ("/openapi.json".to_owned(), "GET,HEAD"),
            ("/docs".to_owned(), "GET,HEAD"),
            ("/".to_owned(), "GET,HEAD"),
        ] {
            for method in
                ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "BREW"]
            {
                if allowed.split(',').any(|it| it == method) {
                    continue;
                }
                let what = format!("{method} {path}");
                let method = Method::from_bytes(method.as_bytes()).expect("a token");
                let answer = house.send(&method, &path, "text/plain", b"").await;
                let allow: BTreeSet<_> =
                    answer.header("allow").unwrap_or_default().split(',').map(str::trim).collect();
                assert_eq!(allow, allowed.split(',').collect(), "{what}: {answer:?}");
                if method == Method::HEAD {
                    assert_eq!(answer.status, 405);
                } else {
                    check_problem(&what, &answer, 405, "method_not_allowed");
                }
            }
        }
        assert_eq!(stored(&db).await, before);
    }

    async fn head_wherever_get(db: Database) {
        let house = House::build(&db).await;
        let others = [
            "/livez",
            "/readyz",
            "/metrics",
            "/openapi.json",
            "/docs",
            "/",
            "/problems/not_found",
            "/nothing",
        ];
        for path in house.reads().into_iter().chain(others.map(str::to_owned)) {
            // A database that is slow to answer is not ready, and that may be over in between.
            let (get, head) = eventually("both are answered", PATIENCE, || async {
                let get = house.api.get(&path).await;
                let head = house.api.client.head(house.api.path(&path)).send().await;
                let slow = path == "/readyz" && [get.status, head.status].contains(&503);
                (!slow).then_some((get, head))
            })
            .await;
            assert_eq!((head.status, head.body.len()), (get.status, 0), "{path}");
            for name in ["etag", "content-type", "cache-control", "link", "location"] {
                assert_eq!(head.headers.get(name), get.headers.get(name), "{name} of {path}");
            }
        }
    }

    async fn request_ids(db: Database) {
        let house = House::build(&db).await;
        let longest = "a".repeat(64);
        let too_long = "a".repeat(65);
        let send = |ids: Vec<Vec<u8>>| {
            let mut request = house.api.client.get(house.api.path("/v1/hotels/none"));
            for id in ids {
                request = request.header("X-Request-Id", id);
            }
            request.send()
        };
        for id in ["a", "0-9-Az", &longest] {
            let answer = send(vec![id.into()]).await;
            check_problem(id, &answer, 404, "not_found");
            assert_eq!(answer.header("x-request-id"), Some(id));
        }
        let mut made = BTreeSet::new();
        for ids in [
            vec![],
            vec![b"".to_vec()],
            vec![b"a b".to_vec()],
            vec![b"a_b".to_vec()],
            vec![b"a;b".to_vec()],
            vec!["\u{e9}".into()],
            vec![b"\xff".to_vec()],
            vec![too_long.into()],
            vec![b"a".to_vec(), b"b".to_vec()],
        ] {
            let answer = send(ids.clone()).await;
            check_problem("made", &answer, 404, "not_found");
            let id = answer.header("x-request-id").expect("one is made").to_owned();
            assert!(!ids.iter().any(|given| given == id.as_bytes()), "{id}");
            assert!(
                id.len() <= 64 && id.bytes().all(|it| it.is_ascii_alphanumeric() || it == b'-')
            );
            assert!(made.insert(id), "no two are the same");
        }
        // It names the request in the history, and comes with success too.
        let path = format!("/v1/rooms/{}/bookings", house.room);
        let booked = house.api.client.post(house.api.path(&path)).json(stay_body(5, 6));
        let booked = booked.header("X-Request-Id", "trace-me").send().await.expect(201);
        assert_eq!(booked.header("x-request-id"), Some("trace-me"));
        let events = house.api.get(&format!("/v1/rooms/{}/events", house.room)).await.json();
        assert_eq!(events["items"][2]["data"]["request_id"], "trace-me", "{events}");
    }

    async fn keys_that_are_none(db: Database) {
        let house = House::build(&db).await;
        let before = stored(&db).await;
        let too_long = "k".repeat(256);
        for (method, path) in house.writes().into_iter().chain(house.commands()) {
            for keys in
                [&[""][..], &["a b"], &["\u{e9}"], &[too_long.as_str()], &["a", "b"], &["a", "a"]]
            {
                let mut request = house.api.client.request(method.clone(), house.api.path(&path));
                request = request.header("If-Match", "*").header("Content-Type", JSON);
                for key in keys {
                    request = request.header("Idempotency-Key", key);
                }
                let answer = request.body("{}").send().await;
                check_problem(
                    &format!("{keys:?} at {method} {path}"),
                    &answer,
                    400,
                    "invalid_request",
                );
            }
        }
        assert_eq!(stored(&db).await, before);
    }

    /// Heads that no HTTP client sends.
    async fn requests_by_hand(db: Database) {
        let house = House::build(&db).await;
        let before = stored(&db).await;
        let long_path = format!("/v1/hotels/{}", "x".repeat(9 * 1024));
        let long_query = format!("/v1/hotels?city={}", "x".repeat(9 * 1024));
        let near = format!("/v1/hotels?city={}", "x".repeat(8_192 - 16));
        let big = format!("X-Big: {}\r\n", "x".repeat(20 * 1024));
        let many = "X-Small: x\r\n".repeat(80).repeat(20);
        let thousand = "X-Small: x\r\n".repeat(1_000);
        for (what, head, status, code) in [
            ("no Host", "GET /v1/hotels HTTP/1.1\r\n\r\n".to_owned(), 400, "invalid_request"),
            (
                "two Hosts",
                "GET /v1/hotels HTTP/1.1\r\nHost: x\r\nHost: y\r\n\r\n".to_owned(),
                400,
                "invalid_request",
            ),
            (
                "too many bytes in many headers",
                format!("GET /v1/hotels HTTP/1.1\r\nHost: x\r\n{many}\r\n"),
                431,
                "headers_too_large",
            ),
            (
                "a long path",
                format!("GET {long_path} HTTP/1.1\r\nHost: x\r\n\r\n"),
                414,
                "uri_too_long",
            ),
            (
                "a long query",
                format!("GET {long_query} HTTP/1.1\r\nHost: x\r\n\r\n"),
                414,
                "uri_too_long",
            ),
            (
                "a long path and no Host",
                format!("GET {long_path} HTTP/1.1\r\n\r\n"),
                414,
                "uri_too_long",
            ),
            (
                "a big header",
                format!("GET /v1/hotels HTTP/1.1\r\nHost: x\r\n{big}\r\n"),
                431,
                "headers_too_large",
            ),
            (
                "a big header on HTTP/1.0",
                format!("GET /v1/hotels HTTP/1.0\r\n{big}\r\n"),
                431,
                "headers_too_large",
            ),
        ] {
            let answer = said(&raw(house.address(), head.as_bytes()).await);
            check_problem(what, &answer, status, code);
        }
        for (what, head) in [
            ("the longest query", format!("GET {near} HTTP/1.1\r\nHost: x\r\n\r\n")),
            ("HTTP/1.0", "GET /v1/hotels HTTP/1.0\r\n\r\n".to_owned()),
            ("1,000 headers", format!("GET /v1/hotels HTTP/1.1\r\nHost: x\r\n{thousand}\r\n")),
            ("an absolute target", "GET http://x/v1/hotels HTTP/1.1\r\nHost: x\r\n\r\n".to_owned()),
            ("odd case and blanks", "GET /v1/hotels HTTP/1.1\r\nhOsT:   x  \r\n\r\n".to_owned()),
        ] {
            let answer = said(&raw(house.address(), head.as_bytes()).await);
            assert_eq!(answer.status, 200, "{what}: {answer:?}");
        }
        // The HTTP library answers these itself, or hangs up; nothing comes of them either way.
        for bytes in [
            format!("GET /v1/hotels HTTP/1.1\r\nHost: x\r\nX-Huge: {}\r\n\r\n", "x".repeat(300_000)).into_bytes(),
            b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03".repeat(20),
            b"GET /v1/hotels\r\n\r\n".to_vec(),
            b"GET /v1/hotels HTTP/9.9\r\nHost: x\r\n\r\n".to_vec(),
            b"GET /v1/ho tels HTTP/1.1\r\nHost: x\r\n\r\n".to_vec(),
            b"GET /v1/\0 HTTP/1.1\r\nHost: x\r\n\r\n".to_vec(),
            b"GET /v1/hotels HTTP/1.1\r\nHost: x\r\nBad Header: x\r\n\r\n".to_vec(),
            b"POST /v1/hotels HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n{}".to_vec(),
            b"POST /v1/hotels HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\n{}x".to_vec(),
            b"POST /v1/hotels HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: gzip\r\n\r\n{}".to_vec(),
        ] {
            let answer = raw(house.address(), &bytes).await;
            let start = String::from_utf8_lossy(&answer[..answer.len().min(12)]).into_owned();
            assert!(answer.is_empty() || start.starts_with("HTTP/1.1 4"), "{start}");
        }
        house.api.get("/livez").await.expect(200);
        assert_eq!(stored(&db).await, before);
    }

    async fn queries_that_do_not_read(db: Database) {
        let house = House::build(&db).await;
        let (room, booking, hotel) = (&house.room, &house.booking, &house.hotel);
        let before = stored(&db).await;
        for path in house.reads() {
            let joint = if path.contains('?') { '&' } else { '?' };
            for query in [
                "bogus=1",
                "bogus",
                "limit=1&limit=1&bogus",
                "%00=1",
                "%FF=1",
                "a%00=1",
                "=",
                "Limit=1",
            ] {
                let path = format!("{path}{joint}{query}");
                check_problem(&path, &house.api.get(&path).await, 400, "invalid_request");
            }
        }
        for (method, path) in house.writes().into_iter().chain(house.commands()) {
            for query in ["bogus=1", "limit=1", "%00", "%FF=%FF"] {
                let path = format!("{path}?{query}");
                let answer = house.send(&method, &path, JSON, b"{}").await;
                check_problem(&format!("{method} {path}"), &answer, 400, "invalid_request");
            }
        }
        for path in [
            "/v1/rooms?guests=0",
            "/v1/rooms?guests=-1",
            "/v1/rooms?guests=9223372036854775808",
            "/v1/rooms?guests=two",
            "/v1/rooms?guests=",
            "/v1/rooms?sort=price",
            "/v1/rooms?sort=Number",
            "/v1/rooms?hotel_id=1",
            "/v1/rooms?hotel_id=",
            "/v1/rooms?check_in=2030-01-01",
            "/v1/rooms?check_out=2030-01-01",
            "/v1/rooms?check_in=2030-01-02&check_out=2030-01-02",
            "/v1/rooms?check_in=2030-01-01&check_out=2031-01-03",
            "/v1/rooms?check_in=2030-1-1&check_out=2030-01-03",
            "/v1/rooms?check_in=2030-02-30&check_out=2030-03-03",
            "/v1/rooms?check_in=10000-01-01&check_out=10000-01-02",
            "/v1/rooms?city=a%00b",
            "/v1/rooms?kind=%FF",
            "/v1/hotels?city=%00",
            "/v1/bookings?status=open",
            "/v1/bookings?status=",
            "/v1/bookings?from=today",
            "/v1/bookings?from=2030-01-01&to=2030-01-01",
            "/v1/bookings?from=2030-01-02&to=2030-01-01",
            "/v1/bookings?room_id=%27",
            "/v1/bookings?from=99999-01-01",
            &format!("/v1/rooms/{room}/availability"),
            &format!("/v1/rooms/{room}/availability?from=2030-01-01"),
            &format!("/v1/rooms/{room}/availability?to=2030-01-01"),
            &format!("/v1/rooms/{room}/availability?from=2030-01-01&to=2030-01-01"),
            &format!("/v1/rooms/{room}/availability?from=2030-01-01&to=2032-01-04"),
            &format!("/v1/rooms/{room}/bookings?from=2030-01-01&to=2030-01-01"),
            &format!("/v1/rooms/{room}/bookings?room_id={room}"),
            &format!("/v1/rooms/{room}/events?after_version=-1"),
            &format!("/v1/rooms/{room}/events?after_version=x"),
            // Before anything is looked up.
            &format!("/v1/rooms/{ABSENT}/availability"),
            &format!("/v1/rooms/{ABSENT}/bookings?from=x"),
            &format!("/v1/rooms/{ABSENT}/events?limit=0"),
            &format!("/v1/bookings/{booking}?from=2030-01-01"),
            &format!("/v1/hotels/{hotel}?limit=1"),
        ] {
            check_problem(path, &house.api.get(path).await, 400, "invalid_request");
        }
        // The edges that are still inside.
        for path in [
            "/v1/rooms?guests=9223372036854775807",
            "/v1/rooms?guests=1",
            "/v1/hotels?city=",
            "/v1/rooms?check_in=2030-01-01&check_out=2031-01-01",
            "/v1/rooms?check_in=9999-12-30&check_out=9999-12-31",
            "/v1/rooms?check_in=0001-01-01&check_out=0001-01-02",
            "/v1/bookings?from=9999-12-31",
            "/v1/bookings?to=0001-01-01",
            "/v1/bookings?from=0001-01-01&to=9999-12-31",
            "/v1/bookings?from=0000-01-01",
            "/v1/rooms?check_in=0000-01-01&check_out=0000-01-02",
            "/v1/rooms?kind=%F0%9F%8F%A8",
            "/v1/rooms?city=%27%3B%20DROP%20TABLE%20rooms%3B--",
            "/v1/rooms?",
            &format!("/v1/rooms/{room}/availability?from=2030-01-01&to=2032-01-03"),
            &format!("/v1/rooms/{room}/availability?from=9998-01-01&to=9999-12-31"),
            &format!("/v1/rooms/{room}/availability?from=0000-01-01&to=0001-12-31"),
            &format!("/v1/rooms/{room}/events?after_version=9223372036854775807"),
            &format!("/v1/rooms/{room}/events?after_version=0"),
            &format!("/v1/rooms/{}", room.to_uppercase()),
        ] {
            assert_eq!(house.api.get(path).await.expect(200).status, 200, "{path}");
        }
        assert_eq!(stored(&db).await, before);
    }

    /// The `type` of a problem is a path that explains it, for every code the service can answer.
    async fn every_problem_explains_itself(db: Database) {
        let house = House::build(&db).await;
        for code in [
            "invalid_request",
            "malformed_precondition",
            "invalid_version",
            "invalid_cursor",
            "not_found",
            "method_not_allowed",
            "payload_too_large",
            "unsupported_media_type",
            "room_unavailable",
            "room_closed",
            "no_room_available",
            "version_conflict",
            "hold_expired",
            "invalid_transition",
            "duplicate",
            "hotel_in_use",
            "room_in_use",
            "idempotency_in_flight",
            "lock_conflict",
            "precondition_failed",
            "weak_etag",
            "precondition_required",
            "validation_failed",
            "capacity_exceeded",
            "idempotency_mismatch",
            "internal",
            "unavailable",
            "outcome_unknown",
            "request_timeout",
            "uri_too_long",
            "headers_too_large",
        ] {
            let page = house.api.get(&format!("/problems/{code}")).await.expect(200);
            let text = String::from_utf8(page.body.clone()).expect("UTF-8");
            assert!(text.contains(code), "{text}");
            assert!(
                page.header("content-type").is_some_and(|it| it.starts_with("text/")),
                "{page:?}"
            );
        }
        let root = house.api.get("/").await;
        assert!(
            (300..400).contains(&root.status) && root.header("location") == Some("/docs"),
            "{root:?}"
        );
        let openapi = house.api.get("/openapi.json").await.expect(200).json();
        assert!(openapi["openapi"].as_str().is_some_and(|it| it.starts_with("3.1")));
    }
}

/// Reads an answer that came over a bare socket.
#[track_caller]
fn said(answer: &[u8]) -> Answer {
    let end = answer.windows(4).position(|bytes| bytes == b"\r\n\r\n");
    let end = end.unwrap_or_else(|| panic!("no answer: {}", String::from_utf8_lossy(answer)));
    let head = std::str::from_utf8(&answer[..end]).expect("a head is ASCII");
    let mut lines = head.split("\r\n");
    let status = lines.next().and_then(|line| line.split(' ').nth(1)?.parse().ok());
    let mut headers = vacancy_testkit::http::HeaderMap::new();
    for line in lines {
        let (name, value) = line.split_once(": ").expect("a header line");
        let name: reqwest::header::HeaderName = name.parse().expect("a header's name");
        headers.append(name, value.parse().expect("a header's value"));
    }
    let status = status.expect("a status line");
    Answer { status, headers, body: answer[end + 4..].to_vec() }
}

/// The body comes too slowly, or its end never does: the client hears so, and the connection is
/// of no more use. No database has a part in it, so that one is enough for a test of ten seconds.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn bodies_that_take_too_long() {
    let db = Database::create(Kind::Sqlite).await.expect("SQLite is always here");
    let house = House::build(&db).await;
    let before = stored(&db).await;
    let body = stay_body(3, 4).to_string();
    let path = format!("/v1/rooms/{}/bookings", house.room);
    let heads = ["Content-Length: 999".to_owned(), "Transfer-Encoding: chunked".to_owned()];
    let answers = at_once(heads.map(|length| {
        let request = format!(
            "POST {path} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n{length}\r\n\r\n\
             {:x}\r\n{body}\r\n",
            body.len()
        );
        let address = house.address();
        async move { raw(address, request.as_bytes()).await }
    }));
    for answer in answers.await {
        let answer = String::from_utf8(answer).expect("text");
        let start = "HTTP/1.1 408 Request Timeout\r\n";
        assert!(answer.starts_with(start), "{answer}");
        assert!(answer.contains("\r\nconnection: close\r\n"), "{answer}");
        assert!(answer.contains("\r\ncontent-type: application/problem+json\r\n"), "{answer}");
        assert!(answer.contains(r#""code":"request_timeout""#), "{answer}");
    }
    idle(&house.replica).await;
    assert_eq!(stored(&db).await, before);
    db.assert_audit_is_clean().await;
}
