use std::collections::HashSet;
use std::io::Write as _;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use axum::http::{Method, StatusCode};
use vacancy_domain::Zones;
use vacancy_persistence::PoolUse;

use super::catalogue::{
    ACTIVE_REQUESTS, BUILD_INFO, GUARD_VIOLATIONS, HOLDS_EXPIRED, IDEMPOTENCY, LOCK_CONFLICTS,
    LOCK_EXHAUSTED, LOCK_RETRIES, PRECONDITIONS, REQUEST_SECONDS, RETRY_BACKOFF_SECONDS,
    WRITE_ATTEMPTS, WRITE_OUTCOMES,
};
use super::labels::METHODS;
use super::recording::UPKEEP_INTERVAL;
use super::text::labels;
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
    let text =
        Metrics::new(&["room_unavailable", "lock_conflict"], &Zones::default()).render(POOL, 0);
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
    let metrics = Metrics::new(&[], &Zones::default());
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
        let metrics = Metrics::new(&[], &Zones::default());
        metrics.write_ended(Operation::Move, outcome, 3);
        let expected = if outcome == Outcome::Exhausted { "1" } else { "0" };
        let text = metrics.render(POOL, 0);
        check(&text, "booking_lock_exhausted_total{operation=\"move\"}", expected);
    }
}

#[test]
fn the_other_counters_count() {
    let metrics = Metrics::new(&["duplicate"], &Zones::default());
    metrics.refused("duplicate");
    metrics.refused("met_later");
    metrics.refused("met_later");
    metrics.holds_expired(5);
    metrics.guest_erased();
    metrics.guard_fired();
    metrics.precondition(PreconditionResult::WeakEtag);
    metrics.idempotency(KeyResult::Replayed);
    let text = metrics.render(POOL, 0);
    check(&text, "booking_refusals_total{code=\"duplicate\"}", "1");
    check(&text, "booking_refusals_total{code=\"met_later\"}", "2");
    check(&text, "booking_holds_expired_total", "5");
    check(&text, "booking_guests_erased_total", "1");
    check(&text, "booking_overlap_guard_violations_total", "1");
    check(&text, "http_preconditions_total{result=\"weak_etag\"}", "1");
    check(&text, "idempotency_requests_total{result=\"replayed\"}", "1");
    check(&text, "idempotency_requests_total{result=\"new\"}", "0");
    check(&text, "db_pool_connections{state=\"idle\"}", "3");
    check(&text, "db_pool_connections{state=\"in_use\"}", "2");
}

#[test]
fn a_request_is_active_until_it_is_dropped_and_unknown_methods_share_a_label() {
    let metrics = Arc::new(Metrics::new(&[], &Zones::default()));
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
    let (one, other) = (Metrics::new(&[], &Zones::default()), Metrics::new(&[], &Zones::default()));
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
    let metrics = Arc::new(Metrics::new(&[], &Zones::default()));
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
    let metrics = Metrics::new(&["room_unavailable"], &Zones::default());
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
    let mut found = text.lines().filter_map(|line| line.strip_prefix(series)?.strip_prefix(' '));
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
