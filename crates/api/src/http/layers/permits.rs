//! A limit on the requests at work.

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::Response;

use crate::app::App;
use crate::http::problem::Problem;

/// Answers 503 when as many requests are at work as may be. For routes that use the database: not
/// for probes and metrics, which must be answered when nothing else is.
pub async fn limit(
    State(app): State<App>,
    request: Request,
    next: Next,
) -> Result<Response, Problem> {
    app.with_permit(next.run(request)).await
}
