//! The measures: accuracy, calibration, separation, precision and recall.

use tuesday_bench::ratio;

/// Ranges of the calibration error.
const BINS: usize = 15;

/// Share of what is true.
pub(super) fn share(of: impl IntoIterator<Item = bool>) -> f64 {
    let (mut yes, mut all) = (0_usize, 0_usize);
    for one in of {
        yes += usize::from(one);
        all += 1;
    }
    ratio(yes, all)
}

/// What was said in one range of confidence: rows, the sum of confidences, how many were right, and
/// the variance of that number if every confidence meant what it says.
#[derive(Clone, Copy, Default)]
struct Bin {
    rows: usize,
    said: f64,
    right: usize,
    variance: f64,
}

/// Fifteen ranges of equal width.
fn bins(said: &[(f64, bool)]) -> Vec<Bin> {
    let mut bins = vec![Bin::default(); BINS];
    for (confidence, right) in said {
        let at = (1..BINS)
            .take_while(|n| *confidence > ratio(*n, BINS))
            .count();
        if let Some(bin) = bins.get_mut(at) {
            bin.rows += 1;
            bin.said += confidence;
            bin.right += usize::from(*right);
            bin.variance += confidence * (1.0 - confidence);
        }
    }
    bins
}

/// Expected calibration error over fifteen ranges of equal width; pairs of confidence and being right.
pub(super) fn calibration_error(said: &[(f64, bool)]) -> f64 {
    bins(said)
        .iter()
        .map(|b| (b.said - ratio(b.right, 1)).abs() / ratio(said.len(), 1))
        .sum()
}

/// The calibration error that perfectly calibrated confidences would show on so many rows: the mean
/// distance of a normal variable from its mean is its deviation times the root of 2/pi.
pub(super) fn calibration_by_chance(said: &[(f64, bool)]) -> f64 {
    let mean_distance = std::f64::consts::FRAC_2_PI.sqrt();
    bins(said)
        .iter()
        .map(|b| b.variance.sqrt() * mean_distance / ratio(said.len(), 1))
        .sum()
}

/// Chance that a positive scores above a negative; ties count half. Pairs of score and being positive.
pub(super) fn auroc(scored: &[(f64, bool)]) -> f64 {
    let mut sorted = scored.to_vec();
    sorted.sort_by(|a, b| a.0.total_cmp(&b.0));
    let (mut below, mut won) = (0_usize, 0.0);
    for tie in sorted.chunk_by(|a, b| a.0.total_cmp(&b.0).is_eq()) {
        let positives = tie.iter().filter(|t| t.1).count();
        let negatives = tie.len() - positives;
        won += ratio(positives, 1) * (ratio(below, 1) + ratio(negatives, 2));
        below += negatives;
    }
    let positives = sorted.len() - below;
    won / (ratio(positives, 1) * ratio(below, 1))
}

/// Precision, recall and F1.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Found {
    pub(super) precision: f64,
    pub(super) recall: f64,
    pub(super) f1: f64,
}

/// `right` of `said` are among the `truth` that there was to find.
pub(super) fn found(right: usize, said: usize, truth: usize) -> Found {
    let (precision, recall) = (ratio(right, said), ratio(right, truth));
    let f1 = if right == 0 {
        0.0
    } else {
        2.0 * precision * recall / (precision + recall)
    };
    Found {
        precision,
        recall,
        f1,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn near(a: f64, b: f64) -> bool {
        (a - b).abs() < 1e-9
    }

    #[test]
    fn separation_counts_pairs_and_halves_ties() {
        assert!(near(auroc(&[(0.1, false), (0.9, true)]), 1.0));
        assert!(near(auroc(&[(0.9, false), (0.1, true)]), 0.0));
        assert!(near(auroc(&[(0.5, false), (0.5, true)]), 0.5));
        assert!(near(
            auroc(&[(0.1, false), (0.4, true), (0.35, false), (0.3, true)]),
            0.75
        ));
    }

    #[test]
    fn calibration_is_the_gap_between_saying_and_being_right() {
        let said = [(0.9, true), (0.9, true), (0.9, false), (0.9, true)];
        assert!(near(calibration_error(&said), 0.15));
        assert!(near(
            calibration_error(&[(1.0, true), (0.01, false)]),
            0.005
        ));
    }

    #[test]
    fn chance_alone_gives_a_gap_that_shrinks_with_the_rows() {
        // One coin: the gap is a half, whichever side it falls; the normal estimate is near it.
        assert!((calibration_by_chance(&[(0.5, true)]) - 0.399).abs() < 1e-3);
        let many: Vec<(f64, bool)> = (0..400).map(|n| (0.5, n % 2 == 0)).collect();
        assert!((calibration_by_chance(&many) - 0.399 / 20.0).abs() < 1e-3);
    }

    #[test]
    fn precision_and_recall() {
        let f = found(2, 4, 3);
        assert!(near(f.precision, 0.5) && near(f.recall, 2.0 / 3.0) && near(f.f1, 4.0 / 7.0));
        assert_eq!(found(0, 0, 5).f1.to_bits(), 0.0_f64.to_bits());
    }
}
