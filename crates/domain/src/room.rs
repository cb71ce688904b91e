//! Rooms: the aggregate root. Every write to a room or to a booking of it advances its version.

use crate::change::{Change, Decision, Event, EventData, EventKind, RoomChange, RoomWrite};
use crate::{BookingId, HotelId, Instant, Money, RoomId, Text, Version};

/// The largest capacity of a room.
const CAPACITY_MAX: i64 = 100;

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
    /// How many guests it takes, 1 to 100.
    pub capacity: i64,
    /// What a night costs; a booking made without a rate has no total.
    pub nightly_rate: Option<Money>,
    /// Whether it is for sale.
    pub status: RoomStatus,
}

impl RoomAttributes {
    /// Checks a capacity. Fails with what to correct.
    pub fn check_capacity(capacity: i64) -> Result<i64, String> {
        if (1..=CAPACITY_MAX).contains(&capacity) {
            return Ok(capacity);
        }
        Err(format!("must be 1 to {CAPACITY_MAX}"))
    }
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

    /// A new room, with the change that stores it.
    #[must_use]
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
        let change = RoomChange {
            from: Version::FIRST,
            write: RoomWrite::Insert,
            sold: 0,
            events: vec![Event {
                version: room.version,
                kind: EventKind::RoomCreated,
                booking: None,
                at: now,
                data: EventData::Room(room.attributes.clone()),
            }],
            to: room.clone(),
        };
        Decision::Accepted(Change { rooms: vec![change], ..Change::default() }, room)
    }

    /// Replaces what clients set.
    #[must_use]
    pub fn edit(&self, attributes: RoomAttributes, now: Instant) -> Decision<Self> {
        if attributes == self.attributes {
            return Decision::Unchanged(self.clone());
        }
        let mut draft = RoomDraft::new(self, now);
        draft.room.attributes = attributes.clone();
        draft.write = RoomWrite::Replace;
        draft.step(EventKind::RoomEdited, None, EventData::Room(attributes));
        let room = draft.room.clone();
        Decision::Accepted(Change { rooms: vec![draft.finish()], ..Change::default() }, room)
    }
}

/// A room on its way from the version decided on to the one to commit.
pub(crate) struct RoomDraft {
    pub(crate) room: Room,
    pub(crate) write: RoomWrite,
    from: Version,
    sold: i64,
    events: Vec<Event>,
}

impl RoomDraft {
    pub(crate) fn new(room: &Room, now: Instant) -> Self {
        let mut room = room.clone();
        let from = room.version;
        room.updated_at = now;
        Self { room, write: RoomWrite::Advance, from, sold: 0, events: Vec::new() }
    }

    /// Counts confirmed bookings gained or lost.
    pub(crate) fn sell(&mut self, sold: i64) {
        self.sold += sold;
        self.room.times_booked += sold;
    }

    /// One write to the room: the next version, and the event that explains it.
    pub(crate) fn step(
        &mut self,
        kind: EventKind,
        booking: Option<BookingId>,
        data: EventData,
    ) -> Version {
        self.room.version = self.room.version.next();
        let (version, at) = (self.room.version, self.room.updated_at);
        self.events.push(Event { version, kind, booking, at, data });
        version
    }

    pub(crate) fn finish(self) -> RoomChange {
        let Self { room: to, write, from, sold, events } = self;
        RoomChange { from, write, sold, to, events }
    }
}
