//! `/v1/hotels`.

use axum::extract::State;
use axum::response::Response;
use serde::Deserialize;
use serde_json::Value;
use utoipa::IntoParams;
use uuid::Uuid;
use vacancy_domain::HotelId;

use super::body::{HotelBody, HotelView};
use super::service;
use crate::app::App;
use crate::http::cursor;
use crate::http::list::{List, Listing};
use crate::http::patch::Edit;
use crate::http::path::Id;
use crate::http::problem::Problem;
use crate::http::query::{Limit, NoQuery, VersionQuery};
use crate::http::reply::Reply;
use crate::http::request::{Json, NoBody, WriteRequest};
use crate::http::viewing::Viewing;

/// Filters of the list of hotels.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct HotelsQuery {
    /// Only hotels in this city, written exactly so.
    city: Option<String>,
    /// The most items to return.
    #[param(value_type = Option<u64>, minimum = 1, maximum = 200)]
    #[serde(default)]
    limit: Limit,
    /// From `next_cursor` of the page before.
    cursor: Option<String>,
}

/// Creates a hotel.
#[utoipa::path(
    post, operation_id = "create_hotel", path = "/v1/hotels", tag = "hotels",
    request_body = HotelBody,
    responses((status = 201, description = "Created", body = HotelView))
)]
pub async fn create(
    State(app): State<App>,
    request: WriteRequest<Json<HotelBody>, NoQuery>,
) -> Result<Reply, Problem> {
    service::create(&app, request).await
}

/// Lists hotels, in order of creation.
#[utoipa::path(
    get, operation_id = "list_hotels", path = "/v1/hotels", tag = "hotels", params(HotelsQuery),
    responses((status = 200, description = "A page of hotels", body = List<HotelView>))
)]
pub async fn list(
    State(app): State<App>,
    listing: Listing<HotelsQuery>,
) -> Result<Response, Problem> {
    let HotelsQuery { city, limit, cursor } = &listing.query;
    let after = cursor.as_deref().map(cursor::decode::<Uuid>).transpose()?.map(HotelId);
    let (city, limit, store) = (city.clone(), limit.0, app.store.clone());
    let page = app.read(async move { store.hotels(city.as_deref(), after, limit).await }).await?;
    listing.answer(&app.metrics, &page, |hotel| HotelView::from(hotel), |hotel| hotel.id.0)
}

/// Shows a hotel.
#[utoipa::path(
    get, operation_id = "get_hotel", path = "/v1/hotels/{hotel_id}", tag = "hotels",
    params(("hotel_id" = Uuid, Path), VersionQuery),
    responses((status = 200, description = "The hotel", body = HotelView))
)]
pub async fn show(
    State(app): State<App>,
    Id(id): Id,
    viewing: Viewing,
) -> Result<Response, Problem> {
    let store = app.store.clone();
    let hotel = app.read(async move { store.hotel(HotelId(id)).await }).await?;
    let hotel = hotel.ok_or(Problem::NotFound("hotel"))?;
    viewing.answer(&app.metrics, "hotel", id, hotel.version, &HotelView::from(&hotel))
}

/// Replaces what clients set of a hotel. Needs `If-Match` or `?version=`.
#[utoipa::path(
    put, operation_id = "replace_hotel", path = "/v1/hotels/{hotel_id}", tag = "hotels",
    params(("hotel_id" = Uuid, Path), VersionQuery),
    request_body = HotelBody,
    responses((status = 200, description = "The hotel", body = HotelView))
)]
pub async fn put(
    State(app): State<App>,
    Id(id): Id,
    request: WriteRequest<Value, VersionQuery>,
) -> Result<Reply, Problem> {
    service::edit(&app, HotelId(id), Edit::Replace, request).await
}

/// Changes what is said (RFC 7396). Needs `If-Match` or `?version=`.
#[utoipa::path(
    patch, operation_id = "edit_hotel", path = "/v1/hotels/{hotel_id}", tag = "hotels",
    params(("hotel_id" = Uuid, Path), VersionQuery),
    request_body(content = Object, content_type = "application/merge-patch+json"),
    responses((status = 200, description = "The hotel", body = HotelView))
)]
pub async fn patch(
    State(app): State<App>,
    Id(id): Id,
    request: WriteRequest<Value, VersionQuery>,
) -> Result<Reply, Problem> {
    service::edit(&app, HotelId(id), Edit::Merge, request).await
}

/// Deletes a hotel that has no rooms. Needs `If-Match` or `?version=`.
#[utoipa::path(
    delete, operation_id = "delete_hotel", path = "/v1/hotels/{hotel_id}", tag = "hotels",
    params(("hotel_id" = Uuid, Path), VersionQuery),
    responses((status = 204, description = "Deleted"))
)]
pub async fn delete(
    State(app): State<App>,
    Id(id): Id,
    request: WriteRequest<NoBody, VersionQuery>,
) -> Result<Reply, Problem> {
    service::delete(&app, HotelId(id), request).await
}
