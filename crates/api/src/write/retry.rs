//! The only loop that decides again, and the only user of `tokio_retry`.

use std::iter;
use std::time::Duration;

use tokio_retry::RetryIf;

use crate::config::RetryPolicy;

/// Errors that know whether deciding again could end differently.
pub trait LostRace {
    /// Whether it was a race that was lost, and not a refusal or a failure.
    fn is_lost_race(&self) -> bool;
}

/// Runs `attempt` until it ends in anything but a lost race, or the policy's attempts are used up;
/// then the last lost race is returned. `before_sleep` hears of every delay, in order.
///
/// Nothing is held while it sleeps: an attempt's future is gone before the delay begins.
pub async fn until_settled<T, E, F>(
    policy: RetryPolicy,
    before_sleep: impl FnMut(&Duration),
    attempt: impl FnMut() -> F,
) -> Result<T, E>
where
    E: LostRace,
    F: Future<Output = Result<T, E>>,
{
    RetryIf::start(delays(policy).inspect(before_sleep), attempt, E::is_lost_race).await
}

/// One delay fewer than attempts. Each is lengthened at random and never shortened: a hot room
/// gains nothing from all of them coming back sooner.
fn delays(policy: RetryPolicy) -> impl Iterator<Item = Duration> {
    let RetryPolicy { attempts, base_delay, multiplier, jitter } = policy;
    // tokio_retry's `ExponentialBackoff::from_millis(b)` yields b, b², b³ …; this is b, b·m, b·m² ….
    iter::successors(Some(base_delay), move |delay| Some(delay.saturating_mul(multiplier)))
        .map(move |delay| delay.saturating_add(delay.mul_f64(jitter * rand::random::<f64>())))
        .take(attempts.saturating_sub(1) as usize)
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use tokio::time::Instant;

    use super::*;

    const POLICY: RetryPolicy = RetryPolicy {
        attempts: 3,
        base_delay: Duration::from_millis(100),
        multiplier: 2,
        jitter: 0.0,
    };

    #[derive(Debug, PartialEq)]
    enum End {
        Lost,
        Refused,
    }

    impl LostRace for End {
        fn is_lost_race(&self) -> bool {
            *self == Self::Lost
        }
    }

    #[tokio::test(start_paused = true)]
    async fn three_attempts_wait_exactly_100_and_200_ms() {
        check(usize::MAX, Err(End::Lost), 3, &[100, 200]).await;
        check(2, Ok(3), 3, &[100, 200]).await;
        check(1, Ok(2), 2, &[100]).await;
        check(0, Ok(1), 1, &[]).await;
    }

    #[tokio::test(start_paused = true)]
    async fn a_refusal_is_not_tried_again() {
        let tries = Cell::new(0);
        let end = until_settled(
            POLICY,
            |_| panic!("no delay"),
            || {
                tries.set(tries.get() + 1);
                async { Err::<(), _>(End::Refused) }
            },
        );
        assert_eq!(end.await, Err(End::Refused));
        assert_eq!(tries.get(), 1);
    }

    #[test]
    fn jitter_lengthens_by_at_most_its_share() {
        let policy = RetryPolicy { attempts: 1_001, multiplier: 1, jitter: 0.25, ..POLICY };
        let (low, high) = (Duration::from_millis(100), Duration::from_millis(125));
        let all: Vec<_> = delays(policy).collect();
        assert!(all.iter().all(|delay| (low..=high).contains(delay)), "{all:?}");
        assert!(all.iter().any(|delay| *delay > low + Duration::from_millis(5)));
    }

    /// Loses `losses` races, then wins with the number of the attempt.
    async fn check(losses: usize, expect: Result<usize, End>, tries: usize, delays: &[u64]) {
        let (start, won_at) = (Instant::now(), Cell::new(0));
        let mut slept = Vec::new();
        let note = |delay: &Duration| slept.push(*delay);
        let end = until_settled(POLICY, note, || {
            won_at.set(won_at.get() + 1);
            let outcome = if won_at.get() > losses { Ok(won_at.get()) } else { Err(End::Lost) };
            async { outcome }
        });
        assert_eq!(end.await, expect);
        assert_eq!(won_at.get(), tries);
        let delays: Vec<_> = delays.iter().map(|ms| Duration::from_millis(*ms)).collect();
        assert_eq!(slept, delays);
        assert_eq!(start.elapsed(), delays.iter().sum::<Duration>());
    }
}
