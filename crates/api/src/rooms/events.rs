//! `GET /v1/rooms/{room_id}/events`: the history of a room.

use axum::extract::State;
use axum::response::Response;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;
use vacancy_domain::RoomId;
use vacancy_persistence::HistoryEvent;

use crate::about::{About, Kind, Scope};
use crate::app::App;
use crate::auth::access::Access;
use crate::http::cursor;
use crate::http::instants::instant;
use crate::http::list::{List, Listing};
use crate::http::path::Id;
use crate::http::problem::Problem;
use crate::http::query::{Limit, optional_number};

/// What it is.
pub const ABOUT: About = About { id: "list_room_events", kind: Kind::List, scope: Scope::Read };

/// One event of a room's history.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Event)]
pub struct EventView {
    /// The room's version that it produced.
    pub version: i64,
    /// What happened.
    #[schema(example = "booked")]
    pub kind: String,
    /// To which booking.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub booking_id: Option<Uuid>,
    /// When.
    #[serde(serialize_with = "instant")]
    pub at: DateTime<Utc>,
    /// The principal that did it; shown to those who see all bookings.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub actor: Option<String>,
    /// The particulars, among them the `request_id`, which is shown to those who see all bookings.
    #[schema(value_type = Object)]
    pub data: Value,
}

impl EventView {
    fn new(event: &HistoryEvent, access: &Access) -> Self {
        Self {
            version: event.version.0,
            kind: event.kind.clone(),
            booking_id: event.booking.map(|booking| booking.0),
            at: event.at,
            actor: event.actor.clone().filter(|_| access.sees_all_bookings()),
            data: particulars(&event.data, access),
        }
    }
}

/// The particulars. The name that a client gave its request is for those who see who sent it.
fn particulars(data: &Value, access: &Access) -> Value {
    let mut data = data.clone();
    if let Some(data) = data.as_object_mut().filter(|_| !access.sees_all_bookings()) {
        data.remove("request_id");
    }
    data
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
    access: Access,
    listing: Listing<EventsQuery>,
) -> Result<Response, Problem> {
    let EventsQuery { after_version, limit, cursor } = &listing.query;
    let after = cursor.as_deref().map(cursor::decode::<i64>).transpose()?;
    if after.is_some_and(|version| version < 1) {
        return Err(Problem::InvalidCursor);
    }
    // A cursor goes on where its page ended, and never back behind what was asked for.
    let after = after.max(*after_version).unwrap_or(0);
    let (store, seeing, limit) = (app.store.clone(), access.clone(), limit.0);
    let page = app
        .read(async move {
            // Every room that ever was has a first event.
            let room = seeing.visible(store.room(RoomId(id)).await?);
            Ok(if room.is_some() {
                Some(store.events(RoomId(id), after, limit).await?)
            } else {
                None
            })
        })
        .await?;
    let page = page.ok_or(Problem::NotFound("room"))?;
    let view = |event: &HistoryEvent| EventView::new(event, &access);
    listing.answer(&app.metrics, &page, view, |event| event.version.0)
}
