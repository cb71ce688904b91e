//! Requests with the same `Idempotency-Key` in one process take turns.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::OwnedMutexGuard;

use crate::http::key::ClientKey;

/// The keys at work in this process. A copy waits for the first instead of racing it; between
/// processes the database's unique index does the same.
#[derive(Debug, Default)]
pub struct InFlight(Mutex<HashMap<String, Arc<tokio::sync::Mutex<()>>>>);

/// The turn of one request with a key; the next one's begins when it is dropped.
#[derive(Debug)]
pub struct Turn {
    keys: Arc<InFlight>,
    key: String,
    guard: Option<OwnedMutexGuard<()>>,
}

impl InFlight {
    /// Waits for the turn of this key, for at most `patience`; returns none when it has not come.
    pub async fn turn(self: &Arc<Self>, key: &ClientKey, patience: Duration) -> Option<Turn> {
        let lock = self.lock().entry(key.0.clone()).or_default().clone();
        let mut turn = Turn { keys: self.clone(), key: key.0.clone(), guard: None };
        turn.guard = tokio::time::timeout(patience, lock.lock_owned()).await.ok();
        turn.guard.is_some().then_some(turn)
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<String, Arc<tokio::sync::Mutex<()>>>> {
        // A map of locks is as good after a panic elsewhere as before.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        let mut keys = self.keys.lock();
        drop(self.guard.take());
        // Two owners are left when no other request waits or works: the map and `remaining`.
        let remaining = keys.get(&self.key).cloned();
        if remaining.is_some_and(|lock| Arc::strong_count(&lock) == 2) {
            keys.remove(&self.key);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn copies_take_turns_and_leave_nothing_behind() {
        let keys = Arc::new(InFlight::default());
        let key = ClientKey("k".into());
        let first = keys.turn(&key, Duration::ZERO).await;
        assert!(first.is_some());
        assert!(keys.turn(&key, Duration::from_secs(1)).await.is_none(), "the first is at work");
        let waiting = tokio::spawn({
            let (keys, key) = (keys.clone(), key.clone());
            async move { keys.turn(&key, Duration::from_mins(1)).await.is_some() }
        });
        tokio::task::yield_now().await;
        drop(first);
        assert!(waiting.await.expect("a copy does not panic"), "the copy's turn came");
        assert!(keys.lock().is_empty());
    }
}
