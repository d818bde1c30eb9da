//! Exact binomial probabilities and intervals: how sure one can be of a share that was counted.
//!
//! C. J. Clopper and E. S. Pearson, "The use of confidence or fiducial limits illustrated in the
//! case of the binomial", Biometrika 26 (1934). The interval never covers less than it says.

/// Halvings of the search for a bound; 60 leave an error below 1e-18.
const HALVINGS: u32 = 60;

/// The probability of at most `k` hits in `n` tries of probability `p`.
#[must_use]
#[expect(
    clippy::cast_precision_loss,
    reason = "counts of runs are far below 2^52"
)]
pub fn binomial_cdf(k: u64, n: u64, p: f64) -> f64 {
    if k >= n || p <= 0.0 {
        return 1.0;
    }
    if p >= 1.0 {
        return 0.0;
    }
    let odds = (p / (1.0 - p)).ln();
    let mut term = n as f64 * (-p).ln_1p();
    let mut sum = term.exp();
    for i in 0..k {
        term += ((n - i) as f64 / (i + 1) as f64).ln() + odds;
        sum += term.exp();
    }
    sum.min(1.0)
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
}
