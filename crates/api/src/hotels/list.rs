//! `GET /v1/hotels`.

use axum::extract::State;
use axum::response::Response;
use serde::Deserialize;
use utoipa::IntoParams;
use uuid::Uuid;
use vacancy_domain::{HotelId, Text};

use super::view::HotelView;
use crate::about::{About, Kind, Scope};
use crate::app::App;
use crate::auth::access::Access;
use crate::http::cursor;
use crate::http::list::{List, Listing};
use crate::http::problem::Problem;
use crate::http::query::Limit;

/// What it is.
pub const ABOUT: About = About { id: "list_hotels", kind: Kind::List, scope: Scope::Read };

/// Filters of the list of hotels.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct HotelsQuery {
    /// Only hotels in this city, letter for letter.
    city: Option<String>,
    /// The most items to return.
    #[param(value_type = Option<u64>, minimum = 1, maximum = 200)]
    #[serde(default)]
    limit: Limit,
    /// From `next_cursor` of the page before.
    cursor: Option<String>,
}

/// Lists hotels by id: in order of creation, as far as the clocks of replicas agree.
#[utoipa::path(
    get, operation_id = "list_hotels", path = "/v1/hotels", tag = "hotels", params(HotelsQuery),
    responses((status = 200, description = "A page of hotels", body = List<HotelView>))
)]
pub async fn list(
    State(app): State<App>,
    access: Access,
    listing: Listing<HotelsQuery>,
) -> Result<Response, Problem> {
    let HotelsQuery { city, limit, cursor } = &listing.query;
    let after = cursor.as_deref().map(cursor::decode::<Uuid>).transpose()?.map(HotelId);
    let city = city.as_deref().map(Text::normalized);
    let (only, limit, store) = (access.hotels(), limit.0, app.store.clone());
    let page = app
        .read(async move { store.hotels(city.as_deref(), only.as_deref(), after, limit).await })
        .await?;
    listing.answer(&app.metrics, &page, |hotel| HotelView::from(hotel), |hotel| hotel.id.0)
}
