//! A wire between the service and PostgreSQL that can be cut at the worst moment: at COMMIT.
//!
//! It understands as much of the protocol (version 3, without TLS) as it takes to see which
//! statement the client has executed, by a simple query or by Parse, Bind and Execute.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::task::{JoinHandle, JoinSet};

mod connection;
mod message;
mod requests;
mod state;
mod transactions;

use connection::connect;
use state::Shared;
pub use state::{Counters, Cut};

/// A proxy on a free port of 127.0.0.1 in front of a PostgreSQL server. It ends with this value.
#[derive(Debug)]
pub struct Wire {
    address: SocketAddr,
    shared: Arc<Shared>,
    accepting: JoinHandle<()>,
}

impl Wire {
    /// A wire to the server at `upstream`.
    pub async fn start(upstream: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("it is bound");
        let shared = Arc::new(Shared { state: Mutex::default() });
        let accepting = tokio::spawn(accept(listener, upstream, Arc::clone(&shared)));
        Self { address, shared, accepting }
    }

    /// Where clients connect in place of the server.
    pub fn addr(&self) -> SocketAddr {
        self.address
    }

    /// A server's or database's URL with this wire's address in place of the server's.
    pub fn url(&self, upstream: &str) -> String {
        let mut url = reqwest::Url::parse(upstream).expect("a postgres:// URL");
        url.set_ip_host(self.address.ip()).expect("such a URL has a host");
        url.set_port(Some(self.address.port())).expect("such a URL has a port");
        url.into()
    }

    /// What to do to the next commits, on whichever connection they come.
    pub fn cut(&self, cut: Cut) {
        self.shared.state().cut = match cut {
            Cut::BeforeCommit(0) | Cut::AfterCommit(0) | Cut::Unanswered(0) => Cut::None,
            Cut::None | Cut::BeforeCommit(_) | Cut::AfterCommit(_) | Cut::Unanswered(_) => cut,
        };
    }

    /// What is still to be done to the next commits.
    pub fn armed(&self) -> Cut {
        self.shared.state().cut
    }

    /// Closes every new connection at once, until [`Wire::accept`]. Present ones stay.
    pub fn refuse(&self) {
        self.shared.state().refusing = true;
    }

    /// Passes new connections on again.
    pub fn accept(&self) {
        self.shared.state().refusing = false;
    }

    /// What it has done so far.
    pub fn counters(&self) -> Counters {
        self.shared.state().counters
    }

    /// From now on keeps the text of every statement executed, over all connections, and counts
    /// round trips from 0.
    pub fn record(&self) {
        let state = &mut *self.shared.state();
        state.recorded = Some(Vec::new());
        state.round_trips = 0;
    }

    /// How often clients have waited for the server since the last call of [`Wire::record`], or
    /// since the wire was made, over all connections: each Sync, simple query and function call
    /// counts once, the startup of a connection does not.
    pub fn round_trips(&self) -> u64 {
        self.shared.state().round_trips
    }

    /// The statements executed since the last call of this or of [`Wire::record`], oldest first.
    ///
    /// Panics when nothing is being recorded.
    pub fn take_recorded(&self) -> Vec<String> {
        let mut state = self.shared.state();
        let recorded = state.recorded.as_mut().expect("call `record` first");
        std::mem::take(recorded)
    }
}

impl Drop for Wire {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

/// Carries the connections that come; all of them end with it.
async fn accept(listener: TcpListener, upstream: SocketAddr, shared: Arc<Shared>) {
    let mut connections = JoinSet::new();
    loop {
        let Ok((client, _)) = listener.accept().await else {
            // Out of file descriptors, most likely: some will come back.
            tokio::time::sleep(Duration::from_millis(10)).await;
            continue;
        };
        {
            let mut state = shared.state();
            if state.refusing {
                state.counters.refused += 1;
                continue;
            }
            state.counters.connections += 1;
        }
        let shared = Arc::clone(&shared);
        // Either side breaking off is the connection's end, and there is no one end left to tell.
        connections.spawn(async move { drop(connect(client, upstream, &shared).await) });
        while connections.try_join_next().is_some() {}
    }
}
