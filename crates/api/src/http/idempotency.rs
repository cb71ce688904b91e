//! `Idempotency-Key`: what it is, what makes two requests the same, and who waits for whom.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::http::{HeaderMap, Method, Uri};
use serde_json::Value;
use sha2::{Digest, Sha256};
use tokio::sync::OwnedMutexGuard;
use uuid::Uuid;

use crate::http::etag::RawPreconditions;
use crate::http::problem::Problem;

/// The longest key, in bytes.
const KEY_BYTES_MAX: usize = 255;

/// A key that a client sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClientKey(pub String);

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
    match serde_json::from_slice::<Value>(body) {
        // Objects are kept sorted by their keys.
        Ok(value) => part(value.to_string().as_bytes()),
        Err(_) => part(body),
    }
    for line in preconditions.if_match_lines() {
        part(line);
    }
    hash.finalize().into()
}

/// The keys at work in this process. A copy waits for the first instead of racing it; between
/// processes the database's unique index does the same.
#[derive(Debug, Default)]
pub struct InFlight(Mutex<HashMap<String, Arc<tokio::sync::Mutex<()>>>>);

/// The turn of one request with a key; the next one's begins when it is dropped.
#[derive(Debug)]
pub struct Turn {
    keys: Arc<InFlight>,
    key: String,
    guard: Option<OwnedMutexGuard<()>>,
}

impl InFlight {
    /// Waits for the turn of this key, at most `patience`; then nothing.
    pub async fn turn(self: &Arc<Self>, key: &ClientKey, patience: Duration) -> Option<Turn> {
        let lock = self.lock().entry(key.0.clone()).or_default().clone();
        let mut turn = Turn { keys: self.clone(), key: key.0.clone(), guard: None };
        turn.guard = tokio::time::timeout(patience, lock.lock_owned()).await.ok();
        turn.guard.is_some().then_some(turn)
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<String, Arc<tokio::sync::Mutex<()>>>> {
        // A map of locks is as good after a panic elsewhere as before.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        let mut keys = self.keys.lock();
        drop(self.guard.take());
        // Two owners are left when nobody else waits or works: the map and `remaining`.
        let remaining = keys.get(&self.key).cloned();
        if remaining.is_some_and(|lock| Arc::strong_count(&lock) == 2) {
            keys.remove(&self.key);
        }
    }
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
        for other in [
            print("PUT", "/a?b=1", r#"{"x":1,"y":2}"#, None),
            print("POST", "/a?b=2", r#"{"x":1,"y":2}"#, None),
            print("POST", "/a", r#"{"x":1,"y":2}"#, None),
            print("POST", "/a?b=1", r#"{"x":1,"y":3}"#, None),
            print("POST", "/a?b=1", "{", None),
            print("POST", "/a?b=1", r#"{"x":1,"y":2}"#, Some("\"7\"")),
        ] {
            assert_ne!(base, other);
        }
        assert_eq!(print("POST", "/a", "{", None), print("POST", "/a", "{", None));
    }

    #[tokio::test(start_paused = true)]
    async fn copies_take_turns_and_leave_nothing_behind() {
        let keys = Arc::new(InFlight::default());
        let key = ClientKey("k".into());
        let first = keys.turn(&key, Duration::ZERO).await;
        assert!(first.is_some());
        assert!(keys.turn(&key, Duration::from_secs(1)).await.is_none(), "the first is at work");
        let waiting = tokio::spawn({
            let (keys, key) = (keys.clone(), key.clone());
            async move { keys.turn(&key, Duration::from_mins(1)).await.is_some() }
        });
        tokio::task::yield_now().await;
        drop(first);
        assert!(waiting.await.expect("a copy does not panic"), "the copy's turn came");
        assert!(keys.lock().is_empty());
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
