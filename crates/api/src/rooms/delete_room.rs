//! `DELETE /v1/rooms/{room_id}`.

use axum::extract::State;
use vacancy_domain::{Decided, RoomId};

use crate::about::{About, Kind, Scope};
use crate::app::App;
use crate::http::path::Id;
use crate::http::problem::Problem;
use crate::http::query::VersionQuery;
use crate::http::reply::{self, Reply};
use crate::http::request::{EmptyBody, WriteRequest};
use crate::metrics;
use crate::write::{Look, Nights, Operation, Ruling, Seen, Stop, Subject, Turn, write_rooms};

/// What it is.
pub const ABOUT: About = About { id: "delete_room", kind: Kind::Delete, scope: Scope::Admin };

/// Deletes a room without bookings from today on. Needs `If-Match` or `?version=`.
#[utoipa::path(
    delete, operation_id = "delete_room", path = "/v1/rooms/{room_id}", tag = "rooms",
    params(("room_id" = Uuid, Path), VersionQuery),
    responses((status = 204, description = "Deleted"))
)]
pub async fn delete(
    State(app): State<App>,
    Id(id): Id,
    request: WriteRequest<EmptyBody, VersionQuery>,
) -> Result<Reply, Problem> {
    let WriteRequest { context, body, .. } = request;
    write_rooms(&app, context, DeleteRoom { room: RoomId(id), body }).await
}

/// Deletes a room that has no bookings from today on.
#[derive(Debug)]
struct DeleteRoom {
    room: RoomId,
    body: Result<EmptyBody, Problem>,
}

impl Operation for DeleteRoom {
    fn about(&self) -> &'static About {
        &ABOUT
    }

    fn counts_as(&self) -> metrics::Operation {
        metrics::Operation::EditRoom
    }

    fn looks_at(&self) -> Look {
        Look { room: Some(self.room), nights: Nights::Ahead, ..Look::default() }
    }

    fn subject(&self, seen: &Seen) -> Result<Subject, Problem> {
        let version = seen.live_calendar(self.room)?.room.version;
        Ok(Subject { kind: "room", id: self.room.0, version })
    }

    fn decide(&self, seen: &Seen, _: &mut Turn) -> Result<Ruling, Stop> {
        self.body.as_ref().map_err(Clone::clone)?;
        Ok(match seen.live_calendar(self.room)?.delete_room()? {
            Decided::Changed(change, ()) => Ruling::Write(change, reply::deleted()),
            Decided::Unchanged(()) => Ruling::Unchanged(reply::deleted()),
        })
    }
}
