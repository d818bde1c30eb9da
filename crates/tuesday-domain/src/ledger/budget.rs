//! How much a workflow may spend on its model: the most a call can cost is taken from the limit before it
//! starts, and given back against its real cost when it is over. So the limit holds with any number of
//! calls at once.

use super::TokenPrice;
use crate::record::{SpendPeriod, Usage};
use crate::time::{Timestamp, Zone};

/// Output tokens a call can have at most where the definition names no limit.
pub const MOST_OUTPUT: u64 = 16_384;
/// Tokens that a provider adds around a request: roles, schema, tools.
const AROUND: u64 = 1_024;

/// The most a call can cost: a token is at least a byte, so a request of so many bytes has at most so
/// many tokens.
#[must_use]
pub fn most(price: &TokenPrice, request_bytes: u64, max_tokens: Option<u32>) -> Option<i64> {
    let usage = Usage {
        input_tokens: request_bytes.checked_add(AROUND)?,
        output_tokens: max_tokens.map_or(MOST_OUTPUT, u64::from),
    };
    price.cost(usage)
}

/// The period a moment belongs to, `2026-11-17` or `2026-11`, in the workflow's time zone.
#[must_use]
pub fn period(kind: SpendPeriod, at: Timestamp, zone: &Zone) -> String {
    let day = zone.day(at);
    match kind {
        SpendPeriod::Day => day,
        SpendPeriod::Month => day.chars().take(7).collect(),
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests fail loudly")]
mod tests {
    use super::*;

    #[test]
    fn the_most_is_never_less_than_what_a_call_costs() {
        let price = TokenPrice {
            currency: "EUR".into(),
            input_micros: 3_000_000,
            output_micros: 15_000_000,
            version: 1,
        };
        let bound = most(&price, 400, Some(100)).unwrap();
        let dearest = Usage {
            input_tokens: 400,
            output_tokens: 100,
        };
        assert!(bound >= price.cost(dearest).unwrap());
        assert!(most(&price, 400, None).unwrap() > bound);
    }

    #[test]
    fn a_period_is_read_in_the_workflows_zone() {
        let ny = Zone::named("America/New_York").unwrap();
        let at = Timestamp::parse("2026-12-01T03:00:00Z").unwrap();
        assert_eq!(period(SpendPeriod::Day, at, &ny), "2026-11-30");
        assert_eq!(period(SpendPeriod::Month, at, &ny), "2026-11");
    }
}
