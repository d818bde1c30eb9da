//! What is decided about workflows, and what is said about their outputs afterwards.

mod adoption;
mod figures;
mod read;
mod shadow;

pub use adoption::OldPathEvent;
pub(crate) use adoption::{GROUPS, INPUTS, USES};
pub use figures::RunFigures;
pub use read::Outcomes;
pub use shadow::ShadowRow;

use tuesday_domain::id::{DecisionId, RunId};
use tuesday_domain::record::{DecisionRecord, RolloutChange, Signal};

use crate::change::Verb;
use crate::table::{Table, Ty};
use crate::value::{Param, opt_id, opt_text};

pub(crate) static DECISIONS: Table = Table::new(
    "decisions",
    &[
        ("id", Ty::Id),
        ("workflow", Ty::Text),
        ("choice", Ty::Text),
        ("question", Ty::Text),
        ("evidence", Ty::Text),
        ("reason", Ty::Text),
        ("decided_by", Ty::Text),
        ("decided_at", Ty::Int),
        ("links", Ty::Text),
        ("conditions", Ty::Text),
        ("supersedes", Ty::Id),
    ],
    1,
    1,
    false,
);

pub(crate) static SIGNALS: Table = Table::new(
    "signals",
    &[
        ("workflow", Ty::Text),
        ("event", Ty::Text),
        ("kind", Ty::Text),
        ("run_id", Ty::Id),
        ("record", Ty::Text),
        ("wrong", Ty::Int),
        ("count", Ty::Int),
        ("at", Ty::Int),
        ("posted_by", Ty::Text),
        ("received_at", Ty::Int),
    ],
    2,
    2,
    false,
);

/// Binds the values of a change and says what is done with them.
pub(crate) fn bind<'a>(change: &'a RolloutChange, out: &mut Vec<Param<'a>>) -> Verb {
    match change {
        RolloutChange::InsertDecision(d) => {
            bind_decision(d, out);
            Verb::Insert(&DECISIONS)
        }
        RolloutChange::InsertSignal(s) => {
            bind_signal(s, out);
            Verb::Insert(&SIGNALS)
        }
        RolloutChange::InsertUse(u) => {
            adoption::bind_use(u, out);
            Verb::Insert(&USES)
        }
        RolloutChange::PutGroup {
            run,
            workflow,
            name,
        } => {
            out.extend([
                Param::Id(run.uuid()),
                Param::Text(name),
                Param::Text(workflow),
            ]);
            Verb::Put(&GROUPS)
        }
        RolloutChange::PutInputFault {
            run,
            workflow,
            source,
            fault,
        } => {
            out.extend([
                Param::Id(run.uuid()),
                Param::Text(source),
                Param::Text(fault.word()),
                Param::Text(workflow),
            ]);
            Verb::Put(&INPUTS)
        }
    }
}

fn bind_decision<'a>(d: &'a DecisionRecord, out: &mut Vec<Param<'a>>) {
    out.extend([
        Param::Id(d.id.uuid()),
        Param::Text(&d.workflow),
        Param::Text(d.choice.word()),
        Param::Text(&d.question),
        Param::Text(&d.evidence),
        Param::Text(&d.reason),
        Param::Text(&d.decided_by),
        Param::Int(d.decided_at.micros()),
        Param::Text(d.links.json()),
        Param::Text(d.conditions.json()),
        opt_id(d.supersedes.map(DecisionId::uuid)),
    ]);
}

fn bind_signal<'a>(s: &'a Signal, out: &mut Vec<Param<'a>>) {
    out.extend([
        Param::Text(&s.workflow),
        Param::Text(&s.event),
        Param::Text(&s.kind),
        opt_id(s.run.map(RunId::uuid)),
        opt_text(s.record.as_deref()),
        Param::Int(i64::from(s.wrong)),
        Param::Int(i64::from(s.count)),
        Param::Int(s.at.micros()),
        Param::Text(&s.posted_by),
        Param::Int(s.received_at.micros()),
    ]);
}

/// The row in words, for the message of a conflict.
pub(crate) fn describe(change: &RolloutChange) -> String {
    match change {
        RolloutChange::InsertDecision(d) => d.id.to_string(),
        RolloutChange::InsertSignal(s) => format!("signal {} of {}", s.event, s.workflow),
        RolloutChange::InsertUse(u) => format!("the use told by {} of {}", u.event, u.workflow),
        RolloutChange::PutGroup { run, .. } => format!("the group of {run}"),
        RolloutChange::PutInputFault { run, source, .. } => format!("{source} of {run}"),
    }
}

/// The workflow a change belongs to.
pub(crate) fn workflow(change: &RolloutChange) -> &str {
    match change {
        RolloutChange::InsertDecision(d) => &d.workflow,
        RolloutChange::InsertSignal(s) => &s.workflow,
        RolloutChange::InsertUse(u) => &u.workflow,
        RolloutChange::PutGroup { workflow, .. }
        | RolloutChange::PutInputFault { workflow, .. } => workflow,
    }
}
