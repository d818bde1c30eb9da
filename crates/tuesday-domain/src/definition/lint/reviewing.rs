//! What people are asked to decide: tiers that every route can reach, places a rejection goes to,
//! the recall window, and nothing consequential without a person.

use super::super::package::fault;
use super::super::{Definition, PackageFault, ReviewSpec};
use super::Lint;
use crate::ready::Ready;
use crate::rules::{Route, RuleSet};

/// Longest recall window, in seconds.
const LONGEST_RECALL: u32 = 600;

/// Most known errors, in percent of what people decide: more would be the work itself.
const MOST_SEEDS: f64 = 10.0;

impl Lint<'_> {
    pub(super) fn reviewing(&mut self, def: &Definition, rules: Option<&RuleSet>) {
        let review = &def.review;
        for (key, seconds) in [
            ("recall_seconds", review.recall_seconds),
            ("automatic_recall_seconds", review.automatic_recall_seconds),
        ] {
            if seconds > LONGEST_RECALL {
                self.add(
                    key,
                    "bad_recall",
                    &format!("review.{key} is {seconds}"),
                    "0 to 600 seconds",
                );
            }
        }
        let share = &review.second_look;
        for (key, percent) in [
            ("automatic_percent", share.automatic_percent),
            ("human_percent", share.human_percent),
        ] {
            if !(0.0..=100.0).contains(&percent) {
                self.add(
                    key,
                    "bad_share",
                    &format!("review.second_look.{key} is {percent}"),
                    "0 to 100",
                );
            }
        }
        self.seeds(review);
        self.oversight(review);
        for (i, rule) in review.reject.iter().enumerate() {
            if !review.reasons.contains(&rule.reason) {
                self.add(
                    &rule.reason,
                    "unknown_reason",
                    &format!(
                        "[[review.reject]] names `{}`, which is no reason",
                        rule.reason
                    ),
                    "list it under review.reasons",
                );
            }
            if review.reject[..i].iter().any(|r| r.reason == rule.reason) {
                self.add(
                    &rule.reason,
                    "same_reason",
                    &format!("[[review.reject]] names `{}` twice", rule.reason),
                    "keep one of them",
                );
            }
        }
        if let Some(rules) = rules {
            self.routes(def, rules);
        }
    }

    /// A fault says in one way what is wrong, and a share has something to place.
    fn seeds(&mut self, review: &ReviewSpec) {
        let seeds = &review.seeds;
        let percent = seeds.weekly_percent;
        if !(0.0..=MOST_SEEDS).contains(&percent) {
            let said = format!("review.seeds.weekly_percent is {percent}");
            self.add("weekly_percent", "bad_share", &said, "0 to 10");
        }
        if percent > 0.0 && seeds.fault.is_empty() {
            let said = "review.seeds.weekly_percent places known errors, and none is declared";
            self.add(
                "weekly_percent",
                "no_seed_fault",
                said,
                "declare a [[review.seeds.fault]]",
            );
        }
        for (i, f) in seeds.fault.iter().enumerate() {
            let ways = [f.set.is_some(), f.scale.is_some(), f.swap];
            let one = ways.iter().filter(|w| **w).count() == 1;
            let moves = f.scale.is_none_or(|by| by.is_finite() && by != 1.0);
            if !one || !moves || f.name.trim().is_empty() {
                let said = format!("seed fault `{}` does not say what is wrong", f.name);
                let way = "give it a name and one of: set, scale (not 1), swap = true";
                self.add(&f.name, "bad_seed_fault", &said, way);
            }
            if seeds.fault[..i].iter().any(|g| g.name == f.name) {
                let said = format!("two seed faults are named `{}`", f.name);
                self.add(&f.name, "bad_seed_fault", &said, "rename one of them");
            }
        }
    }

    /// A limit that nothing or everything crosses tells nobody anything.
    fn oversight(&mut self, review: &ReviewSpec) {
        let o = &review.oversight;
        if !(5..=1_000).contains(&o.at_least) {
            let said = format!("review.oversight.at_least is {}", o.at_least);
            self.add("at_least", "bad_share", &said, "5 to 1000 approvals");
        }
        for (key, percent) in [
            ("unread_percent", o.unread_percent),
            ("missed_percent", o.missed_percent),
        ] {
            if !(1.0..=100.0).contains(&percent) {
                let said = format!("review.oversight.{key} is {percent}");
                self.add(key, "bad_share", &said, "1 to 100");
            }
        }
    }

    /// The spoilt fields are fields of the output.
    pub(super) fn seed_fields(&mut self, ready: &Ready) {
        for f in &ready.def.review.seeds.fault {
            let top = f.field.split('.').next().unwrap_or_default();
            if !ready.output.fields().any(|known| known == top) {
                let said = format!("seed fault `{}` spoils `{}`", f.name, f.field);
                let way = "name a field of the output schema";
                self.add(&f.field, "unknown_field", &said, way);
            }
        }
    }

    /// A row that asks for a person says which, unless there is only one tier; and a row that goes
    /// without one does nothing that needs one.
    fn routes(&mut self, def: &Definition, rules: &RuleSet) {
        let many = def.review.tier.len() > 1;
        for row in rules.rows() {
            let nobody = row.review_tier.as_deref().unwrap_or("").trim().is_empty();
            if row.route == Route::Review && nobody && many {
                self.faults.push(fault(
                    "rules.csv",
                    usize::try_from(row.line).ok(),
                    "no_tier",
                    &format!("row {} asks for a person and names no tier", row.id),
                    "write one of the declared tiers under review_tier",
                ));
            }
        }
        let automatic = rules.rows().iter().find(|r| r.route == Route::Auto);
        for action in &def.action {
            let Some(row) = automatic.filter(|_| !action.class.rule_may_authorise()) else {
                continue;
            };
            let message = format!(
                "action `{}` is of class {}, and row {} would go without a person",
                action.name, action.class, row.id
            );
            let way_out = "send such cases to review; no rule may pay or do what cannot be undone";
            // With a condition of its own the action may never be planned in those rows.
            let warning = action.when.is_some();
            self.faults.push(PackageFault {
                warning,
                ..fault(
                    "rules.csv",
                    usize::try_from(row.line).ok(),
                    "needs_person",
                    &message,
                    way_out,
                )
            });
        }
    }
}
