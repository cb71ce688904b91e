//! The wire between a client and PostgreSQL is cut around COMMIT, and what became of it is seen in
//! the database itself.

use sea_orm::sqlx::{self, Connection, Executor, PgConnection};
use vacancy_testkit::database::{Database, Kind};
use vacancy_testkit::wire::{Counters, Cut, Wire};
use vacancy_testkit::{PATIENCE, eventually};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_happens_to_a_commit() {
    let Some(database) = Database::create(Kind::Postgres).await else { return };
    database.sql("CREATE TABLE rows (id bigint)").await;
    let none = Counters::default();
    check(&database, Cut::None, Outcome::Acknowledged, Counters { passed: 1, ..none }).await;
    let cut = Counters { cut_before: 1, ..none };
    check(&database, Cut::BeforeCommit(1), Outcome::Lost, cut).await;
    let cut = Counters { cut_after: 1, ..none };
    check(&database, Cut::AfterCommit(1), Outcome::AppliedUnheard, cut).await;
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Outcome {
    /// The client heard of its commit.
    Acknowledged,
    /// It saw an error and nothing was written.
    Lost,
    /// It saw an error although its row was written.
    AppliedUnheard,
}

/// The one place that commits over a wire: each row once by `COMMIT` as sqlx sends it, and once by
/// a prepared statement.
async fn check(database: &Database, cut: Cut, expected: Outcome, counters: Counters) {
    for prepared in [false, true] {
        let wire = Wire::start(database.address()).await;
        let mut connection = PgConnection::connect(&wire.url(database.url())).await.expect("a way");
        let before = database.count("SELECT count(*) FROM rows").await;
        let mut transaction = connection.begin().await.expect("only COMMIT is cut");
        let insert = sqlx::query("INSERT INTO rows VALUES ($1)").bind(1_i64);
        insert.execute(&mut *transaction).await.expect("only COMMIT is cut");
        wire.cut(cut);
        let result = if prepared {
            sqlx::query("COMMIT").execute(&mut *transaction).await.map(|_| ())
        } else {
            transaction.commit().await
        };
        let expected_counters = Counters { connections: 1, ..counters };
        eventually("the wire has done its work", PATIENCE, || async {
            (wire.counters() == expected_counters).then_some(())
        })
        .await;
        let written = database.count("SELECT count(*) FROM rows").await - before;
        let outcome = match (result, written) {
            (Ok(()), 1) => Outcome::Acknowledged,
            (Err(sqlx::Error::Io(_)), 0) => Outcome::Lost,
            (Err(sqlx::Error::Io(_)), 1) => Outcome::AppliedUnheard,
            other => panic!("{cut:?}, prepared: {prepared}: {other:?}"),
        };
        assert_eq!(outcome, expected, "{cut:?}, prepared: {prepared}");
        assert_eq!(wire.armed(), Cut::None);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn only_as_many_commits_are_cut_as_were_asked_for() {
    let Some(database) = Database::create(Kind::Postgres).await else { return };
    let wire = Wire::start(database.address()).await;
    wire.cut(Cut::BeforeCommit(2));
    let mut results = Vec::new();
    for _ in 0..3 {
        let connected = PgConnection::connect(&wire.url(database.url())).await;
        let mut connection = connected.expect("a new connection each time");
        let transaction = connection.begin().await.expect("only COMMIT is cut");
        results.push(transaction.commit().await.is_ok());
    }
    assert_eq!(results, [false, false, true]);
    let expected = Counters { connections: 3, cut_before: 2, passed: 1, ..Counters::default() };
    assert_eq!(wire.counters(), expected);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_commit_that_postgres_refuses_is_not_counted_as_applied() {
    let Some(database) = Database::create(Kind::Postgres).await else { return };
    database.sql("CREATE TABLE rows (id bigint UNIQUE DEFERRABLE INITIALLY DEFERRED)").await;
    let wire = Wire::start(database.address()).await;
    let mut connection = PgConnection::connect(&wire.url(database.url())).await.expect("a way");
    let mut transaction = connection.begin().await.expect("only COMMIT is cut");
    transaction.execute("INSERT INTO rows VALUES (1), (1)").await.expect("checked at COMMIT");
    wire.cut(Cut::AfterCommit(1));
    transaction.commit().await.expect_err("its answer is swallowed");
    eventually("the wire has done its work", PATIENCE, || async {
        let expected = Counters { connections: 1, failed: 1, ..Counters::default() };
        (wire.counters() == expected).then_some(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn connections_are_turned_away_while_present_ones_stay() {
    let Some(database) = Database::create(Kind::Postgres).await else { return };
    let wire = Wire::start(database.address()).await;
    let url = wire.url(database.url());
    let mut present = PgConnection::connect(&url).await.expect("a way");
    wire.refuse();
    PgConnection::connect(&url).await.expect_err("it is turned away");
    present.execute("SELECT 1").await.expect("present ones stay");
    wire.accept();
    PgConnection::connect(&url).await.expect("a way again");
    let expected = Counters { connections: 2, refused: 1, ..Counters::default() };
    assert_eq!(wire.counters(), expected);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn statements_are_recorded_in_their_order() {
    let Some(database) = Database::create(Kind::Postgres).await else { return };
    let wire = Wire::start(database.address()).await;
    let mut connection = PgConnection::connect(&wire.url(database.url())).await.expect("a way");
    wire.record();
    let mut transaction = connection.begin().await.expect("it begins");
    for number in [1, 2] {
        let select = sqlx::query_scalar("SELECT $1 + 1").bind(number);
        let sum: i32 = select.fetch_one(&mut *transaction).await.expect("it answers");
        assert_eq!(sum, number + 1);
    }
    transaction.commit().await.expect("nothing is cut");
    let expected = ["BEGIN", "SELECT $1 + 1", "SELECT $1 + 1", "COMMIT"];
    assert_eq!(wire.take_recorded(), expected);
    assert_eq!(wire.take_recorded(), [""; 0]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn round_trips_are_counted_from_when_recording_begins() {
    let Some(database) = Database::create(Kind::Postgres).await else { return };
    let wire = Wire::start(database.address()).await;
    let mut connection = PgConnection::connect(&wire.url(database.url())).await.expect("a way");
    let select = || sqlx::query_scalar::<_, i32>("SELECT $1 + 1").bind(1);
    // Once to have it prepared, which is a round trip more.
    select().fetch_one(&mut connection).await.expect("it answers");
    assert!(wire.round_trips() >= 2, "{}", wire.round_trips());
    wire.record();
    assert_eq!(wire.round_trips(), 0);
    select().fetch_one(&mut connection).await.expect("it answers");
    assert_eq!(wire.round_trips(), 1, "Bind, Execute and Sync go together");
    let mut transaction = connection.begin().await.expect("it begins");
    transaction.execute("SELECT 1; SELECT 2").await.expect("one message, whatever it holds");
    transaction.commit().await.expect("nothing is cut");
    assert_eq!(wire.round_trips(), 4);
}
