//! The id of a request, which names it in its answer, in the log and in the events it writes.

use std::sync::Arc;

use axum::http::{Extensions, HeaderMap};
use uuid::Uuid;

/// The longest client-supplied id that is used, in bytes.
const REQUEST_ID_BYTES_MAX: usize = 64;
/// The header of a request that may carry an id, and of every answer.
pub const X_REQUEST_ID: &str = "x-request-id";

/// The id of one request.
#[derive(Clone, Debug)]
pub struct RequestId(pub Arc<str>);

impl RequestId {
    /// The id that the outermost layer has put into the request's extensions.
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

    /// A new one; also for work that no request asked for.
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
