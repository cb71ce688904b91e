//! Where a request comes from, for a service on loopback that needs no credential: its only
//! protection is that no page of elsewhere can reach it through the user's own browser.

use std::net::IpAddr;

use axum::http::uri::Authority;
use axum::http::{HeaderMap, Uri, header};

use crate::http::problem::Problem;

/// Fails with 421 when the request names another host than this machine, as it does after DNS
/// rebinding, and with 403 when a page of another origin sent it.
pub fn check(headers: &HeaderMap, uri: &Uri) -> Result<(), Problem> {
    let host = headers.get(header::HOST).and_then(|host| host.to_str().ok());
    let named = uri.authority().map(Authority::as_str).or(host);
    // HTTP/1.0 knows requests without a host; browsers do not send them.
    if named.is_some_and(|named| !is_local(named)) {
        return Err(Problem::Misdirected);
    }
    let Some(origin) = headers.get(header::ORIGIN) else { return Ok(()) };
    let origin = origin.to_str().ok().and_then(|origin| origin.strip_prefix("http://"));
    if origin.is_some() && origin == named { Ok(()) } else { Err(Problem::CrossSite) }
}

fn is_local(named: &str) -> bool {
    let Ok(authority) = named.parse::<Authority>() else { return false };
    let host = authority.host();
    let address = host.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>();
    host.eq_ignore_ascii_case("localhost") || address.is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_this_machine_is_named_and_only_its_own_pages_ask() {
        for (host, origin, expect) in [
            ("localhost", None, "Ok"),
            ("LOCALHOST:8080", None, "Ok"),
            ("127.0.0.1:8080", None, "Ok"),
            ("[::1]:8080", None, "Ok"),
            ("127.0.0.1:8080", Some("http://127.0.0.1:8080"), "Ok"),
            ("example.org", None, "Err(Misdirected"),
            ("localhost.example.org", None, "Err(Misdirected"),
            ("127.0.0.1.example.org", None, "Err(Misdirected"),
            ("192.0.2.1", None, "Err(Misdirected"),
            ("", None, "Err(Misdirected"),
            ("localhost", Some("http://example.org"), "Err(CrossSite"),
            ("localhost:8080", Some("http://localhost:3000"), "Err(CrossSite"),
            ("localhost", Some("null"), "Err(CrossSite"),
            ("localhost", Some(""), "Err(CrossSite"),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(header::HOST, host.parse().expect("a header value"));
            if let Some(origin) = origin {
                headers.insert(header::ORIGIN, origin.parse().expect("a header value"));
            }
            let checked = format!("{:?}", check(&headers, &"/v1/me".parse().expect("a target")));
            assert!(checked.starts_with(expect), "{host} {origin:?}: {checked}");
        }
    }
}
