//! Entity tags on the wire, and the headers and the 304 that go with them.

use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use sha2::{Digest, Sha256};
use vacancy_domain::Version;

/// For what has a strong tag: a private cache may store it and must revalidate it, and no
/// proxy may transform it.
pub const VERSIONED: HeaderValue = HeaderValue::from_static("private, no-cache, no-transform");

/// For a list: as [`VERSIONED`], but its weak tag survives a transformation.
pub const LISTED: HeaderValue = HeaderValue::from_static("private, no-cache");

/// The strong tag of a version.
#[must_use]
pub fn strong(version: Version) -> HeaderValue {
    HeaderValue::from_str(&format!("\"{version}\"")).expect("digits in quotes are a header value")
}

/// A weak tag for a body that has no version: a list.
#[must_use]
pub fn weak(body: &[u8]) -> HeaderValue {
    use std::fmt::Write;

    let mut tag = String::from("W/\"");
    for byte in &Sha256::digest(body)[..12] {
        // Writing to a string cannot fail.
        let _ = write!(tag, "{byte:02x}");
    }
    tag.push('"');
    HeaderValue::from_str(&tag).expect("hexadecimal digits in quotes are a header value")
}

/// 304, with the headers that a 200 would have had (RFC 9110, 15.4.5).
#[must_use]
pub fn not_modified(etag: HeaderValue, cache_control: HeaderValue) -> Response {
    let mut response = StatusCode::NOT_MODIFIED.into_response();
    tag(response.headers_mut(), etag, cache_control);
    response
}

/// Sets the headers of what may be asked for conditionally.
pub fn tag(headers: &mut HeaderMap, etag: HeaderValue, cache_control: HeaderValue) {
    headers.insert(header::ETAG, etag);
    headers.insert(header::CACHE_CONTROL, cache_control);
}
