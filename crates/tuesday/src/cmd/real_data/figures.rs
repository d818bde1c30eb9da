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

/// Expected calibration error over fifteen ranges of equal width; pairs of confidence and being right.
pub(super) fn calibration_error(said: &[(f64, bool)]) -> f64 {
    let mut bins = vec![(0.0, 0_usize, 0_usize); BINS];
    for (confidence, right) in said {
        let at = (1..BINS)
            .take_while(|n| *confidence > ratio(*n, BINS))
            .count();
        if let Some(bin) = bins.get_mut(at) {
            *bin = (bin.0 + confidence, bin.1 + usize::from(*right), bin.2 + 1);
        }
    }
    bins.iter()
        .filter(|b| b.2 > 0)
        .map(|(sum, right, all)| {
            (sum / ratio(*all, 1) - ratio(*right, *all)).abs() * ratio(*all, said.len())
        })
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
    fn precision_and_recall() {
        let f = found(2, 4, 3);
        assert!(near(f.precision, 0.5) && near(f.recall, 2.0 / 3.0) && near(f.f1, 4.0 / 7.0));
        assert_eq!(found(0, 0, 5).f1.to_bits(), 0.0_f64.to_bits());
    }
}
