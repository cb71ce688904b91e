//! One slice of time in which either the service or its reference works, and what it cost.

use std::time::Duration;

use crate::load::{self, Answers, Next};
use crate::pgbench::Pgbench;
use crate::proc;
use crate::service::Service;

/// How long the service works before it is measured: connections are made, statements prepared.
const WARM_UP: Duration = Duration::from_millis(500);

/// The load of a slice.
#[derive(Clone, Copy, Debug)]
pub struct Load {
    /// Connections in a closed loop.
    pub clients: usize,
    /// For how long it is measured.
    pub duration: Duration,
    /// The status of the answers that count.
    pub expected: u16,
}

/// What the service did.
#[derive(Clone, Debug)]
pub struct Slice {
    /// Answers that count, a second.
    pub rate: f64,
    /// All answers.
    pub answers: Answers,
    /// Those before the measurement began.
    pub warm_up: Answers,
    /// CPU milliseconds of all replicas, for each answer that counts.
    pub service_ms: f64,
    /// The same of the database server, its background processes included; none on SQLite.
    pub database_ms: Option<f64>,
    /// The same of the client, for each answer of any kind.
    pub client_ms: f64,
    /// The most memory that one replica ever had resident, in MiB.
    pub peak_mib: f64,
}

/// What the reference did.
#[derive(Clone, Copy, Debug)]
pub struct Reference {
    /// Transactions a second.
    pub rate: f64,
    /// CPU milliseconds of the database for each; on SQLite, of the whole process.
    pub database_ms: f64,
}

impl Slice {
    /// Runs a load against a service whose database is served by the process `postmaster`, if by
    /// any.
    pub async fn run(service: &Service, postmaster: Option<u32>, load: Load, next: &Next) -> Self {
        let addresses = service.addresses();
        let warm_up = load::run(&addresses, load.clients, WARM_UP.min(load.duration), next).await;
        let database = || postmaster.map(proc::family_ticks);
        let us = std::process::id();
        let before = (service.ticks(), database(), proc::ticks(us));
        let answers = load::run(&addresses, load.clients, load.duration, next).await;
        let after = (service.ticks(), database(), proc::ticks(us));
        let counted = answers.count(load.expected);
        let ms = |before: u64, after: u64, count: u64| {
            after.saturating_sub(before) as f64 * 1000.0 / proc::ticks_per_second() / count as f64
        };
        Self {
            rate: counted as f64 / answers.elapsed.as_secs_f64(),
            service_ms: ms(before.0, after.0, counted),
            database_ms: before.1.zip(after.1).map(|(before, after)| ms(before, after, counted)),
            client_ms: ms(before.2, after.2, answers.total()),
            peak_mib: service.peak_mib(),
            answers,
            warm_up,
        }
    }

    /// The answers with this status, also those before the measurement began.
    pub fn count(&self, status: u16) -> u64 {
        self.answers.count(status) + self.warm_up.count(status)
    }

    /// What a service that is well does not answer: nothing at all, or 5xx; none if it is well. That it
    /// is overloaded (503) or out of time (504) is an honest answer, which the tables show.
    pub fn unwell(&self, work: &str) -> Option<String> {
        let all = self.answers.by_status.iter().chain(&self.warm_up.by_status);
        let bad: Vec<_> = all
            .filter(|(status, _)| {
                **status == 0 || (**status >= 500 && !matches!(status, 503 | 504))
            })
            .map(|(status, count)| format!("{count} × {status}"))
            .collect();
        (!bad.is_empty()).then(|| format!("{work}: {}", bad.join(", ")))
    }

    /// The share of all answers that were 409 `lock_conflict`, warm-up left out.
    pub fn lock_conflict_share(&self) -> f64 {
        self.answers.lock_conflicts as f64 / self.answers.total().max(1) as f64
    }
}

impl Reference {
    /// Measures the CPU time of PostgreSQL while `pgbench` runs.
    pub async fn pgbench(pgbench: Pgbench<'_>, url: &str, postmaster: u32) -> Self {
        let before = proc::family_ticks(postmaster);
        let summary = pgbench.run(url).await;
        let ticks = proc::family_ticks(postmaster).saturating_sub(before) as f64;
        let database_ms = ticks * 1000.0 / proc::ticks_per_second() / summary.transactions as f64;
        Self { rate: summary.rate, database_ms }
    }
}
