//! The accept loop.

use std::io;
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream};
use tokio::task::{JoinError, JoinSet};

use super::connection::Serving;

/// How long the loop rests after the kernel refused to hand out a connection, mostly for want of
/// file descriptors. Short enough that nobody notices, long enough not to spin.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// After so many refusals in a row, about a minute, the listener is taken for broken.
const ACCEPT_FAILURES_MAX: u32 = 600;

/// How many connections a stop takes from the kernel's queue at most. The queue itself is shorter;
/// this ends the loop when clients connect as fast as they are taken.
const BACKLOG_MAX: usize = 4_096;

/// Takes connections until the stop.
pub(super) async fn accept(
    serving: &Serving,
    listener: &TcpListener,
    connections: &mut JoinSet<()>,
) -> io::Result<()> {
    let mut failures = 0;
    loop {
        let has_room = connections.len() < serving.limits.connections_max;
        let accepted = tokio::select! {
            biased;
            () = serving.leaving.cancelled() => return Ok(()),
            Some(ended) = connections.join_next() => {
                log_panic(&ended);
                continue;
            }
            accepted = listener.accept(), if has_room => accepted,
        };
        match accepted {
            Ok((stream, peer)) => {
                failures = 0;
                connections.spawn(serving.clone().connection(stream, peer));
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
                let _ = tokio::time::timeout(ACCEPT_PAUSE, serving.leaving.cancelled()).await;
            }
        }
    }
}

/// Takes what the kernel has already connected, and closes the listener.
///
/// The runtime may not yet know of the latest arrivals, so the kernel itself is asked. The limit
/// on connections does not hold here: these clients would otherwise be reset.
pub(super) fn accept_backlog(
    serving: &Serving,
    listener: TcpListener,
    connections: &mut JoinSet<()>,
) {
    let Ok(listener) = listener.into_std() else { return };
    for _ in 0..BACKLOG_MAX {
        let (stream, peer) = match listener.accept() {
            Ok(accepted) => accepted,
            Err(error) if is_the_clients(&error) => continue,
            Err(_) => return,
        };
        let stream = stream.set_nonblocking(true).and_then(|()| TcpStream::from_std(stream));
        if let Ok(stream) = stream {
            connections.spawn(serving.clone().connection(stream, peer));
        }
    }
}

/// A panic ends its own connection and no other; the panic hook has already written where it was.
pub(super) fn log_panic(ended: &Result<(), JoinError>) {
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
