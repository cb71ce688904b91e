//! Hotels: what their rooms have in common.

use crate::ids::HotelId;
use crate::text::{Country, Text};
use crate::time::{HotelDay, Instant};
use crate::version::Version;

/// What a client may set of a hotel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HotelAttributes {
    /// What guests call it.
    pub name: Text,
    /// Where it is.
    pub city: Text,
    /// Which country, if said.
    pub country: Option<Country>,
    /// Decides when a night begins to lie in the past.
    pub day: HotelDay,
}

/// A hotel as stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hotel {
    /// Its identity.
    pub id: HotelId,
    /// What clients set.
    pub attributes: HotelAttributes,
    /// Counts its own edits; its rooms have versions of their own.
    pub version: Version,
    /// When it was created.
    pub created_at: Instant,
    /// When this version came to be.
    pub updated_at: Instant,
}
