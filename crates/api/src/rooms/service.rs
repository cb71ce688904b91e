//! What is done with rooms: each write as one attempt that reads, decides and commits.

use std::sync::Arc;

use serde_json::Value;
use uuid::Uuid;
use vacancy_domain::{Calendar, HotelId, Room, RoomId};
use vacancy_persistence::{Ask, Nights};

use super::body::{READ_ONLY, RoomBody, RoomView};
use crate::app::App;
use crate::http::body::{Incoming, Json, NoBody};
use crate::http::patch::{self, Edit};
use crate::http::problem::Problem;
use crate::http::query::{NoQuery, VersionQuery};
use crate::http::reply::{self, Reply};
use crate::metrics::Operation;
use crate::write::{Stop, Writing, carry_out};

const KIND: &str = "room";

/// Adds a room to a hotel.
pub async fn create(
    app: &App,
    hotel: HotelId,
    request: Incoming<Json<RoomBody>, NoQuery>,
) -> Result<Reply, Problem> {
    let Incoming { intent, body, .. } = request.without_if_match()?;
    let id = RoomId(Uuid::now_v7());
    let attributes = body.and_then(|Json(body)| body.parse());
    carry_out(app, intent, Operation::EditRoom, move |writing| {
        let attributes = attributes.clone();
        async move {
            let seen = writing.hotel_snapshot(Some(hotel)).await?;
            if seen.hotel.is_none() {
                return Err(Problem::NotFound("hotel").into());
            }
            let decision = Room::create(id, hotel, attributes?, seen.now);
            let answer = |room: &Room, _| {
                let path = format!("/v1/rooms/{}", room.id);
                reply::created(&RoomView::from(room), room.version, path)
            };
            writing.settle(decision, seen.now, answer).await
        }
    })
    .await
}

/// Replaces or merges what clients set of a room.
pub async fn edit(
    app: &App,
    id: RoomId,
    edit: Edit,
    request: Incoming<Value, VersionQuery>,
) -> Result<Reply, Problem> {
    let Incoming { intent, body, .. } = request;
    carry_out(app, intent, Operation::EditRoom, move |writing| {
        let body = body.clone();
        async move {
            let Calendar { room, now, .. } = read(&writing, id, Nights::None).await?;
            writing.check_edit(KIND, id.0, room.version)?;
            let view = RoomView::from(&room);
            let body = body?;
            if body.get("status").is_some_and(Value::is_null) {
                // Removing it would open a closed room, which nobody means.
                return Err(Problem::invalid("/status", "must be open or closed").into());
            }
            let body: RoomBody = patch::apply(edit, &view, READ_ONLY, &body)?;
            let decision = room.edit(body.parse()?, now);
            let answer = |room: &Room, _| reply::ok(&RoomView::from(room), room.version);
            writing.settle(decision, now, answer).await
        }
    })
    .await
}

/// Deletes a room that nobody has booked from today on.
pub async fn delete(
    app: &App,
    id: RoomId,
    request: Incoming<NoBody, VersionQuery>,
) -> Result<Reply, Problem> {
    let Incoming { intent, body, .. } = request;
    carry_out(app, intent, Operation::EditRoom, move |writing| {
        let body = body.clone();
        async move {
            let calendar = read(&writing, id, Nights::Ahead).await?;
            writing.check_edit(KIND, id.0, calendar.room.version)?;
            let NoBody = body?;
            let deleted = |(): &(), _| Ok(reply::deleted());
            writing.settle(calendar.delete_room(), calendar.now, deleted).await
        }
    })
    .await
}

/// The calendar of a room that is not deleted.
pub async fn read(writing: &Arc<Writing>, id: RoomId, nights: Nights) -> Result<Calendar, Stop> {
    let seen = writing.snapshot(Ask { room: Some(id), nights, ..Ask::default() }).await?;
    let calendar = seen.calendar.filter(|calendar| calendar.room.deleted_at.is_none());
    calendar.ok_or_else(|| Problem::NotFound(KIND).into())
}
