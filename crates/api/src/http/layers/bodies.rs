//! Waits for the body of a request, so that one that does not come keeps nothing else waiting.

use axum::body::{Body, HttpBody as _};
use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::Response;

use crate::http::arrival::{self, Arrived, Bodies};

/// Lets the request go on with its body in memory, or with why it is not there: the handler says so
/// when it is the body's turn. A body that is announced to be too large is not read.
pub async fn await_arrival(State(bodies): State<Bodies>, request: Request, next: Next) -> Response {
    let is_refused = arrival::is_too_large(request.headers());
    if request.body().is_end_stream() || is_refused {
        return next.run(request).await;
    }
    let (mut parts, body) = request.into_parts();
    parts.extensions.insert(Arrived(bodies.read(body).await));
    next.run(Request::from_parts(parts, Body::empty())).await
}
