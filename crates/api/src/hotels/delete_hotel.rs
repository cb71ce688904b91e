//! `DELETE /v1/hotels/{hotel_id}`.

use axum::extract::State;
use vacancy_domain::{Decided, HotelId};
use vacancy_persistence::HotelSnapshot;

use super::subject;
use crate::about::{About, Kind, Scope};
use crate::app::App;
use crate::http::path::Id;
use crate::http::problem::Problem;
use crate::http::query::VersionQuery;
use crate::http::reply::{self, Reply};
use crate::http::request::{EmptyBody, WriteRequest};
use crate::metrics::Operation;
use crate::write::{HotelOperation, Ruling, Stop, Subject, write_hotel};

/// What it is.
pub const ABOUT: About = About { id: "delete_hotel", kind: Kind::Delete, scope: Scope::Admin };

/// Deletes a hotel that has no rooms. Needs `If-Match` or `?version=`.
#[utoipa::path(
    delete, operation_id = "delete_hotel", path = "/v1/hotels/{hotel_id}", tag = "hotels",
    params(("hotel_id" = Uuid, Path), VersionQuery),
    responses((status = 204, description = "Deleted"))
)]
pub async fn delete(
    State(app): State<App>,
    Id(id): Id,
    request: WriteRequest<EmptyBody, VersionQuery>,
) -> Result<Reply, Problem> {
    let WriteRequest { context, body, .. } = request;
    write_hotel(&app, context, DeleteHotel { id: HotelId(id), body }).await
}

/// Deletes a hotel without rooms.
#[derive(Debug)]
struct DeleteHotel {
    id: HotelId,
    body: Result<EmptyBody, Problem>,
}

impl HotelOperation for DeleteHotel {
    fn about(&self) -> &'static About {
        &ABOUT
    }

    fn counts_as(&self) -> Operation {
        Operation::EditHotel
    }

    fn hotel(&self) -> Option<HotelId> {
        Some(self.id)
    }

    fn subject(&self, seen: &HotelSnapshot) -> Result<Option<Subject>, Problem> {
        subject::of(seen)
    }

    fn decide(&self, seen: &HotelSnapshot) -> Result<Ruling, Stop> {
        let hotel = seen.hotel.as_ref().ok_or(Problem::NotFound("hotel"))?;
        self.body.as_ref().map_err(Clone::clone)?;
        Ok(match hotel.delete(seen.has_rooms)? {
            Decided::Changed(change, ()) => Ruling::Write(change, reply::deleted()),
            Decided::Unchanged(()) => Ruling::Unchanged(reply::deleted()),
        })
    }
}
