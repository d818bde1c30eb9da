//! Postmortems of workflows, and follow-ups of them and of incidents.

mod read;

pub use read::FollowUpFilter;

use tuesday_domain::id::IncidentId;
use tuesday_domain::postmortem::{RootCause, Wall};
use tuesday_domain::record::{FollowUp, Postmortem, TroubleChange};

use crate::change::Verb;
use crate::table::{Table, Ty};
use crate::value::{Param, opt_id, opt_text, opt_time};

pub(crate) static POSTMORTEMS: Table = Table::new(
    "postmortems",
    &[
        ("workflow", Ty::Text),
        ("seq", Ty::Int),
        ("state", Ty::Text),
        ("owner", Ty::Text),
        ("answers", Ty::Text),
        ("root", Ty::Text),
        ("wall", Ty::Text),
        ("ruled_out", Ty::Text),
        ("lessons", Ty::Text),
        ("closed_by", Ty::Text),
        ("closed_at", Ty::Int),
        ("version", Ty::Int),
        ("stopped", Ty::Text),
        ("reason", Ty::Text),
        ("opened_by", Ty::Text),
        ("opened_at", Ty::Int),
    ],
    2,
    12,
    true,
);

pub(crate) static FOLLOW_UPS: Table = Table::new(
    "follow_ups",
    &[
        ("id", Ty::Id),
        ("state", Ty::Text),
        ("owner", Ty::Text),
        ("due_at", Ty::Int),
        ("told_at", Ty::Int),
        ("note", Ty::Text),
        ("ended_by", Ty::Text),
        ("ended_at", Ty::Int),
        ("version", Ty::Int),
        ("incident_id", Ty::Id),
        ("postmortem", Ty::Int),
        ("workflow", Ty::Text),
        ("words", Ty::Text),
        ("created_by", Ty::Text),
        ("created_at", Ty::Int),
    ],
    1,
    9,
    true,
);

fn bind_postmortem<'a>(p: &'a Postmortem, out: &mut Vec<Param<'a>>) {
    out.extend([
        Param::Text(&p.workflow),
        Param::Int(i64::from(p.seq)),
        Param::Text(p.state.word()),
        Param::Text(&p.owner),
        Param::Text(&p.answers),
        opt_text(p.root.map(RootCause::word)),
        opt_text(p.wall.map(Wall::word)),
        opt_text(p.ruled_out.as_deref()),
        opt_text(p.lessons.as_deref()),
        opt_text(p.closed_by.as_deref()),
        opt_time(p.closed_at),
        Param::Int(i64::from(p.version)),
        Param::Text(p.stopped.word()),
        Param::Text(&p.reason),
        Param::Text(&p.opened_by),
        Param::Int(p.opened_at.micros()),
    ]);
}

fn bind_follow_up<'a>(f: &'a FollowUp, out: &mut Vec<Param<'a>>) {
    out.extend([
        Param::Id(f.id.uuid()),
        Param::Text(f.state.word()),
        Param::Text(&f.owner),
        Param::Int(f.due_at.micros()),
        opt_time(f.told_at),
        opt_text(f.note.as_deref()),
        opt_text(f.ended_by.as_deref()),
        opt_time(f.ended_at),
        Param::Int(i64::from(f.version)),
        opt_id(f.incident.map(IncidentId::uuid)),
        f.postmortem
            .map_or(Param::Null, |n| Param::Int(i64::from(n))),
        opt_text(f.workflow.as_deref()),
        Param::Text(&f.words),
        Param::Text(&f.created_by),
        Param::Int(f.created_at.micros()),
    ]);
}

/// Binds the values of a change of these tables; another change touches nothing.
pub(crate) fn bind<'a>(change: &'a TroubleChange, out: &mut Vec<Param<'a>>) -> Verb {
    use TroubleChange as T;
    match change {
        T::InsertPostmortem(p) => {
            bind_postmortem(p, out);
            Verb::Insert(&POSTMORTEMS)
        }
        T::UpdatePostmortem(p) => {
            bind_postmortem(p, out);
            Verb::Update(&POSTMORTEMS)
        }
        T::InsertFollowUp(f) => {
            bind_follow_up(f, out);
            Verb::Insert(&FOLLOW_UPS)
        }
        T::UpdateFollowUp(f) => {
            bind_follow_up(f, out);
            Verb::Update(&FOLLOW_UPS)
        }
        _ => Verb::One("SELECT 1 WHERE 1 = 0"),
    }
}
