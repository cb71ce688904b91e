//! The tables, their guards and their indexes.
//!
//! One text serves both databases: `{name}` stands for a type or clause that differs. Names of
//! constraints are part of the code's contract; `persistence` reads them in errors.

use sea_orm_migration::prelude::*;
use sea_orm_migration::sea_orm::{ConnectionTrait, DbBackend};

#[derive(DeriveMigrationName)]
pub struct Migration;

/// What differs, as (placeholder, SQLite, PostgreSQL).
///
/// Text compares by bytes on both (collation "C"), so pages are in the same order.
const DIALECTS: &[(&str, &str, &str)] = &[
    ("{uuid}", "BLOB", "uuid"),
    ("{text}", "TEXT", "text COLLATE \"C\""),
    ("{int}", "INTEGER", "bigint"),
    ("{date}", "TEXT", "date"),
    ("{instant}", "TEXT", "timestamptz"),
    ("{json}", "TEXT", "jsonb"),
    ("{bytes}", "BLOB", "bytea"),
    ("{strict}", "STRICT", ""),
    (
        "{nights}",
        "CAST(julianday(check_out) - julianday(check_in) AS INTEGER)",
        "check_out - check_in",
    ),
];

/// On both databases.
const TABLES: &str = r"
CREATE TABLE hotels (
    id {uuid} NOT NULL PRIMARY KEY,
    name {text} NOT NULL,
    city {text} NOT NULL,
    country {text},
    time_zone {text} NOT NULL,
    -- When its day ends, in minutes after midnight.
    day_ends {int} NOT NULL DEFAULT 0 CHECK (day_ends BETWEEN 0 AND 720),
    version {int} NOT NULL CHECK (version >= 1),
    created_at {instant} NOT NULL,
    updated_at {instant} NOT NULL,
    deleted_at {instant}
) {strict};
CREATE INDEX hotels_live ON hotels (id) WHERE deleted_at IS NULL;
CREATE INDEX hotels_city ON hotels (city, id) WHERE deleted_at IS NULL;

CREATE TABLE rooms (
    id {uuid} NOT NULL PRIMARY KEY,
    hotel_id {uuid} NOT NULL REFERENCES hotels (id),
    number {text} NOT NULL,
    kind {text} NOT NULL,
    capacity {int} NOT NULL CHECK (capacity BETWEEN 1 AND 100),
    rate_amount {int} CHECK (rate_amount >= 0),
    rate_currency {text},
    status {text} NOT NULL CHECK (status IN ('open', 'closed')),
    times_booked {int} NOT NULL CHECK (times_booked >= 0),
    version {int} NOT NULL CHECK (version >= 1),
    created_at {instant} NOT NULL,
    updated_at {instant} NOT NULL,
    deleted_at {instant},
    CHECK ((rate_amount IS NULL) = (rate_currency IS NULL))
) {strict};
-- No index has a column that a booking changes (times_booked, version, updated_at): on PostgreSQL the
-- row is then rewritten in its own page and no index of the table is written. The least booked rooms
-- of a hotel or a city are sorted when asked for.
CREATE UNIQUE INDEX rooms_hotel_number_key ON rooms (hotel_id, number) WHERE deleted_at IS NULL;
CREATE INDEX rooms_number ON rooms (number, id) WHERE deleted_at IS NULL;
CREATE INDEX rooms_nightly_rate
    ON rooms (COALESCE(rate_currency, '~'), COALESCE(rate_amount, 0), id) WHERE deleted_at IS NULL;

CREATE TABLE bookings (
    room_id {uuid} NOT NULL REFERENCES rooms (id),
    id {uuid} NOT NULL,
    hotel_id {uuid} NOT NULL,
    guest_name {text} NOT NULL,
    guest_email {text},
    guests {int} NOT NULL CHECK (guests >= 1),
    check_in {date} NOT NULL,
    check_out {date} NOT NULL,
    status {text} NOT NULL CHECK (status IN ('held', 'confirmed', 'cancelled', 'expired')),
    hold_expires_at {instant},
    total_amount {int},
    total_currency {text},
    -- The principal; null where requests needed no credential.
    made_by {text},
    source {text},
    reference {text},
    -- Of a stay that changed rooms: the booking of the nights slept before in another room, and of
    -- those nights, the booking under which the stay went on.
    continues {uuid},
    continued_by {uuid},
    -- Null without notes.
    metadata {json},
    -- What the search for guests looks at, made by the service so that both databases agree; null in
    -- rows by other hands, which it does not find.
    guest_name_folded {text},
    guest_email_folded {text},
    version {int} NOT NULL CHECK (version >= 1),
    room_version {int} NOT NULL CHECK (room_version >= 1),
    created_at {instant} NOT NULL,
    updated_at {instant} NOT NULL,
    PRIMARY KEY (room_id, id),
    -- Queries look back no further than the longest stay, so the tables must not hold a longer one.
    CONSTRAINT bookings_nights CHECK ({nights} BETWEEN 1 AND 365),
    CONSTRAINT bookings_hold CHECK ((status = 'held') = (hold_expires_at IS NOT NULL)),
    CHECK ((total_amount IS NULL) = (total_currency IS NULL))
) {strict};
-- Every index of bookings costs every booking, so each says which query needs it; those with a
-- condition cost only the rows that meet it. The primary key and bookings_id: one booking.
CREATE INDEX bookings_id ON bookings (id);
-- Is a night of a room taken: decisions, searches, SQLite's guard; a room's confirmed bookings.
-- In other words than PostgreSQL's guard, whose slower index would otherwise be taken at times.
CREATE INDEX bookings_occupying ON bookings (room_id, check_in, id)
    WHERE status NOT IN ('cancelled', 'expired');
-- A room's bookings of the other statuses, each in the order of the list.
CREATE INDEX bookings_room_others ON bookings (room_id, status, check_in, id, check_out)
    WHERE status <> 'confirmed';
-- A hotel's bookings, and all, of one status each: a list of all statuses merges four ranges.
-- check_out is at hand to pass over stays that ended before the day asked for.
CREATE INDEX bookings_hotel_status ON bookings (hotel_id, status, check_in, id, check_out);
CREATE INDEX bookings_status ON bookings (status, check_in, id, check_out);
-- A principal's own bookings, in the order of the list; those made without a credential cost nothing.
CREATE INDEX bookings_made_by ON bookings (made_by, status, check_in, id, check_out)
    WHERE made_by IS NOT NULL;
-- A reference, of one source or of none, names one booking of a hotel; an expired hold gives it up. And
-- a list of bookings with a reference, whatever its hotel: few, so its order comes by sorting.
CREATE UNIQUE INDEX bookings_reference_key ON bookings (reference, COALESCE(source, ''), hotel_id)
    WHERE reference IS NOT NULL AND status <> 'expired';
CREATE INDEX bookings_reference_expired ON bookings (reference, check_in, id)
    WHERE reference IS NOT NULL AND status = 'expired';
-- The bookings of a source: a hotel's, a room's, and all. Those without a source cost nothing.
CREATE INDEX bookings_source_hotel ON bookings (hotel_id, source, status, check_in, id, check_out)
    WHERE source IS NOT NULL;
CREATE INDEX bookings_source_room ON bookings (room_id, source, status, check_in, id, check_out)
    WHERE source IS NOT NULL;
CREATE INDEX bookings_source ON bookings (source, status, check_in, id, check_out)
    WHERE source IS NOT NULL;
-- The nights slept of a stay that went on: forgetting its guest. Other bookings cost nothing.
CREATE INDEX bookings_continued_by ON bookings (continued_by) WHERE continued_by IS NOT NULL;
-- The guests of a hotel by what name or address begins with. With the list's place at hand, so that
-- rows are read only for what is shown.
CREATE INDEX bookings_guest_name ON bookings (hotel_id, guest_name_folded, check_in, id)
    WHERE guest_name_folded IS NOT NULL;
CREATE INDEX bookings_guest_email ON bookings (hotel_id, guest_email_folded, check_in, id)
    WHERE guest_email_folded IS NOT NULL;
-- The sweeper's look for lapsed holds.
CREATE INDEX bookings_holds ON bookings (hold_expires_at) WHERE status = 'held';
-- The sweeper's look for guests to forget: a booking leaves it when that is done.
CREATE INDEX bookings_guests ON bookings (check_out)
    WHERE guest_name <> 'erased' OR guest_email IS NOT NULL OR reference IS NOT NULL
        OR metadata IS NOT NULL;

CREATE TABLE room_events (
    room_id {uuid} NOT NULL REFERENCES rooms (id),
    version {int} NOT NULL CHECK (version >= 1),
    kind {text} NOT NULL,
    booking_id {uuid},
    at {instant} NOT NULL,
    data {json} NOT NULL,
    -- The principal; null where requests needed no credential, and in rows by other hands.
    actor {text},
    -- Names the write that appended the row, to find out whether a commit without an answer was done.
    -- Absent where a room came to be, and in rows by other hands.
    write_id {uuid},
    PRIMARY KEY (room_id, version)
) {strict};

CREATE TABLE api_keys (
    id {text} NOT NULL PRIMARY KEY,
    principal {text} NOT NULL,
    name {text} NOT NULL,
    -- SHA-256 of the secret, which is kept nowhere.
    secret_hash {bytes} NOT NULL,
    scopes {text} NOT NULL,
    -- Ids with blanks between them; null is every hotel.
    hotels {text},
    created_at {instant} NOT NULL,
    created_by {text} NOT NULL,
    expires_at {instant},
    revoked_at {instant},
    last_used_at {instant}
) {strict};
-- Whose keys a new one would stand beside.
CREATE INDEX api_keys_principal ON api_keys (principal);

CREATE TABLE access_log (
    id {uuid} NOT NULL PRIMARY KEY,
    at {instant} NOT NULL,
    actor {text} NOT NULL,
    kind {text} NOT NULL,
    subject {text} NOT NULL,
    data {json} NOT NULL
) {strict};

-- A key is the client's text behind the principal's name, so that principals do not share keys.
CREATE TABLE idempotency_keys (
    key {text} NOT NULL,
    fingerprint {bytes} NOT NULL,
    status {int} NOT NULL,
    version {int},
    location {text},
    body {text},
    created_at {instant} NOT NULL,
    expires_at {instant} NOT NULL,
    CONSTRAINT idempotency_keys_pkey PRIMARY KEY (key)
) {strict};
-- The answers about one booking: every body begins with its id, in quotes, after seven characters.
CREATE INDEX idempotency_keys_subject ON idempotency_keys (substr(body, 8, 36));
CREATE INDEX idempotency_keys_expires_at ON idempotency_keys (expires_at);
";

/// The database keeps the last word: no two occupying bookings of a room share a night.
///
/// `IS TRUE` hides its index from queries: PostgreSQL takes a partial index where it can prove that the
/// query asks for no other rows, and among few bookings this one looks as good as the B-tree, though a
/// room's bookings cost ten times as much in it.
const GUARD_POSTGRES: &str = r"
CREATE EXTENSION IF NOT EXISTS btree_gist;
ALTER TABLE bookings ADD CONSTRAINT bookings_do_not_overlap
    EXCLUDE USING gist (room_id WITH =, daterange(check_in, check_out) WITH &&)
    WHERE ((status IN ('held', 'confirmed')) IS TRUE);
";

/// SQLite has no exclusion constraints; one trigger for each way a booking comes to occupy nights.
const GUARD_SQLITE: &[(&str, &str)] =
    &[("insert", "INSERT"), ("update", "UPDATE OF room_id, check_in, check_out, status")];

/// Bookings that are there do not overlap, so only the last to begin by `NEW.check_in` can reach
/// into the stay from before: two steps in `bookings_occupying`, however long the room's past is.
fn guard_sqlite(name: &str, event: &str) -> String {
    format!(
        "CREATE TRIGGER bookings_do_not_overlap_{name} BEFORE {event} ON bookings
         WHEN NEW.status IN ('held', 'confirmed') AND EXISTS (
             SELECT 1 FROM bookings AS other
             WHERE other.room_id = NEW.room_id AND other.id <> NEW.id
               AND other.status NOT IN ('cancelled', 'expired')
               AND other.check_in < NEW.check_out AND NEW.check_in < other.check_out
               AND other.check_in >= COALESCE((
                   SELECT before.check_in FROM bookings AS before
                   WHERE before.room_id = NEW.room_id AND before.id <> NEW.id
                     AND before.status NOT IN ('cancelled', 'expired')
                     AND before.check_in <= NEW.check_in
                   ORDER BY before.check_in DESC LIMIT 1), NEW.check_in))
         BEGIN SELECT RAISE(ABORT, 'bookings_do_not_overlap'); END;"
    )
}

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    /// SQLite would otherwise keep half of a step that failed.
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let db = manager.get_connection();
        let backend = manager.get_database_backend();
        let mut tables = TABLES.to_owned();
        for (placeholder, sqlite, postgres) in DIALECTS {
            let text = if backend == DbBackend::Postgres { postgres } else { sqlite };
            tables = tables.replace(placeholder, text);
        }
        db.execute_unprepared(&tables).await?;
        if backend == DbBackend::Postgres {
            db.execute_unprepared(GUARD_POSTGRES).await?;
        } else {
            for (name, event) in GUARD_SQLITE {
                db.execute_unprepared(&guard_sqlite(name, event)).await?;
            }
        }
        Ok(())
    }

    async fn down(&self, _: &SchemaManager) -> Result<(), DbErr> {
        Err(DbErr::Migration("the first step cannot be undone: restore a backup instead".into()))
    }
}
