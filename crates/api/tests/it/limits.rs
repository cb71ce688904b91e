//! What one client, or many together, may use of a process.

use std::time::Duration;

use vacancy_testkit::database::{Database, Kind};
use vacancy_testkit::folder::Folder;
use vacancy_testkit::process::Process;
use vacancy_testkit::scrape::Scrape;
use vacancy_testkit::{PATIENCE, eventually};

use crate::logs::wrapped;
use crate::raw::Wire;
use crate::support::{Api, binary};

const GET: &[u8] = b"GET /livez HTTP/1.1\r\nHost: test\r\n\r\n";

/// More clients than the process has file descriptors: each is answered, at the cost of the
/// connection that has been idle for longest, and the process goes on.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn connections_beyond_the_descriptors_take_the_place_of_the_longest_idle() {
    const CLIENTS: usize = 400;

    let folder = Folder::new("limits");
    let program = wrapped(&folder, "ulimit -n 200", "");
    let db = Database::create(Kind::Sqlite).await.expect("SQLite is always here");
    let mut process = Process::start(&program, db.url(), &[]).await;
    let mut clients = Vec::new();
    for place in 0..CLIENTS {
        let mut client = Wire::connect(process.address());
        client.send(GET);
        assert!(client.answer().starts_with("HTTP/1.1 200"), "client {place}");
        clients.push(client);
    }
    let api = Api::new(process.url());
    for probe in ["/livez", "/readyz", "/metrics"] {
        api.get(probe).await.expect(200);
    }
    let room = api.one_room().await;
    api.book(&room, 0, 1).await.expect(201);
    let mut latest = clients.pop().expect("there are many");
    latest.send(GET);
    assert!(latest.answer().starts_with("HTTP/1.1 200"), "the latest one is kept");
    assert_eq!(clients.swap_remove(0).rest(), "", "the first one was closed");
    let (status, _) = process.terminate().await;
    assert_eq!(status.code(), Some(0));
}

#[tokio::test]
async fn the_soft_limit_on_descriptors_is_raised_to_the_hard_one() {
    let folder = Folder::new("limits");
    let program = wrapped(&folder, "ulimit -n 900; ulimit -S -n 100", "");
    let db = Database::create(Kind::Sqlite).await.expect("SQLite is always here");
    let process = Process::start(&program, db.url(), &[]).await;
    let max = Scrape::get(&process.url()).await.value("process_max_fds", &[]);
    assert!((max - 900.0).abs() < 0.5, "{max}");
}

/// Heads that do not end cost little more than what is ever accepted, and the memory is used again.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn large_heads_cost_bounded_memory_that_is_used_again() {
    const CLIENTS: usize = 1_000;
    const MIB: f64 = 1024.0 * 1024.0;

    let db = Database::create(Kind::Sqlite).await.expect("SQLite is always here");
    let process = Process::start(binary(), db.url(), &[]).await;
    let resident = async || {
        let scrape = Scrape::get(&process.url()).await;
        scrape.value("process_resident_memory_bytes", &[]) / MIB
    };
    let head = format!("GET /livez HTTP/1.1\r\nHost: test\r\nX-Long: {}", "x".repeat(120_000));
    let before = resident().await;
    let mut peaks = Vec::new();
    for _ in 0..3 {
        let mut clients = Vec::new();
        for _ in 0..CLIENTS {
            let mut client = Wire::connect(process.address());
            // One that is refused already may not take it all.
            let _ = std::io::Write::write_all(&mut client.0, head.as_bytes());
            clients.push(client);
        }
        peaks.push(resident().await);
    }
    eprintln!("{before:.1} MiB before, {peaks:.1?} MiB with {CLIENTS} large heads");
    for peak in &peaks {
        assert!(*peak < before + 48.0, "{before} MiB before, {peaks:?} MiB");
    }
}

/// What a crowd of clients needed is given back to the system when they are gone.
#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn memory_is_given_back_after_a_crowd() {
    const CLIENTS: usize = 1_000;

    let db = Database::create(Kind::Sqlite).await.expect("SQLite is always here");
    let process = Process::start(binary(), db.url(), &[]).await;
    let head = format!("GET /livez HTTP/1.1\r\nHost: test\r\nX-Long: {}", "x".repeat(120_000));
    let before = own_memory_kib(process.pid());
    for _ in 0..3 {
        let mut clients = Vec::new();
        for _ in 0..CLIENTS {
            let mut client = Wire::connect(process.address());
            // One that is refused already may not take it all.
            let _ = std::io::Write::write_all(&mut client.0, head.as_bytes());
            clients.push(client);
        }
        let with = own_memory_kib(process.pid());
        assert!(with > before, "{with} KiB with {CLIENTS} large heads, {before} KiB before");
    }
    eventually("it is within a fifth of before", PATIENCE, || async {
        let after = own_memory_kib(process.pid());
        (after <= before + before / 5).then_some(())
    })
    .await;
}

/// The memory that a process has for itself, without the pages of its program.
#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
fn own_memory_kib(pid: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).expect("it runs");
    let line = status.lines().find_map(|line| line.strip_prefix("RssAnon:")).expect("it is there");
    line.trim_end_matches("kB").trim().parse().expect("a number")
}

/// An idle connection is closed when the operator says so, and not before.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn how_long_a_connection_is_kept_is_an_option() {
    let db = Database::create(Kind::Sqlite).await.expect("SQLite is always here");
    let process = Process::start(binary(), db.url(), &["--keep-alive-timeout=1s"]).await;
    let mut client = Wire::connect(process.address());
    let began = std::time::Instant::now();
    client.send(GET);
    assert!(client.answer().starts_with("HTTP/1.1 200"));
    assert_eq!(client.rest(), "");
    let waited = began.elapsed();
    assert!(waited >= Duration::from_secs(1) && waited < Duration::from_secs(10), "{waited:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_that_half_closes_hears_its_answer() {
    let db = Database::create(Kind::Sqlite).await.expect("SQLite is always here");
    let process = Process::start(binary(), db.url(), &[]).await;
    for _ in 0..20 {
        let mut client = Wire::connect(process.address());
        client.send(b"GET /v1/hotels HTTP/1.1\r\nHost: localhost\r\n\r\n");
        client.half_close();
        let answer = client.rest();
        assert!(answer.starts_with("HTTP/1.1 200"), "{answer:?}");
    }
}

/// The name of an interface is as good as its address, for the service and for who asks it.
#[tokio::test]
async fn a_name_can_be_listened_at() {
    let folder = Folder::new("limits");
    let db = Database::create(Kind::Sqlite).await.expect("SQLite is always here");
    // A later flag holds, so the name replaces the address that the tests give.
    let program = folder.path().join("named");
    let script = format!(
        "#!/bin/sh\nshift 3\nexec '{}' serve --listen localhost:0 \"$@\"\n",
        binary().display()
    );
    std::fs::write(&program, script).expect("a new folder can be written");
    let executable = std::os::unix::fs::PermissionsExt::from_mode(0o755);
    std::fs::set_permissions(&program, executable).expect("a file of our own");
    let process = Process::start(&program, db.url(), &[]).await;
    let asked = format!("localhost:{}", process.address().port());
    let asked = ["healthcheck", "--listen", &asked];
    // It does not wait long for an answer.
    eventually("it is said to be healthy", PATIENCE, || async {
        let healthy = Process::run(binary(), &asked).await;
        eprintln!("{healthy:?}");
        (healthy.code == Some(0)).then_some(())
    })
    .await;
}

/// More bodies announced and not sent than requests may be at work: others are answered as ever, and
/// those that do not come are told so long before the limit for a whole body.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn bodies_that_do_not_come_keep_no_other_request_waiting() {
    const SILENT: usize = 1_100;

    let db = Database::create(Kind::Sqlite).await.expect("SQLite is always here");
    let process = Process::start(binary(), db.url(), &[]).await;
    let api = Api::new(process.url());
    let room = api.one_room().await;
    let head = format!(
        "POST /v1/rooms/{room}/bookings HTTP/1.1\r\nHost: localhost\r\n\
         Content-Type: application/json\r\nContent-Length: 100\r\n\r\n"
    );
    let mut silent: Vec<_> = (0..SILENT).map(|_| Wire::connect(process.address())).collect();
    for client in &mut silent {
        client.send(head.as_bytes());
    }
    let mut last = silent.pop().expect("there are many");
    let began = std::time::Instant::now();
    let told = std::thread::spawn(move || (last.answer(), began.elapsed()));
    for night in 0..5 {
        api.book(&room, night, night + 1).await.expect(201);
    }
    let others = began.elapsed();
    let told = tokio::task::spawn_blocking(|| told.join()).await.expect("it does not panic");
    let (answer, waited) = told.expect("it is answered");
    assert!(answer.starts_with("HTTP/1.1 408"), "{answer}");
    assert!(answer.contains("\"request_timeout\""), "{answer}");
    // On a busy machine, as much later as what came at the same moment and was answered at once.
    assert!(waited < Duration::from_secs(9) + others, "{waited:?}, others {others:?}");
}

/// What leaves open where a request ends, or for whom it is, is refused (RFC 9112, 3.2 and 6.1), as a
/// problem, and nothing that follows it is taken for a request.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ambiguous_heads_are_refused() {
    let db = Database::create(Kind::Sqlite).await.expect("SQLite is always here");
    let process = Process::start(binary(), db.url(), &[]).await;
    let (host, chunk) = ("Host: localhost\r\n", "\r\n0\r\n\r\n");
    for (fields, body) in [
        (format!("{host}Transfer-Encoding: gzip, chunked\r\n"), chunk),
        (format!("{host}Transfer-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n"), chunk),
        (format!("{host}Content-Length: 5\r\nTransfer-Encoding: chunked\r\n"), chunk),
        (format!("{host}Transfer-Encoding: chunked\r\nContent-Length: 5\r\n"), chunk),
        ("Host: a b\r\n".to_owned(), "\r\n"),
        ("Host: a/b\r\n".to_owned(), "\r\n"),
        ("Host: a\r\nHost: b\r\n".to_owned(), "\r\n"),
        (String::new(), "\r\n"),
    ] {
        let request = format!("POST /v1/hotels HTTP/1.1\r\n{fields}Connection: close\r\n{body}");
        let answer = Wire::connect(process.address()).exchange(request.as_bytes());
        assert!(answer.starts_with("HTTP/1.1 400"), "{fields:?}: {answer}");
        assert!(answer.contains("application/problem+json"), "{fields:?}: {answer}");
        assert_eq!(answer.matches("HTTP/1.1 ").count(), 1, "{fields:?}: {answer}");
    }
}
