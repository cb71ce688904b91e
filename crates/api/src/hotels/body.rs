//! Hotels as JSON.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;
use vacancy_domain::{Country, Hotel, HotelAttributes, Text, TimeZone};

use crate::http::fields::FieldErrors;
use crate::http::instants::instant;
use crate::http::problem::Problem;

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
            time_zone: attributes.time_zone.name().to_owned(),
            version: hotel.version.0,
            created_at: hotel.created_at,
            updated_at: hotel.updated_at,
        }
    }
}

/// What a client sets of a hotel.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct HotelBody {
    /// 1 to 200 characters.
    #[schema(min_length = 1, max_length = 200, example = "Rialto")]
    pub name: String,
    /// 1 to 200 characters.
    #[schema(min_length = 1, max_length = 200, example = "Venice")]
    pub city: String,
    /// ISO 3166-1 alpha-2, upper case.
    #[schema(pattern = "^[A-Z]{2}$", example = "IT")]
    pub country: Option<String>,
    /// IANA name; `UTC` if absent.
    #[schema(example = "Europe/Rome")]
    pub time_zone: Option<String>,
}

impl HotelBody {
    /// Reads every field; fails with 422 and all that is wrong.
    pub fn parse(&self) -> Result<HotelAttributes, Problem> {
        let mut findings = FieldErrors::default();
        let name = findings.at("/name", Text::parse(&self.name));
        let city = findings.at("/city", Text::parse(&self.city));
        let country = self.country.as_deref().map(Country::parse).transpose();
        let country = findings.at("/country", country);
        let time_zone = self.time_zone.as_deref().map(TimeZone::parse).transpose();
        let time_zone = findings.at("/time_zone", time_zone).flatten().unwrap_or_default();
        let hotel =
            || Some(HotelAttributes { name: name?, city: city?, country: country?, time_zone });
        Ok(findings.finish(hotel())?)
    }
}
