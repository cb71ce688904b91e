//! What the databases' own error codes mean, one by one. The one place that tells a race from a
//! failure. Anything not listed is a failure: a second try could not end differently.

use sea_orm::sqlx::error::DatabaseError;
use sea_orm::sqlx::postgres::PgDatabaseError;

/// The exclusion constraint on PostgreSQL, and what the triggers on SQLite say.
const GUARD: &str = "bookings_do_not_overlap";
/// The table of keys, and what its indexes' names begin with.
const KEYS: &str = "idempotency_keys";
/// A lock timeout.
const LOCK_NOT_AVAILABLE: &str = "55P03";
/// The primary key of `idempotency_keys`.
const KEYS_PRIMARY: &str = "idempotency_keys_pkey";
/// The unique constraint on a hotel and its rooms' numbers.
const ROOM_NUMBER: &str = "rooms_hotel_number_key";
/// The unique index on the references of a hotel's bookings.
const REFERENCE: &str = "bookings_reference_key";
/// NOT NULL columns that a commit sets to NULL on purpose when another write came first, so that the
/// whole statement fails.
const FAIL_ON_PURPOSE: [(&str, &str); 2] =
    [("idempotency_keys", "created_at"), ("room_events", "version")];
/// The function of PostgreSQL that refuses a cached plan whose columns have changed. Its message is
/// translated, its name is not.
const REVALIDATE: &str = "RevalidateCachedQuery";

/// The disk is full, `SQLITE_FULL`.
const SQLITE_FULL: i32 = 13;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Meaning {
    /// Another write came first.
    LostRace,
    /// The database's own guard against overlaps refused.
    GuardFired,
    /// The hotel has a room with this number.
    DuplicateRoomNumber,
    /// Another booking of the hotel has the source and the reference.
    DuplicateReference,
    /// The connection's prepared statement does not fit the tables any more, or is gone.
    StalePlan,
    /// This connection cannot write, or cannot use its file; a new one may.
    CannotWrite,
    /// The database cannot serve now.
    Unavailable,
    /// The disk is full: nothing was written, and nothing is wrong with the connection.
    DiskFull,
    /// Anything else.
    Failure,
}

/// What a database said of itself.
pub(crate) fn meaning(cause: &dyn DatabaseError) -> Meaning {
    if let Some(cause) = cause.try_downcast_ref::<PgDatabaseError>() {
        return postgres_meaning(&PostgresError {
            sqlstate: cause.code(),
            constraint: cause.constraint(),
            table: cause.table(),
            column: cause.column(),
            routine: cause.routine(),
        });
    }
    let code = cause.code().and_then(|code| code.parse().ok());
    code.map_or(Meaning::Failure, |code| sqlite_meaning(code, cause.message()))
}

/// Whether a lock was waited for in vain, and it was that of a room and not of a key, a reference or
/// another booking's nights, which are one request's own matter. The context names what was waited for; of a
/// row that several wait for, all but the first are told nothing, and that is a room.
pub(crate) fn room_is_held(error: &sea_orm::sqlx::Error) -> bool {
    let cause = error.as_database_error().and_then(|cause| cause.try_downcast_ref());
    cause.is_some_and(|cause: &PgDatabaseError| {
        let context = cause.r#where().unwrap_or_default();
        let own = [KEYS, GUARD, REFERENCE].iter().any(|it| context.contains(it));
        cause.code() == LOCK_NOT_AVAILABLE && !own
    })
}

/// The parts of an error of PostgreSQL that programs may rely on.
#[derive(Clone, Copy, Debug, Default)]
struct PostgresError<'a> {
    sqlstate: &'a str,
    constraint: Option<&'a str>,
    table: Option<&'a str>,
    column: Option<&'a str>,
    routine: Option<&'a str>,
}

fn postgres_meaning(error: &PostgresError<'_>) -> Meaning {
    match error.sqlstate {
        // Serialization failure, deadlock, lock timeout.
        "40001" | "40P01" | LOCK_NOT_AVAILABLE => Meaning::LostRace,
        "23505" if error.constraint == Some(KEYS_PRIMARY) => Meaning::LostRace,
        "23505" if error.constraint == Some(ROOM_NUMBER) => Meaning::DuplicateRoomNumber,
        "23505" if error.constraint == Some(REFERENCE) => Meaning::DuplicateReference,
        "23P01" if error.constraint == Some(GUARD) => Meaning::GuardFired,
        "23502" if is_on_purpose(error.table, error.column) => Meaning::LostRace,
        "0A000" if error.routine == Some(REVALIDATE) => Meaning::StalePlan,
        // The prepared statement does not exist.
        "26000" => Meaning::StalePlan,
        // A read-only session, or a primary that became a standby.
        "25006" => Meaning::CannotWrite,
        state => class_meaning(state),
    }
}

/// The classes that speak of the server and not of the statement, code by code.
fn class_meaning(state: &str) -> Meaning {
    match state {
        // 08, connection exceptions: broken, refused, or a pooler that gave up (08P01).
        "08000" | "08001" | "08003" | "08004" | "08006" | "08007" | "08P01" |
        // 25, transaction states: the server ended a transaction that idled or took too long. A
        // statement after a failed one (25P02), or outside of a transaction (25P01), is our fault.
        "25P03" | "25P04" |
        // 28, the login is refused: NOLOGIN, a dropped role, another password, pg_hba.conf.
        "28000" | "28P01" |
        // 3D, the database is not there: it is being restored.
        "3D000" |
        // 53, resources: disk full, out of memory, too many connections, a limit of the server's.
        "53000" | "53100" | "53200" | "53300" | "53400" |
        // 57, an operator: a cancelled statement (its timeout too), shutdown, crash, start-up, a
        // dropped database, a session that idled for too long.
        "57000" | "57014" | "57P01" | "57P02" | "57P03" | "57P04" | "57P05" |
        // 58, the server's system: an error, I/O. A file that is missing (58P01) or there twice
        // (58P02) is damage, which waiting does not mend.
        "58000" | "58030" => Meaning::Unavailable,
        _ => Meaning::Failure,
    }
}

fn is_on_purpose(table: Option<&str>, column: Option<&str>) -> bool {
    table.zip(column).is_some_and(|place| FAIL_ON_PURPOSE.contains(&place))
}

fn sqlite_meaning(code: i32, message: &str) -> Meaning {
    /// `SQLITE_BUSY`, with `SQLITE_BUSY_SNAPSHOT` and its other kin.
    const BUSY: i32 = 5;
    /// `SQLITE_INTERRUPT`: a statement stopped at its deadline.
    const INTERRUPT: i32 = 9;
    /// `SQLITE_READONLY`, `SQLITE_IOERR`, `SQLITE_CANTOPEN`: the disk, or who may write to it.
    const READONLY: i32 = 8;
    const IOERR: i32 = 10;
    const CANTOPEN: i32 = 14;
    /// `SQLITE_CONSTRAINT`.
    const CONSTRAINT: i32 = 19;
    match code & 0xff {
        BUSY => Meaning::LostRace,
        SQLITE_FULL => Meaning::DiskFull,
        READONLY | IOERR | CANTOPEN => Meaning::CannotWrite,
        INTERRUPT => Meaning::Unavailable,
        CONSTRAINT if message.contains(GUARD) => Meaning::GuardFired,
        CONSTRAINT if message.contains("rooms.hotel_id, rooms.number") => {
            Meaning::DuplicateRoomNumber
        }
        CONSTRAINT if message.contains(REFERENCE) => Meaning::DuplicateReference,
        CONSTRAINT if message.contains("idempotency_keys.key") => Meaning::LostRace,
        CONSTRAINT if is_not_null_on_purpose(message) => Meaning::LostRace,
        _ => Meaning::Failure,
    }
}

fn is_not_null_on_purpose(message: &str) -> bool {
    let place = message.strip_prefix("NOT NULL constraint failed: ");
    let place = place.and_then(|place| place.split_once('.'));
    place.is_some_and(|place| FAIL_ON_PURPOSE.contains(&place))
}

#[cfg(test)]
mod tests;
