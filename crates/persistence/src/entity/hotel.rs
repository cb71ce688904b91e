//! `hotels`.

use sea_orm::Set;
use sea_orm::entity::prelude::*;
use vacancy_domain::{Country, DayEnds, Hotel, HotelAttributes, HotelDay, HotelId, Version, Zones};

use super::row::Row;
use crate::StoreError;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "hotels")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub name: String,
    pub city: String,
    pub country: Option<String>,
    pub time_zone: String,
    pub day_ends: i64,
    pub version: i64,
    pub created_at: DateTimeUtc,
    pub updated_at: DateTimeUtc,
    pub deleted_at: Option<DateTimeUtc>,
}

#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

/// What says which day it is at the hotel `id`: its time zone, by the rules of `zones`, and the end of
/// its day, as stored.
pub fn day(
    zones: &Zones,
    id: HotelId,
    (time_zone, ends): (&str, i64),
) -> Result<HotelDay, StoreError> {
    let row = Row { table: "hotels", id: id.0 };
    Ok(HotelDay {
        time_zone: row.stored("time_zone", zones.find(time_zone))?,
        ends: row.stored("day_ends", DayEnds::after_midnight(ends))?,
    })
}

impl Model {
    pub fn into_domain(self, zones: &Zones) -> Result<Hotel, StoreError> {
        let row = Row { table: "hotels", id: self.id };
        let country = self.country.as_deref().map(Country::parse).transpose();
        Ok(Hotel {
            id: HotelId(self.id),
            attributes: HotelAttributes {
                name: row.text("name", &self.name)?,
                city: row.text("city", &self.city)?,
                country: row.stored("country", country)?,
                day: day(zones, HotelId(self.id), (&self.time_zone, self.day_ends))?,
            },
            version: Version(self.version),
            created_at: self.created_at,
            updated_at: self.updated_at,
        })
    }
}

impl From<&Hotel> for ActiveModel {
    fn from(hotel: &Hotel) -> Self {
        let attributes = &hotel.attributes;
        Self {
            id: Set(hotel.id.0),
            name: Set(attributes.name.as_str().to_owned()),
            city: Set(attributes.city.as_str().to_owned()),
            country: Set(attributes.country.as_ref().map(|country| country.as_str().to_owned())),
            time_zone: Set(attributes.day.time_zone.name().to_owned()),
            day_ends: Set(attributes.day.ends.minutes()),
            version: Set(hotel.version.0),
            created_at: Set(hotel.created_at),
            updated_at: Set(hotel.updated_at),
            deleted_at: Set(None),
        }
    }
}
