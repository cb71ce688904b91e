//! Limits on the head of a request.

use axum::extract::Request;
use axum::http::{Uri, Version, header};
use axum::middleware::Next;
use axum::response::Response;

use crate::http::problem::Problem;

/// The longest request target, in bytes.
const URI_BYTES_MAX: usize = 8 * 1024;
/// The largest header block, in bytes.
const HEADER_BYTES_MAX: usize = 16 * 1024;

/// Answers 414, 431 or 400 to a head that is too large or does not name one host.
pub async fn limit(request: Request, next: Next) -> Result<Response, Problem> {
    check(&request)?;
    Ok(next.run(request).await)
}

fn check(request: &Request) -> Result<(), Problem> {
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
