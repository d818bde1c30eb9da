//! Fits the weights: softmax regression by stochastic gradient steps, each column with a step size of its own.
//!
//! One thread and one fixed order of rows, so the same rows give the same bits. Columns that turn up rarely take longer
//! steps (AdaGrad, one accumulator a column), which settles in a few passes what plain gradient descent needs dozens for.

use super::encode::Row;
use super::math::{exp_fast, mix, shuffle};

/// Labels are padded to a multiple of this, so that the inner loops have no remainder.
const LANES: usize = 8;

/// First step size, before each column's own scaling; falls to zero in a straight line over the passes.
///
/// Long on purpose: with enough passes the falling rate settles all the same, and short first steps leave the weights of
/// common columns too small, which costs the confidences more than it costs the accuracy.
const RATE: f64 = 3.0;

/// Weights of a linear model, one stripe of labels for each column.
#[derive(Debug, Clone)]
pub(super) struct Weights {
    pub(super) labels: usize,
    stripe: usize,
    cells: Vec<f32>,
}

impl Weights {
    /// All zero.
    pub(super) fn zero(labels: usize, width: usize) -> Self {
        let stripe = labels.div_ceil(LANES) * LANES;
        Self {
            labels,
            stripe,
            cells: vec![0.0; stripe * width],
        }
    }

    /// Number of columns.
    pub(super) fn width(&self) -> usize {
        self.cells.len() / self.stripe
    }

    /// The weights of one column, one for each label.
    pub(super) fn column(&self, place: u32) -> &[f32] {
        let start = place as usize * self.stripe;
        &self.cells[start..start + self.labels]
    }

    /// The same, to write.
    pub(super) fn column_mut(&mut self, place: u32) -> &mut [f32] {
        let start = place as usize * self.stripe;
        &mut self.cells[start..start + self.labels]
    }

    /// Scores of a row, one for each label.
    pub(super) fn logits(&self, row: &Row) -> Vec<f64> {
        let mut sums = vec![0.0; self.stripe];
        self.add_up(row, &mut sums);
        sums[..self.labels]
            .iter()
            .map(|sum| f64::from(*sum))
            .collect()
    }

    fn add_up(&self, row: &Row, sums: &mut [f32]) {
        sums.fill(0.0);
        for (place, value) in &row.cells {
            let start = *place as usize * self.stripe;
            for (sum, weight) in sums.iter_mut().zip(&self.cells[start..start + self.stripe]) {
                *sum += value * weight;
            }
        }
    }
}

/// How to fit.
#[derive(Debug, Clone, Copy)]
pub(super) struct Fit {
    /// Penalty on the summed loss.
    pub(super) l2: f64,
    /// Passes over the rows.
    pub(super) passes: u32,
    /// Seed of the order.
    pub(super) seed: u64,
}

/// Fits weights for `labels` labels on rows of `width` columns; `truth` holds a label for each row.
pub(super) fn fit(rows: &[&Row], truth: &[u32], labels: usize, width: usize, how: Fit) -> Weights {
    let mut weights = Weights::zero(labels, width);
    let shrink = shrinkage(rows, width, how.l2);
    let mut steps = vec![1e-2_f32; width];
    let mut order: Vec<u32> = (0..u32::try_from(rows.len()).unwrap_or(u32::MAX)).collect();
    let mut slope = vec![0.0_f32; weights.stripe];
    for pass in 0..how.passes {
        shuffle(&mut order, mix(how.seed ^ (u64::from(pass) << 32)));
        let rate = narrow(RATE * (1.0 - f64::from(pass) / f64::from(how.passes)));
        for at in &order {
            let row = rows[*at as usize];
            weights.add_up(row, &mut slope);
            let size = gradient(&mut slope, labels, truth[*at as usize] as usize);
            for (place, value) in &row.cells {
                let place = *place as usize;
                steps[place] += value * value * size;
                let step = rate / steps[place].sqrt();
                let (keep, pull) = (1.0 / (1.0 + step * shrink[place]), step * value);
                let start = place * weights.stripe;
                let stripe = &mut weights.cells[start..start + weights.stripe];
                for (weight, slope) in stripe.iter_mut().zip(&slope) {
                    *weight = keep * (*weight - pull * slope);
                }
            }
        }
    }
    weights
}

/// Turns scores into the gradient of the loss, probability minus truth, and returns its squared length.
fn gradient(scores: &mut [f32], labels: usize, truth: usize) -> f32 {
    let top = scores[..labels]
        .iter()
        .copied()
        .fold(f32::NEG_INFINITY, f32::max);
    for score in scores.iter_mut() {
        *score = exp_fast(*score - top);
    }
    scores[labels..].fill(0.0);
    let share = 1.0 / total(scores, |score| score);
    for score in scores.iter_mut() {
        *score *= share;
    }
    scores[truth] -= 1.0;
    total(scores, |score| score * score)
}

/// Sum over a stripe, in lanes: a plain sum would have to wait for each addition.
fn total(stripe: &[f32], value: impl Fn(f32) -> f32) -> f32 {
    let mut sums = [0.0_f32; LANES];
    for lanes in stripe.chunks_exact(LANES) {
        for (sum, lane) in sums.iter_mut().zip(lanes) {
            *sum += value(*lane);
        }
    }
    sums.iter().sum()
}

/// The penalty's pull each time a column turns up: spread over its rows, so that it adds up to `l2`. None on the constant.
fn shrinkage(rows: &[&Row], width: usize, l2: f64) -> Vec<f32> {
    let mut seen = vec![0_u32; width];
    for (place, _) in rows.iter().flat_map(|row| &row.cells) {
        seen[*place as usize] += 1;
    }
    let mut shrink: Vec<f32> = seen
        .iter()
        .map(|count| narrow(l2 / f64::from((*count).max(1))))
        .collect();
    if let Some(constant) = shrink.first_mut() {
        *constant = 0.0;
    }
    shrink
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "weights need no more than single precision"
)]
fn narrow(value: f64) -> f32 {
    value as f32
}
