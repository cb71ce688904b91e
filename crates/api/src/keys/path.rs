//! The id of a key in a path.

use axum::extract::{FromRequestParts, Path};
use axum::http::request::Parts;

use crate::http::problem::Problem;

/// The id of a key: what is none names nothing, and is not looked up.
#[derive(Clone, Debug)]
pub struct KeyId(pub String);

impl<S: Send + Sync> FromRequestParts<S> for KeyId {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let id = Path::<String>::from_request_parts(parts, state).await;
        let known =
            |id: &str| id.len() == 12 && id.bytes().all(|byte| byte.is_ascii_alphanumeric());
        match id {
            Ok(Path(id)) if known(&id) => Ok(Self(id)),
            Ok(_) | Err(_) => Err(Problem::NotFound("key")),
        }
    }
}
