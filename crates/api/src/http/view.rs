//! Reading one resource, conditionally.

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use chrono::{DateTime, SecondsFormat, Utc};
use serde::{Serialize, Serializer};
use uuid::Uuid;
use vacancy_domain::Version;

use crate::app::App;
use crate::http::etag::{self, RawPreconditions, Verdict};
use crate::http::problem::Problem;
use crate::http::query::{NamesVersion, Query, VersionQuery};
use crate::http::reply::VERSIONED;
use crate::metrics::PreconditionResult;

/// Writes an instant with microseconds, as many digits as the databases keep, always.
pub fn instant<S: Serializer>(at: &DateTime<Utc>, to: S) -> Result<S::Ok, S::Error> {
    to.collect_str(&at.to_rfc3339_opts(SecondsFormat::Micros, true))
}

/// As [`instant`], for one that may be absent.
#[expect(clippy::ref_option, reason = "serde hands over the field as it is")]
pub fn optional_instant<S: Serializer>(
    at: &Option<DateTime<Utc>>,
    to: S,
) -> Result<S::Ok, S::Error> {
    match at {
        Some(at) => instant(at, to),
        None => to.serialize_none(),
    }
}

/// A GET or HEAD of one resource that has a version.
#[derive(Clone, Debug)]
pub struct Viewing {
    preconditions: RawPreconditions,
}

impl<S: Send + Sync> FromRequestParts<S> for Viewing {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let Query(query) = Query::<VersionQuery>::from_request_parts(parts, state).await?;
        Ok(Self { preconditions: RawPreconditions::new(&parts.headers, query.version()?) })
    }
}

impl Viewing {
    /// 200 with the representation, 304 when the client has it, 412 or 409 when it is not the one
    /// the client means.
    pub fn answer(
        &self,
        app: &App,
        kind: &'static str,
        id: Uuid,
        version: Version,
        view: &impl Serialize,
    ) -> Result<Response, Problem> {
        match self.preconditions.check(kind, id, version) {
            Verdict::Absent => {}
            Verdict::Passed => app.metrics.precondition(PreconditionResult::Passed),
            Verdict::NotModified => {
                app.metrics.precondition(PreconditionResult::NotModified);
                return Ok(not_modified(etag::strong(version), VERSIONED));
            }
            Verdict::Failed(result, problem) => {
                app.metrics.precondition(result);
                if problem.code().status() == 409 {
                    app.metrics.refused(problem.code().name());
                }
                return Err(problem);
            }
        }
        let mut response = axum::Json(view).into_response();
        tag(response.headers_mut(), etag::strong(version), VERSIONED);
        Ok(response)
    }
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
