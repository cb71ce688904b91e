//! What several bodies say of a booking, read field by field.

use chrono::TimeDelta;
use vacancy_domain::{Email, Guest, Stay, Text};

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

/// Reads how long to hold, if it is said.
pub fn hold(errors: &mut FieldErrors, seconds: Option<i64>) -> Option<Option<TimeDelta>> {
    let hold = seconds.map(|seconds| match seconds {
        1..=HOLD_SECONDS_MAX => Ok(TimeDelta::seconds(seconds)),
        _ => Err(format!("must be 1 to {HOLD_SECONDS_MAX}")),
    });
    errors.at("/hold_seconds", hold.transpose())
}

/// Reads who stays.
pub fn guest(errors: &mut FieldErrors, guest: &GuestBody) -> Option<Guest> {
    let name = errors.at("/guest/name", Text::parse(&guest.name));
    let email = guest.email.as_deref().map(Email::parse).transpose();
    let email = errors.at("/guest/email", email);
    Some(Guest { name: name?, email: email? })
}
