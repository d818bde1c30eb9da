//! Makes confidences mean what they say: one temperature, chosen on out-of-fold scores, and the figures that prove it.

use super::math::{exp, ln, softmax};
use super::report::{BinaryReport, Cutoff, ReliabilityBin, rounded, rounded_down};

/// Ranges of the calibration error, as is usual.
const BINS: u32 = 15;
const WANTED: [f64; 4] = [0.90, 0.95, 0.98, 0.99];

/// One row as scored by a model that was not fitted on it.
#[derive(Debug, Clone)]
pub(super) struct Scored {
    /// Scores, one for each label.
    pub(super) logits: Vec<f64>,
    /// The right label.
    pub(super) truth: usize,
    /// The fold it was held out in.
    pub(super) fold: u32,
}

/// What is said about a row, and whether it is right.
#[derive(Debug, Clone, Copy)]
pub(super) struct Said {
    pub(super) confidence: f64,
    pub(super) right: bool,
}

/// Negative log likelihood of the right label, in nats.
fn surprise(row: &Scored, temperature: f64) -> f64 {
    let top = row.logits.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let sum: f64 = row
        .logits
        .iter()
        .map(|logit| exp((logit - top) / temperature))
        .sum();
    ln(sum) - (row.logits[row.truth] - top) / temperature
}

/// Mean negative log likelihood; 0 without rows.
pub(super) fn nll<'a>(rows: impl Iterator<Item = &'a Scored>, temperature: f64) -> f64 {
    let (sum, count) = rows.fold((0.0, 0.0), |(sum, count), row| {
        (sum + surprise(row, temperature), count + 1.0)
    });
    if count > 0.0 { sum / count } else { 0.0 }
}

/// The temperature with the least negative log likelihood, between 0.02 and 50, by golden section over its logarithm.
pub(super) fn temperature(rows: &[&Scored]) -> f64 {
    let loss = |log: f64| nll(rows.iter().copied(), exp(log));
    let golden = (5.0_f64.sqrt() - 1.0) / 2.0;
    let (mut low, mut high) = (ln(0.02), ln(50.0));
    let (mut left, mut right) = (high - golden * (high - low), low + golden * (high - low));
    let (mut at_left, mut at_right) = (loss(left), loss(right));
    for _ in 0..22 {
        if at_left < at_right {
            high = right;
            (right, at_right) = (left, at_left);
            left = high - golden * (high - low);
            at_left = loss(left);
        } else {
            low = left;
            (left, at_left) = (right, at_right);
            right = low + golden * (high - low);
            at_right = loss(right);
        }
    }
    exp((low + high) / 2.0)
}

/// Place of the largest score; the first of equals.
pub(super) fn best(scores: &[f64]) -> usize {
    scores.iter().enumerate().fold(
        0,
        |best, (place, score)| if *score > scores[best] { place } else { best },
    )
}

/// What a model with this temperature says about a row.
pub(super) fn said(row: &Scored, temperature: f64) -> Said {
    let mut chances = row.logits.clone();
    softmax(&mut chances, temperature);
    let best = best(&chances);
    Said {
        confidence: chances[best],
        right: best == row.truth,
    }
}

/// Whether the right label is among the best three.
pub(super) fn in_top3(row: &Scored) -> bool {
    let own = row.logits[row.truth];
    row.logits.iter().filter(|logit| **logit > own).count() < 3
}

/// Confidence against truth, by range of confidence.
pub(super) fn reliability(said: &[Said]) -> Vec<ReliabilityBin> {
    let width = 1.0 / f64::from(BINS);
    (0..BINS)
        .map(|bin| {
            let (from, to) = (f64::from(bin) * width, f64::from(bin + 1) * width);
            let inside = said.iter().filter(|said| {
                (said.confidence > from || bin == 0) && (said.confidence <= to || bin + 1 == BINS)
            });
            let (rows, sum, right) =
                inside.fold((0_u32, 0.0, 0_u32), |(rows, sum, right), said| {
                    (
                        rows + 1,
                        sum + said.confidence,
                        right + u32::from(said.right),
                    )
                });
            let mean = |sum: f64| {
                if rows > 0 {
                    rounded(sum / f64::from(rows))
                } else {
                    0.0
                }
            };
            let (confidence, accuracy) = (mean(sum), mean(f64::from(right)));
            ReliabilityBin {
                from: rounded(from),
                to: rounded(to),
                rows,
                confidence,
                accuracy,
            }
        })
        .collect()
}

/// Expected calibration error: the mean gap between said and real, weighted by rows.
pub(super) fn ece(bins: &[ReliabilityBin]) -> f64 {
    let rows: u32 = bins.iter().map(|bin| bin.rows).sum();
    let gaps: f64 = bins
        .iter()
        .map(|bin| f64::from(bin.rows) * (bin.confidence - bin.accuracy).abs())
        .sum();
    if rows > 0 {
        gaps / f64::from(rows)
    } else {
        0.0
    }
}

/// The lowest cut-offs that give the wanted shares of right answers.
pub(super) fn cutoffs(said: &[Said]) -> Vec<Cutoff> {
    let mut said = said.to_vec();
    said.sort_by(|a, b| b.confidence.total_cmp(&a.confidence));
    let total = f64::from(u32::try_from(said.len()).unwrap_or(u32::MAX));
    WANTED
        .iter()
        .map(|wanted| {
            let mut found = Cutoff {
                wanted: *wanted,
                at: None,
                share: 0.0,
                right: 0.0,
            };
            let (mut rows, mut right) = (0_u32, 0_u32);
            for (place, row) in said.iter().enumerate() {
                rows += 1;
                right += u32::from(row.right);
                // Rounded down, the cut-off keeps this row; it may not let the next one in.
                let at = rounded_down(row.confidence);
                let parts = said.get(place + 1).is_none_or(|next| next.confidence < at);
                if parts && f64::from(right) >= wanted * f64::from(rows) {
                    let (share, right) =
                        (f64::from(rows) / total, f64::from(right) / f64::from(rows));
                    found = Cutoff {
                        wanted: *wanted,
                        at: Some(at),
                        share: rounded(share),
                        right: rounded(right),
                    };
                }
            }
            found
        })
        .collect()
}

/// AUROC and the best F1 of `label` when there are two labels.
pub(super) fn binary(rows: &[Scored], temperature: f64, label: usize, name: &str) -> BinaryReport {
    let mut chances: Vec<(f64, bool)> = rows
        .iter()
        .map(|row| {
            let mut chances = row.logits.clone();
            softmax(&mut chances, temperature);
            (chances[label], row.truth == label)
        })
        .collect();
    chances.sort_by(|a, b| b.0.total_cmp(&a.0));
    let of_label = f64::from(
        u32::try_from(chances.iter().filter(|chance| chance.1).count()).unwrap_or(u32::MAX),
    );
    let (mut hits, mut said, mut curve) = (0.0, 0.0, Vec::new());
    for (place, (chance, right)) in chances.iter().enumerate() {
        said += 1.0;
        hits += f64::from(u8::from(*right));
        if chances.get(place + 1).is_none_or(|next| next.0 < *chance) {
            curve.push((
                2.0 * hits / (said + of_label),
                *chance,
                hits / said,
                hits / of_label,
            ));
        }
    }
    let best = middle_of_the_top(&curve);
    BinaryReport {
        label: name.to_owned(),
        auroc: rounded(auroc(&chances)),
        best_at: rounded_down(best.1),
        precision: rounded(best.2),
        recall: rounded(best.3),
        f1: rounded(best.0),
    }
}

/// The point in the middle of those whose F1 is as good as the best, give or take a hundredth: the very best point of a
/// flat and ragged curve is an accident of the rows.
fn middle_of_the_top(curve: &[(f64, f64, f64, f64)]) -> (f64, f64, f64, f64) {
    let most = curve.iter().map(|point| point.0).fold(0.0, f64::max);
    let top: Vec<_> = curve
        .iter()
        .filter(|point| point.0 >= most * 0.99)
        .collect();
    top.get(top.len() / 2)
        .map_or((0.0, 1.0, 0.0, 0.0), |point| **point)
}

/// Area under the ROC curve of chances sorted from high to low; equal chances count half.
fn auroc(sorted: &[(f64, bool)]) -> f64 {
    let (mut yes, mut no, mut area) = (0.0, 0.0, 0.0);
    for group in sorted.chunk_by(|a, b| a.0.to_bits() == b.0.to_bits()) {
        let hits: f64 = group
            .iter()
            .map(|chance| f64::from(u8::from(chance.1)))
            .sum();
        let misses: f64 = group
            .iter()
            .map(|chance| f64::from(u8::from(!chance.1)))
            .sum();
        area += misses * (yes + hits / 2.0);
        yes += hits;
        no += misses;
    }
    if yes * no > 0.0 {
        area / (yes * no)
    } else {
        0.5
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(logits: [f64; 2], truth: usize) -> Scored {
        Scored {
            logits: logits.to_vec(),
            truth,
            fold: 0,
        }
    }

    #[test]
    fn the_temperature_undoes_overconfidence() {
        // Three of four rows are right, so the honest confidence is 0.75 and the score gap ln 3; the rows say 5 ln 3.
        let gap = 5.0 * ln(3.0);
        let rows = [
            row([gap, 0.0], 0),
            row([gap, 0.0], 0),
            row([gap, 0.0], 0),
            row([gap, 0.0], 1),
        ];
        let found = temperature(&rows.iter().collect::<Vec<_>>());
        assert!((found - 5.0).abs() < 0.01, "{found}");
        assert!((said(&rows[0], found).confidence - 0.75).abs() < 1e-3);
    }

    #[test]
    fn the_calibration_error_is_the_gap() {
        let said: Vec<Said> = (0..10)
            .map(|n| Said {
                confidence: 0.9,
                right: n < 6,
            })
            .collect();
        assert!((ece(&reliability(&said)) - 0.3).abs() < 1e-6);
        assert_eq!(
            reliability(&[Said {
                confidence: 1.0,
                right: true
            }])[14]
                .rows,
            1
        );
    }

    #[test]
    fn the_cutoff_takes_the_largest_share_that_is_right_enough() {
        let mut said: Vec<Said> = (0..98)
            .map(|n| Said {
                confidence: 0.99 - f64::from(n) * 1e-3,
                right: true,
            })
            .collect();
        said.push(Said {
            confidence: 0.5,
            right: false,
        });
        said.push(Said {
            confidence: 0.4,
            right: false,
        });
        let cutoffs = cutoffs(&said);
        assert_eq!(cutoffs[2].wanted.to_bits(), 0.98_f64.to_bits());
        assert!((cutoffs[2].share - 1.0).abs() < 1e-9 && (cutoffs[3].share - 0.98).abs() < 0.011);
        let none = super::cutoffs(&[Said {
            confidence: 0.7,
            right: false,
        }]);
        assert!(none.iter().all(|cutoff| cutoff.at.is_none()));
    }

    #[test]
    fn binary_figures_of_a_small_table() {
        let rows = [
            row([0.0, 4.0], 1),
            row([0.0, 3.0], 0),
            row([0.0, 2.0], 1),
            row([0.0, 1.0], 0),
        ];
        let report = binary(&rows, 1.0, 1, "yes");
        assert!((report.auroc - 0.75).abs() < 1e-9 && (report.f1 - 0.8).abs() < 1e-6);
        assert!((report.recall - 1.0).abs() < 1e-9);
    }
}
