//! Six common mistakes, each with a detector over what is declared and recorded; and the trap of piloting
//! the same thing again and again without ever deciding.

use serde::Serialize;
use tuesday_domain::charter::label::Basis;
use tuesday_domain::charter::pack::{Known, PilotPart};
use tuesday_domain::charter::{EvidenceState, Topic, prove};
use tuesday_domain::eval::Kind;
use tuesday_domain::problem::Problem;
use tuesday_domain::record::{Change, Choice, LabelMove};
use tuesday_domain::time::Timestamp;
use tuesday_domain::workflow::{Label, Stage};

use super::Read;
use super::line::PilotPartView;
use crate::engine::{Engine, read_problem};
use crate::maintenance::notice;

/// The pilot that is one too many.
const THIRD: usize = 3;
/// Events and decisions that are looked at.
const MOST: usize = 200;
/// Fewer ended runs carry no stage that acts by itself.
const LEAST_RUNS: u64 = 20;

/// A mistake that was found.
#[derive(Clone, Debug, Serialize)]
pub struct Mistake {
    /// Stable word.
    pub mistake: &'static str,
    /// As people read it.
    pub title: &'static str,
    /// What was seen.
    pub words: String,
}

/// The mistakes that the records show, in the order of the list.
pub(super) fn found(read: &Read, parts: &[PilotPartView], hours_declared: bool) -> Vec<Mistake> {
    let (g, def) = (&read.g, &read.g.live.ready.def);
    let known = |which| parts.iter().find(|p| p.part == which).map(|p| p.known);
    let shown = |which| known(which) == Some(Known::Evidence);
    let beyond = g.row.label == Label::Production || g.row.stage_in_force() >= Stage::ApprovalFirst;
    let cases = |k: &Kind| g.release.cases.get(k).copied().unwrap_or(0);
    let mut out = Vec::new();
    let mut add = |mistake, title, words: String| {
        out.push(Mistake {
            mistake,
            title,
            words,
        })
    };
    let claimed = parts
        .iter()
        .any(|p| p.lines.iter().any(|l| l.known == Known::Claim));
    if (beyond || claimed) && !(shown(PilotPart::Value) && shown(PilotPart::Quality)) {
        let words = "value and quality are not both shown by records".to_owned();
        add("excitement", "Judged by excitement", words);
    }
    let picture = g.picture();
    for topic in [
        Topic::OperatorOwner,
        Topic::TechnicalOwner,
        Topic::SupportOwner,
    ] {
        let evidence = prove(topic, &picture);
        if evidence.state != EvidenceState::Verified {
            add("no_ownership", "No ownership", evidence.words);
            break;
        }
    }
    let hard = [
        Kind::Edge,
        Kind::Refusal,
        Kind::Escalation,
        Kind::Uncertainty,
    ];
    let none: Vec<&str> = hard
        .iter()
        .filter(|k| cases(k) == 0)
        .map(|k| k.word())
        .collect();
    if !none.is_empty() {
        add(
            "easy_examples",
            "Easy examples only",
            format!("no case is {}", none.join(", ")),
        );
    }
    match (&g.overload, hours_declared) {
        (_, false) => {
            let words = "nobody has declared whose hours there are".to_owned();
            add("review_capacity", "Review capacity ignored", words);
        }
        (Some(over), true) => add("review_capacity", "Review capacity ignored", over.clone()),
        (None, true) => {}
    }
    let next = |s: Stage| def.rollout.entry.iter().any(|e| e.stage == s);
    if !next(Stage::ApprovalFirst) || !next(Stage::Auto) {
        let words = "nothing written says what must be true before it does more".to_owned();
        add("too_quickly", "Expanding too quickly", words);
    } else if g.row.stage_in_force() == Stage::Auto && g.figures.finished < LEAST_RUNS {
        let words = format!("it acts by itself after {} ended runs", g.figures.finished);
        add("too_quickly", "Expanding too quickly", words);
    }
    if def.pause_rule.is_empty() {
        let words = "nothing pauses it by itself".to_owned();
        add("no_pause_rules", "No pause rules", words);
    }
    out
}

impl Engine {
    /// How many pilots of a workflow began since somebody last decided anything but another pilot.
    pub(in crate::ops) async fn pilots_undecided(&self, name: &str) -> Result<usize, Problem> {
        let reader = &self.0.reader;
        let (events, decisions) = tokio::try_join!(
            reader.label_history(name, 0, MOST),
            reader.decisions(name, MOST)
        )
        .map_err(read_problem)?;
        // The decision that raises a label is written with it and ends nothing.
        let raised = |d: &tuesday_domain::id::DecisionId| {
            events
                .iter()
                .any(|e| e.decision == Some(*d) && e.label == Label::Pilot)
        };
        let ended = decisions
            .iter()
            .filter(|d| d.choice != Choice::AnotherPilot && !raised(&d.id))
            .map(|d| d.decided_at)
            .max();
        let since = |at: Timestamp| ended.is_none_or(|e| at > e);
        let begun = events
            .iter()
            .filter(|e| e.kind == LabelMove::Raised && e.label == Label::Pilot && since(e.at));
        let again = decisions
            .iter()
            .filter(|d| d.choice == Choice::AnotherPilot && since(d.decided_at));
        Ok(begun.count() + again.count())
    }

    /// Tells the sponsor when one more pilot begins and none was ever decided. `now` is that of the pilot
    /// that begins with this decision.
    pub(in crate::ops) async fn tell_pilot_trap(
        &self,
        name: &str,
        now: Timestamp,
    ) -> Result<Option<Change>, Problem> {
        let count = self.pilots_undecided(name).await? + 1;
        if count < THIRD {
            return Ok(None);
        }
        let row = self.known_workflow(name).await?;
        let live = self.loaded(row.live_release).await?;
        let owners = &live.ready.def.owners;
        let person = owners
            .sponsor
            .as_ref()
            .unwrap_or(&owners.operator)
            .handle
            .clone();
        let title =
            format!("{name}: pilot {count} without a decision; decide instead of trying again");
        let path = format!("/workflows/{name}/pilot");
        let told = notice(person, name.to_owned(), "pilot_trap", title, path, now);
        Ok(Some(Change::InsertNotice(Box::new(told))))
    }

    /// What the page says about it.
    pub(super) async fn pilot_trap(&self, read: &Read) -> Result<Option<String>, Problem> {
        if read.g.standing().basis != Basis::Decided {
            return Ok(None);
        }
        let count = self.pilots_undecided(&read.g.row.name).await?;
        Ok((count >= THIRD).then(|| {
            format!(
                "This is pilot {count} since anything was decided: decide instead of trying again"
            )
        }))
    }
}
