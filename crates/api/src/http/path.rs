//! Path parameters. An id that is not a UUID names nothing: 404.

use axum::extract::{FromRequestParts, Path};
use axum::http::request::Parts;
use uuid::Uuid;

use crate::http::problem::Problem;
use crate::http::query;

/// The one id in the path.
#[derive(Clone, Copy, Debug)]
pub struct Id(pub Uuid);

impl<S: Send + Sync> FromRequestParts<S> for Id {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let nothing = Problem::NotFound("resource");
        match Path::<String>::from_request_parts(parts, state).await {
            Ok(Path(raw)) => query::uuid(&raw).map(Self).ok_or(nothing),
            Err(_) => Err(nothing),
        }
    }
}
