//! Connections that must not be lent again, although they answer.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use crate::StoreError;

/// How often at most all connections are made anew because one of them could not write. As long as
/// the cause lasts, the new ones cannot either.
const CANNOT_WRITE_PAUSE: Duration = Duration::from_secs(1);

/// Since when a connection must have been made to be of use. Clones are the same.
#[derive(Clone, Debug)]
pub(crate) struct Retirement(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    origin: Instant,
    /// Microseconds after `origin`; 0 while none was retired.
    before: AtomicU64,
}

impl Default for Retirement {
    fn default() -> Self {
        Self(Arc::new(Shared { origin: Instant::now(), before: AtomicU64::new(0) }))
    }
}

impl Retirement {
    /// Retires all connections there are if `error` says that one of them is of no use any more: what
    /// happened to the tables, the server or the file happened to the others too.
    pub(crate) fn learn(&self, error: &StoreError) {
        let now = self.now();
        let pause = if error.is_stale_plan() {
            0
        } else if error.cannot_write() {
            micros(CANNOT_WRITE_PAUSE)
        } else {
            return;
        };
        let last = self.0.before.load(Ordering::Acquire);
        if last == 0 || now.saturating_sub(last) >= pause {
            self.0.before.fetch_max(now, Ordering::AcqRel);
        }
    }

    /// Whether a connection that was made `age` ago is retired.
    pub(crate) fn covers(&self, age: Duration) -> bool {
        let before = self.0.before.load(Ordering::Acquire);
        before != 0 && self.now().saturating_sub(micros(age)) <= before
    }

    fn now(&self) -> u64 {
        // Never 0, which is the mark of none.
        micros(self.0.origin.elapsed()).max(1)
    }
}

fn micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use sea_orm::DbErr;

    use super::*;

    #[test]
    fn what_was_made_before_the_error_is_retired_and_what_comes_after_is_not() {
        let retirement = Retirement::default();
        assert!(!retirement.covers(Duration::from_secs(9)));
        retirement.learn(&StoreError::Abandoned);
        assert!(!retirement.covers(Duration::from_secs(9)), "it says nothing of connections");
        retirement.learn(&StoreError::StalePlan(DbErr::Custom("a plan".to_owned())));
        assert!(retirement.covers(Duration::from_secs(9)));
        std::thread::sleep(Duration::from_millis(2));
        assert!(!retirement.covers(Duration::ZERO));
    }
}
