//! The arguments of the commit statement: a column each of the rows of all its writes.

use std::sync::Arc;

use sea_orm::sqlx::postgres::{PgArguments, Postgres};
use sea_orm::sqlx::query::Query;
use uuid::Uuid;
use vacancy_domain::{Booking, BookingChange, RoomChange, RoomId, folded};

use super::shape::Rooms;
use crate::entity::{booking, room, room_event};
use crate::keys::Record;
use crate::write::Write;

pub(super) type Statement = Query<'static, Postgres, PgArguments>;

/// One column of `$rows`.
macro_rules! column {
    ($rows:expr, $row:pat => $value:expr) => {
        $rows.iter().map(|$row| $value).collect::<Vec<_>>()
    };
}

/// Binds everything, in the order that the statement says.
pub(super) fn bind(statement: Statement, rooms: Rooms, writes: &[Arc<Write>]) -> Statement {
    let fence = writes.iter().map(|write| write.fence()).min();
    let needed: i64 = if rooms == Rooms::AdvanceTwo { 2 } else { 0 };
    let statement = statement.bind(fence).bind(needed);
    let statement = bind_events(bind_bookings(statement, writes), writes);
    let keys: Vec<_> = writes.iter().flat_map(|write| keys_of(write)).collect();
    let statement = statement.bind(column!(keys, (write, _) => room_of(write).map(|room| room.0)));
    bind_rooms(bind_keys(statement, &keys), rooms, writes)
}

/// The room whose row the other rows of a write select from.
fn room_of(write: &Write) -> Option<RoomId> {
    write.change.rooms.first().map(|change| change.to.id)
}

fn bind_bookings(statement: Statement, writes: &[Arc<Write>]) -> Statement {
    let changes = writes.iter().flat_map(|write| &write.change.bookings);
    let mut rows: Vec<_> = changes.map(as_written).collect();
    // In one order everywhere, so that no two statements wait for each other's references. The order
    // of the rest means nothing here.
    rows.sort_by(|(_, one), (_, other)| one.claim().cmp(&other.claim()));
    statement
        .bind(column!(rows, (was, _) => was.map(|(room, _)| room)))
        .bind(column!(rows, (was, _) => was.map(|(_, version)| version)))
        .bind(column!(rows, (_, row) => row.room_id))
        .bind(column!(rows, (_, row) => row.id))
        .bind(column!(rows, (_, row) => row.hotel_id))
        .bind(column!(rows, (_, row) => row.guest_name.clone()))
        .bind(column!(rows, (_, row) => row.guest_email.clone()))
        .bind(column!(rows, (_, row) => row.guests))
        .bind(column!(rows, (_, row) => row.check_in))
        .bind(column!(rows, (_, row) => row.check_out))
        .bind(column!(rows, (_, row) => row.status.clone()))
        .bind(column!(rows, (_, row) => row.hold_expires_at))
        .bind(column!(rows, (_, row) => row.total_amount))
        .bind(column!(rows, (_, row) => row.total_currency.clone()))
        .bind(column!(rows, (_, row) => row.version))
        .bind(column!(rows, (_, row) => row.room_version))
        .bind(column!(rows, (_, row) => row.created_at))
        .bind(column!(rows, (_, row) => row.updated_at))
        .bind(column!(rows, (_, row) => row.made_by.clone()))
        .bind(column!(rows, (_, row) => row.source.clone()))
        .bind(column!(rows, (_, row) => row.reference.clone()))
        .bind(column!(rows, (_, row) => row.continues))
        .bind(column!(rows, (_, row) => row.continued_by))
        .bind(column!(rows, (_, row) => row.metadata.clone()))
        .bind(column!(rows, (_, row) => folded(&row.guest_name)))
        .bind(column!(rows, (_, row) => row.guest_email.as_deref().map(folded)))
}

type Was = Option<(Uuid, i64)>;

/// The room and version decided on, unless it is new, and the row afterwards.
fn as_written(change: &BookingChange) -> (Was, booking::Model) {
    let row = |booking: &Booking| booking::Model::from(booking);
    match change {
        BookingChange::Insert(new) => (None, row(new)),
        BookingChange::Replace { room, from, to } => (Some((room.0, from.0)), row(to)),
    }
}

fn bind_events(statement: Statement, writes: &[Arc<Write>]) -> Statement {
    let named = |write: &Arc<Write>| write.id;
    let events: Vec<_> = writes
        .iter()
        .flat_map(|write| write.events().map(move |event| (event, named(write))))
        .collect();
    statement
        .bind(column!(events, ((room, _, _), _) => room.0))
        .bind(column!(events, ((_, event, _), _) => event.version.0))
        .bind(column!(events, ((_, event, _), _) => event.kind.name()))
        .bind(column!(events, ((_, event, _), _) => event.booking.map(|booking| booking.0)))
        .bind(column!(events, ((_, event, _), _) => event.at))
        .bind(column!(events, ((_, event, part), _) => room_event::data(event, &part.request)))
        .bind(column!(events, ((_, _, part), _) => part.actor.as_deref().map(str::to_owned)))
        .bind(column!(events, (_, write) => *write))
}

/// The keys of one write, each with the write.
pub(super) fn keys_of(write: &Write) -> impl Iterator<Item = (&Write, &Record)> {
    write.records().map(move |record| (write, record))
}

/// Binds all of the keys but the rooms of their writes.
pub(super) fn bind_keys(statement: Statement, keys: &[(&Write, &Record)]) -> Statement {
    statement
        .bind(column!(keys, (_, it) => it.key.text.clone()))
        .bind(column!(keys, (_, it) => it.key.fingerprint.to_vec()))
        .bind(column!(keys, (_, it) => i64::from(it.answer.status)))
        .bind(column!(keys, (_, it) => it.answer.version.map(|version| version.0)))
        .bind(column!(keys, (_, it) => it.answer.location.clone()))
        .bind(column!(keys, (_, it) => it.answer.body.clone()))
        .bind(column!(keys, (write, _) => write.at))
        .bind(column!(keys, (write, it) => write.at + it.key.time_to_live))
}

fn bind_rooms(statement: Statement, rooms: Rooms, writes: &[Arc<Write>]) -> Statement {
    let steps = |change: &RoomChange| change.to.version.0 - change.from.0;
    let changes: Vec<_> = writes
        .iter()
        .flat_map(|write| write.change.rooms.iter().map(|change| (write.at, change)))
        .collect();
    let (at, only) = match (rooms, changes.as_slice()) {
        (Rooms::Advance | Rooms::Rewrite, [only]) => *only,
        _ => {
            return statement
                .bind(column!(changes, (at, _) => *at))
                .bind(column!(changes, (_, change) => change.sold))
                .bind(column!(changes, (_, change) => steps(change)))
                .bind(column!(changes, (_, change) => change.to.id.0))
                .bind(column!(changes, (_, change) => change.from.0));
        }
    };
    let statement = statement.bind(at).bind(only.sold).bind(steps(only));
    let statement = statement.bind(only.to.id.0).bind(only.from.0);
    if rooms == Rooms::Advance {
        return statement;
    }
    let row = room::Model::from(&only.to);
    statement
        .bind(row.number)
        .bind(row.kind)
        .bind(row.capacity)
        .bind(row.rate_amount)
        .bind(row.rate_currency)
        .bind(row.status)
        .bind(row.deleted_at)
}
