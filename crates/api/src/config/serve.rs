//! How requests are answered.

use std::time::Duration;

use clap::Args;

use super::error::ConfigError;
use super::retry::RetryPolicy;
use super::values::{DAY, MILLISECOND, MINUTE, SECOND, duration, whole_number, yes_or_no};

/// How requests are answered.
#[derive(Args, Clone, Debug)]
pub struct ServeConfig {
    /// Whether to bring the database's tables up to date before serving
    #[arg(
        long,
        env = "VACANCY_MIGRATE",
        global = true,
        value_name = "YES|NO",
        num_args = 0..=1,
        default_value = "yes",
        default_missing_value = "yes",
        hide_possible_values = true,
        value_parser = yes_or_no
    )]
    pub migrate: bool,

    /// What to do about a lost race.
    #[command(flatten)]
    pub retry: RetryPolicy,

    /// Writes of one room inside one process queue instead of racing; `no` shows the bare
    /// compare-and-set
    #[arg(
        long,
        env = "VACANCY_ROOM_LANES",
        global = true,
        value_name = "YES|NO",
        num_args = 0..=1,
        default_value = "yes",
        default_missing_value = "yes",
        hide_possible_values = true,
        value_parser = yes_or_no
    )]
    pub room_lanes: bool,

    /// The deadline for answering a request, counted from the moment it has been read, 100ms to 5m
    #[arg(
        long,
        env = "VACANCY_REQUEST_TIMEOUT",
        global = true,
        value_name = "DURATION",
        default_value = "5s",
        value_parser = |text: &str| duration(text, 100 * MILLISECOND, 5 * MINUTE)
    )]
    pub request_timeout: Duration,

    /// How long an idempotency key and its answer are kept, 1m to 30d
    #[arg(
        long,
        env = "VACANCY_IDEMPOTENCY_TTL",
        global = true,
        value_name = "DURATION",
        default_value = "24h",
        value_parser = |text: &str| duration(text, MINUTE, 30 * DAY)
    )]
    pub idempotency_ttl: Duration,

    /// How often lapsed holds and old idempotency keys are cleared away, 1s to 1d; 0 is never
    #[arg(
        long,
        env = "VACANCY_SWEEP_INTERVAL",
        global = true,
        value_name = "DURATION",
        default_value = "30s",
        value_parser = sweep_interval
    )]
    pub sweep_interval: Duration,

    /// For how many days after check-out guests are kept, 0 to 36500; then they are erased. 0 is for
    /// ever
    #[arg(
        long,
        env = "VACANCY_GUEST_RETENTION",
        global = true,
        value_name = "DAYS",
        default_value_t = 0,
        value_parser = |text: &str| whole_number(text, 0, 36_500)
    )]
    pub guest_retention: u32,

    /// Load two hotels with rooms if the database is empty
    #[arg(
        long,
        env = "VACANCY_DEMO",
        global = true,
        value_name = "YES|NO",
        num_args = 0..=1,
        require_equals = true,
        default_value = "no",
        default_missing_value = "yes",
        hide_possible_values = true,
        value_parser = yes_or_no
    )]
    pub demo: bool,
}

impl ServeConfig {
    /// How often to sweep; `None` is never, on which nothing but tidiness depends.
    #[must_use]
    pub fn sweeps_every(&self) -> Option<Duration> {
        Some(self.sweep_interval).filter(|interval| !interval.is_zero())
    }

    /// For how many days after check-out guests are kept; `None` is for ever.
    #[must_use]
    pub fn forgets_guests_after(&self) -> Option<u32> {
        Some(self.guest_retention).filter(|days| *days > 0)
    }

    /// What no single option can say. Fails when two of them do not fit.
    pub(super) fn check(&self) -> Result<(), ConfigError> {
        if self.idempotency_ttl < 2 * self.request_timeout {
            // A key must outlive the request that may still have to look its outcome up.
            return Err(ConfigError::invalid(
                "--idempotency-ttl must be at least twice --request-timeout",
            ));
        }
        if self.guest_retention > 0 && self.sweep_interval.is_zero() {
            return Err(ConfigError::invalid("--guest-retention needs a --sweep-interval"));
        }
        Ok(())
    }
}

fn sweep_interval(text: &str) -> Result<Duration, String> {
    let interval = duration(text, Duration::ZERO, DAY).ok();
    interval.filter(|interval| interval.is_zero() || *interval >= SECOND).ok_or_else(|| {
        "must be 0, which is never, or a number with a unit, such as 30s or 5m, from 1s to 1d"
            .to_owned()
    })
}
