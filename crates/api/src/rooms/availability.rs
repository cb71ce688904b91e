//! `GET /v1/rooms/{room_id}/availability`: when a room can be had.

use axum::Json as Body;
use axum::extract::State;
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;
use vacancy_domain::RoomId;

use crate::about::{About, Kind, Scope};
use crate::app::App;
use crate::auth::access::Access;
use crate::http::path::Id;
use crate::http::problem::{Problem, StayView};
use crate::http::query::{DayParam, Query};

/// What it is.
pub const ABOUT: About = About { id: "get_availability", kind: Kind::Compute, scope: Scope::Read };

/// The longest span of an availability, in days.
const AVAILABILITY_DAYS_MAX: i64 = 732;

/// When a room can be had.
#[derive(Debug, Serialize, ToSchema)]
pub struct Availability {
    /// The room.
    pub room_id: Uuid,
    /// Its version at that moment: send it as `If-Match` to book only if nothing happened since.
    pub room_version: i64,
    /// The first night asked about.
    pub from: NaiveDate,
    /// The day after the last night asked about.
    pub to: NaiveDate,
    /// The maximal runs of free nights.
    pub free: Vec<StayView>,
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
    access: Access,
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
    let calendar = calendar.filter(|it| access.visible(Some(&it.room)).is_some());
    let calendar = calendar.ok_or(Problem::NotFound("room"))?;
    let free = calendar.free(from, to);
    let free = free.into_iter().map(|(check_in, check_out)| StayView { check_in, check_out });
    let room_version = calendar.room.version.0;
    let view = Availability { room_id: id, room_version, from, to, free: free.collect() };
    // Time alone can change the answer, without any write: a hold runs out.
    Ok(([(header::CACHE_CONTROL, HeaderValue::from_static("no-store"))], Body(view))
        .into_response())
}
