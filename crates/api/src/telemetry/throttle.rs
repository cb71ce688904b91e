//! Events that come by the thousand, and are logged once a second.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// The shortest time between two lines.
const INTERVAL: Duration = Duration::from_secs(1);

/// Counts events of one kind, and says when to log them.
#[derive(Debug, Default)]
pub struct Throttle(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    logged: Option<Instant>,
    unlogged: u64,
}

impl Throttle {
    /// Counts one event. Returns how many came since the last line, this one included, when it is
    /// time for another line.
    pub fn count(&self) -> Option<u64> {
        self.count_at(Instant::now())
    }

    fn count_at(&self, now: Instant) -> Option<u64> {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        state.unlogged += 1;
        if state.logged.is_some_and(|logged| now.duration_since(logged) < INTERVAL) {
            return None;
        }
        state.logged = Some(now);
        Some(std::mem::take(&mut state.unlogged))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_is_logged_at_once_and_the_others_with_their_number_once_a_second() {
        let (throttle, start) = (Throttle::default(), Instant::now());
        let at = |millis| throttle.count_at(start + Duration::from_millis(millis));
        assert_eq!(at(0), Some(1));
        assert_eq!(at(1), None);
        assert_eq!(at(999), None);
        assert_eq!(at(1_000), Some(3));
        assert_eq!(at(5_000), Some(1));
    }
}
