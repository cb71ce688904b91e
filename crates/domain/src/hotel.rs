//! Hotels and the time zone that says what day it is there.

use crate::{
    Change, Country, Day, Decision, HotelChange, HotelId, Instant, Refusal, Text, Version,
};

/// An IANA time zone by name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TimeZone(chrono_tz::Tz);

impl TimeZone {
    /// Fails with what to correct unless `name` is in the IANA database, letter for letter.
    pub fn parse(name: &str) -> Result<Self, String> {
        name.parse()
            .map(Self)
            .map_err(|_| "must be an IANA time zone such as Europe/Amsterdam".to_owned())
    }

    /// The IANA name.
    #[must_use]
    pub fn name(self) -> &'static str {
        self.0.name()
    }

    /// What day it is there at `now`.
    #[must_use]
    pub fn today(self, now: Instant) -> Day {
        now.with_timezone(&self.0).date_naive()
    }
}

impl Default for TimeZone {
    fn default() -> Self {
        Self(chrono_tz::Tz::UTC)
    }
}

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
    pub time_zone: TimeZone,
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

impl Hotel {
    /// A new hotel, with the change that stores it.
    #[must_use]
    pub fn create(id: HotelId, attributes: HotelAttributes, now: Instant) -> Decision<Self> {
        let hotel =
            Self { id, attributes, version: Version::FIRST, created_at: now, updated_at: now };
        let change = Change::of_hotel(HotelChange::Insert(hotel.clone()));
        Decision::Accepted(change, hotel)
    }

    /// Replaces what clients set.
    #[must_use]
    pub fn edit(&self, attributes: HotelAttributes, now: Instant) -> Decision<Self> {
        if attributes == self.attributes {
            return Decision::Unchanged(self.clone());
        }
        let hotel =
            Self { attributes, version: self.version.next(), updated_at: now, ..self.clone() };
        let change =
            Change::of_hotel(HotelChange::Replace { from: self.version, to: hotel.clone() });
        Decision::Accepted(change, hotel)
    }

    /// Deletes the hotel, unless it `has_rooms` that are not deleted.
    #[must_use]
    pub fn delete(&self, has_rooms: bool) -> Decision<()> {
        if has_rooms {
            return Decision::Refused(Refusal::HotelInUse, None);
        }
        let change = Change::of_hotel(HotelChange::Delete { id: self.id, from: self.version });
        Decision::Accepted(change, ())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_day_is_the_hotels_not_utcs() {
        let now = "2026-12-01T23:30:00Z".parse().expect("an instant");
        for (zone, today) in [
            ("UTC", "2026-12-01"),
            ("Europe/Amsterdam", "2026-12-02"),
            ("Pacific/Kiritimati", "2026-12-02"),
            ("America/Los_Angeles", "2026-12-01"),
        ] {
            let zone = TimeZone::parse(zone).expect("a zone");
            assert_eq!(zone.today(now).to_string(), today, "{zone:?}");
        }
        assert!(TimeZone::parse("Middle-earth/Shire").is_err());
        assert!(TimeZone::parse("").is_err());
    }
}
