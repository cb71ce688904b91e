//! `GET /v1/keys/{key_id}`.

use axum::extract::State;
use axum::response::{IntoResponse, Response};

use super::path::KeyId;
use super::view::{KeyView, visible};
use crate::about::{About, Kind, Scope};
use crate::app::App;
use crate::auth::access::Access;
use crate::http::problem::Problem;
use crate::http::query::{NoQuery, Query};

/// What it is.
pub const ABOUT: About = About { id: "get_key", kind: Kind::Compute, scope: Scope::Admin };

/// Shows a key, without its secret.
#[utoipa::path(
    get, operation_id = "get_key", path = "/v1/keys/{key_id}", tag = "keys",
    params(("key_id" = String, Path)),
    responses((status = 200, description = "The key", body = KeyView))
)]
pub async fn show(
    State(app): State<App>,
    KeyId(id): KeyId,
    access: Access,
    Query(NoQuery {}): Query<NoQuery>,
) -> Result<Response, Problem> {
    let store = app.store.clone();
    let found = app.read(async move { store.api_key(&id).await }).await?;
    let key = visible(&access, found.map(|found| found.key)).ok_or(Problem::NotFound("key"))?;
    Ok(axum::Json(KeyView::from(&key)).into_response())
}
