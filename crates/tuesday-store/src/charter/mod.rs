//! What people state about workflows, the history of their labels, and what proofs count.

mod figures;
mod first_shift;
mod friday;
mod read;
mod repairs;
mod turnover;

pub use figures::CharterFigures;
pub(crate) use first_shift::FIRST_SHIFTS;
pub(crate) use friday::FRIDAYS;
pub use repairs::Repairs;
pub(crate) use turnover::TURNOVERS;

use tuesday_domain::id::DecisionId;
use tuesday_domain::record::{CharterChange, CharterFact, LabelEvent, QuarterDecision};

use crate::change::Verb;
use crate::error::ReadError;
use crate::table::{Table, Ty};
use crate::value::{Param, Row, opt_id, opt_text, opt_time};

pub(crate) static FACTS: Table = Table::new(
    "charter_facts",
    &[
        ("workflow", Ty::Text),
        ("seq", Ty::Int),
        ("statement", Ty::Text),
        ("about", Ty::Text),
        ("value", Ty::Text),
        ("stated_by", Ty::Text),
        ("stated_at", Ty::Int),
    ],
    2,
    2,
    false,
);

pub(crate) static EVENTS: Table = Table::new(
    "label_events",
    &[
        ("workflow", Ty::Text),
        ("seq", Ty::Int),
        ("kind", Ty::Text),
        ("label", Ty::Text),
        ("reasons", Ty::Text),
        ("until", Ty::Int),
        ("decision", Ty::Id),
        ("moved_by", Ty::Text),
        ("moved_at", Ty::Int),
        ("choice", Ty::Text),
        ("evidence", Ty::Text),
    ],
    2,
    2,
    false,
);

const FACT_COLUMNS: &str = "workflow, seq, statement, about, value, stated_by, stated_at";
const EVENT_COLUMNS: &str =
    "workflow, seq, kind, label, reasons, until, decision, moved_by, moved_at, choice, evidence";

/// Binds the values of a change and says what is done with them.
pub(crate) fn bind<'a>(change: &'a CharterChange, out: &mut Vec<Param<'a>>) -> Verb {
    match change {
        CharterChange::InsertFact(f) => {
            out.extend([
                Param::Text(&f.workflow),
                Param::Int(i64::from(f.seq)),
                Param::Text(f.statement.word()),
                Param::Text(&f.about),
                Param::Text(&f.value),
                Param::Text(&f.by),
                Param::Int(f.at.micros()),
            ]);
            Verb::Insert(&FACTS)
        }
        CharterChange::InsertTurnover(t) => {
            turnover::bind(t, out);
            Verb::Insert(&TURNOVERS)
        }
        CharterChange::UpdateTurnover(t) => {
            turnover::bind(t, out);
            Verb::Update(&TURNOVERS)
        }
        CharterChange::InsertFriday(t) => {
            friday::bind(t, out);
            Verb::Insert(&FRIDAYS)
        }
        CharterChange::UpdateFriday(t) => {
            friday::bind(t, out);
            Verb::Update(&FRIDAYS)
        }
        CharterChange::InsertFirstShift(t) => {
            first_shift::bind(t, out);
            Verb::Insert(&FIRST_SHIFTS)
        }
        CharterChange::UpdateFirstShift(t) => {
            first_shift::bind(t, out);
            Verb::Update(&FIRST_SHIFTS)
        }
        CharterChange::InsertLabelEvent(e) => {
            out.extend([
                Param::Text(&e.workflow),
                Param::Int(i64::from(e.seq)),
                Param::Text(e.kind.word()),
                Param::Text(e.label.word()),
                Param::Text(&e.reasons),
                opt_time(e.until),
                opt_id(e.decision.map(DecisionId::uuid)),
                Param::Text(&e.by),
                Param::Int(e.at.micros()),
                opt_text(e.quarter.as_ref().map(|q| q.choice.word())),
                opt_text(e.quarter.as_ref().map(|q| q.evidence.as_str())),
            ]);
            Verb::Insert(&EVENTS)
        }
    }
}

fn fact(r: Row<'_>) -> Result<CharterFact, ReadError> {
    Ok(CharterFact {
        workflow: r.text(0)?,
        seq: r.num(1)?,
        statement: r.word(2)?,
        about: r.text(3)?,
        value: r.text(4)?,
        by: r.text(5)?,
        at: r.time(6)?,
    })
}

fn event(r: Row<'_>) -> Result<LabelEvent, ReadError> {
    Ok(LabelEvent {
        workflow: r.text(0)?,
        seq: r.num(1)?,
        kind: r.word(2)?,
        label: r.word(3)?,
        reasons: r.text(4)?,
        until: r.opt_time(5)?,
        decision: r.opt_id(6)?.map(DecisionId::new),
        by: r.text(7)?,
        at: r.time(8)?,
        quarter: match (r.opt_word(9)?, r.opt_text(10)?) {
            (Some(choice), Some(evidence)) => Some(QuarterDecision { choice, evidence }),
            _ => None,
        },
    })
}

/// The row in words, for the message of a conflict.
pub(crate) fn describe(change: &CharterChange) -> String {
    match change {
        CharterChange::InsertFact(f) => format!("the charter of {}", f.workflow),
        CharterChange::InsertLabelEvent(e) => format!("the label of {}", e.workflow),
        CharterChange::InsertTurnover(t) | CharterChange::UpdateTurnover(t) => {
            format!("the turnover test of {}", t.workflow)
        }
        CharterChange::InsertFriday(t) | CharterChange::UpdateFriday(t) => {
            format!("the Friday test of {}", t.workflow)
        }
        CharterChange::InsertFirstShift(t) | CharterChange::UpdateFirstShift(t) => {
            format!("the first shift of {} on {}", t.person, t.workflow)
        }
    }
}

/// The workflow a change belongs to.
pub(crate) fn workflow(change: &CharterChange) -> &str {
    match change {
        CharterChange::InsertFact(f) => &f.workflow,
        CharterChange::InsertLabelEvent(e) => &e.workflow,
        CharterChange::InsertTurnover(t) | CharterChange::UpdateTurnover(t) => &t.workflow,
        CharterChange::InsertFriday(t) | CharterChange::UpdateFriday(t) => &t.workflow,
        CharterChange::InsertFirstShift(t) | CharterChange::UpdateFirstShift(t) => &t.workflow,
    }
}
