//! What the hot path asks of PostgreSQL. Requests of different rooms share statements: those that come
//! while others are under way are read together and kept together.
//!
//! What meets a stale plan is done again on another connection: nothing was written, and no caller
//! could do anything else.

use std::sync::Arc;
use std::time::Duration;

use sea_orm::{DbErr, QueryResult};
use tokio::time::timeout;
use uuid::Uuid;
use vacancy_domain::RoomId;

use crate::StoreError;
use crate::by_id::{self, Single};
use crate::combine::Combiner;
use crate::commit_postgres::{self, Shared};
use crate::hot::{Lent, Manager};
use crate::snapshot::{SnapshotQuery, postgres_rows};
use crate::stale::again_if;
use crate::write::Write;

/// The most requests that share a statement: the last of them must not wait much longer than it would
/// have in a statement of its own.
const BATCH_MAX: usize = 64;

/// What a statement for several has read, of which each takes what is its own.
type Rows = Arc<Vec<QueryResult>>;

/// The connections of the hot path, and who shares them.
#[derive(Clone, Debug)]
pub(crate) struct Batches {
    pool: bb8::Pool<Manager>,
    rows: Combiner<(Single, Uuid), Shared<Option<Arc<QueryResult>>>>,
    snapshots: Combiner<SnapshotQuery, Shared<Rows>>,
    commits: Combiner<Arc<Write>, Shared<()>>,
}

impl Batches {
    /// `slots` statements of each kind are under way at a time, on connections of `pool`, and none for
    /// longer than `patience`.
    pub(crate) fn new(pool: bb8::Pool<Manager>, slots: usize, patience: Duration) -> Self {
        let (finding, reading, writing) = (pool.clone(), pool.clone(), pool.clone());
        Self {
            pool,
            rows: Combiner::new(slots, BATCH_MAX, move |asks| {
                find_all(finding.clone(), patience, asks)
            }),
            snapshots: Combiner::new(slots, BATCH_MAX, move |asks| {
                read_all(reading.clone(), patience, asks)
            }),
            commits: Combiner::new(slots, BATCH_MAX, move |writes| {
                commit_all(writing.clone(), patience, writes)
            }),
        }
    }

    /// How many connections there are, and how many of them idle.
    pub(crate) fn state(&self) -> bb8::State {
        self.pool.state()
    }

    /// A connection of one's own.
    pub(crate) async fn lend(&self) -> Result<Lent, StoreError> {
        self.pool.get_owned().await.map_err(StoreError::acquiring)
    }

    /// A connection of one's own, in a transaction that holds `rooms` against every other writer.
    pub(crate) async fn lend_locked(&self, rooms: &[RoomId]) -> Result<Lent, StoreError> {
        let locking = || async {
            let mut link = self.lend().await?;
            commit_postgres::lock(&mut link, rooms).await?;
            Ok(link)
        };
        again_if(StoreError::is_stale_plan, locking).await
    }

    /// Finds one row by its id, with others or alone.
    pub(crate) async fn row(
        &self,
        kind: Single,
        id: Uuid,
    ) -> Result<Option<Arc<QueryResult>>, StoreError> {
        again_if(StoreError::is_stale_plan, || self.find(kind, id)).await
    }

    async fn find(&self, kind: Single, id: Uuid) -> Result<Option<Arc<QueryResult>>, StoreError> {
        match self.rows.call((kind, id)).await.unwrap_or_else(dropped) {
            Shared::Ended(found) => found,
            Shared::Alone => {
                let mut rows =
                    by_id::postgres_rows(&mut *self.lend().await?, &[(kind, id)]).await?;
                Ok(rows.remove(&(kind, id)))
            }
        }
    }

    /// The rows that `ask` asks for, with those of others or alone.
    pub(crate) async fn snapshot(&self, ask: &SnapshotQuery) -> Result<Rows, StoreError> {
        again_if(StoreError::is_stale_plan, || self.read(ask)).await
    }

    async fn read(&self, ask: &SnapshotQuery) -> Result<Rows, StoreError> {
        if ask.may_share() {
            match self.snapshots.call(ask.clone()).await.unwrap_or_else(dropped) {
                Shared::Ended(rows) => return rows,
                Shared::Alone => {}
            }
        }
        self.read_alone(ask).await
    }

    /// The rows that `ask` asks for, by a statement of its own: what may be many rows must not keep
    /// others waiting.
    pub(crate) async fn snapshot_alone(&self, ask: &SnapshotQuery) -> Result<Rows, StoreError> {
        again_if(StoreError::is_stale_plan, || self.read_alone(ask)).await
    }

    async fn read_alone(&self, ask: &SnapshotQuery) -> Result<Rows, StoreError> {
        let mut link = self.lend().await?;
        Ok(Arc::new(postgres_rows(&mut link, std::slice::from_ref(ask)).await?))
    }

    /// Keeps `write`, with others or alone.
    pub(crate) async fn commit(&self, write: Arc<Write>) -> Result<(), StoreError> {
        again_if(StoreError::is_stale_plan, || self.keep(write.clone())).await
    }

    async fn keep(&self, write: Arc<Write>) -> Result<(), StoreError> {
        if commit_postgres::may_share(&write) {
            match self.commits.call(write.clone()).await.unwrap_or_else(broke_off) {
                Shared::Ended(kept) => return kept,
                Shared::Alone => {}
            }
        }
        commit_postgres::commit(&mut *self.lend().await?, &write).await
    }
}

fn dropped<T>() -> Shared<T> {
    Shared::Ended(Err(StoreError::unavailable("the statement was dropped")))
}

/// As [`dropped`], of a commit, which may have been sent.
fn broke_off() -> Shared<()> {
    Shared::Ended(Err(unknown("the commit was dropped")))
}

fn unknown(why: &str) -> StoreError {
    StoreError::Unknown(DbErr::Custom(why.to_owned()))
}

async fn find_all(
    pool: bb8::Pool<Manager>,
    patience: Duration,
    asks: Vec<(Single, Uuid)>,
) -> Vec<Shared<Option<Arc<QueryResult>>>> {
    let finding = async {
        let mut link = pool.get_owned().await.map_err(StoreError::acquiring)?;
        by_id::postgres_rows(&mut link, &asks).await
    };
    match within(patience, finding).await {
        Ok(rows) => asks.iter().map(|ask| Shared::Ended(Ok(rows.get(ask).cloned()))).collect(),
        Err(error) => asks.iter().map(|_| shared_error(&asks, &error)).collect(),
    }
}

/// The connection of what does not answer in time is closed by its drop.
async fn within<T>(
    patience: Duration,
    reading: impl Future<Output = Result<T, StoreError>>,
) -> Result<T, StoreError> {
    let silent = |_| Err(StoreError::unavailable("the database does not answer"));
    timeout(patience, reading).await.unwrap_or_else(silent)
}

async fn read_all(
    pool: bb8::Pool<Manager>,
    patience: Duration,
    asks: Vec<SnapshotQuery>,
) -> Vec<Shared<Rows>> {
    let reading = async {
        let mut link = pool.get_owned().await.map_err(StoreError::acquiring)?;
        postgres_rows(&mut link, &asks).await.map(Arc::new)
    };
    match within(patience, reading).await {
        Ok(rows) => asks.iter().map(|_| Shared::Ended(Ok(rows.clone()))).collect(),
        Err(error) => asks.iter().map(|_| shared_error(&asks, &error)).collect(),
    }
}

/// An error of a statement for several is the fault of one of them, unless it is the connection's.
fn shared_error<Q, T>(all: &[Q], error: &StoreError) -> Shared<T> {
    let everyone = matches!(error, StoreError::Unavailable(_) | StoreError::StalePlan(_));
    if all.len() > 1 && !everyone { Shared::Alone } else { Shared::Ended(Err(error.clone())) }
}

async fn commit_all(
    pool: bb8::Pool<Manager>,
    patience: Duration,
    writes: Vec<Arc<Write>>,
) -> Vec<Shared<()>> {
    let mut link = match pool.get_owned().await.map_err(StoreError::acquiring) {
        Ok(link) => link,
        Err(error) => return writes.iter().map(|_| shared_error(&writes, &error)).collect(),
    };
    let keeping = async {
        match writes.as_slice() {
            [only] => vec![Shared::Ended(commit_postgres::commit(&mut link, only).await)],
            several => commit_postgres::commit_many(&mut link, several).await,
        }
    };
    let silent = || Shared::Ended(Err(unknown("the database does not answer")));
    let kept = timeout(patience, keeping).await;
    kept.unwrap_or_else(|_| writes.iter().map(|_| silent()).collect())
}
