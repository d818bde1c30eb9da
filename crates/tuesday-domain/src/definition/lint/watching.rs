//! Pause rules and the kill condition: each must be one that can be judged, and the scope one that
//! can be read.

use std::collections::BTreeSet;

use super::super::Definition;
use super::Lint;
use crate::drift::shift_faults;
use crate::scope::Axis;
use crate::watch::{KillCondition, Metric, PauseRule};

const CODE: &str = "pause_rule";

impl Lint<'_> {
    pub(super) fn watching(&mut self, def: &Definition) {
        let mut names = BTreeSet::new();
        for rule in &def.pause_rule {
            let near = format!("\"{}\"", rule.name);
            if rule.name.trim().is_empty() || !names.insert(&rule.name) {
                let words = format!("the pause rule `{}` needs a name of its own", rule.name);
                self.add(&near, CODE, &words, "give each [[pause_rule]] another name");
            }
            self.pause_rule(rule, &near);
        }
        for entry in &def.rollout.entry {
            self.pause_rule(&entry.as_rule(), "[[rollout.entry]]");
        }
        if let Some(kill) = &def.kill {
            self.kill(kill);
        }
        self.separate_credentials(def);
        self.settling(def);
        self.capacity(def);
        self.drift(def);
        self.plan(def);
        self.canary(def);
        let scope = &def.rollout.scope;
        for axis in Axis::ALL {
            if !scope.values(*axis).is_empty() && scope.expr(*axis).is_none() {
                let words = format!(
                    "rollout.scope limits {axis}s and does not say where an item's {axis} is read"
                );
                let way_out = format!("write {axis} = \"input.…\", or remove the list");
                self.add("[rollout.scope]", "rollout_scope", &words, &way_out);
            }
        }
        if let Some(both) = scope.risky.iter().find(|t| scope.types.contains(t)) {
            let words = format!("type {both} is both in types and in risky");
            self.add("risky", "rollout_scope", &words, "keep it in one of them");
        }
    }

    fn drift(&mut self, def: &Definition) {
        for (field, why) in def.drift.faults() {
            let words = format!("[drift] {field}: {why}");
            self.add("[drift]", "drift", &words, "correct the value");
        }
    }

    /// Who changes what, and the shifts that outcomes are compared by.
    fn plan(&mut self, def: &Definition) {
        for (key, why) in def.rollout.plan.faults(&def.rollout.scope) {
            let words = format!("[rollout.plan] {key}: {why}");
            let way_out = "docs/reference/workflow-toml.md has every key with its bounds";
            self.add("[rollout.plan]", "rollout_plan", &words, way_out);
        }
        for why in shift_faults(&def.shift) {
            let words = format!("[[shift]] {why}");
            self.add("[[shift]]", "shift", &words, "correct the value");
        }
    }

    fn canary(&mut self, def: &Definition) {
        let Some(spec) = &def.canary else {
            return;
        };
        for (field, why) in spec.faults(&self.package.cases()) {
            let words = format!("[canary] {field}: {why}");
            self.add(
                "[canary]",
                "canary",
                &words,
                "name cases of the pack, each once",
            );
        }
    }

    fn capacity(&mut self, def: &Definition) {
        let Some(spec) = &def.capacity else {
            return;
        };
        let people = def.owners.people();
        for p in &spec.person {
            if !people.iter().any(|known| known.handle == p.person) {
                let words = format!("the hours of `{}`, who is nobody under [owners]", p.person);
                self.add(
                    "[[capacity.person]]",
                    "unknown_person",
                    &words,
                    "name an owner or a reviewer",
                );
            }
        }
        for (field, why) in spec.faults(&def.rollout.scope) {
            let words = format!("[capacity] {field}: {why}");
            let way_out = "docs/reference/workflow-toml.md has every key with its bounds";
            self.add("[capacity]", "capacity", &words, way_out);
        }
    }

    fn settling(&mut self, def: &Definition) {
        if let Some(settling) = &def.settling {
            if settling.window.0.is_zero() {
                let words = "the settling window is empty";
                self.add("[settling]", "settling", words, "write window = \"5m\"");
            }
            if settling.tries == 0 || settling.again_after.0.is_zero() {
                let words = "a release that waited would never be tested, or without a pause";
                let way_out = "write tries = 3 and again_after = \"5m\", or leave them out";
                self.add("[settling]", "settling", words, way_out);
            }
            for guard in &settling.guard {
                self.pause_rule(guard, "[[settling.guard]]");
            }
        }
        for freeze in &def.freeze {
            let ordered = freeze.span().is_ok_and(|(from, until)| from < until);
            if !ordered || freeze.why.trim().is_empty() {
                let words = format!(
                    "the freeze from {} to {} is none",
                    freeze.from, freeze.until
                );
                let way_out = "write from and until as RFC 3339, until later, and why";
                self.add("[[freeze]]", "settling", &words, way_out);
            }
        }
    }

    /// What reads must not be able to write: reading comes before writing, with another credential.
    fn separate_credentials(&mut self, def: &Definition) {
        let headers = def.source.iter().filter_map(|s| s.auth.as_ref());
        let reads: BTreeSet<&str> = headers
            .map(|h| h.secret.as_str())
            .chain(def.source.iter().filter_map(|s| s.database.as_deref()))
            .filter(|text| !text.starts_with("sqlite:"))
            .collect();
        for action in &def.action {
            let header = action.auth.as_ref().map(|h| h.secret.as_str());
            let both = [header, action.database.as_deref()];
            if let Some(shared) = both.into_iter().flatten().find(|s| reads.contains(s)) {
                let words = format!(
                    "action {} writes with {shared}, which a source reads with",
                    action.name
                );
                let way_out = "give the source a credential that can only read";
                self.add(shared, "shared_credential", &words, way_out);
            }
        }
    }

    fn pause_rule(&mut self, rule: &PauseRule, near: &str) {
        let name = format!("pause rule {}", rule.name);
        let rate = rule.metric.is_rate();
        if !rule.number.is_finite() || rule.number < 0.0 || (rate && rule.number > 100.0) {
            let words = format!("{name}: {} is no number to compare with", rule.number);
            self.add(
                near,
                CODE,
                &words,
                "a rate lies between 0 and 100, everything else is 0 or more",
            );
        }
        if rate && rule.over_runs.is_some() == rule.over.is_some() {
            let words = format!("{name}: a rate needs over_runs or over, one of them");
            self.add(
                near,
                CODE,
                &words,
                "write over_runs = 50, or over = \"24h\"",
            );
        }
        if rule.over_runs == Some(0) {
            let words = format!("{name}: over_runs is 0");
            self.add(near, CODE, &words, "write how many runs it is judged over");
        }
        let signals = rule.metric == Metric::Signals;
        if signals && (rule.signal.is_none() || rule.over.is_none()) {
            let words = format!("{name}: signals need a kind and a span");
            self.add(
                near,
                CODE,
                &words,
                "write signal = \"complaint\" and over = \"24h\"",
            );
        }
        if rule.signal.is_some() && !signals {
            let words = format!("{name}: {} knows no signal", rule.metric);
            self.add(
                near,
                CODE,
                &words,
                "remove signal, or write metric = \"signals\"",
            );
        }
        let own_window = matches!(rule.metric, Metric::CostPerDay | Metric::Silence);
        if own_window && (rule.over.is_some() || rule.over_runs.is_some()) {
            let words = format!("{name}: {} has its own span", rule.metric);
            self.add(near, CODE, &words, "remove over and over_runs");
        }
    }

    fn kill(&mut self, kill: &KillCondition) {
        if kill.condition.trim().is_empty() || kill.signal.trim().is_empty() {
            let words = "the kill condition needs words and a kind of signal";
            let way_out = "write condition = \"…\" and signal = \"outcome\"";
            self.add("[kill]", "kill_condition", words, way_out);
        }
        if !kill.above.is_finite() || !(0.0..100.0).contains(&kill.above) {
            let words = format!(
                "the kill condition is met above {} %: never, or always",
                kill.above
            );
            self.add(
                "[kill]",
                "kill_condition",
                &words,
                "write a share from 0 to below 100",
            );
        }
        if kill.over == 0 {
            let words = "the kill condition is judged over no outcome";
            self.add("[kill]", "kill_condition", words, "write over = 100");
        }
    }
}
