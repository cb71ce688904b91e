//! Everything this API can say no with, as problem documents (RFC 9457).

mod code;

use std::sync::Arc;

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;
use vacancy_domain::{Invalid, Refusal, RoomId, Stay, Version};
use vacancy_persistence::StoreError;

pub use self::code::Code;
use crate::http::etag;
use crate::http::reply::VERSIONED;

/// A reason not to do what was asked. Turning it into a response has no side effect; the layer
/// around the router writes the document and logs the cause, once.
#[derive(Clone, Debug, thiserror::Error)]
pub enum Problem {
    /// 400.
    #[error("{0}")]
    InvalidRequest(String),
    /// 400.
    #[error("{0}")]
    MalformedPrecondition(String),
    /// 400.
    #[error("{0}")]
    InvalidVersion(String),
    /// 400.
    #[error("the cursor was not made by this service for this list")]
    InvalidCursor,
    /// 404.
    #[error("no such {0}")]
    NotFound(&'static str),
    /// 405.
    #[error("the resource does not know this method")]
    MethodNotAllowed,
    /// 408.
    #[error("the body did not arrive in time")]
    RequestTimeout,
    /// 413.
    #[error("the body is larger than {limit} bytes")]
    PayloadTooLarge {
        /// The limit, in bytes.
        limit: usize,
    },
    /// 414.
    #[error("the request target is longer than {limit} bytes")]
    UriTooLong {
        /// The limit, in bytes.
        limit: usize,
    },
    /// 415.
    #[error("the body must be {expected}")]
    UnsupportedMediaType {
        /// What is taken here.
        expected: &'static str,
    },
    /// 422, with every field to correct.
    #[error("{}", summary(.0))]
    ValidationFailed(Vec<FieldError>),
    /// 422.
    #[error("this Idempotency-Key was used for another request")]
    IdempotencyMismatch,
    /// 428.
    #[error("send If-Match with the ETag you last read, or ?version=")]
    PreconditionRequired,
    /// 431.
    #[error("the header block is larger than {limit} bytes")]
    HeadersTooLarge {
        /// The limit, in bytes.
        limit: usize,
    },
    /// 409 or 422, as the rule says.
    #[error("{refusal}")]
    Refused {
        /// The rule.
        refusal: Refusal,
        /// Other rooms for the same stay.
        alternatives: Vec<RoomId>,
    },
    /// 409.
    #[error(
        "[{kind}][{id}]: version conflict, current version [{current}] is different than the one provided [{provided}]"
    )]
    VersionConflict {
        /// What it is.
        kind: &'static str,
        /// Which one.
        id: Uuid,
        /// The version it has.
        current: Version,
        /// The version the client named.
        provided: Version,
    },
    /// 409.
    #[error("the hotel has a room with this number already")]
    Duplicate,
    /// 409.
    #[error("a request with this Idempotency-Key is still being carried out")]
    IdempotencyInFlight,
    /// 409.
    #[error("other writers were first at each of {attempts} attempts; nothing was written")]
    LockConflict {
        /// How often it was tried.
        attempts: u32,
    },
    /// 412.
    #[error("the precondition does not allow the resource's version, which is {current}")]
    PreconditionFailed {
        /// The version it has.
        current: Version,
    },
    /// 412.
    #[error("If-Match never matches a weak tag; the version is {current}")]
    WeakEtag {
        /// The version it has.
        current: Version,
    },
    /// 500. The cause goes to the log only.
    #[error("something went wrong on our side")]
    Internal(Arc<str>),
    /// 503. The cause goes to the log only.
    #[error("the service cannot do this at the moment; nothing was written")]
    Unavailable(Arc<str>),
    /// 504.
    #[error("the outcome is unknown; send the same Idempotency-Key again to learn it")]
    OutcomeUnknown,
}

/// A field of the body and what to do about it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct FieldError {
    /// JSON pointer (RFC 6901) into the body; empty for the body itself.
    pub pointer: String,
    /// What is wrong.
    pub message: String,
}

impl From<Invalid> for FieldError {
    fn from(invalid: Invalid) -> Self {
        Self { pointer: invalid.pointer.to_owned(), message: invalid.message }
    }
}

fn summary(errors: &[FieldError]) -> String {
    let lines = errors.iter().map(|error| match error.pointer.as_str() {
        "" => format!("the body {}", error.message),
        pointer => format!("{pointer} {}", error.message),
    });
    lines.collect::<Vec<_>>().join("; ")
}

impl Problem {
    /// A body with one field to correct.
    pub fn invalid(pointer: impl Into<String>, message: impl Into<String>) -> Self {
        let error = FieldError { pointer: pointer.into(), message: message.into() };
        Self::ValidationFailed(vec![error])
    }

    /// A rule that said no, without alternatives.
    #[must_use]
    pub fn refused(refusal: Refusal) -> Self {
        Self::Refused { refusal, alternatives: Vec::new() }
    }

    /// Its row in the contract.
    #[must_use]
    pub fn code(&self) -> Code {
        match self {
            Self::InvalidRequest(_) => Code::InvalidRequest,
            Self::MalformedPrecondition(_) => Code::MalformedPrecondition,
            Self::InvalidVersion(_) => Code::InvalidVersion,
            Self::InvalidCursor => Code::InvalidCursor,
            Self::NotFound(_) => Code::NotFound,
            Self::MethodNotAllowed => Code::MethodNotAllowed,
            Self::RequestTimeout => Code::RequestTimeout,
            Self::PayloadTooLarge { .. } => Code::PayloadTooLarge,
            Self::UriTooLong { .. } => Code::UriTooLong,
            Self::UnsupportedMediaType { .. } => Code::UnsupportedMediaType,
            Self::ValidationFailed(_) => Code::ValidationFailed,
            Self::IdempotencyMismatch => Code::IdempotencyMismatch,
            Self::PreconditionRequired => Code::PreconditionRequired,
            Self::HeadersTooLarge { .. } => Code::HeadersTooLarge,
            Self::Refused { refusal, .. } => refusal_code(refusal),
            Self::VersionConflict { .. } => Code::VersionConflict,
            Self::Duplicate => Code::Duplicate,
            Self::IdempotencyInFlight => Code::IdempotencyInFlight,
            Self::LockConflict { .. } => Code::LockConflict,
            Self::PreconditionFailed { .. } => Code::PreconditionFailed,
            Self::WeakEtag { .. } => Code::WeakEtag,
            Self::Internal(_) => Code::Internal,
            Self::Unavailable(_) => Code::Unavailable,
            Self::OutcomeUnknown => Code::OutcomeUnknown,
        }
    }

    /// Why it happened, for the log, where the client is not told.
    #[must_use]
    pub fn cause(&self) -> Option<&str> {
        let (Self::Internal(cause) | Self::Unavailable(cause)) = self else { return None };
        Some(cause)
    }

    fn current_version(&self) -> Option<Version> {
        let (Self::VersionConflict { current, .. }
        | Self::PreconditionFailed { current }
        | Self::WeakEtag { current }) = self
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

    fn errors(&self) -> Option<Vec<FieldError>> {
        if let Self::ValidationFailed(errors) = self {
            return Some(errors.clone());
        }
        let Self::Refused { refusal, .. } = self else { return None };
        if let Refusal::Invalid(invalid) = refusal {
            return Some(vec![invalid.clone().into()]);
        }
        let about_guests = matches!(refusal, Refusal::CapacityExceeded { .. });
        let error = || FieldError { pointer: "/guests".into(), message: refusal.to_string() };
        about_guests.then(|| vec![error()])
    }

    /// The document, with its headers. `instance` is the request's id.
    #[must_use]
    pub fn document(&self, instance: &str) -> Response {
        let code = self.code();
        let document = Document {
            r#type: format!("/problems/{}", code.name()),
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
            errors: self.errors(),
        };
        let mut response = (status(code), axum::Json(document)).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(MEDIA_TYPE));
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        if code.retryable() {
            headers.insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
        }
        if let Some(current) = self.current_version() {
            headers.insert(header::ETAG, etag::strong(current));
            // As beside every strong tag: whoever weakens it takes the retry away.
            headers.insert(header::CACHE_CONTROL, VERSIONED);
        }
        response
    }
}

/// The media type of a [`Document`].
pub const MEDIA_TYPE: &str = "application/problem+json";

fn refusal_code(refusal: &Refusal) -> Code {
    match refusal {
        Refusal::Invalid(_) => Code::ValidationFailed,
        Refusal::CapacityExceeded { .. } => Code::CapacityExceeded,
        Refusal::RoomClosed => Code::RoomClosed,
        Refusal::RoomUnavailable { .. } => Code::RoomUnavailable,
        Refusal::HoldExpired => Code::HoldExpired,
        Refusal::InvalidTransition { .. } => Code::InvalidTransition,
        Refusal::RoomInUse { .. } => Code::RoomInUse,
        Refusal::HotelInUse => Code::HotelInUse,
        Refusal::NoRoomAvailable => Code::NoRoomAvailable,
    }
}

fn status(code: Code) -> StatusCode {
    StatusCode::from_u16(code.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
}

impl IntoResponse for Problem {
    /// Only marks the response; the outermost layer, which knows the request's id, writes it.
    fn into_response(self) -> Response {
        let mut response = status(self.code()).into_response();
        response.extensions_mut().insert(Arc::new(self));
        response
    }
}

impl From<StoreError> for Problem {
    /// For reads. What a write does about a lost race or an unknown outcome is decided there.
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::DuplicateRoomNumber => Self::Duplicate,
            StoreError::Lost { .. }
            | StoreError::Abandoned
            | StoreError::StalePlan(_)
            | StoreError::Unavailable(_) => Self::Unavailable(error.to_string().into()),
            StoreError::Unknown(_) => Self::OutcomeUnknown,
            StoreError::Failed(_) => Self::Internal(error.to_string().into()),
        }
    }
}

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
    /// The fields to correct.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub errors: Option<Vec<FieldError>>,
}

/// A range of nights: arrival and departure.
#[derive(Clone, Debug, Serialize, ToSchema)]
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_conflict_speaks_as_elasticsearch_does() {
        let problem = Problem::VersionConflict {
            kind: "room",
            id: Uuid::nil(),
            current: Version(2),
            provided: Version(1),
        };
        assert_eq!(
            problem.to_string(),
            "[room][00000000-0000-0000-0000-000000000000]: version conflict, \
             current version [2] is different than the one provided [1]"
        );
    }

    #[test]
    fn a_cause_reaches_the_log_and_not_the_client() {
        let problem = Problem::Internal("SELECT secret FROM guests".into());
        assert!(!problem.to_string().contains("SELECT"));
        assert_eq!(problem.cause(), Some("SELECT secret FROM guests"));
    }
}
