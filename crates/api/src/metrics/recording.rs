//! What the service calls when something happens, and what a scrape reads.

use std::sync::{Arc, Weak};
use std::time::Duration;

use axum::http::{Method, StatusCode};
use metrics::{Gauge, counter, gauge, with_local_recorder};
use metrics_exporter_prometheus::{PrometheusHandle, PrometheusRecorder};
use vacancy_domain::Zones;
use vacancy_persistence::PoolUse;

use super::catalogue::{BUILD_INFO, JWKS_AGE_SECONDS, JWKS_REFRESHES, describe, recorder};
use super::labels::{
    AuthMethod, AuthResult, Denial, KeyResult, Operation, Outcome, PreconditionResult, method_label,
};
use super::series::{OperationSeries, Series, refusals, request_seconds};
use super::text::sorted;
use crate::telemetry;

/// How often samples are folded into buckets when no scrape comes.
pub(super) const UPKEEP_INTERVAL: Duration = Duration::from_secs(5);

/// The metrics of one running service.
#[derive(Debug)]
pub struct Metrics {
    recorder: PrometheusRecorder,
    handle: PrometheusHandle,
    process: metrics_process::Collector,
    series: Series,
}

impl Metrics {
    /// Registers every series at zero; `refusal_codes` are the values `code` may take, `zones` the time
    /// zones in use.
    #[must_use]
    pub fn new(refusal_codes: &[&'static str], zones: &Zones) -> Self {
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
                "time_zones" => zones.release().to_owned(),
                "time_zones_from" => zones.source(),
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

    /// The guest of a booking was forgotten.
    pub fn guest_erased(&self) {
        self.series.guests_erased.increment(1);
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

    /// A request was answered 503 at once, because too many others were at work.
    pub fn request_shed(&self) {
        self.series.requests_shed.increment(1);
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

/// No pool has more connections than a `u32` counts.
fn as_gauge(connections: u64) -> f64 {
    f64::from(u32::try_from(connections).unwrap_or(u32::MAX))
}
