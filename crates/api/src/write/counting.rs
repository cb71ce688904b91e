//! What a write is counted as: once, when it is known how it ended.

use crate::http::problem::{Code, Problem};
use crate::http::reply::{Reply, ReplyKind};
use crate::metrics::{KeyResult, Metrics, Operation, Outcome, PreconditionResult};

/// What a write counts as, as far as it has come.
#[derive(Clone, Copy, Debug)]
pub(super) struct Progress {
    pub(super) operation: Operation,
    pub(super) attempt: u32,
    pub(super) precondition: Option<PreconditionResult>,
    /// Whether a failure of its own keeps it from company.
    pub(super) alone: bool,
}

/// How a write that was committed at its `attempt`-th attempt ended.
pub(super) fn won(attempt: u32) -> Outcome {
    if attempt > 1 { Outcome::AfterRetry } else { Outcome::FirstAttempt }
}

/// Counts the lapsed holds that a committed change has recorded.
pub(super) fn count_expired(metrics: &Metrics, expired: u64, attempt: u32) {
    if expired > 0 {
        metrics.holds_expired(expired);
    }
    for _ in 0..expired {
        metrics.write_ended(Operation::Expire, won(attempt), attempt);
    }
}

/// Counts the write, once, when it is known how it ended.
pub(super) fn count(metrics: &Metrics, progress: Progress, result: &Result<Reply, Problem>) {
    let Progress { operation, attempt, precondition, .. } = progress;
    if let Some(precondition) = precondition {
        metrics.precondition(precondition);
    }
    let outcome = match result {
        Ok(Reply { kind: ReplyKind::Written, .. }) => Some(won(attempt)),
        Ok(Reply { kind: ReplyKind::Unchanged, .. }) => Some(Outcome::Unchanged),
        Ok(Reply { kind: ReplyKind::Replayed, .. }) => {
            metrics.idempotency(KeyResult::Replayed);
            None
        }
        Err(problem) => {
            let code = problem.code();
            // What a sweeper does is no client's request: a race it lost refuses no client.
            if code.status() == 409 && !matches!(operation, Operation::Expire | Operation::Forget) {
                metrics.refused(code.name());
            }
            if code == Code::IdempotencyInFlight {
                metrics.idempotency(KeyResult::InFlight);
            }
            if code == Code::IdempotencyMismatch {
                metrics.idempotency(KeyResult::Mismatch);
            }
            outcome_of(code)
        }
    };
    if let Some(outcome) = outcome {
        // A sweeper's expiry is counted where it is committed.
        if operation != Operation::Expire || outcome == Outcome::Exhausted {
            metrics.write_ended(operation, outcome, attempt.max(1));
        }
    }
}

/// What a problem counts as. Requests that reached no decision count as nothing.
fn outcome_of(code: Code) -> Option<Outcome> {
    match code {
        Code::InvalidRequest
        | Code::MalformedPrecondition
        | Code::InvalidVersion
        | Code::InvalidCursor
        | Code::Unauthenticated
        | Code::InsufficientScope
        | Code::CrossSite
        | Code::MisdirectedRequest
        | Code::RateLimited
        | Code::NotFound
        | Code::MethodNotAllowed
        | Code::RequestTimeout
        | Code::PayloadTooLarge
        | Code::UriTooLong
        | Code::UnsupportedMediaType
        | Code::HeadersTooLarge
        | Code::ValidationFailed
        | Code::CapacityExceeded
        | Code::IdempotencyMismatch
        | Code::IdempotencyInFlight
        | Code::PreconditionRequired => None,
        Code::RoomUnavailable
        | Code::RoomClosed
        | Code::NoRoomAvailable
        | Code::HoldExpired
        | Code::InvalidTransition
        | Code::Duplicate
        | Code::ReferenceTaken
        | Code::HotelInUse
        | Code::RoomInUse => Some(Outcome::Refused),
        Code::VersionConflict | Code::PreconditionFailed | Code::WeakEtag | Code::ForeignEtag => {
            Some(Outcome::PreconditionFailed)
        }
        Code::LockConflict => Some(Outcome::Exhausted),
        Code::OutcomeUnknown => Some(Outcome::Unknown),
        Code::Internal | Code::Unavailable => Some(Outcome::Failed),
    }
}
