//! Opening a SQLite file: its readers and its one writer.

use std::str::FromStr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use sea_orm::sqlx::sqlite::{
    SqliteConnectOptions, SqliteConnection, SqliteJournalMode, SqlitePool, SqlitePoolOptions,
    SqliteSynchronous,
};
use sea_orm::sqlx::{
    AssertSqlSafe, ConnectOptions, Connection, Error as SqlxError, Row, query, query_scalar,
};
use vacancy_domain::Zones;

use super::file_lock::FileLock;
use super::file_watch::FileWatch;
use super::options::{ConnectError, StoreOptions, acquire_timeout};
use super::pools::Pools;
use super::reader::Reader;
use super::retire::Retirement;
use crate::dialect::Dialect;
use crate::group::group;
use crate::write::FENCE;
use crate::{Failpoint, Store};

/// How long SQLite waits for another process that writes, such as a backup.
const SQLITE_BUSY_TIMEOUT: Duration = Duration::from_secs(2);
/// To what size SQLite's log is cut back after a long reader has let it grow.
const SQLITE_WAL_BYTES: u64 = 64 << 20;
/// More readers than this do not read a SQLite file faster.
const SQLITE_READERS_MAX: u32 = 8;
/// How many steps of SQLite's machine lie between two looks at the clock: some microseconds.
const STEPS_BETWEEN_CHECKS: i32 = 10_000;
/// The first SQLite without the WAL-reset corruption.
const SQLITE_VERSION_MIN: &str = "3.51.3";

pub(super) async fn connect(options: &StoreOptions) -> Result<Store, ConnectError> {
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
    let lock = if options.exclusive && (options.url.contains("mode=rwc") || file.exists()) {
        Some(FileLock::take(&file, options.url.contains("mode=rwc"))?)
    } else {
        None
    };
    if !options.exclusive && !file.exists() {
        // A process that only looks must not leave an empty database behind.
        return Err(unreachable("there is no such file".to_owned()));
    }
    let connect = configured(connect);
    let retirement = Retirement::default();
    let writer = writer(options, connect.clone(), &retirement).await;
    let writer = writer.map_err(|why| unreachable(why.to_string()))?;
    check_settings(&writer).await?;
    if options.exclusive {
        try_to_write(&writer)
            .await
            .map_err(|why| unreachable(format!("it cannot be written: {why}")))?;
    }
    let connect = connect.pragma("query_only", "ON");
    let anchor = anchor(options, connect.clone()).await;
    let anchor = anchor.map_err(|why| unreachable(why.to_string()))?;
    let reader = reader(options, connect, &retirement).await;
    let reader = reader.map_err(|why| unreachable(why.to_string()))?;
    let watch = match &lock {
        Some(lock) => {
            let opened = lock.file.metadata().map_err(|why| unreachable(why.to_string()))?;
            Some(Arc::new(FileWatch::over(&file, opened)?))
        }
        None => None,
    };
    Ok(Store {
        reader: Reader::new(reader.clone().into(), retirement.clone()),
        writer: writer.clone().into(),
        pools: Pools::Sqlite { group: group(&writer), reader, writer, anchor },
        dialect: Dialect::Sqlite,
        failpoint: Failpoint::default(),
        fence: FENCE,
        zones: Zones::default(),
        retirement,
        file: watch,
        _lock: lock.map(Arc::new),
    })
}

fn configured(connect: SqliteConnectOptions) -> SqliteConnectOptions {
    connect
        .journal_mode(SqliteJournalMode::Wal)
        // NORMAL would lose acknowledged bookings when the power fails.
        .synchronous(SqliteSynchronous::Full)
        .busy_timeout(SQLITE_BUSY_TIMEOUT)
        .foreign_keys(true)
        .pragma("journal_size_limit", SQLITE_WAL_BYTES.to_string())
        // A guest that was erased, and an answer that was removed, are overwritten in the file too.
        .pragma("secure_delete", "ON")
        .disable_statement_logging()
}

fn pool(options: &StoreOptions) -> SqlitePoolOptions {
    SqlitePoolOptions::new()
        .acquire_timeout(acquire_timeout(options))
        .test_before_acquire(false)
        .idle_timeout(None)
        .max_lifetime(None)
}

async fn writer(
    options: &StoreOptions,
    connect: SqliteConnectOptions,
    retirement: &Retirement,
) -> Result<SqlitePool, SqlxError> {
    let retirement = retirement.clone();
    let pool = pool(options).max_connections(1).after_release(move |connection, of| {
        let retired = retirement.covers(of.age);
        Box::pin(async move {
            // SQLite ends a transaction by itself when the disk fails it, and then the driver's
            // count of open transactions is wrong for ever: its next COMMIT would keep nothing.
            connection.ping().await?;
            Ok(!retired && !connection.is_in_transaction())
        })
    });
    pool.connect_with(connect).await
}

async fn reader(
    options: &StoreOptions,
    connect: SqliteConnectOptions,
    retirement: &Retirement,
) -> Result<SqlitePool, SqlxError> {
    let patience = options.statement_timeout;
    let retirement = retirement.clone();
    pool(options)
        .max_connections(options.connections.min(SQLITE_READERS_MAX))
        .after_connect(move |connection, _| {
            Box::pin(async move { stop_after(connection, patience).await })
        })
        .before_acquire(move |connection, of| {
            let retired = retirement.covers(of.age);
            Box::pin(async move {
                stop_after(connection, patience).await?;
                Ok(!retired)
            })
        })
        .connect_with(connect)
        .await
}

/// Holds the file and its log open, whatever becomes of the other connections.
async fn anchor(
    options: &StoreOptions,
    connect: SqliteConnectOptions,
) -> Result<SqlitePool, SqlxError> {
    let anchor = pool(options).max_connections(1).connect_with(connect).await?;
    // The log is opened by the first read.
    query("SELECT COUNT(*) FROM sqlite_master").execute(&anchor).await?;
    Ok(anchor)
}

/// Has SQLite stop whatever `connection` does `patience` from now. SQLite has no time limit of its
/// own, and a request that has given up does not end the statement it has begun.
async fn stop_after(
    connection: &mut SqliteConnection,
    patience: Duration,
) -> Result<(), SqlxError> {
    let started = Instant::now();
    let mut handle = connection.lock_handle().await?;
    handle.set_progress_handler(STEPS_BETWEEN_CHECKS, move || started.elapsed() < patience);
    Ok(())
}

/// Writes what is there already: a file, a directory or a file system that is read-only is found out
/// now and not by the first booking.
async fn try_to_write(writer: &SqlitePool) -> Result<(), SqlxError> {
    let mut tx = writer.begin_with("BEGIN IMMEDIATE").await?;
    let version: i64 = query_scalar("PRAGMA user_version").fetch_one(&mut *tx).await?;
    query(AssertSqlSafe(format!("PRAGMA user_version = {version}"))).execute(&mut *tx).await?;
    tx.commit().await
}

/// Reads the settings back: a setting that silently did not take is a lost booking later.
async fn check_settings(pool: &SqlitePool) -> Result<(), ConnectError> {
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

#[cfg(test)]
mod tests;
