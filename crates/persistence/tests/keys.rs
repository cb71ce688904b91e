//! What becomes of an idempotency key: whose commit may have taken place, and what a sweep
//! leaves alone.

use std::time::Duration;

use sea_orm::{ConnectionTrait, TransactionTrait};
use vacancy_domain::Change;
use vacancy_persistence::{
    Answer, CommitGate, Record, RequestKey, Resolved, Store, StoreError, StoreOptions, StoredAnswer,
};
use vacancy_testkit::database::{Database, Kind};
use vacancy_testkit::{PATIENCE, eventually, on_both_databases};

on_both_databases! {
    /// A key alone does not say that our commit took place: a copy of the request, or another one,
    /// may have used it meanwhile. What was answered does, however old it is.
    async fn a_key_says_whose_commit_took_place(db: Database) {
        let store = open(&db).await;
        let (ours, theirs) = (answer("ours"), answer("theirs"));
        check_resolved(&store, &ours, &Resolved::NotCommitted).await;
        keep(&store, &ours).await;
        check_resolved(&store, &ours, &Resolved::Committed).await;
        let stored = StoredAnswer { fingerprint: key().fingerprint.to_vec(), answer: ours.clone() };
        check_resolved(&store, &theirs, &Resolved::UsedBy(stored)).await;
        db.sql("UPDATE idempotency_keys SET expires_at = created_at").await;
        check_resolved(&store, &ours, &Resolved::Committed).await;
        // Had theirs been committed, it would have taken the place of one that had expired.
        check_resolved(&store, &theirs, &Resolved::NotCommitted).await;
        assert_eq!(db.count("SELECT COUNT(*) FROM idempotency_keys").await, 1, "looking keeps nothing");
    }

    async fn a_sweep_removes_what_has_expired_up_to_its_limit(db: Database) {
        let store = open(&db).await;
        for number in 0..5 {
            let key = RequestKey { text: format!("k{number}"), ..key() };
            keep_under(&store, &key, &answer("x")).await;
        }
        db.sql("UPDATE idempotency_keys SET expires_at = created_at WHERE key <> 'k0'").await;
        assert_eq!(store.forget_expired_keys(3).await.expect("it sweeps"), 3);
        assert_eq!(store.forget_expired_keys(3).await.expect("it sweeps"), 1);
        assert_eq!(db.count("SELECT COUNT(*) FROM idempotency_keys WHERE key = 'k0'").await, 1);
    }
}

/// The sweep has found the key expired and waits for its row, which another request is using again. Were it
/// removed after that, the retry of a booking would book a second time.
#[tokio::test]
async fn a_sweep_leaves_a_key_that_is_used_again_meanwhile() {
    let Some(db) = Database::create(Kind::Postgres).await else { return };
    let store = open(&db).await;
    keep(&store, &answer("long ago")).await;
    db.sql("UPDATE idempotency_keys SET expires_at = created_at").await;
    let connection = db.connect().await;
    let again = connection.begin().await.expect("a transaction");
    let renew = "UPDATE idempotency_keys SET expires_at = now() + interval '1 day'";
    again.execute_unprepared(renew).await.expect("no other request is at it");
    let sweeping = tokio::spawn({
        let store = store.clone();
        async move { store.forget_expired_keys(10).await }
    });
    eventually("the sweep waits for the row", PATIENCE, || async {
        let waiting = "SELECT COUNT(*) FROM pg_stat_activity
            WHERE datname = current_database() AND wait_event_type = 'Lock'";
        (db.count(waiting).await == 1 || sweeping.is_finished()).then_some(())
    })
    .await;
    again.commit().await.expect("nothing stands in its way");
    // On a slow machine it may have given up waiting.
    let swept = sweeping.await.expect("a sweep does not panic");
    assert!(matches!(swept, Ok(0) | Err(StoreError::Lost { .. })), "{swept:?}");
    assert_eq!(db.count("SELECT COUNT(*) FROM idempotency_keys").await, 1);
    connection.close().await.expect("closing a pool cannot fail");
}

async fn check_resolved(store: &Store, ours: &Answer, expected: &Resolved) {
    let resolved = store.resolve(&key(), Some(ours)).await.expect("no transaction holds it");
    assert_eq!(resolved, *expected, "{:?}", ours.body);
}

async fn keep(store: &Store, answer: &Answer) {
    keep_under(store, &key(), answer).await;
}

async fn keep_under(store: &Store, key: &RequestKey, answer: &Answer) {
    let at = store.hotel_snapshot(None, None).await.expect("it is read").now;
    let record = Record { key: key.clone(), answer: answer.clone() };
    let gate = CommitGate::default();
    let kept = store.commit_hotel(&Change::default(), &record, at, ("a test", None), &gate).await;
    kept.expect("no other transaction writes");
}

fn key() -> RequestKey {
    let time_to_live = Duration::from_hours(1);
    RequestKey { text: "k".to_owned(), fingerprint: [7; 32], time_to_live }
}

fn answer(body: &str) -> Answer {
    Answer { status: 201, version: None, location: None, body: Some(body.to_owned()) }
}

async fn open(db: &Database) -> Store {
    let options = StoreOptions {
        url: db.url().to_owned(),
        connections: 2,
        statement_timeout: Duration::from_secs(10),
        exclusive: true,
    };
    let store = Store::connect(&options).await.expect("the test's database can be opened");
    store.migrate().await.expect("an empty database can be migrated");
    store
}
