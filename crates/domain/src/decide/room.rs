//! Creating, editing and deleting a room.

use super::calendar::Calendar;
use super::draft::Draft;
use crate::change::{Change, RoomChange, RoomWrite};
use crate::decision::{Decided, Decision};
use crate::event::{Event, EventData, EventKind};
use crate::ids::{HotelId, RoomId};
use crate::refusal::Refusal;
use crate::room::{Room, RoomAttributes};
use crate::time::Instant;
use crate::version::Version;

impl Room {
    /// A new room, with the change that stores it. Never refused.
    pub fn create(
        id: RoomId,
        hotel: HotelId,
        attributes: RoomAttributes,
        now: Instant,
    ) -> Decision<Self> {
        let room = Self {
            id,
            hotel,
            attributes,
            times_booked: 0,
            version: Version::FIRST,
            created_at: now,
            updated_at: now,
            deleted_at: None,
        };
        let created = Event {
            version: room.version,
            kind: EventKind::RoomCreated,
            booking: None,
            at: now,
            data: EventData::Room(room.attributes.clone()),
        };
        let change = RoomChange {
            from: Version::FIRST,
            write: RoomWrite::Insert,
            sold: 0,
            events: vec![created],
            to: room.clone(),
        };
        Ok(Decided::Changed(Change { rooms: vec![change], ..Change::default() }, room))
    }

    /// Replaces what clients set. Never refused.
    pub fn edit(&self, attributes: RoomAttributes, now: Instant) -> Decision<Self> {
        if attributes == self.attributes {
            return Ok(Decided::Unchanged(self.clone()));
        }
        let mut draft = Draft::new(self, now);
        draft.rewrite(RoomWrite::Replace, |room| room.attributes = attributes.clone());
        draft.step(EventKind::RoomEdited, None, EventData::Room(attributes));
        let room = draft.room().clone();
        Ok(Decided::Changed(draft.finish(), room))
    }
}

impl Calendar {
    /// Deletes the room, unless a booking occupies a night from today on. `taken` must hold every
    /// booking stored as held or confirmed that checks out after yesterday.
    pub fn delete_room(&self) -> Decision<()> {
        let today = self.today();
        let ahead = self.taken.iter().filter(|booking| booking.stay.check_out() > today);
        let (lapsed, occupying): (Vec<_>, Vec<_>) =
            ahead.partition(|booking| booking.has_lapsed(self.now));
        let mut draft = Draft::new(&self.room, self.now);
        draft.expire_all(lapsed.into_iter());
        if !occupying.is_empty() {
            return Err(draft.refuse(Refusal::RoomInUse { bookings: occupying.len() }));
        }
        draft.rewrite(RoomWrite::Delete, |room| room.deleted_at = Some(self.now));
        draft.step(EventKind::RoomDeleted, None, EventData::Nothing);
        Ok(Decided::Changed(draft.finish(), ()))
    }
}
