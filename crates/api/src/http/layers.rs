//! What surrounds every request: its id, the limits on its head, its metrics, its log line, and the
//! writing of problem documents.

use std::sync::Arc;
use std::time::Instant;

use axum::extract::{MatchedPath, Request, State};
use axum::http::{Extensions, HeaderMap, HeaderValue, Method, Uri, Version, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use tracing::Instrument;
use uuid::Uuid;

use crate::app::App;
use crate::http::problem::Problem;
use crate::metrics::PreconditionResult;

/// The longest request target, in bytes.
const URI_BYTES_MAX: usize = 8 * 1024;
/// The largest header block, in bytes.
const HEADER_BYTES_MAX: usize = 16 * 1024;
/// The longest request id that is taken over.
const REQUEST_ID_BYTES_MAX: usize = 64;
/// How much of a method is logged: clients may invent them, and long ones.
const METHOD_BYTES_MAX: usize = 16;
const X_REQUEST_ID: &str = "x-request-id";

/// Names one request: in its answer, in the log, in the events it writes.
#[derive(Clone, Debug)]
pub struct RequestId(pub Arc<str>);

impl RequestId {
    /// The id that [`frame`] gave.
    #[must_use]
    pub fn of(extensions: &Extensions) -> Self {
        extensions.get::<Self>().cloned().unwrap_or_else(Self::made)
    }

    /// The client's, if it is one line of 1 to 64 letters, digits and hyphens; else a new one.
    fn from_headers(headers: &HeaderMap) -> Self {
        let mut lines = headers.get_all(X_REQUEST_ID).iter();
        let given = match (lines.next(), lines.next()) {
            (Some(only), None) => only.to_str().ok(),
            _ => None,
        };
        let taken = given.filter(|id| {
            (1..=REQUEST_ID_BYTES_MAX).contains(&id.len())
                && id.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
        });
        taken.map_or_else(Self::made, |id| Self(id.into()))
    }

    /// For work that no request asked for, too.
    #[must_use]
    pub fn made() -> Self {
        Self(Uuid::now_v7().to_string().into())
    }
}

/// The outermost layer of the router.
pub async fn frame(State(app): State<App>, mut request: Request, next: Next) -> Response {
    let began = Instant::now();
    let method = request.method().clone();
    let id = RequestId::from_headers(request.headers());
    let route = request.extensions().get::<MatchedPath>().map(|path| path.as_str().to_owned());
    let route = route.unwrap_or_else(|| "unmatched".to_owned());
    let _active = app.metrics.request_started(&method);
    let span = tracing::info_span!("request", id = %id.0, method = shown(&method), route);
    request.extensions_mut().insert(id.clone());

    let answered = async {
        if let Err(problem) = check_head(&request) {
            return problem.into_response();
        }
        // Probes and `/metrics` are exempt from the limit on requests at work.
        let handled = app.with_permit(&route, next.run(request)).await;
        handled.unwrap_or_else(IntoResponse::into_response)
    };
    let mut response = answered.instrument(span.clone()).await;

    let problem = response.extensions_mut().remove::<Arc<Problem>>();
    if let Some(problem) = &problem {
        if matches!(**problem, Problem::InvalidVersion(_)) {
            // A precondition that does not read never reaches the comparison that counts others.
            app.metrics.precondition(PreconditionResult::Malformed400);
        }
        let marked = std::mem::replace(&mut response, problem.document(&id.0));
        // A 405 has its methods from the router.
        if let Some(allow) = marked.headers().get(header::ALLOW) {
            response.headers_mut().insert(header::ALLOW, allow.clone());
        }
    }
    if let Ok(id) = HeaderValue::from_str(&id.0) {
        response.headers_mut().insert(X_REQUEST_ID, id);
    }
    let elapsed = began.elapsed();
    app.metrics.request_ended(&method, &route, response.status(), elapsed);
    let status = response.status().as_u16();
    let took_ms = u64::try_from(elapsed.as_millis()).unwrap_or(u64::MAX);
    span.in_scope(|| match problem.as_deref() {
        Some(problem @ Problem::Internal(_)) => {
            tracing::error!(status, took_ms, cause = problem.cause(), "failed");
        }
        Some(problem) if status >= 500 => {
            tracing::warn!(
                status,
                took_ms,
                cause = problem.cause(),
                code = problem.code().name(),
                "not done"
            );
        }
        Some(problem) => tracing::info!(status, took_ms, code = problem.code().name(), "refused"),
        None => tracing::info!(status, took_ms, "answered"),
    });
    response
}

/// The start of the method, which is ASCII.
fn shown(method: &Method) -> &str {
    let method = method.as_str();
    method.get(..METHOD_BYTES_MAX).unwrap_or(method)
}

fn check_head(request: &Request) -> Result<(), Problem> {
    let target = target_length(request.uri());
    if target > URI_BYTES_MAX {
        return Err(Problem::UriTooLong { limit: URI_BYTES_MAX });
    }
    // As on the wire: `name: value` and the end of the line.
    let lines = request.headers().iter().map(|(name, value)| name.as_str().len() + value.len() + 4);
    if lines.sum::<usize>() > HEADER_BYTES_MAX {
        return Err(Problem::HeadersTooLarge { limit: HEADER_BYTES_MAX });
    }
    // RFC 9112, 3.2.
    let hosts = request.headers().get_all(header::HOST).iter().count();
    if hosts > 1 || hosts == 0 && request.version() == Version::HTTP_11 {
        return Err(Problem::InvalidRequest("a request needs one Host".into()));
    }
    Ok(())
}

fn target_length(uri: &Uri) -> usize {
    uri.path().len() + uri.query().map_or(0, |query| query.len() + 1)
}

/// For `CatchPanicLayer`: a panic is a 500 like any other, and its message goes to the log.
#[expect(clippy::needless_pass_by_value, reason = "the layer hands the payload over")]
pub fn panicked(payload: Box<dyn std::any::Any + Send + 'static>) -> Response {
    let message = payload
        .downcast_ref::<String>()
        .map(String::as_str)
        .or_else(|| payload.downcast_ref::<&str>().copied())
        .unwrap_or("of unknown kind");
    Problem::Internal(format!("panic: {message}").into()).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sane_request_id_is_taken_over() {
        let longest = "a".repeat(64);
        for (lines, taken) in [
            (&["abc-123"][..], true),
            (&[&longest], true),
            (&[&format!("{longest}a")], false),
            (&[""], false),
            (&["a b"], false),
            (&["a_b"], false),
            (&["a", "b"], false),
        ] {
            let mut headers = HeaderMap::new();
            for line in lines {
                headers.append(X_REQUEST_ID, line.parse().expect("a header value"));
            }
            let id = RequestId::from_headers(&headers);
            assert_eq!(&*id.0 == lines[0], taken, "{lines:?}");
            assert!(!id.0.is_empty());
        }
    }
}
