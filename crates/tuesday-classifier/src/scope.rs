//! Tells how much a record looks like the ones the model was trained on, without any example of what is out of scope.

use super::calibrate::{Scored, best};
use super::math::count;

/// Steps of the stored distribution.
const STEPS: usize = 200;

/// The spread of a familiarity score over out-of-fold training rows.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Scope {
    /// The score at even steps of rank, ascending.
    pub(super) steps: Vec<f64>,
}

/// Familiarity of a scored record: how far its best score stands above the mean score. Only its order means something.
///
/// Unlike the confidence it does not suffer from two labels that are both likely, which is doubt about the label and not
/// about the scope; and a text of unknown words scores low everywhere.
pub(super) fn familiarity(logits: &[f64]) -> f64 {
    logits[best(logits)] - logits.iter().sum::<f64>() / count(logits.len())
}

impl Scope {
    /// Learns the spread from rows that the scoring model was not fitted on.
    pub(super) fn learn(rows: &[Scored]) -> Self {
        let mut scores: Vec<f64> = rows.iter().map(|row| familiarity(&row.logits)).collect();
        scores.sort_unstable_by(f64::total_cmp);
        let last = scores.len().saturating_sub(1);
        Self {
            steps: (0..=STEPS)
                .filter_map(|step| scores.get(last * step / STEPS).copied())
                .collect(),
        }
    }

    /// Share of training rows that looked no more familiar than this score, 0 to 1.
    pub(super) fn rank(&self, score: f64) -> f64 {
        let below = self.steps.partition_point(|step| *step <= score);
        let (Some(low), Some(high)) =
            (self.steps.get(below.wrapping_sub(1)), self.steps.get(below))
        else {
            return if below == 0 { 0.0 } else { 1.0 };
        };
        let within = (score - low) / (high - low);
        (count(below - 1) + within) / count(self.steps.len() - 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rank_is_the_share_of_rows_below() {
        let rows: Vec<Scored> = (0..=400_u16)
            .map(|n| Scored {
                logits: vec![f64::from(n) / 50.0, 0.0],
                truth: 0,
                fold: 0,
            })
            .collect();
        let scope = Scope::learn(&rows);
        for (logit, share) in [(2.0, 0.25), (4.0, 0.5), (6.0, 0.75)] {
            let rank = scope.rank(familiarity(&[logit, 0.0]));
            assert!((rank - share).abs() < 0.01, "{logit}: {rank}");
        }
        assert!(scope.rank(-1.0).abs() < 1e-12 && (scope.rank(9.0) - 1.0).abs() < 1e-12);
    }

    #[test]
    fn doubt_between_two_labels_is_not_foreign() {
        assert!(familiarity(&[4.0, 4.0, 0.0, 0.0]) > familiarity(&[1.0, 0.0, 0.0, 0.0]));
    }
}
