//! Whether writes can be expected to succeed now.

use sea_orm::{SqliteTransactionMode, TransactionOptions, TransactionTrait};

use crate::dialect::Dialect;
use crate::query::Query;
use crate::schema::SchemaState;
use crate::{Store, StoreError};

/// Whether requests should come here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Readiness {
    /// Reads and writes can be expected to succeed.
    Ready,
    /// So many migrations are missing.
    MigrationsMissing(usize),
    /// The database answers and takes no writes; why.
    CannotWrite(&'static str),
}

impl Store {
    /// Asks the database whether it can be written by this process: it is the file that was opened,
    /// it is no standby and not read-only, the writer answers, and the tables are new enough. Waits
    /// for connections as any request does; fails when the database does not answer.
    pub async fn readiness(&self) -> Result<Readiness, StoreError> {
        self.check_file()?;
        let cannot_write = match self.dialect {
            Dialect::Sqlite => {
                self.try_writer().await?;
                None
            }
            Dialect::Postgres => self.read_only().await?,
        };
        if let Some(why) = cannot_write {
            return Ok(Readiness::CannotWrite(why));
        }
        Ok(match self.schema_state().await? {
            // A newer release migrates first; this one can live with what it added.
            SchemaState::Current | SchemaState::Newer(_) => Readiness::Ready,
            SchemaState::Behind(steps) => Readiness::MigrationsMissing(steps),
        })
    }

    /// Compares the SQLite file that is open with the one that its name leads to now, and its log
    /// likewise. Fails as unavailable, from then on always, when they differ: what would be written
    /// would be lost. On PostgreSQL there is nothing to compare.
    pub fn check_file(&self) -> Result<(), StoreError> {
        self.file.as_ref().map_or(Ok(()), |file| file.check())
    }

    /// Whether [`Self::check_file`] has failed for good. Costs nothing.
    #[must_use]
    pub fn is_detached(&self) -> bool {
        self.file.as_ref().is_some_and(|file| file.is_detached())
    }

    /// The one writer takes the file's lock, and gives it back.
    async fn try_writer(&self) -> Result<(), StoreError> {
        let options = TransactionOptions {
            sqlite_transaction_mode: Some(SqliteTransactionMode::Immediate),
            ..TransactionOptions::default()
        };
        let trying = async { self.writer.begin_with_options(options).await?.rollback().await };
        trying.await.map_err(|error| {
            let error = StoreError::from(error);
            self.retirement.learn(&error);
            if let StoreError::Lost { .. } = error {
                StoreError::unavailable("another process writes to the file")
            } else {
                error
            }
        })
    }

    async fn read_only(&self) -> Result<Option<&'static str>, StoreError> {
        let ask = "SELECT pg_is_in_recovery() AS standby, \
                   current_setting('transaction_read_only') = 'on' AS read_only";
        let row = Query::new(self.dialect, ask).one(&self.reader).await?;
        let row =
            row.ok_or_else(|| StoreError::unavailable("the server told nothing of its settings"))?;
        Ok(if row.try_get("", "standby")? {
            Some("the database is a standby")
        } else if row.try_get("", "read_only")? {
            Some("the database is read-only")
        } else {
            None
        })
    }
}
