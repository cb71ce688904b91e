//! `GET /v1/keys`.

use axum::extract::State;
use axum::response::Response;
use serde::Deserialize;
use utoipa::IntoParams;

use super::view::KeyView;
use crate::about::{About, Kind, Scope};
use crate::app::App;
use crate::auth::access::Access;
use crate::http::cursor;
use crate::http::list::{List, Listing};
use crate::http::problem::Problem;
use crate::http::query::Limit;

/// What it is.
pub const ABOUT: About = About { id: "list_keys", kind: Kind::List, scope: Scope::Admin };

/// Where in the list of keys to begin.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct KeysQuery {
    /// The most items to return.
    #[param(value_type = Option<u64>, minimum = 1, maximum = 200)]
    #[serde(default)]
    limit: Limit,
    /// From `next_cursor` of the page before.
    cursor: Option<String>,
}

/// Lists keys by id, those that are revoked too; without their secrets.
#[utoipa::path(
    get, operation_id = "list_keys", path = "/v1/keys", tag = "keys", params(KeysQuery),
    responses((status = 200, description = "A page of keys", body = List<KeyView>))
)]
pub async fn list(
    State(app): State<App>,
    access: Access,
    listing: Listing<KeysQuery>,
) -> Result<Response, Problem> {
    let KeysQuery { limit, cursor } = &listing.query;
    let after = cursor.as_deref().map(cursor::decode::<String>).transpose()?;
    if after.as_ref().is_some_and(|id| !id.bytes().all(|byte| byte.is_ascii_alphanumeric())) {
        return Err(Problem::InvalidCursor);
    }
    let (store, hotels, limit) = (app.store.clone(), access.hotels(), limit.0);
    let page = app.read(async move {
        // Those for other hotels are not there.
        store.api_keys(hotels.as_deref(), after.as_deref(), limit).await
    });
    listing.answer(&app.metrics, &page.await?, |key| KeyView::from(key), |key| key.id.clone())
}
