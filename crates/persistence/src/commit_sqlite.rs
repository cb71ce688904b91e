//! Keeping a write on SQLite: its statements, in a transaction that other writes may share.

use sea_orm::sqlx::sqlite::{Sqlite, SqliteConnection};
use sea_orm::sqlx::{Transaction, query};
use vacancy_domain::{Booking, BookingChange, RoomChange, RoomId, RoomWrite, Status, Version};

use crate::StoreError;
use crate::entity::{booking, room, room_event};
use crate::keys::Record;
use crate::write::Write;

/// The compare-and-set: moves a room on from the version decided on, or touches nothing.
pub(crate) const ADVANCE: &str = "
UPDATE rooms
SET times_booked = times_booked + ?1, version = version + ?2, updated_at = ?3
WHERE id = ?4 AND version = ?5";

pub(crate) const REWRITE: &str = "
UPDATE rooms
SET times_booked = times_booked + ?1, version = version + ?2, updated_at = ?3,
    number = ?6, kind = ?7, capacity = ?8, rate_amount = ?9, rate_currency = ?10, status = ?11,
    deleted_at = ?12
WHERE id = ?4 AND version = ?5";

pub(crate) const BOOK: &str = "
INSERT INTO bookings (
    room_id, id, hotel_id, guest_name, guest_email, guests, check_in, check_out, status,
    hold_expires_at, total_amount, total_currency, version, room_version, updated_at, source,
    reference, created_at, made_by)
VALUES (
    ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19)";

pub(crate) const CHANGE: &str = "
UPDATE bookings
SET room_id = ?1, hotel_id = ?3, guest_name = ?4, guest_email = ?5, guests = ?6, check_in = ?7,
    check_out = ?8, status = ?9, hold_expires_at = ?10, total_amount = ?11, total_currency = ?12,
    version = ?13, room_version = ?14, updated_at = ?15, source = ?16, reference = ?17
WHERE room_id = ?18 AND id = ?2 AND version = ?19";

pub(crate) const TELL: &str = "
INSERT INTO room_events (room_id, version, kind, booking_id, at, data, write_id, actor)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)";

pub(crate) const ANSWER: &str = "
INSERT INTO idempotency_keys (
    key, fingerprint, status, version, location, body, created_at, expires_at)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)
ON CONFLICT (key) DO UPDATE
SET fingerprint = excluded.fingerprint, status = excluded.status, version = excluded.version,
    location = excluded.location, body = excluded.body, created_at = excluded.created_at,
    expires_at = excluded.expires_at
WHERE idempotency_keys.expires_at <= excluded.created_at";

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
    for (room, event, part) in write.events() {
        let told = query(TELL)
            .bind(room.0)
            .bind(event.version.0)
            .bind(event.kind.name())
            .bind(event.booking.map(|booking| booking.0))
            .bind(event.at)
            .bind(room_event::data(event, &part.request))
            .bind(write.id)
            .bind(part.actor.as_deref());
        told.execute(&mut *to).await.map_err(StoreError::of)?;
    }
    for record in write.records() {
        keep_answer(to, record, write).await?;
    }
    Ok(())
}

async fn advance(
    to: &mut SqliteConnection,
    change: &RoomChange,
    write: &Write,
) -> Result<(), StoreError> {
    let rewrites = matches!(change.write, RoomWrite::Replace | RoomWrite::Delete);
    let mut statement = query(if rewrites { REWRITE } else { ADVANCE })
        .bind(change.sold)
        .bind(change.to.version.0 - change.from.0)
        .bind(write.at)
        .bind(change.to.id.0)
        .bind(change.from.0);
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

async fn keep_booking(to: &mut SqliteConnection, change: &BookingChange) -> Result<(), StoreError> {
    let (was, booking): (Option<(RoomId, Version)>, &Booking) = match change {
        BookingChange::Insert(new) => (None, new),
        BookingChange::Replace { room, from, to } => (Some((*room, *from)), to),
    };
    let row = booking::Model::from(booking);
    let statement = query(if was.is_some() { CHANGE } else { BOOK })
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
        .bind(row.reference);
    let statement = match was {
        Some((room, version)) => statement.bind(room.0).bind(version.0),
        None => statement.bind(row.created_at).bind(row.made_by),
    };
    one_row(statement.execute(to).await)
}

async fn keep_answer(
    to: &mut SqliteConnection,
    record: &Record,
    write: &Write,
) -> Result<(), StoreError> {
    let Record { key, answer } = record;
    let statement = query(ANSWER)
        .bind(key.text.as_str())
        .bind(key.fingerprint.as_slice())
        .bind(i64::from(answer.status))
        .bind(answer.version.map(|version| version.0))
        .bind(answer.location.as_deref())
        .bind(answer.body.as_deref())
        .bind(write.at)
        .bind(write.at + key.time_to_live);
    one_row(statement.execute(to).await)
}

/// No row at the version decided on means that another write came first.
fn one_row(
    result: Result<sea_orm::sqlx::sqlite::SqliteQueryResult, sea_orm::sqlx::Error>,
) -> Result<(), StoreError> {
    match result.map_err(StoreError::of)?.rows_affected() {
        0 => Err(StoreError::Lost { guard: false }),
        _ => Ok(()),
    }
}
