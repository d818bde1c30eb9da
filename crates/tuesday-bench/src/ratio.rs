//! One place that turns counts into shares.

/// `part` by `whole`; zero when there is no whole.
#[must_use]
#[expect(
    clippy::cast_precision_loss,
    reason = "nothing here is counted to 2^52"
)]
pub fn ratio(part: usize, whole: usize) -> f64 {
    if whole == 0 {
        0.0
    } else {
        part as f64 / whole as f64
    }
}
