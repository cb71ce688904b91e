//! The server from its start to its orderly end.

use std::io;

use axum::Router;
use tokio::net::TcpListener;
use tokio::task::JoinSet;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::accept::{accept, accept_backlog, log_panic};
use super::connection::Serving;
use super::limits::Limits;
use super::open::OpenConnections;

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
    let server = Serving {
        app,
        leaving: stop.child_token(),
        drain: CancellationToken::new(),
        all: OpenConnections::new(limits.head_bytes_max),
        limits,
    };
    let mut connections = JoinSet::new();
    let ended = accept(&server, &listener, &mut connections).await;
    server.leaving.cancel();
    let deadline = Instant::now() + limits.drain_deadline;
    accept_backlog(&server, listener, &mut connections);

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

async fn all_ended(connections: &mut JoinSet<()>) {
    while let Some(ended) = connections.join_next().await {
        log_panic(&ended);
    }
}
