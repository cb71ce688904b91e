//! Changes: what decisions ask the store to commit.

use crate::booking::Booking;
use crate::event::{Event, EventKind};
use crate::hotel::Hotel;
use crate::ids::{HotelId, RoomId};
use crate::room::Room;
use crate::version::Version;

/// Everything one transaction writes. Each part names the version it was decided on.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Change {
    /// An edit of a hotel. Room writes leave hotels alone.
    pub hotel: Option<HotelChange>,
    /// The rooms to advance, in ascending id: all writers lock them in the same order.
    pub rooms: Vec<RoomChange>,
    /// The bookings to write after the rooms; those that give up nights come first.
    pub bookings: Vec<BookingChange>,
}

impl Change {
    pub(crate) fn of_hotel(hotel: HotelChange) -> Self {
        Self { hotel: Some(hotel), ..Self::default() }
    }

    /// How many lapsed holds it expires.
    #[must_use]
    pub fn holds_expired(&self) -> u64 {
        let events = self.rooms.iter().flat_map(|room| &room.events);
        events.filter(|event| event.kind == EventKind::Expired).count() as u64
    }
}

/// A write to a hotel's own row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum HotelChange {
    /// It is new.
    Insert(Hotel),
    /// Its attributes change, if it still has version `from`.
    Replace {
        /// The version decided on.
        from: Version,
        /// The hotel afterwards.
        to: Hotel,
    },
    /// It goes, if it still has version `from` and no room came meanwhile.
    Delete {
        /// Which one.
        id: HotelId,
        /// The version decided on.
        from: Version,
    },
}

/// A write to one room: the compare-and-set and the events it appends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RoomChange {
    /// The version decided on; the write touches nothing if the room has another.
    pub from: Version,
    /// What is written besides version and `times_booked`.
    pub write: RoomWrite,
    /// By how much `times_booked` changes.
    pub sold: i64,
    /// The room afterwards.
    pub to: Room,
    /// One for each version from `from` (exclusive) to `to.version` (inclusive).
    pub events: Vec<Event>,
}

/// What of a room's row a change writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RoomWrite {
    /// The whole row, new.
    Insert,
    /// Only its counters: a booking of it changed.
    Advance,
    /// Its attributes too.
    Replace,
    /// The mark that it is deleted too.
    Delete,
}

/// A write to one booking, always behind the compare-and-set of its room.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BookingChange {
    /// It is new.
    Insert(Booking),
    /// It replaces the version `from`, which may lie in another `room`.
    Replace {
        /// The room whose row holds it now.
        room: RoomId,
        /// The version decided on.
        from: Version,
        /// The booking afterwards.
        to: Booking,
    },
}

impl BookingChange {
    /// The booking afterwards.
    #[must_use]
    pub fn to(&self) -> &Booking {
        match self {
            Self::Insert(to) | Self::Replace { to, .. } => to,
        }
    }
}
