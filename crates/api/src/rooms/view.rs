//! A room as JSON.

use chrono::{DateTime, Utc};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;
use vacancy_domain::Room;

use super::money::MoneyBody;
use crate::http::instants::instant;

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
            capacity: attributes.capacity.get(),
            nightly_rate: attributes.nightly_rate.as_ref().map(MoneyBody::from),
            status: attributes.status.name().to_owned(),
            times_booked: room.times_booked,
            version: room.version.0,
            created_at: room.created_at,
            updated_at: room.updated_at,
        }
    }
}
