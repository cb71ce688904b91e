//! Opening a database, with every setting that correctness rests on said and read back.

use std::fs::{File, TryLockError};
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use sea_orm::sqlx::postgres::{PgConnectOptions, PgConnection, PgPool, PgPoolOptions};
use sea_orm::sqlx::sqlite::{
    SqliteConnectOptions, SqliteJournalMode, SqlitePool, SqlitePoolOptions, SqliteSynchronous,
};
use sea_orm::sqlx::{
    ConnectOptions, Connection, Error as SqlxError, Row, SqlSafeStr, query, raw_sql,
};

use crate::dialect::Dialect;
use crate::{Seam, Store};

/// How long a connection may take to be made at start.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// How long a statement waits for another's lock before that counts as a lost race. Whoever waits
/// behind a writer of the room has lost in all likelihood, and a room that somebody has locked for
/// long must not take the connections of all the others.
const LOCK_TIMEOUT: Duration = Duration::from_secs(1);
/// How long SQLite waits for another process that writes, such as a backup.
const SQLITE_BUSY_TIMEOUT: Duration = Duration::from_secs(2);
/// How long PostgreSQL lets a transaction of ours sit idle: a second line behind our own care.
const IDLE_IN_TRANSACTION_TIMEOUT: Duration = Duration::from_secs(10);
/// How long a connection may take to answer that it is clean; after that it is closed.
const CHECK_TIMEOUT: Duration = Duration::from_secs(1);
/// A connection that was in use less long ago than this is lent without asking whether it lives.
const IDLE_TRUSTED: Duration = Duration::from_secs(1);
/// To what size SQLite's log is cut back after a long reader has let it grow.
const SQLITE_WAL_BYTES: u64 = 64 << 20;
/// More readers than this do not read a SQLite file faster.
const SQLITE_READERS_MAX: u32 = 8;
/// The first SQLite without the WAL-reset corruption.
const SQLITE_VERSION_MIN: &str = "3.51.3";

/// Where the database is and how much of it to use.
#[derive(Clone, Debug)]
pub struct StoreOptions {
    /// `sqlite://FILE?mode=rwc` or `postgres://…`.
    pub url: String,
    /// The most connections this process opens.
    pub connections: u32,
    /// How long a statement may run, and how long a request may wait for a connection.
    pub statement_timeout: Duration,
    /// Whether this process writes: the writer of a SQLite file is the only one.
    pub exclusive: bool,
}

/// Why a database could not be opened; one line for the operator, without the password.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    /// The URL does not read.
    #[error("the database URL cannot be read: {0}")]
    Url(String),
    /// Nobody answers, or the file cannot be opened.
    #[error("cannot open the database {place}: {why}")]
    Unreachable {
        /// Host and port, or the file.
        place: String,
        /// What the driver said.
        why: String,
    },
    /// Another process has the SQLite file.
    #[error(
        "{} is in use by another vacancy process; for several processes on one database use PostgreSQL (--database-url postgres://…)",
        .0.display()
    )]
    InUse(PathBuf),
    /// A setting did not take.
    #[error("the database does not offer what correctness needs: {0}")]
    Unfit(String),
}

/// The driver's pools, for what the ORM does not show: how full they are, and closing them.
#[derive(Clone, Debug)]
pub(crate) enum Pools {
    Sqlite { reader: SqlitePool, writer: SqlitePool },
    Postgres(PgPool),
}

/// How many connections there are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PoolUse {
    /// Open and waiting for work.
    pub idle: u64,
    /// Lent to somebody.
    pub in_use: u64,
}

impl Store {
    /// Opens the database. Fails at once, in one line, when it is not there or not fit.
    pub async fn connect(options: &StoreOptions) -> Result<Self, ConnectError> {
        if options.url.starts_with("sqlite:") {
            connect_sqlite(options).await
        } else {
            connect_postgres(options).await
        }
    }

    /// How full the pools are.
    #[must_use]
    pub fn pool_use(&self) -> PoolUse {
        let count = |size: u32, idle: usize| {
            let idle = (idle as u64).min(u64::from(size));
            PoolUse { idle, in_use: u64::from(size) - idle }
        };
        match &self.pools {
            Pools::Postgres(pool) => count(pool.size(), pool.num_idle()),
            Pools::Sqlite { reader, writer } => {
                let reader = count(reader.size(), reader.num_idle());
                let writer = count(writer.size(), writer.num_idle());
                PoolUse { idle: reader.idle + writer.idle, in_use: reader.in_use + writer.in_use }
            }
        }
    }

    /// Waits for every lent connection and closes all. Later calls fail as unavailable.
    pub async fn close(&self) {
        match &self.pools {
            Pools::Postgres(pool) => pool.close().await,
            Pools::Sqlite { reader, writer } => {
                reader.close().await;
                writer.close().await;
            }
        }
    }
}

async fn connect_postgres(options: &StoreOptions) -> Result<Store, ConnectError> {
    let connect = PgConnectOptions::from_str(&options.url)
        .map_err(|why| ConnectError::Url(why.to_string()))?
        .application_name("vacancy")
        // Isolation is said here, for every transaction, which saves a round trip in each.
        .options([
            ("default_transaction_isolation", "read committed".to_owned()),
            ("statement_timeout", millis(options.statement_timeout)),
            ("lock_timeout", millis(LOCK_TIMEOUT.min(options.statement_timeout))),
            ("idle_in_transaction_session_timeout", millis(IDLE_IN_TRANSACTION_TIMEOUT)),
            // Every list is read in the order of an index up to a limit. A bitmap has no order: it
            // reads all rows and sorts them, and is chosen where the rows are thought to be few.
            ("enable_bitmapscan", "off".to_owned()),
        ])
        .disable_statement_logging();
    let place = format!("{}:{}", connect.get_host(), connect.get_port());
    let unreachable = |why: String| ConnectError::Unreachable { place: place.clone(), why };
    // The pool would try again and again; at start one clear refusal is worth more.
    let first = tokio::time::timeout(CONNECT_TIMEOUT, PgConnection::connect_with(&connect)).await;
    let first = first
        .map_err(|_| unreachable(format!("no answer within {CONNECT_TIMEOUT:?}")))?
        .map_err(|why| unreachable(said(&why)))?;
    first.close().await.map_err(|why| unreachable(why.to_string()))?;
    let pool = PgPoolOptions::new()
        .max_connections(options.connections)
        .acquire_timeout(acquire_timeout(options))
        .test_before_acquire(false)
        // Behind the borrower's back, so that nobody waits for it.
        .after_release(|connection, _| Box::pin(is_clean(connection)))
        .before_acquire(|connection, last_use| {
            Box::pin(async move {
                // The server may have gone away meanwhile, and come back as another one.
                Ok(last_use.idle_for < IDLE_TRUSTED || is_clean(connection).await?)
            })
        })
        .connect_lazy_with(connect);
    let db = sea_orm::DatabaseConnection::from(pool.clone());
    Ok(Store {
        pools: Pools::Postgres(pool),
        reader: db.clone(),
        writer: db,
        dialect: Dialect::Postgres,
        seam: Seam::default(),
        _lock: None,
    })
}

/// Whether a connection is outside of any transaction. One that somebody left inside a transaction
/// would swallow the next borrower's writes: there `now()` is the transaction's start. One that does
/// not answer, because its network is gone, is closed by the error.
async fn is_clean(connection: &mut PgConnection) -> Result<bool, SqlxError> {
    let asking = async {
        let sql = "SELECT now() = statement_timestamp()".into_sql_str();
        raw_sql(sql).fetch_one(connection).await?.try_get(0)
    };
    tokio::time::timeout(CHECK_TIMEOUT, asking).await.unwrap_or(Err(SqlxError::PoolTimedOut))
}

async fn connect_sqlite(options: &StoreOptions) -> Result<Store, ConnectError> {
    let connect = SqliteConnectOptions::from_str(&options.url)
        .map_err(|why| ConnectError::Url(why.to_string()))?;
    let file = connect.get_filename().to_path_buf();
    if options.url.contains(":memory:") || options.url.contains("mode=memory") {
        // The driver shares such a database between connections and drops it with the last one.
        let why = "SQLite in memory would lose bookings; give it a file".to_owned();
        return Err(ConnectError::Url(why));
    }
    let unreachable =
        |why: String| ConnectError::Unreachable { place: file.display().to_string(), why };
    if options.exclusive && options.url.contains("mode=rwc") {
        // Before the lock, whose name is that of the file that is really there. An empty file is an
        // empty database.
        let made = File::options().create(true).append(true).open(&file);
        made.map_err(|why| unreachable(why.to_string()))?;
    }
    let lock = if options.exclusive { Some(Arc::new(lock_beside(&file)?)) } else { None };
    if !options.exclusive && !file.exists() {
        // Whoever only looks must not leave an empty database behind.
        return Err(unreachable("there is no such file".to_owned()));
    }
    let connect = connect
        .journal_mode(SqliteJournalMode::Wal)
        // NORMAL would lose acknowledged bookings when the power fails.
        .synchronous(SqliteSynchronous::Full)
        .busy_timeout(SQLITE_BUSY_TIMEOUT)
        .foreign_keys(true)
        .pragma("journal_size_limit", SQLITE_WAL_BYTES.to_string())
        .disable_statement_logging();
    let pool = || {
        SqlitePoolOptions::new()
            .acquire_timeout(acquire_timeout(options))
            .test_before_acquire(false)
            .idle_timeout(None)
            .max_lifetime(None)
    };
    let writer = pool()
        .max_connections(1)
        .after_release(|connection, _| {
            Box::pin(async move {
                // SQLite ends a transaction by itself when the disk fails it, and then the driver's
                // count of open transactions is wrong for ever: its next COMMIT would keep nothing.
                connection.ping().await?;
                Ok(!connection.is_in_transaction())
            })
        })
        .connect_with(connect.clone())
        .await;
    let writer = writer.map_err(|why| unreachable(why.to_string()))?;
    check_sqlite(&writer).await?;
    let reader = pool()
        .max_connections(options.connections.min(SQLITE_READERS_MAX))
        .connect_with(connect.pragma("query_only", "ON"))
        .await
        .map_err(|why| unreachable(why.to_string()))?;
    Ok(Store {
        reader: reader.clone().into(),
        writer: writer.clone().into(),
        pools: Pools::Sqlite { reader, writer },
        dialect: Dialect::Sqlite,
        seam: Seam::default(),
        _lock: lock,
    })
}

/// Reads the settings back: a setting that silently did not take is a lost booking later.
async fn check_sqlite(pool: &SqlitePool) -> Result<(), ConnectError> {
    let unfit = |why: String| ConnectError::Unfit(why);
    let row = query(
        "SELECT (SELECT journal_mode FROM pragma_journal_mode) = 'wal', \
                (SELECT synchronous FROM pragma_synchronous) = 2, \
                (SELECT foreign_keys FROM pragma_foreign_keys) = 1, \
                sqlite_version()",
    )
    .fetch_one(pool)
    .await
    .map_err(|why| unfit(why.to_string()))?;
    for (index, setting) in
        ["journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON"].iter().enumerate()
    {
        let took: bool = row.try_get(index).map_err(|why| unfit(why.to_string()))?;
        if !took {
            return Err(unfit(format!("SQLite did not accept {setting}")));
        }
    }
    let version: String = row.try_get(3).map_err(|why| unfit(why.to_string()))?;
    if numbers(&version) < numbers(SQLITE_VERSION_MIN) {
        return Err(unfit(format!("SQLite {version} is older than {SQLITE_VERSION_MIN}")));
    }
    Ok(())
}

fn numbers(version: &str) -> Vec<u32> {
    version.split('.').map(|part| part.parse().unwrap_or(0)).collect()
}

/// An advisory lock on `FILE.lock`, which the operating system drops with the process.
fn lock_beside(file: &Path) -> Result<File, ConnectError> {
    // Two names of one file must meet at one lock.
    let real = file.canonicalize().unwrap_or_else(|_| file.to_path_buf());
    let mut name = real.clone().into_os_string();
    name.push(".lock");
    let path = PathBuf::from(name);
    let unreachable = |why: std::io::Error| ConnectError::Unreachable {
        place: path.display().to_string(),
        why: why.to_string(),
    };
    let lock = File::options().create(true).truncate(false).write(true).open(&path);
    let lock = lock.map_err(unreachable)?;
    match lock.try_lock() {
        Ok(()) => Ok(lock),
        Err(TryLockError::WouldBlock) => Err(ConnectError::InUse(real)),
        Err(TryLockError::Error(why)) => Err(unreachable(why)),
    }
}

/// The server's own words, without where in its source it says them.
fn said(error: &SqlxError) -> String {
    error.as_database_error().map_or_else(|| error.to_string(), |cause| cause.message().to_owned())
}

/// Somebody who waits for a connection must still have time to be answered.
fn acquire_timeout(options: &StoreOptions) -> Duration {
    options.statement_timeout.mul_f64(0.6)
}

fn millis(duration: Duration) -> String {
    duration.as_millis().to_string()
}
