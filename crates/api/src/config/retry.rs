//! What to do about a lost race.

use std::time::Duration;

use clap::Args;

use super::values::{SECOND, duration, share, whole_number};

/// How often a write that lost its race is decided again, and how long it waits in between.
///
/// The wait before attempt n + 1 is `base_delay` × `multiplier`^(n − 1), lengthened at random by up
/// to the share `jitter` of itself.
#[derive(Args, Clone, Copy, PartialEq, Debug)]
pub struct RetryPolicy {
    /// How often to try a write that loses its race, 1 to 20
    #[arg(
        long = "retry-attempts",
        env = "VACANCY_RETRY_ATTEMPTS",
        global = true,
        value_name = "NUMBER",
        default_value_t = 3,
        value_parser = |text: &str| whole_number(text, 1, 20)
    )]
    pub attempts: u32,

    /// How long to wait before the second attempt, 0 to 10s
    #[arg(
        long = "retry-base-delay",
        env = "VACANCY_RETRY_BASE_DELAY",
        global = true,
        value_name = "DURATION",
        default_value = "100ms",
        value_parser = |text: &str| duration(text, Duration::ZERO, 10 * SECOND)
    )]
    pub base_delay: Duration,

    /// The factor by which each wait exceeds the one before, 1 to 10
    #[arg(
        long = "retry-multiplier",
        env = "VACANCY_RETRY_MULTIPLIER",
        global = true,
        value_name = "NUMBER",
        default_value_t = 2,
        value_parser = |text: &str| whole_number(text, 1, 10)
    )]
    pub multiplier: u32,

    /// The random extension of each wait, as a fraction of it, 0 to 1
    #[arg(
        long = "retry-jitter",
        env = "VACANCY_RETRY_JITTER",
        global = true,
        value_name = "SHARE",
        default_value = "0.25",
        value_parser = share
    )]
    pub jitter: f64,
}
