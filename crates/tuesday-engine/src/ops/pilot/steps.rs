//! The six steps of a pilot in their order: what is done, what closes the next, and what is refused
//! because a step before it was jumped over.

use serde::Serialize;
use tuesday_domain::charter::Statement;
use tuesday_domain::charter::label::Basis;
use tuesday_domain::charter::pack::{Known, PilotStep, skipped};
use tuesday_domain::problem::Problem;
use tuesday_domain::record::Choice;
use tuesday_domain::workflow::Label;

use super::Read;
use super::line::PilotPartView;
use crate::engine::Engine;

/// Fewer runs are no real conditions.
const LEAST_RUNS: u64 = 10;

/// One step.
#[derive(Clone, Debug, Serialize)]
pub struct StepView {
    /// Which one.
    pub step: PilotStep,
    /// As people read it.
    pub title: &'static str,
    /// It is done.
    pub done: bool,
    /// Why it was jumped over, and by whom.
    pub excused: Option<String>,
    /// What closes it.
    pub closes: &'static str,
}

/// The steps as records show them. A decision to proceed also moves a stage: it closes the way on only
/// once every step before it is done or excused.
pub(super) fn of(read: &Read, parts: &[PilotPartView]) -> Vec<StepView> {
    let mut out: Vec<StepView> = PilotStep::ALL
        .iter()
        .map(|step| {
            let said = read.said(Statement::StepException, step.word());
            StepView {
                step: *step,
                title: step.title(),
                done: done(*step, read, parts),
                excused: said.map(|f| format!("{} ({})", f.value, f.by)),
                closes: step.closes(),
            }
        })
        .collect();
    let open = !jumped_over(&out).is_empty();
    for step in out.iter_mut().filter(|s| open && s.step == PilotStep::Path) {
        step.done = false;
    }
    out
}

/// Steps before the way on that are neither done nor excused.
fn jumped_over(steps: &[StepView]) -> Vec<PilotStep> {
    let done: Vec<_> = steps.iter().map(|s| (s.step, s.done)).collect();
    let excused = steps.iter().filter(|s| s.excused.is_some());
    let excused: Vec<_> = excused.map(|s| s.step).collect();
    skipped(PilotStep::Path, &done, &excused)
}

fn done(step: PilotStep, read: &Read, parts: &[PilotPartView]) -> bool {
    let g = &read.g;
    let standing = g.standing();
    let production = g.row.label == Label::Production && standing.basis == Basis::Decided;
    let began = g.pilot().started_at;
    let stated = |s| g.facts.get(s).is_some();
    match step {
        PilotStep::Question => stated(Statement::PilotQuestion),
        PilotStep::Criteria => stated(Statement::PilotCriteria) && (began.is_some() || production),
        PilotStep::Conditions => {
            production || (began.is_some() && read.by_triggers() >= LEAST_RUNS)
        }
        PilotStep::Evidence => production || parts.iter().all(|p| p.known == Known::Evidence),
        PilotStep::Path => {
            let decided = g.decision.as_ref().filter(|d| d.choice == Choice::Proceed);
            production
                || decided
                    .zip(began)
                    .is_some_and(|(d, began)| d.decided_at > began)
        }
        PilotStep::Operate => {
            let week = g.facts.get(Statement::WeeklyReview);
            production && week.is_some_and(|w| w.at >= standing.since)
        }
    }
}

impl Engine {
    /// Refuses to call a pilot production while a step before the way on is open and nobody said why. A
    /// label that nobody decided is no pilot.
    ///
    /// # Errors
    /// `step_out_of_order` naming the steps, `unavailable`.
    pub(in crate::ops) async fn in_order(&self, name: &str) -> Result<(), Problem> {
        let read = Box::pin(self.pilot_read(name)).await?;
        let running = read.g.row.label == Label::Pilot && read.g.standing().basis == Basis::Decided;
        if !running {
            return Ok(());
        }
        let parts = self.pilot_parts(&read).await?;
        let open = jumped_over(&of(&read, &parts));
        let Some(first) = open.first() else {
            return Ok(());
        };
        let names: Vec<&str> = open.iter().map(|s| s.word()).collect();
        let words = format!("the pilot has not done {}", names.join(", "));
        Err(Problem::new("step_out_of_order", words)
            .with("steps", names)
            .way_out(format!(
                "do it, or say why not: tuesday pilot skip {name} {first} WHY"
            )))
    }
}
