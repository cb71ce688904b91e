//! A statement under construction: text and the values of its `$n`, which both drivers understand.

use sea_orm::{
    ConnectionTrait, DbErr, FromQueryResult, IdenStatic, Iterable, QueryResult, Statement, Value,
};
use vacancy_domain::Day;

use crate::dialect::Dialect;

/// SQL with its parameters. Only [`Query::bind`] brings values in, so no value becomes SQL.
#[derive(Clone)]
pub(crate) struct Query {
    dialect: Dialect,
    sql: String,
    values: Vec<Value>,
}

impl Query {
    pub(crate) fn new(dialect: Dialect, sql: impl Into<String>) -> Self {
        Self { dialect, sql: sql.into(), values: Vec::new() }
    }

    pub(crate) fn push(&mut self, sql: &str) -> &mut Self {
        self.sql.push_str(sql);
        self
    }

    /// Appends a parameter.
    pub(crate) fn bind(&mut self, value: impl Into<Value>) -> &mut Self {
        let place = self.value(value);
        self.push(&place)
    }

    /// Takes a parameter and gives its place, to be written as often as it is needed.
    pub(crate) fn value(&mut self, value: impl Into<Value>) -> String {
        self.values.push(value.into());
        format!("${}", self.values.len())
    }

    /// Appends how many rows are wanted at most. Written out: of a bound number PostgreSQL takes it that
    /// a tenth of all rows are wanted, so the larger the table, the dearer looks the plan for any values,
    /// and it plans anew each time rather than keep that one. Each number makes a text of its own; the
    /// driver keeps those of a connection that were used last.
    pub(crate) fn limit(&mut self, rows: u64) -> &mut Self {
        self.push(&format!(" LIMIT {rows}"))
    }

    /// As [`Query::value`], a day whose type the place around it does not tell.
    pub(crate) fn day(&mut self, day: Day) -> String {
        format!("CAST({} AS {})", self.value(day), self.dialect.date_type())
    }

    fn statement(self) -> Statement {
        Statement::from_sql_and_values(self.dialect.backend(), self.sql, self.values)
    }

    pub(crate) async fn all(self, db: &impl ConnectionTrait) -> Result<Vec<QueryResult>, DbErr> {
        db.query_all_raw(self.statement()).await
    }

    pub(crate) async fn one(self, db: &impl ConnectionTrait) -> Result<Option<QueryResult>, DbErr> {
        db.query_one_raw(self.statement()).await
    }

    pub(crate) async fn models<M: FromQueryResult>(
        self,
        db: &impl ConnectionTrait,
    ) -> Result<Vec<M>, DbErr> {
        self.all(db).await?.iter().map(|row| M::from_query_result(row, "")).collect()
    }

    /// Runs a statement that returns no rows, and says how many it touched.
    pub(crate) async fn execute(self, db: &impl ConnectionTrait) -> Result<u64, DbErr> {
        Ok(db.execute_raw(self.statement()).await?.rows_affected())
    }
}

/// `alias.id AS alias_id, …` for every column of an entity: how several rows share one result.
pub(crate) fn columns<C: Iterable + IdenStatic>(alias: &str) -> String {
    let columns = C::iter().map(|column| {
        let name = column.as_str();
        format!("{alias}.{name} AS {alias}_{name}")
    });
    columns.collect::<Vec<_>>().join(", ")
}

/// `alias.id, …` for every column of an entity that has a result to itself. Never `*`: a column that
/// a newer release adds must not change what a statement prepared by this one returns.
pub(crate) fn own_columns<C: Iterable + IdenStatic>(alias: &str) -> String {
    let columns = C::iter().map(|column| format!("{alias}.{}", column.as_str()));
    columns.collect::<Vec<_>>().join(", ")
}

/// The entity under `alias` in a row of a LEFT JOIN, unless it is absent. `key` is a column of it
/// that is never null.
pub(crate) fn joined<M: FromQueryResult>(
    row: &QueryResult,
    alias: &str,
    key: impl Fn(&QueryResult, &str) -> Result<bool, DbErr>,
) -> Result<Option<M>, DbErr> {
    let prefix = format!("{alias}_");
    if key(row, &prefix)? { M::from_query_result(row, &prefix).map(Some) } else { Ok(None) }
}

/// For [`joined`]: entities whose `id` is a UUID.
pub(crate) fn has_id(row: &QueryResult, prefix: &str) -> Result<bool, DbErr> {
    Ok(row.try_get::<Option<sea_orm::prelude::Uuid>>(prefix, "id")?.is_some())
}
