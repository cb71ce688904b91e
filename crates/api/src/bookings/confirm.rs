//! `POST /v1/bookings/{booking_id}/confirm`: confirms a hold.

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
pub const ABOUT: About = About { id: "confirm_booking", kind: Kind::Command, scope: Scope::Book };

/// Confirms a hold that has not run out.
#[utoipa::path(
    post, operation_id = "confirm_booking", path = "/v1/bookings/{booking_id}/confirm", tag = "bookings",
    params(("booking_id" = Uuid, Path), VersionQuery),
    responses((status = 200, description = "The booking", body = BookingView))
)]
pub async fn confirm(
    State(app): State<App>,
    Id(id): Id,
    request: WriteRequest<EmptyBody, VersionQuery>,
) -> Result<Reply, Problem> {
    let WriteRequest { context, body, .. } = request;
    let command = Command {
        about: &ABOUT,
        counts_as: Operation::Confirm,
        booking: BookingId(id),
        body,
        decide: vacancy_domain::confirm,
    };
    write_rooms(&app, context, command).await
}
