//! Gives every request an id and writes it into the answer.

use axum::extract::Request;
use axum::http::HeaderValue;
use axum::middleware::Next;
use axum::response::Response;

use crate::http::request_id::{RequestId, X_REQUEST_ID};

/// Takes over the client's id or makes one, leaves it in the request's extensions for all that is
/// inside, and writes it into the answer.
pub async fn name(mut request: Request, next: Next) -> Response {
    let id = RequestId::from_headers(request.headers());
    request.extensions_mut().insert(id.clone());
    let mut response = next.run(request).await;
    if let Ok(id) = HeaderValue::from_str(&id.0) {
        response.headers_mut().insert(X_REQUEST_ID, id);
    }
    response
}
