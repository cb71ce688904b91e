//! A replica inside the test process: real sockets, a real database, metrics of its own, and the
//! failpoint through which a test writes in between a decision and its commit.

use std::time::Duration;

use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use vacancy::app::{App, Settings};
use vacancy::auth::guard::GuardOptions;
use vacancy::config::RetryPolicy;
use vacancy_persistence::{Failpoint, StoreOptions};

use crate::PATIENCE;
use crate::database::{Database, connect};

/// What a replica is started with. The default is the service's own, without jitter and sweeper, and
/// with more time for what a loaded machine may be slow to do: no answer of a test depends on that,
/// unless it sets the time itself.
#[derive(Clone, Debug)]
pub struct ReplicaOptions {
    /// How often and after which delays a lost race is decided again.
    pub retry: RetryPolicy,
    /// By when every request is answered.
    pub request_timeout: Duration,
    /// How long a client's idempotency key is kept.
    pub key_time_to_live: Duration,
    /// Whether writes of one room queue inside it.
    pub room_lanes: bool,
    /// Whether it believes `X-Forwarded-Prefix`.
    pub forwarded_prefix: bool,
    /// How often it sweeps; never, if absent.
    pub sweep_interval: Option<Duration>,
    /// For how many days after check-out it keeps guests; for ever, if absent.
    pub guest_retention_days: Option<u32>,
    /// The most connections it opens.
    pub connections: u32,
    /// Where it finds its database, if not at the database's own address: behind a wire.
    pub database_url: Option<String>,
    /// What happens before each commit.
    pub failpoint: Failpoint,
    /// How long after it was sent PostgreSQL may begin a commit, without which it is decided again. If
    /// absent, it is the service's own half of a second behind a wire, where cut commits are told by
    /// it, and otherwise longer than any test.
    pub fence: Option<Duration>,
    /// Who is let in; every caller, if not said otherwise.
    pub guard: GuardOptions,
}

impl Default for ReplicaOptions {
    fn default() -> Self {
        Self {
            retry: RetryPolicy {
                attempts: 3,
                base_delay: Duration::from_millis(100),
                multiplier: 2,
                jitter: 0.0,
            },
            request_timeout: Duration::from_mins(1),
            key_time_to_live: Duration::from_hours(24),
            room_lanes: true,
            forwarded_prefix: false,
            sweep_interval: None,
            guest_retention_days: None,
            connections: 16,
            database_url: None,
            failpoint: Failpoint::default(),
            fence: None,
            guard: GuardOptions::default(),
        }
    }
}

/// A running service in this process. It is aborted with this value; [`Self::stop`] ends it well.
#[derive(Debug)]
pub struct Replica {
    /// The application, for what cannot be seen from outside.
    pub app: App,
    url: String,
    serving: JoinHandle<()>,
}

impl Replica {
    /// Starts one on `database` with the service's own settings.
    pub async fn start(database: &Database) -> Self {
        Self::start_with(database, ReplicaOptions::default()).await
    }

    /// Starts one on `database`, which it migrates.
    pub async fn start_with(database: &Database, options: ReplicaOptions) -> Self {
        let url = options.database_url.as_deref().unwrap_or(database.url());
        let store = StoreOptions {
            url: url.to_owned(),
            connections: options.connections,
            statement_timeout: options.request_timeout,
            exclusive: true,
        };
        let store = connect(&store).await;
        store.migrate().await.expect("an empty database can be migrated");
        let store = match options.fence.or(options.database_url.is_none().then_some(PATIENCE)) {
            Some(fence) => store.with_fence(fence),
            None => store,
        };
        let settings = Settings {
            retry: options.retry,
            request_timeout: options.request_timeout,
            key_time_to_live: options.key_time_to_live,
            room_lanes: options.room_lanes,
            forwarded_prefix: options.forwarded_prefix,
            guest_retention_days: options.guest_retention_days,
        };
        let app = App::guarded(store.with_failpoint(options.failpoint), settings, options.guard);
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("it is bound");
        let serving = tokio::spawn({
            let app = app.clone();
            async move {
                let served =
                    vacancy::cli::run_until_stopped(&app, listener, options.sweep_interval);
                served.await.expect("a replica serves until it is stopped");
            }
        });
        Self { app, url: format!("http://{address}"), serving }
    }

    /// `http://127.0.0.1:PORT`.
    pub fn url(&self) -> String {
        self.url.clone()
    }

    /// Asks it to stop, and waits until it has.
    pub async fn stop(mut self) {
        self.app.stopping.cancel();
        (&mut self.serving).await.expect("a replica ends without a panic");
    }
}

impl Drop for Replica {
    fn drop(&mut self) {
        self.serving.abort();
    }
}
