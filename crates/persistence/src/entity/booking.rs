//! `bookings`.

use sea_orm::entity::prelude::*;
use vacancy_domain::{
    Booking, BookingId, Email, Guest, Guests, HotelId, Metadata, Origin, Reference, RoomId, Source,
    Status, Stay, Total, Version,
};

use super::row::Row;
use crate::StoreError;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "bookings")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub room_id: Uuid,
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub hotel_id: Uuid,
    pub guest_name: String,
    pub guest_email: Option<String>,
    pub guests: i64,
    pub check_in: Date,
    pub check_out: Date,
    pub status: String,
    pub hold_expires_at: Option<DateTimeUtc>,
    pub total_amount: Option<i64>,
    pub total_currency: Option<String>,
    pub version: i64,
    pub room_version: i64,
    pub created_at: DateTimeUtc,
    pub updated_at: DateTimeUtc,
    pub made_by: Option<String>,
    pub source: Option<String>,
    pub reference: Option<String>,
    pub continues: Option<Uuid>,
    pub continued_by: Option<Uuid>,
    /// Null without notes.
    pub metadata: Option<Json>,
}

#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

impl Model {
    /// The columns of `bookings_reference_key`, in its order; nothing for a row that is not in it.
    pub fn claim(&self) -> Option<(&str, Option<&str>, Uuid)> {
        let reference = self.reference.as_deref().filter(|_| self.status != "expired")?;
        Some((reference, self.source.as_deref(), self.hotel_id))
    }

    pub fn into_domain(self) -> Result<Booking, StoreError> {
        let row = Row { table: "bookings", id: self.id };
        let status = match (self.status.as_str(), self.hold_expires_at) {
            ("held", Some(until)) => Status::Held { until },
            ("confirmed", None) => Status::Confirmed,
            ("cancelled", None) => Status::Cancelled,
            ("expired", None) => Status::Expired,
            (status, hold) => {
                let with = if hold.is_some() { "with" } else { "without" };
                let why = format!("{status} {with} a time when a hold runs out");
                return row.stored("status", Err(why));
            }
        };
        let stay = Stay::new(self.check_in, self.check_out).map_err(|why| why.message);
        let email = self.guest_email.as_deref().map(Email::stored).transpose();
        let source = self.source.as_deref().map(Source::parse).transpose();
        let metadata = self.metadata.map(read_metadata).transpose();
        let reference = self.reference.as_deref().map(Reference::stored).transpose();
        Ok(Booking {
            id: BookingId(self.id),
            room: RoomId(self.room_id),
            hotel: HotelId(self.hotel_id),
            guest: Guest {
                name: row.text("guest_name", &self.guest_name)?,
                email: row.stored("guest_email", email)?,
            },
            guests: row.stored("guests", Guests::new(self.guests))?,
            stay: row.stored("check_out", stay)?,
            status,
            total: row.money(
                ("total_amount", self.total_amount),
                ("total_currency", self.total_currency.as_deref()),
                Total::new,
            )?,
            origin: Origin {
                source: row.stored("source", source)?,
                reference: row.stored("reference", reference)?,
            },
            continues: self.continues.map(BookingId),
            continued_by: self.continued_by.map(BookingId),
            metadata: row.stored("metadata", metadata)?.unwrap_or_default(),
            made_by: self.made_by,
            version: Version(self.version),
            room_version: Version(self.room_version),
            created_at: self.created_at,
            updated_at: self.updated_at,
        })
    }
}

impl From<&Booking> for Model {
    fn from(booking: &Booking) -> Self {
        let email = booking.guest.email.as_ref();
        let Origin { source, reference } = &booking.origin;
        Self {
            room_id: booking.room.0,
            id: booking.id.0,
            hotel_id: booking.hotel.0,
            guest_name: booking.guest.name.as_str().to_owned(),
            guest_email: email.map(|email| email.as_str().to_owned()),
            guests: booking.guests.get(),
            check_in: booking.stay.check_in(),
            check_out: booking.stay.check_out(),
            status: booking.status.name().to_owned(),
            hold_expires_at: booking.status.held_until(),
            total_amount: booking.total.map(Total::amount),
            total_currency: booking.total.map(|total| total.currency().as_str().to_owned()),
            version: booking.version.0,
            room_version: booking.room_version.0,
            created_at: booking.created_at,
            updated_at: booking.updated_at,
            made_by: booking.made_by.clone(),
            source: source.as_ref().map(|source| source.as_str().to_owned()),
            reference: reference.as_ref().map(|reference| reference.as_str().to_owned()),
            continues: booking.continues.map(|id| id.0),
            continued_by: booking.continued_by.map(|id| id.0),
            metadata: write_metadata(&booking.metadata),
        }
    }
}

fn write_metadata(metadata: &Metadata) -> Option<Json> {
    let notes = metadata.notes().iter().map(|(key, value)| (key.clone(), value.as_str().into()));
    (!metadata.is_empty()).then(|| Json::Object(notes.collect()))
}

/// Fails without repeating anything of it.
fn read_metadata(stored: Json) -> Result<Metadata, String> {
    let notes = serde_json::from_value(stored).map_err(|_| "is no object of strings".to_owned())?;
    Metadata::parse(notes).map_err(|_| "has notes that no release stored".to_owned())
}
