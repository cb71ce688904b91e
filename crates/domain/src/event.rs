//! The history of a room: one event a version.

use crate::capacity::Guests;
use crate::ids::{BookingId, RoomId};
use crate::money::Total;
use crate::room::RoomAttributes;
use crate::stay::Stay;
use crate::time::Instant;
use crate::version::Version;

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
    /// The particulars. Never guest data: the history stays when a guest is forgotten.
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
        guests: Guests,
        /// Its price.
        total: Option<Total>,
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
    Erased = "erased", "Who stays was forgotten.";
    Cancelled = "cancelled", "A hold or a confirmed booking was cancelled.";
    Expired = "expired", "A hold ran out and was recorded as such.";
    MovedOut = "moved_out", "A booking left for another room.";
    MovedIn = "moved_in", "A booking came from another room.";
    Stayed = "stayed", "A guest changed rooms: the nights slept here are a booking of their own.";
    Rescheduled = "rescheduled", "A booking changed its nights within the room.";
    HoldProlonged = "hold_prolonged", "A hold was given more time.";
    BookingEdited = "booking_edited", "A booking's guest, number of guests, origin or notes changed.";
}
