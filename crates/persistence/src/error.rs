//! Why the store did not do what it was asked.

use sea_orm::sqlx::error::Error as SqlxError;
use sea_orm::sqlx::postgres::PgDatabaseError;
use sea_orm::{DbErr, RuntimeErr};

use crate::meaning::{Meaning, meaning};

/// Why the store did not do what it was asked.
#[derive(Clone, Debug, thiserror::Error)]
pub enum StoreError {
    /// Another write came in between. Nothing was written; deciding again may end differently.
    #[error("another write came first")]
    Lost {
        /// The database's own guard against overlaps had to say it: our decision was wrong.
        guard: bool,
    },
    /// The compare-and-set hit no row: the room or hotel has another version than was decided on.
    /// Nothing was written; deciding again may end differently.
    #[error("another write came first")]
    Missed,
    /// Another session holds the row of a room for longer than a statement waits for it. Nothing was
    /// written; it is a lost race, and one that every write of the room would lose now.
    #[error("another session holds the room")]
    Held,
    /// The hotel has a room with this number. Nothing was written.
    #[error("the hotel has a room with this number")]
    DuplicateRoomNumber,
    /// Another booking of the hotel has the source and the reference. Nothing was written.
    #[error("another booking of the hotel has the reference")]
    DuplicateReference,
    /// The connection was lost while COMMIT was on its way: whether it was written is not known yet.
    #[error("the outcome of COMMIT is unknown: {0}")]
    Unknown(#[source] DbErr),
    /// The database began the commit later than it may begin, as the machine is busy or the network slow.
    /// Nothing was written, and no race was seen to be lost; deciding again may be in time.
    #[error("the database was too slow to begin the commit")]
    Late,
    /// The caller has given up, so nothing was written.
    #[error("given up before COMMIT")]
    Abandoned,
    /// The tables were altered under a prepared statement, or the connection has lost it. Nothing was
    /// written; the same statement on a new connection works.
    #[error("a prepared statement does not fit the tables any more: {0}")]
    StalePlan(#[source] DbErr),
    /// The database cannot be reached, is overloaded, read-only or shuts down. Nothing was written.
    #[error("the database is unavailable: {0}")]
    Unavailable(#[source] DbErr),
    /// A row does not read as this service writes it. Nothing was written.
    #[error("{table}.{column} of row {id} is not as this service writes it: {why}")]
    Corrupt {
        /// The table.
        table: &'static str,
        /// The column, or what several columns say together.
        column: &'static str,
        /// The row's id, or another name that an operator can find it by.
        id: String,
        /// What is wrong with it; without the value, which may be a guest's.
        why: String,
    },
    /// Anything else. Nothing was written.
    #[error("the database failed: {0}")]
    Failed(#[source] DbErr),
}

impl StoreError {
    /// A row that does not read as the domain wrote it.
    pub(crate) fn corrupt(
        table: &'static str,
        column: &'static str,
        id: impl Into<String>,
        why: impl Into<String>,
    ) -> Self {
        Self::Corrupt { table, column, id: id.into(), why: why.into() }
    }

    /// Reads an error of the driver.
    pub(crate) fn of(error: SqlxError) -> Self {
        Self::from(DbErr::Query(RuntimeErr::SqlxError(error.into())))
    }

    /// Reads why no connection was to be had.
    pub(crate) fn acquiring(error: bb8::RunError<SqlxError>) -> Self {
        let error = match error {
            bb8::RunError::User(error) => error,
            bb8::RunError::TimedOut => SqlxError::PoolTimedOut,
        };
        Self::Unavailable(DbErr::Conn(RuntimeErr::SqlxError(error.into())))
    }

    /// As [`Self::at_commit`], of an error that was read already, and that may be of a statement which
    /// is a transaction of its own: what PostgreSQL refuses by an error is undone.
    pub(crate) fn at_commit_of(error: Self) -> Self {
        let Self::Unavailable(cause) = error else { return error };
        if is_refusal(&cause) { Self::Unavailable(cause) } else { Self::at_commit(cause) }
    }

    /// The database must not be written now, for a reason that no driver knows of.
    pub(crate) fn unavailable(why: impl Into<String>) -> Self {
        Self::Unavailable(DbErr::Custom(why.into()))
    }

    /// Reads an error of COMMIT itself: a broken connection leaves the outcome open, and so does a
    /// disk that failed while it was told. A full one does not: SQLite has rolled back.
    pub(crate) fn at_commit(error: DbErr) -> Self {
        match Self::from(error) {
            Self::Unavailable(error) if error_meaning(&error) == Meaning::DiskFull => {
                Self::Unavailable(error)
            }
            Self::Unavailable(error) => Self::Unknown(error),
            known @ (Self::Lost { .. }
            | Self::Missed
            | Self::Held
            | Self::Late
            | Self::DuplicateRoomNumber
            | Self::DuplicateReference
            | Self::Unknown(_)
            | Self::Abandoned
            | Self::Corrupt { .. }
            | Self::StalePlan(_)
            | Self::Failed(_)) => known,
        }
    }

    /// Whether the connection it came from has a prepared statement that is of no use any more. The
    /// same work on a new connection may succeed.
    #[must_use]
    pub fn is_stale_plan(&self) -> bool {
        matches!(self, Self::StalePlan(_))
    }

    /// Whether the connection it came from can no longer write, although a new one might: it is of a
    /// read-only session or file, or its file has failed it. It is to be closed and not lent again.
    #[must_use]
    pub fn cannot_write(&self) -> bool {
        match self {
            Self::Unknown(error) | Self::Unavailable(error) => {
                error_meaning(error) == Meaning::CannotWrite
            }
            Self::Lost { .. }
            | Self::Missed
            | Self::Held
            | Self::Late
            | Self::DuplicateRoomNumber
            | Self::DuplicateReference
            | Self::Abandoned
            | Self::StalePlan(_)
            | Self::Corrupt { .. }
            | Self::Failed(_) => false,
        }
    }
}

impl From<DbErr> for StoreError {
    fn from(error: DbErr) -> Self {
        match error_meaning(&error) {
            Meaning::LostRace => Self::Lost { guard: false },
            Meaning::GuardFired => Self::Lost { guard: true },
            Meaning::DuplicateRoomNumber => Self::DuplicateRoomNumber,
            Meaning::DuplicateReference => Self::DuplicateReference,
            Meaning::StalePlan => Self::StalePlan(error),
            Meaning::Unavailable | Meaning::CannotWrite | Meaning::DiskFull => {
                Self::Unavailable(error)
            }
            Meaning::Failure => Self::Failed(error),
        }
    }
}

/// Whether PostgreSQL answered, and not in its last words: those (57P01 and its kin, and 08) may come
/// when the transaction was committed already.
fn is_refusal(error: &DbErr) -> bool {
    let (DbErr::Exec(RuntimeErr::SqlxError(cause)) | DbErr::Query(RuntimeErr::SqlxError(cause))) =
        error
    else {
        return false;
    };
    let SqlxError::Database(cause) = cause.as_ref() else { return false };
    cause
        .try_downcast_ref::<PgDatabaseError>()
        .is_some_and(|cause| !cause.code().starts_with("57P") && !cause.code().starts_with("08"))
}

fn error_meaning(error: &DbErr) -> Meaning {
    if let DbErr::ConnectionAcquire(_) = error {
        return Meaning::Unavailable;
    }
    let (DbErr::Conn(RuntimeErr::SqlxError(cause))
    | DbErr::Exec(RuntimeErr::SqlxError(cause))
    | DbErr::Query(RuntimeErr::SqlxError(cause))) = error
    else {
        return Meaning::Failure;
    };
    let known = driver_meaning(cause);
    let acquiring = matches!(error, DbErr::Conn(_));
    if acquiring && !matches!(known, Meaning::CannotWrite | Meaning::DiskFull) {
        // Nothing was asked of the database yet: whatever it answers, a role that may not log in or a
        // database that is not there, it cannot be used now.
        return Meaning::Unavailable;
    }
    known
}

fn driver_meaning(error: &SqlxError) -> Meaning {
    if let SqlxError::Database(cause) = error {
        return meaning(cause.as_ref());
    }
    let broken = matches!(
        error,
        SqlxError::Io(_)
            | SqlxError::Tls(_)
            | SqlxError::Protocol(_)
            | SqlxError::PoolTimedOut
            | SqlxError::PoolClosed
            | SqlxError::WorkerCrashed
            | SqlxError::BeginFailed
    );
    if broken { Meaning::Unavailable } else { Meaning::Failure }
}

#[cfg(test)]
mod tests {
    use std::error::Error;
    use std::sync::Arc;

    use super::*;

    fn driver(error: SqlxError) -> RuntimeErr {
        RuntimeErr::SqlxError(Arc::new(error))
    }

    #[test]
    fn whatever_fails_while_connecting_is_unavailable() {
        let odd = || driver(SqlxError::Configuration("the role may not connect".into()));
        let connecting = StoreError::from(DbErr::Conn(odd()));
        assert!(matches!(connecting, StoreError::Unavailable(_)), "{connecting:?}");
        let asking = StoreError::from(DbErr::Query(odd()));
        assert!(matches!(asking, StoreError::Failed(_)), "{asking:?}");
    }

    #[test]
    fn an_error_keeps_its_cause() {
        let error = StoreError::from(DbErr::Query(driver(SqlxError::PoolTimedOut)));
        let source = error.source().and_then(<dyn Error>::downcast_ref::<DbErr>);
        assert!(matches!(source, Some(DbErr::Query(_))), "{source:?}");
    }
}
