//! What the runs of one group came to on one day: the part of a day's figures that a report divides by
//! group. Groups are whatever a case says it belongs to, so only some of them are kept apart, on a day and
//! over a span; the others are counted together.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::figures::{DayFigures, Money};
use crate::adoption::Adopted;

/// Groups that are kept apart.
pub const GROUPS: usize = 50;
/// The rest of them.
pub const OTHERS: &str = "others";

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

/// Where a group is counted: under its own name, or with the others when enough are kept apart already.
pub(super) fn place<'a, V>(all: &BTreeMap<String, V>, group: &'a str) -> &'a str {
    let known = group.is_empty() || all.contains_key(group) || all.len() < GROUPS;
    if known { group } else { OTHERS }
}

/// Adds the cost of a group; without a name it is of the runs without one.
pub(super) fn add(all: &mut BTreeMap<String, GroupCost>, group: &str, cost: &GroupCost) {
    let group = place(all, group).to_owned();
    all.entry(group).or_default().merge(cost);
}

/// Adds what became of a group's outputs, in the same way.
pub(super) fn adopt(all: &mut BTreeMap<String, Adopted>, group: &str, adopted: &Adopted) {
    let group = place(all, group).to_owned();
    all.entry(group).or_default().merge(adopted);
}

/// Sums of a span with only some groups apart: all that are `wanted`, because somebody wrote them down, then
/// those with the most outputs. Nothing is lost: the rest is counted with the others.
#[must_use]
pub fn fewer(
    sums: BTreeMap<String, Adopted>,
    wanted: impl Fn(&str) -> bool,
) -> BTreeMap<String, Adopted> {
    let mut named: Vec<(String, Adopted)> = sums.into_iter().collect();
    // Stable, so that equals stay in the order of their names; whatever is the rest of a day stays the rest.
    named.sort_by_key(|(name, n)| {
        let rest = name == OTHERS;
        (rest, !wanted(name), std::cmp::Reverse(n.delivered))
    });
    let mut kept = BTreeMap::new();
    for (name, n) in named {
        if wanted(&name) {
            kept.insert(name, n);
        } else {
            adopt(&mut kept, &name, &n);
        }
    }
    kept
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

    #[test]
    fn a_span_keeps_what_is_wanted_and_the_largest_and_loses_nothing() {
        let of = |delivered| Adopted {
            delivered,
            as_is: delivered,
            ..Adopted::default()
        };
        let mut sums: BTreeMap<String, Adopted> =
            (1..=80).map(|n| (format!("g{n:02}"), of(n))).collect();
        sums.insert(OTHERS.to_owned(), of(1_000));
        sums.insert(String::new(), of(5));
        let kept = fewer(sums, |name| name == "g01");
        assert_eq!(kept.len(), GROUPS + 2);
        assert_eq!((kept["g01"].delivered, kept[""].delivered), (1, 5));
        assert!(kept.contains_key("g32") && !kept.contains_key("g31"));
        // g02 to g31 and what days had put there.
        assert_eq!(kept[OTHERS].delivered, 1_000 + 495);
        let all: u64 = kept.values().map(|n| n.as_is).sum();
        assert_eq!(all, 1_000 + 5 + 80 * 81 / 2);
    }
}
