//! What several bodies say of a booking, read field by field.

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

/// Reads who stays.
pub fn guest(errors: &mut FieldErrors, guest: &GuestBody) -> Option<Guest> {
    let name = errors.at("/guest/name", Text::parse(&guest.name));
    let email = guest.email.as_deref().map(Email::parse).transpose();
    let email = errors.at("/guest/email", email);
    Some(Guest { name: name?, email: email? })
}
