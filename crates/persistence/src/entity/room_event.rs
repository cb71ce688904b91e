//! `room_events`: one row a version, for ever.

use sea_orm::Set;
use sea_orm::entity::prelude::*;
use serde_json::{Map, Value, json};
use vacancy_domain::{Event, EventData, Instant, Money, RoomId};

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "room_events")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub room_id: Uuid,
    #[sea_orm(primary_key, auto_increment = false)]
    pub version: i64,
    pub kind: String,
    pub booking_id: Option<Uuid>,
    pub at: DateTimeUtc,
    pub data: Json,
    /// Of the write that appended the row; no answer shows it.
    pub write_id: Uuid,
}

#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

/// The row of one event; `request` names the request whose write it belongs to.
pub fn row(room: RoomId, event: &Event, request: &str) -> ActiveModel {
    let mut data = as_json(&event.data);
    data.insert("request_id".into(), request.into());
    ActiveModel {
        room_id: Set(room.0),
        version: Set(event.version.0),
        kind: Set(event.kind.name().to_owned()),
        booking_id: Set(event.booking.map(|booking| booking.0)),
        at: Set(event.at),
        data: Set(Value::Object(data)),
        write_id: Set(Uuid::now_v7()),
    }
}

fn as_json(particulars: &EventData) -> Map<String, Value> {
    let mut data = Map::new();
    match particulars {
        EventData::Nothing => {}
        EventData::Room(room) => {
            data.insert("number".into(), room.number.as_str().into());
            data.insert("kind".into(), room.kind.as_str().into());
            data.insert("capacity".into(), room.capacity.into());
            data.insert("status".into(), room.status.name().into());
            insert_money(&mut data, "nightly_rate", room.nightly_rate.as_ref());
        }
        EventData::Booking { stay, guests, total, hold_expires_at, other_room } => {
            data.insert("check_in".into(), stay.check_in().to_string().into());
            data.insert("check_out".into(), stay.check_out().to_string().into());
            data.insert("guests".into(), (*guests).into());
            insert_money(&mut data, "total", total.as_ref());
            if let Some(at) = hold_expires_at {
                data.insert("hold_expires_at".into(), instant(*at).into());
            }
            if let Some(room) = other_room {
                data.insert("other_room_id".into(), room.to_string().into());
            }
        }
    }
    data
}

fn insert_money(data: &mut Map<String, Value>, name: &str, money: Option<&Money>) {
    if let Some(Money { amount, currency }) = money {
        data.insert(name.into(), json!({ "amount": amount, "currency": currency.as_str() }));
    }
}

fn instant(at: Instant) -> String {
    at.to_rfc3339_opts(chrono::SecondsFormat::Micros, true)
}
