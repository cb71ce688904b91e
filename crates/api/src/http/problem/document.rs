//! Problems as documents (RFC 9457).

use std::sync::Arc;

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;
use vacancy_domain::{Refusal, Stay, Version};

use super::code::Code;
use super::problem::Problem;
use crate::http::fields::{FieldError, pointer};
use crate::http::tag::{self, VERSIONED};

/// The media type of a [`Document`].
pub const MEDIA_TYPE: &str = "application/problem+json";

/// A problem document (RFC 9457).
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Problem)]
pub struct Document {
    /// A path of this service that explains the problem.
    #[schema(example = "/problems/room_unavailable")]
    pub r#type: String,
    /// What kind of problem, for people.
    pub title: String,
    /// The HTTP status, again.
    pub status: u16,
    /// What happened in this case.
    pub detail: String,
    /// The request's id, as in `X-Request-Id` and the log.
    pub instance: String,
    /// What kind of problem, for programs.
    pub code: String,
    /// Whether the same request may succeed when sent again.
    pub retryable: bool,
    /// How often the write was tried.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub attempts: Option<u32>,
    /// The version the resource has.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub current_version: Option<i64>,
    /// The version the client named.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub provided_version: Option<i64>,
    /// The stays in the way.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub conflicts: Option<Vec<StayView>>,
    /// Up to five other rooms of the hotel that are free for the stay.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub alternatives: Option<Vec<Uuid>>,
    /// The booking that has the reference.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub booking_id: Option<Uuid>,
    /// The fields to correct.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub errors: Option<Vec<FieldError>>,
}

/// A range of nights: arrival and departure.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = Stay)]
pub struct StayView {
    /// The first night.
    pub check_in: chrono::NaiveDate,
    /// The day after the last night.
    pub check_out: chrono::NaiveDate,
}

impl From<&Stay> for StayView {
    fn from(stay: &Stay) -> Self {
        Self { check_in: stay.check_in(), check_out: stay.check_out() }
    }
}

impl IntoResponse for Problem {
    /// Only marks the response; the outermost layer, which knows the request's id, writes it.
    fn into_response(self) -> Response {
        let mut response = status(self.code()).into_response();
        response.extensions_mut().insert(Arc::new(self));
        response
    }
}

impl Problem {
    /// The document, with its headers. `instance` is the request's id; `prefix` stands before the path
    /// of its `type`.
    #[must_use]
    pub fn document(&self, instance: &str, prefix: &str) -> Response {
        let code = self.code();
        let document = Document {
            r#type: format!("{prefix}/problems/{}", code.name()),
            title: code.title().to_owned(),
            status: code.status(),
            detail: self.to_string(),
            instance: instance.to_owned(),
            code: code.name().to_owned(),
            retryable: code.retryable(),
            attempts: self.attempts(),
            current_version: self.current_version().map(|version| version.0),
            provided_version: self.provided_version().map(|version| version.0),
            conflicts: self.conflicts(),
            alternatives: self.alternatives(),
            booking_id: self.booking_id(),
            errors: self.errors(),
        };
        let mut response = (status(code), axum::Json(document)).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(MEDIA_TYPE));
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        if code.retryable() {
            let seconds = if let Self::RateLimited { seconds } = self { *seconds } else { 1 };
            headers.insert(header::RETRY_AFTER, seconds.into());
        }
        if let Some(challenge) = self.challenge() {
            headers.insert(header::WWW_AUTHENTICATE, challenge);
        }
        if let Some(current) = self.current_version() {
            headers.insert(header::ETAG, tag::strong(current));
            // As beside every strong tag: a proxy that weakens it takes the retry away.
            headers.insert(header::CACHE_CONTROL, VERSIONED);
        }
        response
    }

    /// What `WWW-Authenticate` says (RFC 6750).
    fn challenge(&self) -> Option<HeaderValue> {
        #[expect(clippy::wildcard_enum_match_arm, reason = "only these speak of credentials")]
        let text = match self {
            Self::Unauthenticated { sent: false } => "Bearer realm=\"vacancy\"".to_owned(),
            Self::Unauthenticated { sent: true } => {
                "Bearer realm=\"vacancy\", error=\"invalid_token\"".to_owned()
            }
            Self::InsufficientScope { needs } => {
                format!("Bearer error=\"insufficient_scope\", scope=\"{needs}\"")
            }
            Self::HotelsExceeded | Self::PrincipalExceeded => {
                "Bearer error=\"insufficient_scope\"".to_owned()
            }
            _ => return None,
        };
        HeaderValue::from_str(&text).ok()
    }

    fn current_version(&self) -> Option<Version> {
        let (Self::VersionConflict { current, .. }
        | Self::PreconditionFailed { current }
        | Self::WeakEtag { current }
        | Self::ForeignEtag { current }) = self
        else {
            return None;
        };
        Some(*current)
    }

    fn provided_version(&self) -> Option<Version> {
        let Self::VersionConflict { provided, .. } = self else { return None };
        Some(*provided)
    }

    fn attempts(&self) -> Option<u32> {
        let Self::LockConflict { attempts } = self else { return None };
        Some(*attempts)
    }

    fn conflicts(&self) -> Option<Vec<StayView>> {
        let Self::Refused { refusal: Refusal::RoomUnavailable { conflicts, .. }, .. } = self else {
            return None;
        };
        Some(conflicts.iter().map(StayView::from).collect())
    }

    fn alternatives(&self) -> Option<Vec<Uuid>> {
        let Self::Refused { refusal: Refusal::RoomUnavailable { .. }, alternatives } = self else {
            return None;
        };
        Some(alternatives.iter().map(|room| room.0).collect())
    }

    fn booking_id(&self) -> Option<Uuid> {
        let Self::ReferenceTaken { booking } = self else { return None };
        booking.map(|booking| booking.0)
    }

    fn errors(&self) -> Option<Vec<FieldError>> {
        if let Self::ValidationFailed(errors) = self {
            return Some(errors.clone());
        }
        let Self::Refused { refusal, .. } = self else { return None };
        let pointer = pointer(refusal.field()?).to_owned();
        Some(vec![FieldError { pointer, message: refusal.to_string() }])
    }
}

fn status(code: Code) -> StatusCode {
    StatusCode::from_u16(code.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
}
