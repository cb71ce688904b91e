//! What is done with rooms: each write as one attempt that reads, decides and commits.

use std::sync::Arc;

use serde_json::Value;
use uuid::Uuid;
use vacancy_domain::{Calendar, HotelId, Room, RoomId};
use vacancy_persistence::{Nights, SnapshotQuery};

use super::body::{READ_ONLY, RoomBody, RoomView};
use crate::app::App;
use crate::http::patch::{self, Edit};
use crate::http::problem::Problem;
use crate::http::query::{NoQuery, VersionQuery};
use crate::http::reply::{self, Reply};
use crate::http::request::{Json, NoBody, WriteRequest};
use crate::metrics::Operation;
use crate::write::{Stop, Writing, carry_out};

const RESOURCE: &str = "room";

/// Adds a room to a hotel.
pub async fn create(
    app: &App,
    hotel: HotelId,
    request: WriteRequest<Json<RoomBody>, NoQuery>,
) -> Result<Reply, Problem> {
    let WriteRequest { context, body, .. } = request;
    let id = RoomId(Uuid::now_v7());
    let attributes = body.and_then(|Json(body)| body.parse());
    carry_out(app, context, Operation::EditRoom, move |writing| {
        let attributes = attributes.clone();
        async move {
            let seen = writing.hotel_snapshot(Some(hotel)).await?;
            if seen.hotel.is_none() {
                return Err(Problem::NotFound("hotel").into());
            }
            writing.check_no_if_match()?;
            let decision = Room::create(id, hotel, attributes?, seen.now);
            let answer = |room: &Room, _| {
                let path = format!("/v1/rooms/{}", room.id);
                reply::created(&RoomView::from(room), room.version, path)
            };
            writing.conclude(decision, seen.now, answer).await
        }
    })
    .await
}

/// Replaces or merges what clients set of a room.
pub async fn edit(
    app: &App,
    id: RoomId,
    edit: Edit,
    request: WriteRequest<Value, VersionQuery>,
) -> Result<Reply, Problem> {
    let WriteRequest { context, body, .. } = request;
    carry_out(app, context, Operation::EditRoom, move |writing| {
        let body = body.clone();
        async move {
            let Calendar { room, now, .. } = read(&writing, id, Nights::None).await?;
            writing.check_edit(RESOURCE, id.0, room.version)?;
            let view = RoomView::from(&room);
            let body = body?;
            if body.get("status").is_some_and(Value::is_null) {
                // Removing it would open a closed room, which nobody means.
                return Err(Problem::invalid("/status", "must be open or closed").into());
            }
            let body: RoomBody = patch::apply(edit, &view, READ_ONLY, &body)?;
            let decision = room.edit(body.parse()?, now);
            let answer = |room: &Room, _| reply::ok(&RoomView::from(room), room.version);
            writing.conclude(decision, now, answer).await
        }
    })
    .await
}

/// Deletes a room that nobody has booked from today on.
pub async fn delete(
    app: &App,
    id: RoomId,
    request: WriteRequest<NoBody, VersionQuery>,
) -> Result<Reply, Problem> {
    let WriteRequest { context, body, .. } = request;
    carry_out(app, context, Operation::EditRoom, move |writing| {
        let body = body.clone();
        async move {
            let calendar = read(&writing, id, Nights::Ahead).await?;
            writing.check_edit(RESOURCE, id.0, calendar.room.version)?;
            let NoBody = body?;
            let deleted = |(): &(), _| Ok(reply::deleted());
            writing.conclude(calendar.delete_room(), calendar.now, deleted).await
        }
    })
    .await
}

/// The calendar of a room that is not deleted.
pub async fn read(writing: &Arc<Writing>, id: RoomId, nights: Nights) -> Result<Calendar, Stop> {
    let seen = writing
        .snapshot(SnapshotQuery { room: Some(id), nights, ..SnapshotQuery::default() })
        .await?;
    let calendar = seen.calendar.filter(|calendar| !calendar.room.is_deleted());
    calendar.ok_or_else(|| Problem::NotFound(RESOURCE).into())
}
