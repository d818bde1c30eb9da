//! What training says about the model. Every figure comes from rows that the scored model was not fitted on.

use serde::{Deserialize, Serialize};

/// The figures of one training. Shares lie between 0 and 1 and are rounded to six digits.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TrainReport {
    /// Training rows.
    pub rows: u32,
    /// Rows of each label, by label.
    pub labels: Vec<LabelRows>,
    /// Folds behind the figures.
    pub folds: u32,
    /// Columns the stored model uses.
    pub columns_used: u32,
    /// The penalty that was used: the declared one, or the one that was picked.
    pub l2: f64,
    /// What scores are divided by before they become probabilities.
    pub temperature: f64,
    /// Share of rows whose best label is right.
    pub accuracy: f64,
    /// Share of rows whose right label is among the best three.
    pub top3: f64,
    /// Mean negative log likelihood in nats, with the temperature.
    pub nll: f64,
    /// The same without the temperature.
    pub nll_uncalibrated: f64,
    /// Expected calibration error over fifteen ranges of equal width, with the temperature.
    pub ece: f64,
    /// The same without the temperature.
    pub ece_uncalibrated: f64,
    /// The same with, for each fold, a temperature that was chosen on the other folds: whether calibration carries over.
    pub ece_carried_over: f64,
    /// Said and real confidence by range.
    pub reliability: Vec<ReliabilityBin>,
    /// Where to cut for a wanted share of right answers, ascending by `wanted`.
    pub cutoffs: Vec<Cutoff>,
    /// Figures of the rarer label when there are two labels.
    pub binary: Option<BinaryReport>,
}

/// Rows of one label.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LabelRows {
    /// The label.
    pub label: String,
    /// Its rows.
    pub rows: u32,
    /// Out-of-fold rows of it that were answered right.
    pub right: u32,
}

/// One range of confidences.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReliabilityBin {
    /// Lower end, not included but for 0.
    pub from: f64,
    /// Upper end, included.
    pub to: f64,
    /// Rows in the range.
    pub rows: u32,
    /// Their mean confidence; 0 without rows.
    pub confidence: f64,
    /// The share of them that is right; 0 without rows.
    pub accuracy: f64,
}

/// A cut-off for a wanted share of right answers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Cutoff {
    /// The wanted share of right answers among those at or above the cut-off.
    pub wanted: f64,
    /// The lowest confidence that gives it; `None` when none does.
    pub at: Option<f64>,
    /// Share of all rows at or above it.
    pub share: f64,
    /// Share of those that is right.
    pub right: f64,
}

/// Figures for one of two labels, as needed where a model decides whether two records match.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BinaryReport {
    /// The rarer label.
    pub label: String,
    /// Chance that a row of this label gets a higher probability than one of the other.
    pub auroc: f64,
    /// Probability of this label from which saying it gives the best F1, or within a hundredth of it where that is wide.
    pub best_at: f64,
    /// Precision there.
    pub precision: f64,
    /// Recall there.
    pub recall: f64,
    /// Harmonic mean of the two.
    pub f1: f64,
}

/// Rounds to six digits: enough to read, and short enough to come back from JSON as the same number.
pub(super) fn rounded(value: f64) -> f64 {
    (value * 1e6).round() / 1e6
}

/// Rounds down to six digits, for cut-offs: the row a cut-off was taken from must stay above it.
pub(super) fn rounded_down(value: f64) -> f64 {
    (value * 1e6).floor() / 1e6
}
