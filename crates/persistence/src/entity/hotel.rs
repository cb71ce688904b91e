//! `hotels`.

use sea_orm::Set;
use sea_orm::entity::prelude::*;
use vacancy_domain::{Country, Hotel, HotelAttributes, HotelId, TimeZone, Version};

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
    pub version: i64,
    pub created_at: DateTimeUtc,
    pub updated_at: DateTimeUtc,
    pub deleted_at: Option<DateTimeUtc>,
}

#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

/// The time zone of the hotel `id` as stored.
pub fn time_zone(id: HotelId, name: &str) -> Result<TimeZone, StoreError> {
    Row { table: "hotels", id: id.0 }.stored("time_zone", TimeZone::parse(name))
}

impl Model {
    pub fn into_domain(self) -> Result<Hotel, StoreError> {
        let row = Row { table: "hotels", id: self.id };
        let country = self.country.as_deref().map(Country::parse).transpose();
        Ok(Hotel {
            id: HotelId(self.id),
            attributes: HotelAttributes {
                name: row.text("name", &self.name)?,
                city: row.text("city", &self.city)?,
                country: row.stored("country", country)?,
                time_zone: time_zone(HotelId(self.id), &self.time_zone)?,
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
            time_zone: Set(attributes.time_zone.name().to_owned()),
            version: Set(hotel.version.0),
            created_at: Set(hotel.created_at),
            updated_at: Set(hotel.updated_at),
            deleted_at: Set(None),
        }
    }
}
