//! Counts every request: those at work now, and the answers with their durations.

use std::sync::Arc;
use std::time::Instant;

use axum::extract::{MatchedPath, Request, State};
use axum::middleware::Next;
use axum::response::Response;

use super::route;
use crate::http::problem::Problem;
use crate::metrics::{Metrics, PreconditionResult};

/// Counts the request as active until it is answered or given up, then how it was answered.
pub async fn count(State(metrics): State<Arc<Metrics>>, request: Request, next: Next) -> Response {
    let began = Instant::now();
    let method = request.method().clone();
    let matched = request.extensions().get::<MatchedPath>().cloned();
    let _active = metrics.request_started(&method);
    let response = next.run(request).await;
    let problem = response.extensions().get::<Arc<Problem>>();
    if problem.is_some_and(|problem| matches!(**problem, Problem::InvalidVersion(_))) {
        // A precondition that does not read never reaches the comparison that counts others.
        metrics.precondition(PreconditionResult::Malformed400);
    }
    let route = route::label(matched.as_ref());
    metrics.request_ended(&method, route, response.status(), began.elapsed());
    response
}
