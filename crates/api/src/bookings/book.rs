//! `POST /v1/rooms/{room_id}/bookings`: books a room, or holds it for a while.

use axum::extract::State;
use uuid::Uuid;
use vacancy_domain::{BookingId, Decided, RoomId};

use super::reference;
use super::request::{BookBody, BookingRequest};
use super::view::{BookingView, created};
use crate::about::{About, Kind, Scope};
use crate::app::App;
use crate::http::path::Id;
use crate::http::problem::Problem;
use crate::http::query::VersionQuery;
use crate::http::reply::Reply;
use crate::http::request::{Json, WriteRequest};
use crate::metrics;
use crate::write::{Look, Nights, Operation, Ruling, Seen, Stop, Subject, Turn};

/// What it is.
pub const ABOUT: About = About { id: "book_room", kind: Kind::Book, scope: Scope::Book };

/// Books a room, or holds it for a while. `If-Match` and `?version=` name the room's version: book
/// only if nothing happened since I looked.
#[utoipa::path(
    post, operation_id = "book_room", path = "/v1/rooms/{room_id}/bookings", tag = "bookings",
    params(("room_id" = Uuid, Path), VersionQuery),
    request_body = BookBody,
    responses((status = 201, description = "Booked or held", body = BookingView))
)]
pub async fn book(
    State(app): State<App>,
    Id(room): Id,
    request: WriteRequest<Json<BookBody>, VersionQuery>,
) -> Result<Reply, Problem> {
    let id = BookingId(Uuid::now_v7());
    let wanted = request.body.and_then(|Json(body)| body.parse());
    reference::write(&app, request.context, Book { room: RoomId(room), id, wanted }).await
}

/// Books or holds a stay in a room.
#[derive(Debug)]
struct Book {
    room: RoomId,
    /// The same at every attempt.
    id: BookingId,
    wanted: Result<BookingRequest, Problem>,
}

impl Operation for Book {
    fn about(&self) -> &'static About {
        &ABOUT
    }

    fn counts_as(&self) -> metrics::Operation {
        metrics::Operation::Book
    }

    fn looks_at(&self) -> Look {
        let nights = self.wanted.as_ref().map_or(Nights::None, |wanted| Nights::Of(wanted.stay));
        Look { room: Some(self.room), nights, ..Look::default() }
    }

    fn subject(&self, seen: &Seen) -> Result<Subject, Problem> {
        let version = seen.live_calendar(self.room)?.room.version;
        Ok(Subject { kind: "room", id: self.room.0, version })
    }

    fn decide(&self, seen: &Seen, turn: &mut Turn) -> Result<Ruling, Stop> {
        let wanted = self.wanted.as_ref().map_err(Clone::clone)?;
        if wanted.hold.is_some() {
            turn.counts_as = metrics::Operation::Hold;
        }
        let calendar = seen.live_calendar(self.room)?;
        let booked = calendar.book(wanted.as_booking(self.id, &turn.access));
        let booked = booked.map_err(|refused| {
            let claim = wanted.origin.claim(calendar.room.hotel);
            Stop::from(refused).wanting(wanted.stay, wanted.guests).claiming(claim)
        })?;
        Ok(match booked {
            Decided::Changed(change, booking) => Ruling::Write(change, created(&booking, turn)?),
            Decided::Unchanged(booking) => Ruling::Unchanged(created(&booking, turn)?),
        })
    }
}
