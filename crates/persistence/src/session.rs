//! One attempt's hold on the database: it reads, and commits what was decided on that, on one
//! connection.

use std::sync::Arc;

use sea_orm::QueryResult;
use sea_orm::sqlx::sqlite::Sqlite;
use sea_orm::sqlx::{SqlitePool, Transaction};
use vacancy_domain::{RoomId, Zones};

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
    Postgres {
        lent: Lent,
        locked: bool,
    },
    Sqlite {
        reader: SqlitePool,
        writer: SqlitePool,
        group: Arc<Group>,
        retirement: Retirement,
    },
    /// The one writing connection, in a transaction.
    SqliteLocked(Transaction<'static, Sqlite>),
}

impl Store {
    /// Borrows what an attempt needs. Fails with [`StoreError::Unavailable`] when no connection is
    /// to be had in time.
    pub async fn session(&self) -> Result<Session, StoreError> {
        let connected = match &self.pools {
            Pools::Postgres { hot, .. } => {
                let lent = hot.get_owned().await;
                let lent = lent.map_err(StoreError::acquiring)?;
                Connected::Postgres { lent, locked: false }
            }
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
            Connected::Postgres { mut lent, .. } => {
                commit_postgres::lock(&mut lent, rooms).await?;
                Connected::Postgres { lent, locked: true }
            }
            Connected::Sqlite { writer, .. } => {
                let transaction = writer.begin_with("BEGIN IMMEDIATE").await;
                Connected::SqliteLocked(transaction.map_err(StoreError::of)?)
            }
            locked @ Connected::SqliteLocked(_) => locked,
        };
        Ok(Self { connected, ..self })
    }

    /// Reads everything that decisions look at, in one statement.
    pub async fn snapshot(&mut self, ask: &SnapshotQuery) -> Result<Snapshot, StoreError> {
        let rows: Vec<QueryResult> = match &mut self.connected {
            Connected::Postgres { lent, .. } => snapshot::postgres_rows(lent, ask).await?,
            Connected::Sqlite { reader, .. } => {
                let mut connection = reader.acquire().await.map_err(StoreError::of)?;
                snapshot::sqlite_rows(&mut connection, ask).await?
            }
            Connected::SqliteLocked(transaction) => snapshot::sqlite_rows(transaction, ask).await?,
        };
        Snapshot::read(&rows, &self.zones)
    }

    /// Keeps a write, all of it; or, if what it was decided on has changed, none of it.
    ///
    /// Fails with [`StoreError::Lost`] when another write came first, [`StoreError::Abandoned`] when
    /// a part's gate was closed before, and [`StoreError::Unknown`] when the connection broke while
    /// it was being kept.
    pub async fn commit(self, write: Arc<Write>) -> Result<(), StoreError> {
        match self.connected {
            Connected::Postgres { lent, locked } => {
                commit_postgres::commit(lent, locked, &write).await
            }
            Connected::Sqlite { writer, group, retirement, .. } => {
                let kept = group.commit(&writer, write).await;
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
            Connected::Postgres { mut lent, locked } => {
                if locked {
                    commit_postgres::roll_back(&mut lent).await;
                }
            }
            Connected::Sqlite { .. } => {}
            Connected::SqliteLocked(transaction) => {
                if let Err(error) = transaction.rollback().await {
                    tracing::debug!(%error, "a rollback found nothing to roll back");
                }
            }
        }
    }
}
