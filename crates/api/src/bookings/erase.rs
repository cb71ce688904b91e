//! `POST /v1/bookings/{booking_id}/erase`: forgets who stays. The sweeper does the same for guests who
//! have left long ago.

use std::collections::HashSet;

use axum::extract::State;
use vacancy_domain::BookingId;

use super::command::Command;
use super::view::BookingView;
use crate::about::{About, Kind, Scope};
use crate::app::App;
use crate::http::path::Id;
use crate::http::problem::Problem;
use crate::http::query::VersionQuery;
use crate::http::reply::{Reply, ReplyKind};
use crate::http::request::{EmptyBody, WriteContext, WriteRequest};
use crate::metrics::Operation;
use crate::write::write_rooms;

/// What it is.
pub const ABOUT: About = About { id: "erase_booking", kind: Kind::Command, scope: Scope::Desk };

/// Forgets who stays: the guest becomes `erased`, reference, metadata and the answers kept about the
/// booking are removed, in any state of it; so it is with the other bookings of a stay that changed
/// rooms. Histories never held any of them.
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
    let (booking, further) = (BookingId(id), context.further());
    let reply = forget(&app, context, booking, body, Operation::Erase).await?;
    let mut erased = HashSet::from([booking]);
    loop {
        let store = app.store.clone();
        let legs = app.read(async move { store.legs_of_stay(booking).await }).await?;
        let left: Vec<_> = legs.into_iter().filter(|leg| erased.insert(*leg)).collect();
        if left.is_empty() {
            return Ok(reply);
        }
        // And once more: the guest may change rooms until the stay itself, the first of them, is erased.
        for leg in left {
            forget(&app, further.clone(), leg, Ok(EmptyBody), Operation::Erase).await?;
        }
    }
}

/// The same for a guest who has left long ago: no request asks for it, only the sweeper.
pub async fn erase_after_stay(app: &App, id: BookingId) -> Result<Reply, Problem> {
    // Of what is erased the sweeper finds nothing any more: what is kept beside it goes first, in case
    // the process ends in between.
    forget_answers(app, id).await?;
    let context = WriteContext::internal("sweeper");
    forget(app, context, id, Ok(EmptyBody), Operation::Forget).await
}

async fn forget(
    app: &App,
    context: WriteContext,
    booking: BookingId,
    body: Result<EmptyBody, Problem>,
    counts_as: Operation,
) -> Result<Reply, Problem> {
    let decide = vacancy_domain::erase;
    let command = Command { about: &ABOUT, counts_as, booking, body, decide };
    let reply = write_rooms(app, context, command).await?;
    if matches!(reply.kind, ReplyKind::Written) {
        app.metrics.guest_erased();
    }
    // Also when the guest was forgotten before: a request that broke off in between is sent again.
    forget_answers(app, booking).await?;
    Ok(reply)
}

async fn forget_answers(app: &App, booking: BookingId) -> Result<(), Problem> {
    let store = app.store.clone();
    app.read(async move { store.forget_answers(booking).await }).await.map(|_| ())
}
