//! Opening a SQLite file: its readers and its one writer.

use std::fs::File;
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use sea_orm::sqlx::sqlite::{
    SqliteConnectOptions, SqliteJournalMode, SqlitePool, SqlitePoolOptions, SqliteSynchronous,
};
use sea_orm::sqlx::{ConnectOptions, Connection, Row, query};

use super::file_lock::lock_beside;
use super::options::{ConnectError, StoreOptions, acquire_timeout};
use super::pools::Pools;
use crate::dialect::Dialect;
use crate::{Seam, Store};

/// How long SQLite waits for another process that writes, such as a backup.
const SQLITE_BUSY_TIMEOUT: Duration = Duration::from_secs(2);
/// To what size SQLite's log is cut back after a long reader has let it grow.
const SQLITE_WAL_BYTES: u64 = 64 << 20;
/// More readers than this do not read a SQLite file faster.
const SQLITE_READERS_MAX: u32 = 8;
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
        pools: Pools::Sqlite { reader, writer, group: Arc::default() },
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
