//! Exact binomial probabilities and intervals: how sure one can be of a share that was counted.
//!
//! C. J. Clopper and E. S. Pearson, "The use of confidence or fiducial limits illustrated in the
//! case of the binomial", Biometrika 26 (1934). The interval never covers less than it says.

/// Halvings of the search for a bound; 60 leave an error below 1e-18.
const HALVINGS: u32 = 60;

/// A term that adds less than this part of the sum so far ends it: what follows falls at least as fast.
const NEGLIGIBLE: f64 = 1e-18;

/// The probability of at most `k` hits in `n` tries of probability `p`. Summed from `k` away from the mean,
/// so that a baseline of a million runs takes about as many terms as its standard deviation is wide.
#[must_use]
pub fn binomial_cdf(k: u64, n: u64, p: f64) -> f64 {
    if k >= n || p <= 0.0 {
        return 1.0;
    }
    if p >= 1.0 {
        return 0.0;
    }
    let odds = p / (1.0 - p);
    let sum = if real(k) <= real(n) * p {
        // Each term going down is so much smaller than the one above it.
        let down = (0..k).rev().map(|i| real(i + 1) / real(n - i) / odds);
        falling(exactly(k, n, p), down)
    } else {
        let up = (k + 1..n).map(|i| real(n - i) / real(i + 1) * odds);
        1.0 - falling(exactly(k + 1, n, p), up)
    };
    sum.clamp(0.0, 1.0)
}

#[expect(
    clippy::cast_precision_loss,
    reason = "counts of runs are far below 2^52"
)]
const fn real(n: u64) -> f64 {
    n as f64
}

/// The probability of exactly `k` hits.
fn exactly(k: u64, n: u64, p: f64) -> f64 {
    let factorial = |n: u64| libm::lgamma(real(n) + 1.0);
    let ways = factorial(n) - factorial(k) - factorial(n - k);
    (ways + real(k) * p.ln() + real(n - k) * (-p).ln_1p()).exp()
}

/// The sum of terms of which each is a part of the one before it.
fn falling(first: f64, parts: impl Iterator<Item = f64>) -> f64 {
    let (mut term, mut sum) = (first, first);
    for part in parts {
        term *= part;
        sum += term;
        if term <= sum * NEGLIGIBLE {
            break;
        }
    }
    sum
}

/// The exact two-sided interval for a share of `k` in `n` at a confidence such as 0.95; nothing is
/// known of an empty sample, so it gives 0 to 1.
#[must_use]
pub fn clopper_pearson(k: u64, n: u64, confidence: f64) -> (f64, f64) {
    let tail = (1.0 - confidence) / 2.0;
    let low = if k == 0 {
        0.0
    } else {
        // The share at which k or more hits are as rare as the tail.
        bisect(|p| 1.0 - binomial_cdf(k - 1, n, p) < tail)
    };
    let high = if k >= n {
        1.0
    } else {
        bisect(|p| binomial_cdf(k, n, p) > tail)
    };
    (low, high)
}

/// The one-sided upper bound for a share of `k` in `n`.
#[must_use]
pub(crate) fn upper_bound(k: u64, n: u64, confidence: f64) -> f64 {
    if k >= n {
        return 1.0;
    }
    bisect(|p| binomial_cdf(k, n, p) > 1.0 - confidence)
}

/// The point up to which `holds` is true.
fn bisect(holds: impl Fn(f64) -> bool) -> f64 {
    let (mut low, mut high) = (0.0, 1.0);
    for _ in 0..HALVINGS {
        let middle = f64::midpoint(low, high);
        if holds(middle) {
            low = middle
        } else {
            high = middle
        }
    }
    f64::midpoint(low, high)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn near(a: f64, b: f64) -> bool {
        (a - b).abs() < 5e-4
    }

    /// Textbook values: 0 of 10 is 0 to 0.3085, 3 of 10 is 0.0667 to 0.6525, 5 of 100 is 0.0164 to
    /// 0.1128.
    #[test]
    fn intervals_of_the_textbooks() {
        for (k, n, low, high) in [
            (0, 10, 0.0, 0.3085),
            (3, 10, 0.0667, 0.6525),
            (5, 100, 0.0164, 0.1128),
            (10, 10, 0.6915, 1.0),
        ] {
            let (l, h) = clopper_pearson(k, n, 0.95);
            assert!(near(l, low) && near(h, high), "{k} of {n}: {l} to {h}");
        }
        assert_eq!(clopper_pearson(0, 0, 0.95), (0.0, 1.0));
    }

    #[test]
    fn the_rule_of_three() {
        // No error in 149 cases: below 2 % at 95 % confidence, and 148 are one too few.
        assert!(upper_bound(0, 149, 0.95) <= 0.02);
        assert!(upper_bound(0, 148, 0.95) > 0.02);
        assert!(near(binomial_cdf(2, 4, 0.5), 0.6875));
    }

    /// The plain definition, term by term from none on.
    fn by_definition(k: u64, n: u64, p: f64) -> f64 {
        let mut term = real(n) * (-p).ln_1p();
        let mut sum = term.exp();
        for i in 0..k {
            term += (real(n - i) / real(i + 1)).ln() + (p / (1.0 - p)).ln();
            sum += term.exp();
        }
        sum
    }

    #[test]
    fn the_short_sum_is_the_long_one() {
        for n in [1_u64, 2, 7, 60, 4_000, 40_000] {
            for share in [0, 1, 9, 10, 50, 90, 99, 100] {
                for p in [1e-9, 0.001, 0.1, 0.499, 0.5, 0.9, 0.999_9] {
                    let k = (n * share / 100).min(n - 1);
                    let (short, long) = (binomial_cdf(k, n, p), by_definition(k, n, p));
                    // Forty thousand logarithms one after the other lose as many digits.
                    let apart = (short - long).abs();
                    assert!(apart < 1e-8, "{k} of {n} at {p}: {short}, {long}");
                }
            }
        }
    }

    /// Values of a plain sum of 14 standard deviations in another language.
    #[test]
    fn a_million_runs_have_a_narrow_interval() {
        let (low, high) = clopper_pearson(100_000, 1_000_000, 0.95);
        assert!((low - 0.099_412_669_9).abs() < 1e-9, "{low}");
        assert!((high - 0.100_589_648_2).abs() < 1e-9, "{high}");
    }
}
