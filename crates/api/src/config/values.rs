//! Values of options that more than one concern reads: lengths of time, shares, yes and no.

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
    let duration = humantime::parse_duration(text).map_err(|error| error.to_string())?;
    if (min..=max).contains(&duration) {
        return Ok(duration);
    }
    let (min, max) = (humantime::format_duration(min), humantime::format_duration(max));
    Err(format!("must be from {min} to {max}"))
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
    rate.filter(|rate| *rate <= RATE_MAX).ok_or_else(|| format!("must be 0 to {RATE_MAX}/s"))
}
