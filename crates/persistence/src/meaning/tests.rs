//! Each code that the databases are known to answer with, and what it is taken for.

use super::*;

#[track_caller]
fn check_postgres(error: PostgresError<'_>, expect: Meaning) {
    assert_eq!(postgres_meaning(&error), expect, "{error:?}");
}

#[test]
fn postgres_constraints_are_told_apart_by_name() {
    for (sqlstate, constraint, expect) in [
        ("23505", "idempotency_keys_pkey", Meaning::LostRace),
        ("23505", "rooms_hotel_number_key", Meaning::DuplicateRoomNumber),
        ("23505", "bookings_reference_key", Meaning::DuplicateReference),
        ("23505", "rooms_pkey", Meaning::Failure),
        ("23P01", "bookings_do_not_overlap", Meaning::GuardFired),
        ("23P01", "something_else", Meaning::Failure),
        ("23514", "rooms_times_booked_check", Meaning::Failure),
    ] {
        let error =
            PostgresError { sqlstate, constraint: Some(constraint), ..PostgresError::default() };
        check_postgres(error, expect);
    }
}

#[test]
fn postgres_columns_that_fail_on_purpose_are_races() {
    for (table, column, expect) in [
        ("idempotency_keys", "created_at", Meaning::LostRace),
        ("room_events", "version", Meaning::LostRace),
        ("idempotency_keys", "fingerprint", Meaning::Failure),
        ("room_events", "created_at", Meaning::Failure),
        ("rooms", "version", Meaning::Failure),
    ] {
        let (table, column) = (Some(table), Some(column));
        check_postgres(
            PostgresError { sqlstate: "23502", table, column, ..PostgresError::default() },
            expect,
        );
    }
}

#[test]
fn a_stale_plan_is_known_by_the_function_that_refuses_it() {
    let feature = PostgresError { sqlstate: "0A000", ..PostgresError::default() };
    check_postgres(feature, Meaning::Failure);
    check_postgres(
        PostgresError { routine: Some("RevalidateCachedQuery"), ..feature },
        Meaning::StalePlan,
    );
}

/// The whole of each class that speaks of the server, as PostgreSQL's table of codes has it.
#[test]
fn postgres_codes_are_decided_one_by_one() {
    use Meaning::{CannotWrite, Failure, LostRace, StalePlan, Unavailable};
    for (expect, states) in [
        (LostRace, "40001 40P01 55P03"),
        (Unavailable, "08000 08001 08003 08004 08006 08007 08P01"),
        (CannotWrite, "25006"),
        (Unavailable, "25P03 25P04"),
        (Failure, "25000 25001 25002 25003 25004 25005 25007 25008 25P01 25P02"),
        (StalePlan, "26000"),
        (Unavailable, "28000 28P01"),
        (Unavailable, "3D000"),
        (Unavailable, "53000 53100 53200 53300 53400"),
        (Unavailable, "57000 57014 57P01 57P02 57P03 57P04 57P05"),
        (Unavailable, "58000 58030"),
        (Failure, "58P01 58P02"),
        (Failure, "0A000 22021 23502 23505 23P01 3F000 42501 42601 42703 42P01 42P05 XX000"),
    ] {
        for sqlstate in states.split(' ') {
            check_postgres(PostgresError { sqlstate, ..PostgresError::default() }, expect);
        }
    }
}

#[test]
fn only_these_sqlite_errors_are_races() {
    for (code, message, expect) in [
        (5, "database is locked", Meaning::LostRace),
        (517, "database is locked", Meaning::LostRace),
        (6, "database table is locked", Meaning::Failure),
        (13, "database or disk is full", Meaning::DiskFull),
        (778, "disk I/O error", Meaning::CannotWrite),
        (8, "attempt to write a readonly database", Meaning::CannotWrite),
        (1032, "attempt to write a readonly database", Meaning::CannotWrite),
        (14, "unable to open database file", Meaning::CannotWrite),
        (9, "interrupted", Meaning::Unavailable),
        (1811, "bookings_do_not_overlap", Meaning::GuardFired),
        (1811, "another trigger", Meaning::Failure),
        (
            2067,
            "UNIQUE constraint failed: rooms.hotel_id, rooms.number",
            Meaning::DuplicateRoomNumber,
        ),
        (
            2067,
            "UNIQUE constraint failed: index 'bookings_reference_key'",
            Meaning::DuplicateReference,
        ),
        (1555, "UNIQUE constraint failed: rooms.id", Meaning::Failure),
        (1555, "UNIQUE constraint failed: idempotency_keys.key", Meaning::LostRace),
        (2067, "UNIQUE constraint failed: idempotency_keys.key", Meaning::LostRace),
        (1299, "NOT NULL constraint failed: idempotency_keys.created_at", Meaning::LostRace),
        (1299, "NOT NULL constraint failed: room_events.version", Meaning::LostRace),
        (1299, "NOT NULL constraint failed: rooms.version", Meaning::Failure),
        (275, "CHECK constraint failed: times_booked >= 0", Meaning::Failure),
    ] {
        assert_eq!(sqlite_meaning(code, message), expect, "{code} {message}");
    }
}
