//! Whether a request may see what it is about, on the snapshot that it is decided on. What it may not
//! see is not there for it.

use vacancy_domain::HotelId;
use vacancy_persistence::HotelSnapshot;

use super::operation::{Look, Seen};
use crate::auth::access::Access;
use crate::http::problem::Problem;

/// Fails with 404 when the room or the booking belongs to another hotel, or to another principal.
pub(super) fn rooms(access: &Access, look: &Look, seen: &Seen) -> Result<(), Problem> {
    if let Some(room) = look.room {
        let room = seen.calendar(room).map(|calendar| &calendar.room);
        access.visible(room).ok_or(Problem::NotFound("room"))?;
    }
    if let Some(id) = look.booking {
        let booking = seen.booking(id).ok().map(|(booking, _)| booking);
        access.visible(booking).ok_or(Problem::NotFound("booking"))?;
    }
    Ok(())
}

/// As [`rooms`], of a hotel. Fails with 403 for a new hotel, when the request is limited to others.
pub(super) fn hotel(
    access: &Access,
    about: Option<HotelId>,
    seen: &HotelSnapshot,
) -> Result<(), Problem> {
    if about.is_some() {
        access.visible(seen.hotel.as_ref()).map(|_| ()).ok_or(Problem::NotFound("hotel"))
    } else if access.covers(None) {
        Ok(())
    } else {
        Err(Problem::HotelsExceeded)
    }
}
