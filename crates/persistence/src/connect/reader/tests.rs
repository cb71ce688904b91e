//! Prepared statements that do not fit any more.

use std::time::Duration;

use futures_util::future::join_all;
use vacancy_testkit::database::{Database, Kind};

use crate::query::Query;
use crate::{Store, StoreOptions};

const CONNECTIONS: u32 = 4;

async fn store(db: &Database) -> Store {
    let options = StoreOptions {
        url: db.url().to_owned(),
        connections: CONNECTIONS,
        statement_timeout: Duration::from_secs(10),
        exclusive: true,
    };
    Store::connect(&options).await.expect("the test's database can be opened")
}

/// Reads on every connection at once. Each read is held up a little, so that all are used.
async fn read_everywhere(store: &Store) {
    let reads = (0..CONNECTIONS * 2).map(|_| async {
        let read = "SELECT marks.*, pg_sleep(0.05)::text FROM marks";
        Query::new(store.dialect, read).all(&store.reader).await
    });
    for rows in join_all(reads).await {
        assert_eq!(rows.expect("every read is answered").len(), 1);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_read_fails_when_a_table_changes_under_its_plan() {
    let Some(db) = Database::create(Kind::Postgres).await else { return };
    let store = store(&db).await;
    db.sql("CREATE TABLE marks (mark bigint); INSERT INTO marks VALUES (1)").await;
    read_everywhere(&store).await;
    for step in 0..3 {
        db.sql(&format!("ALTER TABLE marks ADD COLUMN note{step} text")).await;
        read_everywhere(&store).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_read_fails_when_a_connection_has_lost_its_statements() {
    let Some(db) = Database::create(Kind::Postgres).await else { return };
    let store = store(&db).await;
    db.sql("CREATE TABLE marks (mark bigint); INSERT INTO marks VALUES (1)").await;
    read_everywhere(&store).await;
    let forgetting = (0..CONNECTIONS).map(|_| async {
        let forget = Query::new(store.dialect, "DO $$ BEGIN PERFORM pg_sleep(0.05); END $$");
        forget.execute(&store.reader).await.expect("a connection is free");
        sea_orm::ConnectionTrait::execute_unprepared(&store.reader, "DEALLOCATE ALL").await
    });
    for forgotten in join_all(forgetting).await {
        forgotten.expect("a connection is free");
    }
    read_everywhere(&store).await;
}
