//! `GET /v1/bookings`, and what every list of bookings has in common.

use axum::extract::State;
use axum::response::Response;
use chrono::NaiveDate;
use serde::de::Error;
use serde::{Deserialize, Deserializer};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;
use vacancy_domain::{Booking, BookingId, GuestPrefix, HotelId, Reference, RoomId, Source};
use vacancy_persistence::{BookingFilter, Page};

use super::view::BookingView;
use crate::about::{About, Kind, Scope};
use crate::app::App;
use crate::auth::access::Access;
use crate::http::cursor;
use crate::http::list::{List, Listing};
use crate::http::problem::Problem;
use crate::http::query::{self, DayParam, IdParam, Limit};

/// What it is.
pub const ABOUT: About = About { id: "list_bookings", kind: Kind::List, scope: Scope::Book };

/// Where a booking stands.
#[derive(Clone, Copy, Debug, Deserialize, ToSchema)]
#[schema(as = BookingStatus)]
#[serde(rename_all = "snake_case")]
pub enum StatusParam {
    /// Held, also when the hold has lapsed and this is not recorded yet.
    Held,
    /// Confirmed.
    Confirmed,
    /// Cancelled.
    Cancelled,
    /// Expired.
    Expired,
}

impl StatusParam {
    /// As stored.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Held => "held",
            Self::Confirmed => "confirmed",
            Self::Cancelled => "cancelled",
            Self::Expired => "expired",
        }
    }
}

/// A source, as bookings have it.
#[derive(Clone, Debug)]
pub struct SourceParam(pub Source);

impl<'de> Deserialize<'de> for SourceParam {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let parsed = Source::parse(&String::deserialize(from)?);
        parsed.map(Self).map_err(|why| D::Error::custom(format!("source {why}")))
    }
}

/// A reference, read as when it was set.
#[derive(Clone, Debug)]
pub struct ReferenceParam(pub Reference);

impl<'de> Deserialize<'de> for ReferenceParam {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let parsed = Reference::parse(&String::deserialize(from)?);
        parsed.map(Self).map_err(|why| D::Error::custom(format!("reference {why}")))
    }
}

/// What a guest's name or mail address begins with.
#[derive(Clone, Debug)]
pub struct GuestParam(pub GuestPrefix);

impl<'de> Deserialize<'de> for GuestParam {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let parsed = GuestPrefix::parse(&String::deserialize(from)?);
        parsed.map(Self).map_err(|why| D::Error::custom(format!("guest {why}")))
    }
}

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
    /// Only those whose guest's name or mail address begins so, in upper or lower case. Takes `hotel_id`,
    /// and the scope `desk`.
    #[param(value_type = Option<String>, min_length = 1, max_length = 100)]
    guest: Option<GuestParam>,
    /// Only those of this source.
    #[param(value_type = Option<String>, min_length = 1, max_length = 40, pattern = "^[a-z0-9._-]+$")]
    source: Option<SourceParam>,
    /// Only those with this reference, which is read as when it was set.
    #[param(value_type = Option<String>, min_length = 1, max_length = 100)]
    reference: Option<ReferenceParam>,
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

/// Lists bookings, by check-in.
#[utoipa::path(
    get, operation_id = "list_bookings", path = "/v1/bookings", tag = "bookings", params(BookingsQuery),
    responses((status = 200, description = "A page of bookings", body = List<BookingView>))
)]
pub async fn list(
    State(app): State<App>,
    access: Access,
    listing: Listing<BookingsQuery>,
) -> Result<Response, Problem> {
    let query = &listing.query;
    let BookingsQuery { hotel_id, room_id, source, reference, status, from, to, .. } = query;
    let BookingsQuery { guest, limit, cursor, .. } = query;
    if guest.is_some() && !access.sees_all_bookings() {
        // Guests of others must not be found by what one types.
        return Err(Problem::InsufficientScope { needs: Scope::Desk.name() });
    }
    if guest.is_some() && hotel_id.is_none() {
        return Err(Problem::InvalidRequest("guest takes hotel_id beside it".into()));
    }
    let (from, to) = (from.map(|day| day.0), to.map(|day| day.0));
    let after = place_after(cursor.as_deref(), from, to)?;
    let filter = BookingFilter {
        hotel: hotel_id.map(|id| HotelId(id.0)),
        room: room_id.map(|id| RoomId(id.0)),
        hotels: access.hotels(),
        made_by: access.only_made_by(),
        guest: guest.clone().map(|guest| guest.0),
        source: source.clone().map(|source| source.0),
        reference: reference.clone().map(|reference| reference.0),
        status: status.map(StatusParam::name),
        from,
        to,
        after: after.map(|(day, id)| (day, BookingId(id))),
        limit: limit.0,
    };
    let store = app.store.clone();
    let page = app.read(async move { store.bookings(&filter).await }).await?;
    answer(&app, &access, &listing, &page)
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
    // A forged cursor could hold a day that the database refuses.
    let day = query::day(&day).map_err(|_| Problem::InvalidCursor)?;
    Ok(Some((day, id)))
}

/// Writes a page of bookings.
pub fn answer<Q>(
    app: &App,
    access: &Access,
    listing: &Listing<Q>,
    page: &Page<Booking>,
) -> Result<Response, Problem> {
    let place = |booking: &Booking| (booking.stay.check_in(), booking.id.0);
    listing.answer(&app.metrics, page, |booking| BookingView::new(booking, access), place)
}
