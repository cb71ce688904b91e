//! Nights slept: when a guest in the house changes rooms, they stay where they were slept.

use crate::booking::{Booking, Status};
use crate::ids::BookingId;
use crate::invalid::{Field, Invalid};
use crate::origin::Origin;
use crate::stay::Stay;
use crate::time::Day;
use crate::version::Version;

/// Leaves behind the nights that were slept before `today` where `booking` was, as a booking `id` of
/// their own, and lets `to`, what the booking shall be, begin today. They keep the guest, the source,
/// the metadata and the rate they were slept at; the reference names the stay that goes on.
///
/// None where nothing stays behind: within a room; before the first night is over; for a hold, which
/// no guest sleeps on; and for another day of arrival, which is another stay. Fails when no night is
/// left to move.
pub(super) fn leave_behind(
    booking: &Booking,
    to: &mut Booking,
    today: Day,
    id: BookingId,
) -> Result<Option<Booking>, Invalid> {
    let (check_in, check_out) = (booking.stay.check_in(), booking.stay.check_out());
    let arrived =
        booking.status == Status::Confirmed && check_in < today && to.stay.check_in() == check_in;
    if to.room == booking.room || !arrived {
        return Ok(None);
    }
    if check_out < today || to.stay.check_out() <= today {
        let why = "must be left as it is: no night of the stay is left to move";
        return Err(Invalid::new(Field::RoomId, why));
    }
    let nights = Stay::new(check_in, today)?;
    to.stay = Stay::new(today, to.stay.check_out())?;
    to.continues = Some(id);
    Ok(Some(Booking {
        id,
        stay: nights,
        origin: Origin { reference: None, ..booking.origin.clone() },
        total: booking.total.map(|total| total.at_the_rate_of(booking.stay, nights)),
        continued_by: Some(booking.id),
        version: Version::FIRST,
        created_at: to.updated_at,
        updated_at: to.updated_at,
        ..booking.clone()
    }))
}
