//! What several bodies say of a booking, read field by field.

use std::collections::BTreeMap;

use chrono::TimeDelta;
use vacancy_domain::{Email, Guest, Metadata, Origin, Reference, Source, Stay, Text};

use super::view::GuestBody;
use crate::http::fields::FieldErrors;
use crate::http::query;

/// Reads the days of a stay.
pub fn stay(errors: &mut FieldErrors, check_in: &str, check_out: &str) -> Option<Stay> {
    let check_in = errors.at("/check_in", query::day(check_in));
    let check_out = errors.at("/check_out", query::day(check_out));
    errors.add(Stay::new(check_in?, check_out?))
}

/// The longest hold, in seconds.
const HOLD_SECONDS_MAX: i64 = 86_400;

/// Reads how long to hold, in seconds. Fails with what to correct unless it is 1 second to a day.
pub fn hold(seconds: i64) -> Result<TimeDelta, String> {
    match seconds {
        1..=HOLD_SECONDS_MAX => Ok(TimeDelta::seconds(seconds)),
        _ => Err(format!("must be 1 to {HOLD_SECONDS_MAX}")),
    }
}

/// Reads where it comes from.
pub fn origin(
    errors: &mut FieldErrors,
    source: Option<&str>,
    reference: Option<&str>,
) -> Option<Origin> {
    let source = errors.at("/source", source.map(Source::parse).transpose());
    let reference = errors.at("/reference", reference.map(Reference::parse).transpose());
    Some(Origin { source: source?, reference: reference? })
}

/// Reads what the client notes beside it.
pub fn metadata(
    errors: &mut FieldErrors,
    notes: Option<BTreeMap<String, String>>,
) -> Option<Metadata> {
    let parsed = Metadata::parse(notes.unwrap_or_default());
    let wrong = |wrong: Vec<(String, String)>| {
        for (key, why) in wrong {
            errors.at_member("/metadata", &key, why);
        }
    };
    parsed.map_err(wrong).ok()
}

/// Reads who stays.
pub fn guest(errors: &mut FieldErrors, guest: &GuestBody) -> Option<Guest> {
    let name = errors.at("/guest/name", Text::parse(&guest.name));
    let email = guest.email.as_deref().map(Email::parse).transpose();
    let email = errors.at("/guest/email", email);
    Some(Guest { name: name?, email: email? })
}
