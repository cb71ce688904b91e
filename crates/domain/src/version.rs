//! The version of a hotel, a room or a booking.

use std::fmt;

/// Counts the committed writes of one resource, from 1. Versions of a room are gap-free.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Version(pub i64);

impl Version {
    /// The version that creation gives.
    pub const FIRST: Self = Self(1);

    /// The version that the next write produces.
    #[must_use]
    pub fn next(self) -> Self {
        Self(self.0 + 1)
    }
}

impl fmt::Display for Version {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(out)
    }
}
