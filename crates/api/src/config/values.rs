//! Values of options that more than one concern reads: numbers, lengths of time, shares, yes and no.
//! The messages say what is wanted.

use std::time::Duration;

/// One millisecond.
pub(super) const MILLISECOND: Duration = Duration::from_millis(1);
/// One second.
pub(super) const SECOND: Duration = Duration::from_secs(1);
/// One minute.
pub(super) const MINUTE: Duration = Duration::from_mins(1);
/// One hour.
pub(super) const HOUR: Duration = Duration::from_hours(1);
/// One day of 24 hours.
pub(super) const DAY: Duration = Duration::from_hours(24);

/// Reads a length of time with its unit. Fails outside of `min` to `max`.
pub(super) fn duration(text: &str, min: Duration, max: Duration) -> Result<Duration, String> {
    let parsed = humantime::parse_duration(text).ok();
    parsed.filter(|duration| (min..=max).contains(duration)).ok_or_else(|| {
        let example = if max < MINUTE { "500ms or 2s" } else { "500ms, 30s or 5m" };
        let (min, max) = (spelt(min), spelt(max));
        format!("must be a number with a unit, such as {example}, from {min} to {max}")
    })
}

/// A length of time as it may be given: `500ms`, `1m30s`, `30d`.
fn spelt(duration: Duration) -> String {
    humantime::format_duration(duration).to_string().replace("days", "d").replace("day", "d")
}

/// Reads a whole number from `min` to `max`.
pub(super) fn whole_number(text: &str, min: u32, max: u32) -> Result<u32, String> {
    let number = text.parse().ok().filter(|number| (min..=max).contains(number));
    number.ok_or_else(|| format!("must be a whole number from {min} to {max}"))
}

/// Reads yes or no, also as true and false, on and off, 1 and 0.
pub(super) fn yes_or_no(text: &str) -> Result<bool, String> {
    match text.to_ascii_lowercase().as_str() {
        "yes" | "y" | "true" | "t" | "on" | "1" => Ok(true),
        "no" | "n" | "false" | "f" | "off" | "0" => Ok(false),
        _ => Err("must be yes or no".to_owned()),
    }
}

/// Reads a number from 0 to 1.
pub(super) fn share(text: &str) -> Result<f64, String> {
    let share: f64 = text.parse().map_err(|_| "must be a number from 0 to 1")?;
    // Also false for NaN.
    if !(0.0..=1.0).contains(&share) {
        return Err("must be a number from 0 to 1".to_owned());
    }
    Ok(share)
}

/// The highest rate of requests, a second.
const RATE_MAX: u32 = 100_000;

/// Reads a rate: a number, perhaps with `/s`.
pub(super) fn rate(text: &str) -> Result<u32, String> {
    let rate = text.strip_suffix("/s").unwrap_or(text).parse().ok();
    rate.filter(|rate| *rate <= RATE_MAX)
        .ok_or_else(|| format!("must be a whole number from 0 to {RATE_MAX}, such as 200/s"))
}
