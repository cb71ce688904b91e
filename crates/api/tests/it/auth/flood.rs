//! Wrong keys in great number: what they cost the database, and other clients.

use std::time::{Duration, Instant};

use serde_json::json;
use tokio::task::JoinSet;
use vacancy::auth::guard::GuardOptions;
use vacancy::auth::key_text::KeyText;
use vacancy::auth::root_key::RootKey;
use vacancy_testkit::database::{Database, Kind};
use vacancy_testkit::replica::{Replica, ReplicaOptions};
use vacancy_testkit::wire::Wire;

use super::world::Caller;

/// A replica behind a wire that listens, and its root.
async fn behind_a_wire(db: &Database) -> (Replica, Wire, Caller) {
    let wire = Wire::start(db.address()).await;
    let root = KeyText::made();
    let guard = GuardOptions {
        required: true,
        root_key: Some(RootKey::of(&root)),
        rate: 0,
        ..GuardOptions::default()
    };
    let options = ReplicaOptions {
        database_url: Some(wire.url(db.url())),
        guard,
        ..ReplicaOptions::default()
    };
    let replica = Replica::start_with(db, options).await;
    let root = Caller::new(replica.url(), Some(root.reveal()));
    (replica, wire, root)
}

/// How many statements asked for keys.
fn looked_up(wire: &Wire) -> usize {
    let asks =
        |statement: &String| statement.contains("secret_hash") && statement.contains("SELECT");
    wire.take_recorded().iter().filter(|statement| asks(statement)).count()
}

/// How often what was read since `began` may have become too old since then: every five seconds.
fn outdated(began: Instant) -> usize {
    usize::try_from(began.elapsed().as_secs() / 5).expect("a short while")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_wrong_key_is_looked_up_once_however_often_it_is_sent() {
    let Some(db) = Database::create(Kind::Postgres).await else { return };
    let (_replica, wire, root) = behind_a_wire(&db).await;
    let good = root.key(&json!({ "name": "good", "scopes": ["read"] })).await;
    let guessed = KeyText::made();
    // Of a key that exists, the id with another secret is one key more that is known.
    let guessed = format!("{}{}", &good[..17], &guessed.reveal()[17..]);
    let mut wrong: Vec<_> = (0..5).map(|_| KeyText::made().reveal().to_owned()).collect();
    wrong.push(guessed);
    wire.record();
    let mut began = Instant::now();
    for key in &wrong {
        began = Instant::now();
        for _ in 0..20 {
            root.with(key).get("/v1/me").await.expect(401);
        }
        let statements = looked_up(&wire);
        assert!((1..=1 + outdated(began)).contains(&statements), "{statements} statements");
    }
    for _ in 0..20 {
        root.with(&good).get("/v1/me").await.expect(200);
    }
    let statements = looked_up(&wire);
    assert!(statements <= outdated(began), "its id was read already, and {statements} times more");
}

/// Ever new keys are read together: a statement every 50 ms, whatever comes. A good client is served
/// meanwhile, one whose key is known and one whose key is new.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_flood_of_ever_new_keys_is_few_statements() {
    const KEYS: usize = 400;
    let Some(db) = Database::create(Kind::Postgres).await else { return };
    let (_replica, wire, root) = behind_a_wire(&db).await;
    let known = root.make(&json!({ "name": "known", "scopes": ["read"] })).await;
    let new = root.make(&json!({ "name": "new", "scopes": ["read"] })).await;
    known.get("/v1/me").await.expect(200);
    wire.record();
    let began = Instant::now();
    let mut flood = JoinSet::new();
    for _ in 0..16 {
        let root = root.clone();
        flood.spawn(async move {
            for _ in 0..KEYS / 16 {
                root.with(KeyText::made().reveal()).get("/v1/me").await.expect(401);
            }
        });
    }
    known.get("/v1/me").await.expect(200);
    new.get("/v1/me").await.expect(200);
    while let Some(sent) = flood.join_next().await {
        sent.expect("every one is 401");
    }
    let statements = looked_up(&wire);
    let most = 2 + began.elapsed().as_millis() / 50;
    assert!(statements as u128 <= most, "{statements} statements, {most} at most");
    eprintln!("{KEYS} keys in {:?}: {statements} statements", began.elapsed());
}

/// What is known to exist waits for no flood.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_key_that_is_known_is_read_anew_beside_those_that_are_not() {
    let Some(db) = Database::create(Kind::Postgres).await else { return };
    let (_replica, wire, root) = behind_a_wire(&db).await;
    let known = root.make(&json!({ "name": "known", "scopes": ["read"] })).await;
    known.get("/v1/me").await.expect(200);
    wire.record();
    tokio::time::sleep(Duration::from_millis(5_100)).await;
    let all: JoinSet<_> = (0..50)
        .map(|_| {
            let known = known.clone();
            async move { known.get("/v1/me").await.expect(200) }
        })
        .collect();
    all.join_all().await;
    let statements = looked_up(&wire);
    // One, another for those who came while it read, and so on until all have heard of the first.
    assert!((1..=10).contains(&statements), "{statements} statements for 50 requests");
}
