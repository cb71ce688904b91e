//! The HTTP/1 server: an accept loop with a limit on everything, and an orderly end.
//!
//! `axum::serve` has no header timeout, so half a request head would keep a socket, and the end of
//! the process, waiting for ever. Here a client has a few seconds for the head of a request, a
//! connection that stops reading is cut, and the number of connections is bounded.
//!
//! A stop goes in three steps. First, connections that wait in the kernel's queue are still taken,
//! since their clients believe themselves connected, and then the listener is closed. Then, for a
//! short grace, requests are answered as before, but with `Connection: close`: a client that is busy
//! on a kept-alive connection leaves by itself, after an answer, and never finds its next request
//! cut. Last, idle connections are closed, running requests are finished, and what is not done by
//! the deadline is dropped.

mod head_timer;
mod socket;

use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::http::{HeaderValue, Request, Response, header};
use hyper::body::{Body as _, Frame, Incoming, SizeHint};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::io::AsyncWrite as _;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{JoinError, JoinSet};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tower::ServiceExt as _;

use self::head_timer::HeadTimer;
use self::socket::BoundedSocket;

/// How long the loop rests after the kernel refused to hand out a connection, mostly for want of
/// file descriptors. Short enough that nobody notices, long enough not to spin.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// After so many refusals in a row, about a minute, the listener is taken for broken.
const ACCEPT_FAILURES_MAX: u32 = 600;

/// How many connections a stop takes from the kernel's queue at most. The queue itself is shorter;
/// this ends the loop when clients connect as fast as they are taken.
const BACKLOG_MAX: usize = 4_096;

/// What one client, and all of them together, may use.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// For the head of a request, from its first byte; for the first of a connection, from the
    /// moment it was accepted, so that a silent client is cut too.
    pub header_read_timeout: Duration,
    /// How long a connection may wait for its next request. Longer than proxies keep their idle
    /// connections (commonly 60 s): the side that sends requests should be the one to close.
    pub idle_timeout: Duration,
    /// How long an answer may wait for a client that does not read it.
    pub write_stall_timeout: Duration,
    /// How long what a client still sends is read and thrown away after the last answer. Closing
    /// at once would reset the connection, and an answer such as 413 would be lost with it.
    pub linger: Duration,
    /// Open connections; at this number the next ones wait in the kernel's queue.
    pub connections_max: usize,
    /// For the head of a request, in bytes. Above what the router allows, so that the router is the
    /// one to answer 414 and 431, with a problem document.
    pub read_buffer_max_bytes: usize,
    /// Header fields of a request. More than fit into the bytes that the router allows, so that it
    /// is the bytes that count.
    pub headers_max: usize,
    /// After a stop, how long connections may go on while every answer asks them to close.
    pub leave_grace: Duration,
    /// After a stop, when connections that are still open are dropped.
    pub drain_deadline: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            header_read_timeout: Duration::from_secs(5),
            idle_timeout: Duration::from_secs(75),
            write_stall_timeout: Duration::from_secs(30),
            linger: Duration::from_secs(2),
            connections_max: 4_096,
            read_buffer_max_bytes: 128 * 1024,
            headers_max: 4_096,
            leave_grace: Duration::from_secs(1),
            drain_deadline: Duration::from_secs(10),
        }
    }
}

/// Serves `app` on `listener` until `stop` is cancelled, and then until every connection has ended
/// or the drain deadline has passed. Without open connections it returns at once.
///
/// # Errors
///
/// When the listener is broken: it handed out nothing but errors for about a minute. Connections
/// that were open by then have been drained like after a stop.
///
/// # Panics
///
/// When `limits.read_buffer_max_bytes` is below 8 KiB, which the HTTP library does not accept.
pub async fn serve(
    listener: TcpListener,
    app: Router,
    stop: CancellationToken,
    limits: Limits,
) -> io::Result<()> {
    // Also cancelled when the listener breaks, which the caller's token does not say.
    let server =
        Server { app, leaving: stop.child_token(), drain: CancellationToken::new(), limits };
    let mut connections = JoinSet::new();
    let ended = server.accept(&listener, &mut connections).await;
    server.leaving.cancel();
    let deadline = Instant::now() + limits.drain_deadline;
    server.accept_backlog(listener, &mut connections);

    let all_left = tokio::time::timeout(limits.leave_grace, all_ended(&mut connections)).await;
    server.drain.cancel();
    if all_left.is_err()
        && tokio::time::timeout_at(deadline, all_ended(&mut connections)).await.is_err()
    {
        tracing::warn!(
            connections = connections.len(),
            "dropped connections that had not ended by the drain deadline"
        );
        connections.shutdown().await;
    }
    ended
}

/// What every connection needs.
struct Server {
    app: Router,
    /// Answers ask the client to close from now on.
    leaving: CancellationToken,
    /// Idle connections are closed, the others after their answer.
    drain: CancellationToken,
    limits: Limits,
}

impl Server {
    /// Takes connections until the stop.
    async fn accept(
        &self,
        listener: &TcpListener,
        connections: &mut JoinSet<()>,
    ) -> io::Result<()> {
        let mut failures = 0;
        loop {
            let has_room = connections.len() < self.limits.connections_max;
            let accepted = tokio::select! {
                biased;
                () = self.leaving.cancelled() => return Ok(()),
                Some(ended) = connections.join_next() => {
                    log_panic(&ended);
                    continue;
                }
                accepted = listener.accept(), if has_room => accepted,
            };
            match accepted {
                Ok((stream, peer)) => {
                    failures = 0;
                    connections.spawn(self.connection(stream, peer));
                }
                // The client was gone before it was taken; nothing is wrong here.
                Err(error) if is_the_clients(&error) => {}
                Err(error) => {
                    failures += 1;
                    if failures == 1 {
                        tracing::warn!(%error, "cannot accept connections; trying on");
                    }
                    if failures >= ACCEPT_FAILURES_MAX {
                        return Err(error);
                    }
                    // Ends early only by the stop, which the select above sees next.
                    let _ = tokio::time::timeout(ACCEPT_PAUSE, self.leaving.cancelled()).await;
                }
            }
        }
    }

    /// Takes what the kernel has already connected, and closes the listener.
    ///
    /// The runtime may not yet know of the latest arrivals, so the kernel itself is asked. The limit
    /// on connections does not hold here: these clients would otherwise be reset.
    fn accept_backlog(&self, listener: TcpListener, connections: &mut JoinSet<()>) {
        let Ok(listener) = listener.into_std() else { return };
        for _ in 0..BACKLOG_MAX {
            let (stream, peer) = match listener.accept() {
                Ok(accepted) => accepted,
                Err(error) if is_the_clients(&error) => continue,
                Err(_) => return,
            };
            let stream = stream.set_nonblocking(true).and_then(|()| TcpStream::from_std(stream));
            if let Ok(stream) = stream {
                connections.spawn(self.connection(stream, peer));
            }
        }
    }

    /// One connection, from the first request to the last answer.
    fn connection(
        &self,
        stream: TcpStream,
        peer: SocketAddr,
    ) -> impl Future<Output = ()> + Send + use<> {
        let Self { app, leaving, drain, limits } = self;
        let (app, leaving, drain, limits) = (app.clone(), leaving.clone(), drain.clone(), *limits);
        async move {
            // Answers are small and written whole; waiting to fill a packet only delays them.
            if let Err(error) = stream.set_nodelay(true) {
                tracing::debug!(%peer, %error, "cannot set TCP_NODELAY");
            }
            let bytes_read = Arc::new(AtomicU64::new(0));
            let socket = BoundedSocket::new(stream, bytes_read.clone(), limits.write_stall_timeout);
            let io = TokioIo::new(socket);
            let service = service_fn(move |request| answer(app.clone(), request, leaving.clone()));
            let mut connection = http1::Builder::new()
                .timer(HeadTimer { bytes_read, limits })
                .header_read_timeout(limits.header_read_timeout)
                .max_buf_size(limits.read_buffer_max_bytes)
                .max_headers(limits.headers_max)
                .half_close(false)
                .serve_connection(io, service);
            let ended = tokio::select! {
                ended = &mut connection => ended,
                () = drain.cancelled() => {
                    Pin::new(&mut connection).graceful_shutdown();
                    (&mut connection).await
                }
            };
            if let Err(error) = ended {
                tracing::debug!(%peer, %error, "a connection ended early");
            }
            let stream = connection.into_parts().io.into_inner().into_stream();
            tokio::select! {
                _ = tokio::time::timeout(limits.linger, discard(stream)) => {}
                () = drain.cancelled() => {}
            }
        }
    }
}

/// One request, one answer; the last of its connection when the server is leaving, or when the
/// request has a body that was not read to its end: what follows on the connection is the rest of
/// it, and a client must not take the connection for a usable one.
async fn answer(
    app: Router,
    request: Request<Incoming>,
    leaving: CancellationToken,
) -> Result<Response<Body>, Infallible> {
    let unread = Arc::new(AtomicBool::new(!request.body().is_end_stream()));
    let request = request.map(|body| Watched { body, unread: unread.clone() });
    let mut response = app.oneshot(request).await?;
    if leaving.is_cancelled() || unread.load(Ordering::Relaxed) {
        response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
    }
    Ok(response)
}

/// The body of a request, and whether some of it is still to be read.
struct Watched {
    body: Incoming,
    unread: Arc<AtomicBool>,
}

impl hyper::body::Body for Watched {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        let frame = ready!(Pin::new(&mut self.body).poll_frame(cx));
        if frame.is_none() || self.body.is_end_stream() {
            self.unread.store(false, Ordering::Relaxed);
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

/// Says that nothing more will be written, and reads until the client has said the same.
async fn discard(mut stream: TcpStream) -> io::Result<()> {
    std::future::poll_fn(|cx| Pin::new(&mut stream).poll_shutdown(cx)).await?;
    let mut nothing = vec![0; 16 * 1024];
    loop {
        stream.readable().await?;
        match stream.try_read(&mut nothing) {
            Ok(0) => return Ok(()),
            Ok(_) => {}
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            Err(error) => return Err(error),
        }
    }
}

async fn all_ended(connections: &mut JoinSet<()>) {
    while let Some(ended) = connections.join_next().await {
        log_panic(&ended);
    }
}

/// A panic ends its own connection and no other; the panic hook has already written where it was.
fn log_panic(ended: &Result<(), JoinError>) {
    if let Err(error) = ended
        && error.is_panic()
    {
        tracing::error!(%error, "a connection's task panicked");
    }
}

fn is_the_clients(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::ConnectionAborted
            | io::ErrorKind::ConnectionReset
            | io::ErrorKind::Interrupted
    )
}

#[cfg(test)]
mod tests {
    use std::io::{ErrorKind, Read as _, Write as _};
    use std::net::TcpStream as Socket;
    use std::thread;

    use axum::extract::State;
    use axum::routing::{get, post};
    use tokio::runtime::Runtime;
    use tokio::sync::Semaphore;

    use super::*;

    /// A limit that is waited for. A scheduler that is late by much of it fails no test.
    const SHORT: Duration = Duration::from_secs(1);
    /// For what must happen at once, on a machine that is busy with other tests.
    const SOON: Duration = Duration::from_secs(5);
    /// A limit that must not be waited for.
    const LONG: Duration = Duration::from_secs(30);

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
        let limits =
            Limits { write_stall_timeout: SHORT, linger: Duration::ZERO, ..Limits::default() };
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
        client.send(
            format!("GET / HTTP/1.1\r\nHost: test\r\nX-Long: {long}{long}\r\n\r\n").as_bytes(),
        );
        assert_eq!(client.read_answer().status, 200);
    }

    #[test]
    fn an_answer_before_the_end_of_a_large_body_arrives() {
        let server = Running::start(Limits::default());
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
    fn at_the_limit_the_next_connection_waits_for_one_to_end() {
        let server = Running::start(Limits { connections_max: 1, ..Limits::default() });
        let mut first = server.connect();
        assert_eq!(first.get("/").status, 200);
        let mut second = server.connect();
        second.send(b"GET / HTTP/1.1\r\nHost: test\r\n\r\n");
        second.socket.set_read_timeout(Some(SHORT)).expect("a valid timeout");
        let waits = second.socket.peek(&mut [0]).expect_err("it is not answered yet").kind();
        assert!(matches!(waits, ErrorKind::WouldBlock | ErrorKind::TimedOut), "{waits}");
        drop(first);
        second.socket.set_read_timeout(Some(LONG)).expect("a valid timeout");
        assert_eq!(second.read_answer().status, 200);
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
                assert!(began.elapsed() < LONG, "every client is answered: {answers:?}");
                thread::sleep(Duration::from_millis(1));
            }
            let took = server.stop();
            assert!(took < SOON, "{took:?}");
            for client in clients {
                client.join().expect("no request failed");
            }
        }
    }

    const HUGE_BYTES: usize = 64 << 20;

    /// What requests tell their test, and it them.
    #[derive(Clone, Debug)]
    struct Signals {
        begun: Arc<Semaphore>,
        go: Arc<Semaphore>,
    }

    impl Default for Signals {
        fn default() -> Self {
            let none = || Arc::new(Semaphore::new(0));
            Self { begun: none(), go: none() }
        }
    }

    fn app(signals: Signals) -> Router {
        Router::new()
            .route("/", get(|| async { "here" }))
            .route("/huge", get(|| async { vec![0_u8; HUGE_BYTES] }))
            .route("/refuse", post(|| async { axum::http::StatusCode::PAYLOAD_TOO_LARGE }))
            .route("/never", get(never))
            .route("/panic", get(panics))
            .route("/slow", get(slow))
            .with_state(signals)
    }

    async fn slow(State(signals): State<Signals>) -> &'static str {
        signals.begun.add_permits(1);
        signals.go.acquire().await.expect("never closed").forget();
        "done"
    }

    async fn never(State(signals): State<Signals>) {
        signals.begun.add_permits(1);
        std::future::pending::<()>().await;
    }

    async fn panics() -> &'static str {
        panic!("on purpose, in a test")
    }

    /// A server on a port of its own.
    struct Running {
        runtime: Runtime,
        address: SocketAddr,
        stop: CancellationToken,
        limits: Limits,
        signals: Signals,
        listener: Option<TcpListener>,
        ended: Option<tokio::task::JoinHandle<io::Result<()>>>,
    }

    impl Running {
        fn bind(limits: Limits) -> Self {
            let runtime = Runtime::new().expect("a runtime");
            let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).expect("a free port");
            let address = listener.local_addr().expect("it is bound");
            let (stop, signals) = (CancellationToken::new(), Signals::default());
            Self { runtime, address, stop, limits, signals, listener: Some(listener), ended: None }
        }

        fn serve(&mut self) {
            let listener = self.listener.take().expect("it is served once");
            let app = app(self.signals.clone());
            let serving = serve(listener, app, self.stop.clone(), self.limits);
            self.ended = Some(self.runtime.spawn(serving));
        }

        fn start(limits: Limits) -> Self {
            let mut server = Self::bind(limits);
            server.serve();
            server
        }

        fn connect(&self) -> Client {
            let socket = Socket::connect(self.address).expect("the listener is open");
            socket.set_read_timeout(Some(LONG)).expect("a valid timeout");
            Client { socket }
        }

        /// Waits until a request for `/slow` or `/never` has reached its handler.
        #[track_caller]
        fn has_begun(&self) {
            let begun = async { tokio::time::timeout(LONG, self.signals.begun.acquire()).await };
            let begun = self.runtime.block_on(begun);
            begun.expect("the request arrives").expect("never closed").forget();
        }

        /// Stops it and says how long that took.
        fn stop(mut self) -> Duration {
            let stopped = std::time::Instant::now();
            self.stop.cancel();
            let ended = self.ended.take().expect("it runs");
            self.runtime.block_on(ended).expect("no panic").expect("no error");
            stopped.elapsed()
        }
    }

    struct Client {
        socket: Socket,
    }

    struct Answer {
        status: u16,
        closes: bool,
    }

    impl Client {
        #[track_caller]
        fn send(&mut self, bytes: &[u8]) {
            self.socket.write_all(bytes).expect("the server reads");
        }

        #[track_caller]
        fn get(&mut self, path: &str) -> Answer {
            self.send(format!("GET {path} HTTP/1.1\r\nHost: test\r\n\r\n").as_bytes());
            self.read_answer()
        }

        /// Reads one answer, to the end of its body.
        #[track_caller]
        fn read_answer(&mut self) -> Answer {
            let mut head = Vec::new();
            while !head.ends_with(b"\r\n\r\n") {
                let mut byte = [0];
                self.socket.read_exact(&mut byte).expect("an answer");
                head.push(byte[0]);
            }
            let head = String::from_utf8(head).expect("text").to_ascii_lowercase();
            let field =
                |name: &str| head.lines().find_map(|line| line.strip_prefix(name)).map(str::trim);
            let length = field("content-length:").map_or(0, |text| text.parse().expect("a number"));
            self.socket.read_exact(&mut vec![0; length]).expect("the whole body");
            let status = head.split(' ').nth(1).and_then(|text| text.parse().ok());
            Answer {
                status: status.expect("a status line"),
                closes: field("connection:") == Some("close"),
            }
        }

        /// Reads nothing, and writes until that fails because the server has gone.
        #[track_caller]
        fn write_until_cut(&mut self) {
            let began = std::time::Instant::now();
            while self.socket.write_all(b"x").is_ok() {
                assert!(began.elapsed() < LONG, "the server is still there");
                thread::sleep(Duration::from_millis(10));
            }
        }

        /// Reads until the server closes or resets the connection.
        #[track_caller]
        fn read_to_end(&mut self) -> Vec<u8> {
            let mut bytes = Vec::new();
            match self.socket.read_to_end(&mut bytes) {
                Ok(_) => {}
                Err(error) => assert_eq!(error.kind(), ErrorKind::ConnectionReset),
            }
            bytes
        }
    }
}
