//! A log that cannot be written, or is not read, costs no request its answer.

use std::fmt::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;

use vacancy_testkit::database::{Database, Kind};
use vacancy_testkit::folder::Folder;
use vacancy_testkit::process::Process;
use vacancy_testkit::scrape::Scrape;
use vacancy_testkit::{PATIENCE, eventually};

use crate::raw::Wire;
use crate::support::{Api, binary};

/// More lines than a pipe holds.
const REQUESTS: usize = 1_500;

/// A program that starts the service with `setup` before it and `redirection` behind it.
pub fn wrapped(folder: &Folder, setup: &str, redirection: &str) -> PathBuf {
    let script = format!(
        "#!/bin/sh\n{setup}\nexec '{}' \"$@\" {redirection}\n",
        binary().to_str().expect("a path that is text")
    );
    let path = folder.path().join("wrapped");
    std::fs::write(&path, script).expect("a new folder can be written");
    let executable = std::fs::Permissions::from_mode(0o755);
    std::fs::set_permissions(&path, executable).expect("a file of our own");
    path
}

/// The service answers, sells a room, says how much of its log was lost if `loses`, and ends when it
/// is asked to.
async fn check(setup: &str, redirection: &str, loses: bool) {
    let folder = Folder::new("logs");
    let setup = format!("cd '{}'\n{setup}", folder.path().display());
    let program = wrapped(&folder, &setup, redirection);
    let db = Database::create(Kind::Sqlite).await.expect("SQLite is always here");
    let mut process = Process::start(&program, db.url(), &[]).await;
    let api = Api::new(process.url());
    let room = api.one_room().await;
    for _ in 0..REQUESTS {
        api.get("/livez").await.expect(200);
    }
    api.book(&room, 0, 1).await.expect(201);
    let dropped = async || Scrape::get(&process.url()).await.count("log_lines_dropped_total", &[]);
    if loses {
        // Each is given up when its turn to be written comes, which may be after the answer.
        eventually("the lines are counted as dropped", PATIENCE, || async {
            (dropped().await >= REQUESTS as u64).then_some(())
        })
        .await;
    } else {
        let dropped = dropped().await;
        assert!(dropped < REQUESTS as u64, "{redirection}: {dropped} lines dropped");
    }
    let (status, took) = process.terminate().await;
    assert_eq!(status.code(), Some(0), "{redirection}: after {took:?}");
}

#[tokio::test]
async fn a_log_on_a_full_disk_costs_no_answer() {
    check("", "2>/dev/full", true).await;
}

#[tokio::test]
async fn a_log_whose_reader_has_gone_costs_no_answer() {
    check("mkfifo log\ntrue <log &", "2>log", true).await;
}

/// The pipe is full after some hundred lines; the queue behind it takes the rest of these.
#[tokio::test]
async fn a_log_that_nothing_reads_costs_no_answer() {
    check("mkfifo log\nexec 3<>log", "2>log", false).await;
}

#[tokio::test]
async fn a_log_that_is_read_loses_nothing() {
    check("", "", false).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_logged_of_a_request_is_bounded() {
    let db = Database::create(Kind::Sqlite).await.expect("SQLite is always here");
    let mut process = Process::start(binary(), db.url(), &["--log=trace"]).await;
    let invented = "X".repeat(20_000);
    let mut head = String::new();
    let _ = write!(head, "{invented} / HTTP/1.1\r\nHost: test\r\nConnection: close\r\n\r\n");
    let answer = Wire::connect(process.address()).exchange(head.as_bytes());
    assert!(answer.starts_with("HTTP/1.1 4"), "{answer}");
    // The end of the process does not wait for a log that is slow to be written.
    eventually("the request is logged", PATIENCE, || async {
        process.log().contains("XXXX").then_some(())
    })
    .await;
    process.terminate().await;
    let log = process.log();
    let line = log.lines().find(|line| line.contains("XXXX")).expect("the request is logged");
    assert!(line.len() < 1_000, "{} bytes", line.len());
    let longest = log.lines().map(str::len).max();
    assert!(longest < Some(8 * 1024), "{longest:?}");
}
