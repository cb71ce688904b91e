//! Every metric this service has: names, labels and help live here and nowhere else.
//!
//! There is no global recorder. Each [`Metrics`] owns its registry, so that two replicas can run in
//! one test process without seeing each other's counts. Every series whose labels are known in
//! advance is registered when the value is made, so it is zero from the first scrape on and `rate()`
//! sees its first increment.

#![expect(clippy::disallowed_macros, reason = "this is the file the others are kept out of")]

use std::collections::HashMap;
use std::sync::{Arc, Weak};
use std::time::Duration;

use axum::http::{Method, StatusCode};
use metrics::{
    Counter, Gauge, Histogram, Unit, counter, describe_counter, describe_gauge, describe_histogram,
    gauge, histogram, with_local_recorder,
};
use metrics_exporter_prometheus::{
    Matcher, PrometheusBuilder, PrometheusHandle, PrometheusRecorder,
};
use vacancy_persistence::PoolUse;

use crate::telemetry;

/// The media type of [`Metrics::render`]'s text.
pub const CONTENT_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

const LOCK_CONFLICTS: &str = "booking_lock_conflicts_total";
const LOCK_RETRIES: &str = "booking_lock_retries_total";
const LOCK_EXHAUSTED: &str = "booking_lock_exhausted_total";
const WRITE_OUTCOMES: &str = "booking_write_outcomes_total";
const WRITE_ATTEMPTS: &str = "booking_write_attempts";
const RETRY_BACKOFF_SECONDS: &str = "booking_retry_backoff_seconds";
const REFUSALS: &str = "booking_refusals_total";
const HOLDS_EXPIRED: &str = "booking_holds_expired_total";
const GUARD_VIOLATIONS: &str = "booking_overlap_guard_violations_total";
const PRECONDITIONS: &str = "http_preconditions_total";
const IDEMPOTENCY: &str = "idempotency_requests_total";
const REQUEST_SECONDS: &str = "http_server_request_duration_seconds";
const ACTIVE_REQUESTS: &str = "http_server_active_requests";
const POOL_CONNECTIONS: &str = "db_pool_connections";
const LANE_BATCH_SIZE: &str = "booking_lane_batch_size";
const LANE_WAIT_SECONDS: &str = "booking_lane_wait_seconds";
const LANE_WAITING: &str = "booking_lane_waiting";
const LOG_LINES_DROPPED: &str = "log_lines_dropped_total";
const AUTH_REQUESTS: &str = "auth_requests_total";
const AUTH_DENIALS: &str = "auth_denials_total";
const JWKS_REFRESHES: &str = "auth_jwks_refreshes_total";
const JWKS_AGE_SECONDS: &str = "auth_jwks_age_seconds";
const BUILD_INFO: &str = "vacancy_build_info";

const ATTEMPT_BUCKETS: [f64; 5] = [1.0, 2.0, 3.0, 5.0, 10.0];
/// The default waits are 100 ms and 200 ms, each lengthened by up to a quarter; these bounds tell
/// the two apart, and the rest follows a longer configured sequence.
const BACKOFF_BUCKETS_SECONDS: [f64; 9] = [0.05, 0.1, 0.125, 0.2, 0.25, 0.5, 1.0, 2.5, 5.0];
const BATCH_BUCKETS: [f64; 7] = [1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0];
const WAIT_BUCKETS_SECONDS: [f64; 11] =
    [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0];
const REQUEST_BUCKETS_SECONDS: [f64; 13] =
    [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0];

/// How often samples are folded into buckets when nobody scrapes.
const UPKEEP_INTERVAL: Duration = Duration::from_secs(5);

/// The values of one label. They are declared once: the place of a value in the declaration is the
/// place of its series in an array.
macro_rules! label {
    ($(#[$about:meta])* $name:ident { $($(#[$doc:meta])* $value:ident = $text:literal,)* }) => {
        $(#[$about])*
        #[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
        pub enum $name { $($(#[$doc])* $value,)* }

        impl $name {
            /// Every value, in the order of declaration.
            pub const ALL: [Self; [$($text),*].len()] = [$(Self::$value,)*];

            /// The value as it is exposed.
            #[must_use]
            pub fn label(self) -> &'static str {
                match self { $(Self::$value => $text,)* }
            }
        }
    };
}

label! {
    /// What kind of write is counted; the value of the label `operation`.
    Operation {
        /// Booking a named room at once.
        Book = "book",
        /// Holding a named room.
        Hold = "hold",
        /// Booking or holding whichever room of a hotel is free.
        AutoBook = "auto_book",
        /// Confirming a held booking.
        Confirm = "confirm",
        /// Cancelling a booking.
        Cancel = "cancel",
        /// Recording that a hold has run out.
        Expire = "expire",
        /// Changing the dates or the room of a booking.
        Move = "move",
        /// Editing a booking's particulars.
        EditBooking = "edit_booking",
        /// Creating, editing or deleting a room.
        EditRoom = "edit_room",
        /// Creating, editing or deleting a hotel.
        EditHotel = "edit_hotel",
    }
}

label! {
    /// How a write that reached a decision ended; the value of the label `outcome`.
    Outcome {
        /// Committed without losing a race.
        FirstAttempt = "first_attempt",
        /// Committed after at least one lost race.
        AfterRetry = "after_retry",
        /// Asked for what already is; nothing was written.
        Unchanged = "unchanged",
        /// The rules said no.
        Refused = "refused",
        /// The client's precondition no longer held.
        PreconditionFailed = "precondition_failed",
        /// Every attempt lost its race.
        Exhausted = "exhausted",
        /// Whether it committed could not be found out.
        Unknown = "unknown",
        /// The database or the service failed.
        Failed = "failed",
    }
}

label! {
    /// How a request's precondition was answered; the value of the label `result`.
    PreconditionResult {
        /// It held.
        Passed = "passed",
        /// 304: the client already has this version.
        NotModified = "not_modified",
        /// 412 for `If-Match` or `If-None-Match`.
        Failed412 = "failed_412",
        /// 409 for `?version=`.
        Version409 = "version_409",
        /// 428: an edit came without one.
        Missing428 = "missing_428",
        /// 400: it could not be read.
        Malformed400 = "malformed_400",
        /// 412: a weak tag, which never matches in `If-Match`.
        WeakEtag = "weak_etag",
    }
}

label! {
    /// What a client's idempotency key led to; the value of the label `result`.
    KeyResult {
        /// It was stored with the write it came with.
        New = "new",
        /// The stored answer was sent again.
        Replayed = "replayed",
        /// It had been used for another request.
        Mismatch = "mismatch",
        /// Its first request was still running.
        InFlight = "in_flight",
    }
}

label! {
    /// What a request was to be let in by; the value of the label `method`.
    AuthMethod {
        /// Nothing that is a credential.
        None = "none",
        /// An API key.
        Key = "key",
        /// A token of an issuer.
        Jwt = "jwt",
        /// The root key.
        Root = "root",
    }
}

label! {
    /// What came of it; the value of the label `result`.
    AuthResult {
        /// It was let in.
        Ok = "ok",
        /// It came without a credential.
        Missing = "missing",
        /// The credential does not read.
        Malformed = "malformed",
        /// There is no such key, or not with that secret, or no such issuer.
        Unknown = "unknown",
        /// It was accepted once.
        Expired = "expired",
        /// It was taken back.
        Revoked = "revoked",
        /// The database could not be asked.
        Unavailable = "unavailable",
    }
}

label! {
    /// Why a request that is known was not answered, or not shown something; the value of the label
    /// `reason`.
    Denial {
        /// It lacks a scope.
        Scope = "scope",
        /// It is limited to other hotels.
        Hotel = "hotel",
        /// Another principal made the booking.
        Owner = "owner",
        /// It sends too many requests.
        Rate = "rate",
        /// A page of another origin sent it.
        CrossSite = "cross_site",
        /// It names another host.
        Host = "host",
    }
}

/// The metrics of one running service.
#[derive(Debug)]
pub struct Metrics {
    recorder: PrometheusRecorder,
    handle: PrometheusHandle,
    process: metrics_process::Collector,
    series: Series,
}

/// The series whose labels are known in advance.
#[derive(Debug)]
struct Series {
    operations: [OperationSeries; Operation::ALL.len()],
    preconditions: [Counter; PreconditionResult::ALL.len()],
    keys: [Counter; KeyResult::ALL.len()],
    refusals: HashMap<&'static str, Counter>,
    holds_expired: Counter,
    guard_violations: Counter,
    active_requests: HashMap<&'static str, Gauge>,
    pool_idle: Gauge,
    pool_in_use: Gauge,
    lane_batch_size: Histogram,
    lane_wait: Histogram,
    lane_waiting: Gauge,
    log_lines_dropped: Counter,
    auth: [[Counter; AuthResult::ALL.len()]; AuthMethod::ALL.len()],
    denials: [Counter; Denial::ALL.len()],
}

impl Series {
    /// To be called under the recorder that shall own the series.
    fn register(refusal_codes: &[&'static str]) -> Self {
        Self {
            operations: Operation::ALL.map(OperationSeries::register),
            preconditions: PreconditionResult::ALL
                .map(|result| counter!(PRECONDITIONS, "result" => result.label())),
            keys: KeyResult::ALL.map(|result| counter!(IDEMPOTENCY, "result" => result.label())),
            refusals: refusal_codes.iter().map(|&code| (code, refusals(code))).collect(),
            holds_expired: counter!(HOLDS_EXPIRED),
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
struct OperationSeries {
    conflicts: Counter,
    retries: Counter,
    exhausted: Counter,
    outcomes: [Counter; Outcome::ALL.len()],
    attempts: Histogram,
    backoff: Histogram,
}

impl OperationSeries {
    /// To be called under the recorder that shall own the series.
    fn register(operation: Operation) -> Self {
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

impl Metrics {
    /// Registers every series at zero; `refusal_codes` are the values `code` may take.
    #[must_use]
    pub fn new(refusal_codes: &[&'static str]) -> Self {
        let recorder = recorder();
        let process = metrics_process::Collector::default();
        let series = with_local_recorder(&recorder, || {
            describe();
            process.describe();
            gauge!(
                BUILD_INFO,
                "version" => env!("CARGO_PKG_VERSION"),
                "profile" => if cfg!(debug_assertions) { "debug" } else { "release" },
                "os" => std::env::consts::OS,
                "arch" => std::env::consts::ARCH,
            )
            .set(1.0);
            // Routes are known to the router alone, so this is the one duration that is certain to
            // come: the scrape that reads it. The family is there, with its help, from the start.
            let _ = request_seconds("GET", "/metrics", StatusCode::OK);
            Series::register(refusal_codes)
        });
        Self { handle: recorder.handle(), recorder, process, series }
    }

    /// One attempt lost its race.
    pub fn lost_race(&self, operation: Operation) {
        self.of(operation).conflicts.increment(1);
    }

    /// After a lost race, one more attempt will start in `delay`.
    pub fn retried(&self, operation: Operation, delay: Duration) {
        let series = self.of(operation);
        series.retries.increment(1);
        series.backoff.record(delay.as_secs_f64());
    }

    /// A write that reached a decision has ended, having made `attempts` attempts.
    pub fn write_ended(&self, operation: Operation, outcome: Outcome, attempts: u32) {
        let series = self.of(operation);
        series.outcomes[outcome as usize].increment(1);
        series.attempts.record(f64::from(attempts));
        if outcome == Outcome::Exhausted {
            series.exhausted.increment(1);
        }
    }

    /// So many requests about the same rooms were decided and committed at once.
    pub fn lane_batch(&self, requests: usize) {
        self.series.lane_batch_size.record(as_gauge(requests as u64));
    }

    /// A request waited so long for its room's turn.
    pub fn lane_waited(&self, wait: Duration) {
        self.series.lane_wait.record(wait.as_secs_f64());
    }

    /// A request was answered 409 with this problem code.
    pub fn refused(&self, code: &'static str) {
        match self.series.refusals.get(code) {
            Some(counter) => counter.increment(1),
            None => with_local_recorder(&self.recorder, || refusals(code).increment(1)),
        }
    }

    /// This many holds were recorded as expired.
    pub fn holds_expired(&self, count: u64) {
        self.series.holds_expired.increment(count);
    }

    /// The database's own guard stopped an overlap that the decision had let through.
    pub fn guard_fired(&self) {
        self.series.guard_violations.increment(1);
    }

    /// A request's precondition was answered.
    pub fn precondition(&self, result: PreconditionResult) {
        self.series.preconditions[result as usize].increment(1);
    }

    /// A client's idempotency key was answered.
    pub fn idempotency(&self, result: KeyResult) {
        self.series.keys[result as usize].increment(1);
    }

    /// A request that needs a credential was let in, or not.
    pub fn authenticated(&self, method: AuthMethod, result: AuthResult) {
        self.series.auth[method as usize][result as usize].increment(1);
    }

    /// The keys of an issuer were fetched, or could not be.
    pub fn jwks_refreshed(&self, issuer: &str, fetched: bool) {
        let result = if fetched { "ok" } else { "failed" };
        with_local_recorder(&self.recorder, || {
            counter!(JWKS_REFRESHES, "issuer" => issuer.to_owned(), "result" => result)
                .increment(1);
        });
    }

    /// The keys of an issuer are so old, in seconds.
    pub fn jwks_age(&self, issuer: &str, seconds: f64) {
        with_local_recorder(&self.recorder, || {
            gauge!(JWKS_AGE_SECONDS, "issuer" => issuer.to_owned()).set(seconds);
        });
    }

    /// A request was denied something.
    pub fn denied(&self, reason: Denial) {
        self.series.denials[reason as usize].increment(1);
    }

    /// Counts a request as running until the answer is dropped.
    pub fn request_started(&self, method: &Method) -> ActiveRequest {
        let gauge = self.series.active_requests[method_label(method)].clone();
        gauge.increment(1.0);
        ActiveRequest(gauge)
    }

    /// A request was answered. `route` is the template it matched, or `unmatched`; never its path.
    pub fn request_ended(
        &self,
        method: &Method,
        route: &str,
        status: StatusCode,
        elapsed: Duration,
    ) {
        with_local_recorder(&self.recorder, || {
            request_seconds(method_label(method), route, status).record(elapsed.as_secs_f64());
        });
    }

    /// Everything, in the Prometheus text format, sorted by name and labels.
    #[must_use]
    pub fn render(&self, pool: PoolUse, waiting: usize) -> String {
        self.series.lane_waiting.set(as_gauge(waiting as u64));
        self.series.pool_idle.set(as_gauge(pool.idle));
        self.series.pool_in_use.set(as_gauge(pool.in_use));
        self.series.log_lines_dropped.absolute(telemetry::lines_dropped());
        with_local_recorder(&self.recorder, || self.process.collect());
        sorted(&self.handle.render())
    }

    /// Folds samples into buckets every few seconds, because a histogram keeps each sample until
    /// then and a scrape may never come. The task ends when the metrics are dropped.
    ///
    /// # Panics
    ///
    /// Outside a tokio runtime.
    pub fn spawn_upkeep(self: &Arc<Self>) {
        let metrics: Weak<Self> = Arc::downgrade(self);
        tokio::spawn(async move {
            let mut interval = tokio::time::interval(UPKEEP_INTERVAL);
            loop {
                interval.tick().await;
                let Some(metrics) = metrics.upgrade() else { break };
                metrics.handle.run_upkeep();
            }
        });
    }

    fn of(&self, operation: Operation) -> &OperationSeries {
        &self.series.operations[operation as usize]
    }
}

/// A request that is running; dropping it says that it is not any more.
#[must_use = "the request counts as running until this is dropped"]
#[derive(Debug)]
pub struct ActiveRequest(Gauge);

impl Drop for ActiveRequest {
    fn drop(&mut self) {
        self.0.decrement(1.0);
    }
}

fn recorder() -> PrometheusRecorder {
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

fn describe() {
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

/// To be called under the recorder that shall own the series.
fn refusals(code: &'static str) -> Counter {
    counter!(REFUSALS, "code" => code)
}

/// To be called under the recorder that shall own the series.
fn request_seconds(method: &'static str, route: &str, status: StatusCode) -> Histogram {
    histogram!(
        REQUEST_SECONDS,
        "method" => method,
        "route" => route.to_owned(),
        "status" => status.as_str().to_owned(),
    )
}

/// The values of the label `method`. Clients may invent methods, so the rest share one.
const METHODS: [&str; 8] = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "other"];

fn method_label(method: &Method) -> &'static str {
    METHODS.into_iter().find(|label| method.as_str() == *label).unwrap_or("other")
}

/// No pool has more connections than a `u32` counts.
fn as_gauge(connections: u64) -> f64 {
    f64::from(u32::try_from(connections).unwrap_or(u32::MAX))
}

/// The exporter walks hash maps; this puts families in order of name, and series in order of
/// labels, so that people find things and two readings compare.
fn sorted(text: &str) -> String {
    let mut families: Vec<Vec<&str>> = text
        .split("\n\n")
        .map(|family| family.lines().collect::<Vec<_>>())
        .filter(|lines| !lines.is_empty())
        .collect();
    for lines in &mut families {
        let header_lines = lines.iter().take_while(|line| line.starts_with('#')).count();
        // A stable sort, so the buckets of one histogram stay in the order of their bounds.
        lines[header_lines..].sort_by_key(|line| labels(line));
    }
    families.sort_unstable();
    let mut sorted = String::with_capacity(text.len());
    for line in families.iter().flatten() {
        sorted.push_str(line);
        sorted.push('\n');
    }
    sorted
}

/// The labels of a line, without the bound of a bucket, which the exporter writes last.
fn labels(line: &str) -> &str {
    let Some((_, rest)) = line.split_once('{') else { return "" };
    let Some((labels, _value)) = rest.rsplit_once('}') else { return "" };
    match labels.rsplit_once("le=\"") {
        Some((labels, _bound)) => labels.trim_end_matches(','),
        None => labels,
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;
    use std::io::Write as _;
    use std::process::{Command, Stdio};

    use super::*;

    const POOL: PoolUse = PoolUse { idle: 3, in_use: 2 };

    #[test]
    fn labels_are_distinct() {
        check_distinct(&Operation::ALL.map(Operation::label));
        check_distinct(&Outcome::ALL.map(Outcome::label));
        check_distinct(&PreconditionResult::ALL.map(PreconditionResult::label));
        check_distinct(&KeyResult::ALL.map(KeyResult::label));
    }

    #[track_caller]
    fn check_distinct(labels: &[&str]) {
        let distinct: HashSet<_> = labels.iter().collect();
        assert_eq!(distinct.len(), labels.len(), "{labels:?}");
    }

    #[test]
    fn every_series_of_known_labels_is_zero_from_the_start() {
        let text = Metrics::new(&["room_unavailable", "lock_conflict"]).render(POOL, 0);
        for operation in Operation::ALL.map(Operation::label) {
            for name in [LOCK_CONFLICTS, LOCK_RETRIES, LOCK_EXHAUSTED] {
                check(&text, &format!("{name}{{operation=\"{operation}\"}}"), "0");
            }
            for outcome in Outcome::ALL.map(Outcome::label) {
                let labels = format!("operation=\"{operation}\",outcome=\"{outcome}\"");
                check(&text, &format!("{WRITE_OUTCOMES}{{{labels}}}"), "0");
            }
            for name in [WRITE_ATTEMPTS, RETRY_BACKOFF_SECONDS] {
                check(&text, &format!("{name}_count{{operation=\"{operation}\"}}"), "0");
                check(&text, &format!("{name}_sum{{operation=\"{operation}\"}}"), "0");
            }
        }
        for result in PreconditionResult::ALL.map(PreconditionResult::label) {
            check(&text, &format!("{PRECONDITIONS}{{result=\"{result}\"}}"), "0");
        }
        for result in KeyResult::ALL.map(KeyResult::label) {
            check(&text, &format!("{IDEMPOTENCY}{{result=\"{result}\"}}"), "0");
        }
        for method in METHODS {
            check(&text, &format!("{ACTIVE_REQUESTS}{{method=\"{method}\"}}"), "0");
        }
        check(&text, "booking_refusals_total{code=\"room_unavailable\"}", "0");
        check(&text, "booking_refusals_total{code=\"lock_conflict\"}", "0");
        check(&text, HOLDS_EXPIRED, "0");
        check(&text, GUARD_VIOLATIONS, "0");
        let scrape = "method=\"GET\",route=\"/metrics\",status=\"200\"";
        check(&text, &format!("{REQUEST_SECONDS}_count{{{scrape}}}"), "0");
    }

    #[test]
    fn a_lost_race_a_retry_and_the_end_are_counted_where_they_belong() {
        let metrics = Metrics::new(&[]);
        metrics.lost_race(Operation::Book);
        metrics.retried(Operation::Book, Duration::from_millis(100));
        metrics.lost_race(Operation::Book);
        metrics.retried(Operation::Book, Duration::from_millis(200));
        metrics.write_ended(Operation::Book, Outcome::AfterRetry, 3);
        metrics.write_ended(Operation::EditHotel, Outcome::FirstAttempt, 1);
        let text = metrics.render(POOL, 0);
        check(&text, "booking_lock_conflicts_total{operation=\"book\"}", "2");
        check(&text, "booking_lock_retries_total{operation=\"book\"}", "2");
        check(&text, "booking_lock_exhausted_total{operation=\"book\"}", "0");
        let labels = "operation=\"book\",outcome=\"after_retry\"";
        check(&text, &format!("booking_write_outcomes_total{{{labels}}}"), "1");
        let labels = "operation=\"edit_hotel\",outcome=\"first_attempt\"";
        check(&text, &format!("booking_write_outcomes_total{{{labels}}}"), "1");
        check_buckets(
            &text,
            "booking_write_attempts_bucket{operation=\"book\"",
            &["1 0", "2 0", "3 1", "5 1", "10 1", "+Inf 1"],
        );
        check_buckets(
            &text,
            "booking_retry_backoff_seconds_bucket{operation=\"book\"",
            &[
                "0.05 0", "0.1 1", "0.125 1", "0.2 2", "0.25 2", "0.5 2", "1 2", "2.5 2", "5 2",
                "+Inf 2",
            ],
        );
        check(&text, "booking_write_attempts_sum{operation=\"edit_hotel\"}", "1");
    }

    #[test]
    fn only_the_outcome_exhausted_counts_as_exhausted() {
        for outcome in Outcome::ALL {
            let metrics = Metrics::new(&[]);
            metrics.write_ended(Operation::Move, outcome, 3);
            let expected = if outcome == Outcome::Exhausted { "1" } else { "0" };
            let text = metrics.render(POOL, 0);
            check(&text, "booking_lock_exhausted_total{operation=\"move\"}", expected);
        }
    }

    #[test]
    fn the_other_counters_count() {
        let metrics = Metrics::new(&["duplicate"]);
        metrics.refused("duplicate");
        metrics.refused("met_later");
        metrics.refused("met_later");
        metrics.holds_expired(5);
        metrics.guard_fired();
        metrics.precondition(PreconditionResult::WeakEtag);
        metrics.idempotency(KeyResult::Replayed);
        let text = metrics.render(POOL, 0);
        check(&text, "booking_refusals_total{code=\"duplicate\"}", "1");
        check(&text, "booking_refusals_total{code=\"met_later\"}", "2");
        check(&text, "booking_holds_expired_total", "5");
        check(&text, "booking_overlap_guard_violations_total", "1");
        check(&text, "http_preconditions_total{result=\"weak_etag\"}", "1");
        check(&text, "idempotency_requests_total{result=\"replayed\"}", "1");
        check(&text, "idempotency_requests_total{result=\"new\"}", "0");
        check(&text, "db_pool_connections{state=\"idle\"}", "3");
        check(&text, "db_pool_connections{state=\"in_use\"}", "2");
    }

    #[test]
    fn a_request_is_active_until_it_is_dropped_and_unknown_methods_share_a_label() {
        let metrics = Arc::new(Metrics::new(&[]));
        let brew = Method::from_bytes(b"BREW").expect("a token");
        let first = metrics.request_started(&Method::GET);
        let second = metrics.request_started(&brew);
        let text = metrics.render(POOL, 0);
        check(&text, "http_server_active_requests{method=\"GET\"}", "1");
        check(&text, "http_server_active_requests{method=\"other\"}", "1");
        drop((first, second));
        metrics.request_ended(&brew, "unmatched", StatusCode::NOT_FOUND, Duration::from_millis(2));
        let text = metrics.render(POOL, 0);
        check(&text, "http_server_active_requests{method=\"GET\"}", "0");
        check(&text, "http_server_active_requests{method=\"other\"}", "0");
        let labels = "method=\"other\",route=\"unmatched\",status=\"404\"";
        check(&text, &format!("{REQUEST_SECONDS}_count{{{labels}}}"), "1");
        check(&text, &format!("{REQUEST_SECONDS}_bucket{{{labels},le=\"0.001\"}}"), "0");
        check(&text, &format!("{REQUEST_SECONDS}_bucket{{{labels},le=\"0.0025\"}}"), "1");
    }

    #[test]
    fn two_replicas_in_one_process_do_not_see_each_other() {
        let (one, other) = (Metrics::new(&[]), Metrics::new(&[]));
        one.guard_fired();
        check(&one.render(POOL, 0), GUARD_VIOLATIONS, "1");
        check(&other.render(POOL, 0), GUARD_VIOLATIONS, "0");
    }

    #[test]
    fn every_family_has_help_and_type_and_families_are_sorted() {
        let text = used().render(POOL, 0);
        let mut families = Vec::new();
        let mut lines = text.lines().peekable();
        while let Some(line) = lines.next() {
            let help = line.strip_prefix("# HELP ").expect("a family starts with its help");
            let (name, help) = help.split_once(' ').expect("a help text");
            assert!(!help.is_empty());
            let kind = lines.next().and_then(|line| line.strip_prefix("# TYPE "));
            let kind = kind.and_then(|line| line.strip_prefix(name)).expect("the type follows");
            assert!([" counter", " gauge", " histogram"].contains(&kind), "{name} is{kind}");
            let mut series = Vec::new();
            while let Some(line) = lines.next_if(|line| !line.starts_with('#')) {
                assert!(line.starts_with(name), "{line}");
                series.push(labels(line));
            }
            assert!(series.is_sorted(), "{name}: {series:?}");
            families.push(name);
        }
        assert!(families.is_sorted());
        for name in [BUILD_INFO, "process_resident_memory_bytes", "process_cpu_seconds_total"] {
            assert!(families.contains(&name), "{name} is missing");
        }
    }

    /// Needs `promtool`, which comes with Prometheus; without it the test says so and passes, since
    /// the test above holds the same rules more narrowly.
    #[test]
    fn promtool_finds_nothing_to_complain_about() {
        let promtool = Command::new("promtool")
            .args(["check", "metrics"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn();
        let Ok(mut promtool) = promtool else {
            eprintln!("SKIPPED: promtool is not installed");
            return;
        };
        let mut stdin = promtool.stdin.take().expect("it is piped");
        stdin.write_all(used().render(POOL, 0).as_bytes()).expect("promtool reads");
        drop(stdin);
        let output = promtool.wait_with_output().expect("promtool ends");
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success() && said.is_empty(), "{}: {said}", output.status);
    }

    #[tokio::test(start_paused = true)]
    async fn upkeep_runs_as_long_as_the_metrics_live() {
        let metrics = Arc::new(Metrics::new(&[]));
        metrics.spawn_upkeep();
        let tasks = tokio::runtime::Handle::current().metrics();
        assert_eq!(tasks.num_alive_tasks(), 1);
        tokio::time::sleep(UPKEEP_INTERVAL * 3).await;
        assert_eq!(tasks.num_alive_tasks(), 1, "it goes on while the metrics live");
        drop(metrics);
        tokio::time::sleep(UPKEEP_INTERVAL * 2).await;
        assert_eq!(tasks.num_alive_tasks(), 0);
    }

    /// Metrics that have seen each kind of event once.
    fn used() -> Metrics {
        let metrics = Metrics::new(&["room_unavailable"]);
        for operation in Operation::ALL {
            metrics.lost_race(operation);
            metrics.retried(operation, Duration::from_millis(110));
            metrics.write_ended(operation, Outcome::Exhausted, 3);
        }
        metrics.refused("room_unavailable");
        let route = "/v1/rooms/{room_id}";
        metrics.request_ended(&Method::GET, route, StatusCode::OK, Duration::from_millis(7));
        metrics
    }

    #[track_caller]
    fn check(text: &str, series: &str, expected: &str) {
        let mut found =
            text.lines().filter_map(|line| line.strip_prefix(series)?.strip_prefix(' '));
        assert_eq!(found.next(), Some(expected), "{series}");
        assert_eq!(found.next(), None, "{series} is there twice");
    }

    /// `expected` reads `bound count`, in order.
    #[track_caller]
    fn check_buckets(text: &str, start: &str, expected: &[&str]) {
        let buckets: Vec<String> = text
            .lines()
            .filter_map(|line| line.strip_prefix(start)?.strip_prefix(",le=\""))
            .map(|rest| rest.replace("\"}", ""))
            .collect();
        assert_eq!(buckets, expected);
    }
}
