//! `GET /v1/rooms/{room_id}`.

use axum::extract::State;
use axum::response::Response;
use vacancy_domain::RoomId;

use super::view::RoomView;
use crate::about::{About, Kind, Scope};
use crate::app::App;
use crate::auth::access::Access;
use crate::http::path::Id;
use crate::http::problem::Problem;
use crate::http::query::VersionQuery;
use crate::http::viewing::Viewing;

/// What it is.
pub const ABOUT: About = About { id: "get_room", kind: Kind::Show, scope: Scope::Read };

/// Shows a room.
#[utoipa::path(
    get, operation_id = "get_room", path = "/v1/rooms/{room_id}", tag = "rooms",
    params(("room_id" = Uuid, Path), VersionQuery),
    responses((status = 200, description = "The room", body = RoomView))
)]
pub async fn show(
    State(app): State<App>,
    Id(id): Id,
    access: Access,
    viewing: Viewing,
) -> Result<Response, Problem> {
    let store = app.store.clone();
    let room = app.read(async move { store.live_room(RoomId(id)).await }).await?;
    let room = access.visible(room).ok_or(Problem::NotFound("room"))?;
    viewing.answer(&app.metrics, "room", id, room.version, &RoomView::from(&room))
}
