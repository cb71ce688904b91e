//! Keeps connections beyond the server's limit for probes.

use axum::extract::Request;
use axum::middleware::Next;
use axum::response::Response;

use crate::admission::Shed;
use crate::http::problem::Problem;
use crate::server::BeyondLimit;

/// What is answered on any connection.
const PROBES: [&str; 3] = ["/livez", "/readyz", "/metrics"];

/// Answers 503 to anything but a probe on a connection that is one too many.
pub async fn refuse(request: Request, next: Next) -> Result<Response, Problem> {
    let is_beyond = request.extensions().get::<BeyondLimit>().is_some();
    if is_beyond && !PROBES.contains(&request.uri().path()) {
        return Err(Problem::unavailable(Shed));
    }
    Ok(next.run(request).await)
}
