//! `POST /v1/bookings/{booking_id}/cancel`: cancels a hold or a confirmed booking.

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
pub const ABOUT: About = About { id: "cancel_booking", kind: Kind::Command, scope: Scope::Book };

/// Cancels a hold or a confirmed booking.
#[utoipa::path(
    post, operation_id = "cancel_booking", path = "/v1/bookings/{booking_id}/cancel", tag = "bookings",
    params(("booking_id" = Uuid, Path), VersionQuery),
    responses((status = 200, description = "The booking", body = BookingView))
)]
pub async fn cancel(
    State(app): State<App>,
    Id(id): Id,
    request: WriteRequest<EmptyBody, VersionQuery>,
) -> Result<Reply, Problem> {
    let WriteRequest { context, body, .. } = request;
    let command = Command {
        about: &ABOUT,
        counts_as: Operation::Cancel,
        booking: BookingId(id),
        body,
        decide: vacancy_domain::cancel,
    };
    write_rooms(&app, context, command).await
}
