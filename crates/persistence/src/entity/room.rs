//! `rooms`.

use sea_orm::entity::prelude::*;
use sea_orm::{ActiveModelTrait, IntoActiveModel};
use vacancy_domain::{
    Amount, Capacity, HotelId, Money, Room, RoomAttributes, RoomId, RoomStatus, Version,
};

use super::row::Row;
use crate::StoreError;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "rooms")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub hotel_id: Uuid,
    pub number: String,
    pub kind: String,
    pub capacity: i64,
    pub rate_amount: Option<i64>,
    pub rate_currency: Option<String>,
    pub status: String,
    pub times_booked: i64,
    pub version: i64,
    pub created_at: DateTimeUtc,
    pub updated_at: DateTimeUtc,
    pub deleted_at: Option<DateTimeUtc>,
}

#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

impl Model {
    pub fn into_domain(self) -> Result<Room, StoreError> {
        let row = Row { table: "rooms", id: self.id };
        let rate = |amount, currency| Amount::new(amount).map(|amount| Money { amount, currency });
        Ok(Room {
            id: RoomId(self.id),
            hotel: HotelId(self.hotel_id),
            attributes: RoomAttributes {
                number: row.text("number", &self.number)?,
                kind: row.text("kind", &self.kind)?,
                capacity: row.stored("capacity", Capacity::new(self.capacity))?,
                nightly_rate: row.money(
                    ("rate_amount", self.rate_amount),
                    ("rate_currency", self.rate_currency.as_deref()),
                    rate,
                )?,
                status: row.stored("status", RoomStatus::parse(&self.status))?,
            },
            times_booked: self.times_booked,
            version: Version(self.version),
            created_at: self.created_at,
            updated_at: self.updated_at,
            deleted_at: self.deleted_at,
        })
    }
}

impl From<&Room> for Model {
    fn from(room: &Room) -> Self {
        let attributes = &room.attributes;
        let rate = attributes.nightly_rate;
        Self {
            id: room.id.0,
            hotel_id: room.hotel.0,
            number: attributes.number.as_str().to_owned(),
            kind: attributes.kind.as_str().to_owned(),
            capacity: attributes.capacity.get(),
            rate_amount: rate.map(|rate| rate.amount.get()),
            rate_currency: rate.map(|rate| rate.currency.as_str().to_owned()),
            status: attributes.status.name().to_owned(),
            times_booked: room.times_booked,
            version: room.version.0,
            created_at: room.created_at,
            updated_at: room.updated_at,
            deleted_at: room.deleted_at,
        }
    }
}

impl From<&Room> for ActiveModel {
    fn from(room: &Room) -> Self {
        Model::from(room).into_active_model().reset_all()
    }
}
