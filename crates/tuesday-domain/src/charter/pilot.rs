//! A pilot from its question to its decision: a view over statements, the label's history and the
//! decision records, never a row of its own.

use std::time::Duration;

use super::prove::Facts;
use super::statement::Statement;
use crate::record::Choice;
use crate::time::{Timestamp, Zone};
use crate::words::words;

/// No pilot lasts longer.
pub const PILOT_MOST: Duration = Duration::from_secs(90 * 86_400);
/// So long before its end the decision is asked for.
const DUE_BEFORE: Duration = Duration::from_secs(14 * 86_400);

words! {
    /// Where a pilot stands.
    PilotState {
        /// It has not begun.
        Planned = "planned",
        /// It gathers evidence.
        Running = "running",
        /// Its end is near: the decision is asked for.
        EvidenceDue = "evidence_due",
        /// Somebody decided.
        Decided = "decided",
        /// Its end passed without a decision: it is paused.
        Lapsed = "lapsed",
    }
}

/// The pilot of a workflow as it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pilot {
    /// Where it stands.
    pub state: PilotState,
    /// What it is to answer.
    pub question: Option<String>,
    /// By what.
    pub criteria: Option<String>,
    /// Its last day in the workflow's time zone.
    pub end: Option<String>,
    /// Days until its end, 0 on the last one.
    pub days_left: Option<u32>,
    /// The label was given at this moment.
    pub started_at: Option<Timestamp>,
    /// Question, criteria or end that were changed after the start.
    pub changed: Vec<&'static str>,
}

impl Pilot {
    /// How the pilot stands: `started` is when the label pilot was given, `decided` what somebody last
    /// decided about the workflow, and when. To go on a step in the middle of it ends no pilot: only what is
    /// decided once its evidence is due does, or a decision to stop, narrow or build it anew.
    #[must_use]
    pub fn of(
        facts: &Facts,
        started: Option<Timestamp>,
        decided: Option<(Timestamp, Choice)>,
        now: Timestamp,
        zone: &Zone,
    ) -> Self {
        let text = |s| facts.value(s).map(str::to_owned);
        let end = text(Statement::PilotEnd);
        let last = end.as_deref().and_then(|day| moment(zone, day));
        let mut changed = Vec::new();
        if let Some(started) = started {
            for statement in [
                Statement::PilotQuestion,
                Statement::PilotCriteria,
                Statement::PilotEnd,
            ] {
                if facts.get(statement).is_some_and(|f| f.at > started) {
                    changed.push(statement.word());
                }
            }
        }
        let state = match (started, last) {
            (None, _) => PilotState::Planned,
            // The decision that began it is not the one that ends it.
            (Some(started), _) if decided.is_some_and(|d| ends(d, started, last)) => {
                PilotState::Decided
            }
            (Some(_), Some(last)) if now < last.minus(DUE_BEFORE) => PilotState::Running,
            (Some(_), Some(last)) if now < last => PilotState::EvidenceDue,
            // Without an end it has no right to go on.
            (Some(_), _) => PilotState::Lapsed,
        };
        let days = last.map(|last| last.since(now).as_secs() / 86_400);
        Self {
            state,
            question: text(Statement::PilotQuestion),
            criteria: text(Statement::PilotCriteria),
            days_left: days.and_then(|d| u32::try_from(d).ok()),
            end,
            started_at: started,
            changed,
        }
    }
}

/// Whether a decision ends a pilot that began at `started` and may last until `last`.
fn ends((at, choice): (Timestamp, Choice), started: Timestamp, last: Option<Timestamp>) -> bool {
    let due = last.is_none_or(|last| at >= last.minus(DUE_BEFORE));
    at > started && (choice != Choice::Proceed || due)
}

/// The first moment after a day.
pub(super) fn moment(zone: &Zone, day: &str) -> Option<Timestamp> {
    let start = zone.moment(&format!("{day}T00:00")).ok()?;
    Some(zone.day_end(start))
}
