//! One attempt's hold on the database: it reads, and commits what was decided on that.

use std::sync::Arc;

use sea_orm::DbErr;
use sea_orm::sqlx::sqlite::Sqlite;
use sea_orm::sqlx::{SqlitePool, Transaction};
use vacancy_domain::{RoomId, Zones};

use crate::batches::Batches;
use crate::connect::Pools;
use crate::connect::Retirement;
use crate::group::Group;
use crate::hot::Lent;
use crate::snapshot::{Snapshot, SnapshotQuery};
use crate::write::Write;
use crate::{Store, StoreError, commit_postgres, commit_sqlite, snapshot};

/// See the module. What is not committed when it is dropped is not committed at all.
#[derive(Debug)]
pub struct Session {
    connected: Connected,
    zones: Zones,
}

#[derive(Debug)]
enum Connected {
    Postgres(Batches),
    /// A connection of its own, in a transaction.
    PostgresLocked(Lent),
    Sqlite {
        reader: SqlitePool,
        writer: SqlitePool,
        group: Group,
        retirement: Retirement,
    },
    /// The one writing connection, in a transaction.
    SqliteLocked(Transaction<'static, Sqlite>),
}

impl Store {
    /// What an attempt needs. Fails with [`StoreError::Unavailable`] when the file of an SQLite
    /// database is not the one that was opened.
    pub fn session(&self) -> Result<Session, StoreError> {
        let connected = match &self.pools {
            Pools::Postgres { hot, .. } => Connected::Postgres(hot.clone()),
            Pools::Sqlite { reader, writer, group, .. } => {
                self.check_file()?;
                Connected::Sqlite {
                    reader: reader.clone(),
                    writer: writer.clone(),
                    group: group.clone(),
                    retirement: self.retirement.clone(),
                }
            }
        };
        Ok(Session { connected, zones: self.zones.clone() })
    }
}

impl Session {
    /// Begins a transaction and locks `rooms`, which ascend, against every other writer, before
    /// anything is read: what is read then cannot change any more before the commit. Fails with
    /// [`StoreError::Lost`] when another holds one of them for too long.
    pub async fn lock(self, rooms: &[RoomId]) -> Result<Self, StoreError> {
        let connected = match self.connected {
            Connected::Postgres(hot) => Connected::PostgresLocked(hot.lend_locked(rooms).await?),
            Connected::Sqlite { writer, .. } => {
                let transaction = writer.begin_with("BEGIN IMMEDIATE").await;
                Connected::SqliteLocked(transaction.map_err(StoreError::of)?)
            }
            locked @ (Connected::PostgresLocked(_) | Connected::SqliteLocked(_)) => locked,
        };
        Ok(Self { connected, ..self })
    }

    /// Reads everything that decisions look at, in one statement.
    pub async fn snapshot(&mut self, ask: &SnapshotQuery) -> Result<Snapshot, StoreError> {
        let rows = match &mut self.connected {
            Connected::Postgres(hot) => hot.snapshot(ask).await?,
            Connected::PostgresLocked(lent) => {
                Arc::new(snapshot::postgres_rows(lent, std::slice::from_ref(ask)).await?)
            }
            Connected::Sqlite { reader, .. } => {
                let mut connection = reader.acquire().await.map_err(StoreError::of)?;
                Arc::new(snapshot::sqlite_rows(&mut connection, ask).await?)
            }
            Connected::SqliteLocked(transaction) => {
                Arc::new(snapshot::sqlite_rows(transaction, ask).await?)
            }
        };
        Snapshot::read(&rows, ask, &self.zones)
    }

    /// Keeps a write, all of it; or, if what it was decided on has changed, none of it.
    ///
    /// Fails with [`StoreError::Missed`] or [`StoreError::Lost`] when another write came first,
    /// [`StoreError::Late`] when it was begun too late, [`StoreError::Abandoned`] when a part's gate was
    /// closed before, and [`StoreError::Unknown`] when the connection broke while
    /// it was being kept.
    pub async fn commit(self, write: Arc<Write>) -> Result<(), StoreError> {
        match self.connected {
            Connected::Postgres(hot) => hot.commit(write).await,
            Connected::PostgresLocked(lent) => commit_postgres::commit_locked(lent, &write).await,
            Connected::Sqlite { group, retirement, .. } => {
                let kept = group.call(write).await.unwrap_or_else(|| Err(dropped()));
                kept.inspect_err(|error| retirement.learn(error))
            }
            Connected::SqliteLocked(transaction) => {
                commit_sqlite::commit(transaction, &write).await
            }
        }
    }

    /// Gives the connection back without a commit.
    pub async fn end(self) {
        match self.connected {
            Connected::Postgres(_) | Connected::Sqlite { .. } => {}
            Connected::PostgresLocked(mut lent) => commit_postgres::roll_back(&mut lent).await,
            Connected::SqliteLocked(transaction) => {
                if let Err(error) = transaction.rollback().await {
                    tracing::debug!(%error, "a rollback found nothing to roll back");
                }
            }
        }
    }
}

/// What a commit that was dropped may have done is not known.
fn dropped() -> StoreError {
    StoreError::Unknown(DbErr::Custom("the commit was dropped".to_owned()))
}
