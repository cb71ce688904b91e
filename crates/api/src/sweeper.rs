//! Hygiene: lapsed holds are recorded as expired, expired keys removed. Nothing depends on it.

use std::time::Duration;

use tokio::time::MissedTickBehavior;

use crate::app::App;
use crate::bookings;

/// The most holds looked at in one round.
const HOLDS_MAX: u64 = 100;
/// The most keys removed by one statement, which keeps its transaction short.
const KEYS_MAX: u64 = 1_000;
/// The most such statements in one round.
const KEY_BATCHES_MAX: usize = 20;

/// Sweeps every `interval` until the process is asked to stop.
pub async fn run(app: App, interval: Duration) {
    let mut ticks = tokio::time::interval(interval);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            () = app.stopping.cancelled() => return,
            _ = ticks.tick() => sweep(&app).await,
        }
    }
}

async fn sweep(app: &App) {
    let store = app.store.clone();
    match app.read(async move { store.lapsed_holds(HOLDS_MAX).await }).await {
        Ok(holds) => {
            for hold in holds {
                if app.stopping.is_cancelled() {
                    return;
                }
                if let Err(problem) = bookings::expire(app, hold).await {
                    // Another replica or a client may have been at it; the next round sees.
                    tracing::debug!(booking = %hold, %problem, "a lapsed hold was not expired");
                }
            }
        }
        Err(problem) => tracing::warn!(cause = problem.cause(), "cannot look for lapsed holds"),
    }
    for _ in 0..KEY_BATCHES_MAX {
        let store = app.store.clone();
        match app.read(async move { store.forget_expired_keys(KEYS_MAX).await }).await {
            Ok(KEYS_MAX) => {}
            Ok(_) => return,
            Err(problem) => {
                tracing::warn!(cause = problem.cause(), "cannot remove expired keys");
                return;
            }
        }
    }
}
