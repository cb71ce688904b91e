//! `PUT` and `PATCH /v1/rooms/{room_id}`.

use axum::extract::State;
use serde_json::Value;
use vacancy_domain::{Decided, Room, RoomId};

use super::body::RoomBody;
use super::view::{READ_ONLY, RoomView};
use crate::about::{About, Kind, Scope};
use crate::app::App;
use crate::http::patch::{self, Edit};
use crate::http::path::Id;
use crate::http::problem::Problem;
use crate::http::query::VersionQuery;
use crate::http::reply::{self, Reply};
use crate::http::request::WriteRequest;
use crate::metrics;
use crate::write::{Look, Operation, Ruling, Seen, Stop, Subject, Turn, write_rooms};

/// What replacing is.
pub const REPLACE: About = About { id: "replace_room", kind: Kind::Edit, scope: Scope::Admin };
/// What merging is.
pub const MERGE: About = About { id: "edit_room", kind: Kind::Edit, scope: Scope::Admin };

/// Replaces what clients set of a room. Needs `If-Match` or `?version=`.
#[utoipa::path(
    put, operation_id = "replace_room", path = "/v1/rooms/{room_id}", tag = "rooms",
    params(("room_id" = Uuid, Path), VersionQuery),
    request_body(content = ref("#/components/schemas/RoomReplacement")),
    responses((status = 200, description = "The room", body = RoomView))
)]
pub async fn put(
    State(app): State<App>,
    Id(id): Id,
    request: WriteRequest<Value, VersionQuery>,
) -> Result<Reply, Problem> {
    edit(&app, RoomId(id), Edit::Replace, request).await
}

/// Changes what is said (RFC 7396). Needs `If-Match` or `?version=`.
#[utoipa::path(
    patch, operation_id = "edit_room", path = "/v1/rooms/{room_id}", tag = "rooms",
    params(("room_id" = Uuid, Path), VersionQuery),
    request_body(content = ref("#/components/schemas/RoomPatch"), content_type = "application/merge-patch+json"),
    responses((status = 200, description = "The room", body = RoomView))
)]
pub async fn patch(
    State(app): State<App>,
    Id(id): Id,
    request: WriteRequest<Value, VersionQuery>,
) -> Result<Reply, Problem> {
    edit(&app, RoomId(id), Edit::Merge, request).await
}

async fn edit(
    app: &App,
    room: RoomId,
    edit: Edit,
    request: WriteRequest<Value, VersionQuery>,
) -> Result<Reply, Problem> {
    write_rooms(app, request.context, EditRoom { room, edit, body: request.body }).await
}

/// Replaces or merges what clients set of a room.
#[derive(Debug)]
struct EditRoom {
    room: RoomId,
    edit: Edit,
    body: Result<Value, Problem>,
}

impl Operation for EditRoom {
    fn about(&self) -> &'static About {
        match self.edit {
            Edit::Replace => &REPLACE,
            Edit::Merge => &MERGE,
        }
    }

    fn counts_as(&self) -> metrics::Operation {
        metrics::Operation::EditRoom
    }

    fn looks_at(&self) -> Look {
        Look { room: Some(self.room), ..Look::default() }
    }

    fn subject(&self, seen: &Seen) -> Result<Subject, Problem> {
        let version = seen.live_calendar(self.room)?.room.version;
        Ok(Subject { kind: "room", id: self.room.0, version })
    }

    fn decide(&self, seen: &Seen, _: &mut Turn) -> Result<Ruling, Stop> {
        let room = &seen.live_calendar(self.room)?.room;
        let body = self.body.as_ref().map_err(Clone::clone)?;
        if body.get("status").is_some_and(Value::is_null) {
            // Removing it would open a closed room, which is hardly meant.
            return Err(Problem::invalid("/status", "must be open or closed").into());
        }
        let body: RoomBody = patch::apply(self.edit, &RoomView::from(room), READ_ONLY, body)?;
        let answer = |room: &Room| reply::ok(&RoomView::from(room), room.version);
        Ok(match room.edit(body.parse()?, seen.now())? {
            Decided::Changed(change, room) => Ruling::Write(change, answer(&room)?),
            Decided::Unchanged(room) => Ruling::Unchanged(answer(&room)?),
        })
    }
}
