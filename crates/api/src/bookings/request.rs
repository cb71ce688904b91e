//! A request to book, as a body and as what it means.

use std::collections::BTreeMap;

use chrono::TimeDelta;
use serde::Deserialize;
use utoipa::ToSchema;
use vacancy_domain::{BookingId, Guest, Guests, Metadata, NewBooking, Origin, Stay, Text};

use super::fields;
use super::view::{GuestBody, MetadataBody};
use crate::auth::access::Access;
use crate::http::fields::FieldErrors;
use crate::http::problem::Problem;

/// A stay in a room.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct BookBody {
    /// The first night: today at the hotel at the earliest, three years ahead at the latest.
    #[schema(value_type = chrono::NaiveDate)]
    pub check_in: String,
    /// The day after the last night; at most 365 nights.
    #[schema(value_type = chrono::NaiveDate)]
    pub check_out: String,
    /// How many people.
    #[schema(minimum = 1, example = 2)]
    pub guests: i64,
    /// Who stays.
    pub guest: GuestBody,
    /// Hold it for so many seconds instead of confirming it.
    #[schema(minimum = 1, maximum = 86_400)]
    pub hold_seconds: Option<i64>,
    /// The channel it comes by: `[a-z0-9._-]{1,40}`.
    #[schema(min_length = 1, max_length = 40, pattern = "^[a-z0-9._-]+$", example = "booking.com")]
    pub source: Option<String>,
    /// What the source calls it; at most 100 characters. A hotel has one booking with a source and a
    /// reference.
    #[schema(min_length = 1, max_length = 100, example = "4711-0815")]
    pub reference: Option<String>,
    /// What the client notes for itself: at most 16 members with names of 1 to 40 characters.
    #[schema(value_type = Option<MetadataBody>)]
    pub metadata: Option<BTreeMap<String, String>>,
}

/// A stay in any room of a hotel.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AutoBookBody {
    /// The first night: today at the hotel at the earliest, three years ahead at the latest.
    #[schema(value_type = chrono::NaiveDate)]
    pub check_in: String,
    /// The day after the last night; at most 365 nights.
    #[schema(value_type = chrono::NaiveDate)]
    pub check_out: String,
    /// How many people.
    #[schema(minimum = 1, example = 2)]
    pub guests: i64,
    /// Who stays.
    pub guest: GuestBody,
    /// Hold it for so many seconds instead of confirming it.
    #[schema(minimum = 1, maximum = 86_400)]
    pub hold_seconds: Option<i64>,
    /// The channel it comes by: `[a-z0-9._-]{1,40}`.
    #[schema(min_length = 1, max_length = 40, pattern = "^[a-z0-9._-]+$", example = "booking.com")]
    pub source: Option<String>,
    /// What the source calls it; at most 100 characters. A hotel has one booking with a source and a
    /// reference.
    #[schema(min_length = 1, max_length = 100, example = "4711-0815")]
    pub reference: Option<String>,
    /// What the client notes for itself: at most 16 members with names of 1 to 40 characters.
    #[schema(value_type = Option<MetadataBody>)]
    pub metadata: Option<BTreeMap<String, String>>,
    /// Only in rooms of this kind, written exactly so.
    #[schema(min_length = 1, max_length = 200)]
    pub kind: Option<String>,
}

/// A request to book.
#[derive(Clone, Debug)]
pub struct BookingRequest {
    /// Who stays.
    pub guest: Guest,
    /// How many people.
    pub guests: Guests,
    /// The nights.
    pub stay: Stay,
    /// Where it comes from.
    pub origin: Origin,
    /// What the client notes beside it.
    pub metadata: Metadata,
    /// How long to hold it, if it shall be held.
    pub hold: Option<TimeDelta>,
    /// Only in rooms of this kind.
    pub kind: Option<Text>,
}

impl BookBody {
    /// Reads every field; fails with 422 and all that is wrong.
    pub fn parse(self) -> Result<BookingRequest, Problem> {
        let body = AutoBookBody {
            check_in: self.check_in,
            check_out: self.check_out,
            guests: self.guests,
            guest: self.guest,
            hold_seconds: self.hold_seconds,
            source: self.source,
            reference: self.reference,
            metadata: self.metadata,
            kind: None,
        };
        body.parse()
    }
}

impl AutoBookBody {
    /// Reads every field; fails with 422 and all that is wrong.
    pub fn parse(self) -> Result<BookingRequest, Problem> {
        let mut errors = FieldErrors::default();
        let stay = fields::stay(&mut errors, &self.check_in, &self.check_out);
        let guests = errors.at("/guests", Guests::new(self.guests));
        let guest = fields::guest(&mut errors, &self.guest);
        let hold = errors.at("/hold_seconds", self.hold_seconds.map(fields::hold).transpose());
        let origin = fields::origin(&mut errors, self.source.as_deref(), self.reference.as_deref());
        let metadata = fields::metadata(&mut errors, self.metadata);
        let kind = errors.at("/kind", self.kind.as_deref().map(Text::parse).transpose());
        let request = || {
            let (guest, guests, stay) = (guest?, guests?, stay?);
            let (origin, metadata, hold, kind) = (origin?, metadata?, hold?, kind?);
            Some(BookingRequest { guest, guests, stay, origin, metadata, hold, kind })
        };
        Ok(errors.finish(request())?)
    }
}

impl BookingRequest {
    /// As the booking `id`, made by what is let in so.
    #[must_use]
    pub fn as_booking(&self, id: BookingId, access: &Access) -> NewBooking {
        let Self { guest, guests, stay, origin, metadata, hold, .. } = self.clone();
        let made_by = access.principal().map(ToString::to_string);
        NewBooking { id, guest, guests, stay, origin, metadata, hold, made_by }
    }
}
