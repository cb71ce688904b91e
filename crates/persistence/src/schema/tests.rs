//! Migrations beside a service at work.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use vacancy_testkit::database::{Database, Kind};
use vacancy_testkit::{PATIENCE, eventually};

use super::*;
use crate::StoreOptions;
use crate::tx::in_transaction;

/// How often the step is tried while another session reads the table that is to be altered.
const TRIES: usize = 3;
/// Sessions that wait for a lock on the table.
const WAITING: &str = "SELECT COUNT(*) FROM pg_locks
    WHERE database = (SELECT oid FROM pg_database WHERE datname = current_database())
      AND relation = 'marks'::regclass AND mode = 'AccessExclusiveLock' AND NOT granted";

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

/// A long reader keeps a step from its lock; writes go on meanwhile, none of them refused, as PostgreSQL
/// would refuse one that waits for a second; and the step is made once the reader has gone.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_step_that_waits_for_a_reader_holds_no_write_up() {
    let Some(db) = Database::create(Kind::Postgres).await else { return };
    let store = store(&db).await;
    db.sql("CREATE TABLE marks (mark bigint)").await;
    let reader = db.connect().await;
    let reading = reader.begin().await.expect("a transaction can begin");
    reading.execute_unprepared("SELECT * FROM marks").await.expect("there is such a table");

    let tries = Arc::new(AtomicUsize::new(0));
    let migrating = tokio::spawn({
        let (store, tries) = (store.clone(), tries.clone());
        async move {
            let alter = "ALTER TABLE marks ADD COLUMN note text";
            let step = || {
                tries.fetch_add(1, Ordering::SeqCst);
                store.migrate_postgres(async |tx| tx.execute_unprepared(alter).await.map(|_| ()))
            };
            patiently(MIGRATION_TIMEOUT, step).await
        }
    });
    // Before each write the next try waits for its lock, so that the write queues behind it.
    for tried in 1..=TRIES {
        eventually("the step waits for its lock", PATIENCE, || async {
            (tries.load(Ordering::SeqCst) >= tried && db.count(WAITING).await > 0).then_some(())
        })
        .await;
        let mark = Query::new(store.dialect, "INSERT INTO marks VALUES (1)");
        in_transaction(&store, mark).await.expect("writes go on");
    }
    assert!(!migrating.is_finished(), "the reader was in its way");
    reading.rollback().await.expect("nothing stands in its way");
    reader.close().await.expect("closing a pool cannot fail");
    let migrated = tokio::time::timeout(PATIENCE, migrating).await;
    let migrated = migrated.expect("it tries again soon").expect("it does not panic");
    migrated.expect("nothing is in its way any more");
    let marks = db.count("SELECT COUNT(*) FROM marks WHERE note IS NULL").await;
    assert_eq!(marks, i64::try_from(TRIES).expect("a few"));
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
