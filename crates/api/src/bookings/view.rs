//! A booking as JSON.

use std::collections::BTreeMap;

use chrono::{DateTime, NaiveDate, Utc};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;
use vacancy_domain::{Booking, Guest, Origin};
use vacancy_persistence::Answer;

use crate::auth::access::Access;
use crate::http::instants::{instant, optional_instant};
use crate::http::problem::Problem;
use crate::http::reply;
use crate::rooms::money::MoneyBody;
use crate::write::Turn;

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

/// What clients note beside a booking for themselves, kept letter by letter.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Metadata)]
pub struct MetadataBody(#[schema(inline)] BTreeMap<String, String>);

/// A booking.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Booking)]
pub struct BookingView {
    /// UUIDv7; a move keeps it, also that of a guest in the house.
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
    /// The channel it came by.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
    /// What the source calls it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reference: Option<String>,
    /// The booking of the nights slept before in another room, when a guest in the house changed
    /// rooms.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub continues: Option<Uuid>,
    /// The booking under which the stay went on in another room. This one holds the nights slept
    /// until then: they and their room stay as they are.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub continued_by: Option<Uuid>,
    /// What clients note beside it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<MetadataBody>)]
    pub metadata: Option<BTreeMap<String, String>>,
    /// The principal that made it; shown to those who see all bookings.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub made_by: Option<String>,
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
    "continues",
    "continued_by",
    "made_by",
    "version",
    "room_version",
    "created_at",
    "updated_at",
];

impl BookingView {
    /// As it is shown to what is let in so.
    #[must_use]
    pub fn new(booking: &Booking, access: &Access) -> Self {
        let Origin { source, reference } = &booking.origin;
        let notes = Some(booking.metadata.notes()).filter(|notes| !notes.is_empty());
        let made_by = booking.made_by.clone().filter(|_| access.sees_all_bookings());
        Self {
            id: booking.id.0,
            room_id: booking.room.0,
            hotel_id: booking.hotel.0,
            guest: GuestBody::from(&booking.guest),
            guests: booking.guests.get(),
            check_in: booking.stay.check_in(),
            check_out: booking.stay.check_out(),
            nights: booking.stay.nights(),
            status: booking.status.name().to_owned(),
            hold_expires_at: booking.status.held_until(),
            total: booking.total.as_ref().map(MoneyBody::from),
            source: source.as_ref().map(|source| source.as_str().to_owned()),
            reference: reference.as_ref().map(|reference| reference.as_str().to_owned()),
            continues: booking.continues.map(|id| id.0),
            continued_by: booking.continued_by.map(|id| id.0),
            metadata: notes.cloned(),
            made_by,
            version: booking.version.0,
            room_version: booking.room_version.0,
            attempts: None,
            created_at: booking.created_at,
            updated_at: booking.updated_at,
        }
    }
}

/// The answer to a creation by the request whose `turn` it was.
pub fn created(booking: &Booking, turn: &Turn) -> Result<Answer, Problem> {
    let path = format!("/v1/bookings/{}", booking.id);
    reply::created(&after(booking, turn), booking.version, path)
}

/// The answer to a command or an edit by the request whose `turn` it was.
pub fn written(booking: &Booking, turn: &Turn) -> Result<Answer, Problem> {
    reply::ok(&after(booking, turn), booking.version)
}

fn after(booking: &Booking, turn: &Turn) -> BookingView {
    BookingView { attempts: Some(turn.attempt), ..BookingView::new(booking, &turn.access) }
}
