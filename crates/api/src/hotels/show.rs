//! `GET /v1/hotels/{hotel_id}`.

use axum::extract::State;
use axum::response::Response;
use vacancy_domain::HotelId;

use super::view::HotelView;
use crate::about::{About, Kind, Scope};
use crate::app::App;
use crate::auth::access::Access;
use crate::http::path::Id;
use crate::http::problem::Problem;
use crate::http::query::VersionQuery;
use crate::http::viewing::Viewing;

/// What it is.
pub const ABOUT: About = About { id: "get_hotel", kind: Kind::Show, scope: Scope::Read };

/// Shows a hotel.
#[utoipa::path(
    get, operation_id = "get_hotel", path = "/v1/hotels/{hotel_id}", tag = "hotels",
    params(("hotel_id" = Uuid, Path), VersionQuery),
    responses((status = 200, description = "The hotel", body = HotelView))
)]
pub async fn show(
    State(app): State<App>,
    Id(id): Id,
    access: Access,
    viewing: Viewing,
) -> Result<Response, Problem> {
    let store = app.store.clone();
    let hotel = app.read(async move { store.hotel(HotelId(id)).await }).await?;
    let hotel = access.visible(hotel).ok_or(Problem::NotFound("hotel"))?;
    viewing.answer(&app.metrics, "hotel", id, hotel.version, &HotelView::from(&hotel))
}
