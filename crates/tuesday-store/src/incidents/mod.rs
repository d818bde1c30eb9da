//! Findings, incidents with their timeline, alerts, corrections and signals from outside.

mod alerts;
mod blast;
mod fixes;
mod gaps;
mod read;
mod watch;

pub use alerts::{AlertFilter, DeliveryFigure};
pub use blast::{BlastFilter, Touched};
pub use fixes::FixCount;
pub use gaps::Place;
pub use read::IncidentFilter;
pub use watch::{Late, StuckRun, Waiting};

use tuesday_domain::id::{ActionId, RunId};
use tuesday_domain::record::{
    Alert, AlertDelivery, Correction, Finding, Gap, Incident, IncidentEntry, IncidentRun,
    TroubleChange,
};
use tuesday_domain::trouble::incident::{FixLayer, Proof};

use crate::change::Verb;
use crate::table::{Table, Ty};
use crate::value::{Param, big, opt_id, opt_int, opt_text, opt_time};

pub(crate) static FINDINGS: Table = Table::new(
    "findings",
    &[
        ("id", Ty::Id),
        ("incident_id", Ty::Id),
        ("key", Ty::Text),
        ("category", Ty::Text),
        ("workflow", Ty::Text),
        ("run_id", Ty::Id),
        ("words", Ty::Text),
        ("hard", Ty::Int),
        ("at", Ty::Int),
    ],
    1,
    2,
    false,
);

pub(crate) static INCIDENTS: Table = Table::new(
    "incidents",
    &[
        ("id", Ty::Id),
        ("state", Ty::Text),
        ("severity", Ty::Text),
        ("owner", Ty::Text),
        ("count", Ty::Int),
        ("last_at", Ty::Int),
        ("acknowledged_by", Ty::Text),
        ("acknowledged_at", Ty::Int),
        ("resolution", Ty::Text),
        ("resolved_by", Ty::Text),
        ("resolved_at", Ty::Int),
        ("case_name", Ty::Text),
        ("waiver", Ty::Text),
        ("fix_layer", Ty::Text),
        ("without_code", Ty::Int),
        ("reviewed_by", Ty::Text),
        ("version", Ty::Int),
        ("key", Ty::Text),
        ("category", Ty::Text),
        ("title", Ty::Text),
        ("workflow", Ty::Text),
        ("opened_by", Ty::Text),
        ("opened_at", Ty::Int),
    ],
    1,
    17,
    true,
);

pub(crate) static ENTRIES: Table = Table::new(
    "incident_entries",
    &[
        ("incident_id", Ty::Id),
        ("seq", Ty::Int),
        ("at", Ty::Int),
        ("about", Ty::Int),
        ("actor", Ty::Text),
        ("kind", Ty::Text),
        ("words", Ty::Text),
    ],
    2,
    2,
    false,
);

pub(crate) static RUNS: Table = Table::new(
    "incident_runs",
    &[("incident_id", Ty::Id), ("run_id", Ty::Id), ("at", Ty::Int)],
    2,
    3,
    false,
);

pub(crate) static ALERTS: Table = Table::new(
    "alerts",
    &[
        ("id", Ty::Id),
        ("state", Ty::Text),
        ("person", Ty::Text),
        ("chain", Ty::Text),
        ("level", Ty::Int),
        ("round", Ty::Int),
        ("tries", Ty::Int),
        ("due_at", Ty::Int),
        ("detail", Ty::Text),
        ("acknowledged_by", Ty::Text),
        ("version", Ty::Int),
        ("incident_id", Ty::Id),
        ("workflow", Ty::Text),
        ("fired_at", Ty::Int),
    ],
    1,
    11,
    true,
);

pub(crate) static DELIVERIES: Table = Table::new(
    "alert_deliveries",
    &[
        ("alert_id", Ty::Id),
        ("n", Ty::Int),
        ("kind", Ty::Text),
        ("person", Ty::Text),
        ("ok", Ty::Int),
        ("channel", Ty::Text),
        ("detail", Ty::Text),
        ("at", Ty::Int),
    ],
    2,
    2,
    false,
);

pub(crate) static CORRECTIONS: Table = Table::new(
    "corrections",
    &[
        ("id", Ty::Id),
        ("state", Ty::Text),
        ("owner", Ty::Text),
        ("due_at", Ty::Int),
        ("receipt", Ty::Text),
        ("settled_by", Ty::Text),
        ("settled_at", Ty::Int),
        ("note", Ty::Text),
        ("proof", Ty::Text),
        ("version", Ty::Int),
        ("incident_id", Ty::Id),
        ("run_id", Ty::Id),
        ("action_id", Ty::Id),
        ("place", Ty::Text),
        ("words", Ty::Text),
        ("created_at", Ty::Int),
    ],
    1,
    10,
    true,
);

pub(crate) static GAPS: Table = Table::new(
    "gaps",
    &[
        ("action_id", Ty::Id),
        ("state", Ty::Text),
        ("words", Ty::Text),
        ("at", Ty::Int),
        ("version", Ty::Int),
        ("run_id", Ty::Id),
        ("workflow", Ty::Text),
    ],
    1,
    5,
    true,
);

/// Soft findings that nothing came of.
pub(crate) const DROP_FINDINGS: &str =
    "DELETE FROM findings WHERE incident_id IS NULL AND hard = 0 AND at < $1";

fn bind_finding<'a>(f: &'a Finding, out: &mut Vec<Param<'a>>) {
    out.extend([
        Param::Id(f.id.uuid()),
        opt_id(f.incident.map(tuesday_domain::id::IncidentId::uuid)),
        Param::Text(&f.key),
        Param::Text(f.category.word()),
        opt_text(f.workflow.as_deref()),
        opt_id(f.run.map(RunId::uuid)),
        Param::Text(&f.words),
        Param::Int(i64::from(f.hard)),
        Param::Int(f.at.micros()),
    ]);
}

fn bind_incident<'a>(i: &'a Incident, out: &mut Vec<Param<'a>>) {
    out.extend([
        Param::Id(i.id.uuid()),
        Param::Text(i.state.word()),
        Param::Text(i.severity.word()),
        Param::Text(&i.owner),
        Param::Int(big(i.count)),
        Param::Int(i.last_at.micros()),
        opt_text(i.acknowledged_by.as_deref()),
        opt_time(i.acknowledged_at),
        opt_text(i.resolution.as_deref()),
        opt_text(i.resolved_by.as_deref()),
        opt_time(i.resolved_at),
        opt_text(i.case.as_deref()),
        opt_text(i.waiver.as_deref()),
        opt_text(i.fix_layer.map(FixLayer::word)),
        opt_int(i.without_code.map(i64::from)),
        opt_text(i.reviewed_by.as_deref()),
        Param::Int(i64::from(i.version)),
        Param::Text(&i.key),
        Param::Text(i.category.word()),
        Param::Text(&i.title),
        opt_text(i.workflow.as_deref()),
        Param::Text(&i.opened_by),
        Param::Int(i.opened_at.micros()),
    ]);
}

fn bind_entry<'a>(e: &'a IncidentEntry, out: &mut Vec<Param<'a>>) {
    out.extend([
        Param::Id(e.incident.uuid()),
        Param::Int(i64::from(e.seq)),
        Param::Int(e.at.micros()),
        opt_time(e.about),
        Param::Text(&e.actor),
        Param::Text(&e.kind),
        Param::Text(&e.words),
    ]);
}

fn bind_run<'a>(r: &'a IncidentRun, out: &mut Vec<Param<'a>>) {
    out.extend([
        Param::Id(r.incident.uuid()),
        Param::Id(r.run.uuid()),
        Param::Int(r.at.micros()),
    ]);
}

fn bind_alert<'a>(a: &'a Alert, out: &mut Vec<Param<'a>>) {
    out.extend([
        Param::Id(a.id.uuid()),
        Param::Text(a.state.word()),
        Param::Text(&a.person),
        Param::Text(&a.chain),
        Param::Int(i64::from(a.level)),
        Param::Int(i64::from(a.round)),
        Param::Int(i64::from(a.tries)),
        Param::Int(a.due_at.micros()),
        opt_text(a.detail.as_deref()),
        opt_text(a.acknowledged_by.as_deref()),
        Param::Int(i64::from(a.version)),
        Param::Id(a.incident.uuid()),
        opt_text(a.workflow.as_deref()),
        Param::Int(a.fired_at.micros()),
    ]);
}

fn bind_delivery<'a>(d: &'a AlertDelivery, out: &mut Vec<Param<'a>>) {
    out.extend([
        Param::Id(d.alert.uuid()),
        Param::Int(i64::from(d.n)),
        Param::Text(d.kind.word()),
        Param::Text(&d.person),
        Param::Int(i64::from(d.ok)),
        opt_text(d.channel.as_deref()),
        opt_text(d.detail.as_deref()),
        Param::Int(d.at.micros()),
    ]);
}

fn bind_correction<'a>(c: &'a Correction, out: &mut Vec<Param<'a>>) {
    out.extend([
        Param::Id(c.id.uuid()),
        Param::Text(c.state.word()),
        Param::Text(&c.owner),
        Param::Int(c.due_at.micros()),
        opt_text(c.receipt.as_deref()),
        opt_text(c.settled_by.as_deref()),
        opt_time(c.settled_at),
        opt_text(c.note.as_deref()),
        opt_text(c.proof.map(Proof::word)),
        Param::Int(i64::from(c.version)),
        Param::Id(c.incident.uuid()),
        Param::Id(c.run.uuid()),
        opt_id(c.action.map(ActionId::uuid)),
        Param::Text(&c.place),
        Param::Text(&c.words),
        Param::Int(c.created_at.micros()),
    ]);
}

fn bind_gap<'a>(g: &'a Gap, out: &mut Vec<Param<'a>>) {
    out.extend([
        Param::Id(g.action.uuid()),
        Param::Text(g.state.word()),
        Param::Text(&g.words),
        Param::Int(g.at.micros()),
        Param::Int(i64::from(g.version)),
        Param::Id(g.run.uuid()),
        Param::Text(&g.workflow),
    ]);
}

/// Binds the values of a change and says what is done with them.
pub(crate) fn bind<'a>(change: &'a TroubleChange, out: &mut Vec<Param<'a>>) -> Verb {
    use TroubleChange as T;
    match change {
        T::InsertFinding(f) => with(out, |o| bind_finding(f, o), Verb::Insert(&FINDINGS)),
        T::TakeFinding(f) => with(out, |o| bind_finding(f, o), Verb::Update(&FINDINGS)),
        T::DropFindings { before } => with(
            out,
            |o| o.push(Param::Int(before.micros())),
            Verb::Any(DROP_FINDINGS),
        ),
        T::InsertIncident(i) => with(out, |o| bind_incident(i, o), Verb::Insert(&INCIDENTS)),
        T::UpdateIncident(i) => with(out, |o| bind_incident(i, o), Verb::Update(&INCIDENTS)),
        T::InsertEntry(e) => with(out, |o| bind_entry(e, o), Verb::Insert(&ENTRIES)),
        T::LinkRun(r) => with(out, |o| bind_run(r, o), Verb::Put(&RUNS)),
        T::InsertAlert(a) => with(out, |o| bind_alert(a, o), Verb::Insert(&ALERTS)),
        T::UpdateAlert(a) => with(out, |o| bind_alert(a, o), Verb::Update(&ALERTS)),
        T::InsertDelivery(d) => with(out, |o| bind_delivery(d, o), Verb::Insert(&DELIVERIES)),
        T::InsertCorrection(c) => with(out, |o| bind_correction(c, o), Verb::Insert(&CORRECTIONS)),
        T::UpdateCorrection(c) => with(out, |o| bind_correction(c, o), Verb::Update(&CORRECTIONS)),
        T::InsertFollowUp(_)
        | T::UpdateFollowUp(_)
        | T::InsertPostmortem(_)
        | T::UpdatePostmortem(_) => crate::postmortems::bind(change, out),
        T::InsertGap(g) => with(out, |o| bind_gap(g, o), Verb::Insert(&GAPS)),
        T::UpdateGap(g) => with(out, |o| bind_gap(g, o), Verb::Update(&GAPS)),
    }
}

fn with<'a>(out: &mut Vec<Param<'a>>, bind: impl FnOnce(&mut Vec<Param<'a>>), verb: Verb) -> Verb {
    bind(out);
    verb
}

/// The row in words, for the message of a conflict.
pub(crate) fn describe(change: &TroubleChange) -> String {
    use TroubleChange as T;
    match change {
        T::InsertFinding(f) | T::TakeFinding(f) => f.id.to_string(),
        T::DropFindings { .. } => "old findings".to_owned(),
        T::InsertIncident(i) | T::UpdateIncident(i) => i.id.to_string(),
        T::InsertEntry(e) => format!("the timeline of {}", e.incident),
        T::LinkRun(r) => format!("{} of {}", r.run, r.incident),
        T::InsertAlert(a) | T::UpdateAlert(a) => a.id.to_string(),
        T::InsertDelivery(d) => format!("a delivery of {}", d.alert),
        T::InsertCorrection(c) | T::UpdateCorrection(c) => c.id.to_string(),
        T::InsertFollowUp(f) | T::UpdateFollowUp(f) => f.id.to_string(),
        T::InsertPostmortem(p) | T::UpdatePostmortem(p) => {
            format!("postmortem {} of {}", p.seq, p.workflow)
        }
        T::InsertGap(g) | T::UpdateGap(g) => format!("what {} reads at its destination", g.action),
    }
}
