//! Reads outside of transactions: one that met a stale plan is read again.

use std::ops::{Deref, DerefMut};

use async_trait::async_trait;
use sea_orm::{
    ConnectionTrait, DatabaseConnection, DbBackend, DbErr, ExecResult, QueryResult, Statement,
};

use super::retire::Retirement;
use crate::StoreError;
use crate::stale::again_if;

/// The pool for reads. A statement whose plan is stale costs a repetition on a new connection;
/// nothing was written, so it cannot be noticed otherwise.
#[derive(Clone, Debug)]
pub(crate) struct Reader {
    db: DatabaseConnection,
    retirement: Retirement,
}

impl Reader {
    pub(crate) fn new(db: DatabaseConnection, retirement: Retirement) -> Self {
        Self { db, retirement }
    }

    /// Learns from an error, and says whether to read again.
    fn is_stale(&self, error: &DbErr) -> bool {
        let error = StoreError::from(error.clone());
        self.retirement.learn(&error);
        error.is_stale_plan()
    }
}

#[async_trait]
impl ConnectionTrait for Reader {
    fn get_database_backend(&self) -> DbBackend {
        self.db.get_database_backend()
    }

    async fn execute_raw(&self, statement: Statement) -> Result<ExecResult, DbErr> {
        self.db.execute_raw(statement).await
    }

    async fn execute_unprepared(&self, sql: &str) -> Result<ExecResult, DbErr> {
        self.db.execute_unprepared(sql).await
    }

    async fn query_one_raw(&self, statement: Statement) -> Result<Option<QueryResult>, DbErr> {
        let reading = || self.db.query_one_raw(statement.clone());
        again_if(|error| self.is_stale(error), reading).await
    }

    async fn query_all_raw(&self, statement: Statement) -> Result<Vec<QueryResult>, DbErr> {
        let reading = || self.db.query_all_raw(statement.clone());
        again_if(|error| self.is_stale(error), reading).await
    }
}

impl Deref for Reader {
    type Target = DatabaseConnection;

    fn deref(&self) -> &DatabaseConnection {
        &self.db
    }
}

impl DerefMut for Reader {
    fn deref_mut(&mut self) -> &mut DatabaseConnection {
        &mut self.db
    }
}

#[cfg(test)]
mod tests;
