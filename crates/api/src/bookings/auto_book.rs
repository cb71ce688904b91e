//! `POST /v1/hotels/{hotel_id}/bookings`: books the least booked room of a hotel that is free.

use std::sync::Arc;

use axum::extract::State;
use uuid::Uuid;
use vacancy_domain::{BookingId, Decided, HotelId, Refusal, RoomId, Text};

use super::reference;
use super::request::{AutoBookBody, BookingRequest};
use super::view::{BookingView, created};
use crate::about::{About, Kind, Scope};
use crate::app::App;
use crate::http::path::Id;
use crate::http::problem::Problem;
use crate::http::query::NoQuery;
use crate::http::reply::Reply;
use crate::http::request::{Json, WriteRequest};
use crate::metrics;
use crate::write::{
    Failure, Look, Nights, Operation, Ruling, Run, Seen, Stop, Subject, Turn,
    check_no_precondition, run_write,
};

/// What it is.
pub const ABOUT: About = About { id: "book_hotel", kind: Kind::Create, scope: Scope::Book };

/// Books the least booked free room of a hotel, or holds it for a while.
#[utoipa::path(
    post, operation_id = "book_hotel", path = "/v1/hotels/{hotel_id}/bookings", tag = "bookings",
    params(("hotel_id" = Uuid, Path)),
    request_body = AutoBookBody,
    responses((status = 201, description = "Booked or held", body = BookingView))
)]
pub async fn auto_book(
    State(app): State<App>,
    Id(hotel): Id,
    request: WriteRequest<Json<AutoBookBody>, NoQuery>,
) -> Result<Reply, Problem> {
    let id = BookingId(Uuid::now_v7());
    let wanted = Arc::new(request.body.and_then(|Json(body)| body.parse()));
    let attempt = move |run: Arc<Run>| {
        let wanted = wanted.clone();
        async move { walk_candidates(&run, HotelId(hotel), id, &wanted).await }
    };
    run_write(&app, request.context, metrics::Operation::AutoBook, attempt).await
}

/// Tries one room after the other, without waiting: a race lost on one says nothing about the next.
/// Only when every candidate was lost has the attempt been lost.
async fn walk_candidates(
    run: &Arc<Run>,
    hotel: HotelId,
    id: BookingId,
    wanted: &Arc<Result<BookingRequest, Problem>>,
) -> Result<Reply, Failure> {
    let store = &run.app.store;
    let key = run.context.key.as_ref().map(|key| key.0.as_str());
    let Ok(request) = &**wanted else {
        // The key and the hotel come before the body.
        let seen = store.hotel_snapshot(key, Some(hotel)).await.map_err(Problem::from)?;
        if let Some(earlier) = &seen.earlier {
            return run.replay(earlier);
        }
        run.context.access.visible(seen.hotel).ok_or(Problem::NotFound("hotel"))?;
        check_no_precondition(run)?;
        return Err(wanted
            .as_ref()
            .as_ref()
            .map_or_else(Problem::clone, |_| unreachable!("it is none"))
            .into());
    };
    let kind = request.kind.as_ref().map(Text::as_str);
    let seen = store.candidates(key, hotel, request.stay, request.guests.get(), kind).await;
    let seen = seen.map_err(Problem::from)?;
    if let Some(earlier) = &seen.earlier {
        return run.replay(earlier);
    }
    let today = seen.today.filter(|_| run.context.access.visible(Some(hotel)).is_some());
    let today = today.ok_or(Problem::NotFound("hotel"))?;
    check_no_precondition(run)?;
    // Said before anything about rooms: a stay in the past is wrong even in a full hotel.
    let bookable = request.stay.check_bookable(today).map_err(Refusal::from);
    let some = if seen.rooms.is_empty() { Err(Refusal::NoRoomAvailable) } else { Ok(()) };
    if let Err(refusal) = bookable.and(some) {
        let claim = request.origin.claim(hotel);
        let problem = reference::or_taken(run, claim.as_ref(), Problem::refused(refusal)).await?;
        return Err(problem.into());
    }
    for room in seen.rooms {
        let operation = Arc::new(BookCandidate { room, id, wanted: wanted.clone() });
        match reference::attempt(run, operation).await {
            Err(Failure::Lost | Failure::Problem(Problem::NotFound(_))) => {}
            Err(Failure::Problem(Problem::Refused { refusal, .. })) if is_about_room(&refusal) => {}
            done => return done,
        }
    }
    Err(Failure::Lost)
}

/// Whether another room may do what this one would not.
fn is_about_room(refusal: &Refusal) -> bool {
    match refusal {
        Refusal::RoomUnavailable { .. }
        | Refusal::RoomClosed
        | Refusal::CapacityExceeded { .. } => true,
        Refusal::Invalid(_)
        | Refusal::HoldExpired
        | Refusal::InvalidTransition { .. }
        | Refusal::RoomInUse { .. }
        | Refusal::HotelInUse
        | Refusal::NoRoomAvailable => false,
    }
}

/// Books or holds a stay in one of the rooms that came into question.
#[derive(Debug)]
struct BookCandidate {
    room: RoomId,
    id: BookingId,
    wanted: Arc<Result<BookingRequest, Problem>>,
}

impl Operation for BookCandidate {
    fn about(&self) -> &'static About {
        &ABOUT
    }

    fn counts_as(&self) -> metrics::Operation {
        metrics::Operation::AutoBook
    }

    fn looks_at(&self) -> Look {
        let nights = (*self.wanted).as_ref().map_or(Nights::None, |it| Nights::Of(it.stay));
        Look { room: Some(self.room), nights, ..Look::default() }
    }

    fn subject(&self, seen: &Seen) -> Result<Subject, Problem> {
        let version = seen.live_calendar(self.room)?.room.version;
        Ok(Subject { kind: "room", id: self.room.0, version })
    }

    fn decide(&self, seen: &Seen, turn: &mut Turn) -> Result<Ruling, Stop> {
        let wanted = (*self.wanted).as_ref().map_err(Clone::clone)?;
        Ok(match seen.live_calendar(self.room)?.book(wanted.as_booking(self.id, &turn.access))? {
            Decided::Changed(change, booking) => Ruling::Write(change, created(&booking, turn)?),
            Decided::Unchanged(booking) => Ruling::Unchanged(created(&booking, turn)?),
        })
    }
}
