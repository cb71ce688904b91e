//! Bookings as JSON.

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;
use vacancy_domain::{Amendment, Booking, BookingId, Email, Guest, NewBooking, RoomId, Stay, Text};

use crate::http::fields::FieldErrors;
use crate::http::instants::{instant, optional_instant};
use crate::http::problem::Problem;
use crate::http::query;
use crate::metrics::Operation;
use crate::rooms::body::MoneyBody;

/// The longest hold, in seconds.
const HOLD_SECONDS_MAX: i64 = 86_400;

/// Who stays.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[schema(as = Guest)]
#[serde(deny_unknown_fields)]
pub struct GuestBody {
    /// 1 to 200 characters.
    #[schema(min_length = 1, max_length = 200, example = "Ada Lovelace")]
    pub name: String,
    /// One `@` inside, at most 254 bytes.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 254, example = "ada@example.org")]
    pub email: Option<String>,
}

impl From<&Guest> for GuestBody {
    fn from(guest: &Guest) -> Self {
        let email = guest.email.as_ref().map(|email| email.as_str().to_owned());
        Self { name: guest.name.as_str().to_owned(), email }
    }
}

/// A booking.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Booking)]
pub struct BookingView {
    /// UUIDv7; a move keeps it.
    pub id: Uuid,
    /// Its room.
    pub room_id: Uuid,
    /// That room's hotel.
    pub hotel_id: Uuid,
    /// Who stays.
    pub guest: GuestBody,
    /// How many people.
    pub guests: i64,
    /// The first night.
    pub check_in: NaiveDate,
    /// The day after the last night.
    pub check_out: NaiveDate,
    /// How many nights.
    pub nights: i64,
    /// `held`, `confirmed`, `cancelled` or `expired`.
    pub status: String,
    /// When the hold runs out.
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "optional_instant")]
    pub hold_expires_at: Option<DateTime<Utc>>,
    /// Rate times nights when it was booked, or last moved or rescheduled.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub total: Option<MoneyBody>,
    /// Counts its own writes, from 1.
    pub version: i64,
    /// The room's version that its last write produced.
    pub room_version: i64,
    /// At which attempt this write succeeded; only in answers to writes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub attempts: Option<u32>,
    /// When it was made.
    #[serde(serialize_with = "instant")]
    pub created_at: DateTime<Utc>,
    /// When this version came to be.
    #[serde(serialize_with = "instant")]
    pub updated_at: DateTime<Utc>,
}

/// Fields that a client may send back, but not change.
pub const READ_ONLY: &[&str] = &[
    "id",
    "hotel_id",
    "nights",
    "status",
    "hold_expires_at",
    "total",
    "version",
    "room_version",
    "created_at",
    "updated_at",
];

impl From<&Booking> for BookingView {
    fn from(booking: &Booking) -> Self {
        Self {
            id: booking.id.0,
            room_id: booking.room.0,
            hotel_id: booking.hotel.0,
            guest: GuestBody::from(&booking.guest),
            guests: booking.guests,
            check_in: booking.stay.check_in(),
            check_out: booking.stay.check_out(),
            nights: booking.stay.nights(),
            status: booking.status.name().to_owned(),
            hold_expires_at: booking.status.held_until(),
            total: booking.total.as_ref().map(MoneyBody::from),
            version: booking.version.0,
            room_version: booking.room_version.0,
            attempts: None,
            created_at: booking.created_at,
            updated_at: booking.updated_at,
        }
    }
}

/// A stay somebody wants in a room.
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
}

/// A stay somebody wants in any room of a hotel.
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
    /// Only in rooms of this kind, written exactly so.
    #[schema(min_length = 1, max_length = 200)]
    pub kind: Option<String>,
}

/// A stay somebody wants, read.
#[derive(Clone, Debug)]
pub struct Wish {
    /// Who stays.
    pub guest: Guest,
    /// How many people.
    pub guests: i64,
    /// The nights.
    pub stay: Stay,
    /// How long to hold it, if it shall be held.
    pub hold: Option<TimeDelta>,
    /// Only in rooms of this kind.
    pub kind: Option<Text>,
}

impl BookBody {
    /// Reads every field; fails with 422 and all that is wrong.
    pub fn parse(self) -> Result<Wish, Problem> {
        let Self { check_in, check_out, guests, guest, hold_seconds } = self;
        let body = AutoBookBody { check_in, check_out, guests, guest, hold_seconds, kind: None };
        body.parse()
    }
}

impl AutoBookBody {
    /// Reads every field; fails with 422 and all that is wrong.
    pub fn parse(self) -> Result<Wish, Problem> {
        let mut findings = FieldErrors::default();
        let stay = stay(&mut findings, &self.check_in, &self.check_out);
        let guests = findings.at("/guests", at_least_one(self.guests));
        let guest = guest(&mut findings, &self.guest);
        let hold = self.hold_seconds.map(|seconds| match seconds {
            1..=HOLD_SECONDS_MAX => Ok(TimeDelta::seconds(seconds)),
            _ => Err(format!("must be 1 to {HOLD_SECONDS_MAX}")),
        });
        let hold = findings.at("/hold_seconds", hold.transpose());
        let kind = findings.at("/kind", self.kind.as_deref().map(Text::parse).transpose());
        let wish = || {
            let (guest, guests, stay) = (guest?, guests?, stay?);
            Some(Wish { guest, guests, stay, hold: hold?, kind: kind? })
        };
        Ok(findings.finish(wish())?)
    }
}

impl Wish {
    /// As the booking `id`.
    #[must_use]
    pub fn as_booking(&self, id: BookingId) -> NewBooking {
        let Self { guest, guests, stay, hold, .. } = self.clone();
        NewBooking { id, guest, guests, stay, hold }
    }

    /// What booking it counts as, in a room that the client named.
    #[must_use]
    pub fn operation(&self) -> Operation {
        if self.hold.is_some() { Operation::Hold } else { Operation::Book }
    }
}

/// What a client sets of a booking that exists.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct BookingBody {
    /// Who stays.
    pub guest: GuestBody,
    /// How many people.
    pub guests: i64,
    /// The first night.
    pub check_in: String,
    /// The day after the last night.
    pub check_out: String,
    /// The room.
    pub room_id: String,
}

impl BookingBody {
    /// Reads every field; fails with 422 and all that is wrong.
    pub fn parse(&self) -> Result<(RoomId, Amendment), Problem> {
        let mut findings = FieldErrors::default();
        let stay = stay(&mut findings, &self.check_in, &self.check_out);
        let guests = findings.at("/guests", at_least_one(self.guests));
        let guest = guest(&mut findings, &self.guest);
        let room = query::uuid(&self.room_id).ok_or_else(|| "must be a room's id".to_owned());
        let room = findings.at("/room_id", room);
        let amended = || {
            let amendment = Amendment { guest: guest?, guests: guests?, stay: stay? };
            Some((RoomId(room?), amendment))
        };
        Ok(findings.finish(amended())?)
    }
}

/// A booking's status as a filter.
#[derive(Clone, Copy, Debug, Deserialize, ToSchema)]
#[schema(as = BookingStatus)]
#[serde(rename_all = "snake_case")]
pub enum StatusParam {
    /// Held, also when the hold has lapsed and nobody has recorded it.
    Held,
    /// Confirmed.
    Confirmed,
    /// Cancelled.
    Cancelled,
    /// Expired.
    Expired,
}

impl StatusParam {
    /// As stored.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Held => "held",
            Self::Confirmed => "confirmed",
            Self::Cancelled => "cancelled",
            Self::Expired => "expired",
        }
    }
}

fn stay(findings: &mut FieldErrors, check_in: &str, check_out: &str) -> Option<Stay> {
    let check_in = findings.at("/check_in", query::day(check_in));
    let check_out = findings.at("/check_out", query::day(check_out));
    findings.add(Stay::new(check_in?, check_out?))
}

fn guest(findings: &mut FieldErrors, guest: &GuestBody) -> Option<Guest> {
    let name = findings.at("/guest/name", Text::parse(&guest.name));
    let email = guest.email.as_deref().map(Email::parse).transpose();
    let email = findings.at("/guest/email", email);
    Some(Guest { name: name?, email: email? })
}

fn at_least_one(guests: i64) -> Result<i64, String> {
    if guests >= 1 { Ok(guests) } else { Err("must be at least 1".into()) }
}
