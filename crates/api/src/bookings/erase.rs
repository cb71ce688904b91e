//! `POST /v1/bookings/{booking_id}/erase`: forgets who stays.

use axum::extract::State;
use vacancy_domain::BookingId;

use super::command::Command;
use super::view::BookingView;
use crate::about::{About, Kind, Scope};
use crate::app::App;
use crate::http::path::Id;
use crate::http::problem::Problem;
use crate::http::query::VersionQuery;
use crate::http::reply::Reply;
use crate::http::request::{EmptyBody, WriteRequest};
use crate::metrics::Operation;
use crate::write::write_rooms;

/// What it is.
pub const ABOUT: About = About { id: "erase_booking", kind: Kind::Command, scope: Scope::Desk };

/// Forgets who stays: the guest becomes `erased`, and the answers kept about the booking are removed,
/// in any state of it. Histories never held guests.
#[utoipa::path(
    post, operation_id = "erase_booking", path = "/v1/bookings/{booking_id}/erase", tag = "bookings",
    params(("booking_id" = Uuid, Path), VersionQuery),
    responses((status = 200, description = "The booking", body = BookingView))
)]
pub async fn erase(
    State(app): State<App>,
    Id(id): Id,
    request: WriteRequest<EmptyBody, VersionQuery>,
) -> Result<Reply, Problem> {
    let WriteRequest { context, body, .. } = request;
    let booking = BookingId(id);
    let command = Command {
        about: &ABOUT,
        counts_as: Operation::EditBooking,
        booking,
        body,
        decide: vacancy_domain::erase,
    };
    let reply = write_rooms(&app, context, command).await?;
    // Also when the guest was forgotten before: a request that broke off in between is sent again.
    let store = app.store.clone();
    app.read(async move { store.forget_answers(booking).await }).await?;
    Ok(reply)
}
