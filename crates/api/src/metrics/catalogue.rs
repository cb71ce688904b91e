//! The names, the help and the buckets of all metrics.

use metrics::{Unit, describe_counter, describe_gauge, describe_histogram};
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusRecorder};

pub(super) const LOCK_CONFLICTS: &str = "booking_lock_conflicts_total";
pub(super) const LOCK_RETRIES: &str = "booking_lock_retries_total";
pub(super) const LOCK_EXHAUSTED: &str = "booking_lock_exhausted_total";
pub(super) const WRITE_OUTCOMES: &str = "booking_write_outcomes_total";
pub(super) const WRITE_ATTEMPTS: &str = "booking_write_attempts";
pub(super) const RETRY_BACKOFF_SECONDS: &str = "booking_retry_backoff_seconds";
pub(super) const REFUSALS: &str = "booking_refusals_total";
pub(super) const HOLDS_EXPIRED: &str = "booking_holds_expired_total";
pub(super) const GUESTS_ERASED: &str = "booking_guests_erased_total";
pub(super) const GUARD_VIOLATIONS: &str = "booking_overlap_guard_violations_total";
pub(super) const PRECONDITIONS: &str = "http_preconditions_total";
pub(super) const IDEMPOTENCY: &str = "idempotency_requests_total";
pub(super) const REQUEST_SECONDS: &str = "http_server_request_duration_seconds";
pub(super) const ACTIVE_REQUESTS: &str = "http_server_active_requests";
pub(super) const POOL_CONNECTIONS: &str = "db_pool_connections";
pub(super) const LANE_BATCH_SIZE: &str = "booking_lane_batch_size";
pub(super) const LANE_WAIT_SECONDS: &str = "booking_lane_wait_seconds";
pub(super) const LANE_WAITING: &str = "booking_lane_waiting";
pub(super) const REQUESTS_SHED: &str = "http_server_requests_shed_total";
pub(super) const LOG_LINES_DROPPED: &str = "log_lines_dropped_total";
pub(super) const AUTH_REQUESTS: &str = "auth_requests_total";
pub(super) const AUTH_DENIALS: &str = "auth_denials_total";
pub(super) const JWKS_REFRESHES: &str = "auth_jwks_refreshes_total";
pub(super) const JWKS_AGE_SECONDS: &str = "auth_jwks_age_seconds";
pub(super) const BUILD_INFO: &str = "vacancy_build_info";

const ATTEMPT_BUCKETS: [f64; 5] = [1.0, 2.0, 3.0, 5.0, 10.0];
/// The default waits are 100 ms and 200 ms, each lengthened by up to a quarter; these bounds tell
/// the two apart, and the rest follows a longer configured sequence.
const BACKOFF_BUCKETS_SECONDS: [f64; 9] = [0.05, 0.1, 0.125, 0.2, 0.25, 0.5, 1.0, 2.5, 5.0];
const BATCH_BUCKETS: [f64; 7] = [1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0];
const WAIT_BUCKETS_SECONDS: [f64; 11] =
    [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0];
const REQUEST_BUCKETS_SECONDS: [f64; 13] =
    [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0];

/// A registry of its own, with the buckets of the histograms.
pub(super) fn recorder() -> PrometheusRecorder {
    let buckets: [(&str, &[f64]); 5] = [
        (WRITE_ATTEMPTS, &ATTEMPT_BUCKETS),
        (RETRY_BACKOFF_SECONDS, &BACKOFF_BUCKETS_SECONDS),
        (REQUEST_SECONDS, &REQUEST_BUCKETS_SECONDS),
        (LANE_BATCH_SIZE, &BATCH_BUCKETS),
        (LANE_WAIT_SECONDS, &WAIT_BUCKETS_SECONDS),
    ];
    buckets
        .into_iter()
        .fold(PrometheusBuilder::new(), |builder, (name, bounds)| {
            builder
                .set_buckets_for_metric(Matcher::Full(name.to_owned()), bounds)
                .expect("the only error is an empty list of bounds")
        })
        .build_recorder()
}

/// Gives each family its help.
pub(super) fn describe() {
    describe_counter!(LOCK_CONFLICTS, "Commits that found a newer version and wrote nothing.");
    describe_counter!(LOCK_RETRIES, "Attempts made again after a lost race.");
    describe_counter!(LOCK_EXHAUSTED, "Writes given up because every attempt lost its race.");
    describe_counter!(WRITE_OUTCOMES, "Writes that reached a decision, by how they ended.");
    describe_histogram!(WRITE_ATTEMPTS, "Attempts made by each write that reached a decision.");
    describe_histogram!(
        RETRY_BACKOFF_SECONDS,
        Unit::Seconds,
        "Time waited before each further attempt."
    );
    describe_counter!(REFUSALS, "Requests answered 409, by problem code.");
    describe_counter!(HOLDS_EXPIRED, "Holds recorded as expired.");
    describe_counter!(GUESTS_ERASED, "Bookings whose guest was forgotten.");
    describe_counter!(
        GUARD_VIOLATIONS,
        "Overlaps that only the database's own guard stopped. Must stay 0."
    );
    describe_counter!(PRECONDITIONS, "Preconditions of requests, by how they were answered.");
    describe_counter!(IDEMPOTENCY, "Requests with a client's idempotency key, by what it led to.");
    describe_histogram!(
        REQUEST_SECONDS,
        Unit::Seconds,
        "Time from the end of a request's head to the answer."
    );
    describe_gauge!(ACTIVE_REQUESTS, "Requests now being answered.");
    describe_gauge!(POOL_CONNECTIONS, "Open connections of the database pool.");
    describe_histogram!(
        LANE_BATCH_SIZE,
        "Requests about the same rooms decided and committed at once."
    );
    describe_histogram!(
        LANE_WAIT_SECONDS,
        Unit::Seconds,
        "Time that requests waited for the turn of their room."
    );
    describe_gauge!(LANE_WAITING, "Requests now waiting for the turn of their room.");
    describe_counter!(
        REQUESTS_SHED,
        "Requests answered 503 at once, because more were at work than can be done in time."
    );
    describe_counter!(
        LOG_LINES_DROPPED,
        "Lines of the log that were lost because it could not be written or was not read."
    );
    describe_counter!(AUTH_REQUESTS, "Requests that need a credential, by what came of it.");
    describe_counter!(AUTH_DENIALS, "Requests denied something, by why.");
    describe_counter!(JWKS_REFRESHES, "Fetches of the keys of issuers, by how they ended.");
    describe_gauge!(
        JWKS_AGE_SECONDS,
        Unit::Seconds,
        "How long ago the keys of an issuer were fetched."
    );
    describe_gauge!(BUILD_INFO, "Always 1; the labels say what is running.");
}
