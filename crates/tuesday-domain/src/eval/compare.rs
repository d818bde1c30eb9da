//! Two releases on the same cases, case by case.
//!
//! The test is the exact form of McNemar's: Q. McNemar, "Note on the sampling error of the difference
//! between correlated proportions or percentages", Psychometrika 12 (1947), with the two-sided exact
//! binomial probability in place of the chi-square. Only cases that one release passes and the other
//! fails say anything about which is better.

use serde::{Deserialize, Serialize};

use super::case::{Case, Kind};
use super::measure::{CaseResult, Names};
use crate::oversight::Rate;
use crate::words::words;

/// Below this a difference is called one.
const ALPHA: f64 = 0.05;

words! {
    /// What a comparison says.
    Standing {
        /// More cases fixed than broken, by more than chance.
        Better = "better",
        /// More cases broken than fixed, by more than chance.
        Worse = "worse",
        /// The cases do not tell them apart.
        CannotTell = "cannot_tell",
    }
}

/// A case that came out differently.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Changed {
    /// The case.
    pub case: String,
    /// What it is for.
    pub kind: Kind,
    /// Passes now.
    pub fixed: bool,
    /// What is wrong with the side that fails.
    pub faults: Vec<String>,
}

/// Counts of a paired comparison while it is made.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Paired {
    /// Both pass.
    pub both: u64,
    /// Neither passes.
    pub neither: u64,
    /// Only the candidate passes.
    pub fixed: u64,
    /// Only the release it is compared with passes.
    pub broken: u64,
    /// The first two hundred that changed.
    pub changed: Vec<Changed>,
    /// Regression cases that broke.
    pub regression: Names,
}

impl Paired {
    /// Takes one case as both came out.
    pub fn add(&mut self, case: &Case, candidate: &CaseResult, other: &CaseResult, agreement: f64) {
        let now = candidate.passed(case, agreement);
        let before = other.passed(case, agreement);
        match (before, now) {
            (true, true) => self.both += 1,
            (false, false) => self.neither += 1,
            (false, true) => self.fixed += 1,
            (true, false) => self.broken += 1,
        }
        if before == now {
            return;
        }
        if before && case.kind == Kind::Regression {
            self.regression.add(&case.name);
        }
        if self.changed.len() < 200 {
            let failing = if now { other } else { candidate };
            let bad = failing.trials.iter().find(|t| !t.passed());
            self.changed.push(Changed {
                case: case.name.clone(),
                kind: case.kind,
                fixed: now,
                faults: bad.map(|t| t.faults.clone()).unwrap_or_default(),
            });
        }
    }

    /// What they say.
    #[must_use]
    pub fn finish(self, baseline: &str, baseline_hash: &str) -> Comparison {
        let p_value = mcnemar(self.fixed, self.broken);
        let standing = match self.fixed.cmp(&self.broken) {
            std::cmp::Ordering::Greater if p_value < ALPHA => Standing::Better,
            std::cmp::Ordering::Less if p_value < ALPHA => Standing::Worse,
            _ => Standing::CannotTell,
        };
        Comparison {
            baseline: baseline.to_owned(),
            baseline_hash: baseline_hash.to_owned(),
            standing,
            p_value,
            test: "exact McNemar (1947), two-sided, on the cases that changed".to_owned(),
            paired: self,
        }
    }
}

/// A finished comparison.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Comparison {
    /// Which release, in words.
    pub baseline: String,
    /// Its hash, hex.
    pub baseline_hash: String,
    /// Better, worse or cannot tell.
    pub standing: Standing,
    /// Probability of so uneven a split if both were equally good.
    pub p_value: f64,
    /// The test, named.
    pub test: String,
    /// The counts.
    pub paired: Paired,
}

impl Comparison {
    /// Share of the changed cases that were fixed, with its exact 95 % interval.
    #[must_use]
    pub fn fixed_share(&self) -> Rate {
        Rate::new(self.paired.fixed, self.paired.fixed + self.paired.broken)
    }
}

/// Two-sided exact probability of a split as uneven as `fixed` to `broken` at even odds.
#[must_use]
#[expect(
    clippy::cast_precision_loss,
    reason = "counts of cases stay far below 2^52"
)]
pub fn mcnemar(fixed: u64, broken: u64) -> f64 {
    let n = fixed + broken;
    if n == 0 {
        return 1.0;
    }
    // Summed in logarithms from the rare end, so that a hundred thousand cases do not underflow.
    let half = n as f64 * std::f64::consts::LN_2;
    let (mut ln_choose, mut tail) = (0.0_f64, 0.0_f64);
    for k in 0..=fixed.min(broken) {
        tail += (ln_choose - half).exp();
        ln_choose += ((n - k) as f64).ln() - ((k + 1) as f64).ln();
    }
    (2.0 * tail).min(1.0)
}
