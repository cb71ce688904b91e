//! Moments, days, and what says which day it is at a hotel.

use std::fmt;
use std::sync::Arc;

use chrono::{Datelike as _, NaiveDateTime, NaiveTime, TimeDelta, Timelike as _};
use jiff::tz::AmbiguousOffset;

/// A moment in UTC. The database's clock makes them, in whole microseconds.
pub type Instant = chrono::DateTime<chrono::Utc>;
/// A day in the hotel's calendar.
pub type Day = chrono::NaiveDate;

/// An IANA time zone: its name and its rules. Clones share them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TimeZone(Arc<NamedRules>);

#[derive(Debug, PartialEq, Eq)]
struct NamedRules {
    name: String,
    rules: jiff::tz::TimeZone,
}

impl TimeZone {
    /// A zone by the rules of a file in the Time Zone Information Format (RFC 9636). Fails when they
    /// do not read.
    pub fn from_tzif(name: &str, tzif: &[u8]) -> Result<Self, String> {
        let rules = jiff::tz::TimeZone::tzif(name, tzif).map_err(|why| why.to_string())?;
        Ok(Self(Arc::new(NamedRules { name: name.to_owned(), rules })))
    }

    /// The IANA name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.0.name
    }

    /// What its clocks show at `now`.
    fn shown(&self, now: Instant) -> NaiveDateTime {
        // Both libraries count the years that the databases do; beyond them clocks show UTC.
        let at = jiff::Timestamp::from_second(now.timestamp());
        let offset = at.map_or(jiff::tz::Offset::UTC, |at| self.0.rules.to_offset(at));
        let now = now.naive_utc();
        now.checked_add_signed(TimeDelta::seconds(offset.seconds().into())).unwrap_or(now)
    }

    /// When its clocks first show `local`, to the second; `None` when they skip it.
    fn first_shown(&self, local: NaiveDateTime) -> Option<Instant> {
        let part = |part: u32| i8::try_from(part).ok();
        let civil = jiff::civil::DateTime::new(
            i16::try_from(local.year()).ok()?,
            part(local.month())?,
            part(local.day())?,
            part(local.hour())?,
            part(local.minute())?,
            part(local.second())?,
            0,
        );
        let offset = match self.0.rules.to_ambiguous_timestamp(civil.ok()?).offset() {
            AmbiguousOffset::Unambiguous { offset }
            | AmbiguousOffset::Fold { before: offset, .. } => offset,
            AmbiguousOffset::Gap { .. } => return None,
        };
        let first = local.checked_sub_signed(TimeDelta::seconds(offset.seconds().into()))?;
        Some(first.and_utc())
    }
}

impl Default for TimeZone {
    fn default() -> Self {
        Self(Arc::new(NamedRules { name: "UTC".to_owned(), rules: jiff::tz::TimeZone::UTC }))
    }
}

/// The latest [`DayEnds`], in minutes after midnight.
const DAY_ENDS_MAX: i64 = 12 * 60;

/// When the day of a hotel ends by its clocks: 00:00 to 12:00 of the day after, to the minute.
///
/// By noon the night before is over everywhere. A later end would be another day's, and today would
/// then be able to lie before yesterday in UTC, behind which no query looks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct DayEnds(i64);

impl DayEnds {
    /// Reads `HH:MM`; seconds may follow where they are zero, because types of a time of day write
    /// them. Fails with what to correct unless it is 00:00 to 12:00.
    pub fn parse(raw: &str) -> Result<Self, String> {
        let read = || {
            let (time, seconds) = raw.split_at_checked("HH:MM".len())?;
            let (hours, minutes) = time.split_once(':')?;
            let (hours, minutes) = (two_digits(hours)?, two_digits(minutes)?);
            let is_time = minutes < 60 && is_zero_seconds(seconds);
            Self::after_midnight(hours * 60 + minutes).ok().filter(|_| is_time)
        };
        read().ok_or_else(|| "must be a time of day HH:MM from 00:00 to 12:00".to_owned())
    }

    /// Fails with what is wrong unless `minutes` is 0 to 720.
    pub fn after_midnight(minutes: i64) -> Result<Self, String> {
        if (0..=DAY_ENDS_MAX).contains(&minutes) {
            return Ok(Self(minutes));
        }
        Err(format!("must be 0 to {DAY_ENDS_MAX} minutes after midnight"))
    }

    /// How many minutes after midnight: 0 to 720.
    #[must_use]
    pub fn minutes(self) -> i64 {
        self.0
    }
}

impl fmt::Display for DayEnds {
    /// As `HH:MM`.
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{:02}:{:02}", self.0 / 60, self.0 % 60)
    }
}

fn two_digits(text: &str) -> Option<i64> {
    let plain = text.len() == 2 && text.bytes().all(|byte| byte.is_ascii_digit());
    text.parse().ok().filter(|_| plain)
}

/// Whether it is nothing, or seconds that are zero, to whatever digit: `:00`, `:00.000`.
fn is_zero_seconds(text: &str) -> bool {
    let Some(fraction) = text.strip_prefix(":00") else { return text.is_empty() };
    let zeros = fraction.strip_prefix('.').unwrap_or("0");
    (fraction.is_empty() || fraction.starts_with('.'))
        && !zeros.is_empty()
        && zeros.bytes().all(|digit| digit == b'0')
}

/// What says which day it is at a hotel: all that asks for its today asks here.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HotelDay {
    /// What its clocks show.
    pub time_zone: TimeZone,
    /// When the day before ends.
    pub ends: DayEnds,
}

impl HotelDay {
    /// What day it is there at `now`: the last that has begun. A day begins when the hotel's clocks
    /// first show the time at which the day before ends, or a later one where they skip it. So a day
    /// that has begun does not end again when clocks are turned back.
    #[must_use]
    pub fn today(&self, now: Instant) -> Day {
        let ends = TimeDelta::minutes(self.ends.0);
        let shown = (self.time_zone.shown(now) - ends).date();
        // Clocks that were turned back show a time again that they showed before.
        let begins = |day: Day| self.time_zone.first_shown(day.and_time(NaiveTime::MIN) + ends);
        match shown.succ_opt() {
            Some(next) if begins(next).is_some_and(|begun| begun <= now) => next,
            Some(_) | None => shown,
        }
    }
}

#[cfg(test)]
mod tests;
