//! What the package declares about trouble: shifts of people who are named, expectations that mean
//! something, promises that can be kept.

use std::time::Duration;

use super::super::Definition;
use super::Lint;
use crate::definition::DegradedPlan;
use crate::trouble::rotation;

/// The farthest that looks at confirmed actions reach back.
const RECONCILE_MOST: Duration = Duration::from_secs(90 * 86_400);

impl Lint<'_> {
    pub(super) fn trouble(&mut self, def: &Definition) {
        let people = def.owners.people();
        for shift in &def.on_call.shift {
            if !people.iter().any(|p| p.handle == shift.person) {
                self.add(
                    "shift",
                    "unknown_person",
                    &format!(
                        "a shift names `{}`, who is nobody under [owners]",
                        shift.person
                    ),
                    "name an owner or a reviewer",
                );
            }
            if let Err(why) = rotation::stretches(shift) {
                self.add(
                    "shift",
                    "bad_shift",
                    &why,
                    "days = \"mon-fri\", from = \"08:00\", to = \"18:00\"",
                );
            }
        }
        let gaps = rotation::gaps(&def.on_call.shift);
        if !gaps.is_empty() {
            let named: Vec<String> = gaps.iter().map(ToString::to_string).collect();
            self.warn(
                "workflow.toml",
                "rotation_gap",
                &format!("nobody is on call {}", named.join(", ")),
                "add a shift; the operator owner is asked meanwhile",
            );
        }
        for trigger in &def.trigger {
            if trigger.expect.as_ref().is_some_and(|e| e.events == 0) {
                self.add(
                    "expect",
                    "bad_expectation",
                    "expect.events is 0",
                    "1 or more, or leave it out",
                );
            }
        }
        self.away_and_ending(def);
        self.reconciled(def);
        let watch = &def.watch;
        let never = Duration::ZERO;
        for (key, span) in [
            ("acknowledge", Some(def.on_call.acknowledge)),
            ("quiet", Some(def.on_call.quiet)),
            ("stuck_after", watch.stuck_after),
            ("backlog_after", Some(watch.backlog_after)),
            ("oldest", Some(watch.oldest)),
            ("delivery", watch.delivery),
            ("reconcile", watch.reconcile),
            ("reconcile_for", Some(watch.reconcile_for)),
            ("contract", watch.contract),
        ] {
            if span.is_some_and(|s| s.0 == never) {
                self.add(
                    key,
                    "bad_span",
                    &format!("{key} is 0"),
                    "write a time such as 15m",
                );
            }
        }
    }

    /// A look that reaches less far back than the next one is away would miss what lies between.
    fn reconciled(&mut self, def: &Definition) {
        let span = def.watch.reconcile_for;
        if def.watch.reconcile.is_some_and(|every| span.0 < every.0) {
            self.add(
                "reconcile_for",
                "bad_span",
                &format!("reconcile_for is {span}, less than the time between two looks"),
                "write at least the time of `reconcile`; a week unless there is a reason",
            );
        }
        if span.0 > RECONCILE_MOST {
            self.add(
                "reconcile_for",
                "bad_span",
                &format!("reconcile_for is {span}: each look would read all of that again"),
                "90d at most",
            );
        }
    }

    /// What happens while a system is away, and when a credential ends.
    fn away_and_ending(&mut self, def: &Definition) {
        for (key, plan) in [
            ("source", def.degraded.source),
            ("destination", def.degraded.destination),
        ] {
            if plan == Some(DegradedPlan::Alternative) {
                self.add(
                    key,
                    "no_alternative",
                    &format!("degraded.{key} is \"alternative\", which is there for a model only"),
                    "write \"hold\" or \"people\"",
                );
            }
        }
        for (kind, name, day) in def.expiring() {
            if crate::time::parse_day(day).is_err() {
                self.add(
                    "expires",
                    "bad_day",
                    &format!("the credential of {kind} {name} expires on `{day}`, which is no day"),
                    "write the first day on which it does not work, such as 2027-03-31",
                );
            }
        }
    }
}
