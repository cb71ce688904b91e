//! Instants in JSON: RFC 3339 in UTC.

use chrono::{DateTime, SecondsFormat, Utc};
use serde::Serializer;

/// Writes an instant with microseconds, as many digits as the databases keep, always.
pub fn instant<S: Serializer>(at: &DateTime<Utc>, to: S) -> Result<S::Ok, S::Error> {
    to.collect_str(&at.to_rfc3339_opts(SecondsFormat::Micros, true))
}

/// As [`instant`], for one that may be absent.
#[expect(clippy::ref_option, reason = "serde hands over the field as it is")]
pub fn optional_instant<S: Serializer>(
    at: &Option<DateTime<Utc>>,
    to: S,
) -> Result<S::Ok, S::Error> {
    match at {
        Some(at) => instant(at, to),
        None => to.serialize_none(),
    }
}
