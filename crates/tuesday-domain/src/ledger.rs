//! Money in integer millionths: what a model call cost, from reported tokens and a declared price.

use crate::definition::PriceSpec;
use crate::record::Usage;
use crate::rules::Decimal;

/// Cost of one call in millionths of the price's currency.
///
/// Unknown usage or an unknown price is unknown, never zero.
#[must_use]
pub fn cost_micros(price: Option<&PriceSpec>, usage: Option<Usage>) -> Option<i64> {
    let (price, usage) = (price?, usage?);
    let part = |per_million: &str, tokens: u64| -> Option<i128> {
        // A price per million tokens in units is the price per token in millionths.
        let p = Decimal::parse(per_million).ok()?;
        p.micros()
            .checked_mul(i128::from(tokens))
            .map(|m| m / 1_000_000)
    };
    let sum = part(&price.input_per_million, usage.input_tokens)?
        + part(&price.output_per_million, usage.output_tokens)?;
    i64::try_from(sum).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

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
        assert_eq!(cost_micros(Some(&price), Some(usage)), Some(4_760 + 3_120));
        assert_eq!(cost_micros(Some(&price), None), None);
        assert_eq!(cost_micros(None, Some(usage)), None);
    }
}
