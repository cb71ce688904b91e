//! One connection, from the first request to the last answer.

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

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
use super::socket::BoundedSocket;

/// What every connection needs.
#[derive(Clone)]
pub(super) struct Serving {
    /// Answers the requests.
    pub(super) app: Router,
    /// Answers ask the client to close from now on.
    pub(super) leaving: CancellationToken,
    /// Idle connections are closed, the others after their answer.
    pub(super) drain: CancellationToken,
    /// What a client may use.
    pub(super) limits: Limits,
}

impl Serving {
    /// Serves one connection to its end.
    pub(super) async fn connection(self, stream: TcpStream, peer: SocketAddr) {
        let Self { app, leaving, drain, limits } = self;
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
