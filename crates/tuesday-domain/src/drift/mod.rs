//! Whether the mix of outcomes stays what it was: a frozen baseline, a test that may be looked at after
//! every shift, and what it says about a shift.

pub mod calibration;
pub mod canary;
mod sequential;
mod shift;

pub use sequential::{
    Band, Dimension, Found, Judged, Moved, Part, ShiftCount, ShiftVerdict, Verdict, judge,
};
pub use shift::{ShiftTime, shift_faults, shift_of, shifts};

use serde::{Deserialize, Serialize};

/// `[drift]`
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct DriftSpec {
    /// How often a mix that has not moved may be called drifted, within a year of one baseline and over
    /// everything that is looked at: 0.001 to 0.2.
    pub alpha: f64,
    /// A share may lie so far from its baseline before it counts, in percentage points: 0 to 50.
    pub tolerance_percent: f64,
    /// A shift, or a day, with fewer runs says nothing: 5 to 10,000.
    pub least_runs: u32,
    /// The baseline is frozen by itself over so many whole days: 3 to 92.
    pub baseline_days: u32,
}

impl Default for DriftSpec {
    fn default() -> Self {
        Self {
            alpha: 0.05,
            tolerance_percent: 5.0,
            least_runs: 30,
            baseline_days: 14,
        }
    }
}

impl DriftSpec {
    /// What is wrong: the field and why.
    #[must_use]
    pub fn faults(&self) -> Vec<(&'static str, &'static str)> {
        let mut out = Vec::new();
        if !(0.001..=0.2).contains(&self.alpha) {
            out.push(("alpha", "0.001 to 0.2"));
        }
        if !(0.0..=50.0).contains(&self.tolerance_percent) {
            out.push(("tolerance_percent", "0 to 50 percentage points"));
        }
        if !(5..=10_000).contains(&self.least_runs) {
            out.push(("least_runs", "5 to 10,000 runs"));
        }
        if !(3..=92).contains(&self.baseline_days) {
            out.push(("baseline_days", "3 to 92 days"));
        }
        out
    }
}
