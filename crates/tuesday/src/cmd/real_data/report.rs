//! The figures beside the baselines. Those were measured by others on the withheld part of each set,
//! so a small difference means nothing; a clear one is named.

use std::time::Duration;

use serde_json::{Value, json};
use tuesday_domain::run::Status;

use super::desk::Seen;
use crate::out;

/// Which direction is good.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Good {
    High,
    Low,
}

/// One measured figure.
pub(super) struct Figure {
    name: String,
    value: f64,
    baseline: Option<(f64, Good)>,
}

/// What the main job came to on one set.
pub(super) struct SetReport {
    pub(super) set: &'static str,
    pub(super) licence: &'static str,
    pub(super) records: u64,
    pub(super) accepted: u64,
    pub(super) completed: u64,
    pub(super) with_person: u64,
    pub(super) duration: Duration,
    pub(super) figures: Vec<Figure>,
    pub(super) notes: Vec<String>,
}

impl SetReport {
    pub(super) fn new(set: &'static str, licence: &'static str) -> Self {
        let (figures, notes) = (Vec::new(), Vec::new());
        Self {
            set,
            licence,
            records: 0,
            accepted: 0,
            completed: 0,
            with_person: 0,
            duration: Duration::ZERO,
            figures,
            notes,
        }
    }

    /// A figure with the baseline it should reach.
    pub(super) fn against(
        &mut self,
        name: &str,
        value: f64,
        baseline: f64,
        good: Good,
    ) -> &mut Self {
        self.figures.push(Figure {
            name: name.to_owned(),
            value,
            baseline: Some((baseline, good)),
        });
        self
    }

    /// A figure without a baseline.
    pub(super) fn plain(&mut self, name: &str, value: f64) -> &mut Self {
        self.figures.push(Figure {
            name: name.to_owned(),
            value,
            baseline: None,
        });
        self
    }

    /// Counts what became of the runs.
    pub(super) fn count(&mut self, seen: &[Seen]) {
        self.accepted += seen.len() as u64;
        let stand = |here: fn(Status) -> bool| {
            seen.iter().filter(|s| here(s.run.state.status)).count() as u64
        };
        self.completed += stand(|s| s == Status::Completed);
        self.with_person += stand(Status::wants_person);
    }

    /// Every record became a run, and every run is done or in front of a person.
    pub(super) fn adds_up(&self) -> bool {
        self.records == self.accepted && self.accepted == self.completed + self.with_person
    }

    pub(super) fn json(&self) -> Value {
        let figures: Vec<Value> = self
            .figures
            .iter()
            .map(|f| json!({"name": f.name, "value": f.value, "baseline": f.baseline.map(|b| b.0), "below_baseline": f.is_behind()}))
            .collect();
        json!({
            "set": self.set, "licence": self.licence, "records": self.records, "accepted": self.accepted,
            "completed": self.completed, "with_person": self.with_person, "adds_up": self.adds_up(),
            "duration_ms": u64::try_from(self.duration.as_millis()).unwrap_or(u64::MAX),
            "figures": figures, "notes": self.notes,
        })
    }
}

impl Figure {
    fn is_behind(&self) -> bool {
        match self.baseline {
            Some((b, Good::High)) => self.value < b,
            Some((b, Good::Low)) => self.value > b,
            None => false,
        }
    }
}

/// Prints everything for a person at a terminal.
pub(super) fn print(reports: &[SetReport], missing: &[&str]) {
    for r in reports {
        out::line(&format!(
            "\n{} ({}): {} records, {} accepted = {} completed + {} with a person, {:.1} s",
            r.set,
            r.licence,
            r.records,
            r.accepted,
            r.completed,
            r.with_person,
            r.duration.as_secs_f64()
        ));
        let mut table = out::table(&["Figure", "Here", "Baseline", ""]);
        for f in &r.figures {
            let baseline = f
                .baseline
                .map_or_else(String::new, |b| format!("{:.3}", b.0));
            let mark = if f.is_behind() {
                "below the baseline"
            } else {
                ""
            };
            table.add_row([
                f.name.clone(),
                format!("{:.3}", f.value),
                baseline,
                mark.to_owned(),
            ]);
        }
        out::line(&table.to_string());
        for note in &r.notes {
            out::line(&format!("  {note}"));
        }
    }
    out::line("");
    for set in missing {
        out::line(&format!(
            "missing: {set} is not in the folder; nothing was measured on it"
        ));
    }
    let behind: Vec<String> = reports
        .iter()
        .flat_map(|r| {
            r.figures
                .iter()
                .filter(|f| f.is_behind())
                .map(move |f| format!("{}: {} {:.3}", r.set, f.name, f.value))
        })
        .collect();
    if behind.is_empty() {
        out::line(
            "No figure is below its baseline (baselines were measured on the withheld part of each set).",
        );
    } else {
        out::line(&format!(
            "Below the baseline (measured on the withheld part of each set): {}",
            behind.join("; ")
        ));
    }
}
