//! How many events a token may send in a second on this node, so that one sender that runs wild does
//! not fill the queue of everybody. Off unless the operator sets it.

use std::num::NonZeroU32;

use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};
use tuesday_domain::id::TokenId;
use tuesday_domain::problem::Problem;

/// One bucket for each token.
pub(crate) struct TokenRate(Option<(NonZeroU32, DefaultKeyedRateLimiter<TokenId>)>);

impl TokenRate {
    /// At most `per_second` events of each token; no limit when absent.
    pub(crate) fn new(per_second: Option<NonZeroU32>) -> Self {
        Self(per_second.map(|n| (n, RateLimiter::keyed(Quota::per_second(n)))))
    }

    /// Counts one event. The next place is free within a second, which is what `Retry-After` says.
    pub(crate) fn count(&self, token: TokenId) -> Result<(), Problem> {
        match &self.0 {
            Some((most, buckets)) if buckets.check_key(&token).is_err() => Err(Problem::new(
                "rate_limited",
                format!("this token may send {most} events a second"),
            )
            .way_out("send the same event again after the time in Retry-After")),
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests fail loudly")]
mod tests {
    use super::*;

    #[test]
    fn each_token_has_its_own_measure() {
        let (one, other) = (crate::ids::token(), crate::ids::token());
        let rate = TokenRate::new(NonZeroU32::new(2));
        assert!(rate.count(one).is_ok() && rate.count(one).is_ok());
        assert_eq!(rate.count(one).unwrap_err().code, "rate_limited");
        assert!(rate.count(other).is_ok());
        let free = TokenRate::new(None);
        assert!((0..1000).all(|_| free.count(one).is_ok()));
    }
}
