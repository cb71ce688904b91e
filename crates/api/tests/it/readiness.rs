//! `/readyz` says whether a booking can be expected to succeed, not whether the database answers.

use vacancy_testkit::cluster::Server;
use vacancy_testkit::database::{Database, Kind};
use vacancy_testkit::process::Process;
use vacancy_testkit::replica::{Replica, ReplicaOptions};
use vacancy_testkit::{PATIENCE, eventually};

use crate::support::{Api, binary};

/// How many the replica may open.
const CONNECTIONS: u32 = 4;

/// A database that takes reads alone, as an old primary does after a failover, is not ready. Once it
/// is taken back, nothing has to be restarted.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_postgres_that_is_read_only_for_a_while_is_written_again() {
    let Some(db) = Database::create(Kind::Postgres).await else { return };
    let replica = Replica::start_with(
        &db,
        ReplicaOptions { connections: CONNECTIONS, ..ReplicaOptions::default() },
    )
    .await;
    let api = Api::new(replica.url());
    let room = api.one_room().await;
    api.until_ready().await;
    let name = db.url().rsplit('/').next().expect("a URL has a path").to_owned();
    db.sql(&format!("ALTER DATABASE {name} SET default_transaction_read_only = on")).await;
    drop_sessions(&db, &name).await;
    eventually("it is not ready", PATIENCE, || async {
        (api.get("/readyz").await.status == 503).then_some(())
    })
    .await;
    api.book(&room, 0, 1).await.expect(503);
    eventually("it can be read", PATIENCE, || async {
        (api.get(&format!("/v1/rooms/{room}")).await.status == 200).then_some(())
    })
    .await;
    api.book(&room, 0, 1).await.expect(503);

    db.sql(&format!("BEGIN READ WRITE; ALTER DATABASE {name} RESET ALL; COMMIT")).await;
    api.until_ready().await;
    // Each connection of before may fail one more write, and then it is gone.
    let mut failed = 0;
    for night in 0..40 {
        let answer = api.book(&room, night, night + 1).await;
        failed += u32::from(answer.status != 201);
        assert!(failed <= CONNECTIONS, "{answer:?}");
    }
    api.book(&room, 40, 41).await.expect(201);
    replica.stop().await;
}

/// Ends every session but our own, as a failover does.
async fn drop_sessions(db: &Database, name: &str) {
    db.sql(&format!(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity \
         WHERE datname = '{name}' AND pid <> pg_backend_pid()"
    ))
    .await;
}

/// A writer that another process keeps from the file is no writer.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_sqlite_whose_writer_does_not_answer_is_not_ready() {
    let db = Database::create(Kind::Sqlite).await.expect("SQLite is always there");
    let replica = Replica::start(&db).await;
    let api = Api::new(replica.url());
    api.one_room().await;
    api.until_ready().await;
    let held = db.hold_rooms().await;
    api.get("/readyz").await.expect(503);
    held.let_go().await;
    api.until_ready().await;
    replica.stop().await;
}

/// What cannot be written, or cannot hold every name, is refused at start, in a line.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_postgres_that_is_not_fit_is_refused_at_start() {
    let Some(server) = Server::start().await else { return };
    let db = Database::on(&server).await;
    db.sql(
        "CREATE DATABASE latin ENCODING 'LATIN1' LC_COLLATE 'C' LC_CTYPE 'C' TEMPLATE template0",
    )
    .await;
    db.sql("CREATE DATABASE archive TEMPLATE template0").await;
    db.sql("ALTER DATABASE archive SET default_transaction_read_only = on").await;
    for (name, why) in [("latin", "its encoding is LATIN1"), ("archive", "it is read-only")] {
        for command in ["serve", "migrate"] {
            let url = server.url(name);
            let mut args = vec![command, "--database-url", &url];
            if command == "serve" {
                args.extend(["--listen", "127.0.0.1:0"]);
            }
            let ended = Process::run(binary(), &args).await;
            assert_eq!(ended.code, Some(1), "{ended:?}");
            assert!(ended.stderr.contains(why), "{ended:?}");
            assert_eq!(ended.stderr.lines().count(), 1, "{ended:?}");
        }
    }
}
