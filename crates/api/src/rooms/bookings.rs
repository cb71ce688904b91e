//! `GET /v1/rooms/{room_id}/bookings`.

use axum::extract::State;
use axum::response::Response;
use serde::Deserialize;
use utoipa::IntoParams;
use vacancy_domain::{BookingId, RoomId};
use vacancy_persistence::BookingFilter;

use crate::about::{About, Kind, Scope};
use crate::app::App;
use crate::auth::access::Access;
use crate::bookings::list::{ReferenceParam, SourceParam, StatusParam, answer, place_after};
use crate::bookings::view::BookingView;
use crate::http::list::{List, Listing};
use crate::http::path::Id;
use crate::http::problem::Problem;
use crate::http::query::{DayParam, Limit};

/// What it is.
pub const ABOUT: About = About { id: "list_room_bookings", kind: Kind::List, scope: Scope::Book };

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
    /// Only those of this source.
    #[param(value_type = Option<String>, min_length = 1, max_length = 40, pattern = "^[a-z0-9._-]+$")]
    source: Option<SourceParam>,
    /// Only those with this reference, which is read as when it was set.
    #[param(value_type = Option<String>, min_length = 1, max_length = 100)]
    reference: Option<ReferenceParam>,
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
    access: Access,
    listing: Listing<RoomBookingsQuery>,
) -> Result<Response, Problem> {
    let RoomBookingsQuery { from, to, source, reference, status, limit, cursor } = &listing.query;
    let (from, to) = (from.map(|day| day.0), to.map(|day| day.0));
    let after = place_after(cursor.as_deref(), from, to)?;
    let filter = BookingFilter {
        hotel: None,
        room: Some(RoomId(id)),
        hotels: access.hotels(),
        made_by: access.only_made_by(),
        guest: None,
        source: source.clone().map(|source| source.0),
        reference: reference.clone().map(|reference| reference.0),
        status: status.map(StatusParam::name),
        from,
        to,
        after: after.map(|(day, id)| (day, BookingId(id))),
        limit: limit.0,
    };
    let (store, seeing) = (app.store.clone(), access.clone());
    let page = app
        .read(async move {
            let room = seeing.visible(store.live_room(RoomId(id)).await?);
            Ok(if room.is_some() { Some(store.bookings(&filter).await?) } else { None })
        })
        .await?;
    let page = page.ok_or(Problem::NotFound("room"))?;
    answer(&app, &access, &listing, &page)
}
