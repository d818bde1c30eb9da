//! The loosest cutoff whose error stays under a budget, from the workflow's own reviewed outcomes.
//!
//! Learn-then-test with fixed-sequence testing: A. Angelopoulos, S. Bates, E. Candès, M. Jordan,
//! L. Lei, "Learn then Test: Calibrating Predictive Algorithms to Achieve Risk Control" (2021,
//! arXiv:2110.01052), with exact binomial p-values. Cutoffs are tested from the strictest to the
//! loosest and the first that fails ends the test, so no correction for many tests is needed. The
//! first cutoff tested is the strictest with enough cases to pass at all; that choice looks at how
//! many cases there are and not at how they came out.
//!
//! What it does not say anything about: cases that no person has looked at. If the rules already
//! let some through unseen, those are not in the sample.

use serde::{Deserialize, Serialize};

use super::interval::{binomial_cdf, upper_bound};

/// Cutoffs that are tried at most.
const MOST_CUTOFFS: usize = 60;

/// One reviewed case.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Case {
    /// The value the cutoff is about.
    pub score: f64,
    /// The person approved the output as it stood.
    pub right: bool,
}

/// On which side of a cutoff cases go without a person.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Side {
    /// Values from the cutoff up, such as a confidence.
    AtLeast,
    /// Values up to the cutoff, such as an amount.
    AtMost,
}

/// One cutoff that was tried.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct CutoffStep {
    /// The cutoff.
    pub cutoff: f64,
    /// Reviewed cases on the automatic side of it.
    pub cases: u64,
    /// Those that people edited, rejected or did by hand.
    pub errors: u64,
    /// The share of errors is below this at the chosen confidence (exact one-sided bound).
    pub upper: f64,
    /// The probability of so few errors if the true share were the budget.
    pub p_value: f64,
    /// Whether the cutoff passed; nothing when there were too few cases to test it, or a stricter
    /// one had failed before.
    pub passed: Option<bool>,
}

/// What the reviewed outcomes allow.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Advice {
    /// The loosest cutoff that passed.
    pub cutoff: Option<f64>,
    /// Every cutoff tried, strictest first.
    pub steps: Vec<CutoffStep>,
    /// Reviewed cases in all.
    pub cases: u64,
    /// Cases without any error that a cutoff needs at least.
    pub needed: u64,
}

/// Tries the cutoffs. `budget` is the share of errors that is tolerable and `confidence` how sure
/// one wants to be, both between 0 and 1.
#[must_use]
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a positive count"
)]
pub fn advise(cases: &[Case], side: Side, budget: f64, confidence: f64) -> Advice {
    let delta = 1.0 - confidence;
    let needed = (delta.ln() / (-budget).ln_1p()).ceil() as u64;
    let mut sorted: Vec<Case> = cases
        .iter()
        .copied()
        .filter(|case| case.score.is_finite())
        .collect();
    // Strictest first.
    sorted.sort_by(|a, b| match side {
        Side::AtLeast => b.score.total_cmp(&a.score),
        Side::AtMost => a.score.total_cmp(&b.score),
    });
    let mut steps = Vec::new();
    let (mut open, mut best) = (true, None);
    for (cutoff, upto) in cutoffs(&sorted) {
        let errors = sorted[..upto].iter().filter(|case| !case.right).count() as u64;
        let count = upto as u64;
        let p_value = binomial_cdf(errors, count, budget);
        let passed = (open && count >= needed).then_some(p_value <= delta);
        if passed == Some(true) {
            best = Some(cutoff);
        }
        open &= passed != Some(false);
        let upper = upper_bound(errors, count, confidence);
        steps.push(CutoffStep {
            cutoff,
            cases: count,
            errors,
            upper,
            p_value,
            passed,
        });
    }
    Advice {
        cutoff: best,
        steps,
        cases: sorted.len() as u64,
        needed,
    }
}

/// Distinct scores with how many cases each lets through; thinned evenly by cases when there are
/// many.
fn cutoffs(sorted: &[Case]) -> Vec<(f64, usize)> {
    let mut all: Vec<(f64, usize)> = Vec::new();
    for (at, case) in sorted.iter().enumerate() {
        match all.last_mut() {
            Some(last) if last.0.total_cmp(&case.score).is_eq() => last.1 = at + 1,
            _ => all.push((case.score, at + 1)),
        }
    }
    if all.len() <= MOST_CUTOFFS {
        return all;
    }
    let apart = sorted.len().div_ceil(MOST_CUTOFFS);
    let mut kept: Vec<(f64, usize)> = Vec::new();
    for (at, cutoff) in all.iter().enumerate() {
        let far = kept.last().is_none_or(|last| cutoff.1 >= last.1 + apart);
        if far || at + 1 == all.len() {
            kept.push(*cutoff);
        }
    }
    kept
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests fail loudly")]
mod tests {
    use super::*;

    fn history(good: impl Fn(u32) -> bool) -> Vec<Case> {
        (0..1000_u32)
            .map(|i| Case {
                score: f64::from(i) / 1000.0,
                right: good(i),
            })
            .collect()
    }

    #[test]
    fn finds_the_place_where_errors_begin() {
        // Right above 0.5, wrong every third time below.
        let cases = history(|i| i >= 500 || i % 3 != 0);
        let advice = advise(&cases, Side::AtLeast, 0.02, 0.95);
        let cutoff = advice.cutoff.unwrap();
        assert!((0.45..=0.5).contains(&cutoff), "{cutoff}");
        assert!(
            advice
                .steps
                .iter()
                .filter(|s| s.passed == Some(true))
                .all(|s| s.upper <= 0.02)
        );
        assert_eq!(advice.needed, 149);
    }

    #[test]
    fn too_few_cases_give_no_advice() {
        let cases: Vec<_> = history(|_| true).into_iter().take(148).collect();
        let advice = advise(&cases, Side::AtLeast, 0.02, 0.95);
        assert_eq!(
            (advice.cutoff, advice.cases, advice.needed),
            (None, 148, 149)
        );
        assert!(advice.steps.iter().all(|s| s.passed.is_none()));
    }

    #[test]
    fn nothing_looser_than_a_failed_cutoff_is_advised() {
        // Wrong in the middle: what follows would look fine on average and is not tested any more.
        let cases = history(|i| !(600..700).contains(&i));
        let advice = advise(&cases, Side::AtLeast, 0.12, 0.95);
        assert!(advice.cutoff.unwrap() > 0.6);
        let failed = advice
            .steps
            .iter()
            .position(|s| s.passed == Some(false))
            .unwrap();
        assert!(
            advice.steps[failed + 1..]
                .iter()
                .all(|s| s.passed.is_none())
        );
    }

    #[test]
    fn amounts_are_read_from_below() {
        let cases = history(|i| i < 300);
        let advice = advise(&cases, Side::AtMost, 0.05, 0.9);
        assert!((0.28..=0.32).contains(&advice.cutoff.unwrap()));
    }
}
