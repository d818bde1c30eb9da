//! What the runs of one group cost on one day: the part of a day's figures that a cost report divides by
//! group. Groups are whatever a case says it belongs to, so a day keeps only some of them apart.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::figures::{DayFigures, Money};

/// Groups of a day that are kept apart.
const GROUPS: usize = 50;
/// The rest of them.
pub(super) const OTHERS: &str = "others";

/// The cost of one group's runs on one day, in millionths and milliseconds.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct GroupCost {
    /// Runs received.
    pub runs: u64,
    /// Written back, or a draft placed.
    pub resolved: u64,
    /// What first tries cost.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub first: Money,
    /// What later tries cost.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub again: Money,
    /// Calls whose usage nobody reported.
    pub unreported: u64,
    /// Calls with reported usage and no price, by model.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub unpriced: BTreeMap<String, u64>,
    /// All time people had its cases in view.
    pub people_ms: u64,
    /// Decisions without any measured time.
    pub untimed: u64,
}

impl GroupCost {
    /// Of figures of one run, or of several.
    #[must_use]
    pub fn of(f: &DayFigures) -> Self {
        Self {
            runs: f.runs,
            resolved: f.resolved,
            first: f.first.clone(),
            again: f.again.clone(),
            unreported: f.unreported,
            unpriced: f.unpriced.clone(),
            people_ms: f.people_ms(),
            untimed: f.untimed,
        }
    }

    /// Adds another.
    pub fn merge(&mut self, o: &Self) {
        self.runs += o.runs;
        self.resolved += o.resolved;
        self.unreported += o.unreported;
        self.people_ms += o.people_ms;
        self.untimed += o.untimed;
        for (mine, other) in [(&mut self.first, &o.first), (&mut self.again, &o.again)] {
            for (currency, micros) in other {
                *mine.entry(currency.clone()).or_default() += micros;
            }
        }
        for (model, calls) in &o.unpriced {
            *self.unpriced.entry(model.clone()).or_default() += calls;
        }
    }

    /// The machine's part as figures of a day.
    #[must_use]
    pub(super) fn calls(&self) -> DayFigures {
        DayFigures {
            runs: self.runs,
            resolved: self.resolved,
            first: self.first.clone(),
            again: self.again.clone(),
            unreported: self.unreported,
            unpriced: self.unpriced.clone(),
            ..DayFigures::new()
        }
    }
}

/// Adds the cost of a group; without a name it is of the runs without one.
pub(super) fn add(all: &mut BTreeMap<String, GroupCost>, group: &str, cost: &GroupCost) {
    let known = group.is_empty() || all.contains_key(group) || all.len() < GROUPS;
    let group = if known { group } else { OTHERS };
    all.entry(group.to_owned()).or_default().merge(cost);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_keeps_some_groups_apart_and_counts_all() {
        let mut all = BTreeMap::new();
        let one = GroupCost {
            runs: 1,
            people_ms: 7,
            first: Money::from([("EUR".to_owned(), 3)]),
            ..GroupCost::default()
        };
        for n in 0..80 {
            add(&mut all, &format!("g{n}"), &one);
        }
        add(&mut all, "", &one);
        assert_eq!((all.len(), all[OTHERS].runs, all[""].runs), (52, 30, 1));
        let mut sum = GroupCost::default();
        all.values().for_each(|g| sum.merge(g));
        assert_eq!((sum.runs, sum.people_ms, sum.first["EUR"]), (81, 567, 243));
    }
}
