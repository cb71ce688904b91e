//! `PATCH /v1/keys/{key_id}`: another name, another expiry.

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use serde_json::Value;
use utoipa::ToSchema;
use vacancy_domain::Text;
use vacancy_persistence::KeyEdit;

use super::body::expiry;
use super::path::KeyId;
use super::view::{KeyView, visible};
use crate::about::{About, Kind, Scope};
use crate::app::App;
use crate::http::fields::{FieldErrors, shape};
use crate::http::problem::Problem;
use crate::http::query::NoQuery;
use crate::http::request::WriteRequest;

/// What it is.
pub const ABOUT: About = About { id: "edit_key", kind: Kind::Adjust, scope: Scope::Admin };

/// What may be changed of a key; what is absent stays.
#[expect(clippy::option_option, reason = "null removes the expiry, and absent leaves it")]
#[derive(Clone, Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct KeyEditBody {
    /// What it is for: 1 to 200 characters.
    #[schema(min_length = 1, max_length = 200)]
    pub name: Option<String>,
    /// From now on, for how many seconds it is accepted; null: until it is revoked.
    #[schema(value_type = Option<i64>, minimum = 1, maximum = 316_224_000)]
    #[serde(default, deserialize_with = "given")]
    pub expires_in_seconds: Option<Option<i64>>,
}

/// Tells what is null from what is absent.
#[expect(clippy::option_option, reason = "null removes the expiry, and absent leaves it")]
fn given<'de, D: serde::Deserializer<'de>>(from: D) -> Result<Option<Option<i64>>, D::Error> {
    Option::<i64>::deserialize(from).map(Some)
}

/// Changes a key's name or expiry.
#[utoipa::path(
    patch, operation_id = "edit_key", path = "/v1/keys/{key_id}", tag = "keys",
    params(("key_id" = String, Path)),
    request_body(content = KeyEditBody, content_type = "application/merge-patch+json"),
    responses((status = 200, description = "The key", body = KeyView))
)]
pub async fn patch(
    State(app): State<App>,
    KeyId(id): KeyId,
    request: WriteRequest<Value, NoQuery>,
) -> Result<Response, Problem> {
    let access = request.context.access;
    let (store, sought) = (app.store.clone(), id.clone());
    let found = app.read(async move { store.api_key(&sought).await }).await?;
    let now = found.as_ref().map(|found| found.now);
    let key = visible(&access, found.map(|found| found.key)).ok_or(Problem::NotFound("key"))?;
    let body: KeyEditBody = shape(request.body?)?;
    let mut errors = FieldErrors::default();
    let name = body.name.map(|name| Text::parse(&name).map(|name| name.as_str().to_owned()));
    let name = errors.at("/name", name.transpose());
    let expires_in = body.expires_in_seconds.map(|length| length.map(expiry).transpose());
    let expires_in = errors.at("/expires_in_seconds", expires_in.transpose());
    let edit = || {
        let expires_at = expires_in?.map(|length| Some(now? + length?));
        Some(KeyEdit { name: name?, expires_at })
    };
    let edit = errors.finish(edit())?;
    let (store, actor) = (app.store.clone(), access.actor().to_owned());
    let edited = app.read(async move { store.edit_api_key(&key.id, &edit, &actor).await }).await?;
    app.guard.forget(&id);
    let edited = edited.ok_or(Problem::NotFound("key"))?;
    Ok(axum::Json(KeyView::from(&edited)).into_response())
}
