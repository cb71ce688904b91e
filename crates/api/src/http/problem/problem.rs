//! Every problem the API answers with.

use std::error::Error;
use std::sync::Arc;

use uuid::Uuid;
use vacancy_domain::{BookingId, Refusal, RoomId, Version};

use super::code::Code;
use super::refusal;
use crate::http::fields::{FieldError, FieldErrors};
use crate::http::json::NotJson;

/// Why something failed on this side. Shared, because a problem is cloned: the layers around the
/// router read it after it has become a response.
pub type Cause = Arc<dyn Error + Send + Sync>;

/// A reason not to do what was asked. Turning it into a response only marks the response; the layers
/// around the router write the document and log the cause, once.
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
    /// 401.
    #[error("{}", if *.sent { "the credential is not accepted" } else { "a credential is needed" })]
    Unauthenticated {
        /// Whether the request came with a bearer token.
        sent: bool,
    },
    /// 403.
    #[error("this needs the scope {needs}")]
    InsufficientScope {
        /// The name of the scope that allows it.
        needs: &'static str,
    },
    /// 403: limited to some hotels, where all are needed or others are named.
    #[error("the credential is limited to some hotels")]
    HotelsExceeded,
    /// A new key would stand for a principal not all of whose keys the caller sees.
    #[error(
        "the credential is limited to some hotels: it names a principal only if all its keys are"
    )]
    PrincipalExceeded,
    /// 403.
    #[error("a page of another origin sent this")]
    CrossSite,
    /// 421.
    #[error("the service is open to its own machine alone, and Host names another one")]
    Misdirected,
    /// 429.
    #[error("too many requests of this principal")]
    RateLimited {
        /// When to try again, in seconds.
        seconds: u64,
    },
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
    #[error("another booking of the hotel has this source and this reference")]
    ReferenceTaken {
        /// The booking, for those who may see it.
        booking: Option<BookingId>,
    },
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
    /// 412.
    #[error(
        "no tag in If-Match is one of this service, which are a version in quotes: something on the way \
         has changed it; the version is {current}"
    )]
    ForeignEtag {
        /// The version it has.
        current: Version,
    },
    /// 500. The cause goes to the log only.
    #[error("something went wrong on our side")]
    Internal(#[source] Cause),
    /// 503. The cause goes to the log only.
    #[error("the service cannot do this at the moment; nothing was written")]
    Unavailable(#[source] Cause),
    /// 504.
    #[error("the outcome is unknown; send the same Idempotency-Key again to learn it")]
    OutcomeUnknown,
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

    /// 500: something is wrong on this side. `cause` is logged and not sent.
    pub fn internal(cause: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self::Internal(Arc::from(cause.into()))
    }

    /// 503: nothing was written, and the same request may succeed later. `cause` is logged and not
    /// sent.
    pub fn unavailable(cause: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self::Unavailable(Arc::from(cause.into()))
    }

    /// A refusal by a rule of the domain, without other rooms to offer.
    #[must_use]
    pub fn refused(refusal: Refusal) -> Self {
        Self::Refused { refusal, alternatives: Vec::new() }
    }

    /// The kind of problem, which decides the status.
    #[must_use]
    pub fn code(&self) -> Code {
        match self {
            Self::InvalidRequest(_) => Code::InvalidRequest,
            Self::MalformedPrecondition(_) => Code::MalformedPrecondition,
            Self::InvalidVersion(_) => Code::InvalidVersion,
            Self::InvalidCursor => Code::InvalidCursor,
            Self::Unauthenticated { .. } => Code::Unauthenticated,
            Self::InsufficientScope { .. } | Self::HotelsExceeded | Self::PrincipalExceeded => {
                Code::InsufficientScope
            }
            Self::CrossSite => Code::CrossSite,
            Self::Misdirected => Code::MisdirectedRequest,
            Self::RateLimited { .. } => Code::RateLimited,
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
            Self::Refused { refusal, .. } => refusal::code(refusal),
            Self::VersionConflict { .. } => Code::VersionConflict,
            Self::Duplicate => Code::Duplicate,
            Self::ReferenceTaken { .. } => Code::ReferenceTaken,
            Self::IdempotencyInFlight => Code::IdempotencyInFlight,
            Self::LockConflict { .. } => Code::LockConflict,
            Self::PreconditionFailed { .. } => Code::PreconditionFailed,
            Self::WeakEtag { .. } => Code::WeakEtag,
            Self::ForeignEtag { .. } => Code::ForeignEtag,
            Self::Internal(_) => Code::Internal,
            Self::Unavailable(_) => Code::Unavailable,
            Self::OutcomeUnknown => Code::OutcomeUnknown,
        }
    }

    /// The cause of a 500 or 503 with its sources, in one line for the log.
    #[must_use]
    pub fn cause(&self) -> Option<String> {
        let (Self::Internal(cause) | Self::Unavailable(cause)) = self else { return None };
        Some(chain(cause.as_ref()))
    }
}

/// An error and its sources in one line. The text of a source that its error already ends with is
/// not repeated.
fn chain(error: &dyn Error) -> String {
    let mut line = error.to_string();
    let mut next = error.source();
    while let Some(source) = next {
        let text = source.to_string();
        if !line.ends_with(&text) {
            line.push_str(": ");
            line.push_str(&text);
        }
        next = source.source();
    }
    line
}

impl From<FieldErrors> for Problem {
    fn from(errors: FieldErrors) -> Self {
        Self::ValidationFailed(errors.into())
    }
}

impl From<NotJson> for Problem {
    fn from(error: NotJson) -> Self {
        Self::InvalidRequest(error.to_string())
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
        let problem = Problem::internal("SELECT secret FROM guests");
        assert!(!problem.to_string().contains("SELECT"));
        assert_eq!(problem.cause().as_deref(), Some("SELECT secret FROM guests"));
    }

    #[test]
    fn a_cause_is_logged_with_its_sources_each_once() {
        #[derive(Debug, thiserror::Error)]
        #[error("{text}")]
        struct Link {
            text: &'static str,
            source: Option<Box<Link>>,
        }
        let broken = Link { text: "broken pipe", source: None };
        let query = Link { text: "the query failed: broken pipe", source: Some(broken.into()) };
        let read = Link { text: "cannot read the room", source: Some(query.into()) };
        let problem = Problem::unavailable(read);
        assert!(problem.source().is_some_and(|cause| cause.source().is_some()));
        assert_eq!(
            problem.cause().as_deref(),
            Some("cannot read the room: the query failed: broken pipe")
        );
    }
}
