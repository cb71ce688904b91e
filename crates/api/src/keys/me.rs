//! `GET /v1/me`: what the credential of this request stands for.

use axum::response::{IntoResponse, Response};
use chrono::{DateTime, Utc};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::about::{About, Kind, Scope};
use crate::auth::access::Access;
use crate::http::instants::optional_instant;
use crate::http::problem::Problem;
use crate::http::query::{NoQuery, Query};

/// What it is.
pub const ABOUT: About = About { id: "get_me", kind: Kind::Compute, scope: Scope::Any };

/// What a request may see and do.
#[derive(Debug, Serialize, ToSchema)]
pub struct Me {
    /// The name its credential stands for; absent where none is needed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub principal: Option<String>,
    /// What it may do, with what that includes.
    pub scopes: Vec<String>,
    /// The hotels it is limited to; absent: none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hotels: Option<Vec<Uuid>>,
    /// From when on its credential is not accepted.
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "optional_instant")]
    pub expires_at: Option<DateTime<Utc>>,
    /// By what it was let in: `key`, `jwt`, `root` or `none`.
    pub auth: String,
}

/// What the credential of this request stands for.
#[utoipa::path(
    get, operation_id = "get_me", path = "/v1/me", tag = "keys",
    responses((status = 200, description = "What it may see and do", body = Me))
)]
pub async fn me(access: Access, Query(NoQuery {}): Query<NoQuery>) -> Result<Response, Problem> {
    let hotels = access.hotels();
    let me = Me {
        principal: access.principal().map(ToString::to_string),
        scopes: access.scopes().names().into_iter().map(str::to_owned).collect(),
        hotels: hotels.map(|hotels| hotels.into_iter().map(|hotel| hotel.0).collect()),
        expires_at: access.expires_at(),
        auth: access.means().name().to_owned(),
    };
    Ok(axum::Json(me).into_response())
}
