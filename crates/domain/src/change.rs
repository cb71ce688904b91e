//! Decisions and the changes they ask the store to commit.

use crate::{
    Booking, BookingId, Hotel, HotelId, Instant, Money, Refusal, Room, RoomAttributes, RoomId,
    Stay, Version,
};

/// How a decision ended. `T` is the state after it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Decision<T> {
    /// Commit the change, all of it or none.
    Accepted(Change, T),
    /// It is already as asked: nothing to write, no new version.
    Unchanged(T),
    /// Not done. The change, where there is one, records the lapsed holds met on the way.
    Refused(Refusal, Option<Change>),
}

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

/// One line of a room's history: what its version `version` is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// The room's version that the write produced.
    pub version: Version,
    /// What happened.
    pub kind: EventKind,
    /// The booking it happened to.
    pub booking: Option<BookingId>,
    /// When, by the database's clock.
    pub at: Instant,
    /// The particulars. Never guest data: the history outlives the guest's wish to be forgotten.
    pub data: EventData,
}

/// What an event records besides its kind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EventData {
    /// The room's attributes after it was created or edited.
    Room(RoomAttributes),
    /// The booking's particulars after it was written.
    Booking {
        /// Its nights.
        stay: Stay,
        /// How many people.
        guests: i64,
        /// Its price.
        total: Option<Money>,
        /// When the hold runs out, for a hold.
        hold_expires_at: Option<Instant>,
        /// The other room of a move.
        other_room: Option<RoomId>,
    },
    /// Nothing more to say.
    Nothing,
}

macro_rules! event_kinds {
    ($($variant:ident = $name:literal, $doc:literal;)*) => {
        /// What happened to a room.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum EventKind { $(#[doc = $doc] $variant,)* }

        impl EventKind {
            /// All of them.
            pub const ALL: &[Self] = &[$(Self::$variant,)*];

            /// The name in tables and answers.
            #[must_use]
            pub fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)* }
            }
        }
    };
}

event_kinds! {
    RoomCreated = "room_created", "The room came to be: always version 1.";
    RoomEdited = "room_edited", "Its attributes changed.";
    RoomDeleted = "room_deleted", "It was deleted: always its last write by a client.";
    Booked = "booked", "A stay was booked and confirmed at once.";
    Held = "held", "A stay was held for a while.";
    Confirmed = "confirmed", "A hold became a confirmed booking.";
    Cancelled = "cancelled", "A hold or a confirmed booking was cancelled.";
    Expired = "expired", "A hold ran out and was recorded as such.";
    MovedOut = "moved_out", "A booking left for another room.";
    MovedIn = "moved_in", "A booking came from another room.";
    Rescheduled = "rescheduled", "A booking changed its nights within the room.";
    BookingEdited = "booking_edited", "A booking's guest or number of guests changed.";
}
