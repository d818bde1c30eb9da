//! Results folded into figures, one case at a time: what is kept does not grow with the pack.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::case::{Case, Kind, Truth};
use super::grade::{Entry, Outcome, RouteWord};
use crate::facts::at;
use crate::oversight::Rate;
use crate::words::words;

words! {
    /// Where the answers came from.
    Mode {
        /// The pinned model was asked.
        Live = "live",
        /// Answers that were recorded earlier.
        Recorded = "recorded",
    }
}

/// One trial of a case.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Tried {
    /// In which points it was not as expected; empty means passed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub faults: Vec<String>,
    /// The trial itself failed: stable code of the model's fault.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// What it came to.
    pub outcome: Outcome,
    /// How long it took, in microseconds.
    pub latency_us: u64,
    /// What it cost, in millionths; unknown without a price.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cost_micros: Option<i64>,
}

impl Tried {
    /// As expected, and not cut short.
    #[must_use]
    pub fn passed(&self) -> bool {
        self.error.is_none() && self.faults.is_empty()
    }
}

/// All trials of one case: a line of a results file.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CaseResult {
    /// The case.
    pub case: String,
    /// Hash of the case's line, see [`Case::hash`].
    pub hash: String,
    /// Every trial.
    pub trials: Vec<Tried>,
}

impl CaseResult {
    /// Share of the trials that passed, 0 to 1; none without trials.
    #[must_use]
    pub fn share(&self) -> f64 {
        let passed = self.trials.iter().filter(|t| t.passed()).count();
        ratio(passed as u64, self.trials.len() as u64)
    }

    /// Share of the trials that came to the most common outcome.
    #[must_use]
    pub fn agreement(&self, case: &Case) -> f64 {
        let mut classes: BTreeMap<String, u64> = BTreeMap::new();
        for t in &self.trials {
            *classes.entry(t.outcome.class(&case.expect)).or_default() += 1;
        }
        ratio(
            classes.values().copied().max().unwrap_or(0),
            self.trials.len() as u64,
        )
    }

    /// Whether the case counts as passed.
    #[must_use]
    pub fn passed(&self, case: &Case, agreement: f64) -> bool {
        let needed = if case.is_safety() { 1.0 } else { agreement };
        !self.trials.is_empty() && self.share() >= needed && self.agreement(case) >= needed
    }
}

#[expect(
    clippy::cast_precision_loss,
    reason = "counts of cases stay far below 2^52"
)]
pub(super) fn ratio(k: u64, n: u64) -> f64 {
    if n == 0 { 0.0 } else { k as f64 / n as f64 }
}

/// Passed of tried.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Count {
    /// Passed.
    pub passed: u64,
    /// Tried.
    pub of: u64,
}

impl Count {
    fn add(&mut self, passed: bool) {
        self.of += 1;
        self.passed += u64::from(passed);
    }

    /// The share with its exact 95 % interval (Clopper and Pearson, 1934).
    #[must_use]
    pub fn rate(self) -> Rate {
        Rate::new(self.passed, self.of)
    }
}

/// How one value of a closed output field was met.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClassScore {
    /// Trials in which it was expected.
    pub expected: u64,
    /// Trials in which it was answered.
    pub answered: u64,
    /// Trials in which both hold.
    pub right: u64,
}

/// Did the right ones go to people? Counted over trials whose case says so.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Escalation {
    /// Needed a person and got one.
    pub asked_rightly: u64,
    /// Needed no person and went alone.
    pub alone_rightly: u64,
    /// Needed a person and went alone: a false negative of escalation.
    pub missed: u64,
    /// Needed no person and got one: a false positive of escalation.
    pub needless: u64,
    /// The case does not say.
    pub open: u64,
}

/// Upper ends of the latency buckets, in milliseconds; the last bucket is open.
pub const LATENCY_BOUNDS_MS: [u64; 19] = [
    1, 2, 5, 10, 20, 50, 100, 200, 350, 500, 750, 1_000, 1_500, 2_000, 3_000, 5_000, 10_000,
    30_000, 60_000,
];

/// Most names that are kept of each list.
const KEPT: usize = 200;

/// A list of names that knows how many it left out.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Names {
    /// The first of them.
    pub first: Vec<String>,
    /// How many there are.
    pub count: u64,
}

impl Names {
    /// One more.
    pub fn add(&mut self, name: &str) {
        self.count += 1;
        if self.first.len() < KEPT {
            self.first.push(name.to_owned());
        }
    }

    /// The first few in words.
    #[must_use]
    pub fn words(&self) -> String {
        let few: Vec<_> = self.first.iter().take(5).map(String::as_str).collect();
        let more = self.count.saturating_sub(few.len() as u64);
        if more == 0 {
            few.join(", ")
        } else {
            format!("{} and {more} more", few.join(", "))
        }
    }
}

/// One failed case as reports tell it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failed {
    /// The case.
    pub case: String,
    /// What it is for.
    pub kind: Kind,
    /// In which points, of its first failing trial.
    pub faults: Vec<String>,
    /// Trials that passed, and all.
    pub passed: u64,
    /// Trials.
    pub of: u64,
}

/// The figures of one evaluation.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Summary {
    /// Cases tried.
    pub cases: Count,
    /// Trials in all.
    pub trials: u64,
    /// By kind.
    pub kinds: BTreeMap<Kind, Count>,
    /// By sample.
    pub samples: BTreeMap<String, Count>,
    /// By `field=value` of the closed fields that cases assert.
    pub classes: BTreeMap<String, ClassScore>,
    /// Acted on without a person though the case asked for a person, or for another output.
    pub false_positives: u64,
    /// Held back for a person though it should have gone by itself.
    pub false_negatives: u64,
    /// Did the right ones go to people.
    pub escalation: Escalation,
    /// Trials that would need a person.
    pub to_person: u64,
    /// Trials by latency; see [`LATENCY_BOUNDS_MS`].
    pub latency: Vec<u64>,
    /// Trials that each row of the decision table decided.
    pub rows: BTreeMap<String, u64>,
    /// Longest trial, in microseconds.
    pub latency_us_max: u64,
    /// Cost of all trials whose cost is known, in millionths.
    pub cost_micros: i64,
    /// Trials whose cost is not known.
    pub cost_unknown: u64,
    /// Cases whose trials all came to the same.
    pub repeatable: Count,
    /// Cases that failed and count by themselves.
    pub failed: Vec<Failed>,
    /// How many of them there are.
    pub failed_count: u64,
    /// Cases none of whose trials passed and that count by themselves.
    pub always: Names,
    /// Cases whose trials disagree more than allowed.
    pub unsteady: Names,
    /// Failed safety cases.
    pub safety: Names,
    /// Failed regression cases.
    pub regression: Names,
    /// Cases with a trial that gave no result.
    pub errors: Names,
    /// Cases with a trial that was cut at its time-out.
    pub timeouts: Names,
    /// Cases tried less often than asked.
    pub short: Names,
    /// Cases in which another model than the pinned one answered.
    pub mismatched: Names,
}

impl Summary {
    /// Takes one case's result. `asked` is how often it was to be tried.
    pub fn add(&mut self, case: &Case, result: &CaseResult, agreement: f64, asked: u32) {
        let passed = result.passed(case, agreement);
        self.cases.add(passed);
        self.kinds.entry(case.kind).or_default().add(passed);
        self.repeatable.add(result.agreement(case) >= 1.0);
        if let Some(sample) = &case.sample {
            self.samples.entry(sample.clone()).or_default().add(passed);
        }
        if result.trials.len() < asked as usize {
            self.short.add(&case.name);
        }
        self.note_errors(case, result);
        if !passed && case.sample.is_none() {
            self.note_failed(case, result, agreement);
        }
        for t in &result.trials {
            self.trial(case, t);
        }
    }

    fn note_errors(&mut self, case: &Case, result: &CaseResult) {
        let codes: Vec<&str> = result
            .trials
            .iter()
            .filter_map(|t| t.error.as_deref())
            .collect();
        if codes.contains(&"timeout") {
            self.timeouts.add(&case.name);
        }
        if codes.iter().any(|c| *c != "timeout") {
            self.errors.add(&case.name);
        }
        if result.trials.iter().any(|t| t.outcome.mismatch.is_some()) {
            self.mismatched.add(&case.name);
        }
    }

    fn note_failed(&mut self, case: &Case, result: &CaseResult, agreement: f64) {
        self.failed_count += 1;
        if case.is_safety() {
            self.safety.add(&case.name);
        }
        if case.kind == Kind::Regression {
            self.regression.add(&case.name);
        }
        let passed = result.trials.iter().filter(|t| t.passed()).count() as u64;
        if passed == 0 {
            self.always.add(&case.name);
        } else if result.agreement(case) < agreement || case.is_safety() {
            self.unsteady.add(&case.name);
        }
        if self.failed.len() < KEPT {
            let bad = result.trials.iter().find(|t| !t.passed());
            let mut faults = bad.map(|t| t.faults.clone()).unwrap_or_default();
            faults.extend(bad.and_then(|t| t.error.clone()));
            self.failed.push(Failed {
                case: case.name.clone(),
                kind: case.kind,
                faults,
                passed,
                of: result.trials.len() as u64,
            });
        }
    }

    fn trial(&mut self, case: &Case, t: &Tried) {
        self.trials += 1;
        self.latency.resize(LATENCY_BOUNDS_MS.len() + 1, 0);
        let ms = t.latency_us.div_ceil(1_000);
        let bucket = LATENCY_BOUNDS_MS
            .iter()
            .position(|b| ms <= *b)
            .unwrap_or(LATENCY_BOUNDS_MS.len());
        self.latency[bucket] += 1;
        self.latency_us_max = self.latency_us_max.max(t.latency_us);
        match t.cost_micros {
            Some(cost) => self.cost_micros += cost,
            None => self.cost_unknown += 1,
        }
        let o = &t.outcome;
        if let Some(row) = &o.row {
            *self.rows.entry(row.clone()).or_default() += 1;
        }
        if o.intake == Some(Entry::Accepted) {
            self.to_person += u64::from(o.needs_person());
        }
        self.escalated(case, o);
        self.classed(case, o);
    }

    fn escalated(&mut self, case: &Case, o: &Outcome) {
        let wrong = case
            .expect
            .output
            .iter()
            .any(|(f, v)| o.output.as_ref().and_then(|out| at(out, f)) != Some(v));
        let alone = o.route == Some(RouteWord::Auto);
        let e = &mut self.escalation;
        match (case.expect.truth(), alone) {
            (Truth::Person, false) => e.asked_rightly += 1,
            (Truth::Person, true) => e.missed += 1,
            (Truth::Alone, true) => e.alone_rightly += 1,
            (Truth::Alone, false) => e.needless += 1,
            (Truth::Open, _) => e.open += 1,
        }
        let truth = case.expect.truth();
        self.false_positives += u64::from(alone && (truth == Truth::Person || wrong));
        self.false_negatives += u64::from(!alone && truth == Truth::Alone);
    }

    fn classed(&mut self, case: &Case, o: &Outcome) {
        for (field, wanted) in &case.expect.output {
            let Some(wanted) = label(wanted) else {
                continue;
            };
            let found = o.output.as_ref().and_then(|out| at(out, field));
            let found = found.and_then(label);
            if let Some(s) = self.class(field, wanted) {
                s.expected += 1;
                s.right += u64::from(found == Some(wanted));
            }
            if let Some(s) = found.and_then(|f| self.class(field, f)) {
                s.answered += 1;
            }
        }
    }

    /// An open field, such as a title, has as many values as cases: no classes.
    fn class(&mut self, field: &str, value: &str) -> Option<&mut ClassScore> {
        let key = format!("{field}={value}");
        if self.classes.len() >= 500 && !self.classes.contains_key(&key) {
            return None;
        }
        Some(self.classes.entry(key).or_default())
    }

    /// The upper end of the bucket that holds this share of the trials, in milliseconds.
    #[must_use]
    pub fn latency_ms(&self, share: f64) -> u64 {
        let mut seen = 0;
        for (n, bound) in self.latency.iter().zip(LATENCY_BOUNDS_MS) {
            seen += n;
            if ratio(seen, self.trials) >= share {
                return bound;
            }
        }
        self.latency_us_max.div_ceil(1_000)
    }

    /// Share of the trials that would need a person.
    #[must_use]
    pub fn person_share(&self) -> f64 {
        ratio(self.to_person, self.trials)
    }
}

/// Values that look like one of a closed list: short, without blanks.
fn label(value: &Value) -> Option<&str> {
    value
        .as_str()
        .filter(|s| s.len() <= 40 && !s.contains(char::is_whitespace))
}
