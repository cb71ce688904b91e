//! The write transaction: the outcomes that its callers must tell apart.

use sea_orm::{
    DatabaseTransaction, DbErr, SqliteTransactionMode, TransactionOptions, TransactionTrait,
};

use crate::connect::Retirement;
use crate::gate::CommitGate;
use crate::query::Query;
use crate::stale::again_if;
use crate::{Store, StoreError};

/// One write transaction. It tells apart what a caller must tell apart at COMMIT, and remembers an
/// error that a caller swallowed: PostgreSQL answers COMMIT of an aborted transaction with success.
pub(crate) struct Tx {
    pub(crate) inner: DatabaseTransaction,
    poisoned: bool,
    retirement: Retirement,
}

impl Tx {
    /// IMMEDIATE, because a deferred SQLite transaction that reads and then writes fails at once
    /// when another wrote in between. On PostgreSQL the connection says READ COMMITTED.
    pub(crate) async fn begin(store: &Store) -> Result<Self, StoreError> {
        store.check_file()?;
        let options = TransactionOptions {
            sqlite_transaction_mode: Some(SqliteTransactionMode::Immediate),
            ..TransactionOptions::default()
        };
        let retirement = store.retirement.clone();
        let inner = store.writer.begin_with_options(options).await;
        let inner = inner.map_err(|error| learn(&retirement, error.into()))?;
        Ok(Self { inner, poisoned: false, retirement })
    }

    /// Every statement's result passes here.
    pub(crate) fn done<T>(&mut self, result: Result<T, DbErr>) -> Result<T, StoreError> {
        self.poisoned |= result.is_err();
        result.map_err(|error| learn(&self.retirement, error.into()))
    }

    /// No row at the version we decided on means that another write came in between.
    pub(crate) fn one_row(
        &mut self,
        result: Result<sea_orm::UpdateResult, DbErr>,
    ) -> Result<(), StoreError> {
        match self.done(result)?.rows_affected {
            0 => Err(StoreError::Lost { guard: false }),
            rows => {
                debug_assert_eq!(rows, 1, "a primary key names one row");
                Ok(())
            }
        }
    }

    pub(crate) async fn commit(self, gate: &CommitGate) -> Result<(), StoreError> {
        if self.poisoned {
            self.rollback().await;
            let why = "a statement failed and its error was swallowed".to_owned();
            return Err(StoreError::Failed(DbErr::Custom(why)));
        }
        if !gate.enter() {
            self.rollback().await;
            return Err(StoreError::Abandoned);
        }
        let outcome = self.inner.commit().await;
        let outcome =
            outcome.map_err(|error| learn(&self.retirement, StoreError::at_commit(error)));
        match &outcome {
            Ok(()) | Err(StoreError::Unknown(_)) => {}
            Err(_) => gate.reopen(),
        }
        outcome
    }

    pub(crate) async fn rollback(self) {
        if let Err(error) = self.inner.rollback().await {
            // The connection is gone, and the transaction with it; or SQLite has rolled back by
            // itself, and the pool closes the connection when it comes back (`connect`).
            tracing::debug!(%error, "a rollback found nothing to roll back");
        }
    }
}

/// Retires connections if the error says so.
fn learn(retirement: &Retirement, error: StoreError) -> StoreError {
    retirement.learn(&error);
    error
}

/// Runs one statement in a transaction of its own, and says how many rows it touched. Nothing is
/// written outside of transactions: there every statement's outcome could be unknown.
pub(crate) async fn in_transaction(store: &Store, query: Query) -> Result<u64, StoreError> {
    again_if(StoreError::is_stale_plan, || execute(store, query.clone())).await
}

async fn execute(store: &Store, query: Query) -> Result<u64, StoreError> {
    let mut tx = Tx::begin(store).await?;
    match tx.done(query.execute(&tx.inner).await) {
        Ok(rows) => tx.commit(&CommitGate::default()).await.map(|()| rows),
        Err(error) => {
            tx.rollback().await;
            Err(error)
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use vacancy_testkit::database::Database;
    use vacancy_testkit::on_both_databases;

    use super::*;
    use crate::StoreOptions;

    on_both_databases! {
        /// A caller that ignores a failed statement must not commit the rest.
        async fn a_transaction_whose_error_was_swallowed_is_not_committed(db: Database) {
            let options = StoreOptions {
                url: db.url().to_owned(),
                connections: 2,
                statement_timeout: Duration::from_secs(10),
                exclusive: true,
            };
            let store = Store::connect(&options).await;
            let store = store.expect("the test's database can be opened");
            store.migrate().await.expect("an empty database can be migrated");
            db.sql("CREATE TABLE marks (mark bigint)").await;
            let mark = || Query::new(store.dialect, "INSERT INTO marks VALUES (1)");
            let nowhere = Query::new(store.dialect, "INSERT INTO nowhere VALUES (1)");
            let marks = "SELECT COUNT(*) FROM marks";

            let gate = CommitGate::default();
            let mut tx = Tx::begin(&store).await.expect("no other transaction writes");
            let written = tx.done(mark().execute(&tx.inner).await);
            assert_eq!(written.expect("there is such a table"), 1);
            let swallowed = tx.done(nowhere.execute(&tx.inner).await);
            assert!(matches!(swallowed, Err(StoreError::Failed(_))), "{swallowed:?}");
            let refused = tx.commit(&gate).await;
            assert!(matches!(refused, Err(StoreError::Failed(_))), "{refused:?}");
            assert_eq!(db.count(marks).await, 0);
            assert!(gate.enter(), "COMMIT was never sent");

            // The connection is as good as new.
            assert_eq!(in_transaction(&store, mark()).await.expect("it is written"), 1);
            assert_eq!(db.count(marks).await, 1);
        }
    }
}
