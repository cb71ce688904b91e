//! One connection, from the first request to the last answer.

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::io::AsyncWrite as _;
use tokio::net::TcpStream;
use tokio_util::sync::CancellationToken;

use super::answer::answer;
use super::head_timer::HeadTimer;
use super::limits::Limits;
use super::open::{OpenConnection, OpenConnections};
use super::socket::BoundedSocket;

/// How long a connection that is closed to make room may take to write what it has to.
const FLUSH_TIMEOUT: Duration = Duration::from_millis(100);

/// What every connection needs.
#[derive(Clone)]
pub(super) struct Serving {
    /// Answers the requests.
    pub(super) app: Router,
    /// Answers ask the client to close from now on.
    pub(super) leaving: CancellationToken,
    /// Idle connections are closed, the others after their answer.
    pub(super) drain: CancellationToken,
    /// All connections, this one included.
    pub(super) all: Arc<OpenConnections>,
    /// What a client may use.
    pub(super) limits: Limits,
}

impl Serving {
    /// Serves one connection to its end.
    pub(super) async fn connection(
        self,
        stream: TcpStream,
        peer: SocketAddr,
        open: Arc<OpenConnection>,
    ) {
        let Self { app, leaving, drain, limits, .. } = self;
        // Answers are small and written whole; waiting to fill a packet only delays them.
        if let Err(error) = stream.set_nodelay(true) {
            tracing::debug!(%peer, %error, "cannot set TCP_NODELAY");
        }
        let socket = BoundedSocket::new(stream, open.clone(), limits.write_stall_timeout);
        let io = TokioIo::new(socket);
        let asked = open.clone();
        let service =
            service_fn(move |request| answer(app.clone(), request, leaving.clone(), asked.clone()));
        let mut connection = http1::Builder::new()
            .timer(HeadTimer { open: open.clone(), limits })
            .header_read_timeout(limits.header_read_timeout)
            .max_buf_size(limits.read_buffer_max_bytes)
            .max_headers(limits.headers_max)
            // A client may say that it has no further request before it has its answer.
            .half_close(true)
            .serve_connection(io, service);
        let ended = tokio::select! {
            ended = &mut connection => ended,
            () = drain.cancelled() => {
                Pin::new(&mut connection).graceful_shutdown();
                (&mut connection).await
            }
            () = open.asked_to_close() => {
                Pin::new(&mut connection).graceful_shutdown();
                let flushed = tokio::time::timeout(FLUSH_TIMEOUT, &mut connection).await;
                match flushed {
                    // A request came while it was chosen: it is answered, like any other.
                    Err(_) if open.is_at_work() => (&mut connection).await,
                    // Nothing is owed to the client, so nothing is waited for.
                    Ok(_) | Err(_) => return,
                }
            }
        };
        if let Err(error) = ended {
            tracing::debug!(%peer, %error, "a connection ended early");
        }
        let stream = connection.into_parts().io.into_inner().into_stream();
        open.waits();
        tokio::select! {
            _ = tokio::time::timeout(limits.linger, discard(stream)) => {}
            () = drain.cancelled() => {}
            () = open.asked_to_close() => {}
        }
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
