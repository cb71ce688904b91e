//! Turns problems into documents, which name the request's id.

use std::sync::Arc;

use axum::extract::Request;
use axum::http::header;
use axum::middleware::Next;
use axum::response::Response;

use crate::http::prefix::Prefix;
use crate::http::problem::Problem;
use crate::http::request_id::RequestId;

/// Writes the document of a response that is marked with a problem. The mark stays, for the layers
/// outside of this one.
pub async fn write(request: Request, next: Next) -> Response {
    let id = RequestId::of(request.extensions());
    let mut marked = next.run(request).await;
    let Some(problem) = marked.extensions_mut().remove::<Arc<Problem>>() else { return marked };
    let mut response = problem.document(&id.0, Prefix::of(marked.extensions()));
    // A 405 has its methods from the router.
    if let Some(allow) = marked.headers().get(header::ALLOW) {
        response.headers_mut().insert(header::ALLOW, allow.clone());
    }
    response.extensions_mut().insert(problem);
    response
}
