//! Warnings about requests that were turned away, at most ten a second.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// The most warnings a second.
const WARNINGS_MAX: u32 = 10;

/// Counts the warnings of the current second.
#[derive(Debug, Default)]
pub struct Warnings(Mutex<Option<(Instant, u32)>>);

impl Warnings {
    /// Says in the log who was turned away and why, unless it has said much this second.
    pub fn warn(&self, credential: &str, why: &str) {
        let mut window = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        let (since, count) = match *window {
            Some((since, count)) if now.duration_since(since) < Duration::from_secs(1) => {
                (since, count + 1)
            }
            _ => (now, 1),
        };
        *window = Some((since, count));
        drop(window);
        if count <= WARNINGS_MAX {
            tracing::warn!(credential, why, "a request was turned away");
        }
    }
}
