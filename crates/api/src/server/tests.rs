//! The server over real sockets, with a small application of its own.

use std::io::ErrorKind;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::Duration;

use super::Limits;
use super::test_kit::{Client, HUGE_BYTES, LONG, Running};

/// A limit that is waited for. A scheduler that is late by much of it fails no test.
const SHORT: Duration = Duration::from_secs(1);
/// For what must happen at once, on a machine that is busy with other tests.
const SOON: Duration = Duration::from_secs(5);

#[test]
fn half_a_head_is_cut_at_the_header_timeout() {
    check_cut_at_header_timeout(b"GET / HTTP/1.1\r\nHo");
}

#[test]
fn a_silent_client_is_cut_at_the_header_timeout() {
    check_cut_at_header_timeout(b"");
}

#[track_caller]
fn check_cut_at_header_timeout(sent: &[u8]) {
    let server = Running::start(Limits { header_read_timeout: SHORT, ..Limits::default() });
    let began = std::time::Instant::now();
    let mut client = server.connect();
    client.send(sent);
    assert_eq!(client.read_to_end(), b"");
    let waited = began.elapsed();
    assert!(waited >= SHORT, "cut after {waited:?} already");
    assert!(waited < SHORT + SOON, "cut after {waited:?} only");
}

#[test]
fn a_kept_connection_may_idle_longer_than_a_head_may_take() {
    let limits = Limits { header_read_timeout: SHORT, ..Limits::default() };
    let server = Running::start(limits);
    let mut client = server.connect();
    for _ in 0..2 {
        assert_eq!(client.get("/").status, 200);
        thread::sleep(SHORT * 3 / 2);
    }
    client.send(b"GET / HTTP/1.1\r\n");
    // Two reads for the server; were it late by less than the limit, that would be no harm.
    thread::sleep(SHORT / 10);
    client.send(b"Host: test\r\n\r\n");
    assert_eq!(client.read_answer().status, 200);

    let half = std::time::Instant::now();
    client.send(b"GET / HT");
    assert_eq!(client.read_to_end(), b"");
    let waited = half.elapsed();
    assert!(waited >= SHORT && waited < SHORT + SOON, "{waited:?}");
}

#[test]
fn a_kept_connection_is_closed_at_the_idle_timeout() {
    let limits = Limits { idle_timeout: SHORT, ..Limits::default() };
    let server = Running::start(limits);
    let mut client = server.connect();
    let asked = std::time::Instant::now();
    assert_eq!(client.get("/").status, 200);
    assert_eq!(client.read_to_end(), b"");
    let waited = asked.elapsed();
    assert!(waited >= SHORT && waited < SHORT + SOON, "{waited:?}");
}

#[test]
fn a_client_that_does_not_read_is_cut() {
    let limits = Limits { write_stall_timeout: SHORT, linger: Duration::ZERO, ..Limits::default() };
    let server = Running::start(limits);
    let mut client = server.connect();
    client.send(b"GET /huge HTTP/1.1\r\nHost: test\r\n\r\n");
    client.write_until_cut();
    assert!(client.read_to_end().len() < HUGE_BYTES, "the rest was not sent");
}

#[test]
fn the_router_sees_long_addresses_and_large_heads() {
    let server = Running::start(Limits::default());
    let mut client = server.connect();
    let long = "x".repeat(12 * 1024);
    assert_eq!(client.get(&format!("/{long}")).status, 404);
    client.send(format!("GET / HTTP/1.1\r\nHost: test\r\nX-Long: {long}{long}\r\n\r\n").as_bytes());
    assert_eq!(client.read_answer().status, 200);
}

#[test]
fn an_answer_before_the_end_of_a_large_body_arrives() {
    // The rest of the body is read for as long as a busy machine takes to send it.
    let server = Running::start(Limits { linger: LONG, ..Limits::default() });
    for _ in 0..5 {
        let mut client = server.connect();
        let body = vec![b'x'; 10 << 20];
        let head = format!("POST /refuse HTTP/1.1\r\nContent-Length: {}\r\n\r\n", body.len());
        client.send(head.as_bytes());
        client.send(&body);
        assert_eq!(client.read_answer().status, 413);
    }
}

#[test]
fn at_the_limit_the_connection_that_waited_longest_is_closed_for_the_next() {
    let server = Running::start(Limits { connections_max: 3, ..Limits::default() });
    let mut clients: Vec<_> = (0..3).map(|_| server.connect()).collect();
    for client in &mut clients {
        assert_eq!(client.get("/").status, 200);
        // A connection waits from when its answer is written: a moment after the client has it.
        thread::sleep(SHORT / 10);
    }
    // Asking again makes the first the one that has waited least.
    assert_eq!(clients[0].get("/").status, 200);
    thread::sleep(SHORT / 10);
    let mut next = server.connect();
    assert_eq!(next.get("/").status, 200);
    assert_eq!(clients[1].read_to_end(), b"");
    for place in [0, 2] {
        assert_eq!(clients[place].get("/").status, 200);
    }
    assert_eq!(next.get("/").status, 200);
}

#[test]
fn beyond_the_limit_and_the_probes_the_next_connection_waits_for_one_to_end() {
    let limits = Limits { connections_max: 1, probe_connections_max: 0, ..Limits::default() };
    let server = Running::start(limits);
    let mut first = server.connect();
    first.send(b"GET /slow HTTP/1.1\r\nHost: test\r\n\r\n");
    server.has_begun();
    let mut second = server.connect();
    second.send(b"GET / HTTP/1.1\r\nHost: test\r\n\r\n");
    second.socket.set_read_timeout(Some(SHORT)).expect("a valid timeout");
    let waits = second.socket.peek(&mut [0]).expect_err("it is not answered yet").kind();
    assert!(matches!(waits, ErrorKind::WouldBlock | ErrorKind::TimedOut), "{waits}");
    server.signals.go.add_permits(1);
    second.socket.set_read_timeout(Some(LONG)).expect("a valid timeout");
    assert_eq!(second.read_answer().status, 200);
}

#[test]
fn when_every_connection_is_busy_a_probe_has_one_of_its_own_and_it_is_closed_after_the_answer() {
    let limits = Limits { connections_max: 1, probe_connections_max: 1, ..Limits::default() };
    let server = Running::start(limits);
    let mut busy = server.connect();
    busy.send(b"GET /slow HTTP/1.1\r\nHost: test\r\n\r\n");
    server.has_begun();
    for _ in 0..2 {
        let mut probe = server.connect();
        let answer = probe.get("/beyond");
        assert_eq!((answer.status, answer.closes), (200, true), "it is marked for the router");
        assert_eq!(probe.read_to_end(), b"");
    }
    server.signals.go.add_permits(1);
    assert_eq!(busy.read_answer().status, 200);
    assert_eq!(busy.get("/beyond").status, 404, "within the limit it is not marked");
}

#[test]
fn a_client_that_says_it_has_no_further_request_hears_its_answer() {
    let server = Running::start(Limits::default());
    let mut client = server.connect();
    client.send(b"GET /slow HTTP/1.1\r\nHost: test\r\n\r\n");
    server.has_begun();
    client.socket.shutdown(std::net::Shutdown::Write).expect("it is open");
    // Time for the server to see the end of what the client sends.
    thread::sleep(SHORT / 10);
    server.signals.go.add_permits(1);
    assert_eq!(client.read_answer().status, 200);
    assert_eq!(client.read_to_end(), b"");
}

#[test]
fn unfinished_heads_beyond_their_budget_are_cut_and_others_go_on() {
    let limits = Limits { head_bytes_max: 10_000, header_read_timeout: LONG, ..Limits::default() };
    let server = Running::start(limits);
    let mut kept = server.connect();
    assert_eq!(kept.get("/").status, 200);
    let half = format!("GET / HTTP/1.1\r\nHost: test\r\nX-Long: {}", "x".repeat(6_000));
    let mut clients = [server.connect(), server.connect()];
    for client in &mut clients {
        client.send(half.as_bytes());
        client.socket.set_read_timeout(Some(SHORT / 100)).expect("a valid timeout");
    }
    // Whichever is read last finds the budget used.
    let began = std::time::Instant::now();
    let cut = loop {
        let ended = |client: &Client| match client.socket.peek(&mut [0]) {
            Ok(count) => count == 0,
            Err(error) => error.kind() == ErrorKind::ConnectionReset,
        };
        if let Some(cut) = clients.iter().position(ended) {
            break cut;
        }
        assert!(began.elapsed() < LONG, "one of them is cut");
    };
    assert_eq!(kept.get("/").status, 200);
    let other = &mut clients[1 - cut];
    other.socket.set_read_timeout(Some(LONG)).expect("a valid timeout");
    other.send(b"\r\n\r\n");
    assert_eq!(other.read_answer().status, 200);
}

#[test]
fn a_panic_ends_its_own_connection_only() {
    let server = Running::start(Limits::default());
    let mut other = server.connect();
    assert_eq!(other.get("/").status, 200);
    let mut client = server.connect();
    client.send(b"GET /panic HTTP/1.1\r\nHost: test\r\n\r\n");
    assert_eq!(client.read_to_end(), b"");
    assert_eq!(other.get("/").status, 200);
    assert_eq!(server.connect().get("/").status, 200);
}

#[test]
fn without_connections_a_stop_returns_at_once() {
    let limits = Limits { leave_grace: LONG, drain_deadline: LONG, ..Limits::default() };
    let took = Running::start(limits).stop();
    assert!(took < SOON, "{took:?}");
    let server = Running::start(limits);
    assert_eq!(server.connect().get("/").status, 200);
    // The client has gone, whether or not the server has heard of it by now.
    let took = server.stop();
    assert!(took < SOON, "{took:?}");
}

#[test]
fn a_request_that_runs_at_the_stop_is_answered_and_told_to_close() {
    let server = Running::start(Limits { leave_grace: SHORT, ..Limits::default() });
    let mut idle = server.connect();
    assert_eq!(idle.get("/").status, 200);
    let mut client = server.connect();
    client.send(b"GET /slow HTTP/1.1\r\nHost: test\r\n\r\n");
    server.has_begun();
    server.stop.cancel();
    // When idle connections are closed the grace is over, and the request runs still.
    assert_eq!(idle.read_to_end(), b"");
    server.signals.go.add_permits(1);
    let answer = client.read_answer();
    assert_eq!((answer.status, answer.closes), (200, true));
    assert_eq!(client.read_to_end(), b"");
    let took = server.stop();
    assert!(took < SOON, "{took:?}");
}

#[test]
fn an_idle_connection_delays_the_end_by_the_grace_at_most() {
    let grace = SHORT;
    let server = Running::start(Limits { leave_grace: grace, ..Limits::default() });
    let mut kept = server.connect();
    assert_eq!(kept.get("/").status, 200);
    let silent = server.connect();
    let took = server.stop();
    assert!(took >= grace && took < grace + SOON, "{took:?}");
    drop((kept, silent));
}

#[test]
fn what_does_not_end_is_dropped_at_the_drain_deadline() {
    let drain_deadline = SHORT * 2;
    let limits = Limits { leave_grace: SHORT, drain_deadline, ..Limits::default() };
    let server = Running::start(limits);
    let mut client = server.connect();
    client.send(b"GET /never HTTP/1.1\r\nHost: test\r\n\r\n");
    server.has_begun();
    let took = server.stop();
    assert!(took >= drain_deadline && took < drain_deadline + SOON, "{took:?}");
    assert_eq!(client.read_to_end(), b"");
}

/// The stop comes before the server has taken a single connection from the kernel's queue.
#[test]
fn connections_in_the_kernels_queue_are_answered_after_the_stop() {
    let mut server = Running::bind(Limits { leave_grace: LONG, ..Limits::default() });
    let mut clients: Vec<_> = (0..32).map(|_| server.connect()).collect();
    for client in &mut clients[..16] {
        client.send(b"GET / HTTP/1.1\r\nHost: test\r\n\r\n");
    }
    server.stop.cancel();
    server.serve();
    for client in &mut clients[..16] {
        let answer = client.read_answer();
        assert_eq!((answer.status, answer.closes), (200, true));
    }
    for client in &mut clients[16..] {
        assert!(client.get("/").closes, "a request within the grace is answered");
    }
    drop(clients);
    let took = server.stop();
    assert!(took < SOON, "{took:?}");
}

/// Each client sends one request after the other on its connection until an answer says that it
/// was the last. Anything but an answer fails the test.
#[test]
fn busy_clients_on_kept_connections_see_no_failed_request_across_a_stop() {
    for busy in [2, 3, 10, 50, 200] {
        let server = Running::start(Limits { leave_grace: LONG, ..Limits::default() });
        let answers: Arc<[AtomicU64; 16]> = Arc::default();
        let clients: Vec<_> = (0..answers.len())
            .map(|place| {
                let (mut client, answers) = (server.connect(), answers.clone());
                thread::spawn(move || {
                    loop {
                        let answer = client.get("/");
                        assert_eq!(answer.status, 200);
                        answers[place].fetch_add(1, Ordering::Relaxed);
                        if answer.closes {
                            break;
                        }
                    }
                })
            })
            .collect();
        let began = std::time::Instant::now();
        while answers.iter().any(|answers| answers.load(Ordering::Relaxed) < busy) {
            assert!(began.elapsed() < LONG * 4, "every client is answered: {answers:?}");
            thread::sleep(Duration::from_millis(1));
        }
        let took = server.stop();
        assert!(took < SOON, "{took:?}");
        for client in clients {
            client.join().expect("no request failed");
        }
    }
}
