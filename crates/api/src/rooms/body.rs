//! Rooms, money, calendars and histories as JSON.

use chrono::{DateTime, NaiveDate, Utc};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;
use uuid::Uuid;
use vacancy_domain::{Currency, Money, Room, RoomAttributes, RoomStatus, Text};
use vacancy_persistence::HistoryEvent;

use crate::http::fields::FieldErrors;
use crate::http::instants::instant;
use crate::http::problem::{Problem, StayView};

/// An amount in minor units of a currency.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[schema(as = Money)]
#[serde(deny_unknown_fields)]
pub struct MoneyBody {
    /// Minor units: cents for EUR, yen for JPY.
    #[schema(minimum = 0, example = 12_900)]
    pub amount: i64,
    /// ISO 4217, upper case.
    #[schema(pattern = "^[A-Z]{3}$", example = "EUR")]
    pub currency: String,
}

impl From<&Money> for MoneyBody {
    fn from(money: &Money) -> Self {
        Self { amount: money.amount, currency: money.currency.as_str().to_owned() }
    }
}

/// A room. Everything here is a column of its own row, so its tag is true.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Room)]
pub struct RoomView {
    /// UUIDv7.
    pub id: Uuid,
    /// Its hotel.
    pub hotel_id: Uuid,
    /// The number on the door.
    pub number: String,
    /// Free text.
    pub kind: String,
    /// How many guests it takes.
    pub capacity: i64,
    /// What a night costs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub nightly_rate: Option<MoneyBody>,
    /// `open` or `closed`.
    pub status: String,
    /// How many of its bookings are confirmed.
    pub times_booked: i64,
    /// Counts every write to it and to its bookings, from 1.
    pub version: i64,
    /// When it was created.
    #[serde(serialize_with = "instant")]
    pub created_at: DateTime<Utc>,
    /// When this version came to be.
    #[serde(serialize_with = "instant")]
    pub updated_at: DateTime<Utc>,
}

/// Fields that a client may send back, but not change.
pub const READ_ONLY: &[&str] =
    &["id", "hotel_id", "times_booked", "version", "created_at", "updated_at"];

impl From<&Room> for RoomView {
    fn from(room: &Room) -> Self {
        let attributes = &room.attributes;
        Self {
            id: room.id.0,
            hotel_id: room.hotel.0,
            number: attributes.number.as_str().to_owned(),
            kind: attributes.kind.as_str().to_owned(),
            capacity: attributes.capacity,
            nightly_rate: attributes.nightly_rate.as_ref().map(MoneyBody::from),
            status: attributes.status.name().to_owned(),
            times_booked: room.times_booked,
            version: room.version.0,
            created_at: room.created_at,
            updated_at: room.updated_at,
        }
    }
}

/// What a client sets of a room.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RoomBody {
    /// Unique among the hotel's rooms; 1 to 200 characters.
    #[schema(min_length = 1, max_length = 200, example = "101")]
    pub number: String,
    /// Free text, 1 to 200 characters.
    #[schema(min_length = 1, max_length = 200, example = "double")]
    pub kind: String,
    /// How many guests it takes.
    #[schema(minimum = 1, maximum = 100, example = 2)]
    pub capacity: i64,
    /// What a night costs. Bookings of a room without a rate have no total.
    pub nightly_rate: Option<MoneyBody>,
    /// `open` (if absent) or `closed`.
    #[schema(pattern = "^(open|closed)$", example = "open")]
    pub status: Option<String>,
}

impl RoomBody {
    /// Reads every field; fails with 422 and all that is wrong.
    pub fn parse(&self) -> Result<RoomAttributes, Problem> {
        let mut findings = FieldErrors::default();
        let number = findings.at("/number", Text::parse(&self.number));
        let kind = findings.at("/kind", Text::parse(&self.kind));
        let capacity = findings.at("/capacity", RoomAttributes::check_capacity(self.capacity));
        let nightly_rate = match &self.nightly_rate {
            None => Some(None),
            Some(rate) => {
                let amount = Money::check_amount(rate.amount);
                let amount = findings.at("/nightly_rate/amount", amount);
                let currency = Currency::parse(&rate.currency);
                let currency = findings.at("/nightly_rate/currency", currency);
                amount.zip(currency).map(|(amount, currency)| Some(Money { amount, currency }))
            }
        };
        let status = self.status.as_deref().map(RoomStatus::parse).transpose();
        let status = findings.at("/status", status).flatten().unwrap_or_default();
        let room = || {
            let (number, kind, capacity) = (number?, kind?, capacity?);
            Some(RoomAttributes { number, kind, capacity, nightly_rate: nightly_rate?, status })
        };
        Ok(findings.finish(room())?)
    }
}

/// When a room can be had.
#[derive(Debug, Serialize, ToSchema)]
pub struct Availability {
    /// The room.
    pub room_id: Uuid,
    /// Its version at that moment: send it as `If-Match` to book only if nothing happened since.
    pub room_version: i64,
    /// The first night asked about.
    pub from: NaiveDate,
    /// The day after the last night asked about.
    pub to: NaiveDate,
    /// The maximal runs of free nights.
    pub free: Vec<StayView>,
}

/// One event of a room's history.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Event)]
pub struct EventView {
    /// The room's version that it produced.
    pub version: i64,
    /// What happened.
    #[schema(example = "booked")]
    pub kind: String,
    /// To which booking.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub booking_id: Option<Uuid>,
    /// When.
    #[serde(serialize_with = "instant")]
    pub at: DateTime<Utc>,
    /// The particulars, among them the `request_id`.
    #[schema(value_type = Object)]
    pub data: Value,
}

impl From<&HistoryEvent> for EventView {
    fn from(event: &HistoryEvent) -> Self {
        Self {
            version: event.version.0,
            kind: event.kind.clone(),
            booking_id: event.booking.map(|booking| booking.0),
            at: event.at,
            data: event.data.clone(),
        }
    }
}
