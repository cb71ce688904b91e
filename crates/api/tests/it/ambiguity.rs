//! The wire to PostgreSQL breaks at the worst moment: before COMMIT, or after it and before its
//! answer. What a client hears must be true, and the same key must find out what could not be said then.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use vacancy_testkit::cluster::Server;
use vacancy_testkit::database::{Database, Kind};
use vacancy_testkit::http::Answer;
use vacancy_testkit::replica::{Replica, ReplicaOptions};
use vacancy_testkit::wire::{Cut, Wire};
use vacancy_testkit::{PATIENCE, eventually};

use crate::crowd::{at_once, clients, counted, events, idle};
use crate::support::{Api, id_of, stay_body};

/// How much later than its deadline an answer may be heard: many clients share a busy machine. A client
/// that is left waiting gives up much later than that.
const SLACK: Duration = Duration::from_secs(20);

/// A booking service behind a wire.
struct Behind {
    db: Database,
    wire: Wire,
    replica: Replica,
}

impl Behind {
    async fn start(options: ReplicaOptions) -> Option<Self> {
        let db = Database::create(Kind::Postgres).await?;
        let wire = Wire::start(db.address()).await;
        let database_url = Some(wire.url(db.url()));
        let replica = Replica::start_with(&db, ReplicaOptions { database_url, ..options }).await;
        Some(Self { db, wire, replica })
    }

    async fn bookings(&self) -> i64 {
        self.db.count("SELECT COUNT(*) FROM bookings").await
    }

    /// How many events this request has left.
    async fn traces_of(&self, request: &str) -> i64 {
        let query = "SELECT COUNT(*) FROM room_events WHERE data ->> 'request_id' = ";
        self.db.count(&format!("{query}'{request}'")).await
    }
}

/// COMMIT never reaches PostgreSQL, or its answer never comes back, for a part of a crowd's
/// bookings. The service finds out and decides again by itself; who was told otherwise, asks again.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_commit_cut_before_or_after_is_one_booking_in_the_end() {
    const CLIENTS: u32 = 20;
    const ROUNDS: u64 = 6;
    let Some(behind) = Behind::start(ReplicaOptions::default()).await else { return };
    let urls = [behind.replica.url()];
    let clients = clients(&urls, CLIENTS as usize).await;
    let hotel = clients[0].hotel().await;
    let mut rooms = Vec::new();
    for number in 0..CLIENTS {
        rooms.push(clients[0].room(&hotel, &number.to_string()).await);
    }
    let (mut acknowledged, mut unavailable, mut unknown, mut again) = (0, 0, 0, 0);
    let mut ids = BTreeSet::new();
    for round in 0..ROUNDS {
        // The first few statements, which several clients share; or every one of every attempt.
        let cuts = if round / 2 == 1 { CLIENTS * 5 / 2 } else { 3 };
        let before = behind.wire.counters();
        behind.wire.cut(if round % 2 == 0 {
            Cut::BeforeCommit(cuts)
        } else {
            Cut::AfterCommit(cuts)
        });
        let send = |api: Api, place: usize| {
            let path = format!("/v1/rooms/{}/bookings", rooms[place]);
            // Half of them without a key of their own: the service's own key makes that as safe.
            let key = place.is_multiple_of(2).then(|| format!("{round}-{place}"));
            let request = format!("r-{round}-{place}");
            async move { (place, post(&api, &path, round, key.as_deref(), &request).await) }
        };
        let answers =
            at_once(clients.iter().cloned().zip(0..).map(|(api, place)| send(api, place)));
        let answers = answers.await;
        behind.wire.cut(Cut::None);
        for (place, answer) in answers {
            match answer.status {
                201 => {
                    acknowledged += 1;
                    assert!(ids.insert(id_of(&answer)));
                }
                503 => {
                    // Not applied: nothing of it may ever be found.
                    unavailable += 1;
                    assert_eq!(answer.code(), "unavailable");
                    assert!(answer.header("retry-after").is_some());
                    assert_eq!(behind.traces_of(&format!("r-{round}-{place}")).await, 0);
                }
                504 => {
                    unknown += 1;
                    assert_eq!(answer.code(), "outcome_unknown");
                }
                _ => panic!("neither applied, nor not applied, nor unknown: {answer:?}"),
            }
            if place.is_multiple_of(2) {
                let path = format!("/v1/rooms/{}/bookings", rooms[place]);
                let key = format!("{round}-{place}");
                let second =
                    post(&clients[place], &path, round, Some(&key), "again").await.expect(201);
                if answer.status == 201 {
                    assert_eq!(second.body, answer.body);
                    assert_eq!(second.header("idempotency-replayed"), Some("true"));
                } else {
                    assert!(ids.insert(id_of(&second)));
                }
                again += 1;
            }
        }
        let after = behind.wire.counters();
        let cut = (after.cut_before - before.cut_before) + (after.cut_after - before.cut_after);
        // Those who come together may share a statement, and it is cut for all of them. Where every
        // statement is swallowed, each of three attempts was.
        let least = if round == 2 { 3 } else { 1 };
        assert!(cut >= least, "{cuts} were to be cut: {after:?}");
    }
    // What was acknowledged is there, and nothing else is, but for what was said to be unknown.
    let rows = behind.bookings().await;
    let told = i64::try_from(ids.len()).expect("at most 120");
    let lost = told - existing(&clients[0], &ids).await;
    let doubled = behind
        .db
        .count("SELECT COUNT(*) FROM (SELECT 1 FROM bookings GROUP BY room_id, check_in HAVING COUNT(*) > 1) AS d")
        .await;
    eprintln!(
        "commits cut: {:?}; acknowledged {acknowledged}, unavailable {unavailable}, unknown \
         {unknown}, asked again {again}; bookings {rows}, lost {lost}, doubled {doubled}",
        behind.wire.counters()
    );
    assert_eq!((lost, doubled), (0, 0));
    assert!((told..=told + unknown).contains(&rows));
    let guard = counted(&urls, "booking_overlap_guard_violations_total", &[]).await;
    assert_eq!(guard, 0);
    behind.db.assert_audit_is_clean().await;
}

/// One booking each, looked at closely: after one cut the service decides again, or finds out that
/// it need not, within the one request.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_cut_is_mended_within_the_request() {
    // The attempts are counted: a commit that PostgreSQL is slow to begin must not be one more of them.
    let fence = Some(Duration::from_secs(2));
    let options = ReplicaOptions { fence, ..ReplicaOptions::default() };
    let Some(behind) = Behind::start(options).await else { return };
    let urls = [behind.replica.url()];
    let api = Api::new(&urls[0]);
    let room = api.one_room().await;
    let path = format!("/v1/rooms/{room}/bookings");
    for (night, cut, attempts) in
        [(0, Cut::BeforeCommit(1), 2), (1, Cut::AfterCommit(1), 1), (2, Cut::BeforeCommit(2), 3)]
    {
        for key in [Some(format!("k{night}")), None] {
            let night = 2 * night + u64::from(key.is_some());
            behind.wire.cut(cut);
            let answer = post(&api, &path, night, key.as_deref(), "r").await.expect(201);
            assert_eq!(behind.wire.armed(), Cut::None);
            assert_eq!(answer.json()["attempts"], attempts, "{cut:?}");
            assert_eq!(
                behind.bookings().await,
                1 + i64::try_from(night).expect("small") / 2 * 2 + i64::from(key.is_none())
            );
            if key.is_some() {
                let again = post(&api, &path, night, key.as_deref(), "r").await.expect(201);
                assert_eq!(again.body, answer.body);
            }
        }
    }
    // Three attempts, three broken commits, all undone: that is known, and said.
    behind.wire.cut(Cut::BeforeCommit(3));
    let undone = post(&api, &path, 9, None, "undone").await.expect(503);
    assert_eq!(undone.code(), "unavailable");
    assert_eq!(behind.traces_of("undone").await, 0);
    let outcome = |outcome| [("operation", "book"), ("outcome", outcome)];
    let name = "booking_write_outcomes_total";
    for (label, count) in
        [("first_attempt", 2), ("after_retry", 4), ("failed", 1), ("unknown", 0), ("exhausted", 0)]
    {
        assert_eq!(counted(&urls, name, &outcome(label)).await, count, "{label}");
    }
    assert_eq!(api.room_now(&room).await["version"], 7);
    behind.db.assert_audit_is_clean().await;
}

/// The answer to COMMIT is lost and so is the database, until the deadline: the outcome is unknown, and
/// that is what is said. The same key finds out later.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_cannot_be_found_out_by_the_deadline_is_said_to_be_unknown() {
    let timeout = Duration::from_secs(5);
    // One connection: when it breaks, there is none left to ask by. A commit that is let through is
    // applied, however slow PostgreSQL is to begin it.
    let options = ReplicaOptions {
        request_timeout: timeout,
        connections: 1,
        fence: Some(PATIENCE),
        ..ReplicaOptions::default()
    };
    let Some(behind) = Behind::start(options).await else { return };
    let urls = [behind.replica.url()];
    let api = Api::new(&urls[0]);
    let room = api.one_room().await;
    // By the connection that is to break, which is there from here on.
    api.room_now(&room).await;
    let path = format!("/v1/rooms/{room}/bookings");
    for (night, cut, rows) in [(0, Cut::AfterCommit(1), 1), (1, Cut::BeforeCommit(1), 1)] {
        let key = format!("k{night}");
        behind.wire.cut(cut);
        behind.wire.refuse();
        let sent = Instant::now();
        let answer = post(&api, &path, night, Some(&key), "r").await.expect(504);
        let took = sent.elapsed();
        assert_eq!(answer.code(), "outcome_unknown");
        assert_eq!(answer.json()["retryable"], true);
        assert!(took < timeout + SLACK, "answered after {took:?}");
        // Meanwhile nothing can be booked, and no client is told otherwise.
        let other = post(&api, &path, 5 + night, None, "refused").await.expect(503);
        assert_eq!(other.code(), "unavailable");
        assert_eq!(behind.bookings().await, rows, "past the wire, before any client asked again");

        behind.wire.accept();
        let again = eventually("the key resolves", PATIENCE, || async {
            let answer = post(&api, &path, night, Some(&key), "r").await;
            let later = answer.status == 503
                || (answer.status == 409 && answer.code() == "idempotency_in_flight");
            (!later).then_some(answer)
        })
        .await
        .expect(201);
        let replayed = again.header("idempotency-replayed").is_some();
        assert_eq!(replayed, cut == Cut::AfterCommit(1), "{again:?}");
        assert_eq!(behind.bookings().await, 1 + i64::try_from(night).expect("small"));
        eprintln!(
            "{cut:?}: unknown after {took:?}, then {}",
            if replayed { "found" } else { "done" }
        );
    }
    let unknown = [("operation", "book"), ("outcome", "unknown")];
    assert_eq!(counted(&urls, "booking_write_outcomes_total", &unknown).await, 2);
    assert_eq!(behind.traces_of("refused").await, 0);
    behind.db.assert_audit_is_clean().await;
}

/// The database stands still, with its connections open, under load. Every client is answered in time,
/// and when it goes on, nothing appears that was said not to be applied.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_database_that_hangs_leaves_no_client_waiting_and_applies_nothing_it_was_said_not_to() {
    const CLIENTS: usize = 40;
    const ROOMS: usize = 8;
    const AT_WORK: &str = "SELECT COUNT(*) FROM pg_stat_activity WHERE datname = current_database()
        AND state <> 'idle' AND pid <> pg_backend_pid()";
    let Some(server) = Server::start().await else { return };
    let db = Database::on(&server).await;
    let timeout = Duration::from_secs(5);
    // The service's own: what PostgreSQL had not begun when it stood still is not written afterwards.
    let fence = Some(Duration::from_millis(500));
    let options = ReplicaOptions { request_timeout: timeout, fence, ..ReplicaOptions::default() };
    let replicas =
        [Replica::start_with(&db, options.clone()).await, Replica::start_with(&db, options).await];
    let urls = replicas.each_ref().map(Replica::url);
    let clients = clients(&urls, CLIENTS).await;
    let hotel = clients[0].hotel().await;
    let mut rooms = Vec::new();
    for number in 0..ROOMS {
        rooms.push(clients[0].room(&hotel, &number.to_string()).await);
    }
    let load = clients.iter().cloned().enumerate().map(|(place, api)| {
        let path = format!("/v1/rooms/{}/bookings", rooms[place % ROOMS]);
        let nights = (place / ROOMS..).step_by(CLIENTS.div_ceil(ROOMS));
        book_until_the_database_is_gone(api, path, nights.map(|night| night as u64))
    });
    let running = tokio::spawn(at_once(load.collect::<Vec<_>>()));
    let won = [("operation", "book"), ("outcome", "first_attempt")];
    let sold = || async { counted(&urls, "booking_write_outcomes_total", &won).await };
    eventually("the load runs", PATIENCE, || async { (sold().await > 60).then_some(()) }).await;
    server.stop_frozen().await;
    let frozen = Instant::now();
    let told: Vec<_> =
        running.await.expect("every client is answered").into_iter().flatten().collect();
    // One more of each kind of request, to a database that is frozen already.
    let sent = Instant::now();
    let late = at_once(
        clients[..4]
            .iter()
            .cloned()
            .zip(["/v1/rooms", "/v1/hotels", "/v1/bookings", "/readyz"])
            .map(|(api, path)| async move { api.get(path).await }),
    )
    .await;
    for answer in &late {
        assert_eq!((answer.status, answer.code()), (503, "unavailable".to_owned()), "{answer:?}");
    }
    assert!(sent.elapsed() < timeout + SLACK, "{:?}", sent.elapsed());
    server.resume();
    let stood_still = frozen.elapsed();

    let slowest = told.iter().map(|told| told.took).max().expect("many requests");
    assert!(slowest < timeout + SLACK, "one waited {slowest:?}");
    let mut numbers = [0; 4];
    for Told { answer, .. } in &told {
        let place = match (answer.status, answer.status >= 400) {
            (201, _) => 0,
            (409, _) if answer.code() == "lock_conflict" => 1,
            (503, _) if answer.code() == "unavailable" => 2,
            (504, _) if answer.code() == "outcome_unknown" => 3,
            _ => panic!("under a frozen database: {answer:?}"),
        };
        numbers[place] += 1;
    }
    let [acknowledged, exhausted, unavailable, unknown] = numbers;
    assert_eq!(unavailable + unknown, CLIENTS, "each client stopped at one: {numbers:?}");

    // The service may have given up the connection of a commit that was half done when PostgreSQL stood
    // still. It has ended when both are idle; nothing comes after that.
    for replica in &replicas {
        idle(replica).await;
    }
    eventually("PostgreSQL is idle", PATIENCE, || async {
        (db.count(AT_WORK).await == 0).then_some(())
    })
    .await;
    let traces = traces(&clients[0], &rooms).await;
    let mut applied_unknowns = 0;
    for Told { request, answer, .. } in &told {
        let found = traces.get(request).copied().unwrap_or_default();
        match answer.status {
            201 => assert_eq!(found, 1, "acknowledged and lost: {request}"),
            409 | 503 => assert_eq!(found, 0, "said not to be applied: {request} {answer:?}"),
            _ => applied_unknowns += found,
        }
        assert!(found <= 1, "doubled: {request}");
    }
    // The same keys find out, or do what was not done.
    for Told { path, night, request, answer, .. } in &told {
        if answer.status >= 500 {
            let key = Some(request.as_str());
            let again = post(&clients[0], path, *night, key, "again").await.expect(201);
            let replayed = again.header("idempotency-replayed").is_some();
            assert_eq!(replayed, traces.contains_key(request), "{again:?}");
        }
    }
    let rows = db.count("SELECT COUNT(*) FROM bookings").await;
    let resolved = i64::try_from(acknowledged + unavailable + unknown);
    assert_eq!(rows, resolved.expect("some hundreds"));
    eprintln!(
        "frozen for {stood_still:?}: acknowledged {acknowledged}, lock_conflict {exhausted}, \
         unavailable {unavailable}, unknown {unknown} ({applied_unknowns} applied); slowest answer \
         {slowest:?}; after the same keys again {rows} bookings, lost 0, doubled 0"
    );
    db.assert_audit_is_clean().await;
}

/// What a client of a database that hangs was told, and after how long.
struct Told {
    path: String,
    night: u64,
    request: String,
    answer: Answer,
    took: Duration,
}

/// Books night after night, each under a key that is the request's id as well.
async fn book_until_the_database_is_gone(
    api: Api,
    path: String,
    nights: impl Iterator<Item = u64>,
) -> Vec<Told> {
    let mut told: Vec<Told> = Vec::new();
    for night in nights {
        if told.last().is_some_and(|told| told.answer.status >= 500) {
            break;
        }
        let request = uuid::Uuid::now_v7().to_string();
        let sent = Instant::now();
        let answer = post(&api, &path, night, Some(&request), &request).await;
        told.push(Told { path: path.clone(), night, request, answer, took: sent.elapsed() });
    }
    told
}

/// How many events each request has left in these rooms.
async fn traces(api: &Api, rooms: &[String]) -> BTreeMap<String, usize> {
    let mut traces = BTreeMap::new();
    for room in rooms {
        for event in events(api, room).await {
            let request = event["data"]["request_id"].as_str().expect("every event has one");
            *traces.entry(request.to_owned()).or_default() += 1;
        }
    }
    traces
}

/// Books one night, under a key and a request id of the test's own.
async fn post(api: &Api, path: &str, night: u64, key: Option<&str>, request: &str) -> Answer {
    let mut post = api.client.post(api.path(path)).json(stay_body(night, night + 1));
    if let Some(key) = key {
        post = post.header("Idempotency-Key", key);
    }
    post.header("X-Request-Id", request).send().await
}

/// How many of these bookings there are, confirmed.
async fn existing(api: &Api, ids: &BTreeSet<String>) -> i64 {
    let mut existing = 0;
    for id in ids {
        let answer = api.get(&format!("/v1/bookings/{id}")).await;
        existing += i64::from(answer.status == 200 && answer.json()["status"] == "confirmed");
    }
    existing
}
