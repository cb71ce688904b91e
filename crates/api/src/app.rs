//! The application: what its handlers share.

use std::ops::Deref;
use std::sync::Arc;
use std::time::Duration;

use tokio::task::{JoinError, JoinHandle};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use vacancy_persistence::{Store, StoreError};

use crate::admission::{Admission, Permit, Shed};
use crate::auth::guard::{Guard, GuardOptions};
use crate::config::RetryPolicy;
use crate::http::in_flight::InFlight;
use crate::http::problem::{Code, Problem};
use crate::metrics::Metrics;
use crate::write::{Lanes, Member};

/// How long work may go on after its deadline before it is dropped: by then it waits for a database
/// server that does not answer any more.
pub const OVERTIME: Duration = Duration::from_secs(2);

tokio::task_local! {
    /// The permit of the request whose handler runs here.
    static PERMIT: Option<Arc<Permit>>;
}

/// What the handlers share. Clones are the same application.
#[derive(Clone, Debug)]
pub struct App(Arc<Shared>);

/// The fields of an [`App`], which dereferences to them.
#[derive(Debug)]
pub struct Shared {
    /// The database.
    pub store: Store,
    /// The metrics of this process.
    pub metrics: Arc<Metrics>,
    /// The part of the configuration that requests need.
    pub settings: Settings,
    /// Who is let in.
    pub guard: Guard,
    /// Where writes of one room wait for their turn.
    pub lanes: Lanes<Member>,
    /// The idempotency keys whose requests are at work in this process.
    pub keys: Arc<InFlight>,
    /// Work that outlives its client; a stop waits for it.
    pub tasks: TaskTracker,
    /// Cancelled when the process has been asked to stop.
    pub stopping: CancellationToken,
    admission: Arc<Admission>,
}

/// The part of the configuration that requests need.
#[derive(Clone, Copy, Debug)]
pub struct Settings {
    /// How often and after which delays a lost race is decided again.
    pub retry: RetryPolicy,
    /// By when every request is answered, from the moment it has been read.
    pub request_timeout: Duration,
    /// How long a client's idempotency key is kept.
    pub key_time_to_live: Duration,
    /// Whether writes of one room inside this process queue instead of racing.
    pub room_lanes: bool,
    /// Whether a proxy says in `X-Forwarded-Prefix` below which path it has mounted the service.
    pub forwarded_prefix: bool,
    /// For how many days after check-out guests are kept; `None` is for ever.
    pub guest_retention_days: Option<u32>,
}

impl Deref for App {
    type Target = Shared;

    fn deref(&self) -> &Shared {
        &self.0
    }
}

impl App {
    /// An application on `store`, open to all.
    #[must_use]
    pub fn new(store: Store, settings: Settings) -> Self {
        Self::guarded(store, settings, GuardOptions::default())
    }

    /// An application on `store` that lets in who `guard` says.
    #[must_use]
    pub fn guarded(store: Store, settings: Settings, guard: GuardOptions) -> Self {
        let metrics = Arc::new(Metrics::new(&Code::conflicts(), store.zones()));
        Self(Arc::new(Shared {
            store,
            guard: Guard::new(guard, metrics.clone()),
            metrics,
            settings,
            lanes: Lanes::default(),
            keys: Arc::default(),
            tasks: TaskTracker::new(),
            stopping: CancellationToken::new(),
            admission: Admission::new(settings.request_timeout),
        }))
    }

    /// Runs a read in a task of its own, so that the driver's futures run to their end when the
    /// client goes away. Fails with 503 when it takes longer than a request may.
    pub async fn read<T: Send + 'static>(
        &self,
        read: impl Future<Output = Result<T, StoreError>> + Send + 'static,
    ) -> Result<T, Problem> {
        let mut reading = self.spawn(read);
        match tokio::time::timeout(self.settings.request_timeout, &mut reading).await {
            Ok(Ok(result)) => Ok(result?),
            Ok(Err(error)) => Err(Problem::internal(ReadEnded(error))),
            Err(_) => {
                self.end_soon(reading);
                Err(Problem::unavailable("the deadline passed during a read"))
            }
        }
    }

    /// Runs work that outlives its client. It keeps the request's permit until it ends, and so does
    /// what it spawns in turn: clients that hang up must not let in more work than is permitted.
    pub fn spawn<T: Send + 'static>(
        &self,
        work: impl Future<Output = T> + Send + 'static,
    ) -> JoinHandle<T> {
        let permit = PERMIT.try_with(Clone::clone).ok().flatten();
        self.tasks.spawn(PERMIT.scope(permit, work))
    }

    /// Lets work whose deadline has passed come to its end, but not for ever: a connection on which
    /// nothing comes back any more would be lost to the pool, and so would the key the work holds.
    /// Dropped work gives its connection back to the pool, which closes it if it does not answer.
    pub fn end_soon<T: Send + 'static>(&self, mut work: JoinHandle<T>) {
        self.tasks.spawn(async move {
            if tokio::time::timeout(OVERTIME, &mut work).await.is_err() {
                tracing::warn!("dropped work that the database does not answer");
                work.abort();
            }
        });
    }

    /// Whether another request may be at work now.
    #[must_use]
    pub fn has_room(&self) -> bool {
        self.admission.has_room()
    }

    /// Counts a request as one too many. Returns how it is answered.
    #[must_use]
    pub fn shed(&self) -> Problem {
        self.metrics.request_shed();
        Problem::unavailable(Shed)
    }

    /// Runs a request's handler with a permit, and notes how long it took. Fails with 503 when as
    /// many requests are at work as can be done in time.
    pub async fn with_permit<T>(&self, handler: impl Future<Output = T>) -> Result<T, Problem> {
        let Some(permit) = self.admission.admit() else { return Err(self.shed()) };
        let began = Instant::now();
        let answered = PERMIT.scope(Some(Arc::new(permit)), handler).await;
        self.admission.answered(began.elapsed());
        Ok(answered)
    }
}

/// A read's task panicked or was aborted.
#[derive(Debug, thiserror::Error)]
#[error("a read ended early")]
struct ReadEnded(#[source] JoinError);
