//! Keeping a write on SQLite: its statements, in a transaction that other writes may share.

use std::sync::LazyLock;

use sea_orm::sqlx::query::Query;
use sea_orm::sqlx::sqlite::{Sqlite, SqliteArguments, SqliteConnection, SqliteQueryResult};
use sea_orm::sqlx::{Transaction, query};
use vacancy_domain::{
    Booking, BookingChange, Event, RoomChange, RoomId, RoomWrite, Status, folded,
};

use crate::StoreError;
use crate::entity::{booking, room, room_event};
use crate::keys::Record;
use crate::write::{Part, Write};

/// The compare-and-set: moves a room on from the version decided on, or touches nothing.
pub(crate) const ADVANCE: &str = "
UPDATE rooms
SET times_booked = times_booked + ?, version = version + ?, updated_at = ?
WHERE id = ? AND version = ?";

pub(crate) const REWRITE: &str = "
UPDATE rooms
SET times_booked = times_booked + ?1, version = version + ?2, updated_at = ?3,
    number = ?6, kind = ?7, capacity = ?8, rate_amount = ?9, rate_currency = ?10, status = ?11,
    deleted_at = ?12
WHERE id = ?4 AND version = ?5";

pub(crate) const CHANGE: &str = "
UPDATE bookings
SET room_id = ?1, hotel_id = ?3, guest_name = ?4, guest_email = ?5, guests = ?6, check_in = ?7,
    check_out = ?8, status = ?9, hold_expires_at = ?10, total_amount = ?11, total_currency = ?12,
    version = ?13, room_version = ?14, updated_at = ?15, source = ?16, reference = ?17,
    continues = ?18, metadata = ?19, guest_name_folded = ?20, guest_email_folded = ?21
WHERE room_id = ?22 AND id = ?2 AND version = ?23";

/// Inserts a booking, an event, an answer, where `{if}` holds.
const BOOK: &str = "
INSERT INTO bookings (
    room_id, id, hotel_id, guest_name, guest_email, guests, check_in, check_out, status,
    hold_expires_at, total_amount, total_currency, version, room_version, updated_at, source,
    reference, continues, metadata, guest_name_folded, guest_email_folded, created_at, made_by,
    continued_by)
SELECT ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ? WHERE {if}";

const TELL: &str = "
INSERT INTO room_events (room_id, version, kind, booking_id, at, data, write_id, actor)
SELECT ?, ?, ?, ?, ?, ?, ?, ? WHERE {if}";

const ANSWER: &str = "
INSERT INTO idempotency_keys (
    key, fingerprint, status, version, location, body, created_at, expires_at)
SELECT ?, ?, ?, ?, ?, ?, ?, ? WHERE {if}
ON CONFLICT (key) DO UPDATE
SET fingerprint = excluded.fingerprint, status = excluded.status, version = excluded.version,
    location = excluded.location, body = excluded.body, created_at = excluded.created_at,
    expires_at = excluded.expires_at
WHERE idempotency_keys.expires_at <= excluded.created_at";

static ALWAYS: LazyLock<[String; 3]> =
    LazyLock::new(|| [BOOK, TELL, ANSWER].map(|text| text.replace("{if}", "true")));

/// The commit of one new booking, without and with an answer to keep: each statement only goes on where
/// the one before it wrote its row. The driver takes all to its thread in one step.
static ONE_BOOKING: LazyLock<[String; 2]> = LazyLock::new(|| {
    let texts = [ADVANCE, BOOK, TELL, ANSWER].map(|text| text.replace("{if}", "changes() = 1"));
    [texts[..3].join(";"), texts.join(";")]
});

/// See [`crate::Session::commit`]; `transaction` has read what was decided on.
pub(crate) async fn commit(
    mut transaction: Transaction<'static, Sqlite>,
    write: &Write,
) -> Result<(), StoreError> {
    if !write.enter() {
        return Err(StoreError::Abandoned);
    }
    let kept = match keep(&mut transaction, write).await {
        Ok(()) => {
            let ended = transaction.commit().await;
            ended.map_err(|error| StoreError::at_commit_of(StoreError::of(error)))
        }
        Err(error) => Err(error),
    };
    if kept.as_ref().is_err_and(|error| !matches!(error, StoreError::Unknown(_))) {
        write.reopen();
    }
    kept
}

/// Carries out the statements. The order matters: the compare-and-set of the rooms first, then the
/// bookings that give up nights, or the guard would meet them.
pub(crate) async fn keep(to: &mut SqliteConnection, write: &Write) -> Result<(), StoreError> {
    if let Some((statement, rows)) = one_booking(write) {
        return match statement.execute(to).await.map_err(StoreError::of)?.rows_affected() {
            0 => Err(StoreError::Missed),
            kept if kept == rows => Ok(()),
            _ => Err(StoreError::Lost { guard: false }),
        };
    }
    for change in &write.change.rooms {
        advance(to, change, write).await?;
    }
    let gives_up = |change: &&BookingChange| match change {
        BookingChange::Replace { to, .. } => {
            matches!(to.status, Status::Cancelled | Status::Expired)
        }
        BookingChange::Insert(_) => false,
    };
    for change in write.change.bookings.iter().filter(gives_up) {
        keep_booking(to, change).await?;
    }
    for change in write.change.bookings.iter().filter(|change| !gives_up(change)) {
        keep_booking(to, change).await?;
    }
    let [_, tell, answer] = &*ALWAYS;
    for event in write.events() {
        one_row(bind_event(query(tell.as_str()), event, write).execute(&mut *to).await)?;
    }
    for record in write.records() {
        one_row(bind_answer(query(answer.as_str()), record, write).execute(&mut *to).await)?;
    }
    Ok(())
}

/// The statement for a write that is one new booking, and how many rows it writes.
fn one_booking(write: &Write) -> Option<(Statement<'_>, u64)> {
    let [room] = write.change.rooms.as_slice() else { return None };
    let [BookingChange::Insert(booking)] = write.change.bookings.as_slice() else { return None };
    let mut records = write.records();
    let (record, event) = (records.next(), write.events().next()?);
    let alone = records.next().is_none() && write.events().nth(1).is_none();
    if !alone || rewrites(room) {
        return None;
    }
    let [without, with] = &*ONE_BOOKING;
    let text = if record.is_some() { with.as_str() } else { without.as_str() };
    let statement = bind_advance(query(text), room, write);
    let statement = bind_event(bind_new(bind_row(statement, booking), booking), event, write);
    Some(match record {
        Some(record) => (bind_answer(statement, record, write), 4),
        None => (statement, 3),
    })
}

type Statement<'q> = Query<'q, Sqlite, SqliteArguments>;

fn rewrites(change: &RoomChange) -> bool {
    matches!(change.write, RoomWrite::Replace | RoomWrite::Delete)
}

async fn advance(
    to: &mut SqliteConnection,
    change: &RoomChange,
    write: &Write,
) -> Result<(), StoreError> {
    let rewrites = rewrites(change);
    let mut statement =
        bind_advance(query(if rewrites { REWRITE } else { ADVANCE }), change, write);
    if rewrites {
        let row = room::Model::from(&change.to);
        statement = statement
            .bind(row.number)
            .bind(row.kind)
            .bind(row.capacity)
            .bind(row.rate_amount)
            .bind(row.rate_currency)
            .bind(row.status)
            .bind(row.deleted_at);
    }
    let hit = one_row(statement.execute(to).await);
    if matches!(hit, Err(StoreError::Lost { .. })) { Err(StoreError::Missed) } else { hit }
}

fn bind_advance<'q>(statement: Statement<'q>, change: &RoomChange, write: &Write) -> Statement<'q> {
    statement
        .bind(change.sold)
        .bind(change.to.version.0 - change.from.0)
        .bind(write.at)
        .bind(change.to.id.0)
        .bind(change.from.0)
}

async fn keep_booking(to: &mut SqliteConnection, change: &BookingChange) -> Result<(), StoreError> {
    let [book, ..] = &*ALWAYS;
    let statement = match change {
        BookingChange::Insert(new) => bind_new(bind_row(query(book.as_str()), new), new),
        BookingChange::Replace { room, from, to } => {
            bind_row(query(CHANGE), to).bind(room.0).bind(from.0)
        }
    };
    one_row(statement.execute(to).await)
}

fn bind_row<'q>(statement: Statement<'q>, booking: &Booking) -> Statement<'q> {
    let row = booking::Model::from(booking);
    let (name, email) = (folded(&row.guest_name), row.guest_email.as_deref().map(folded));
    statement
        .bind(row.room_id)
        .bind(row.id)
        .bind(row.hotel_id)
        .bind(row.guest_name)
        .bind(row.guest_email)
        .bind(row.guests)
        .bind(row.check_in)
        .bind(row.check_out)
        .bind(row.status)
        .bind(row.hold_expires_at)
        .bind(row.total_amount)
        .bind(row.total_currency)
        .bind(row.version)
        .bind(row.room_version)
        .bind(row.updated_at)
        .bind(row.source)
        .bind(row.reference)
        .bind(row.continues)
        .bind(row.metadata)
        .bind(name)
        .bind(email)
}

/// What only a new row is given.
fn bind_new<'q>(statement: Statement<'q>, booking: &Booking) -> Statement<'q> {
    let continued_by = booking.continued_by.map(|id| id.0);
    statement.bind(booking.created_at).bind(booking.made_by.clone()).bind(continued_by)
}

fn bind_event<'q>(
    statement: Statement<'q>,
    (room, event, part): (RoomId, &Event, &Part),
    write: &Write,
) -> Statement<'q> {
    statement
        .bind(room.0)
        .bind(event.version.0)
        .bind(event.kind.name())
        .bind(event.booking.map(|booking| booking.0))
        .bind(event.at)
        .bind(room_event::data(event, &part.request))
        .bind(write.id)
        .bind(part.actor.as_deref().map(str::to_owned))
}

fn bind_answer<'q>(statement: Statement<'q>, record: &Record, write: &Write) -> Statement<'q> {
    let Record { key, answer } = record;
    statement
        .bind(key.text.clone())
        .bind(key.fingerprint.to_vec())
        .bind(i64::from(answer.status))
        .bind(answer.version.map(|version| version.0))
        .bind(answer.location.clone())
        .bind(answer.body.clone())
        .bind(write.at)
        .bind(write.at + key.time_to_live)
}

/// No row at the version decided on means that another write came first.
fn one_row(result: Result<SqliteQueryResult, sea_orm::sqlx::Error>) -> Result<(), StoreError> {
    match result.map_err(StoreError::of)?.rows_affected() {
        0 => Err(StoreError::Lost { guard: false }),
        _ => Ok(()),
    }
}
