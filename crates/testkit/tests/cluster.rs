//! A PostgreSQL server of the test's own is frozen, killed, restarted and cleaned away.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use sea_orm::ConnectionTrait;
use sea_orm::sqlx::{Connection, Executor, PgConnection};
use tokio::time::timeout;
use vacancy_testkit::cluster::Server;
use vacancy_testkit::database::{Database, Kind};
use vacancy_testkit::folder::Folder;
use vacancy_testkit::{PATIENCE, eventually};

#[tokio::test]
async fn a_server_is_durable_and_reached_from_here_only() {
    let Some(server) = Server::start_with(&["max_wal_size=4GB"]).await else { return };
    let database = Database::on(&server).await;
    let durable = ["fsync", "synchronous_commit", "full_page_writes"].map(|name| (name, "on"));
    for (setting, expected) in durable.into_iter().chain([("max_wal_size", "4GB")]) {
        let query = format!("SELECT (current_setting('{setting}') = '{expected}')::int::bigint");
        assert_eq!(database.count(&query).await, 1, "{setting}");
    }
    let elsewhere = "SELECT (current_setting('listen_addresses') <> '127.0.0.1' \
                     OR current_setting('unix_socket_directories') <> '')::int::bigint";
    assert_eq!(database.count(elsewhere).await, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_frozen_server_answers_nothing_until_it_is_resumed() {
    let Some(server) = Server::start().await else { return };
    let database = Database::on(&server).await;
    let connection = database.connect().await;
    server.stop_frozen().await;
    let select = connection.execute_unprepared("SELECT 1");
    tokio::pin!(select);
    let early = timeout(Duration::from_millis(300), &mut select).await;
    assert!(early.is_err(), "answered by a frozen server: {early:?}");
    server.resume();
    timeout(PATIENCE, select).await.expect("it goes on").expect("and answers");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_committed_survives_a_kill_and_a_restart_on_the_same_port() {
    let Some(mut server) = Server::start().await else { return };
    let database = Database::on(&server).await;
    database.sql("CREATE TABLE rows (id bigint); INSERT INTO rows VALUES (1)").await;
    let mut connection = PgConnection::connect(database.url()).await.expect("a way");
    let (url, pid) = (database.url().to_owned(), server.pid());
    server.kill9().await;
    connection.execute("SELECT 1").await.expect_err("the server is dead");
    PgConnection::connect(&url).await.expect_err("the server is dead");
    server.restart().await;
    assert_eq!(database.url(), url);
    assert_ne!(server.pid(), pid);
    assert_eq!(database.count("SELECT count(*) FROM rows").await, 1);
    // A second time: nothing of the first one stands in the way.
    server.kill9().await;
    server.restart().await;
    assert_eq!(database.count("SELECT count(*) FROM rows").await, 1);
}

#[tokio::test]
async fn a_server_goes_with_its_value_even_when_frozen_or_killed() {
    for end in ["running", "frozen", "killed"] {
        let Some(server) = Server::start().await else { return };
        match end {
            "frozen" => server.stop_frozen().await,
            "killed" => server.kill9().await,
            _ => {}
        }
        let (folder, pid) = (server.folder().to_owned(), server.pid());
        drop(server);
        gone(&folder, pid).await;
    }
}

#[tokio::test]
async fn a_server_does_not_outlive_a_test_process_that_is_killed() {
    if Database::create(Kind::Postgres).await.is_none() {
        return;
    }
    for moment in ["working", "making its folder", "starting"] {
        let mut test = Command::new(std::env::current_exe().expect("this test has a binary"));
        test.args(["--exact", "stays_until_killed", "--ignored", "--nocapture"]);
        let mut test = test.stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("it starts");
        let mine = format!("vacancy-postgres-{}-", test.id());
        let folder = eventually("the server's folder appears", PATIENCE, || async {
            let found =
                folders().into_iter().find(|path| path.to_string_lossy().contains(&mine))?;
            let far_enough = match moment {
                "working" => found.join("working").exists(),
                "starting" => found.join("pid").exists(),
                _ => true,
            };
            far_enough.then_some(found)
        })
        .await;
        let pid = std::fs::read_to_string(folder.join("pid"));
        test.kill().and_then(|()| test.wait()).expect("our own child can be killed");
        let pid = pid.ok().and_then(|pid| pid.trim().parse().ok()).unwrap_or(u32::MAX);
        gone(&folder, pid).await;
    }
}

#[tokio::test]
#[ignore = "only to be killed by the test above"]
async fn stays_until_killed() {
    let Some(server) = Server::start().await else { return };
    // Work in progress at the moment of death.
    let database = Database::on(&server).await;
    let connection = database.connect().await;
    std::fs::write(server.folder().join("working"), "").expect("root or nobody may write there");
    connection.execute_unprepared("SELECT pg_sleep(60)").await.expect("it is not interrupted");
}

#[test]
fn without_postgres_tests_are_skipped_and_listed_unless_it_is_required() {
    // Any test of this file that starts a server.
    let mut test = Command::new(std::env::current_exe().expect("this test has a binary"));
    test.args(["--exact", "a_server_is_durable_and_reached_from_here_only"]);
    test.env("PG_BIN", "/nonexistent").env_remove("TEST_DATABASE_URL");
    let folder = Folder::new("skipped");
    let list = folder.path().join("list");
    test.env("VACANCY_TEST_SKIPS", &list).env_remove("VACANCY_REQUIRE_POSTGRES");
    let skipped = test.output().expect("it starts");
    let notice = String::from_utf8_lossy(&skipped.stderr).into_owned();
    assert!(skipped.status.success() && notice.contains("PostgreSQL IS NOT TESTED"), "{notice}");
    let listed = std::fs::read_to_string(list).expect("the list is written");
    assert_eq!(listed, "a_server_is_durable_and_reached_from_here_only\n");
    let refused = test.env("VACANCY_REQUIRE_POSTGRES", "1").output().expect("it starts");
    let word = String::from_utf8_lossy(&refused.stdout).into_owned();
    assert!(!refused.status.success() && word.contains("apt-get install postgresql"), "{word}");
}

fn folders() -> Vec<PathBuf> {
    let entries = std::fs::read_dir(std::env::temp_dir()).expect("the temporary folder");
    entries.filter_map(|entry| Some(entry.ok()?.path())).collect()
}

async fn gone(folder: &Path, pid: u32) {
    let command_line = format!("/proc/{pid}/cmdline");
    eventually("the server and its folder are gone", PATIENCE, || async {
        // A zombie has ended, too; it has no command line any more.
        let running = std::fs::read(&command_line).is_ok_and(|text| !text.is_empty());
        (!running && !folder.exists()).then_some(())
    })
    .await;
}
