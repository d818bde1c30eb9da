//! What people are asked to decide: tiers that every route can reach, places a rejection goes to,
//! the recall window, and nothing consequential without a person.

use super::super::package::fault;
use super::super::{Definition, PackageFault};
use super::Lint;
use crate::rules::{Route, RuleSet};

/// Longest recall window, in seconds.
const LONGEST_RECALL: u32 = 600;

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
