//! A pilot from its question to its decision: a view over statements, the label's history and the
//! decision records, never a row of its own.

use std::time::Duration;

use super::prove::Facts;
use super::statement::{Fault, Statement, fault};
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
    /// Since when that day is its last one: when somebody stated it, or the label came down.
    pub end_since: Option<Timestamp>,
    /// Days until its end, 0 on the last one.
    pub days_left: Option<u32>,
    /// The label was given at this moment.
    pub started_at: Option<Timestamp>,
    /// Question, criteria or end that were changed after the start.
    pub changed: Vec<&'static str>,
}

/// The day on which a pilot must be decided.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct End {
    /// The day.
    pub(super) day: String,
    /// Since when it is that day.
    pub(super) since: Timestamp,
    /// Who stated it; nobody, where it follows from the label that came down.
    pub(super) by: Option<String>,
}

/// What was stated. A workflow that came down from production has a pilot of its own: an end that was stated
/// for the one before says nothing about it, and without another it may last as long as any.
pub(super) fn end_of(facts: &Facts, came_down: Option<Timestamp>, zone: &Zone) -> Option<End> {
    let stated = facts.get(Statement::PilotEnd);
    match (stated, came_down) {
        (Some(f), down) if down.is_none_or(|down| f.at > down) => Some(End {
            day: f.value.clone(),
            since: f.at,
            by: Some(f.by.clone()),
        }),
        (_, Some(down)) => Some(End {
            day: zone.day(down.plus(PILOT_MOST)),
            since: down,
            by: None,
        }),
        (_, None) => None,
    }
}

impl Pilot {
    /// How the pilot stands: `started` is when the label pilot was given or another one was decided,
    /// `came_down` when it got the label from above, `decided` what somebody last decided about the workflow,
    /// and when. Nothing that is decided in the middle of it ends a pilot, but to stop: only what is decided
    /// once its evidence is due does.
    #[must_use]
    pub fn of(
        facts: &Facts,
        started: Option<Timestamp>,
        came_down: Option<Timestamp>,
        decided: Option<(Timestamp, Choice)>,
        now: Timestamp,
        zone: &Zone,
    ) -> Self {
        let text = |s| facts.value(s).map(str::to_owned);
        let end = end_of(facts, came_down, zone);
        let last = end.as_ref().and_then(|end| moment(zone, &end.day));
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
            end_since: end.as_ref().map(|end| end.since),
            end: end.map(|end| end.day),
            started_at: started,
            changed,
        }
    }

    /// Whether its end may be moved to `day` (blank takes it back). Before the start anything may; after it, an
    /// earlier day. A later one only after somebody decided for another pilot (`again`), once for each such
    /// decision, and at most as far as a pilot from that moment may last.
    ///
    /// # Errors
    /// With what is lacking.
    pub fn may_end(&self, day: &str, again: Option<Timestamp>, zone: &Zone) -> Result<(), Fault> {
        if self.started_at.is_none() {
            return Ok(());
        }
        if day.is_empty() {
            return fault(
                "the pilot has begun, and keeps an end",
                "state an earlier day, or decide what becomes of it",
            );
        }
        if self.end.as_deref().is_some_and(|end| day <= end) {
            return Ok(());
        }
        // The decision that an end was stated after has had its say.
        let again = again.filter(|at| self.end_since.is_none_or(|since| since < *at));
        let Some(at) = again else {
            return fault(
                "the pilot has begun: it ends later only by a decision for another pilot",
                "tuesday workflow decide WORKFLOW --decision another_pilot …, then state its end",
            );
        };
        if day > zone.day(at.plus(PILOT_MOST)).as_str() {
            return fault(
                "another pilot lasts at most 90 days from its decision",
                "choose an earlier day",
            );
        }
        Ok(())
    }
}

/// Whether a decision ends a pilot that began at `started` and may last until `last`.
fn ends((at, choice): (Timestamp, Choice), started: Timestamp, last: Option<Timestamp>) -> bool {
    let due = last.is_none_or(|last| at >= last.minus(DUE_BEFORE));
    at > started && (choice == Choice::Stop || due)
}

/// The first moment after a day.
pub(super) fn moment(zone: &Zone, day: &str) -> Option<Timestamp> {
    let start = zone.moment(&format!("{day}T00:00")).ok()?;
    Some(zone.day_end(start))
}
