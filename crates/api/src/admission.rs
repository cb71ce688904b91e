//! How many requests may be at work at once, as the time they take allows.
//!
//! Beyond what the database can do at once, one more request makes all others slower and none of
//! them comes earlier. Past some point the answers come when the clients have given up, and all work
//! is for nothing. So the limit follows the time that requests take: it shrinks in proportion while
//! they take longer than they should, and grows while it is used and they do not.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

/// Never more than this at once. Each waits for the database most of its time.
const LIMIT_MAX: usize = 1_024;
/// Never less: more than the database works on at once, or it would have nothing to do between two
/// requests; also, what takes long without any load must be possible.
const LIMIT_MIN: usize = 64;
/// Requests should take no larger share of the deadline than this, on average. The deadline is what we
/// promise, and many clients give up long before: by default they are answered in 0.16 s, which leaves
/// twice that for the slowest of them.
const TARGET_SHARE_OF_DEADLINE: u32 = 32;
/// How long requests are observed before the limit changes.
const WINDOW: Duration = Duration::from_millis(100);
/// How many have to be observed.
const WINDOW_SAMPLES_MIN: u32 = 16;
/// The limit shrinks to no less than this share of itself at a time.
const SHRINK_MIN: f64 = 0.5;
/// It grows by one part in so many at a time.
const GROWTH_PART: usize = 8;

/// Lets requests in, as many at once as can be done in time.
#[derive(Debug)]
pub struct Admission {
    target: Duration,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    limit: usize,
    at_work: usize,
    window: Window,
}

/// What was seen since the limit last changed.
#[derive(Debug)]
struct Window {
    began: Instant,
    samples: u32,
    took: Duration,
    at_work_max: usize,
}

impl Window {
    fn new(began: Instant) -> Self {
        Self { began, samples: 0, took: Duration::ZERO, at_work_max: 0 }
    }
}

impl Admission {
    /// For requests that have to be answered within `deadline`.
    #[must_use]
    pub fn new(deadline: Duration) -> Arc<Self> {
        let state = State { limit: LIMIT_MAX, at_work: 0, window: Window::new(Instant::now()) };
        Arc::new(Self { target: deadline / TARGET_SHARE_OF_DEADLINE, state: Mutex::new(state) })
    }

    /// Lets one request in, until the permit is dropped; `None` when as many are at work as may be.
    #[must_use]
    pub fn admit(self: &Arc<Self>) -> Option<Permit> {
        let mut state = self.lock();
        if state.at_work >= state.limit {
            return None;
        }
        state.at_work += 1;
        state.window.at_work_max = state.window.at_work_max.max(state.at_work);
        Some(Permit(self.clone()))
    }

    /// Whether another one would be let in now.
    #[must_use]
    pub fn has_room(&self) -> bool {
        let state = self.lock();
        state.at_work < state.limit
    }

    /// A request that was let in was answered after this time.
    pub fn answered(&self, took: Duration) {
        let now = Instant::now();
        let mut state = self.lock();
        let window = &mut state.window;
        window.samples += 1;
        window.took += took;
        if window.samples < WINDOW_SAMPLES_MIN || now - window.began < WINDOW {
            return;
        }
        let mean = window.took / window.samples;
        let used = window.at_work_max;
        state.limit = next_limit(state.limit, used, mean, self.target);
        state.window = Window::new(now);
    }

    /// How many may be at work at once now.
    #[must_use]
    pub fn limit(&self) -> usize {
        self.lock().limit
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The limit after a window in which at most `used` requests were at work at once and took `mean`.
fn next_limit(limit: usize, used: usize, mean: Duration, target: Duration) -> usize {
    if mean > target {
        // From what was used: a limit that nothing reached has not held anything back.
        let share = (target.as_secs_f64() / mean.as_secs_f64()).max(SHRINK_MIN);
        return scaled(limit.min(used), share).clamp(LIMIT_MIN, limit.max(LIMIT_MIN));
    }
    if used >= limit {
        return (limit + limit / GROWTH_PART).min(LIMIT_MAX);
    }
    limit
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::cast_precision_loss,
    reason = "a limit of at most some thousands, scaled by a share from 0 to 1"
)]
fn scaled(limit: usize, share: f64) -> usize {
    (limit as f64 * share) as usize
}

/// Why a request was not let in.
#[derive(Clone, Copy, Debug, thiserror::Error)]
#[error("too many requests at once")]
pub struct Shed;

/// A request that was let in; dropping it lets another one in.
#[derive(Debug)]
pub struct Permit(Arc<Admission>);

impl Drop for Permit {
    fn drop(&mut self) {
        self.0.lock().at_work -= 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DEADLINE: Duration = Duration::from_millis(3_200);
    const TARGET: Duration = Duration::from_millis(100);

    #[test]
    fn the_limit_follows_the_time_that_requests_take() {
        let ms = Duration::from_millis;
        for (limit, used, took, expected, why) in [
            (1_024, 1_024, ms(100), 1_024, "in time, at the highest limit"),
            (800, 800, ms(100), 900, "in time and used: grows"),
            (1_000, 1_000, ms(50), 1_024, "to the highest"),
            (800, 799, ms(1), 800, "in time and not used: stays"),
            (800, 800, ms(125), 640, "late: shrinks in proportion"),
            (800, 800, ms(5_000), 400, "far too late: by half at a time"),
            (800, 300, ms(125), 240, "late at a smaller number: from there"),
            (70, 70, ms(5_000), 64, "never below the lowest"),
            (64, 3, ms(5_000), 64, "slow without load"),
        ] {
            assert_eq!(next_limit(limit, used, took, TARGET), expected, "{why}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_window_needs_time_and_samples() {
        let admission = Admission::new(DEADLINE);
        let _permits: Vec<_> = (0..LIMIT_MAX).map_while(|_| admission.admit()).collect();
        for _ in 0..100 {
            admission.answered(TARGET * 2);
        }
        assert_eq!(admission.limit(), LIMIT_MAX, "no time has passed");
        tokio::time::advance(WINDOW).await;
        admission.answered(TARGET * 2);
        assert_eq!(admission.limit(), LIMIT_MAX / 2);
        tokio::time::advance(WINDOW * 10).await;
        for _ in 1..WINDOW_SAMPLES_MIN {
            admission.answered(TARGET * 2);
        }
        assert_eq!(admission.limit(), LIMIT_MAX / 2, "too few were seen");
    }

    #[test]
    fn as_many_as_the_limit_are_let_in_and_another_one_when_one_ends() {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build();
        let _within = runtime.expect("a runtime");
        let admission = Admission::new(DEADLINE);
        let mut permits: Vec<_> = (0..LIMIT_MAX).map_while(|_| admission.admit()).collect();
        assert_eq!(permits.len(), LIMIT_MAX);
        assert!(admission.admit().is_none());
        permits.pop();
        permits.extend(admission.admit());
        assert_eq!(permits.len(), LIMIT_MAX);
    }

    /// A database that does one request in a millisecond and the next after it, and three times as many
    /// requests as that, from clients that wait no longer than 300 ms of the 5 s that are promised.
    #[tokio::test(start_paused = true)]
    async fn overload_leaves_most_of_the_capacity_for_answers_in_time() {
        let (work, patience) = (Duration::from_millis(1), Duration::from_millis(300));
        let admission = Admission::new(Duration::from_secs(5));
        let database = Arc::new(tokio::sync::Semaphore::new(1));
        let in_time = Arc::new(std::sync::atomic::AtomicUsize::new(0));
        let seconds = 5;
        for millisecond in 0..seconds * 1_000 {
            for _ in 0..3 {
                let Some(permit) = admission.admit() else { continue };
                let (admission, database) = (admission.clone(), database.clone());
                let in_time = in_time.clone();
                tokio::spawn(async move {
                    let began = Instant::now();
                    let turn = database.acquire().await;
                    tokio::time::sleep(work).await;
                    drop((turn, permit));
                    admission.answered(began.elapsed());
                    // The first two seconds are for finding the limit.
                    if began.elapsed() <= patience && millisecond >= 2_000 {
                        in_time.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
                    }
                });
            }
            tokio::time::sleep(work).await;
        }
        let answered = in_time.load(std::sync::atomic::Ordering::Relaxed);
        let capacity = (seconds - 2) * 1_000;
        assert!(answered * 10 >= capacity * 8, "{answered} of {capacity}");
    }
}
