//! `GET /v1/keys`.

use axum::extract::State;
use axum::response::Response;
use serde::Deserialize;
use utoipa::IntoParams;
use vacancy_persistence::{ApiKey, Page};

use super::view::{KeyView, visible};
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

/// Lists keys by id, those that are revoked too; without their secrets. A page may have fewer items
/// than asked for and still be followed by another.
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
    let (page, last) = visible_page(&app, &access, after, limit.0).await?;
    listing.answer(&app.metrics, &page, |key| KeyView::from(key), |_| last.clone())
}

/// The first page with a key that may be seen, and the place behind it.
async fn visible_page(
    app: &App,
    access: &Access,
    mut after: Option<String>,
    limit: u64,
) -> Result<(Page<ApiKey>, String), Problem> {
    loop {
        let (store, from) = (app.store.clone(), after.clone());
        let page = app.read(async move { store.api_keys(from.as_deref(), limit).await }).await?;
        let last = page.items.last().map(|key| key.id.clone()).unwrap_or_default();
        let items = page.items.into_iter().filter_map(|key| visible(access, Some(key)));
        let page = Page { items: items.collect(), more: page.more };
        if !page.items.is_empty() || !page.more {
            return Ok((page, last));
        }
        after = Some(last);
    }
}
