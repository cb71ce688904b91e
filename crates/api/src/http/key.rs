//! `Idempotency-Key`: how it is read, and what makes two requests the same.

use std::sync::Arc;

use axum::http::{HeaderMap, Method, Uri};
use sha2::{Digest, Sha256};
use uuid::Uuid;
use vacancy_persistence::{Answer, StoredAnswer};

use crate::http::json::syntax;
use crate::http::preconditions::RawPreconditions;
use crate::http::problem::Problem;

/// The longest key, in bytes.
const KEY_BYTES_MAX: usize = 255;

/// A key that a client sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClientKey(pub String);

impl ClientKey {
    /// The key as it is kept: under the principal's name, because the same text of two principals
    /// names two requests. The key has no blank, so the last one ends the name.
    #[must_use]
    pub fn of(self, principal: Option<&Arc<str>>) -> Self {
        match principal {
            Some(principal) => Self(format!("by {principal} {}", self.0)),
            None => self,
        }
    }
}

/// Reads `Idempotency-Key`: once, 1 to 255 visible ASCII characters. Fails with 400.
pub fn client_key(headers: &HeaderMap) -> Result<Option<ClientKey>, Problem> {
    let mut lines = headers.get_all("idempotency-key").iter();
    let Some(key) = lines.next() else { return Ok(None) };
    if lines.next().is_some() {
        return Err(Problem::InvalidRequest("Idempotency-Key is given more than once".into()));
    }
    let key = key.as_bytes();
    let visible = key.iter().all(u8::is_ascii_graphic);
    match std::str::from_utf8(key) {
        Ok(key) if visible && (1..=KEY_BYTES_MAX).contains(&key.len()) => {
            Ok(Some(ClientKey(key.to_owned())))
        }
        Ok(_) | Err(_) => Err(Problem::InvalidRequest(format!(
            "Idempotency-Key takes 1 to {KEY_BYTES_MAX} visible ASCII characters"
        ))),
    }
}

/// A key of our own for a request without one. The blank keeps it apart from every client's.
#[must_use]
pub fn own_key() -> String {
    format!("request {}", Uuid::now_v7())
}

/// What an earlier answer under a key means for a request with it: the same answer again, if it is
/// the same request. Fails with 422 when it is another one.
pub fn replayed(fingerprint: &[u8; 32], earlier: &StoredAnswer) -> Result<Answer, Problem> {
    if earlier.fingerprint == fingerprint {
        return Ok(earlier.answer.clone());
    }
    Err(Problem::IdempotencyMismatch)
}

/// What makes two requests the same: method, path, query, body and `If-Match`. JSON bodies count
/// by their content, others by their bytes.
#[must_use]
pub fn fingerprint(
    method: &Method,
    uri: &Uri,
    body: &[u8],
    preconditions: &RawPreconditions,
) -> [u8; 32] {
    let mut hash = Sha256::new();
    let mut part = |bytes: &[u8]| {
        // Lengths keep the parts apart.
        hash.update((bytes.len() as u64).to_be_bytes());
        hash.update(bytes);
    };
    part(method.as_str().as_bytes());
    part(uri.path().as_bytes());
    part(uri.query().unwrap_or_default().as_bytes());
    match syntax(body) {
        // Objects are kept sorted by their keys.
        Ok(value) => part(value.to_string().as_bytes()),
        Err(_) => part(body),
    }
    for line in preconditions.if_match_lines() {
        part(line);
    }
    hash.finalize().into()
}

#[cfg(test)]
mod tests {
    use axum::http::{HeaderValue, header};

    use super::*;

    #[test]
    fn a_key_is_visible_ascii_and_comes_once() {
        let longest = "k".repeat(255);
        for (lines, expect) in [
            (&["a"][..], true),
            (&[&longest], true),
            (&["!~"], true),
            (&[""], false),
            (&[&format!("{longest}k")], false),
            (&["a b"], false),
            (&["ключ"], false),
            (&["a", "a"], false),
        ] {
            let mut headers = HeaderMap::new();
            for line in lines {
                let value = HeaderValue::from_bytes(line.as_bytes()).expect("a header value");
                headers.append("idempotency-key", value);
            }
            assert_eq!(client_key(&headers).is_ok(), expect, "{lines:?}");
        }
        assert_eq!(client_key(&HeaderMap::new()).ok(), Some(None));
    }

    #[test]
    fn two_requests_are_the_same_by_content() {
        let base = print("POST", "/a?b=1", r#"{"x":1,"y":2}"#, None);
        assert_eq!(base, print("POST", "/a?b=1", "{ \"y\": 2, \"x\": 1 }", None));
        assert_eq!(base, print("POST", "/a?b=1", "\u{feff}{\"x\":1.0,\"y\":2e0}", None));
        for other in [
            print("PUT", "/a?b=1", r#"{"x":1,"y":2}"#, None),
            print("POST", "/a?b=2", r#"{"x":1,"y":2}"#, None),
            print("POST", "/a", r#"{"x":1,"y":2}"#, None),
            print("POST", "/a?b=1", r#"{"x":1,"y":3}"#, None),
            print("POST", "/a?b=1", "{", None),
            // Refused, so it must not be answered as if it were the one that was done.
            print("POST", "/a?b=1", r#"{"x":9,"x":1,"y":2}"#, None),
            print("POST", "/a?b=1", r#"{"x":1,"y":2}"#, Some("\"7\"")),
        ] {
            assert_ne!(base, other);
        }
        assert_eq!(print("POST", "/a", "{", None), print("POST", "/a", "{", None));
    }

    fn print(method: &str, uri: &str, body: &str, if_match: Option<&str>) -> [u8; 32] {
        let mut headers = HeaderMap::new();
        if let Some(tag) = if_match {
            headers.insert(header::IF_MATCH, tag.parse().expect("a header value"));
        }
        let method = method.parse().expect("a method");
        let uri = uri.parse().expect("a target");
        fingerprint(&method, &uri, body.as_bytes(), &RawPreconditions::new(&headers, None))
    }
}
