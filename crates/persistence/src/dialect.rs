//! Where SQLite and PostgreSQL differ in the SQL of this crate, each difference named.

use sea_orm::{AccessMode, DbBackend, IsolationLevel, TransactionOptions};

/// Which database it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Dialect {
    Sqlite,
    Postgres,
}

impl Dialect {
    pub(crate) fn backend(self) -> DbBackend {
        match self {
            Self::Sqlite => DbBackend::Sqlite,
            Self::Postgres => DbBackend::Postgres,
        }
    }

    /// The database's clock, as an instant that compares with stored ones. Inside one statement it
    /// does not move.
    pub(crate) fn now(self) -> &'static str {
        match self {
            Self::Sqlite => "strftime('%Y-%m-%dT%H:%M:%f+00:00', 'now')",
            Self::Postgres => "statement_timestamp()",
        }
    }

    /// The day so many days before the database's own, in UTC.
    pub(crate) fn days_ago(self, days: u32) -> String {
        match self {
            Self::Sqlite => format!("date('now', '-{days} days')"),
            Self::Postgres => {
                format!("(CAST(statement_timestamp() AT TIME ZONE 'UTC' AS date) - {days})")
            }
        }
    }

    /// What a day is cast to where its type cannot be inferred from a column beside it.
    pub(crate) fn date_type(self) -> &'static str {
        match self {
            Self::Sqlite => "text",
            Self::Postgres => "date",
        }
    }

    /// A UUID as people read it.
    pub(crate) fn uuid_text(self, column: &str) -> String {
        match self {
            Self::Sqlite => {
                let part = |from, length| format!("substr(hex({column}), {from}, {length})");
                let parts = [part(1, 8), part(9, 4), part(13, 4), part(17, 4), part(21, 12)];
                format!("lower({})", parts.join(" || '-' || "))
            }
            Self::Postgres => format!("{column}::text"),
        }
    }

    /// A transaction that only reads, and reads one moment throughout. SQLite's always do.
    pub(crate) fn read_only_snapshot(self) -> TransactionOptions {
        match self {
            Self::Sqlite => TransactionOptions::default(),
            Self::Postgres => TransactionOptions {
                isolation_level: Some(IsolationLevel::RepeatableRead),
                access_mode: Some(AccessMode::ReadOnly),
                ..TransactionOptions::default()
            },
        }
    }

    /// Keeps others from changing or deleting a row that was read, until the transaction ends. On
    /// SQLite there is only one writer.
    pub(crate) fn for_share(self) -> &'static str {
        match self {
            Self::Sqlite => "",
            Self::Postgres => " FOR SHARE",
        }
    }
}

/// The occupancy predicate in SQL: what `Booking::occupies` says, over the bookings called `alias`
/// at the instant `now`.
pub(crate) fn occupies(alias: &str, now: &str) -> String {
    format!(
        "({alias}.status = 'confirmed' OR ({alias}.status = 'held' AND {alias}.hold_expires_at > {now}))"
    )
}

/// The condition of the index `bookings_occupying` on the bookings called `alias`: held or confirmed.
///
/// Whatever uses the index says it in these words, because SQLite compares the words and not their
/// meaning. They differ from those of the guard, so that PostgreSQL cannot take the guard's index
/// instead, which is ten times slower and in no order.
pub(crate) fn stored_as_occupying(alias: &str) -> String {
    format!("{alias}.status NOT IN ('cancelled', 'expired')")
}

/// The bookings called `alias` of `room` that are stored as occupying a night in `[from, to)`; all
/// three are SQL. Lapsed holds are among them: see [`occupies`].
///
/// Such bookings of one room never overlap each other, the guard sees to that. So of those that
/// begin before `from` only the last one can reach beyond it: two steps in `bookings_occupying`,
/// however long the room's past is.
pub(crate) fn takes_a_night(alias: &str, room: &str, from: &str, to: &str) -> String {
    format!(
        "{alias}.room_id = {room} AND {occupying} \
         AND {alias}.check_in < {to} AND {alias}.check_out > {from} \
         AND {alias}.check_in >= COALESCE((SELECT last.check_in FROM bookings AS last \
             WHERE last.room_id = {room} AND {last_occupying} AND last.check_in <= {from} \
             ORDER BY last.check_in DESC LIMIT 1), {from})",
        occupying = stored_as_occupying(alias),
        last_occupying = stored_as_occupying("last"),
    )
}
