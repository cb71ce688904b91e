//! `GET /v1/bookings/{booking_id}`.

use axum::extract::State;
use axum::response::Response;
use vacancy_domain::BookingId;

use super::view::BookingView;
use crate::about::{About, Kind, Scope};
use crate::app::App;
use crate::auth::access::Access;
use crate::http::path::Id;
use crate::http::problem::Problem;
use crate::http::query::VersionQuery;
use crate::http::viewing::Viewing;

/// What it is.
pub const ABOUT: About = About { id: "get_booking", kind: Kind::Show, scope: Scope::Book };

/// Shows a booking.
#[utoipa::path(
    get, operation_id = "get_booking", path = "/v1/bookings/{booking_id}", tag = "bookings",
    params(("booking_id" = Uuid, Path), VersionQuery),
    responses((status = 200, description = "The booking", body = BookingView))
)]
pub async fn show(
    State(app): State<App>,
    Id(id): Id,
    access: Access,
    viewing: Viewing,
) -> Result<Response, Problem> {
    let store = app.store.clone();
    let booking = app.read(async move { store.booking(BookingId(id)).await }).await?;
    let booking = access.visible(booking).ok_or(Problem::NotFound("booking"))?;
    let view = BookingView::new(&booking, &access);
    viewing.answer(&app.metrics, "booking", id, booking.version, &view)
}
