//! Records lapsed holds as expired, removes expired keys, and forgets guests who have left long ago.
//! No answer depends on the first two: a lapsed hold blocks no night, and an expired key is not
//! replayed.

use std::time::Duration;

use tokio::time::MissedTickBehavior;

use crate::app::App;
use crate::bookings::erase::erase_after_stay;
use crate::bookings::expire::expire;
use crate::http::problem::Problem;

/// The most holds looked at by one statement.
const HOLDS_MAX: u64 = 100;
/// The most keys removed by one statement, which keeps its transaction short.
const KEYS_MAX: u64 = 1_000;
/// The most such statements of a kind in one round. Every write leaves a key, so at the default
/// interval a round must clear away what some 3,000 writes a second leave.
const BATCHES_MAX: usize = 100;
/// The most guests looked for by one statement.
const GUESTS_MAX: u64 = 100;
/// The most such statements in one round. Each guest is a write of a room, and where years of them are
/// to be forgotten they must not keep other writers waiting: 1,000 a round are millions a day.
const GUEST_BATCHES_MAX: usize = 10;

/// Sweeps every `interval` until the process is asked to stop.
pub async fn run(app: App, interval: Duration) {
    let mut ticks = tokio::time::interval(interval);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let sweeping = async {
        loop {
            ticks.tick().await;
            sweep(&app).await;
        }
    };
    // A stop does not wait for the round. What it has begun is a task of its own, and ends.
    app.stopping.run_until_cancelled(sweeping).await;
}

async fn sweep(app: &App) {
    let mut passed_over = 0;
    for _ in 0..BATCHES_MAX {
        if !expire_holds(app, &mut passed_over).await {
            break;
        }
    }
    for _ in 0..BATCHES_MAX {
        if !forget_keys(app).await {
            break;
        }
    }
    let Some(days) = app.settings.guest_retention_days else { return };
    let mut passed_over = 0;
    for _ in 0..GUEST_BATCHES_MAX {
        if !forget_guests(app, days, &mut passed_over).await {
            break;
        }
    }
}

/// Expires one batch of lapsed holds behind those that were `passed_over` in this round because they
/// cannot be expired. Returns whether there may be more to do.
async fn expire_holds(app: &App, passed_over: &mut u64) -> bool {
    let (store, skip) = (app.store.clone(), *passed_over);
    let holds = match app.read(async move { store.lapsed_holds(skip, HOLDS_MAX).await }).await {
        Ok(holds) => holds,
        Err(problem) => {
            tracing::warn!(cause = problem.cause(), "cannot look for lapsed holds");
            return false;
        }
    };
    let mut more = holds.len() as u64 == HOLDS_MAX;
    for hold in holds {
        match expire(app, hold).await {
            Ok(_) => {}
            Err(problem) if is_its_own(&problem) => {
                let cause = problem.cause();
                tracing::warn!(booking = %hold, cause, %problem, "a lapsed hold was not expired");
                *passed_over += 1;
            }
            // Another replica or a request may have written it first. The next batch would begin
            // with it again, so this round ends here.
            Err(problem) => {
                tracing::debug!(booking = %hold, %problem, "a lapsed hold was not expired");
                more = false;
            }
        }
    }
    more
}

/// Removes one batch of expired keys. Returns whether there may be more to do.
async fn forget_keys(app: &App) -> bool {
    let store = app.store.clone();
    match app.read(async move { store.forget_expired_keys(KEYS_MAX).await }).await {
        Ok(removed) => removed == KEYS_MAX,
        Err(problem) => {
            tracing::warn!(cause = problem.cause(), "cannot remove expired keys");
            false
        }
    }
}

/// Forgets one batch of guests who left more than `days` days ago, behind those that were `passed_over`
/// in this round because they cannot be forgotten. Returns whether there may be more to do.
async fn forget_guests(app: &App, days: u32, passed_over: &mut u64) -> bool {
    let (store, skip) = (app.store.clone(), *passed_over);
    let looking = async move { store.guests_to_forget(days, skip, GUESTS_MAX).await };
    let bookings = match app.read(looking).await {
        Ok(bookings) => bookings,
        Err(problem) => {
            tracing::warn!(cause = problem.cause(), "cannot look for guests to forget");
            return false;
        }
    };
    let mut more = bookings.len() as u64 == GUESTS_MAX;
    for booking in bookings {
        if let Err(problem) = erase_after_stay(app, booking).await {
            tracing::warn!(%booking, cause = problem.cause(), %problem, "a guest was not forgotten");
            if is_its_own(&problem) {
                *passed_over += 1;
            } else {
                more = false;
            }
        }
    }
    more
}

/// Whether it is the fault of the one booking, whose row does not read, and will be so in the next round.
fn is_its_own(problem: &Problem) -> bool {
    matches!(problem, Problem::Internal(_))
}
