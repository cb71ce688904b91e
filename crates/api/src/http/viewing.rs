//! Reading one resource, conditionally.

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use uuid::Uuid;
use vacancy_domain::Version;

use crate::http::preconditions::{RawPreconditions, Verdict};
use crate::http::problem::Problem;
use crate::http::query::{NamesVersion, Query, VersionQuery};
use crate::http::tag::{self, VERSIONED};
use crate::metrics::{Metrics, PreconditionResult};

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
        metrics: &Metrics,
        kind: &'static str,
        id: Uuid,
        version: Version,
        view: &impl Serialize,
    ) -> Result<Response, Problem> {
        match self.preconditions.check(kind, id, version) {
            Verdict::Absent => {}
            Verdict::Passed => metrics.precondition(PreconditionResult::Passed),
            Verdict::NotModified => {
                metrics.precondition(PreconditionResult::NotModified);
                return Ok(tag::not_modified(tag::strong(version), VERSIONED));
            }
            Verdict::Failed(result, problem) => {
                metrics.precondition(result);
                if problem.code().status() == 409 {
                    metrics.refused(problem.code().name());
                }
                return Err(problem);
            }
        }
        let mut response = axum::Json(view).into_response();
        tag::tag(response.headers_mut(), tag::strong(version), VERSIONED);
        Ok(response)
    }
}
