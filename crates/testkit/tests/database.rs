//! One list of tests runs on both databases, each test on an empty one of its own.

use serde_json::json;
use vacancy_testkit::database::{self, Database, Kind};
use vacancy_testkit::http::Client;
use vacancy_testkit::on_both_databases;
use vacancy_testkit::replica::Replica;

on_both_databases! {
    /// Two at once, the same table in both.
    async fn each_database_is_empty_and_apart(db: Database) {
        db.is_left_unsound("its tables are not the service's");
        let other = Database::create(db.kind()).await.expect("there is one already");
        for database in [&db, &other] {
            database.sql("CREATE TABLE rows (id bigint)").await;
        }
        db.sql("INSERT INTO rows VALUES (1); INSERT INTO rows VALUES (2)").await;
        assert_eq!(db.count("SELECT count(*) FROM rows").await, 2);
        assert_eq!(other.count("SELECT count(*) FROM rows").await, 0);
    }

    async fn holds_lapse_and_nothing_else_does(db: Database) {
        db.is_left_unsound("its tables are not the service's");
        let instant = match db.kind() {
            Kind::Sqlite => "text",
            Kind::Postgres => "timestamptz",
        };
        let create = format!("CREATE TABLE bookings (status text, hold_expires_at {instant})");
        db.sql(&create).await;
        db.sql("INSERT INTO bookings VALUES ('confirmed', NULL)").await;
        let held = "('held', '2999-11-21T22:03:25.492635+00:00')";
        db.sql(&format!("INSERT INTO bookings VALUES {held}, {held}")).await;
        assert_eq!(db.let_holds_lapse().await, 2);
        let lapsed = match db.kind() {
            Kind::Sqlite => {
                "SELECT count(*) FROM bookings WHERE status = 'held' AND hold_expires_at LIKE
                 '____-__-__T__:__:__.______+00:00' AND unixepoch(hold_expires_at)
                 BETWEEN unixepoch('now') - 3660 AND unixepoch('now') - 3600"
            }
            Kind::Postgres => {
                "SELECT count(*) FROM bookings WHERE status = 'held' AND hold_expires_at
                 BETWEEN now() - interval '61 minutes' AND now() - interval '1 hour'"
            }
        };
        assert_eq!(db.count(lapsed).await, 2);
        assert_eq!(db.count("SELECT count(*) FROM bookings WHERE hold_expires_at IS NULL").await, 1);
    }
}

/// The one rule that is broken here stands for all that the audit knows.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[should_panic(expected = "times_booked is 1, confirmed bookings are 0")]
async fn a_test_that_leaves_broken_rows_fails() {
    database::run(Kind::Sqlite, |db| async move {
        let (replica, client) = (Replica::start(&db).await, Client::new());
        let hotel = json!({ "name": "Rialto", "city": "Venice" });
        let hotel = client.post(format!("{}/v1/hotels", replica.url())).json(hotel);
        let hotel = hotel.send().await.expect(201).header("location").map(ToOwned::to_owned);
        let rooms = hotel.expect("a creation has a Location") + "/rooms";
        let room = json!({ "number": "101", "kind": "double", "capacity": 2 });
        client.post(replica.url() + &rooms).json(room).send().await.expect(201);
        db.sql("UPDATE rooms SET times_booked = 1").await;
    })
    .await;
}

#[tokio::test]
async fn a_file_goes_with_its_value() {
    let database = Database::create(Kind::Sqlite).await.expect("SQLite is always there");
    database.sql("CREATE TABLE rows (id bigint)").await;
    let path = database.url().strip_prefix("sqlite://").and_then(|url| url.split('?').next());
    let path = std::path::PathBuf::from(path.expect("the URL of a file"));
    assert!(path.exists());
    drop(database);
    assert!(!path.exists());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_postgres_database_goes_with_its_value_although_somebody_is_connected() {
    let Some(looking) = Database::create(Kind::Postgres).await else { return };
    let database = Database::create(Kind::Postgres).await.expect("there is one already");
    let connection = database.connect().await;
    let name = database.url().rsplit('/').next().expect("a URL with a path").to_owned();
    let query = format!("SELECT count(*) FROM pg_database WHERE datname = '{name}'");
    assert_eq!(looking.count(&query).await, 1);
    drop(database);
    vacancy_testkit::eventually("the database is dropped", vacancy_testkit::PATIENCE, || async {
        (looking.count(&query).await == 0).then_some(())
    })
    .await;
    drop(connection);
}
