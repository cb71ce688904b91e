//! A server on a port of its own, and clients of it.

use std::io::{self, ErrorKind, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream as Socket};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use axum::Extension;
use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::{get, post};
use tokio::net::TcpListener;
use tokio::runtime::Runtime;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;

use crate::server::{BeyondLimit, Limits, serve};

/// A limit that must not be waited for.
pub(super) const LONG: Duration = Duration::from_secs(30);

pub(super) const HUGE_BYTES: usize = 64 << 20;

/// What requests tell their test, and it them.
#[derive(Clone, Debug)]
pub(super) struct Signals {
    pub(super) begun: Arc<Semaphore>,
    pub(super) go: Arc<Semaphore>,
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
        .route("/refuse", post(|| async { StatusCode::PAYLOAD_TOO_LARGE }))
        .route("/never", get(never))
        .route("/panic", get(panics))
        .route("/slow", get(slow))
        .route("/beyond", get(beyond))
        .with_state(signals)
}

async fn slow(State(signals): State<Signals>) -> &'static str {
    signals.begun.add_permits(1);
    signals.go.acquire().await.expect("never closed").forget();
    "done"
}

/// 200 on a connection beyond the limit.
async fn beyond(limit: Option<Extension<BeyondLimit>>) -> StatusCode {
    if limit.is_some() { StatusCode::OK } else { StatusCode::NOT_FOUND }
}

async fn never(State(signals): State<Signals>) {
    signals.begun.add_permits(1);
    std::future::pending::<()>().await;
}

async fn panics() -> &'static str {
    panic!("on purpose, in a test")
}

/// A server on a port of its own.
pub(super) struct Running {
    runtime: Runtime,
    address: SocketAddr,
    pub(super) stop: CancellationToken,
    limits: Limits,
    pub(super) signals: Signals,
    listener: Option<TcpListener>,
    ended: Option<tokio::task::JoinHandle<io::Result<()>>>,
}

impl Running {
    pub(super) fn bind(limits: Limits) -> Self {
        let runtime = Runtime::new().expect("a runtime");
        let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).expect("a free port");
        let address = listener.local_addr().expect("it is bound");
        let (stop, signals) = (CancellationToken::new(), Signals::default());
        Self { runtime, address, stop, limits, signals, listener: Some(listener), ended: None }
    }

    pub(super) fn serve(&mut self) {
        let listener = self.listener.take().expect("it is served once");
        let app = app(self.signals.clone());
        let serving = serve(listener, app, self.stop.clone(), self.limits);
        self.ended = Some(self.runtime.spawn(serving));
    }

    pub(super) fn start(limits: Limits) -> Self {
        let mut server = Self::bind(limits);
        server.serve();
        server
    }

    pub(super) fn connect(&self) -> Client {
        let socket = Socket::connect(self.address).expect("the listener is open");
        socket.set_read_timeout(Some(LONG)).expect("a valid timeout");
        Client { socket }
    }

    /// Waits until a request for `/slow` or `/never` has reached its handler.
    #[track_caller]
    pub(super) fn has_begun(&self) {
        let begun = async { tokio::time::timeout(LONG, self.signals.begun.acquire()).await };
        let begun = self.runtime.block_on(begun);
        begun.expect("the request arrives").expect("never closed").forget();
    }

    /// Stops it and says how long that took.
    pub(super) fn stop(mut self) -> Duration {
        let stopped = std::time::Instant::now();
        self.stop.cancel();
        let ended = self.ended.take().expect("it runs");
        self.runtime.block_on(ended).expect("no panic").expect("no error");
        stopped.elapsed()
    }
}

pub(super) struct Client {
    pub(super) socket: Socket,
}

pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) closes: bool,
}

impl Client {
    #[track_caller]
    pub(super) fn send(&mut self, bytes: &[u8]) {
        self.socket.write_all(bytes).expect("the server reads");
    }

    #[track_caller]
    pub(super) fn get(&mut self, path: &str) -> Answer {
        self.send(format!("GET {path} HTTP/1.1\r\nHost: test\r\n\r\n").as_bytes());
        self.read_answer()
    }

    /// Reads one answer, to the end of its body.
    #[track_caller]
    pub(super) fn read_answer(&mut self) -> Answer {
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
    pub(super) fn write_until_cut(&mut self) {
        let began = std::time::Instant::now();
        while self.socket.write_all(b"x").is_ok() {
            assert!(began.elapsed() < LONG, "the server is still there");
            thread::sleep(Duration::from_millis(10));
        }
    }

    /// Reads until the server closes or resets the connection.
    #[track_caller]
    pub(super) fn read_to_end(&mut self) -> Vec<u8> {
        let mut bytes = Vec::new();
        match self.socket.read_to_end(&mut bytes) {
            Ok(_) => {}
            Err(error) => assert_eq!(error.kind(), ErrorKind::ConnectionReset),
        }
        bytes
    }
}
