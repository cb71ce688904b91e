//! How many guests a room takes, and how many come.

use std::fmt;

/// The largest [`Capacity`].
const CAPACITY_MAX: i64 = 100;

/// How many guests a room takes: 1 to 100.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Capacity(i64);

impl Capacity {
    /// Fails with what to correct unless `capacity` is 1 to 100.
    pub fn new(capacity: i64) -> Result<Self, String> {
        if (1..=CAPACITY_MAX).contains(&capacity) {
            return Ok(Self(capacity));
        }
        Err(format!("must be 1 to {CAPACITY_MAX}"))
    }

    /// The number of guests.
    #[must_use]
    pub fn get(self) -> i64 {
        self.0
    }

    /// Whether so many guests may stay in the room.
    #[must_use]
    pub fn takes(self, guests: Guests) -> bool {
        guests.0 <= self.0
    }
}

impl fmt::Display for Capacity {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(out)
    }
}

/// How many people a booking is for: at least 1. Whether they fit is a question to a [`Capacity`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Guests(i64);

impl Guests {
    /// Fails with what to correct unless `guests` is at least 1.
    pub fn new(guests: i64) -> Result<Self, String> {
        if guests >= 1 { Ok(Self(guests)) } else { Err("must be at least 1".into()) }
    }

    /// The number of people.
    #[must_use]
    pub fn get(self) -> i64 {
        self.0
    }
}

impl fmt::Display for Guests {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(out)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_capacity_is_1_to_100() {
        for (capacity, ok) in
            [(i64::MIN, false), (0, false), (1, true), (100, true), (101, false), (i64::MAX, false)]
        {
            let read = Capacity::new(capacity).map(Capacity::get);
            assert_eq!(read.is_ok(), ok, "{capacity}");
            assert!(read.is_err() || read == Ok(capacity), "{capacity}");
        }
    }

    #[test]
    fn guests_are_at_least_one_and_fit_up_to_the_capacity() {
        assert!(Guests::new(0).is_err() && Guests::new(-1).is_err());
        let capacity = Capacity::new(2).expect("a capacity");
        for (guests, fit) in [(1, true), (2, true), (3, false), (i64::MAX, false)] {
            let guests = Guests::new(guests).expect("a number of guests");
            assert_eq!(capacity.takes(guests), fit, "{guests}");
        }
    }
}
