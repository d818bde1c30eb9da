//! What one day of one release came to: counts, money, minutes and durations, folded from the records of
//! its runs. Kept as a row so that no page reads every run; made again from the records, it is the same.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

pub use super::facts::{AUTOMATIC, CallFacts, RunFacts, TaskFacts};
use super::grouped::{self, GroupCost, OTHERS};
use super::histogram::Histogram;
pub use super::inputs::InputCount;
use super::judged::Judged;
use crate::adoption::Adopted;
use crate::drift::calibration::{Band, BandCount};
use crate::record::{ReviewDecision, SecondLookResult};
use crate::review::ReviewKind;
use crate::run::{Outcome, Reason, ReviewStatus};
use crate::snapshot::InputFault;
use crate::time::Timestamp;

/// Sources of events that are kept apart.
const SOURCES: usize = 20;
/// Why a person got a run that says no reason.
pub const UNCLASSIFIED: &str = "unclassified";

/// What became of the runs of one part of a day, as far as it is known.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Mix {
    /// Runs received.
    pub runs: u64,
    /// Of them, with no outcome yet.
    pub open: u64,
    /// By outcome: what people decided, or how it ended without them.
    pub outcomes: BTreeMap<String, u64>,
    /// By where the machine sent it: the row of the decision table, or the reason why a person got it.
    pub landings: BTreeMap<String, u64>,
    /// Decisions about outputs, by who made them.
    pub people: BTreeMap<String, u64>,
}

impl Mix {
    /// Adds what another part came to.
    pub fn merge(&mut self, o: &Self) {
        self.runs += o.runs;
        self.open += o.open;
        for (mine, other) in [
            (&mut self.outcomes, &o.outcomes),
            (&mut self.landings, &o.landings),
            (&mut self.people, &o.people),
        ] {
            other
                .iter()
                .for_each(|(k, n)| *mine.entry(k.clone()).or_default() += n);
        }
    }

    fn add(&mut self, run: &RunFacts) {
        let count = |map: &mut BTreeMap<String, u64>, key: &str| {
            *map.entry(key.to_owned()).or_default() += 1;
        };
        self.runs += 1;
        match run.outcome_word() {
            Some(word) => count(&mut self.outcomes, word),
            None => self.open += 1,
        }
        if let Some(row) = &run.row {
            count(&mut self.landings, &format!("row {row}"));
        } else if let Some(reason) = run.reason {
            count(&mut self.landings, reason.word());
        }
        let outputs = run.tasks.iter().filter(|t| t.kind == ReviewKind::Output);
        for person in outputs.filter_map(|t| t.decided_by.as_deref()) {
            count(&mut self.people, person);
        }
    }
}

/// Sums by currency.
pub type Money = BTreeMap<String, i64>;

/// What one day came to. All money is in millionths, all times in milliseconds.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DayFigures {
    /// Version of this form.
    pub v: u32,
    /// Runs received.
    pub runs: u64,
    /// Of them, not ended.
    pub open: u64,
    /// Written back, or a draft placed.
    pub resolved: u64,
    /// Only shown, nothing written.
    pub shadow: u64,
    /// A person said no.
    pub rejected: u64,
    /// People did it by hand.
    pub handed_off: u64,
    /// Cancelled or failed.
    pub ended: u64,
    /// Runs that a person had to look at, by reason.
    pub exceptions: BTreeMap<String, u64>,
    /// Model calls.
    pub calls: u64,
    /// Of them, second and later tries.
    pub retries: u64,
    /// Input tokens that were reported.
    pub input_tokens: u64,
    /// Output tokens.
    pub output_tokens: u64,
    /// Calls whose usage nobody reported.
    pub unreported: u64,
    /// Calls with reported usage and no price, by model.
    pub unpriced: BTreeMap<String, u64>,
    /// What first tries cost.
    pub first: Money,
    /// What later tries cost.
    pub again: Money,
    /// Outputs approved as they stood.
    pub approved: u64,
    /// Outputs that a person changed.
    pub edited: u64,
    /// Outputs that a person refused.
    pub refused: u64,
    /// Decisions whose case was in view in the console.
    pub timed: u64,
    /// Decisions without any measured time.
    pub untimed: u64,
    /// Time in view of what was approved as it stood.
    pub review_ms: u64,
    /// Time in view of what was changed or refused.
    pub rework_ms: u64,
    /// Time in view of missing input, unclear sends and work by hand.
    pub exception_ms: u64,
    /// Time in view of second looks.
    pub look_ms: u64,
    /// Second looks done.
    pub looks: u64,
    /// Of them, found wrong.
    pub wrong: u64,
    /// Resolved runs, from receipt to receipt at the destination.
    pub total: Histogram,
    /// The part that waited for a machine.
    pub queue: Histogram,
    /// At the model: each call by itself, of every run, whether or not it answered.
    pub model: Histogram,
    /// The part with people.
    pub review: Histogram,
    /// The part at the destination.
    pub write: Histogram,
    /// Decisions with a measured time, by time in view.
    #[serde(default)]
    pub seen: Histogram,
    /// Runs outside the rollout, by what they are: `group emea`.
    #[serde(default)]
    pub outside: BTreeMap<String, u64>,
    /// What became of the runs, by the part of the day in which they were received.
    #[serde(default)]
    pub mix: BTreeMap<String, Mix>,
    /// Runs by the source of their event; beyond the first ones they are `others`.
    #[serde(default)]
    pub sources: BTreeMap<String, u64>,
    /// Stated confidence against what people said, by band.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub sure: BTreeMap<Band, BandCount>,
    /// What went alone or was held back, and what people said about it.
    #[serde(default, skip_serializing_if = "Judged::is_empty")]
    pub judged: Judged,
    /// What became of delivered outputs, by the group they were for; empty for those without one, `others`
    /// beyond the first ones.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub adopted: BTreeMap<String, Adopted>,
    /// What runs cost, by the group they were for; empty for those without one, `others` beyond the first ones.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub groups: BTreeMap<String, GroupCost>,
    /// Runs with something wrong with an input, by source; all runs under the empty name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub inputs: BTreeMap<String, InputCount>,
}

/// `group emea` of `group emea is not in the rollout`; `other` of anything else.
fn outside_key(words: &str) -> String {
    let known = words.strip_suffix(" is not in the rollout");
    known.unwrap_or("other").to_owned()
}

/// Counts one more under a key. Sources are what senders say they are, so a day keeps only some of them.
fn source(map: &mut BTreeMap<String, u64>, key: &str, runs: u64) {
    let known = map.contains_key(key) || map.len() < SOURCES;
    let key = if known { key } else { OTHERS };
    *map.entry(key.to_owned()).or_default() += runs;
}

const fn delivered(outcome: Outcome) -> bool {
    matches!(outcome, Outcome::WrittenBack | Outcome::DraftPlaced)
}

/// Milliseconds between two moments; clocks that ran backwards give none.
fn ms(from: Timestamp, to: Timestamp) -> u64 {
    u64::try_from(to.since(from).as_millis()).unwrap_or(0)
}

impl DayFigures {
    /// Nothing yet.
    #[must_use]
    pub fn new() -> Self {
        Self {
            v: 1,
            ..Self::default()
        }
    }

    /// Counts a run.
    pub fn add(&mut self, run: &RunFacts) {
        self.runs += 1;
        let group = run.group.as_deref().unwrap_or_default();
        grouped::add(&mut self.groups, group, &Self::cost_of(run));
        source(&mut self.sources, &run.source, 1);
        match run.outcome {
            None => self.open += 1,
            Some(Outcome::WrittenBack | Outcome::DraftPlaced) => {
                self.resolved += 1;
                self.durations(run);
                let mut one = Adopted::default();
                one.add(run.uptake(), run.asked(), run.opened());
                grouped::adopt(&mut self.adopted, group, &one);
            }
            Some(Outcome::ShadowOnly) => self.shadow += 1,
            Some(Outcome::Rejected) => self.rejected += 1,
            Some(Outcome::HandedOff) => self.handed_off += 1,
            Some(Outcome::Cancelled | Outcome::Failed) => self.ended += 1,
        }
        if run.review != ReviewStatus::None || !run.tasks.iter().all(TaskFacts::is_look) {
            let word = run.reason.map_or(UNCLASSIFIED, Reason::word);
            *self.exceptions.entry(word.to_owned()).or_default() += 1;
        }
        if let Some(words) = run.tasks.iter().find_map(|t| t.outside.as_deref()) {
            *self.outside.entry(outside_key(words)).or_default() += 1;
        }
        self.mix.entry(run.shift.clone()).or_default().add(run);
        self.judged.add(run);
        self.input(run);
        if let (Some(said), Some(right)) = (run.confidence_ppm, run.was_right()) {
            self.sure
                .entry(Band::of(said))
                .or_default()
                .add(said, right);
        }
        run.calls.iter().for_each(|c| self.call(c));
        run.tasks.iter().for_each(|t| self.task(t));
        if let Some(look) = run.look {
            self.looks += 1;
            self.wrong += u64::from(look == SecondLookResult::Incorrect);
        }
    }

    /// Counts a run under each source that something was wrong with, and under all runs.
    fn input(&mut self, run: &RunFacts) {
        let overridden = run.overridden();
        self.inputs
            .entry(String::new())
            .or_default()
            .add(&[], overridden);
        let mut sources: BTreeMap<&str, Vec<InputFault>> = BTreeMap::new();
        for (source, fault) in &run.faults {
            sources.entry(source).or_default().push(*fault);
        }
        for (source, faults) in sources {
            let count = self.inputs.entry(source.to_owned()).or_default();
            count.add(&faults, overridden);
        }
    }

    /// What one run cost.
    fn cost_of(run: &RunFacts) -> GroupCost {
        let mut one = Self::default();
        run.calls.iter().for_each(|c| one.call(c));
        run.tasks.iter().for_each(|t| one.task(t));
        one.runs = 1;
        one.resolved = u64::from(run.outcome.is_some_and(delivered));
        GroupCost::of(&one)
    }

    fn call(&mut self, call: &CallFacts) {
        self.calls += 1;
        let took = u64::try_from(call.duration_us).unwrap_or(0) / 1_000;
        self.model.add(took);
        let again = call.number > 1;
        self.retries += u64::from(again);
        if let Some(usage) = call.usage {
            self.input_tokens += usage.input_tokens;
            self.output_tokens += usage.output_tokens;
        }
        match (call.cost_micros, call.usage) {
            (Some(micros), _) => {
                let currency = call.currency.clone().unwrap_or_default();
                let sums = if again {
                    &mut self.again
                } else {
                    &mut self.first
                };
                if micros != 0 {
                    *sums.entry(currency).or_default() += micros;
                }
            }
            (None, Some(_)) => {
                let model = call.model.clone().unwrap_or_default();
                *self.unpriced.entry(model).or_default() += 1;
            }
            (None, None) => self.unreported += 1,
        }
    }

    fn task(&mut self, task: &TaskFacts) {
        use ReviewDecision as D;
        let seen = task.visible_ms.unwrap_or(0);
        if task.kind == ReviewKind::SecondLook {
            self.look_ms += seen;
        } else if task.kind != ReviewKind::Output {
            self.exception_ms += seen;
        } else {
            match task.decision {
                Some(D::Approve) | None => self.review_ms += seen,
                Some(_) => self.rework_ms += seen,
            }
        }
        let Some(decision) = task.decision else {
            return;
        };
        if let Some(ms) = task.visible_ms {
            self.timed += 1;
            self.seen.add(ms);
        } else {
            self.untimed += 1;
        }
        if task.kind == ReviewKind::Output {
            match decision {
                D::Approve => self.approved += 1,
                D::ApproveWithEdits => self.edited += 1,
                _ => self.refused += 1,
            }
        }
    }

    /// The whole and its parts: what is neither with people nor at the model nor at the destination
    /// waited for a machine.
    fn durations(&mut self, run: &RunFacts) {
        let Some(finished) = run.finished_at else {
            return;
        };
        let total = ms(run.received_at, finished);
        let sum = |it: &mut dyn Iterator<Item = u64>| it.sum::<u64>();
        let us = sum(&mut run
            .calls
            .iter()
            .map(|c| u64::try_from(c.duration_us).unwrap_or(0)));
        let model = (us / 1_000).min(total);
        let asked = run.tasks.iter().filter(|t| !t.is_look());
        let with_people = asked.filter_map(|t| Some(ms(t.created_at, t.decided_at?.min(finished))));
        let review = with_people.sum::<u64>().min(total - model);
        let write = run.first_sent_at.map_or(0, |at| ms(at, finished));
        let write = write.min(total - model - review);
        self.total.add(total);
        self.review.add(review);
        self.write.add(write);
        self.queue.add(total - model - review - write);
    }

    /// Adds what another came to.
    pub fn merge(&mut self, o: &Self) {
        let numbers = [
            (&mut self.runs, o.runs),
            (&mut self.open, o.open),
            (&mut self.resolved, o.resolved),
            (&mut self.shadow, o.shadow),
            (&mut self.rejected, o.rejected),
            (&mut self.handed_off, o.handed_off),
            (&mut self.ended, o.ended),
            (&mut self.calls, o.calls),
            (&mut self.retries, o.retries),
            (&mut self.input_tokens, o.input_tokens),
            (&mut self.output_tokens, o.output_tokens),
            (&mut self.unreported, o.unreported),
            (&mut self.approved, o.approved),
            (&mut self.edited, o.edited),
            (&mut self.refused, o.refused),
            (&mut self.timed, o.timed),
            (&mut self.untimed, o.untimed),
            (&mut self.review_ms, o.review_ms),
            (&mut self.rework_ms, o.rework_ms),
            (&mut self.exception_ms, o.exception_ms),
            (&mut self.look_ms, o.look_ms),
            (&mut self.looks, o.looks),
            (&mut self.wrong, o.wrong),
        ];
        for (mine, other) in numbers {
            *mine += other;
        }
        for (mine, other) in [
            (&mut self.exceptions, &o.exceptions),
            (&mut self.unpriced, &o.unpriced),
            (&mut self.outside, &o.outside),
        ] {
            other
                .iter()
                .for_each(|(k, n)| *mine.entry(k.clone()).or_default() += n);
        }
        for (mine, other) in [(&mut self.first, &o.first), (&mut self.again, &o.again)] {
            other
                .iter()
                .for_each(|(k, n)| *mine.entry(k.clone()).or_default() += n);
        }
        for (mine, other) in [
            (&mut self.total, &o.total),
            (&mut self.queue, &o.queue),
            (&mut self.model, &o.model),
            (&mut self.review, &o.review),
            (&mut self.write, &o.write),
            (&mut self.seen, &o.seen),
        ] {
            mine.merge(other);
        }
        for (group, cost) in &o.groups {
            grouped::add(&mut self.groups, group, cost);
        }
        for (key, runs) in &o.sources {
            source(&mut self.sources, key, *runs);
        }
        self.judged.merge(&o.judged);
        for (band, count) in &o.sure {
            self.sure.entry(*band).or_default().merge(count);
        }
        for (source, count) in &o.inputs {
            self.inputs.entry(source.clone()).or_default().merge(count);
        }
        for (group, adopted) in &o.adopted {
            grouped::adopt(&mut self.adopted, group, adopted);
        }
        for (shift, mix) in &o.mix {
            self.mix.entry(shift.clone()).or_default().merge(mix);
        }
    }

    /// Runs that a person had to look at.
    #[must_use]
    pub fn exception_count(&self) -> u64 {
        self.exceptions.values().sum()
    }

    /// Runs that ended, one way or another.
    #[must_use]
    pub const fn finished(&self) -> u64 {
        self.runs - self.open
    }

    /// All time people had its cases in view.
    #[must_use]
    pub const fn people_ms(&self) -> u64 {
        self.review_ms + self.rework_ms + self.exception_ms + self.look_ms
    }
}

#[cfg(test)]
mod tests;
