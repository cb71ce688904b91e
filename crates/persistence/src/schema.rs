//! Bringing the tables up to date, from several replicas at once without harm.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use sea_orm::{ConnectionTrait, DatabaseTransaction, DbErr, TransactionTrait};
use vacancy_migrations::{Migrator, MigratorTrait};

use crate::dialect::Dialect;
use crate::query::Query;
use crate::{Store, StoreError};

/// One key for all replicas: the holder migrates, the others wait and find nothing to do.
const LOCK_KEY: i64 = 7_263_450_001;

/// How long migrations may take, the waits for their locks included.
const MIGRATION_TIMEOUT: Duration = Duration::from_mins(10);
/// How long a step waits for one lock before it lets go of all and tries again. Every statement on a
/// table queues behind a step that waits for it, so this must be well below the second that writes
/// wait for a lock.
const MIGRATION_LOCK_TIMEOUT: Duration = Duration::from_millis(400);
/// How long migrations leave the tables alone between tries, so that what has queued comes through.
const MIGRATION_PAUSE: Duration = Duration::from_millis(1_500);

/// How the tables relate to what this binary knows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SchemaState {
    /// Every known step is applied.
    Current,
    /// So many known steps are not.
    Behind(usize),
    /// A step is applied that this binary does not know: a newer one has been here.
    Newer(String),
}

impl Store {
    /// Compares the steps applied with the steps known.
    pub async fn schema_state(&self) -> Result<SchemaState, StoreError> {
        let applied = self.applied_steps().await?;
        let known: BTreeSet<_> =
            Migrator::migrations().iter().map(|step| step.name().to_owned()).collect();
        if let Some(unknown) = applied.difference(&known).next() {
            return Ok(SchemaState::Newer(unknown.clone()));
        }
        Ok(match known.difference(&applied).count() {
            0 => SchemaState::Current,
            missing => SchemaState::Behind(missing),
        })
    }

    /// Applies the steps that are missing. Any number of processes may call it at once, beside any
    /// number that serve.
    pub async fn migrate(&self) -> Result<(), StoreError> {
        match self.dialect {
            // The file's lock keeps other processes out; each step is a transaction.
            Dialect::Sqlite => Ok(Migrator::up(&self.writer, None).await?),
            Dialect::Postgres => {
                let migrating = || self.migrate_postgres(async |tx| Migrator::up(tx, None).await);
                patiently(MIGRATION_TIMEOUT, migrating).await
            }
        }
    }

    /// Runs `steps` in one transaction that no other migrating process is in. Fails as a lost race
    /// when a lock could not be had soon.
    async fn migrate_postgres(
        &self,
        steps: impl AsyncFnOnce(&DatabaseTransaction) -> Result<(), DbErr>,
    ) -> Result<(), StoreError> {
        let tx = self.writer.begin().await?;
        // An index may take its time.
        tx.execute_unprepared(&format!(
            "SET LOCAL statement_timeout = '{}ms'; SET LOCAL lock_timeout = '{}ms'",
            MIGRATION_TIMEOUT.as_millis(),
            MIGRATION_LOCK_TIMEOUT.as_millis(),
        ))
        .await?;
        let mut lock = Query::new(self.dialect, "SELECT pg_advisory_xact_lock(");
        lock.bind(LOCK_KEY).push(")");
        lock.execute(&tx).await?;
        steps(&tx).await?;
        Ok(tx.commit().await?)
    }

    async fn applied_steps(&self) -> Result<BTreeSet<String>, StoreError> {
        let exists = match self.dialect {
            Dialect::Sqlite => "SELECT 1 FROM sqlite_master WHERE name = 'seaql_migrations'",
            Dialect::Postgres => {
                "SELECT 1 FROM pg_class WHERE oid = to_regclass('seaql_migrations')"
            }
        };
        if Query::new(self.dialect, exists).one(&self.reader).await?.is_none() {
            return Ok(BTreeSet::new());
        }
        let rows = Query::new(self.dialect, "SELECT version FROM seaql_migrations");
        let rows = rows.all(&self.reader).await?;
        Ok(rows.iter().map(|row| row.try_get("", "version")).collect::<Result<_, _>>()?)
    }
}

/// Tries again for `patience` whenever a lock could not be had.
async fn patiently<F: Future<Output = Result<(), StoreError>>>(
    patience: Duration,
    mut migrating: impl FnMut() -> F,
) -> Result<(), StoreError> {
    let started = Instant::now();
    let mut waiting = false;
    loop {
        match migrating().await {
            Err(StoreError::Lost { .. }) if started.elapsed() < patience => {
                if !waiting {
                    tracing::info!("migrations wait for a lock that another session holds");
                    waiting = true;
                }
                tokio::time::sleep(MIGRATION_PAUSE).await;
            }
            ended => return ended,
        }
    }
}

#[cfg(test)]
mod tests;
