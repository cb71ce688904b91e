//! The service is started, watched and ended; a stand-in takes its place here.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::LazyLock;
use std::time::Duration;

use vacancy_testkit::http::Client;
use vacancy_testkit::process::Process;
use vacancy_testkit::{PATIENCE, eventually};

/// Cargo builds examples beside the tests.
static BINARY: LazyLock<PathBuf> = LazyLock::new(|| {
    let test = std::env::current_exe().expect("a test is a file");
    let target = test.ancestors().nth(2).expect("tests lie in target/PROFILE/deps");
    target.join("examples/stand_in")
});

#[tokio::test]
async fn it_is_ready_when_it_is_returned_and_ends_on_sigterm() {
    let mut process = Process::start(&BINARY, "sqlite://x.db", &["--demo"]).await;
    Client::new().get(format!("{}/livez", process.url())).send().await.expect(200);
    assert!(process.log().contains("--database-url sqlite://x.db --demo"), "{}", process.log());
    assert!(process.ended().is_none());
    let (status, took) = process.terminate().await;
    assert!(status.success() && took < Duration::from_secs(10), "{status} after {took:?}");
}

#[tokio::test]
async fn it_can_be_killed() {
    let mut process = Process::start(&BINARY, "sqlite://x.db", &[]).await;
    process.kill9().await;
    assert!(process.ended().is_some());
    let answer = Client::new().get(process.url()).try_send().await;
    assert!(answer.is_err(), "{answer:?}");
}

#[tokio::test]
async fn it_goes_with_its_value() {
    let process = Process::start(&BINARY, "sqlite://x.db", &[]).await;
    let pid = process.pid();
    drop(process);
    gone(pid).await;
}

#[tokio::test]
#[should_panic(expected = "it is broken")]
async fn one_that_does_not_start_shows_its_last_words() {
    Process::start(&BINARY, "sqlite://x.db", &["--broken"]).await;
}

#[tokio::test]
async fn a_run_to_the_end_is_seen_whole() {
    let finished = Process::run(&BINARY, &["audit", "--json"]).await;
    assert_eq!(finished.code, Some(3));
    assert_eq!(finished.stdout, "audit --json\n");
    assert_eq!(finished.stderr, "that was all\n");
}

#[tokio::test]
async fn it_does_not_outlive_a_test_process_that_is_killed() {
    let mut test = Command::new(std::env::current_exe().expect("this test has a binary"));
    test.args(["--exact", "stays_until_killed", "--ignored", "--nocapture"]);
    let mut test = test.stderr(Stdio::piped()).stdout(Stdio::null()).spawn().expect("it starts");
    let pid = said_by(&mut test).await;
    assert!(Path::new(&format!("/proc/{pid}")).exists());
    test.kill().and_then(|()| test.wait()).expect("our own child can be killed");
    gone(pid).await;
}

#[tokio::test]
#[ignore = "only to be killed by the test above"]
async fn stays_until_killed() {
    let process = Process::start(&BINARY, "sqlite://x.db", &[]).await;
    eprintln!("pid {}", process.pid());
    tokio::time::sleep(PATIENCE).await;
}

async fn said_by(test: &mut std::process::Child) -> u32 {
    let stderr = test.stderr.take().expect("it is piped");
    let read = move || {
        let lines = std::io::BufRead::lines(std::io::BufReader::new(stderr));
        let mut pids = lines
            .map_while(Result::ok)
            .filter_map(|line| line.strip_prefix("pid ").and_then(|pid| pid.parse().ok()));
        pids.next().expect("it says which process it started")
    };
    tokio::task::spawn_blocking(read).await.expect("it says something")
}

async fn gone(pid: u32) {
    // A zombie that has not been waited for yet has ended, too: it has no command line any more.
    let command_line = format!("/proc/{pid}/cmdline");
    eventually("the process is gone", PATIENCE, || async {
        std::fs::read(&command_line).is_ok_and(|text| !text.is_empty()).then_some(()).xor(Some(()))
    })
    .await;
}
