//! The kind of problem that each refusal of the domain is.

use vacancy_domain::Refusal;

use super::code::Code;

/// The row of the contract for a refusal.
#[must_use]
pub fn code(refusal: &Refusal) -> Code {
    match refusal {
        Refusal::Invalid(_) => Code::ValidationFailed,
        Refusal::CapacityExceeded { .. } => Code::CapacityExceeded,
        Refusal::RoomClosed => Code::RoomClosed,
        Refusal::RoomUnavailable { .. } => Code::RoomUnavailable,
        Refusal::HoldExpired => Code::HoldExpired,
        Refusal::InvalidTransition { .. } => Code::InvalidTransition,
        Refusal::RoomInUse { .. } => Code::RoomInUse,
        Refusal::HotelInUse => Code::HotelInUse,
        Refusal::NoRoomAvailable => Code::NoRoomAvailable,
    }
}
