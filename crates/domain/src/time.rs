//! Moments, days, and the time zone that says which day it is at a hotel.

/// A moment in UTC. The database's clock makes them, in whole microseconds.
pub type Instant = chrono::DateTime<chrono::Utc>;
/// A day in the hotel's calendar.
pub type Day = chrono::NaiveDate;

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
