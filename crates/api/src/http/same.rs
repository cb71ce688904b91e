//! Whether a client gives back what it was given, however its platform spells it.

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::Value;
use uuid::Uuid;

/// Whether `given` means what `is` says: instants by the moment, to the digits they are written
/// with; ids whatever their case; a member that is absent as one that is null.
#[must_use]
pub fn means_the_same(is: &Value, given: &Value) -> bool {
    match (is, given) {
        (Value::String(is), Value::String(given)) => {
            is == given || same_instant(is, given) || same_id(is, given)
        }
        (Value::Object(is), Value::Object(given)) => is.keys().chain(given.keys()).all(|name| {
            let member = |of: &serde_json::Map<_, _>| of.get(name).cloned().unwrap_or_default();
            means_the_same(&member(is), &member(given))
        }),
        _ => is == given,
    }
}

/// JavaScript keeps three digits of the second and Go's RFC 3339 none: both the digits cut off and
/// the nearest ones are what was meant.
fn same_instant(is: &str, given: &str) -> bool {
    let (Some((is, _)), Some((given, unit))) = (instant(is), instant(given)) else { return false };
    (is - given).abs() < unit
}

/// An instant, and what its last digit counts.
fn instant(text: &str) -> Option<(DateTime<Utc>, TimeDelta)> {
    // The time of day, behind the day and its T.
    let time = text.get(11..)?;
    let offset = 11 + time.find(['Z', 'z', '+', '-'])?;
    let (clock, offset) = text.split_at(offset);
    let digits = clock.split_once('.').map_or(0, |(_, digits)| digits.len());
    // Java leaves out seconds that are zero.
    let seconds = if clock.len() == "YYYY-MM-DDTHH:MM".len() { ":00" } else { "" };
    let at = DateTime::parse_from_rfc3339(&format!("{clock}{seconds}{offset}")).ok()?;
    let nanoseconds = 10_i64.pow(9 - u32::try_from(digits.min(9)).ok()?);
    Some((at.to_utc(), TimeDelta::nanoseconds(nanoseconds)))
}

fn same_id(is: &str, given: &str) -> bool {
    Uuid::parse_str(is).is_ok_and(|is| Uuid::parse_str(given) == Ok(is))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const AT: &str = "2026-11-21T22:03:25.492635Z";
    const MINUTE: &str = "2026-11-21T22:03:00.000000Z";
    const ID: &str = "01a200d4-0efe-7436-b019-5fd555de1f80";

    #[test]
    fn what_clients_of_five_languages_write_is_what_they_read() {
        for (who, is, given) in [
            ("JavaScript, toISOString", AT, "2026-11-21T22:03:25.492Z"),
            ("JavaScript, toISOString", MINUTE, "2026-11-21T22:03:00.000Z"),
            ("Python, isoformat", AT, "2026-11-21T22:03:25.492635+00:00"),
            ("Python, isoformat", MINUTE, "2026-11-21T22:03:00+00:00"),
            ("Python, isoformat in Rome", AT, "2026-11-21T23:03:25.492635+01:00"),
            ("Python, str", AT, "2026-11-21 22:03:25.492635+00:00"),
            ("Java, Instant", AT, "2026-11-21T22:03:25.492635Z"),
            ("Java, Instant", MINUTE, "2026-11-21T22:03:00Z"),
            ("Java, OffsetDateTime", MINUTE, "2026-11-21T22:03Z"),
            ("Java, OffsetDateTime in Rome", MINUTE, "2026-11-21T23:03+01:00"),
            ("Java, truncated to milliseconds", AT, "2026-11-21T22:03:25.492Z"),
            ("Go, RFC3339Nano", AT, "2026-11-21T22:03:25.492635Z"),
            ("Go, RFC3339", AT, "2026-11-21T22:03:25Z"),
            ("Go, RFC3339Nano in New York", AT, "2026-11-21T17:03:25.492635-05:00"),
            (".NET, DateTimeOffset", AT, "2026-11-21T22:03:25.492635+00:00"),
            (".NET, round trip", AT, "2026-11-21T22:03:25.4926350Z"),
            (".NET, round trip", MINUTE, "2026-11-21T22:03:00.0000000+00:00"),
            ("rounded to milliseconds", AT, "2026-11-21T22:03:25.493Z"),
            ("nanoseconds", AT, "2026-11-21T22:03:25.492635000Z"),
            ("lower case", AT, "2026-11-21t22:03:25.492635z"),
            ("an id in upper case", ID, "01A200D4-0EFE-7436-B019-5FD555DE1F80"),
            (".NET, Guid in braces", ID, "{01a200d4-0efe-7436-b019-5fd555de1f80}"),
        ] {
            assert!(means_the_same(&json!(is), &json!(given)), "{who}: {given}");
        }
    }

    #[test]
    fn what_means_something_else_is_another_value() {
        for (what, is, given) in [
            ("another millisecond", AT, "2026-11-21T22:03:25.491Z"),
            ("another microsecond", AT, "2026-11-21T22:03:25.492634Z"),
            ("another second", AT, "2026-11-21T22:03:24Z"),
            ("another second", AT, "2026-11-21T22:03:27Z"),
            ("another minute", MINUTE, "2026-11-21T22:04Z"),
            ("another offset", AT, "2026-11-21T22:03:25.492635+01:00"),
            ("no offset", AT, "2026-11-21T22:03:25.492635"),
            ("a day", AT, "2026-11-21"),
            ("another id", ID, "01a200d4-0efe-7436-b019-5fd555de1f81"),
            ("nothing", AT, ""),
            ("no moment of the day", AT, "2026-11-21T25:03:25Z"),
            ("odd letters", AT, "2026-11-21Tää:ää:25Z"),
            ("a status", "held", "HELD"),
        ] {
            assert!(!means_the_same(&json!(is), &json!(given)), "{what}: {given}");
        }
    }

    #[test]
    fn objects_are_the_same_by_their_members() {
        let money = json!({"amount": 5, "currency": "EUR"});
        for (given, expect) in [
            (json!({"currency": "EUR", "amount": 5}), true),
            (json!({"currency": "EUR", "amount": 5, "note": null}), true),
            (json!({"currency": "EUR", "amount": 6}), false),
            (json!({"amount": 5}), false),
            (json!({"currency": "EUR", "amount": 5, "note": ""}), false),
            (json!(null), false),
            (json!("5"), false),
        ] {
            assert_eq!(means_the_same(&money, &given), expect, "{given}");
        }
    }
}
