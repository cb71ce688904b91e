//! What the rules say no with.

use crate::capacity::{Capacity, Guests};
use crate::ids::RoomId;
use crate::invalid::{Field, Invalid};
use crate::stay::Stay;

/// Why a well-formed request is not carried out. Carries what the caller needs to explain it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// A field contradicts what is stored or what day it is.
    #[error(transparent)]
    Invalid(#[from] Invalid),
    /// More guests than the room takes.
    #[error("{guests} guests are more than the {capacity} the room takes")]
    CapacityExceeded {
        /// How many were asked for.
        guests: Guests,
        /// How many the room takes.
        capacity: Capacity,
    },
    /// The room is not for sale at present.
    #[error("the room is closed")]
    RoomClosed,
    /// Occupying bookings have nights of the stay.
    #[error("the room is not free for this stay")]
    RoomUnavailable {
        /// The room that was asked for.
        room: RoomId,
        /// The stays in the way, in order.
        conflicts: Vec<Stay>,
    },
    /// The hold ran out before the request was decided.
    #[error("the hold has expired")]
    HoldExpired,
    /// The booking's state does not allow it.
    #[error("a booking that is {from} cannot be {to}")]
    InvalidTransition {
        /// The state it is in.
        from: &'static str,
        /// What was asked of it, as a participle.
        to: &'static str,
    },
    /// Occupying bookings from today on keep the room from being deleted.
    #[error("the room has {bookings} bookings from today on")]
    RoomInUse {
        /// How many.
        bookings: usize,
    },
    /// The hotel still has rooms.
    #[error("the hotel still has rooms")]
    HotelInUse,
    /// No room of the hotel is open, large enough, of the kind and free.
    #[error("no room of the hotel is free for this stay")]
    NoRoomAvailable,
}

impl Refusal {
    /// The field to correct, if correcting one field is all it takes.
    #[must_use]
    pub fn field(&self) -> Option<Field> {
        match self {
            Self::Invalid(invalid) => Some(invalid.field),
            Self::CapacityExceeded { .. } => Some(Field::Guests),
            Self::RoomClosed
            | Self::RoomUnavailable { .. }
            | Self::HoldExpired
            | Self::InvalidTransition { .. }
            | Self::RoomInUse { .. }
            | Self::HotelInUse
            | Self::NoRoomAvailable => None,
        }
    }
}
