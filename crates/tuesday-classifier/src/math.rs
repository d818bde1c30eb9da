//! Exponential, logarithm, hash and shuffle with one result on every machine.
//!
//! The standard `exp` and `ln` come from the system's C library and differ in the last bit between systems; an artefact
//! must not. Addition, multiplication, division and square root are exact by IEEE 754, so everything here is built of them.

const LN_2_HIGH: f64 = 6.931_471_803_691_238e-1;
const LN_2_LOW: f64 = 1.908_214_929_270_587_7e-10;

/// `e` to the power of `x`, relative error below 1e-15 or so; underflows to 0 below -708, saturates above 709.
pub(super) fn exp(x: f64) -> f64 {
    if x.is_nan() {
        return x;
    }
    if x < -708.0 {
        return 0.0;
    }
    let x = x.min(709.0);
    let power = (x * std::f64::consts::LOG2_E + 0.5).floor();
    let rest = (x - power * LN_2_HIGH) - power * LN_2_LOW;
    // Taylor series on [-0.35, 0.35]: the term after the last is below 1e-16.
    let mut sum = 1.0;
    for n in (1..=13_u8).rev() {
        sum = 1.0 + sum * rest / f64::from(n);
    }
    #[expect(
        clippy::cast_possible_truncation,
        reason = "power lies between -1022 and 1023 by the limits above"
    )]
    let exponent = power as i64;
    sum * f64::from_bits(u64::try_from(exponent + 1023).unwrap_or(0) << 52)
}

/// `e` to the power of `x` for `x` from -87 to 0 in single precision, relative error below 1e-6; anything lower counts as
/// -87. Without a branch, so that a loop over many values runs on several at once.
pub(super) fn exp_fast(x: f32) -> f32 {
    // Adding this pushes the fraction out of the mantissa, which leaves the nearest whole number in its low bits.
    const ROUND: f32 = 12_582_912.0;
    let x = x.max(-87.0);
    let shifted = x * std::f32::consts::LOG2_E + ROUND;
    let power = shifted - ROUND;
    let rest = x - power * std::f32::consts::LN_2;
    let sum = 1.0 / 120.0 + rest * (1.0 / 720.0);
    let sum =
        1.0 + rest * (1.0 + rest * (0.5 + rest * (1.0 / 6.0 + rest * (1.0 / 24.0 + rest * sum))));
    let exponent = shifted.to_bits().wrapping_sub(ROUND.to_bits());
    f32::from_bits(sum.to_bits().wrapping_add(exponent << 23))
}

/// Natural logarithm of a positive normal number; NaN for anything else.
pub(super) fn ln(x: f64) -> f64 {
    if !x.is_normal() || x < 0.0 {
        return f64::NAN;
    }
    let bits = x.to_bits();
    let mut exponent = i32::try_from((bits >> 52) & 0x7ff).unwrap_or(0) - 1023;
    let mut mantissa = f64::from_bits((bits & 0x000f_ffff_ffff_ffff) | (1023 << 52));
    if mantissa > std::f64::consts::SQRT_2 {
        mantissa *= 0.5;
        exponent += 1;
    }
    // ln m = 2 artanh((m-1)/(m+1)), whose series converges fast for m near one.
    let ratio = (mantissa - 1.0) / (mantissa + 1.0);
    let square = ratio * ratio;
    let mut sum = 0.0;
    for n in (0..=11_u8).rev() {
        sum = sum * square + 1.0 / f64::from(2 * n + 1);
    }
    let exponent = f64::from(exponent);
    exponent * LN_2_HIGH + (2.0 * ratio * sum + exponent * LN_2_LOW)
}

/// One step of a stable 64-bit string hash (FNV-1a); start from [`HASH_START`] or from an earlier result.
pub(super) fn hash(state: u64, bytes: &[u8]) -> u64 {
    bytes.iter().fold(state, |state, byte| {
        (state ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3)
    })
}

/// The first state of [`hash`].
pub(super) const HASH_START: u64 = 0xcbf2_9ce4_8422_2325;

/// Spreads a hash over all 64 bits, because FNV leaves the upper ones weak on short strings.
pub(super) fn mix(mut x: u64) -> u64 {
    x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    x ^ (x >> 31)
}

/// Maps a hash to `0..columns` without the bias of a remainder.
pub(super) fn column(hash: u64, columns: u32) -> u32 {
    let wide = (mix(hash) >> 32) * u64::from(columns);
    u32::try_from(wide >> 32).unwrap_or(0)
}

/// Shuffles in place by `seed` alone.
pub(super) fn shuffle(items: &mut [u32], seed: u64) {
    let mut state = seed;
    for last in (1..items.len()).rev() {
        state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let bound = u64::try_from(last + 1).unwrap_or(1);
        let other = ((mix(state) >> 32) * bound) >> 32;
        items.swap(last, usize::try_from(other).unwrap_or(last));
    }
}

/// Turns logits into probabilities in place, divided by `temperature` first.
pub(super) fn softmax(logits: &mut [f64], temperature: f64) {
    let top = logits.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let mut sum = 0.0;
    for logit in logits.iter_mut() {
        *logit = exp((*logit - top) / temperature);
        sum += *logit;
    }
    for logit in logits.iter_mut() {
        *logit /= sum;
    }
}

/// A length as a float.
#[expect(
    clippy::cast_precision_loss,
    reason = "lengths here are far below 2^52"
)]
pub(super) fn count(n: usize) -> f64 {
    n as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exp_and_ln_agree_with_the_system_to_fourteen_digits() {
        for step in -4000..4000 {
            let x = f64::from(step) * 0.17;
            assert!((exp(x) / x.exp() - 1.0).abs() < 1e-13, "exp({x})");
            let y = x.exp();
            assert!((ln(y) - x).abs() < 1e-13 * x.abs().max(1.0), "ln({y})");
        }
        assert!(ln(0.0).is_nan() && ln(-1.0).is_nan());
        assert_eq!(exp(-800.0).to_bits(), 0.0_f64.to_bits());
    }

    #[test]
    fn the_fast_exp_is_close_and_bounded_below() {
        for step in 0..8700_u16 {
            let x = -f32::from(step) * 0.01;
            assert!((exp_fast(x) / x.exp() - 1.0).abs() < 2e-5, "exp({x})");
        }
        assert!(exp_fast(-1e9) < 1e-37 && exp_fast(f32::NEG_INFINITY) < 1e-37);
        assert_eq!(exp_fast(0.0).to_bits(), 1.0_f32.to_bits());
    }

    #[test]
    fn the_shuffle_is_a_permutation_that_the_seed_decides() {
        let (mut one, mut two, mut three) = ([0; 50], [0; 50], [0; 50]);
        for (items, seed) in [(&mut one, 1), (&mut two, 1), (&mut three, 2)] {
            for (place, item) in (0_u32..).zip(items.iter_mut()) {
                *item = place;
            }
            shuffle(items, seed);
        }
        assert_eq!(one, two);
        assert_ne!(one, three);
        one.sort_unstable();
        assert!((0_u32..).zip(one).all(|(place, item)| place == item));
    }

    #[test]
    fn softmax_survives_large_logits_and_sums_to_one() {
        let mut logits = [1000.0, 999.0, -1000.0];
        softmax(&mut logits, 2.0);
        assert!((logits.iter().sum::<f64>() - 1.0).abs() < 1e-12);
        assert!((logits[0] / logits[1] - 0.5_f64.exp()).abs() < 1e-9);
    }
}
