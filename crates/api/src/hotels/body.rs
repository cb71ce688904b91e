//! What a client sets of a hotel.

use serde::Deserialize;
use utoipa::ToSchema;
use vacancy_domain::{Country, DayEnds, HotelAttributes, HotelDay, Text, Zones};

use crate::http::fields::FieldErrors;
use crate::http::problem::Problem;

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
    /// When the day ends there, `HH:MM` by its clocks, `00:00` (if absent) to `12:00`: until then,
    /// today is the day before. Seconds may follow where they are zero.
    #[schema(pattern = r"^((0[0-9]|1[01]):[0-5][0-9]|12:00)(:00(\.0+)?)?$", example = "04:00")]
    pub day_ends: Option<String>,
}

impl HotelBody {
    /// Reads every field, the time zone as one of `zones`; fails with 422 and all that is wrong.
    pub fn parse(&self, zones: &Zones) -> Result<HotelAttributes, Problem> {
        let mut errors = FieldErrors::default();
        let name = errors.at("/name", Text::parse(&self.name));
        let city = errors.at("/city", Text::parse(&self.city));
        let country = self.country.as_deref().map(Country::parse).transpose();
        let country = errors.at("/country", country);
        let time_zone = self.time_zone.as_deref().map(|name| zones.find(name)).transpose();
        let time_zone = errors.at("/time_zone", time_zone).flatten().unwrap_or_default();
        let ends = self.day_ends.as_deref().map(DayEnds::parse).transpose();
        let ends = errors.at("/day_ends", ends).flatten().unwrap_or_default();
        let day = HotelDay { time_zone, ends };
        let hotel = || Some(HotelAttributes { name: name?, city: city?, country: country?, day });
        Ok(errors.finish(hotel())?)
    }
}
