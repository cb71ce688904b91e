//! The accept loop.

use std::io;
use std::sync::LazyLock;
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream};
use tokio::task::{JoinError, JoinSet};

use super::connection::Serving;
use super::limits::Limits;
use crate::telemetry::Throttle;

/// How often the kernel refused to hand out a connection.
static REFUSED: LazyLock<Throttle> = LazyLock::new(Throttle::default);
/// How many idle connections were closed to make room.
static CLOSED: LazyLock<Throttle> = LazyLock::new(Throttle::default);

/// How long the loop rests after the kernel refused to hand out a connection, mostly for want of
/// file descriptors. Short enough for a client not to notice, long enough not to spin.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// After so many refusals in a row, about a minute, that are no shortage of something, the listener is taken for broken.
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
    let Limits { connections_max, probe_connections_max, .. } = serving.limits;
    let mut failures = 0;
    loop {
        let has_room =
            serving.all.live() < connections_max + probe_connections_max || serving.all.has_idle();
        let accepted = tokio::select! {
            biased;
            () = serving.leaving.cancelled() => return Ok(()),
            Some(ended) = connections.join_next() => {
                log_panic(&ended);
                continue;
            }
            accepted = listener.accept(), if has_room => accepted,
            () = serving.all.one_may_make_room(), if !has_room => continue,
        };
        match accepted {
            Ok((stream, peer)) => {
                failures = 0;
                if serving.all.live() >= connections_max {
                    make_room(serving);
                }
                // The one that was to make room may have begun a request since it was looked for.
                while serving.all.live() >= connections_max + probe_connections_max
                    && !make_room(serving)
                {
                    tokio::select! {
                        () = serving.leaving.cancelled() => break,
                        () = serving.all.one_may_make_room() => {}
                    }
                }
                let is_beyond_limit = serving.all.live() >= connections_max;
                let open = serving.all.enter(is_beyond_limit);
                connections.spawn(serving.clone().connection(stream, peer, open));
            }
            // The client was gone before it was taken; nothing is wrong here.
            Err(error) if is_the_clients(&error) => {}
            Err(error) => {
                // The process has too few file descriptors, or the machine too little of something.
                // Connections that end give some back, so this passes.
                let passes = is_shortage(&error);
                failures = if passes { 0 } else { failures + 1 };
                if let Some(times) = REFUSED.count() {
                    tracing::warn!(%error, times, "cannot accept connections; trying on");
                }
                if failures >= ACCEPT_FAILURES_MAX {
                    return Err(error);
                }
                if !(passes && make_room(serving)) {
                    // Ends early only by the stop, which the select above sees next.
                    let _ = tokio::time::timeout(ACCEPT_PAUSE, serving.leaving.cancelled()).await;
                }
            }
        }
    }
}

/// Closes the connection that has waited longest. Returns whether there was one.
fn make_room(serving: &Serving) -> bool {
    let closes = serving.all.close_longest_idle();
    if closes && let Some(connections) = CLOSED.count() {
        tracing::warn!(connections, "closed idle connections to make room for new ones");
    }
    closes
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
            let open = serving.all.enter(false);
            connections.spawn(serving.clone().connection(stream, peer, open));
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

/// EMFILE, ENFILE, ENOBUFS, ENOMEM.
fn is_shortage(error: &io::Error) -> bool {
    use rustix::io::Errno;
    let shortages = [Errno::MFILE, Errno::NFILE, Errno::NOBUFS, Errno::NOMEM];
    shortages.iter().any(|errno| error.raw_os_error() == Some(errno.raw_os_error()))
}
