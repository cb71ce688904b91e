//! What a write is counted as: once, when it is known how it ended.

use vacancy_domain::Change;

use super::{Progress, Writing};
use crate::http::problem::{Code, Problem};
use crate::http::reply::{Reply, ReplyKind};
use crate::metrics::{KeyResult, Operation, Outcome};

impl Writing {
    /// Counts the lapsed holds that a committed change has recorded.
    pub(super) fn count_expired(&self, change: &Change) {
        let expired = change.holds_expired();
        if expired == 0 {
            return;
        }
        self.app.metrics.holds_expired(expired);
        for _ in 0..expired {
            self.app.metrics.write_ended(Operation::Expire, self.won(), self.attempt());
        }
    }

    /// Counts the write, once, when it is known how it ended.
    pub(super) fn count(&self, result: &Result<Reply, Problem>) {
        let Progress { operation, attempt, precondition, .. } = *self.progress();
        let metrics = &self.app.metrics;
        if let Some(precondition) = precondition {
            metrics.precondition(precondition);
        }
        let outcome = match result {
            Ok(Reply { kind: ReplyKind::Written, .. }) => Some(self.won()),
            Ok(Reply { kind: ReplyKind::Unchanged, .. }) => Some(Outcome::Unchanged),
            Ok(Reply { kind: ReplyKind::Replayed, .. }) => {
                metrics.idempotency(KeyResult::Replayed);
                None
            }
            Err(problem) => {
                let code = problem.code();
                // A sweeper's expiry is nobody's request: a race it lost refuses no one.
                if code.status() == 409 && operation != Operation::Expire {
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

    fn won(&self) -> Outcome {
        if self.attempt() > 1 { Outcome::AfterRetry } else { Outcome::FirstAttempt }
    }
}

/// What a problem counts as. Requests that reached no decision count as nothing.
fn outcome_of(code: Code) -> Option<Outcome> {
    match code {
        Code::InvalidRequest
        | Code::MalformedPrecondition
        | Code::InvalidVersion
        | Code::InvalidCursor
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
        | Code::HotelInUse
        | Code::RoomInUse => Some(Outcome::Refused),
        Code::VersionConflict | Code::PreconditionFailed | Code::WeakEtag => {
            Some(Outcome::PreconditionFailed)
        }
        Code::LockConflict => Some(Outcome::Exhausted),
        Code::OutcomeUnknown => Some(Outcome::Unknown),
        Code::Internal | Code::Unavailable => Some(Outcome::Failed),
    }
}
