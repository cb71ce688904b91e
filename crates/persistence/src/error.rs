//! What a database error means: a lost race, a failure, or not knowing.

use sea_orm::sqlx::error::{DatabaseError, Error as SqlxError};
use sea_orm::sqlx::postgres::PgDatabaseError;
use sea_orm::{DbErr, RuntimeErr};

/// Why the store did not do what it was asked.
#[derive(Clone, Debug, thiserror::Error)]
pub enum StoreError {
    /// Someone wrote in between. Nothing was written; deciding again may end differently.
    #[error("another write came first")]
    Lost {
        /// The database's own guard against overlaps had to say it: our decision was wrong.
        guard: bool,
    },
    /// The compare-and-set hit no row: the room or hotel has another version than was decided on.
    /// Nothing was written; deciding again may end differently.
    #[error("another write came first")]
    Missed,
    /// The hotel has a room with this number. Nothing was written.
    #[error("the hotel has a room with this number")]
    DuplicateRoomNumber,
    /// The connection was lost while COMMIT was on its way: written or not, nobody can say yet.
    #[error("the outcome of COMMIT is unknown: {0}")]
    Unknown(DbErr),
    /// Whoever asked has given up, so nothing was written.
    #[error("given up before COMMIT")]
    Abandoned,
    /// The database cannot be reached, is overloaded or shuts down. Nothing was written.
    #[error("the database is unavailable: {0}")]
    Unavailable(DbErr),
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
    Failed(DbErr),
}

impl StoreError {
    /// A row that does not read as the domain wrote it.
    pub(crate) fn corrupt(
        table: &'static str,
        column: &'static str,
        id: impl ToString,
        why: impl Into<String>,
    ) -> Self {
        Self::Corrupt { table, column, id: id.to_string(), why: why.into() }
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

    /// As [`Self::at_commit`], of an error that was read already.
    pub(crate) fn at_commit_of(error: Self) -> Self {
        match error {
            Self::Unavailable(error) => Self::at_commit(error),
            other => other,
        }
    }

    /// Reads an error of COMMIT itself: a broken connection leaves the outcome open, and so does a
    /// disk that failed while it was told. A full one does not: SQLite has rolled back.
    pub(crate) fn at_commit(error: DbErr) -> Self {
        match Self::from(error) {
            Self::Unavailable(error) if is_sqlite_full(&error) => Self::Unavailable(error),
            Self::Unavailable(error) => Self::Unknown(error),
            known @ (Self::Lost { .. }
            | Self::Missed
            | Self::DuplicateRoomNumber
            | Self::Unknown(_)
            | Self::Abandoned
            | Self::Corrupt { .. }
            | Self::Failed(_)) => known,
        }
    }
}

impl From<DbErr> for StoreError {
    fn from(error: DbErr) -> Self {
        match sqlx_error(&error) {
            Some(SqlxError::Database(cause)) => match meaning(cause.as_ref()) {
                Meaning::LostRace => Self::Lost { guard: false },
                Meaning::GuardFired => Self::Lost { guard: true },
                Meaning::DuplicateRoomNumber => Self::DuplicateRoomNumber,
                Meaning::Unavailable => Self::Unavailable(error),
                Meaning::Failure => Self::Failed(error),
            },
            Some(
                SqlxError::Io(_)
                | SqlxError::Tls(_)
                | SqlxError::Protocol(_)
                | SqlxError::PoolTimedOut
                | SqlxError::PoolClosed
                | SqlxError::WorkerCrashed
                | SqlxError::BeginFailed,
            ) => Self::Unavailable(error),
            None if matches!(error, DbErr::ConnectionAcquire(_) | DbErr::Conn(_)) => {
                Self::Unavailable(error)
            }
            Some(_) | None => Self::Failed(error),
        }
    }
}

fn is_sqlite_full(error: &DbErr) -> bool {
    let Some(SqlxError::Database(cause)) = sqlx_error(error) else { return false };
    cause.try_downcast_ref::<PgDatabaseError>().is_none()
        && cause.code().is_some_and(|code| code == SQLITE_FULL.to_string())
}

fn sqlx_error(error: &DbErr) -> Option<&SqlxError> {
    let (DbErr::Exec(RuntimeErr::SqlxError(cause))
    | DbErr::Query(RuntimeErr::SqlxError(cause))
    | DbErr::Conn(RuntimeErr::SqlxError(cause))) = error
    else {
        return None;
    };
    Some(cause.as_ref())
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Meaning {
    LostRace,
    GuardFired,
    DuplicateRoomNumber,
    Unavailable,
    Failure,
}

/// The one place that tells a race from a failure. Anything not listed is a failure: a second try
/// could not end differently.
fn meaning(cause: &dyn DatabaseError) -> Meaning {
    if let Some(cause) = cause.try_downcast_ref::<PgDatabaseError>() {
        return postgres_meaning(cause.code(), cause.constraint());
    }
    let code = cause.code().and_then(|code| code.parse().ok());
    code.map_or(Meaning::Failure, |code| sqlite_meaning(code, cause.message()))
}

fn postgres_meaning(sqlstate: &str, constraint: Option<&str>) -> Meaning {
    match (sqlstate, constraint) {
        // Serialization failure, deadlock, lock timeout.
        ("40001" | "40P01" | "55P03", _) | ("23505", Some("idempotency_keys_pkey")) => {
            Meaning::LostRace
        }
        ("23P01", Some("bookings_do_not_overlap")) => Meaning::GuardFired,
        ("23505", Some("rooms_hotel_number_key")) => Meaning::DuplicateRoomNumber,
        // Statement timeout; a primary that became a standby.
        ("57014" | "25006", _) => Meaning::Unavailable,
        // Connection exceptions, resources exhausted, operator intervention (shutdown, crash).
        (state, _)
            if state.starts_with("08") || state.starts_with("53") || state.starts_with("57P") =>
        {
            Meaning::Unavailable
        }
        _ => Meaning::Failure,
    }
}

/// The disk is full, `SQLITE_FULL`.
const SQLITE_FULL: i32 = 13;

fn sqlite_meaning(code: i32, message: &str) -> Meaning {
    /// `SQLITE_BUSY`, with `SQLITE_BUSY_SNAPSHOT` and its other kin.
    const BUSY: i32 = 5;
    /// `SQLITE_READONLY`, `SQLITE_IOERR`, `SQLITE_CANTOPEN`: the disk, or who may write to it.
    const READONLY: i32 = 8;
    const IOERR: i32 = 10;
    const CANTOPEN: i32 = 14;
    /// `SQLITE_CONSTRAINT`.
    const CONSTRAINT: i32 = 19;
    match code & 0xff {
        BUSY => Meaning::LostRace,
        SQLITE_FULL | READONLY | IOERR | CANTOPEN => Meaning::Unavailable,
        CONSTRAINT if message.contains("bookings_do_not_overlap") => Meaning::GuardFired,
        CONSTRAINT if message.contains("rooms.hotel_id, rooms.number") => {
            Meaning::DuplicateRoomNumber
        }
        CONSTRAINT if message.contains("idempotency_keys.key") => Meaning::LostRace,
        _ => Meaning::Failure,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_these_postgres_errors_are_races() {
        for (sqlstate, constraint, expect) in [
            ("40001", None, Meaning::LostRace),
            ("40P01", None, Meaning::LostRace),
            ("55P03", None, Meaning::LostRace),
            ("23505", Some("idempotency_keys_pkey"), Meaning::LostRace),
            ("23P01", Some("bookings_do_not_overlap"), Meaning::GuardFired),
            ("23P01", Some("something_else"), Meaning::Failure),
            ("23505", Some("rooms_hotel_number_key"), Meaning::DuplicateRoomNumber),
            ("23505", Some("rooms_pkey"), Meaning::Failure),
            ("23514", Some("rooms_times_booked_check"), Meaning::Failure),
            ("57P01", None, Meaning::Unavailable),
            ("57014", None, Meaning::Unavailable),
            ("53300", None, Meaning::Unavailable),
            ("08006", None, Meaning::Unavailable),
            ("25006", None, Meaning::Unavailable),
            ("42P01", None, Meaning::Failure),
        ] {
            assert_eq!(postgres_meaning(sqlstate, constraint), expect, "{sqlstate} {constraint:?}");
        }
    }

    #[test]
    fn only_these_sqlite_errors_are_races() {
        for (code, message, expect) in [
            (5, "database is locked", Meaning::LostRace),
            (517, "database is locked", Meaning::LostRace),
            (6, "database table is locked", Meaning::Failure),
            (13, "database or disk is full", Meaning::Unavailable),
            (778, "disk I/O error", Meaning::Unavailable),
            (8, "attempt to write a readonly database", Meaning::Unavailable),
            (14, "unable to open database file", Meaning::Unavailable),
            (1811, "bookings_do_not_overlap", Meaning::GuardFired),
            (1811, "another trigger", Meaning::Failure),
            (
                2067,
                "UNIQUE constraint failed: rooms.hotel_id, rooms.number",
                Meaning::DuplicateRoomNumber,
            ),
            (1555, "UNIQUE constraint failed: rooms.id", Meaning::Failure),
            (1555, "UNIQUE constraint failed: idempotency_keys.key", Meaning::LostRace),
            (2067, "UNIQUE constraint failed: idempotency_keys.key", Meaning::LostRace),
            (275, "CHECK constraint failed: times_booked >= 0", Meaning::Failure),
        ] {
            assert_eq!(sqlite_meaning(code, message), expect, "{code} {message}");
        }
    }
}
