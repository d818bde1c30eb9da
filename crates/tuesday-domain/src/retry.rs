//! How often, how late and how long: attempts, jittered backoff, `Retry-After`.

use std::time::Duration;

/// The retry policy of a step.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct RetryPolicy {
    /// Attempts in all, the first included; at least 1.
    pub max_attempts: u32,
    /// Delay before the second attempt.
    pub first_delay: Duration,
    /// No delay is longer, except one that the other side asked for.
    pub max_delay: Duration,
}

/// What to do after a failed attempt.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum RetryVerdict {
    /// Try again after this long.
    After(Duration),
    /// Every allowed attempt is spent.
    Spent,
}

impl RetryPolicy {
    /// Decides after attempt number `attempt` (1 for the first) failed.
    ///
    /// The delay doubles, then "equal jitter" (Brooker, 2015) spreads it over its upper half:
    /// `draw` is uniform in 0..=u32::MAX and comes from the caller. A `retry_after` from the other
    /// side is a floor, so delays still grow and the wish is respected.
    #[must_use]
    pub fn after(&self, attempt: u32, retry_after: Option<Duration>, draw: u32) -> RetryVerdict {
        if attempt >= self.max_attempts {
            return RetryVerdict::Spent;
        }
        let doublings = attempt.saturating_sub(1).min(20);
        let full = self
            .first_delay
            .saturating_mul(1 << doublings)
            .min(self.max_delay);
        let half = full / 2;
        let jitter = half.mul_f64(f64::from(draw) / f64::from(u32::MAX));
        let own = half + jitter;
        // A little jitter above the floor keeps a crowd from coming back in the same instant.
        let asked = retry_after.map_or(Duration::ZERO, |d| {
            d + d.mul_f64(0.1 * f64::from(draw) / f64::from(u32::MAX))
        });
        RetryVerdict::After(own.max(asked))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn delays_stay_in_bounds_and_attempts_end(
            attempt in 1_u32..100, max in 1_u32..20, draw: u32, asked in proptest::option::of(0_u64..10_000),
        ) {
            let policy = RetryPolicy {
                max_attempts: max,
                first_delay: Duration::from_secs(2),
                max_delay: Duration::from_secs(300),
            };
            let asked = asked.map(Duration::from_secs);
            match policy.after(attempt, asked, draw) {
                RetryVerdict::Spent => prop_assert!(attempt >= max),
                RetryVerdict::After(d) => {
                    prop_assert!(attempt < max);
                    prop_assert!(d >= Duration::from_secs(1));
                    prop_assert!(d >= asked.unwrap_or_default());
                    prop_assert!(d <= Duration::from_secs(300).max(asked.unwrap_or_default().mul_f64(1.11)));
                }
            }
        }
    }

    #[test]
    fn delays_grow() {
        let p = RetryPolicy {
            max_attempts: 9,
            first_delay: Duration::from_secs(2),
            max_delay: Duration::from_secs(300),
        };
        let mut last = Duration::ZERO;
        for attempt in 1..6 {
            let RetryVerdict::After(d) = p.after(attempt, None, 0) else {
                unreachable!()
            };
            assert!(d > last);
            last = d;
        }
    }
}
