//! How many requests a principal may send to one process, a second and at once.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// The most requests of one principal that are at work at once.
const AT_WORK_MAX: usize = 64;
/// The most principals remembered; beyond them those are forgotten that have their whole burst again.
const PRINCIPALS_MAX: usize = 10_000;

/// A bucket of requests for every principal: it holds `burst` of them and is filled again by `rate`
/// a second.
#[derive(Debug)]
pub struct Limits {
    rate: f64,
    burst: f64,
    buckets: Mutex<HashMap<Arc<str>, Bucket>>,
}

#[derive(Debug)]
struct Bucket {
    left: f64,
    at: Instant,
    work: Arc<Semaphore>,
}

/// A request of a principal that is at work, until it is dropped.
#[must_use = "the request counts as at work until this is dropped"]
#[derive(Debug)]
pub struct AtWork {
    _permit: OwnedSemaphorePermit,
}

impl Limits {
    /// At most `rate` requests a second, `burst` at once; a rate of 0 sets no such limit.
    #[must_use]
    pub fn new(rate: u32, burst: u32) -> Self {
        Self { rate: rate.into(), burst: burst.max(1).into(), buckets: Mutex::default() }
    }

    /// Takes a request of `principal` on. Fails with the seconds to wait when it has sent too many,
    /// or has too many at work.
    pub fn admit(&self, principal: &Arc<str>) -> Result<AtWork, u64> {
        self.admit_at(principal, Instant::now())
    }

    fn admit_at(&self, principal: &Arc<str>, now: Instant) -> Result<AtWork, u64> {
        let mut buckets = self.buckets.lock().unwrap_or_else(PoisonError::into_inner);
        if buckets.len() >= PRINCIPALS_MAX && !buckets.contains_key(principal) {
            buckets.retain(|_, bucket| {
                let idle = bucket.work.available_permits() == AT_WORK_MAX;
                !(idle && self.filled(bucket, now) >= self.burst)
            });
        }
        let bucket = buckets.entry(principal.clone()).or_insert_with(|| Bucket {
            left: self.burst,
            at: now,
            work: Arc::new(Semaphore::new(AT_WORK_MAX)),
        });
        (bucket.left, bucket.at) = (self.filled(bucket, now), now);
        if self.rate > 0.0 && bucket.left < 1.0 {
            let wait = Duration::from_secs_f64(((1.0 - bucket.left) / self.rate).max(0.0));
            return Err(wait.as_secs() + 1);
        }
        let permit = bucket.work.clone().try_acquire_owned().map_err(|_| 1_u64)?;
        bucket.left -= 1.0;
        Ok(AtWork { _permit: permit })
    }

    fn filled(&self, bucket: &Bucket, now: Instant) -> f64 {
        let since = now.saturating_duration_since(bucket.at).as_secs_f64();
        self.burst.min(bucket.left + since * self.rate)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_burst_passes_and_then_the_rate() {
        let (limits, start) = (Limits::new(10, 3), Instant::now());
        let at = |name: &str, millis| {
            let now = start + Duration::from_millis(millis);
            limits.admit_at(&name.into(), now).map(drop)
        };
        assert_eq!([(); 4].map(|()| at("a", 0)), [Ok(()), Ok(()), Ok(()), Err(1)]);
        assert_eq!(at("b", 0), Ok(()), "another principal has its own");
        assert_eq!([at("a", 100), at("a", 100)], [Ok(()), Err(1)]);
        assert_eq!([(); 4].map(|()| at("a", 9_000)), [Ok(()), Ok(()), Ok(()), Err(1)]);
    }

    #[test]
    fn only_so_many_are_at_work_at_once_and_without_a_rate_any_number_in_turn() {
        let limits = Limits::new(0, 1);
        let name: Arc<str> = "a".into();
        let mut work: Vec<_> =
            (0..AT_WORK_MAX).map(|_| limits.admit(&name).expect("a place")).collect();
        assert_eq!(limits.admit(&name).map(drop), Err(1));
        work.pop();
        assert!((0..1_000).all(|_| limits.admit(&name).is_ok()));
    }
}
