//! Migrations beside a service at work.

use vacancy_testkit::database::{Database, Kind};

use super::*;
use crate::StoreOptions;
use crate::tx::in_transaction;

/// How long another session reads the table that is to be altered.
const READER: Duration = Duration::from_secs(5);
/// A write that queued behind the waiting step for as long as that waits, and a slow machine.
const WRITE_MAX: Duration = Duration::from_millis(900);

async fn store(db: &Database) -> Store {
    let options = StoreOptions {
        url: db.url().to_owned(),
        connections: 4,
        statement_timeout: Duration::from_secs(10),
        exclusive: true,
    };
    let store = Store::connect(&options).await.expect("the test's database can be opened");
    store.migrate().await.expect("an empty database can be migrated");
    store
}

/// A long reader keeps a step from its lock; writes go on meanwhile, none of them refused, and the
/// step is made once the reader has gone.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_step_that_waits_for_a_reader_holds_no_write_up() {
    let Some(db) = Database::create(Kind::Postgres).await else { return };
    let store = store(&db).await;
    db.sql("CREATE TABLE marks (mark bigint)").await;
    let reader = db.connect().await;
    let reading = reader.begin().await.expect("a transaction can begin");
    reading.execute_unprepared("SELECT * FROM marks").await.expect("there is such a table");

    let migrating = tokio::spawn({
        let store = store.clone();
        async move {
            let alter = "ALTER TABLE marks ADD COLUMN note text";
            let step = || {
                store.migrate_postgres(async |tx| tx.execute_unprepared(alter).await.map(|_| ()))
            };
            patiently(MIGRATION_TIMEOUT, step).await
        }
    });
    let started = Instant::now();
    let mut slowest = Duration::ZERO;
    while started.elapsed() < READER {
        let began = Instant::now();
        let mark = Query::new(store.dialect, "INSERT INTO marks VALUES (1)");
        in_transaction(&store, mark).await.expect("writes go on");
        slowest = slowest.max(began.elapsed());
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert!(!migrating.is_finished(), "the reader was in its way");
    assert!(slowest < WRITE_MAX, "a write waited {slowest:?}");
    reading.rollback().await.expect("nothing stands in its way");
    reader.close().await.expect("closing a pool cannot fail");
    let migrated = tokio::time::timeout(Duration::from_secs(10), migrating).await;
    let migrated = migrated.expect("it tries again soon").expect("it does not panic");
    migrated.expect("nothing is in its way any more");
    assert!(db.count("SELECT COUNT(*) FROM marks WHERE note IS NULL").await > 0);
}

/// A lock that is never to be had ends the migration, and leaves nothing.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn patience_with_a_lock_ends() {
    let Some(db) = Database::create(Kind::Postgres).await else { return };
    let store = store(&db).await;
    let other = db.connect().await;
    let held = other.begin().await.expect("a transaction can begin");
    let lock = format!("SELECT pg_advisory_xact_lock({LOCK_KEY})");
    held.execute_unprepared(&lock).await.expect("no other session has it");
    let step = || store.migrate_postgres(async |_| Ok(()));
    let ended = patiently(Duration::from_millis(10), step).await;
    assert!(matches!(ended, Err(StoreError::Lost { .. })), "{ended:?}");
    held.rollback().await.expect("nothing stands in its way");
    other.close().await.expect("closing a pool cannot fail");
}
