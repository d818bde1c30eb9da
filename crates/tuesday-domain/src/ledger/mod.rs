//! Money and time in exact integers: what a run cost, what people's minutes cost, what was entered by
//! hand, and what follows from it for a task. Money is counted in millionths of its currency.
//!
//! Every figure is a sum of what one day of one release came to ([`figures`]), so that a total and its
//! parts cannot differ: what is rounded is rounded once, in the smallest part. What nobody reported is
//! missing, never zero.

pub mod budget;
pub mod claims;
pub mod day;
pub mod entry;
pub mod exit;
pub mod exposure;
mod facts;
pub mod figures;
pub mod grouped;
pub mod histogram;
mod inputs;
pub mod interval;
pub mod judged;
pub mod paid_for;
pub mod price;
pub mod report;
pub mod shown;
pub mod told;
pub mod value;

pub use price::TokenPrice;

/// `a × b ÷ c` rounded to the nearest, halves away from zero; nothing when `c` is not positive or the
/// result leaves 64 bits.
#[must_use]
pub fn mul_div(a: i64, b: i64, c: i64) -> Option<i64> {
    if c <= 0 {
        return None;
    }
    let product = i128::from(a) * i128::from(b);
    let (c, half) = (i128::from(c), i128::from(c) / 2);
    let sign = if product < 0 { -1 } else { 1 };
    i64::try_from(sign * ((product.abs() + half) / c)).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::definition::PriceSpec;
    use crate::record::Usage;

    #[test]
    fn tokens_times_price_and_unknown_stays_unknown() {
        let price = PriceSpec {
            currency: "USD".into(),
            input_per_million: "2.50".into(),
            output_per_million: "10".into(),
        };
        let usage = Usage {
            input_tokens: 1_904,
            output_tokens: 312,
        };
        let known = TokenPrice::of_package(&price);
        let cost = known.and_then(|p| p.cost(usage));
        assert_eq!(cost, Some(4_760 + 3_120));
        let none = PriceSpec {
            output_per_million: "much".into(),
            ..price
        };
        assert!(TokenPrice::of_package(&none).is_none());
    }

    #[test]
    fn a_share_is_rounded_once_and_to_the_nearest() {
        assert_eq!(mul_div(10, 1, 4), Some(3));
        assert_eq!(mul_div(-10, 1, 4), Some(-3));
        assert_eq!(mul_div(9, 1, 4), Some(2));
        assert_eq!(mul_div(1, 1, 0), None);
        assert_eq!(mul_div(i64::MAX, 2, 1), None);
    }
}
