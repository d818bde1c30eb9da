//! How much a workflow hangs on each vendor: its share of what is paid and of the model calls, and what the
//! calls would cost at another volume by a table of prices. Shares add up to the whole, and volume that has
//! no price is named: it is cheap only as long as nobody counts it.

use serde::Serialize;

use super::TokenPrice;
use super::interval::WHOLE;
use super::mul_div;
use crate::record::Usage;

/// A vendor's part of the model calls.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct VendorVolume {
    /// Name of the vendor.
    pub vendor: String,
    /// Model calls.
    pub calls: u64,
    /// Millionths of all model calls; they add up to the whole.
    pub share_ppm: i64,
    /// Of its calls, those that no price is known for.
    pub unpriced: u64,
}

/// Parts of a whole in millionths that add up to it: what rounding leaves goes to the largest. Without
/// anything to divide every part is nothing.
#[must_use]
pub fn shares(parts: &[i64]) -> Vec<i64> {
    let all = parts.iter().copied().fold(0_i64, i64::saturating_add);
    let mut out: Vec<i64> = parts
        .iter()
        .map(|n| mul_div(*n, WHOLE, all).unwrap_or(0))
        .collect();
    let largest = (0..parts.len()).max_by_key(|i| (parts[*i], std::cmp::Reverse(*i)));
    if let Some(largest) = largest.filter(|_| all > 0) {
        out[largest] += WHOLE - out.iter().sum::<i64>();
    }
    out
}

/// How many times the volume, in thousandths: `10x`, `2.5x` or `0.5`.
///
/// # Errors
/// Says what such a number looks like.
pub fn factor(text: &str) -> Result<i64, String> {
    let bad = || format!("`{text}` is not a volume such as 10x, from 0.001x to 1000x");
    let number = text.trim();
    let number = number.strip_suffix('x').unwrap_or(number);
    let micros = super::price::amount(number).map_err(|_| bad())?;
    let milli = micros / 1_000;
    let fits = milli * 1_000 == micros && (1..=1_000_000).contains(&milli);
    fits.then_some(milli).ok_or_else(bad)
}

/// Calls of one model at another volume, at one price.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct PricedVolume {
    /// Who answers for the model.
    pub vendor: String,
    /// The pin.
    pub model: String,
    /// Calls at that volume.
    pub calls: u64,
    /// Input tokens at that volume, of the calls that reported them.
    pub input_tokens: u64,
    /// Output tokens.
    pub output_tokens: u64,
    /// Version of the price table; 0 is the package's own price. Absent without a price.
    pub price_version: Option<u32>,
    /// Of which currency.
    pub currency: Option<String>,
    /// What they cost; absent without a price.
    pub micros: Option<i64>,
    /// The model is built in: it costs nothing to call.
    pub built_in: bool,
}

/// What was measured of one model.
#[derive(Clone, Debug, Default)]
pub struct Measured {
    /// Who answers for the model.
    pub vendor: String,
    /// The pin.
    pub model: String,
    /// Model calls.
    pub calls: u64,
    /// Calls whose usage nobody reported.
    pub unreported: u64,
    /// Reported input tokens.
    pub input_tokens: u64,
    /// Reported output tokens.
    pub output_tokens: u64,
    /// The model is built in.
    pub built_in: bool,
}

/// These calls at `factor_milli` thousandths of their volume, at this price; nothing when a number leaves
/// 64 bits.
#[must_use]
pub fn at_volume(
    of: &Measured,
    price: Option<&TokenPrice>,
    factor_milli: i64,
) -> Option<PricedVolume> {
    let grown = |n: u64| -> Option<u64> {
        let n = mul_div(i64::try_from(n).ok()?, factor_milli, 1_000)?;
        u64::try_from(n).ok()
    };
    let usage = Usage {
        input_tokens: grown(of.input_tokens)?,
        output_tokens: grown(of.output_tokens)?,
    };
    let micros = match price {
        None => None,
        Some(price) => Some(price.cost(usage)?),
    };
    Some(PricedVolume {
        vendor: of.vendor.clone(),
        model: of.model.clone(),
        calls: grown(of.calls)?,
        input_tokens: usage.input_tokens,
        output_tokens: usage.output_tokens,
        price_version: price.map(|p| p.version),
        currency: price.map(|p| p.currency.clone()),
        micros,
        built_in: of.built_in,
    })
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests fail loudly")]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_rounding_leaves_goes_to_the_largest() {
        assert_eq!(shares(&[1, 1, 1]), [333_334, 333_333, 333_333]);
        assert_eq!(shares(&[5, 0]), [1_000_000, 0]);
        assert_eq!(shares(&[0, 0]), [0, 0]);
        assert_eq!(shares(&[]), Vec::<i64>::new());
    }

    proptest! {
        #[test]
        fn shares_add_up_to_the_whole(parts in prop::collection::vec(0_i64..1_000_000_000_000, 1..30)) {
            let all: i64 = shares(&parts).iter().sum();
            let whole = if parts.iter().any(|n| *n > 0) { WHOLE } else { 0 };
            prop_assert_eq!(all, whole);
        }
    }

    #[test]
    fn a_volume_is_a_number_of_times() {
        assert_eq!(factor("10x").unwrap(), 10_000);
        assert_eq!(factor(" 2.5x ").unwrap(), 2_500);
        assert_eq!(factor("0.001").unwrap(), 1);
        for bad in ["", "x", "tenx", "0", "-3x", "1001x", "0.0005x", "10xx"] {
            assert!(factor(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn volume_without_a_price_costs_an_unknown_sum_and_not_nothing() {
        let of = Measured {
            vendor: "maker".into(),
            model: "m-1".into(),
            calls: 3,
            unreported: 0,
            input_tokens: 1_500,
            output_tokens: 100,
            built_in: false,
        };
        let none = at_volume(&of, None, 10_000).unwrap();
        assert_eq!((none.micros, none.price_version), (None, None));
        let price = TokenPrice {
            currency: "EUR".into(),
            input_micros: 2_000_000,
            output_micros: 10_000_000,
            version: 4,
        };
        let ten = at_volume(&of, Some(&price), 10_000).unwrap();
        assert_eq!(
            (ten.calls, ten.input_tokens, ten.output_tokens),
            (30, 15_000, 1_000)
        );
        assert_eq!(
            (ten.micros, ten.price_version),
            (Some(15_000 * 2 + 1_000 * 10), Some(4))
        );
        assert_eq!(at_volume(&of, Some(&price), i64::MAX), None);
    }
}
