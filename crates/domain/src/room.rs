//! Rooms: the aggregate root. Every write to a room or to a booking of it advances its version.

use crate::capacity::Capacity;
use crate::ids::{HotelId, RoomId};
use crate::money::Money;
use crate::text::Text;
use crate::time::Instant;
use crate::version::Version;

/// Whether a room is for sale.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum RoomStatus {
    /// It may be booked.
    #[default]
    Open,
    /// It keeps its bookings and takes no new ones.
    Closed,
}

impl RoomStatus {
    /// The name in tables and answers.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Closed => "closed",
        }
    }

    /// Reads [`RoomStatus::name`] back.
    pub fn parse(name: &str) -> Result<Self, String> {
        match name {
            "open" => Ok(Self::Open),
            "closed" => Ok(Self::Closed),
            _ => Err("must be open or closed".into()),
        }
    }
}

/// What a client may set of a room.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RoomAttributes {
    /// The number on the door, unique among the hotel's rooms.
    pub number: Text,
    /// Free text, e.g. `double`.
    pub kind: Text,
    /// How many guests it takes.
    pub capacity: Capacity,
    /// What a night costs; a booking made without a rate has no total.
    pub nightly_rate: Option<Money>,
    /// Whether it is for sale.
    pub status: RoomStatus,
}

/// A room as stored. Its `ETag` is true because everything here is a column of its own row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Room {
    /// Its identity.
    pub id: RoomId,
    /// The hotel it belongs to, for ever.
    pub hotel: HotelId,
    /// What clients set.
    pub attributes: RoomAttributes,
    /// How many of its bookings are confirmed now, past ones included.
    pub times_booked: i64,
    /// Counts every committed write to it and to its bookings.
    pub version: Version,
    /// When it was created.
    pub created_at: Instant,
    /// When this version came to be.
    pub updated_at: Instant,
    /// When it was deleted. Its bookings and events stay.
    pub deleted_at: Option<Instant>,
}

impl Room {
    /// Whether it was deleted: then it answers 404 and is not for sale.
    #[must_use]
    pub fn is_deleted(&self) -> bool {
        self.deleted_at.is_some()
    }
}
