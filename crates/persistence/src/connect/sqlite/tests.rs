//! Readers that are busy with what no caller waits for any more.

use std::time::{Duration, Instant};

use sea_orm::DbErr;
use vacancy_testkit::database::{Database, Kind};
use vacancy_testkit::{PATIENCE, eventually};

use super::SQLITE_READERS_MAX;
use crate::query::Query;
use crate::tx::in_transaction;
use crate::{Store, StoreError, StoreOptions};

const STATEMENT_TIMEOUT: Duration = Duration::from_secs(1);

/// Counts for minutes, and gives nothing back meanwhile.
const ENDLESS: &str = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT 3000000000) \
                       SELECT COUNT(*) FROM n";

async fn store(db: &Database) -> Store {
    let options = StoreOptions {
        url: db.url().to_owned(),
        connections: SQLITE_READERS_MAX,
        statement_timeout: STATEMENT_TIMEOUT,
        exclusive: true,
    };
    Store::connect(&options).await.expect("the test's database can be opened")
}

/// The log stays the same file when every connection is made anew, and is not taken for another.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn connections_made_anew_keep_the_log() {
    let db = Database::create(Kind::Sqlite).await.expect("SQLite is always there");
    let store = store(&db).await;
    db.sql("CREATE TABLE marks (mark bigint)").await;
    // A second name keeps the log's inode from being given to a log made anew.
    let file = db.url().trim_start_matches("sqlite://").trim_end_matches("?mode=rwc");
    std::fs::hard_link(format!("{file}-wal"), format!("{file}-kept")).expect("one file system");
    for _ in 0..10 {
        store.retirement.learn(&StoreError::StalePlan(DbErr::Custom("a plan".to_owned())));
        let mark = Query::new(store.dialect, "INSERT INTO marks VALUES (1)");
        in_transaction(&store, mark).await.expect("it is written");
        // The writer is closed behind our back.
        tokio::time::sleep(Duration::from_millis(20)).await;
        let read = Query::new(store.dialect, "SELECT 1").one(&store.reader).await;
        read.expect("a reader is free").expect("a row");
        store.check_file().expect("it is the same file");
    }
    store.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn reads_that_take_too_long_are_stopped_and_keep_no_reader() {
    let db = Database::create(Kind::Sqlite).await.expect("SQLite is always there");
    let store = store(&db).await;
    let endless = || {
        let store = store.clone();
        async move { Query::new(store.dialect, ENDLESS).one(&store.reader).await }
    };
    // A caller that waits hears of it.
    let started = Instant::now();
    let waited = endless().await.expect_err("it is stopped");
    assert!(matches!(StoreError::from(waited), StoreError::Unavailable(_)));
    assert!(started.elapsed() < STATEMENT_TIMEOUT * 10, "{:?}", started.elapsed());

    // As many as there are readers, all given up at once.
    let reads: Vec<_> = (0..SQLITE_READERS_MAX).map(|_| tokio::spawn(endless())).collect();
    tokio::time::sleep(STATEMENT_TIMEOUT / 2).await;
    for read in reads {
        read.abort();
    }
    // Long before they would have counted to their end.
    for _ in 0..SQLITE_READERS_MAX {
        eventually("a reader is free", PATIENCE, || async {
            let read = Query::new(store.dialect, "SELECT 1").one(&store.reader).await;
            read.ok().map(|row| row.expect("a row"))
        })
        .await;
    }
}
