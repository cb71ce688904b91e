//! `/v1/bookings`, and booking in a room or a hotel.

use axum::extract::State;
use axum::response::Response;
use chrono::NaiveDate;
use serde::Deserialize;
use serde_json::Value;
use utoipa::IntoParams;
use uuid::Uuid;
use vacancy_domain::{Booking, BookingId, HotelId, RoomId};
use vacancy_persistence::{BookingFilter, Page};

use super::body::{AutoBookBody, BookBody, BookingView, StatusParam};
use super::service;
use crate::app::App;
use crate::http::cursor;
use crate::http::list::{List, Listing};
use crate::http::path::Id;
use crate::http::problem::Problem;
use crate::http::query::{self, DayParam, IdParam, Limit, NoQuery, VersionQuery};
use crate::http::reply::Reply;
use crate::http::request::{Json, NoBody, WriteRequest};
use crate::http::viewing::Viewing;

/// Filters of the list of bookings.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct BookingsQuery {
    /// Only this hotel's.
    #[param(value_type = Option<Uuid>)]
    hotel_id: Option<IdParam>,
    /// Only this room's.
    #[param(value_type = Option<Uuid>)]
    room_id: Option<IdParam>,
    /// Only those in this status.
    #[param(value_type = Option<StatusParam>)]
    status: Option<StatusParam>,
    /// Only those with a night on or after this day.
    #[param(value_type = Option<chrono::NaiveDate>)]
    from: Option<DayParam>,
    /// Only those with a night before this day.
    #[param(value_type = Option<chrono::NaiveDate>)]
    to: Option<DayParam>,
    /// The most items to return.
    #[param(value_type = Option<u64>, minimum = 1, maximum = 200)]
    #[serde(default)]
    limit: Limit,
    /// From `next_cursor` of the page before.
    cursor: Option<String>,
}

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
    service::book(&app, RoomId(room), request).await
}

/// Books the least booked free room of a hotel, or holds it for a while.
#[utoipa::path(
    post, operation_id = "book_hotel", path = "/v1/hotels/{hotel_id}/bookings", tag = "bookings",
    params(("hotel_id" = Uuid, Path)),
    request_body = AutoBookBody,
    responses((status = 201, description = "Booked or held", body = BookingView))
)]
pub async fn book_any(
    State(app): State<App>,
    Id(hotel): Id,
    request: WriteRequest<Json<AutoBookBody>, NoQuery>,
) -> Result<Reply, Problem> {
    service::book_any(&app, HotelId(hotel), request).await
}

/// Lists bookings, by check-in.
#[utoipa::path(
    get, operation_id = "list_bookings", path = "/v1/bookings", tag = "bookings", params(BookingsQuery),
    responses((status = 200, description = "A page of bookings", body = List<BookingView>))
)]
pub async fn list(
    State(app): State<App>,
    listing: Listing<BookingsQuery>,
) -> Result<Response, Problem> {
    let BookingsQuery { hotel_id, room_id, status, from, to, limit, cursor } = &listing.query;
    let (from, to) = (from.map(|day| day.0), to.map(|day| day.0));
    let after = place_after(cursor.as_deref(), from, to)?;
    let filter = BookingFilter {
        hotel: hotel_id.map(|id| HotelId(id.0)),
        room: room_id.map(|id| RoomId(id.0)),
        status: status.map(StatusParam::name),
        from,
        to,
        after: after.map(|(day, id)| (day, BookingId(id))),
        limit: limit.0,
    };
    let store = app.store.clone();
    let page = app.read(async move { store.bookings(&filter).await }).await?;
    answer(&app, &listing, &page)
}

/// Reads the cursor of a list of bookings, and checks its range.
pub fn place_after(
    cursor: Option<&str>,
    from: Option<NaiveDate>,
    to: Option<NaiveDate>,
) -> Result<Option<(NaiveDate, Uuid)>, Problem> {
    if from.zip(to).is_some_and(|(from, to)| from >= to) {
        return Err(Problem::InvalidRequest("to must be after from".into()));
    }
    let Some(cursor) = cursor else { return Ok(None) };
    let (day, id) = cursor::decode::<(String, Uuid)>(cursor)?;
    // A cursor that somebody made up could hold a day that the database refuses.
    let day = query::day(&day).map_err(|_| Problem::InvalidCursor)?;
    Ok(Some((day, id)))
}

/// Writes a page of bookings.
pub fn answer<Q>(
    app: &App,
    listing: &Listing<Q>,
    page: &Page<Booking>,
) -> Result<Response, Problem> {
    let place = |booking: &Booking| (booking.stay.check_in(), booking.id.0);
    listing.answer(&app.metrics, page, |booking| BookingView::from(booking), place)
}

/// Shows a booking.
#[utoipa::path(
    get, operation_id = "get_booking", path = "/v1/bookings/{booking_id}", tag = "bookings",
    params(("booking_id" = Uuid, Path), VersionQuery),
    responses((status = 200, description = "The booking", body = BookingView))
)]
pub async fn show(
    State(app): State<App>,
    Id(id): Id,
    viewing: Viewing,
) -> Result<Response, Problem> {
    let store = app.store.clone();
    let booking = app.read(async move { store.booking(BookingId(id)).await }).await?;
    let booking = booking.ok_or(Problem::NotFound("booking"))?;
    viewing.answer(&app.metrics, "booking", id, booking.version, &BookingView::from(&booking))
}

/// Edits guest, guests, dates or room (RFC 7396). Needs `If-Match` or `?version=`.
#[utoipa::path(
    patch, operation_id = "edit_booking", path = "/v1/bookings/{booking_id}", tag = "bookings",
    params(("booking_id" = Uuid, Path), VersionQuery),
    request_body(content = Object, content_type = "application/merge-patch+json"),
    responses((status = 200, description = "The booking", body = BookingView))
)]
pub async fn patch(
    State(app): State<App>,
    Id(id): Id,
    request: WriteRequest<Value, VersionQuery>,
) -> Result<Reply, Problem> {
    service::edit(&app, BookingId(id), request).await
}

/// Confirms a hold that has not run out.
#[utoipa::path(
    post, operation_id = "confirm_booking", path = "/v1/bookings/{booking_id}/confirm", tag = "bookings",
    params(("booking_id" = Uuid, Path), VersionQuery),
    responses((status = 200, description = "The booking", body = BookingView))
)]
pub async fn confirm(
    State(app): State<App>,
    Id(id): Id,
    request: WriteRequest<NoBody, VersionQuery>,
) -> Result<Reply, Problem> {
    service::confirm_hold(&app, BookingId(id), request).await
}

/// Cancels a hold or a confirmed booking.
#[utoipa::path(
    post, operation_id = "cancel_booking", path = "/v1/bookings/{booking_id}/cancel", tag = "bookings",
    params(("booking_id" = Uuid, Path), VersionQuery),
    responses((status = 200, description = "The booking", body = BookingView))
)]
pub async fn cancel(
    State(app): State<App>,
    Id(id): Id,
    request: WriteRequest<NoBody, VersionQuery>,
) -> Result<Reply, Problem> {
    service::cancel_booking(&app, BookingId(id), request).await
}
