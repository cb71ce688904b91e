//! `POST /v1/hotels/{hotel_id}/rooms`: adds a room to a hotel.

use axum::extract::State;
use uuid::Uuid;
use vacancy_domain::{Decided, HotelId, Room, RoomAttributes, RoomId};
use vacancy_persistence::HotelSnapshot;

use super::body::RoomBody;
use super::view::RoomView;
use crate::about::{About, Kind, Scope};
use crate::app::App;
use crate::http::path::Id;
use crate::http::problem::Problem;
use crate::http::query::NoQuery;
use crate::http::reply::{self, Reply};
use crate::http::request::{Json, WriteRequest};
use crate::metrics::Operation;
use crate::write::{HotelOperation, Ruling, Stop, Subject, write_hotel};

/// What it is.
pub const ABOUT: About = About { id: "create_room", kind: Kind::Create, scope: Scope::Admin };

/// Adds a room to a hotel.
#[utoipa::path(
    post, operation_id = "create_room", path = "/v1/hotels/{hotel_id}/rooms", tag = "rooms",
    params(("hotel_id" = Uuid, Path)),
    request_body = RoomBody,
    responses((status = 201, description = "Created", body = RoomView))
)]
pub async fn create(
    State(app): State<App>,
    Id(hotel): Id,
    request: WriteRequest<Json<RoomBody>, NoQuery>,
) -> Result<Reply, Problem> {
    let id = RoomId(Uuid::now_v7());
    let attributes = request.body.and_then(|Json(body)| body.parse());
    let operation = CreateRoom { id, hotel: HotelId(hotel), attributes };
    write_hotel(&app, request.context, operation).await
}

/// Adds a room to a hotel.
#[derive(Debug)]
struct CreateRoom {
    /// The same at every attempt.
    id: RoomId,
    hotel: HotelId,
    attributes: Result<RoomAttributes, Problem>,
}

impl HotelOperation for CreateRoom {
    fn about(&self) -> &'static About {
        &ABOUT
    }

    fn counts_as(&self) -> Operation {
        Operation::EditRoom
    }

    fn hotel(&self) -> Option<HotelId> {
        Some(self.hotel)
    }

    fn subject(&self, seen: &HotelSnapshot) -> Result<Option<Subject>, Problem> {
        if seen.hotel.is_some() { Ok(None) } else { Err(Problem::NotFound("hotel")) }
    }

    fn decide(&self, seen: &HotelSnapshot) -> Result<Ruling, Stop> {
        let attributes = self.attributes.clone()?;
        let answer = |room: &Room| {
            let path = format!("/v1/rooms/{}", room.id);
            reply::created(&RoomView::from(room), room.version, path)
        };
        Ok(match Room::create(self.id, self.hotel, attributes, seen.now)? {
            Decided::Changed(change, room) => Ruling::Write(change, answer(&room)?),
            Decided::Unchanged(room) => Ruling::Unchanged(answer(&room)?),
        })
    }
}
