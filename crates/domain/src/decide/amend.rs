//! Changing a booking: its guest, its nights, its room, where it comes from, notes.

use chrono::TimeDelta;

use super::calendar::{Calendar, check_capacity};
use super::command::check_alive;
use super::draft::{Draft, particulars};
use super::slept;
use crate::booking::{Booking, Guest, Status};
use crate::capacity::Guests;
use crate::decision::{Decided, Decision};
use crate::event::EventKind;
use crate::ids::BookingId;
use crate::invalid::{Field, Invalid};
use crate::metadata::Metadata;
use crate::origin::Origin;
use crate::refusal::Refusal;
use crate::room::Room;
use crate::stay::Stay;
use crate::time::Instant;

/// A booking's particulars as they shall be. Those that are the same stay as they are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Amendment {
    /// Who stays.
    pub guest: Guest,
    /// How many people.
    pub guests: Guests,
    /// The nights.
    pub stay: Stay,
    /// Where the booking comes from.
    pub origin: Origin,
    /// What clients note beside it.
    pub metadata: Metadata,
    /// Whether other nights, or another room, cost what they cost now. If not, each night costs what
    /// was agreed.
    pub reprice: bool,
    /// A hold shall run at least so long from now on.
    pub hold: Option<TimeDelta>,
    /// The identity that the nights slept will have if a guest in the house changes rooms, made once
    /// for all attempts.
    pub slept: BookingId,
}

/// Changes a booking's particulars. New nights, or another room (`target.room`), run the whole
/// decision again with the booking itself left out, and price it anew unless the agreed rate shall stay. A hold
/// is only ever prolonged: one that runs longer already stays as it is.
///
/// A guest in the house who changes rooms takes along the nights from today on. Those slept stay in
/// their room, as a booking of their own.
///
/// `room` is the one the booking is in; `target` is the calendar of the one it shall be in, over
/// the nights it shall have.
pub fn amend(
    booking: &Booking,
    room: &Room,
    target: &Calendar,
    amendment: Amendment,
) -> Decision<Booking> {
    let now = target.now;
    check_alive(booking, room, now, "edited")?;
    let status = booking.status.edit(now)?;
    let Amendment { guest, guests, stay, origin, metadata, reprice, hold, slept } = amendment;
    let status = prolong(status, hold, now)?;
    let room_id = target.room.id;
    let mut to =
        Booking { guest, guests, stay, origin, metadata, status, room: room_id, ..booking.clone() };
    if to == *booking {
        return Ok(Decided::Unchanged(to));
    }
    to.version = booking.version.next();
    to.updated_at = now;
    if to.room == booking.room && to.stay == booking.stay {
        return edit_particulars(booking, room, to);
    }
    if booking.continued_by.is_some() {
        return Err(Refusal::InvalidTransition { from: "continued", to: "moved" }.into());
    }
    let slept = slept::leave_behind(booking, &mut to, target.today(), slept)?;
    to.total = if reprice {
        target.price(to.stay)
    } else {
        booking.total.map(|total| total.at_the_rate_of(booking.stay, to.stay))
    };
    relocate(booking, room, target, to, slept)
}

/// The state of a booking whose hold, if it is one, shall run for `hold` from now on.
fn prolong(status: Status, hold: Option<TimeDelta>, now: Instant) -> Result<Status, Refusal> {
    match (status, hold) {
        (Status::Held { until }, Some(hold)) => Ok(Status::Held { until: until.max(now + hold) }),
        (status, Some(_)) => Err(status.cannot_be("prolonged")),
        (status, None) => Ok(status),
    }
}

/// Guest, number of guests, origin, notes or the end of the hold: the nights stay, so nothing but the size of
/// the room matters.
fn edit_particulars(booking: &Booking, room: &Room, mut to: Booking) -> Decision<Booking> {
    // Who stays is no question of size: a room that was made smaller keeps the party it has.
    if to.guests != booking.guests {
        check_capacity(room, to.guests)?;
    }
    let mut draft = Draft::new(room, to.updated_at);
    let (status, version, updated_at) = (to.status, to.version, to.updated_at);
    let prolonged = Booking { status, version, updated_at, ..booking.clone() };
    let kind = if to == prolonged { EventKind::HoldProlonged } else { EventKind::BookingEdited };
    draft.record(kind, &mut to, None);
    draft.replace(booking, to.clone());
    Ok(Decided::Changed(draft.finish(), to))
}

/// Other nights, another room, or both: `to` is the booking as it shall be, but for its room's
/// version, and `slept` holds the nights that stay in the room it leaves.
fn relocate(
    booking: &Booking,
    room: &Room,
    target: &Calendar,
    mut to: Booking,
    slept: Option<Booking>,
) -> Decision<Booking> {
    if target.room.hotel != booking.hotel || target.room.is_deleted() {
        return Err(Invalid::new(Field::RoomId, "must be a room of the same hotel").into());
    }
    // A guest who has arrived already may stay longer.
    if to.stay.check_in() != booking.stay.check_in() {
        target.check_arrival(to.stay)?;
    }
    check_capacity(&target.room, to.guests)?;
    let mut arrival = Draft::new(&target.room, target.now);
    target.expire_lapsed(&mut arrival, to.stay, Some(to.id));
    if let Err(refusal) = target.check_for_sale(to.stay, Some(to.id)) {
        return Err(arrival.refuse(refusal));
    }
    if to.room == booking.room {
        arrival.record(EventKind::Rescheduled, &mut to, None);
        arrival.replace(booking, to.clone());
        return Ok(Decided::Changed(arrival.finish(), to));
    }
    let mut departure = Draft::new(room, target.now);
    departure.sell(-booking.sold());
    departure.step(EventKind::MovedOut, Some(to.id), particulars(booking, Some(to.room)));
    if let Some(mut slept) = slept {
        departure.sell(slept.sold());
        departure.record(EventKind::Stayed, &mut slept, Some(to.room));
        departure.insert(slept);
    }
    arrival.sell(to.sold());
    arrival.record(EventKind::MovedIn, &mut to, Some(booking.room));
    arrival.replace(booking, to.clone());
    Ok(Decided::Changed(departure.finish_with(arrival), to))
}
