//! One span and one line in the log for each request.

use std::sync::{Arc, LazyLock};
use std::time::{Duration, Instant};

use axum::extract::{MatchedPath, Request};
use axum::http::{Method, StatusCode};
use axum::middleware::Next;
use axum::response::Response;
use tracing::Instrument;

use super::route;
use crate::admission::Shed;
use crate::http::problem::Problem;
use crate::http::request_id::RequestId;
use crate::telemetry::Throttle;

/// How much of a method is logged.
const METHOD_BYTES_MAX: usize = 16;

/// Requests that were shed come by the thousand.
static SHED: LazyLock<Throttle> = LazyLock::new(Throttle::default);

/// Runs the request in its span, and writes how it was answered. This is the only place that logs
/// why a request failed.
pub async fn write(request: Request, next: Next) -> Response {
    let began = Instant::now();
    let id = RequestId::of(request.extensions());
    let method = request.method();
    let route = route::label(request.extensions().get::<MatchedPath>());
    let span = tracing::info_span!("request", id = %id.0, method = shown(method), route);
    let response = next.run(request).instrument(span.clone()).await;
    let problem = response.extensions().get::<Arc<Problem>>();
    span.in_scope(|| line(response.status(), began.elapsed(), problem.map(Arc::as_ref)));
    response
}

/// The start of the method, which is ASCII: clients may invent long ones.
fn shown(method: &Method) -> &str {
    let method = method.as_str();
    method.get(..METHOD_BYTES_MAX).unwrap_or(method)
}

fn line(status: StatusCode, took: Duration, problem: Option<&Problem>) {
    let status = status.as_u16();
    let took_ms = u64::try_from(took.as_millis()).unwrap_or(u64::MAX);
    let Some(problem) = problem else {
        tracing::info!(status, took_ms, "answered");
        return;
    };
    if let Problem::Unavailable(cause) = problem
        && cause.is::<Shed>()
    {
        if let Some(requests) = SHED.count() {
            tracing::warn!(requests, "shed requests: more are at work than can be done in time");
        }
        return;
    }
    let (cause, code) = (problem.cause(), problem.code().name());
    if matches!(problem, Problem::Internal(_)) {
        tracing::error!(status, took_ms, cause, "failed");
    } else if status >= 500 {
        tracing::warn!(status, took_ms, cause, code, "not done");
    } else {
        tracing::info!(status, took_ms, code, "refused");
    }
}
