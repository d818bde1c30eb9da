//! What was wrong with the inputs of a day's runs, source by source, beside what people made of the outputs.

use serde::{Deserialize, Serialize};

use crate::snapshot::InputFault;

/// Runs with something wrong with one source, beside what people then made of the output.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct InputCount {
    /// Runs.
    pub runs: u64,
    /// Of them, with something missing.
    pub missing: u64,
    /// With something stale.
    pub stale: u64,
    /// Contradicted by a source of a better rank.
    pub conflicting: u64,
    /// Not readable, or not as one record.
    pub invalid: u64,
    /// Runs whose output a person approved, changed or refused.
    pub decided: u64,
    /// Of those, changed or refused.
    pub overridden: u64,
}

impl InputCount {
    /// Adds what another came to.
    pub const fn merge(&mut self, o: &Self) {
        self.runs += o.runs;
        self.missing += o.missing;
        self.stale += o.stale;
        self.conflicting += o.conflicting;
        self.invalid += o.invalid;
        self.decided += o.decided;
        self.overridden += o.overridden;
    }

    /// Counts a run with these faults.
    pub(super) fn add(&mut self, faults: &[InputFault], overridden: Option<bool>) {
        self.runs += 1;
        for fault in faults {
            match fault {
                InputFault::Missing => self.missing += 1,
                InputFault::Stale => self.stale += 1,
                InputFault::Conflicting => self.conflicting += 1,
                InputFault::Invalid => self.invalid += 1,
            }
        }
        if let Some(overridden) = overridden {
            self.decided += 1;
            self.overridden += u64::from(overridden);
        }
    }
}
