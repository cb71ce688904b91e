//! For tests only: real databases that are thrown away, real processes, a wire to cut, and the
//! eyes to look at them with.
//!
//! | to have | see |
//! |---|---|
//! | an empty database of either kind | [`database::Database`], [`on_both_databases!`] |
//! | a PostgreSQL server to freeze, kill and restart | [`cluster::Server`] |
//! | a running `vacancy` | [`process::Process`] |
//! | a replica inside the test, with a failpoint | [`replica::Replica`] |
//! | a connection that breaks at COMMIT | [`wire::Wire`] |
//! | an HTTP answer to look at | [`http::Client`] |
//! | a test that cannot run here | [`skip::skip`] |
//! | counters to compare | [`scrape::Scrape`] |
//! | a zone file with rules of one's own | [`zone_file::zone_file`] |
//!
//! Nothing here returns an error for a caller to handle: a test that cannot have its surroundings
//! has failed, so these functions panic and say what was missing. Everything started here ends
//! with the test process, also when that is killed.

#![allow(
    clippy::missing_panics_doc,
    clippy::must_use_candidate,
    reason = "every function here panics when the surroundings of a test cannot be had"
)]
#![allow(
    clippy::disallowed_methods,
    reason = "the environment and the clock are what this crate is about"
)]

pub mod cluster;
pub mod database;
pub mod folder;
pub mod http;
pub mod process;
pub mod replica;
pub mod scrape;
mod signal;
pub mod skip;
pub mod wire;
pub mod zone_file;

use std::hash::{BuildHasher, RandomState};
use std::time::{Duration, Instant};

/// How long the kit waits for something that normally takes a moment, before it calls it broken. Long
/// enough for a machine that does ten things more beside it: what comes costs no test this time.
pub const PATIENCE: Duration = Duration::from_mins(2);

/// Asks every 10 ms until `condition` gives something, and returns that.
///
/// Panics with `what` when nothing came within `deadline`.
pub async fn eventually<T, F>(what: &str, deadline: Duration, mut condition: impl FnMut() -> F) -> T
where
    F: Future<Output = Option<T>>,
{
    let started = Instant::now();
    loop {
        if let Some(found) = condition().await {
            return found;
        }
        assert!(started.elapsed() < deadline, "waited {deadline:?} in vain: {what}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

/// A number to seed a random test with: `VACANCY_TEST_SEED` if it is set, else a new one.
///
/// It is printed, so that a failing run shows what to set to see it again.
pub fn seed() -> u64 {
    let seed = match std::env::var("VACANCY_TEST_SEED") {
        Ok(text) => text.parse().expect("VACANCY_TEST_SEED is a decimal number below 2^64"),
        Err(_) => RandomState::new().hash_one("seed"),
    };
    eprintln!("random test: VACANCY_TEST_SEED={seed} repeats it");
    seed
}
