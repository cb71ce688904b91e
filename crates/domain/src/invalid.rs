//! A value that cannot be accepted, and which of the request's fields it stands in.

/// What a caller can correct. Where it stands in a body is not this crate's business.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Field {
    /// The day of arrival.
    CheckIn,
    /// The day of departure.
    CheckOut,
    /// The number of guests.
    Guests,
    /// The room of a booking.
    RoomId,
}

/// One field that cannot be accepted, and what to do about it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct Invalid {
    /// The field to correct.
    pub field: Field,
    /// What is wrong, for the person who sent it.
    pub message: String,
}

impl Invalid {
    /// `field` is wrong as `message` says.
    pub fn new(field: Field, message: impl Into<String>) -> Self {
        Self { field, message: message.into() }
    }
}
