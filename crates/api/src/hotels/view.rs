//! A hotel as JSON.

use chrono::{DateTime, Utc};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;
use vacancy_domain::Hotel;
use vacancy_persistence::Answer;

use crate::http::instants::instant;
use crate::http::problem::Problem;
use crate::http::reply;

/// A hotel.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Hotel)]
pub struct HotelView {
    /// UUIDv7.
    pub id: Uuid,
    /// What guests call it.
    pub name: String,
    /// Where it is.
    pub city: String,
    /// ISO 3166-1 alpha-2.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub country: Option<String>,
    /// IANA name; decides what day it is there.
    pub time_zone: String,
    /// When the day ends there, by its clocks: until then, today is the day before.
    #[schema(pattern = r"^((0[0-9]|1[01]):[0-5][0-9]|12:00)$", example = "04:00")]
    pub day_ends: String,
    /// Counts its edits, from 1.
    pub version: i64,
    /// When it was created.
    #[serde(serialize_with = "instant")]
    pub created_at: DateTime<Utc>,
    /// When this version came to be.
    #[serde(serialize_with = "instant")]
    pub updated_at: DateTime<Utc>,
}

/// Fields that a client may send back, but not change.
pub const READ_ONLY: &[&str] = &["id", "version", "created_at", "updated_at"];

impl From<&Hotel> for HotelView {
    fn from(hotel: &Hotel) -> Self {
        let attributes = &hotel.attributes;
        Self {
            id: hotel.id.0,
            name: attributes.name.as_str().to_owned(),
            city: attributes.city.as_str().to_owned(),
            country: attributes.country.as_ref().map(|country| country.as_str().to_owned()),
            time_zone: attributes.day.time_zone.name().to_owned(),
            day_ends: attributes.day.ends.to_string(),
            version: hotel.version.0,
            created_at: hotel.created_at,
            updated_at: hotel.updated_at,
        }
    }
}

/// The answer to an edit.
pub fn written(hotel: &Hotel) -> Result<Answer, Problem> {
    reply::ok(&HotelView::from(hotel), hotel.version)
}
