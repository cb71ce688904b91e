//! Bringing the tables up to date, from several replicas at once without harm.

use std::collections::BTreeSet;

use sea_orm::{ConnectionTrait, TransactionTrait};
use vacancy_migrations::{Migrator, MigratorTrait};

use crate::dialect::Dialect;
use crate::query::Query;
use crate::{Store, StoreError};

/// One key for all replicas: whoever holds it migrates, the others wait and find nothing to do.
const LOCK_KEY: i64 = 7_263_450_001;

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

    /// Applies the steps that are missing. Any number of processes may call it at once.
    pub async fn migrate(&self) -> Result<(), StoreError> {
        match self.dialect {
            // The lock beside the file keeps other processes out; each step is a transaction.
            Dialect::Sqlite => Migrator::up(&self.writer, None).await?,
            Dialect::Postgres => {
                let tx = self.writer.begin().await?;
                // Another replica may be at it for a while, and an index may take its time.
                tx.execute_unprepared("SET LOCAL statement_timeout = '10min'").await?;
                tx.execute_unprepared("SET LOCAL lock_timeout = 0").await?;
                let mut lock = Query::new(self.dialect, "SELECT pg_advisory_xact_lock(");
                lock.bind(LOCK_KEY).push(")");
                lock.execute(&tx).await?;
                Migrator::up(&tx, None).await?;
                tx.commit().await?;
            }
        }
        Ok(())
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
