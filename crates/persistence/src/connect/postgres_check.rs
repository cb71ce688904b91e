//! What a PostgreSQL must be, found out at start by two connections.

use std::time::Duration;

use sea_orm::sqlx::postgres::{PgConnectOptions, PgConnection, PgRow};
use sea_orm::sqlx::{Connection, Error as SqlxError, Row, SqlSafeStr, raw_sql};

use super::options::ConnectError;

/// How long a connection may take to be made and to answer at start.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// What to do about a pooler between us and the server.
const POOLER_ADVICE: &str = "vacancy keeps its connections itself: connect it to PostgreSQL \
                             directly, or through a pool_mode = session that is told the settings";

/// Refuses a server that does not answer, that cannot be written although `exclusive` says that this
/// process writes, that cannot hold every name, or that is reached through a pooler which takes the
/// session's settings or statements away. The pool would try again and again; at start one clear
/// refusal is worth more.
pub(super) async fn check_server(
    connect: &PgConnectOptions,
    exclusive: bool,
) -> Result<(), ConnectError> {
    let place = format!("{}:{}", connect.get_host(), connect.get_port());
    let unreachable = |why: String| ConnectError::Unreachable { place: place.clone(), why };
    let checking = async {
        let mut first = PgConnection::connect_with(connect).await.map_err(refused)?;
        let server = ask(&mut first).await?;
        let mut second = PgConnection::connect_with(connect).await.map_err(refused)?;
        let other = ask(&mut second).await?;
        // Idle connections of a pooler in transaction mode share one of the server's.
        let shared = server.process == other.process;
        for connection in [first, second] {
            connection.close().await?;
        }
        Ok((server, shared))
    };
    let checked = tokio::time::timeout(CONNECT_TIMEOUT, checking).await;
    let checked = checked.map_err(|_| unreachable(format!("no answer within {CONNECT_TIMEOUT:?}")));
    let (server, shared) = match checked? {
        Ok(checked) => checked,
        Err(Refusal::Driver(why)) => return Err(unreachable(driver_message(&why))),
        Err(Refusal::Pooler(why)) => {
            return Err(ConnectError::Unfit(format!("{why}; {POOLER_ADVICE}")));
        }
    };
    if shared {
        let why = "a pooler (pgbouncer) lends the server's connections for single transactions, \
                   which loses prepared statements";
        return Err(ConnectError::Unfit(format!("{why}; {POOLER_ADVICE}")));
    }
    server.check(connect, exclusive)
}

enum Refusal {
    Driver(SqlxError),
    Pooler(String),
}

impl From<SqlxError> for Refusal {
    fn from(error: SqlxError) -> Self {
        Self::Driver(error)
    }
}

/// What a refused connection means: a server never refuses these parameters.
fn refused(error: SqlxError) -> Refusal {
    match driver_message(&error) {
        message if message.contains("unsupported startup parameter") => Refusal::Pooler(format!(
            "a pooler (pgbouncer) refuses the session's settings: {message}"
        )),
        _ => Refusal::Driver(error),
    }
}

/// What a server says of itself and of our session.
struct Server {
    process: i32,
    encoding: String,
    standby: bool,
    read_only: bool,
    isolation: String,
    /// In milliseconds; 0 is no limit.
    timeouts: [(&'static str, i64); 3],
}

/// Intervals come from `pg_settings`, in milliseconds whatever unit they were said in.
const ASK: &str = "\
    SELECT pg_backend_pid(), current_setting('server_encoding'), pg_is_in_recovery(), \
           current_setting('transaction_read_only') = 'on', \
           current_setting('default_transaction_isolation'), \
           (SELECT setting::bigint FROM pg_settings WHERE name = 'statement_timeout'), \
           (SELECT setting::bigint FROM pg_settings WHERE name = 'lock_timeout'), \
           (SELECT setting::bigint FROM pg_settings \
            WHERE name = 'idle_in_transaction_session_timeout')";

async fn ask(connection: &mut PgConnection) -> Result<Server, SqlxError> {
    let row: PgRow = raw_sql(ASK.into_sql_str()).fetch_one(connection).await?;
    Ok(Server {
        process: row.try_get(0)?,
        encoding: row.try_get(1)?,
        standby: row.try_get(2)?,
        read_only: row.try_get(3)?,
        isolation: row.try_get(4)?,
        timeouts: [
            ("statement_timeout", row.try_get(5)?),
            ("lock_timeout", row.try_get(6)?),
            ("idle_in_transaction_session_timeout", row.try_get(7)?),
        ],
    })
}

impl Server {
    fn check(&self, connect: &PgConnectOptions, exclusive: bool) -> Result<(), ConnectError> {
        let unfit = |why: String| Err(ConnectError::Unfit(why));
        if self.encoding != "UTF8" {
            let encoding = &self.encoding;
            return unfit(format!(
                "its encoding is {encoding}, which cannot hold every guest's name; make it with \
                 ENCODING 'UTF8'"
            ));
        }
        if exclusive && self.standby {
            return unfit("it is a standby, which cannot be written".to_owned());
        }
        if exclusive && self.read_only {
            return unfit("it is read-only (default_transaction_read_only)".to_owned());
        }
        if self.isolation != "read committed" {
            return unfit(format!(
                "default_transaction_isolation is {}, although read committed was asked for; \
                 {POOLER_ADVICE}",
                self.isolation
            ));
        }
        // A pooler that ignores startup options lets the session go on without any limit.
        if let Some((name, _)) = self.timeouts.iter().find(|(_, milliseconds)| *milliseconds == 0) {
            let asked = connect.get_options().unwrap_or_default();
            return unfit(format!(
                "{name} is not set, although it was asked for ({asked}); a pooler (pgbouncer) may \
                 have dropped it: {POOLER_ADVICE}, by ALTER ROLE … SET"
            ));
        }
        Ok(())
    }
}

/// The server's own words, without where in its source it says them.
fn driver_message(error: &SqlxError) -> String {
    error.as_database_error().map_or_else(|| error.to_string(), |cause| cause.message().to_owned())
}
