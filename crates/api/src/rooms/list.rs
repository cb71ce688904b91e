//! `GET /v1/rooms`: the rooms, or those free for a stay.

use axum::extract::State;
use axum::response::Response;
use serde::{Deserialize, Serialize};
use utoipa::IntoParams;
use uuid::Uuid;
use vacancy_domain::{HotelId, RoomId, Stay, Text};
use vacancy_persistence::{RoomFilter, RoomPosition, RoomSort};

use super::view::RoomView;
use crate::about::{About, Kind, Scope};
use crate::app::App;
use crate::auth::access::Access;
use crate::http::cursor;
use crate::http::list::{List, Listing};
use crate::http::problem::Problem;
use crate::http::query::{DayParam, IdParam, Limit, optional_number};

/// What it is.
pub const ABOUT: About = About { id: "list_rooms", kind: Kind::List, scope: Scope::Read };

/// Filters and order of the list of rooms.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct RoomsQuery {
    /// Only this hotel's.
    #[param(value_type = Option<Uuid>)]
    hotel_id: Option<IdParam>,
    /// Only of hotels in this city, letter for letter.
    city: Option<String>,
    /// Only of this kind, letter for letter.
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
    /// The order. `times_booked` takes `hotel_id` or `city`.
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

impl From<RoomPosition> for CursorKey {
    fn from(position: RoomPosition) -> Self {
        match position {
            RoomPosition::Number(number, id) => Self::Number(number, id.0),
            RoomPosition::TimesBooked(times, id) => Self::TimesBooked(times, id.0),
            RoomPosition::NightlyRate(rate, id) => Self::NightlyRate(rate, id.0),
        }
    }
}

impl CursorKey {
    /// Fails with 400 when it is a place in another order.
    fn position(self, sort: RoomSort) -> Result<RoomPosition, Problem> {
        // A forged cursor could hold text that the database refuses.
        let sane = |text: &String| Text::stored(text).is_ok();
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

/// Lists rooms; with both dates, only those free for that stay. A page looks at up to 1,000 rooms: it
/// may hold fewer items than `limit`, or none, and still have a `next_cursor`.
#[utoipa::path(
    get, operation_id = "list_rooms", path = "/v1/rooms", tag = "rooms", params(RoomsQuery),
    responses((status = 200, description = "A page of rooms", body = List<RoomView>))
)]
pub async fn list(
    State(app): State<App>,
    access: Access,
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
    if sort == RoomSort::TimesBooked && query.hotel_id.is_none() && query.city.is_none() {
        // An index in this order over all rooms would be written by every booking.
        let why = "sort=times_booked takes hotel_id or city".to_owned();
        return Err(Problem::InvalidRequest(why));
    }
    let after = query.cursor.as_deref().map(cursor::decode::<CursorKey>).transpose()?;
    let filter = RoomFilter {
        hotel: query.hotel_id.map(|id| HotelId(id.0)),
        hotels: access.hotels(),
        city: query.city.as_deref().map(Text::normalized),
        kind: query.kind.as_deref().map(Text::normalized),
        guests: query.guests,
        stay,
        sort,
        after: after.map(|place| place.position(sort)).transpose()?,
        limit: query.limit.0,
    };
    let store = app.store.clone();
    let page = app.read(async move { store.rooms(&filter).await }).await?;
    let next = page.next.map(CursorKey::from);
    listing.answer_page(&app.metrics, &page.items, next, |room| RoomView::from(room))
}
