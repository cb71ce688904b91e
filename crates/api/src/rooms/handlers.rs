//! `/v1/rooms`, and the rooms of a hotel.

use axum::Json as Body;
use axum::extract::State;
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::IntoParams;
use uuid::Uuid;
use vacancy_domain::{BookingId, HotelId, Room, RoomId, Stay, Text};
use vacancy_persistence::{BookingFilter, RoomFilter, RoomPosition, RoomSort};

use super::body::{Availability, EventView, RoomBody, RoomView};
use super::service;
use crate::app::App;
use crate::bookings::body::{BookingView, StatusParam};
use crate::http::cursor;
use crate::http::list::{List, Listing};
use crate::http::patch::Edit;
use crate::http::path::Id;
use crate::http::problem::{Problem, StayView};
use crate::http::query::{DayParam, IdParam, Limit, NoQuery, Query, VersionQuery, optional_number};
use crate::http::reply::Reply;
use crate::http::request::{Json, NoBody, WriteRequest};
use crate::http::viewing::Viewing;

/// The longest span of an availability, in days.
const AVAILABILITY_DAYS_MAX: i64 = 732;

/// Filters and order of the list of rooms.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct RoomsQuery {
    /// Only this hotel's.
    #[param(value_type = Option<Uuid>)]
    hotel_id: Option<IdParam>,
    /// Only of hotels in this city, written exactly so.
    city: Option<String>,
    /// Only of this kind, written exactly so.
    kind: Option<String>,
    /// Only those that take so many guests.
    #[param(minimum = 1)]
    #[serde(default, deserialize_with = "optional_number")]
    guests: Option<i64>,
    /// With `check_out`: only open rooms that are free for this stay.
    #[param(value_type = Option<chrono::NaiveDate>)]
    check_in: Option<DayParam>,
    /// With `check_in`.
    #[param(value_type = Option<chrono::NaiveDate>)]
    check_out: Option<DayParam>,
    /// The order.
    #[param(value_type = Option<SortParam>)]
    #[serde(default)]
    sort: SortParam,
    /// The most items to return.
    #[param(value_type = Option<u64>, minimum = 1, maximum = 200)]
    #[serde(default)]
    limit: Limit,
    /// From `next_cursor` of the page before.
    cursor: Option<String>,
}

/// Orders of rooms; the id settles ties.
#[derive(Clone, Copy, Debug, Default, Deserialize, utoipa::ToSchema)]
#[schema(as = RoomSort)]
#[serde(rename_all = "snake_case")]
pub enum SortParam {
    /// The number on the door.
    #[default]
    Number,
    /// Least booked first.
    TimesBooked,
    /// Currency, then amount; without a rate last.
    NightlyRate,
}

/// A place in a list of rooms, inside a cursor.
#[derive(Debug, Serialize, Deserialize)]
enum CursorKey {
    Number(String, Uuid),
    TimesBooked(i64, Uuid),
    NightlyRate(Option<(String, i64)>, Uuid),
}

impl CursorKey {
    fn of(room: &Room, sort: RoomSort) -> Self {
        match RoomPosition::of(room, sort) {
            RoomPosition::Number(number, id) => Self::Number(number, id.0),
            RoomPosition::TimesBooked(times, id) => Self::TimesBooked(times, id.0),
            RoomPosition::NightlyRate(rate, id) => Self::NightlyRate(rate, id.0),
        }
    }

    /// Fails with 400 when it is a place in another order.
    fn position(self, sort: RoomSort) -> Result<RoomPosition, Problem> {
        // A cursor that somebody made up could hold text that the database refuses.
        let sane = |text: &String| Text::parse(text).is_ok();
        match (self, sort) {
            (Self::Number(number, id), RoomSort::Number) if sane(&number) => {
                Ok(RoomPosition::Number(number, RoomId(id)))
            }
            (Self::TimesBooked(times, id), RoomSort::TimesBooked) => {
                Ok(RoomPosition::TimesBooked(times, RoomId(id)))
            }
            (Self::NightlyRate(rate, id), RoomSort::NightlyRate)
                if rate.as_ref().is_none_or(|(currency, _)| sane(currency)) =>
            {
                Ok(RoomPosition::NightlyRate(rate, RoomId(id)))
            }
            _ => Err(Problem::InvalidCursor),
        }
    }
}

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
    service::create(&app, HotelId(hotel), request).await
}

/// Lists rooms; with both dates, only those free for that stay.
#[utoipa::path(
    get, operation_id = "list_rooms", path = "/v1/rooms", tag = "rooms", params(RoomsQuery),
    responses((status = 200, description = "A page of rooms", body = List<RoomView>))
)]
pub async fn list(
    State(app): State<App>,
    listing: Listing<RoomsQuery>,
) -> Result<Response, Problem> {
    let query = &listing.query;
    let stay = match (query.check_in, query.check_out) {
        (None, None) => None,
        (Some(DayParam(check_in)), Some(DayParam(check_out))) => {
            let stay = Stay::new(check_in, check_out);
            Some(stay.map_err(|why| Problem::InvalidRequest(why.message))?)
        }
        (Some(_), None) | (None, Some(_)) => {
            let why = "check_in and check_out go together".to_owned();
            return Err(Problem::InvalidRequest(why));
        }
    };
    if query.guests == Some(0) {
        return Err(Problem::InvalidRequest("guests takes a number from 1".into()));
    }
    let sort = match query.sort {
        SortParam::Number => RoomSort::Number,
        SortParam::TimesBooked => RoomSort::TimesBooked,
        SortParam::NightlyRate => RoomSort::NightlyRate,
    };
    let after = query.cursor.as_deref().map(cursor::decode::<CursorKey>).transpose()?;
    let filter = RoomFilter {
        hotel: query.hotel_id.map(|id| HotelId(id.0)),
        city: query.city.clone(),
        kind: query.kind.clone(),
        guests: query.guests,
        stay,
        sort,
        after: after.map(|place| place.position(sort)).transpose()?,
        limit: query.limit.0,
    };
    let store = app.store.clone();
    let page = app.read(async move { store.rooms(&filter).await }).await?;
    listing.answer(
        &app.metrics,
        &page,
        |room| RoomView::from(room),
        |room| CursorKey::of(room, sort),
    )
}

/// Shows a room.
#[utoipa::path(
    get, operation_id = "get_room", path = "/v1/rooms/{room_id}", tag = "rooms",
    params(("room_id" = Uuid, Path), VersionQuery),
    responses((status = 200, description = "The room", body = RoomView))
)]
pub async fn show(
    State(app): State<App>,
    Id(id): Id,
    viewing: Viewing,
) -> Result<Response, Problem> {
    let store = app.store.clone();
    let room = app.read(async move { store.live_room(RoomId(id)).await }).await?;
    let room = room.ok_or(Problem::NotFound("room"))?;
    viewing.answer(&app.metrics, "room", id, room.version, &RoomView::from(&room))
}

/// Replaces what clients set of a room. Needs `If-Match` or `?version=`.
#[utoipa::path(
    put, operation_id = "replace_room", path = "/v1/rooms/{room_id}", tag = "rooms",
    params(("room_id" = Uuid, Path), VersionQuery),
    request_body = RoomBody,
    responses((status = 200, description = "The room", body = RoomView))
)]
pub async fn put(
    State(app): State<App>,
    Id(id): Id,
    request: WriteRequest<Value, VersionQuery>,
) -> Result<Reply, Problem> {
    service::edit(&app, RoomId(id), Edit::Replace, request).await
}

/// Changes what is said (RFC 7396). Needs `If-Match` or `?version=`.
#[utoipa::path(
    patch, operation_id = "edit_room", path = "/v1/rooms/{room_id}", tag = "rooms",
    params(("room_id" = Uuid, Path), VersionQuery),
    request_body(content = Object, content_type = "application/merge-patch+json"),
    responses((status = 200, description = "The room", body = RoomView))
)]
pub async fn patch(
    State(app): State<App>,
    Id(id): Id,
    request: WriteRequest<Value, VersionQuery>,
) -> Result<Reply, Problem> {
    service::edit(&app, RoomId(id), Edit::Merge, request).await
}

/// Deletes a room without bookings from today on. Needs `If-Match` or `?version=`.
#[utoipa::path(
    delete, operation_id = "delete_room", path = "/v1/rooms/{room_id}", tag = "rooms",
    params(("room_id" = Uuid, Path), VersionQuery),
    responses((status = 204, description = "Deleted"))
)]
pub async fn delete(
    State(app): State<App>,
    Id(id): Id,
    request: WriteRequest<NoBody, VersionQuery>,
) -> Result<Reply, Problem> {
    service::delete(&app, RoomId(id), request).await
}

/// A span of days.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct SpanQuery {
    /// The first night.
    #[param(value_type = chrono::NaiveDate)]
    from: DayParam,
    /// The day after the last night, at most 732 days on.
    #[param(value_type = chrono::NaiveDate)]
    to: DayParam,
}

/// When a room can be had, and at which version that was true.
#[utoipa::path(
    get, operation_id = "get_availability", path = "/v1/rooms/{room_id}/availability", tag = "rooms",
    params(("room_id" = Uuid, Path), SpanQuery),
    responses((status = 200, description = "The free nights", body = Availability))
)]
pub async fn availability(
    State(app): State<App>,
    Id(id): Id,
    Query(span): Query<SpanQuery>,
) -> Result<Response, Problem> {
    let (DayParam(from), DayParam(to)) = (span.from, span.to);
    let days = (to - from).num_days();
    if !(1..=AVAILABILITY_DAYS_MAX).contains(&days) {
        let why = format!("to must be 1 to {AVAILABILITY_DAYS_MAX} days after from");
        return Err(Problem::InvalidRequest(why));
    }
    let store = app.store.clone();
    let calendar = app.read(async move { store.calendar(RoomId(id), from, to).await }).await?;
    let calendar = calendar.ok_or(Problem::NotFound("room"))?;
    let free = calendar.free(from, to);
    let free = free.into_iter().map(|(check_in, check_out)| StayView { check_in, check_out });
    let room_version = calendar.room.version.0;
    let view = Availability { room_id: id, room_version, from, to, free: free.collect() };
    // Time alone can change the answer, without any write: a hold runs out.
    Ok(([(header::CACHE_CONTROL, HeaderValue::from_static("no-store"))], Body(view))
        .into_response())
}

/// Filters of the bookings of a room.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct RoomBookingsQuery {
    /// Only those with a night on or after this day.
    #[param(value_type = Option<chrono::NaiveDate>)]
    from: Option<DayParam>,
    /// Only those with a night before this day.
    #[param(value_type = Option<chrono::NaiveDate>)]
    to: Option<DayParam>,
    /// Only those in this status.
    #[param(value_type = Option<StatusParam>)]
    status: Option<StatusParam>,
    /// The most items to return.
    #[param(value_type = Option<u64>, minimum = 1, maximum = 200)]
    #[serde(default)]
    limit: Limit,
    /// From `next_cursor` of the page before.
    cursor: Option<String>,
}

/// Lists the bookings of a room, by check-in.
#[utoipa::path(
    get, operation_id = "list_room_bookings", path = "/v1/rooms/{room_id}/bookings", tag = "bookings",
    params(("room_id" = Uuid, Path), RoomBookingsQuery),
    responses((status = 200, description = "A page of bookings", body = List<BookingView>))
)]
pub async fn bookings(
    State(app): State<App>,
    Id(id): Id,
    listing: Listing<RoomBookingsQuery>,
) -> Result<Response, Problem> {
    let RoomBookingsQuery { from, to, status, limit, cursor } = &listing.query;
    let (from, to) = (from.map(|day| day.0), to.map(|day| day.0));
    let after = crate::bookings::handlers::place_after(cursor.as_deref(), from, to)?;
    let filter = BookingFilter {
        hotel: None,
        room: Some(RoomId(id)),
        status: status.map(StatusParam::name),
        from,
        to,
        after: after.map(|(day, id)| (day, BookingId(id))),
        limit: limit.0,
    };
    let store = app.store.clone();
    let page = app
        .read(async move {
            let exists = store.live_room(RoomId(id)).await?.is_some();
            Ok(if exists { Some(store.bookings(&filter).await?) } else { None })
        })
        .await?;
    let page = page.ok_or(Problem::NotFound("room"))?;
    crate::bookings::handlers::answer(&app, &listing, &page)
}

/// Where in a history to begin.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct EventsQuery {
    /// Only events after this version of the room.
    #[param(minimum = 0)]
    #[serde(default, deserialize_with = "optional_number")]
    after_version: Option<i64>,
    /// The most items to return.
    #[param(value_type = Option<u64>, minimum = 1, maximum = 200)]
    #[serde(default)]
    limit: Limit,
    /// From `next_cursor` of the page before.
    cursor: Option<String>,
}

/// The history of a room: one event a version, also of a deleted room.
#[utoipa::path(
    get, operation_id = "list_room_events", path = "/v1/rooms/{room_id}/events", tag = "rooms",
    params(("room_id" = Uuid, Path), EventsQuery),
    responses((status = 200, description = "A page of events", body = List<EventView>))
)]
pub async fn events(
    State(app): State<App>,
    Id(id): Id,
    listing: Listing<EventsQuery>,
) -> Result<Response, Problem> {
    let EventsQuery { after_version, limit, cursor } = &listing.query;
    let after = cursor.as_deref().map(cursor::decode::<i64>).transpose()?;
    if after.is_some_and(|version| version < 1) {
        return Err(Problem::InvalidCursor);
    }
    // A cursor goes on where its page ended, and never back behind what was asked for.
    let after = after.max(*after_version).unwrap_or(0);
    let (store, limit) = (app.store.clone(), limit.0);
    let page = app
        .read(async move {
            // Every room that ever was has a first event.
            let exists = store.room(RoomId(id)).await?.is_some();
            Ok(if exists { Some(store.events(RoomId(id), after, limit).await?) } else { None })
        })
        .await?;
    let page = page.ok_or(Problem::NotFound("room"))?;
    listing.answer(&app.metrics, &page, |event| EventView::from(event), |event| event.version.0)
}
