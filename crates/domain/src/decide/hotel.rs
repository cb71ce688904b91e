//! Creating, editing and deleting a hotel.

use crate::change::{Change, HotelChange};
use crate::decision::{Decided, Decision};
use crate::hotel::{Hotel, HotelAttributes};
use crate::ids::HotelId;
use crate::refusal::Refusal;
use crate::time::Instant;
use crate::version::Version;

impl Hotel {
    /// A new hotel, with the change that stores it. Never refused.
    pub fn create(id: HotelId, attributes: HotelAttributes, now: Instant) -> Decision<Self> {
        let hotel =
            Self { id, attributes, version: Version::FIRST, created_at: now, updated_at: now };
        Ok(Decided::Changed(Change::of_hotel(HotelChange::Insert(hotel.clone())), hotel))
    }

    /// Replaces what clients set. Never refused.
    pub fn edit(&self, attributes: HotelAttributes, now: Instant) -> Decision<Self> {
        if attributes == self.attributes {
            return Ok(Decided::Unchanged(self.clone()));
        }
        let to = Self { attributes, version: self.version.next(), updated_at: now, ..self.clone() };
        let replace = HotelChange::Replace { from: self.version, to: to.clone() };
        Ok(Decided::Changed(Change::of_hotel(replace), to))
    }

    /// Deletes the hotel, unless it `has_rooms` that are not deleted.
    pub fn delete(&self, has_rooms: bool) -> Decision<()> {
        if has_rooms {
            return Err(Refusal::HotelInUse.into());
        }
        let delete = HotelChange::Delete { id: self.id, from: self.version };
        Ok(Decided::Changed(Change::of_hotel(delete), ()))
    }
}
