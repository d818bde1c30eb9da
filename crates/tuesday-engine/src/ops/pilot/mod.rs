//! What a pilot yields: its evidence pack, the steps it has taken in their order, and the answers that
//! going live rests on. All of it is read; what people add is a claim under their name.

mod evidence;
mod go_live;
mod line;
mod mistakes;
mod state;
mod steps;

pub use line::{PilotAnswer, PilotLine, PilotPartView};
pub use mistakes::Mistake;
pub use steps::StepView;

use serde::Serialize;
use tuesday_domain::charter::Statement;
use tuesday_domain::charter::pack::{GoLiveAsks, Known, PilotAsks, PilotPart};
use tuesday_domain::ledger::day::{Day, Days};
use tuesday_domain::problem::Problem;
use tuesday_domain::record::CharterFact;

use super::charter::{Gathered, PilotView, pilot_view};
use super::cost::Scorecard;
use crate::engine::{Engine, read_problem};

/// The evidence of a pilot, or of a workflow that has none yet, over its days.
#[derive(Clone, Debug, Serialize)]
pub struct PilotPack {
    /// Workflow name.
    pub workflow: String,
    /// For people.
    pub title: String,
    /// What it is called.
    pub label: &'static str,
    /// The days it is about: from the beginning of the pilot, or of the workflow.
    pub days: Days,
    /// The pilot as it stands, with what was changed after its start.
    pub pilot: PilotView,
    /// Seven parts.
    pub parts: Vec<PilotPartView>,
    /// Five questions.
    pub questions: Vec<PilotAnswer>,
    /// Six steps in order.
    pub steps: Vec<StepView>,
    /// The step that is next.
    pub current: Option<&'static str>,
    /// Fifteen questions of going live.
    pub go_live: Vec<PilotAnswer>,
    /// Those that nothing and nobody answers.
    pub blank: Vec<&'static str>,
    /// Of six common mistakes, those that records show.
    pub mistakes: Vec<Mistake>,
    /// Pilots follow each other without a decision; in words.
    pub trap: Option<String>,
    /// The moment all of it is about, RFC 3339.
    pub at: String,
}

/// Everything that the pack is made from.
pub(super) struct Read {
    pub(super) g: Gathered,
    pub(super) card: Scorecard,
    pub(super) figures: tuesday_domain::ledger::figures::DayFigures,
    /// Runs by the source of their event, most first.
    pub(super) sources: Vec<(String, u64)>,
    pub(super) rows: Vec<CharterFact>,
}

impl Engine {
    /// The evidence pack with steps and questions.
    ///
    /// # Errors
    /// `unknown_workflow`, `record_damaged`, `unavailable`.
    pub async fn pilot_pack(&self, name: &str) -> Result<PilotPack, Problem> {
        let read = Box::pin(self.pilot_read(name)).await?;
        Box::pin(self.packed(&read)).await
    }

    pub(super) async fn packed(&self, read: &Read) -> Result<PilotPack, Problem> {
        let parts = self.pilot_parts(read).await?;
        let steps = steps::of(read, &parts);
        let go_live = Box::pin(self.go_live_answers(read)).await?;
        let g = &read.g;
        let hours = self.capacity_declared(&g.row.name, &g.live).await?;
        Ok(PilotPack {
            mistakes: mistakes::found(read, &parts, hours),
            trap: self.pilot_trap(read).await?,
            workflow: g.row.name.clone(),
            title: g.row.title.clone(),
            label: g.row.label.word(),
            days: read.card.days,
            pilot: pilot_view(g.pilot()),
            questions: evidence::questions(read),
            current: steps
                .iter()
                .find(|s| !s.done && s.excused.is_none())
                .map(|s| s.step.word()),
            blank: go_live
                .iter()
                .filter(|a| a.known == Known::NoEvidence)
                .map(|a| a.asks)
                .collect(),
            at: g.now.rfc3339(),
            parts,
            steps,
            go_live,
        })
    }

    pub(super) async fn pilot_read(&self, name: &str) -> Result<Read, Problem> {
        let g = Box::pin(self.gather(name)).await?;
        let zone = &g.live.ready.zone;
        let began = g.pilot().started_at.unwrap_or(g.row.installed_at);
        let day =
            |at| Day::parse(&zone.day(at)).map_err(|e| Problem::new("internal", e.to_string()));
        let days = Days {
            from: day(began)?,
            to: day(g.now)?,
        };
        let card = Box::pin(self.scorecard(name, days)).await?;
        let figures = self.day_figures(name, days).await?;
        let rows = self.0.reader.charter_facts(name).await;
        let rows = rows.map_err(read_problem)?;
        let mut sources: Vec<(String, u64)> = figures.sources.clone().into_iter().collect();
        sources.sort_by_key(|(_, runs)| std::cmp::Reverse(*runs));
        Ok(Read {
            g,
            card,
            figures,
            sources,
            rows,
        })
    }
}

impl Read {
    /// What people said about a part, a step or a question; blank ones were taken back.
    pub(super) fn said(&self, statement: Statement, about: &str) -> Option<&CharterFact> {
        let mut all = self.rows.iter();
        all.find(|f| f.statement == statement && f.about == about && !f.value.is_empty())
    }

    /// Everything of a kind that people said.
    pub(super) fn all_said(&self, statement: Statement) -> impl Iterator<Item = &CharterFact> {
        let all = self.rows.iter();
        all.filter(move |f| f.statement == statement && !f.value.is_empty())
    }

    /// Runs that nobody's hand started.
    pub(super) fn by_triggers(&self) -> u64 {
        let own = self.sources.iter().filter(|(s, _)| !by_hand(s));
        own.map(|(_, n)| n).sum()
    }

    pub(super) fn page(&self, path: &str) -> String {
        format!("/workflows/{}{path}", self.g.row.name)
    }
}

fn by_hand(source: &str) -> bool {
    source.split(':').next() == Some("cli")
}

/// The words that a statement of this kind can be about.
pub(super) fn abouts(statement: Statement) -> Vec<&'static str> {
    use tuesday_domain::charter::pack::PilotStep;
    match statement {
        Statement::PilotClaim => PilotPart::ALL.iter().map(|p| p.word()).collect(),
        Statement::StepException => PilotStep::ALL.iter().map(|p| p.word()).collect(),
        Statement::GoLiveAnswer => GoLiveAsks::ALL.iter().map(|p| p.word()).collect(),
        _ => Vec::new(),
    }
}

/// The question of the pack under its word.
pub(super) fn answer(
    asks: PilotAsks,
    known: Known,
    words: String,
    records: Option<String>,
) -> PilotAnswer {
    PilotAnswer {
        asks: asks.word(),
        group: "",
        title: asks.title(),
        known,
        words,
        by: None,
        records,
    }
}
