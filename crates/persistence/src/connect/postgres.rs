//! Opening PostgreSQL: what each session is told, and the pool.

use std::str::FromStr;
use std::time::Duration;

use sea_orm::sqlx::postgres::{PgConnectOptions, PgConnection, PgPool, PgPoolOptions};
use sea_orm::sqlx::{ConnectOptions, Error as SqlxError, Row, SqlSafeStr, raw_sql};
use vacancy_domain::Zones;

use super::options::{ConnectError, StoreOptions, acquire_timeout};
use super::pools::Pools;
use super::postgres_check::check_server;
use super::reader::Reader;
use super::retire::Retirement;
use crate::batches::Batches;
use crate::dialect::Dialect;
use crate::hot;
use crate::write::FENCE;
use crate::{Failpoint, Store};

/// How long a statement waits for another's lock before that counts as a lost race. A caller that
/// waits behind a writer of the room has lost in all likelihood, and a room that another session has
/// locked for long must not take the connections of all the others.
const LOCK_TIMEOUT: Duration = Duration::from_secs(1);
/// How long PostgreSQL lets a transaction of ours sit idle: a second line behind our own care.
const IDLE_IN_TRANSACTION_TIMEOUT: Duration = Duration::from_secs(10);
/// How many statements for requests of several rooms are under way at a time, for reading and for
/// writing each. Two keep the server busy while the next batch gathers; more make the batches smaller,
/// and each request dearer.
const SLOTS: usize = 2;
/// How much longer than a statement may take its answer is waited for; the connection is then closed.
const OVERTIME: Duration = Duration::from_secs(1);
/// How long a connection may take to answer that it is clean; after that it is closed.
const CHECK_TIMEOUT: Duration = Duration::from_secs(1);
/// A connection that was in use less long ago than this is lent without asking whether it lives.
const IDLE_TRUSTED: Duration = Duration::from_secs(1);

/// What every connection to the database of `options` is made with, whatever pool it is for. Fails
/// when the URL does not read.
pub(crate) fn connect_options(options: &StoreOptions) -> Result<PgConnectOptions, ConnectError> {
    let connect = PgConnectOptions::from_str(&options.url)
        .map_err(|why| ConnectError::Url(why.to_string()))?;
    Ok(connect
        .application_name("vacancy")
        // Isolation is said here, for every transaction, which saves a round trip in each.
        .options([
            ("default_transaction_isolation", "read committed".to_owned()),
            ("statement_timeout", millis(options.statement_timeout)),
            ("lock_timeout", millis(LOCK_TIMEOUT.min(options.statement_timeout / 2))),
            ("idle_in_transaction_session_timeout", millis(IDLE_IN_TRANSACTION_TIMEOUT)),
        ])
        .disable_statement_logging())
}

pub(super) async fn connect(options: &StoreOptions) -> Result<Store, ConnectError> {
    let connect = connect_options(options)?;
    check_server(&connect, options.exclusive).await?;
    let retirement = Retirement::default();
    // What may take long must not take the connections that writers need.
    let wide = (options.connections / 4).max(1);
    let hot = options.connections.saturating_sub(wide).max(1);
    let hot = hot::pool(connect.clone(), hot, acquire_timeout(options), &retirement);
    let hot = Batches::new(hot, SLOTS, options.statement_timeout + OVERTIME);
    // Every list is read in the order of an index up to a limit. A bitmap has no order: it reads all
    // rows and sorts them, and is chosen where the rows are thought to be few.
    let ordered = connect.options([("enable_bitmapscan", "off")]);
    let wide = pool(options, wide, ordered, &retirement);
    let db = sea_orm::DatabaseConnection::from(wide.clone());
    Ok(Store {
        pools: Pools::Postgres { hot, wide },
        reader: Reader::new(db.clone(), retirement.clone()),
        writer: db,
        dialect: Dialect::Postgres,
        failpoint: Failpoint::default(),
        fence: FENCE,
        zones: Zones::default(),
        retirement,
        file: None,
        _lock: None,
    })
}

fn pool(
    options: &StoreOptions,
    connections: u32,
    connect: PgConnectOptions,
    retirement: &Retirement,
) -> PgPool {
    let (released, lent) = (retirement.clone(), retirement.clone());
    PgPoolOptions::new()
        .max_connections(connections)
        .acquire_timeout(acquire_timeout(options))
        .test_before_acquire(false)
        // Behind the borrower's back, so that no caller waits for it.
        .after_release(move |connection, of| {
            let retired = released.covers(of.age);
            Box::pin(async move { Ok(!retired && is_clean(connection).await?) })
        })
        .before_acquire(move |connection, of| {
            let retired = lent.covers(of.age);
            Box::pin(async move {
                // The server may have gone away meanwhile, and come back as another one.
                Ok(!retired && (of.idle_for < IDLE_TRUSTED || is_clean(connection).await?))
            })
        })
        .connect_lazy_with(connect)
}

/// Whether a connection is outside of any transaction. One that was left inside a transaction would
/// swallow the next borrower's writes: there `now()` is the transaction's start. One that does not
/// answer, because its network is gone, is closed by the error.
async fn is_clean(connection: &mut PgConnection) -> Result<bool, SqlxError> {
    let asking = async {
        let sql = "SELECT now() = statement_timestamp()".into_sql_str();
        raw_sql(sql).fetch_one(connection).await?.try_get(0)
    };
    tokio::time::timeout(CHECK_TIMEOUT, asking).await.unwrap_or(Err(SqlxError::PoolTimedOut))
}

fn millis(duration: Duration) -> String {
    duration.as_millis().to_string()
}
