//! The series, made once and then counted in without a look-up.

use std::collections::HashMap;

use axum::http::StatusCode;
use metrics::{Counter, Gauge, Histogram, counter, gauge, histogram};

use super::catalogue::{
    ACTIVE_REQUESTS, AUTH_DENIALS, AUTH_REQUESTS, GUARD_VIOLATIONS, GUESTS_ERASED, HOLDS_EXPIRED,
    IDEMPOTENCY, LANE_BATCH_SIZE, LANE_WAIT_SECONDS, LANE_WAITING, LOCK_CONFLICTS, LOCK_EXHAUSTED,
    LOCK_RETRIES, LOG_LINES_DROPPED, POOL_CONNECTIONS, PRECONDITIONS, REFUSALS, REQUEST_SECONDS,
    REQUESTS_SHED, RETRY_BACKOFF_SECONDS, WRITE_ATTEMPTS, WRITE_OUTCOMES,
};
use super::labels::{
    AuthMethod, AuthResult, Denial, KeyResult, METHODS, Operation, Outcome, PreconditionResult,
};

/// The series whose labels are known in advance.
#[derive(Debug)]
pub(super) struct Series {
    pub(super) operations: [OperationSeries; Operation::ALL.len()],
    pub(super) preconditions: [Counter; PreconditionResult::ALL.len()],
    pub(super) keys: [Counter; KeyResult::ALL.len()],
    pub(super) refusals: HashMap<&'static str, Counter>,
    pub(super) holds_expired: Counter,
    pub(super) guests_erased: Counter,
    pub(super) guard_violations: Counter,
    pub(super) active_requests: HashMap<&'static str, Gauge>,
    pub(super) pool_idle: Gauge,
    pub(super) pool_in_use: Gauge,
    pub(super) lane_batch_size: Histogram,
    pub(super) lane_wait: Histogram,
    pub(super) lane_waiting: Gauge,
    pub(super) log_lines_dropped: Counter,
    pub(super) requests_shed: Counter,
    pub(super) auth: [[Counter; AuthResult::ALL.len()]; AuthMethod::ALL.len()],
    pub(super) denials: [Counter; Denial::ALL.len()],
}

impl Series {
    /// To be called under the recorder that shall own the series.
    pub(super) fn register(refusal_codes: &[&'static str]) -> Self {
        Self {
            operations: Operation::ALL.map(OperationSeries::register),
            preconditions: PreconditionResult::ALL
                .map(|result| counter!(PRECONDITIONS, "result" => result.label())),
            keys: KeyResult::ALL.map(|result| counter!(IDEMPOTENCY, "result" => result.label())),
            refusals: refusal_codes.iter().map(|&code| (code, refusals(code))).collect(),
            holds_expired: counter!(HOLDS_EXPIRED),
            guests_erased: counter!(GUESTS_ERASED),
            guard_violations: counter!(GUARD_VIOLATIONS),
            active_requests: METHODS
                .map(|method| (method, gauge!(ACTIVE_REQUESTS, "method" => method)))
                .into(),
            pool_idle: gauge!(POOL_CONNECTIONS, "state" => "idle"),
            pool_in_use: gauge!(POOL_CONNECTIONS, "state" => "in_use"),
            lane_batch_size: histogram!(LANE_BATCH_SIZE),
            lane_wait: histogram!(LANE_WAIT_SECONDS),
            lane_waiting: gauge!(LANE_WAITING),
            log_lines_dropped: counter!(LOG_LINES_DROPPED),
            requests_shed: counter!(REQUESTS_SHED),
            auth: AuthMethod::ALL.map(|method| {
                AuthResult::ALL.map(|result| {
                    counter!(AUTH_REQUESTS, "method" => method.label(), "result" => result.label())
                })
            }),
            denials: Denial::ALL.map(|reason| counter!(AUTH_DENIALS, "reason" => reason.label())),
        }
    }
}

/// The series that carry one operation's label.
#[derive(Debug)]
pub(super) struct OperationSeries {
    pub(super) conflicts: Counter,
    pub(super) retries: Counter,
    pub(super) exhausted: Counter,
    pub(super) outcomes: [Counter; Outcome::ALL.len()],
    pub(super) attempts: Histogram,
    pub(super) backoff: Histogram,
}

impl OperationSeries {
    /// To be called under the recorder that shall own the series.
    pub(super) fn register(operation: Operation) -> Self {
        let operation = operation.label();
        Self {
            conflicts: counter!(LOCK_CONFLICTS, "operation" => operation),
            retries: counter!(LOCK_RETRIES, "operation" => operation),
            exhausted: counter!(LOCK_EXHAUSTED, "operation" => operation),
            outcomes: Outcome::ALL.map(|outcome| {
                counter!(WRITE_OUTCOMES, "operation" => operation, "outcome" => outcome.label())
            }),
            attempts: histogram!(WRITE_ATTEMPTS, "operation" => operation),
            backoff: histogram!(RETRY_BACKOFF_SECONDS, "operation" => operation),
        }
    }
}

/// To be called under the recorder that shall own the series.
pub(super) fn refusals(code: &'static str) -> Counter {
    counter!(REFUSALS, "code" => code)
}

/// To be called under the recorder that shall own the series.
pub(super) fn request_seconds(method: &'static str, route: &str, status: StatusCode) -> Histogram {
    histogram!(
        REQUEST_SECONDS,
        "method" => method,
        "route" => route.to_owned(),
        "status" => status.as_str().to_owned(),
    )
}
