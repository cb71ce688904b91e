//! Answers of success, written once: body, `ETag`, `Location`.

use axum::body::Body;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use vacancy_domain::Version;
use vacancy_persistence::Answer;

use crate::http::problem::Problem;
use crate::http::tag::{self, VERSIONED};

/// A write that succeeded.
#[derive(Clone, Debug)]
pub struct Reply {
    /// What is said, now and to every repetition.
    pub answer: Answer,
    /// How it came about.
    pub kind: ReplyKind,
    /// Whether the client wants no body (`Prefer: return=minimal`).
    pub minimal: bool,
}

/// How a successful answer came about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReplyKind {
    /// It was written.
    Written,
    /// It already was as asked.
    Unchanged,
    /// An earlier request with the same key was answered so.
    Replayed,
}

impl IntoResponse for Reply {
    fn into_response(self) -> Response {
        let Answer { status, version, location, body } = self.answer;
        let minimal = self.minimal && body.is_some();
        let status = match status {
            // A creation keeps its status, with an empty body.
            200 if minimal => StatusCode::NO_CONTENT,
            status => StatusCode::from_u16(status).unwrap_or(StatusCode::OK),
        };
        let mut response = status.into_response();
        let headers = response.headers_mut();
        if let Some(version) = version {
            headers.insert(header::ETAG, tag::strong(version));
            headers.insert(header::CACHE_CONTROL, VERSIONED);
        }
        if let Some(Ok(location)) = location.map(|path| HeaderValue::from_str(&path)) {
            headers.insert(header::LOCATION, location);
        }
        if self.kind == ReplyKind::Replayed {
            headers.insert("idempotency-replayed", HeaderValue::from_static("true"));
        }
        if minimal {
            headers.insert("preference-applied", HeaderValue::from_static("return=minimal"));
        } else if let Some(body) = body {
            headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
            *response.body_mut() = Body::from(body);
        }
        response
    }
}

/// The answer to a creation.
pub fn created(view: &impl Serialize, version: Version, path: String) -> Result<Answer, Problem> {
    Ok(Answer { status: 201, location: Some(path), ..ok(view, version)? })
}

/// The answer to an edit or a command.
pub fn ok(view: &impl Serialize, version: Version) -> Result<Answer, Problem> {
    let body = serde_json::to_string(view);
    let body = body.map_err(Problem::internal)?;
    Ok(Answer { status: 200, version: Some(version), location: None, body: Some(body) })
}

/// The answer to a deletion.
#[must_use]
pub fn deleted() -> Answer {
    Answer { status: 204, version: None, location: None, body: None }
}
