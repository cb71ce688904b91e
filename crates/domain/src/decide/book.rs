//! Booking or holding a stay.

use super::calendar::{Calendar, check_capacity};
use super::draft::Draft;
use crate::booking::{Booking, Guest, Status};
use crate::capacity::Guests;
use crate::decision::{Decided, Decision};
use crate::event::EventKind;
use crate::ids::BookingId;
use crate::metadata::Metadata;
use crate::origin::Origin;
use crate::stay::Stay;
use crate::version::Version;

/// A stay that a caller wants.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewBooking {
    /// The identity it will have, made once for all attempts.
    pub id: BookingId,
    /// Who stays.
    pub guest: Guest,
    /// How many people.
    pub guests: Guests,
    /// The nights.
    pub stay: Stay,
    /// Where it comes from.
    pub origin: Origin,
    /// What clients note beside it.
    pub metadata: Metadata,
    /// How long to hold it unconfirmed; absent books it at once.
    pub hold: Option<chrono::TimeDelta>,
    /// The principal that makes it, if requests need a credential.
    pub made_by: Option<String>,
}

impl Calendar {
    /// Books or holds a stay. Lapsed holds in its way are expired first, in the same change.
    pub fn book(&self, wanted: NewBooking) -> Decision<Booking> {
        self.check_arrival(wanted.stay)?;
        check_capacity(&self.room, wanted.guests)?;
        let mut draft = Draft::new(&self.room, self.now);
        self.expire_lapsed(&mut draft, wanted.stay, None);
        if let Err(refusal) = self.check_for_sale(wanted.stay, None) {
            return Err(draft.refuse(refusal));
        }
        let (kind, status) = match wanted.hold {
            Some(hold) => (EventKind::Held, Status::Held { until: self.now + hold }),
            None => (EventKind::Booked, Status::Confirmed),
        };
        let mut booking = Booking {
            id: wanted.id,
            room: self.room.id,
            hotel: self.room.hotel,
            guest: wanted.guest,
            guests: wanted.guests,
            stay: wanted.stay,
            status,
            total: self.price(wanted.stay),
            origin: wanted.origin,
            continues: None,
            continued_by: None,
            metadata: wanted.metadata,
            made_by: wanted.made_by,
            version: Version::FIRST,
            room_version: self.room.version,
            created_at: self.now,
            updated_at: self.now,
        };
        draft.sell(booking.sold());
        draft.record(kind, &mut booking, None);
        draft.insert(booking.clone());
        Ok(Decided::Changed(draft.finish(), booking))
    }
}
