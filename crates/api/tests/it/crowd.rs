//! Many clients at once, and what is asked of the service when they are done.

use std::sync::Arc;
use std::time::Instant;

use serde_json::Value;
use tokio::sync::Barrier;
use tokio::task::JoinSet;
use vacancy_testkit::database::{Database, Kind};
use vacancy_testkit::http::Answer;
use vacancy_testkit::replica::{Replica, ReplicaOptions};
use vacancy_testkit::scrape::Scrape;
use vacancy_testkit::{PATIENCE, eventually};

use crate::support::Api;

/// As many replicas as the database may have here: two on PostgreSQL, one on a SQLite file.
pub async fn replicas(db: &Database) -> Vec<Replica> {
    replicas_with(db, &ReplicaOptions::default()).await
}

/// The same with other settings.
pub async fn replicas_with(db: &Database, options: &ReplicaOptions) -> Vec<Replica> {
    let mut replicas = vec![Replica::start_with(db, options.clone()).await];
    if db.kind() == Kind::Postgres {
        replicas.push(Replica::start_with(db, options.clone()).await);
    }
    replicas
}

/// Clients spread evenly over the replicas, each with a connection of its own that is open already,
/// so that what follows starts with the requests.
pub async fn clients(urls: &[String], count: usize) -> Vec<Api> {
    let clients: Vec<_> = urls.iter().cycle().take(count).map(Api::new).collect();
    let greetings = clients.iter().cloned().map(|api| async move { api.get("/livez").await });
    for answer in at_once(greetings).await {
        answer.expect(200);
    }
    clients
}

/// The addresses of replicas.
pub fn urls(replicas: &[Replica]) -> Vec<String> {
    replicas.iter().map(Replica::url).collect()
}

/// Lets all requests go at the same moment, and gives what came of them in their order.
pub async fn at_once<T, F>(requests: impl IntoIterator<Item = F>) -> Vec<T>
where
    T: Send + 'static,
    F: Future<Output = T> + Send + 'static,
{
    let requests: Vec<_> = requests.into_iter().collect();
    let barrier = Arc::new(Barrier::new(requests.len()));
    let mut running = JoinSet::new();
    for (place, request) in requests.into_iter().enumerate() {
        let barrier = barrier.clone();
        running.spawn(async move {
            barrier.wait().await;
            (place, request.await)
        });
    }
    let mut done = running.join_all().await;
    done.sort_by_key(|(place, _)| *place);
    done.into_iter().map(|(_, answer)| answer).collect()
}

/// Sends a request with a key, and sends it again for as long as it is told that the first is still at
/// work, as copies are that have waited for two seconds. Gives what came, and how often it was told so.
pub async fn until_told<F: Future<Output = Answer>>(send: impl Fn() -> F) -> (Answer, u64) {
    let began = Instant::now();
    let mut in_flight = 0;
    loop {
        let answer = send().await;
        if answer.status != 409 || answer.code() != "idempotency_in_flight" {
            return (answer, in_flight);
        }
        in_flight += 1;
        assert!(began.elapsed() < PATIENCE, "told {in_flight} times to come again");
    }
}

/// How many of the answers have this status and, for a problem, this code (`""`: whichever).
pub fn tally(answers: &[Answer], status: u16, code: &str) -> usize {
    let counts =
        |answer: &&Answer| answer.status == status && (code.is_empty() || answer.code() == code);
    answers.iter().filter(counts).count()
}

/// The sum over all replicas of the counters with this name and these labels.
pub async fn counted(urls: &[String], name: &str, labels: &[(&str, &str)]) -> u64 {
    let mut sum = 0;
    for url in urls {
        sum += Scrape::get(url).await.count(name, labels);
    }
    sum
}

/// The whole history of a room, in order, without gaps: version 1 comes first, then 2, …
pub async fn events(api: &Api, room: &str) -> Vec<Value> {
    let mut events: Vec<Value> = Vec::new();
    let mut path = format!("/v1/rooms/{room}/events?limit=200");
    loop {
        let page = api.get(&path).await.expect(200).json();
        events.extend(page["items"].as_array().expect("a list has items").iter().cloned());
        let Some(cursor) = page["next_cursor"].as_str() else { break };
        path = format!("/v1/rooms/{room}/events?limit=200&cursor={cursor}");
    }
    for (place, event) in events.iter().enumerate() {
        assert_eq!(event["version"], place as u64 + 1, "a gap in the history of {room}");
    }
    events
}

/// The kinds of events, in order.
pub fn kinds(events: &[Value]) -> Vec<&str> {
    events.iter().map(|event| event["kind"].as_str().expect("an event has a kind")).collect()
}

/// Waits until no request is served and nothing is at work any more.
pub async fn idle(replica: &Replica) {
    eventually("the service is idle", PATIENCE, || async {
        let scrape = Scrape::get(&replica.url()).await;
        // The scrape itself is a GET.
        let posts = scrape.count("http_server_active_requests", &[("method", "POST")]);
        let all = scrape.count("http_server_active_requests", &[]);
        let lent = replica.app.store.pool_use().in_use;
        (posts == 0 && all <= 1 && lent == 0 && replica.app.tasks.is_empty()).then_some(())
    })
    .await;
}
