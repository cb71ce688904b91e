//! `room_events`: one row a version, for ever.

use sea_orm::Set;
use sea_orm::entity::prelude::*;
use serde_json::{Map, Value, json};
use vacancy_domain::{Currency, Event, EventData, Instant, RoomId};

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
    /// The principal; null where requests needed no credential.
    pub actor: Option<String>,
    /// Names the write that appended it; null where the room came to be, or in rows by other hands.
    pub write_id: Option<Uuid>,
}

#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

/// The row of one event; `request` names the request whose write it belongs to, `actor` its
/// principal.
pub fn row(room: RoomId, event: &Event, request: &str, actor: Option<&str>) -> ActiveModel {
    ActiveModel {
        room_id: Set(room.0),
        version: Set(event.version.0),
        kind: Set(event.kind.name().to_owned()),
        booking_id: Set(event.booking.map(|booking| booking.0)),
        at: Set(event.at),
        data: Set(data(event, request)),
        actor: Set(actor.map(str::to_owned)),
        write_id: Set(None),
    }
}

/// The particulars of an event, with the name of the request it belongs to.
pub fn data(event: &Event, request: &str) -> Value {
    let mut data = as_json(&event.data);
    data.insert("request_id".into(), request.into());
    Value::Object(data)
}

fn as_json(particulars: &EventData) -> Map<String, Value> {
    let mut data = Map::new();
    match particulars {
        EventData::Nothing => {}
        EventData::Room(room) => {
            data.insert("number".into(), room.number.as_str().into());
            data.insert("kind".into(), room.kind.as_str().into());
            data.insert("capacity".into(), room.capacity.get().into());
            data.insert("status".into(), room.status.name().into());
            insert_money(
                &mut data,
                "nightly_rate",
                room.nightly_rate.map(|rate| (rate.amount.get(), rate.currency)),
            );
        }
        EventData::Booking { stay, guests, total, hold_expires_at, other_room } => {
            data.insert("check_in".into(), stay.check_in().to_string().into());
            data.insert("check_out".into(), stay.check_out().to_string().into());
            data.insert("guests".into(), guests.get().into());
            insert_money(&mut data, "total", total.map(|total| (total.amount(), total.currency())));
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

fn insert_money(data: &mut Map<String, Value>, name: &str, money: Option<(i64, Currency)>) {
    if let Some((amount, currency)) = money {
        data.insert(name.into(), json!({ "amount": amount, "currency": currency.as_str() }));
    }
}

fn instant(at: Instant) -> String {
    at.to_rfc3339_opts(chrono::SecondsFormat::Micros, true)
}
