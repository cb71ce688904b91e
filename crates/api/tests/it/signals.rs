//! Signals: at the start, while serving, and during the end.

use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process::Stdio;
use std::time::{Duration, Instant};

use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::net::TcpSocket;
use tokio::process::{Child, Command};
use tokio::time::timeout;
use vacancy::server::Limits;
use vacancy_testkit::PATIENCE;
use vacancy_testkit::database::{Database, Kind};
use vacancy_testkit::process::Process;

use crate::raw::Wire;
use crate::support::{Api, binary};

/// The lock that a migration takes, so that another process waits for it.
const MIGRATION_LOCK: i64 = 7_263_450_001;
/// For what must happen at once, on a busy machine.
const SOON: Duration = Duration::from_secs(5);

fn send(signal: &str, pid: u32) {
    let pid = pid.to_string();
    let sent =
        std::process::Command::new("sh").args(["-c", "kill -s $0 $1", signal, &pid]).status();
    assert!(sent.expect("a shell").success(), "{signal}");
}

async fn serving() -> (Database, Process, Api) {
    let db = Database::create(Kind::Sqlite).await.expect("SQLite is always here");
    let process = Process::start(binary(), db.url(), &[]).await;
    let api = Api::new(process.url());
    (db, process, api)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hangup_and_a_quit_end_the_service_like_a_term() {
    for signal in ["HUP", "QUIT", "TERM", "INT"] {
        let (_db, mut process, _) = serving().await;
        let mut kept = Wire::connect(process.address());
        kept.send(b"GET /livez HTTP/1.1\r\nHost: test\r\n\r\n");
        kept.answer();
        let asked = Instant::now();
        send(signal, process.pid());
        // Within the grace a kept connection is still answered: it is a drain. On a busy machine the
        // grace may be over before the request is on its way.
        kept.send(b"GET /livez HTTP/1.1\r\nHost: test\r\n\r\n");
        let late = asked.elapsed() > Limits::default().leave_grace / 2;
        let answer = kept.rest();
        assert!(
            answer.starts_with("HTTP/1.1 200") || late && answer.is_empty(),
            "{signal}: {answer}"
        );
        let (status, _) = process.end().await;
        assert_eq!(status.code(), Some(0), "{signal}: {status}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_signal_cuts_a_drain_short_and_the_users_signals_do_nothing() {
    let (_db, mut process, api) = serving().await;
    for signal in ["USR1", "USR2"] {
        send(signal, process.pid());
    }
    api.until_ready().await;
    let kept = Wire::connect(process.address());
    process.ask_to_stop();
    for signal in ["USR1", "USR2", "HUP", "QUIT", "INT", "TERM"] {
        send(signal, process.pid());
    }
    drop(kept);
    let (status, _) = process.end().await;
    assert_eq!(status.code(), Some(0), "{status}");
}

/// A start that waits, for the database or for another process, says so, takes no connection, and
/// ends when it is asked to.
async fn check_start(command: &str, database_url: &str, waits_for: &str, code: i32) {
    let (_kept, address) = kept_address();
    let mut child = start(command, database_url, address);
    let pid = child.id().expect("it runs");
    let mut log = BufReader::new(child.stderr.take().expect("it is piped")).lines();
    let said = timeout(PATIENCE, async {
        while let Some(line) = log.next_line().await.expect("text") {
            if line.contains(waits_for) {
                return;
            }
        }
        panic!("it ended without a word");
    });
    said.await.expect("it says what it waits for");
    let refused = TcpStream::connect(address).expect_err("it cannot answer yet").kind();
    assert_eq!(refused, std::io::ErrorKind::ConnectionRefused);
    let asked = Instant::now();
    send("TERM", pid);
    let status = timeout(PATIENCE, child.wait()).await.expect("it ends").expect("our own child");
    assert_eq!(status.code(), Some(code), "{command}: {status}");
    assert!(asked.elapsed() < SOON, "{:?}", asked.elapsed());
}

/// An address that one process may listen at, and the socket that keeps it from being given to another.
fn kept_address() -> (TcpSocket, SocketAddr) {
    let socket = TcpSocket::new_v4().expect("a socket");
    socket.set_reuseaddr(true).expect("before it is bound");
    socket.bind("127.0.0.1:0".parse().expect("an address")).expect("a free port");
    let address = socket.local_addr().expect("it is bound");
    (socket, address)
}

fn start(command: &str, database_url: &str, address: SocketAddr) -> Child {
    let address = address.to_string();
    Command::new(binary())
        .args([command, "--listen", &address, "--database-url", database_url])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .expect("the program starts")
}

#[tokio::test]
async fn a_start_that_waits_for_the_database_says_so_and_ends_at_a_signal() {
    // The kernel connects, and nothing answers.
    let silent = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = silent.local_addr().expect("it is bound");
    let url = format!("postgres://me@{address}/x");
    check_start("serve", &url, "waiting for the database", 0).await;
    check_start("migrate", &url, "waiting for the database", 128 + 15).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_start_that_waits_for_another_migration_says_so_and_ends_at_a_signal() {
    let Some(db) = Database::create(Kind::Postgres).await else { return };
    let held = db.hold_write(&format!("SELECT pg_advisory_xact_lock({MIGRATION_LOCK})")).await;
    check_start("serve", db.url(), "another process", 0).await;
    held.let_go().await;
}
