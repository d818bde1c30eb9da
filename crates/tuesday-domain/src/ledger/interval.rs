//! Where a true share lies: Wilson's score interval for one share (E. B. Wilson, Journal of the American
//! Statistical Association 22, 1927) and Newcombe's hybrid of two of them for a difference (R. G. Newcombe,
//! Statistics in Medicine 17, 1998, method 10). Both keep their coverage with few cases and at 0 and 1,
//! where the textbook interval does not.

/// The 0.975 quantile of the normal distribution: two-sided 95 %.
const Z: f64 = 1.959_963_984_540_054;

/// Parts of a whole, in millionths.
pub const WHOLE: i64 = 1_000_000;

#[expect(
    clippy::cast_precision_loss,
    reason = "counts of cases stay far below 2^52"
)]
fn wilson_f64(hits: u64, of: u64) -> (f64, f64) {
    if of == 0 {
        return (0.0, 1.0);
    }
    let (n, p) = (of as f64, hits.min(of) as f64 / of as f64);
    let z2 = Z * Z;
    let centre = (p + z2 / (2.0 * n)) / (1.0 + z2 / n);
    let half = Z / (1.0 + z2 / n) * (p * (1.0 - p) / n + z2 / (4.0 * n * n)).sqrt();
    ((centre - half).max(0.0), (centre + half).min(1.0))
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "a share times a million fits"
)]
fn ppm(share: f64) -> i64 {
    (share * 1e6).round() as i64
}

/// `hits` of `of` in millionths, rounded; nothing of nothing.
#[must_use]
pub fn share_ppm(hits: u64, of: u64) -> Option<i64> {
    let of = i64::try_from(of).ok()?;
    super::mul_div(i64::try_from(hits).ok()?, WHOLE, of)
}

/// The ends of the 95 % interval for `hits` of `of`, in millionths; the whole range without cases.
#[must_use]
pub fn wilson(hits: u64, of: u64) -> (i64, i64) {
    let (low, high) = wilson_f64(hits, of);
    (ppm(low), ppm(high))
}

/// The 95 % interval of `after - before`, in millionths; each side is hits of cases.
#[must_use]
#[expect(
    clippy::cast_precision_loss,
    reason = "counts of cases stay far below 2^52"
)]
pub fn difference(before: (u64, u64), after: (u64, u64)) -> Option<(i64, i64)> {
    if before.1 == 0 || after.1 == 0 {
        return None;
    }
    let share = |(hits, of): (u64, u64)| hits as f64 / of as f64;
    let (p, q) = (share(after), share(before));
    let ((l1, u1), (l2, u2)) = (wilson_f64(after.0, after.1), wilson_f64(before.0, before.1));
    let d = p - q;
    let low = d - ((p - l1).powi(2) + (u2 - q).powi(2)).sqrt();
    let high = d + ((u1 - p).powi(2) + (q - l2).powi(2)).sqrt();
    Some((ppm(low.max(-1.0)), ppm(high.min(1.0))))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn published_intervals_come_out() {
        // Newcombe 1998, table I, method 3: 81/263 is 0.2553 to 0.3662; 0/20 is 0 to 0.1611.
        assert_eq!(wilson(81, 263), (255_289, 366_210));
        assert_eq!(wilson(0, 20), (0, 161_125));
        assert_eq!(wilson(0, 0), (0, 1_000_000));
        // Newcombe 1998, table II, method 10: 56/70 - 48/80 is 0.0524 to 0.3339.
        let (low, high) = difference((48, 80), (56, 70)).unwrap_or_default();
        assert_eq!((low / 100, high / 100), (524, 3_338));
        assert_eq!(difference((0, 0), (1, 2)), None);
        assert_eq!(share_ppm(1, 3), Some(333_333));
        assert_eq!(share_ppm(0, 0), None);
    }
}
