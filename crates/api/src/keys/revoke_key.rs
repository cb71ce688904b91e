//! `DELETE /v1/keys/{key_id}`: the key is not accepted any more, and stays listed.

use axum::extract::State;
use axum::http::StatusCode;

use super::path::KeyId;
use super::view::visible;
use crate::about::{About, Kind, Scope};
use crate::app::App;
use crate::http::problem::Problem;
use crate::http::query::NoQuery;
use crate::http::request::{EmptyBody, WriteRequest};

/// What it is.
pub const ABOUT: About = About { id: "revoke_key", kind: Kind::Adjust, scope: Scope::Admin };

/// Revokes a key: at once on this replica, within five seconds on others. Again does nothing more.
#[utoipa::path(
    delete, operation_id = "revoke_key", path = "/v1/keys/{key_id}", tag = "keys",
    params(("key_id" = String, Path)),
    responses((status = 204, description = "Revoked"))
)]
pub async fn revoke(
    State(app): State<App>,
    KeyId(id): KeyId,
    request: WriteRequest<EmptyBody, NoQuery>,
) -> Result<StatusCode, Problem> {
    let access = request.context.access;
    let (store, sought) = (app.store.clone(), id.clone());
    let found = app.read(async move { store.api_key(&sought).await }).await?;
    visible(&access, found.map(|found| found.key)).ok_or(Problem::NotFound("key"))?;
    request.body?;
    let (store, actor, revoked) = (app.store.clone(), access.actor().to_owned(), id.clone());
    app.read(async move { store.revoke_api_key(&revoked, &actor).await }).await?;
    app.guard.forget(&id);
    Ok(StatusCode::NO_CONTENT)
}
