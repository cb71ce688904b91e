//! The connections of the hot path on PostgreSQL: single resources and every write to a room.
//!
//! The driver's own pool asks each connection for a sign of life whenever it comes back, which is a
//! round trip for every request. Here a connection that was left in the middle of anything says so
//! itself, and is closed; all others are as good as they were.

use std::time::{Duration, Instant};

use bb8::{ManageConnection, Pool};
use sea_orm::sqlx::postgres::{PgConnectOptions, PgConnection};
use sea_orm::sqlx::{ConnectOptions, Connection, Error as SqlxError, raw_sql};

use crate::StoreError;
use crate::connect::Retirement;

/// A connection that was in use less long ago than this is lent without asking whether it lives.
const IDLE_TRUSTED: Duration = Duration::from_secs(1);
/// How long a connection may take to answer that it lives; after that it is closed.
const CHECK_TIMEOUT: Duration = Duration::from_secs(1);
/// How often a connection is lent before its plans are made anew, and then four times as often, and so
/// on. A plan is made for the tables as large as they are at that moment. In a database that has just
/// begun, every index of an empty table looks as good as any other, and PostgreSQL itself looks at what
/// has become of it a minute later.
pub(crate) const PLANS_KEPT: u64 = 64;
const PLANS_KEPT_GROWTH: u64 = 4;
/// How old a connection may become.
const LIFETIME: Duration = Duration::from_mins(30);

/// Makes and judges the connections.
#[derive(Debug)]
pub(crate) struct Manager {
    options: PgConnectOptions,
    retirement: Retirement,
}

/// One connection.
#[derive(Debug)]
pub(crate) struct Link {
    connection: PgConnection,
    /// Set while a statement is under way. If it stays set, what the connection would answer next
    /// is not known.
    busy: bool,
    /// Set from BEGIN to the end of the transaction.
    pub(crate) in_transaction: bool,
    made: Instant,
    used: Instant,
    lent: u64,
    /// When it has been lent so often, its plans are too old.
    plans_until: u64,
    retirement: Retirement,
}

impl Link {
    /// Called before each statement.
    pub(crate) fn start(&mut self) -> &mut PgConnection {
        self.busy = true;
        &mut self.connection
    }

    /// Called with each statement's result: an error that the server reported leaves the connection
    /// as good as it was, any other does not.
    pub(crate) fn settle<T>(&mut self, result: Result<T, SqlxError>) -> Result<T, StoreError> {
        self.busy = !matches!(result, Ok(_) | Err(SqlxError::Database(_)));
        self.used = Instant::now();
        result.map_err(|error| {
            let error = StoreError::of(error);
            self.retirement.learn(&error);
            // A session that cannot write is not lent again, whatever becomes of the others.
            self.busy |= error.cannot_write();
            error
        })
    }
}

pub(crate) type Lent = bb8::PooledConnection<'static, Manager>;

impl ManageConnection for Manager {
    type Connection = Link;
    type Error = SqlxError;

    async fn connect(&self) -> Result<Link, SqlxError> {
        let connection = self.options.connect().await?;
        let made = Instant::now();
        Ok(Link {
            connection,
            busy: false,
            in_transaction: false,
            made,
            used: made,
            lent: 0,
            plans_until: PLANS_KEPT,
            retirement: self.retirement.clone(),
        })
    }

    async fn is_valid(&self, link: &mut Link) -> Result<(), SqlxError> {
        if self.has_broken(link) {
            return Err(SqlxError::PoolClosed);
        }
        link.lent += 1;
        // Left so if the caller is given up while it is asked.
        link.busy = true;
        if link.lent >= link.plans_until {
            link.plans_until *= PLANS_KEPT_GROWTH;
            in_time(raw_sql("DISCARD PLANS").execute(&mut link.connection)).await?;
        } else if link.used.elapsed() > IDLE_TRUSTED {
            in_time(link.connection.ping()).await?;
        }
        link.busy = false;
        link.used = Instant::now();
        Ok(())
    }

    fn has_broken(&self, link: &mut Link) -> bool {
        link.busy || link.in_transaction || self.retirement.covers(link.made.elapsed())
    }
}

async fn in_time<T>(asking: impl Future<Output = Result<T, SqlxError>>) -> Result<T, SqlxError> {
    tokio::time::timeout(CHECK_TIMEOUT, asking).await.unwrap_or(Err(SqlxError::PoolTimedOut))
}

/// A pool of at most `connections`, of which one is made at once. A request waits at most `patience` for one.
pub(crate) fn pool(
    options: PgConnectOptions,
    connections: u32,
    patience: Duration,
    retirement: &Retirement,
) -> Pool<Manager> {
    let options = options.options([
        // One plan serves every size of a batch; planning again would cost more than it could gain.
        ("plan_cache_mode", "force_generic_plan"),
        // Every statement of the hot path has its index. A plan that was made while a table was empty
        // would read all of it when it has grown.
        ("enable_seqscan", "off"),
    ]);
    Pool::builder()
        .max_size(connections)
        .connection_timeout(patience)
        .max_lifetime(LIFETIME)
        .min_idle(1)
        .idle_timeout(None)
        .build_unchecked(Manager { options, retirement: retirement.clone() })
}
