//! Commands on a booking: confirm, cancel, expire. `room` is always the one the booking is in.

use super::draft::Draft;
use crate::booking::{Booking, Guest, Status};
use crate::decision::{Decided, Decision, Refused};
use crate::event::EventKind;
use crate::metadata::Metadata;
use crate::origin::Origin;
use crate::refusal::Refusal;
use crate::room::Room;
use crate::text::Text;
use crate::time::Instant;

/// Confirms a hold that has not lapsed.
pub fn confirm(booking: &Booking, room: &Room, now: Instant) -> Decision<Booking> {
    check_alive(booking, room, now, "confirmed")?;
    let status = booking.status.confirm(now)?;
    Ok(transition(booking, room, now, status, EventKind::Confirmed))
}

/// Cancels a hold that has not lapsed, or a confirmed booking.
pub fn cancel(booking: &Booking, room: &Room, now: Instant) -> Decision<Booking> {
    check_alive(booking, room, now, "cancelled")?;
    let status = booking.status.cancel(now)?;
    Ok(transition(booking, room, now, status, EventKind::Cancelled))
}

/// Records that a hold has lapsed; anything else is left as it is. Never refused.
pub fn expire(booking: &Booking, room: &Room, now: Instant) -> Decision<Booking> {
    Ok(transition(booking, room, now, booking.status.expire(now), EventKind::Expired))
}

/// Forgets who stays, in whatever state the booking and its room are, and the reference by which others
/// would know, and the notes, which may tell; all else stays as it is. Never refused, and once done it changes nothing more.
pub fn erase(booking: &Booking, room: &Room, now: Instant) -> Decision<Booking> {
    let guest = Guest { name: Text::erased(), email: None };
    let metadata = Metadata::default();
    let origin = Origin { reference: None, ..booking.origin.clone() };
    let forgotten = (&booking.guest, &booking.origin) == (&guest, &origin);
    if forgotten && booking.metadata.is_empty() {
        return Ok(Decided::Unchanged(booking.clone()));
    }
    let mut draft = Draft::new(room, now);
    let version = booking.version.next();
    let mut to = Booking { guest, origin, metadata, version, updated_at: now, ..booking.clone() };
    draft.record(EventKind::Erased, &mut to, None);
    draft.replace(booking, to.clone());
    Ok(Decided::Changed(draft.finish(), to))
}

/// What refuses every command and edit alike: a deleted room, or a lapsed hold (which is recorded).
/// `to` is what was asked of the booking, as a participle.
pub(super) fn check_alive(
    booking: &Booking,
    room: &Room,
    now: Instant,
    to: &'static str,
) -> Result<(), Refused> {
    if room.is_deleted() {
        return Err(booking.status.cannot_be(to).into());
    }
    if booking.has_lapsed(now) {
        let mut draft = Draft::new(room, now);
        draft.expire(booking);
        return Err(draft.refuse(Refusal::HoldExpired));
    }
    Ok(())
}

fn transition(
    booking: &Booking,
    room: &Room,
    now: Instant,
    status: Status,
    kind: EventKind,
) -> Decided<Booking> {
    if status == booking.status {
        return Decided::Unchanged(booking.clone());
    }
    let mut draft = Draft::new(room, now);
    let to = draft.turn(booking, status, kind);
    Decided::Changed(draft.finish(), to)
}
