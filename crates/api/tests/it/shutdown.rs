//! The end of a process that was asked to stop: what it accepted it answers, and it is quick.

use std::collections::{BTreeMap, BTreeSet};
use std::io::ErrorKind;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use vacancy::server::Limits;
use vacancy_testkit::database::{Database, Kind};
use vacancy_testkit::process::Process;
use vacancy_testkit::scrape::Scrape;
use vacancy_testkit::{PATIENCE, eventually, on_both_databases};

use crate::crowd::events;
use crate::support::{Api, binary, stay_body};

const CLIENTS: usize = 16;
const ROOMS: usize = 8;
/// From the signal to the end of the process, at most.
const STOP_DEADLINE: Duration = Duration::from_secs(10);

on_both_databases! {
    /// Every client of keep-alive connections hears the answer to every request that it sent; then
    /// the connection is closed in good order, and the next one is refused.
    async fn no_request_that_was_accepted_fails_when_the_service_is_asked_to_stop(db: Database) {
        stop_under_load(&db, ROOMS).await;
    }

    /// The same when all want one room: those that queue for it are answered too.
    async fn no_request_for_a_hot_room_fails_when_the_service_is_asked_to_stop(db: Database) {
        stop_under_load(&db, 1).await;
    }

    /// The end does not wait for the deadline when there is nothing to wait for; and one request that takes its
    /// time, because another transaction holds the room, is finished first.
    async fn a_stop_waits_for_a_slow_request_and_for_nothing_else(db: Database) {
        // Patient enough that the booking waits for as long as the room is held.
        let patient = "--request-timeout=30s --retry-attempts=20 --retry-multiplier=1";
        let patient: Vec<_> = patient.split(' ').collect();
        let mut process = Process::start(binary(), db.url(), &patient).await;
        let (status, took) = process.terminate().await;
        assert_eq!(status.code(), Some(0));
        assert!(took < STOP_DEADLINE / 2, "nothing to do, and it took {took:?}");

        let mut process = Process::start(binary(), db.url(), &patient).await;
        let room = Api::new(process.url()).one_room().await;
        let held = db.hold_rooms().await;
        let mut connection = Connection::open(process.address()).await.expect("it listens");
        let asking = tokio::spawn(async move {
            let body = stay_body(0, 1).to_string();
            connection.ask("POST", &format!("/v1/rooms/{room}/bookings"), "slow", Some(&body)).await
        });
        // From here on it cannot end before the room is let go.
        eventually("the booking is at work", PATIENCE, || async {
            let scrape = Scrape::get(&process.url()).await;
            let posts = scrape.count("http_server_active_requests", &[("method", "POST")]);
            (posts == 1).then_some(())
        })
        .await;
        process.ask_to_stop();
        eventually("it has been asked to stop", PATIENCE, || async {
            process.log().contains("asked to stop").then_some(())
        })
        .await;
        held.let_go().await;
        let (status, took) = process.end().await;
        let answer = asking.await.expect("it does not panic").expect("it is answered");
        assert_eq!((answer.status, answer.closes), (201, true));
        assert_eq!(status.code(), Some(0));
        assert!(took <= STOP_DEADLINE, "it took {took:?}");
        eprintln!(
            "{:?}: a request that waited for a lock was answered, and then the process ended: {took:?}",
            db.kind()
        );
        assert_eq!(db.count("SELECT COUNT(*) FROM bookings").await, 1);
    }
}

async fn stop_under_load(db: &Database, count: usize) {
    let mut process = Process::start(binary(), db.url(), &[]).await;
    let api = Api::new(process.url());
    let hotel = api.hotel().await;
    let mut rooms = Vec::new();
    for number in 0..count {
        rooms.push(api.room(&hotel, &number.to_string()).await);
    }
    // A client that asks for readiness, on connections it has had all along.
    let mut probers = Vec::new();
    for _ in 0..2 {
        let mut prober = Connection::open(process.address()).await.expect("it listens");
        let ready = prober.ask("GET", "/readyz", "", None).await.expect("it is ready");
        assert_eq!((ready.status, ready.closes), (200, false));
        probers.push(prober);
    }
    // One that has nothing to ask at the moment must not keep the process.
    let idle = Connection::open(process.address()).await.expect("it listens");

    let answered = Arc::new(AtomicU64::new(0));
    let load: Vec<_> = (0..CLIENTS)
        .map(|client| {
            let room = rooms[client % count].clone();
            tokio::spawn(keep_booking(process.address(), client, count, room, answered.clone()))
        })
        .collect();
    eventually("the load runs", PATIENCE, || async {
        (answered.load(Ordering::SeqCst) >= 100).then_some(())
    })
    .await;
    let before = answered.load(Ordering::SeqCst);
    let readiness = tokio::spawn(async move {
        let [first, second] = &mut probers[..] else { unreachable!("two were opened") };
        // When a question was last sent in time. A machine may be so busy that the next one is sent when
        // the grace is over, or nearly so.
        let mut asked = Instant::now();
        // On the first until it is asked to leave: the stop has begun.
        let last = loop {
            let late = asked.elapsed() > Limits::default().leave_grace / 2;
            asked = Instant::now();
            match first.ask("GET", "/readyz", "", None).await {
                Ok(last) if last.closes => break last,
                Ok(_) => {}
                Err(Broken::Unanswered) if late => return None,
                Err(broken) => panic!("{broken:?}, asked {:?} ago", asked.elapsed()),
            }
        };
        // It may have begun between that answer and its last line; then on the second.
        if last.status != 200 {
            return Some((last.status, last.closes));
        }
        let late = asked.elapsed() > Limits::default().leave_grace / 2;
        match second.ask("GET", "/readyz", "", None).await {
            Ok(last) => Some((last.status, last.closes)),
            Err(Broken::Unanswered) if late => None,
            Err(broken) => panic!("{broken:?}, asked {:?} ago", asked.elapsed()),
        }
    });
    let (status, took) = process.terminate().await;
    assert_eq!(status.code(), Some(0), "{}", process.log());
    assert!(took <= STOP_DEADLINE, "it took {took:?}");
    assert!(TcpStream::connect(process.address()).await.is_err(), "nothing listens any more");
    drop(idle);

    let mut logs = Vec::new();
    for client in load {
        logs.push(client.await.expect("a client does not panic"));
    }
    let sum = |number: fn(&Log) -> u64| logs.iter().map(number).sum::<u64>();
    let (answers, unanswered) = (sum(|log| log.answers), sum(|log| log.unanswered.len() as u64));
    let (half, asked_to_leave) = (sum(|log| log.half_answered), sum(|log| log.asked_to_leave));
    let readiness = readiness.await.expect("the prober does not panic");
    eprintln!(
        "SIGTERM, {:?}: {before} answered before it, {} after it, {asked_to_leave} connections \
         asked to leave, {unanswered} closed before any answer, {half} half answered; readiness \
         at the end {readiness:?}; exit 0 after {took:?}",
        db.kind(),
        answers - before
    );
    assert_eq!(half, 0);
    assert!(
        matches!(readiness, None | Some((503, true))),
        "it says that it is stopping: {readiness:?}"
    );

    // What clients were told is what is there; what was closed before an answer was not done.
    let next = Process::start(binary(), db.url(), &[]).await;
    let api = Api::new(next.url());
    let mut done = BTreeMap::<String, u64>::new();
    for room in &rooms {
        for event in events(&api, room).await {
            let request = event["data"]["request_id"].as_str().expect("every event has one");
            *done.entry(request.to_owned()).or_default() += 1;
        }
    }
    for log in &logs {
        for (request, status) in &log.told {
            let expected = u64::from(*status == 201);
            assert_eq!(done.get(request).copied().unwrap_or(0), expected, "{request} {status}");
        }
        for request in &log.unanswered {
            assert!(!done.contains_key(request), "{request} was accepted, and its answer lost");
        }
    }
    let statuses: BTreeSet<_> = logs.iter().flat_map(|log| log.told.values()).collect();
    assert!(statuses.is_subset(&BTreeSet::from([&201, &409])), "{statuses:?}");
}

/// One file, one process; the second is told what to use instead, and the first goes on.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_second_process_on_one_sqlite_file_is_pointed_to_postgresql() {
    let db = Database::create(Kind::Sqlite).await.expect("SQLite is always here");
    let mut first = Process::start(binary(), db.url(), &[]).await;
    let api = Api::new(first.url());
    let room = api.one_room().await;
    for command in ["serve", "migrate"] {
        let args = [command, "--listen", "127.0.0.1:0", "--database-url", db.url()];
        let second = Process::run(binary(), &args).await;
        assert_eq!(second.code, Some(1), "{second:?}");
        let lines: Vec<_> = second.stderr.lines().collect();
        assert_eq!(lines.len(), 1, "one line: {second:?}");
        assert!(lines[0].contains("PostgreSQL"), "{second:?}");
        assert!(!second.stdout.contains("http://"), "it never listened: {second:?}");
    }
    api.book(&room, 0, 1).await.expect(201);
    db.assert_audit_is_clean().await;
    // The file is free as soon as the first has gone, whichever way it went.
    first.kill9().await;
    let mut third = Process::start(binary(), db.url(), &[]).await;
    Api::new(third.url()).book(&room, 1, 2).await.expect(201);
    let (status, _) = third.terminate().await;
    assert_eq!(status.code(), Some(0));
    let fourth = Process::start(binary(), db.url(), &[]).await;
    assert_eq!(Api::new(fourth.url()).room_now(&room).await["version"], 3);
    db.assert_audit_is_clean().await;
}

/// What one client saw until it was refused.
#[derive(Default)]
struct Log {
    answers: u64,
    asked_to_leave: u64,
    /// Requests whose connection was closed before a byte of an answer.
    unanswered: Vec<String>,
    half_answered: u64,
    /// What each request was told.
    told: BTreeMap<String, u16>,
}

/// Books night after night, without a pause, on one connection after the other, until refused.
async fn keep_booking(
    address: SocketAddr,
    client: usize,
    rooms: usize,
    room: String,
    answered: Arc<AtomicU64>,
) -> Log {
    let mut log = Log::default();
    let mut number = 0;
    let path = format!("/v1/rooms/{room}/bookings");
    while let Ok(mut connection) = Connection::open(address).await {
        loop {
            let night = (number * CLIENTS.div_ceil(rooms) + client / rooms) as u64 % 1_000;
            let request = format!("s-{client}-{number}");
            number += 1;
            let body = stay_body(night, night + 1).to_string();
            match connection.ask("POST", &path, &request, Some(&body)).await {
                Ok(answer) => {
                    log.answers += 1;
                    answered.fetch_add(1, Ordering::SeqCst);
                    log.told.insert(request, answer.status);
                    if answer.closes {
                        log.asked_to_leave += 1;
                        break;
                    }
                }
                Err(Broken::Unanswered) => {
                    log.unanswered.push(request);
                    break;
                }
                Err(Broken::HalfAnswered) => {
                    log.half_answered += 1;
                    break;
                }
            }
        }
    }
    log
}

/// A keep-alive connection, bare, so that every way of breaking it can be told.
struct Connection {
    stream: TcpStream,
    address: SocketAddr,
}

struct Heard {
    status: u16,
    /// The server closes the connection after this answer.
    closes: bool,
}

#[derive(Debug)]
enum Broken {
    /// Before any byte of an answer.
    Unanswered,
    /// After some of it.
    HalfAnswered,
}

impl Connection {
    async fn open(address: SocketAddr) -> std::io::Result<Self> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        Ok(Self { stream, address })
    }

    async fn ask(
        &mut self,
        method: &str,
        path: &str,
        request: &str,
        body: Option<&str>,
    ) -> Result<Heard, Broken> {
        let body = body.unwrap_or_default();
        let id = match request {
            "" => String::new(),
            id => format!("X-Request-Id: {id}\r\n"),
        };
        let content = match body.len() {
            0 => String::new(),
            length => format!("Content-Type: application/json\r\nContent-Length: {length}\r\n"),
        };
        let head = format!("{method} {path} HTTP/1.1\r\nHost: {}\r\n{id}{content}", self.address);
        let message = format!("{head}\r\n{body}");
        if self.stream.write_all(message.as_bytes()).await.is_err() {
            return Err(Broken::Unanswered);
        }
        let mut bytes = Vec::new();
        loop {
            let read = self.stream.read_buf(&mut bytes).await;
            let gone = match &read {
                Ok(count) => *count == 0,
                Err(error) => {
                    assert_ne!(error.kind(), ErrorKind::TimedOut);
                    true
                }
            };
            if gone {
                let half = !bytes.is_empty();
                return Err(if half { Broken::HalfAnswered } else { Broken::Unanswered });
            }
            if let Some(heard) = heard(&bytes) {
                return Ok(heard);
            }
        }
    }
}

/// The answer, when all of it is there.
fn heard(bytes: &[u8]) -> Option<Heard> {
    let end = bytes.windows(4).position(|four| four == b"\r\n\r\n")? + 4;
    let head = std::str::from_utf8(&bytes[..end]).expect("heads are ASCII");
    let status = head.split(' ').nth(1)?.parse().expect("a status line has a status");
    let header = |name: &str| {
        let mut lines = head.lines().skip(1).filter_map(|line| line.split_once(':'));
        let found = lines.find(|(its, _)| its.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.trim().to_owned())
    };
    let length: usize = header("content-length")?.parse().expect("a length is a number");
    if bytes.len() < end + length {
        return None;
    }
    assert_eq!(bytes.len(), end + length, "one answer to one request");
    let body: Option<Value> = serde_json::from_slice(&bytes[end..]).ok();
    assert!(body.is_some() || status == 200, "an answer is JSON: {head}");
    let closes = header("connection").is_some_and(|value| value.eq_ignore_ascii_case("close"));
    Some(Heard { status, closes })
}
