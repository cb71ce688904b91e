//! The credential of a request, read strictly: one `Authorization` line, `Bearer`, a key or a token.

use axum::http::{HeaderMap, Uri, header};

use super::key_text::KeyText;
use crate::http::problem::Problem;

/// The longest token, in bytes.
const TOKEN_BYTES_MAX: usize = 8 * 1024;
/// Names under which clients put credentials into queries, where logs and histories keep them.
const IN_QUERY: &[&str] = &["access_token", "api_key", "apikey", "token", "authorization"];

/// What a request carries.
#[derive(Debug)]
pub enum Credential {
    /// No credential.
    None,
    /// Not a bearer token, such as `Basic`.
    OtherScheme,
    /// A bearer token that is neither a key nor a token of an issuer.
    Malformed,
    /// An API key, or the root key.
    Key(KeyText),
    /// A token of an issuer: three parts with dots between them, of which nothing is checked yet.
    Jwt(String),
}

/// Reads it. Fails with 400 for several `Authorization` lines, and for a credential in the query.
pub fn read(headers: &HeaderMap, uri: &Uri) -> Result<Credential, Problem> {
    let query = uri.query().unwrap_or_default();
    let in_query = |pair: &str| {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        let name = name.to_ascii_lowercase();
        IN_QUERY.contains(&name.as_str()) || KeyText::parse(value).is_some()
    };
    if query.split('&').any(in_query) {
        let why = "credentials go into the Authorization header, never into the query";
        return Err(Problem::InvalidRequest(why.into()));
    }
    let mut lines = headers.get_all(header::AUTHORIZATION).iter();
    let Some(line) = lines.next() else { return Ok(Credential::None) };
    if lines.next().is_some() {
        return Err(Problem::InvalidRequest("Authorization is given more than once".into()));
    }
    let Ok(line) = line.to_str() else { return Ok(Credential::Malformed) };
    let (scheme, token) = line.split_once(' ').unwrap_or((line, ""));
    if !scheme.eq_ignore_ascii_case("bearer") {
        return Ok(Credential::OtherScheme);
    }
    if let Some(key) = KeyText::parse(token) {
        return Ok(Credential::Key(key));
    }
    let known = |part: &str| {
        !part.is_empty()
            && part.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte))
    };
    let parts = token.split('.');
    if token.len() <= TOKEN_BYTES_MAX && parts.clone().count() == 3 && parts.clone().all(known) {
        return Ok(Credential::Jwt(token.to_owned()));
    }
    Ok(Credential::Malformed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn credentials_are_read_strictly() {
        let key = KeyText::made();
        let key = key.reveal();
        let bearer = format!("Bearer {key}");
        let two_blanks = format!("Bearer  {key}");
        let longer = format!("{bearer}x");
        let long = format!("Bearer a.{}.c", "b".repeat(9 * 1024));
        for (lines, expect) in [
            (&[][..], "None"),
            (&[&bearer[..]], "Key"),
            (&[&bearer.replace("Bearer", "bearer")], "Key"),
            (&[&two_blanks], "Malformed"),
            (&[&longer], "Malformed"),
            (&["Bearer"], "Malformed"),
            (&["Bearer a.b.c"], "Jwt"),
            (&["Bearer a.b."], "Malformed"),
            (&["Bearer a.b"], "Malformed"),
            (&["Bearer a.b.c.d"], "Malformed"),
            (&[&long], "Malformed"),
            (&["Basic YTpi"], "OtherScheme"),
            (&[key], "OtherScheme"),
            (&["Bearer a.b.c", "Bearer a.b.c"], "InvalidRequest"),
        ] {
            let mut headers = HeaderMap::new();
            for line in lines {
                let value = line.parse().expect("a header value");
                headers.append(header::AUTHORIZATION, value);
            }
            let read = read(&headers, &"/v1/me".parse().expect("a target"));
            let read = read.map_or_else(|why| format!("{why:?}"), |read| format!("{read:?}"));
            assert!(read.starts_with(expect), "{lines:?}: {read}");
        }
        for query in ["access_token=x", "a=1&api_key=x", "Token=", &format!("x={key}")] {
            let uri = format!("/v1/me?{query}").parse().expect("a target");
            assert!(read(&HeaderMap::new(), &uri).is_err(), "{query}");
        }
    }
}
