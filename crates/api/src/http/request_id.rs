//! The id of a request.

use std::sync::Arc;

use axum::http::{Extensions, HeaderMap};
use uuid::Uuid;

/// The longest request id that is taken over.
const REQUEST_ID_BYTES_MAX: usize = 64;
/// The header that brings an id along, and gives it back.
pub const X_REQUEST_ID: &str = "x-request-id";

/// Names one request: in its answer, in the log, in the events it writes.
#[derive(Clone, Debug)]
pub struct RequestId(pub Arc<str>);

impl RequestId {
    /// The id that the layer around every route gave.
    #[must_use]
    pub fn of(extensions: &Extensions) -> Self {
        extensions.get::<Self>().cloned().unwrap_or_else(Self::made)
    }

    /// The client's, if it is one line of 1 to 64 letters, digits and hyphens; else a new one.
    #[must_use]
    pub fn from_headers(headers: &HeaderMap) -> Self {
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
