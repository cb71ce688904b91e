//! Limits on the head of a request.

use axum::extract::Request;
use axum::http::{Uri, Version, header};
use axum::middleware::Next;
use axum::response::Response;

use crate::http::problem::Problem;
use crate::server::AmbiguousEnd;

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
    check_host(request)?;
    check_coding(request)
}

/// RFC 9112, 3.2.
fn check_host(request: &Request) -> Result<(), Problem> {
    let mut hosts = request.headers().get_all(header::HOST).iter();
    let (host, second) = (hosts.next(), hosts.next());
    if second.is_some() || host.is_none() && request.version() == Version::HTTP_11 {
        return Err(Problem::InvalidRequest("a request needs one Host".into()));
    }
    if host.is_some_and(|host| !host.as_bytes().iter().copied().all(is_of_host)) {
        return Err(Problem::InvalidRequest("the Host is not a host and a port".into()));
    }
    Ok(())
}

/// Whether the byte may be in the host and port of a URI (RFC 3986, 3.2.2).
fn is_of_host(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-._~%!$&'()*+,;=:[]".contains(&byte)
}

/// RFC 9112, 6.1: a coding that is not known must not be passed over, because where the body ends
/// depends on it.
fn check_coding(request: &Request) -> Result<(), Problem> {
    if request.extensions().get::<AmbiguousEnd>().is_some() {
        let reason = "Content-Length and Transfer-Encoding exclude each other";
        return Err(Problem::InvalidRequest(reason.into()));
    }
    let mut codings = request.headers().get_all(header::TRANSFER_ENCODING).iter();
    let (coding, second) = (codings.next(), codings.next());
    let is_known = coding.is_none_or(|coding| coding.as_bytes().eq_ignore_ascii_case(b"chunked"));
    if second.is_some() || !is_known {
        return Err(Problem::InvalidRequest("the only Transfer-Encoding is chunked".into()));
    }
    Ok(())
}

fn target_length(uri: &Uri) -> usize {
    uri.path().len() + uri.query().map_or(0, |query| query.len() + 1)
}
