//! Declared capacity, frozen mixes, and what was found about them.

mod read;

use tuesday_domain::id::ReleaseId;
use tuesday_domain::record::{CanaryTry, CapacityPlan, DriftBaseline, DriftFinding, LoadChange};

use crate::change::Verb;
use crate::error::ReadError;
use crate::table::{Table, Ty};
use crate::value::{Param, Row, opt_int, opt_text, opt_time};

pub(crate) static PLANS: Table = Table::new(
    "capacity_plans",
    &[
        ("workflow", Ty::Text),
        ("version", Ty::Int),
        ("plan", Ty::Text),
        ("reason", Ty::Text),
        ("set_by", Ty::Text),
        ("set_at", Ty::Int),
    ],
    2,
    2,
    false,
);

pub(crate) static BASELINES: Table = Table::new(
    "drift_baselines",
    &[
        ("workflow", Ty::Text),
        ("version", Ty::Int),
        ("day_from", Ty::Text),
        ("day_to", Ty::Text),
        ("mix", Ty::Text),
        ("reason", Ty::Text),
        ("set_by", Ty::Text),
        ("set_at", Ty::Int),
    ],
    2,
    2,
    false,
);

pub(crate) static FINDINGS: Table = Table::new(
    "drift_findings",
    &[
        ("workflow", Ty::Text),
        ("seq", Ty::Int),
        ("state", Ty::Text),
        ("note", Ty::Text),
        ("closed_by", Ty::Text),
        ("closed_at", Ty::Int),
        ("revision", Ty::Int),
        ("baseline", Ty::Int),
        ("dimension", Ty::Text),
        ("day", Ty::Text),
        ("shift", Ty::Text),
        ("since", Ty::Text),
        ("words", Ty::Text),
        ("figures", Ty::Text),
        ("changes", Ty::Text),
        ("owner", Ty::Text),
        ("found_at", Ty::Int),
    ],
    2,
    7,
    true,
);

pub(crate) static CANARY: Table = Table::new(
    "canary_tries",
    &[
        ("workflow", Ty::Text),
        ("seq", Ty::Int),
        ("state", Ty::Text),
        ("ended_at", Ty::Int),
        ("misses", Ty::Text),
        ("cost_micros", Ty::Int),
        ("revision", Ty::Int),
        ("release_id", Ty::Id),
        ("cases", Ty::Int),
        ("started_at", Ty::Int),
    ],
    2,
    7,
    true,
);

const CANARY_TRY: &str =
    "workflow, seq, state, ended_at, misses, cost_micros, revision, release_id, cases, started_at";
const PLAN: &str = "workflow, version, plan, reason, set_by, set_at";
const BASELINE: &str = "workflow, version, day_from, day_to, mix, reason, set_by, set_at";
const FINDING: &str = "workflow, seq, state, note, closed_by, closed_at, revision, baseline, dimension, day, shift, \
    since, words, figures, changes, owner, found_at";

fn bind_finding<'a>(f: &'a DriftFinding, out: &mut Vec<Param<'a>>) {
    out.extend([
        Param::Text(&f.workflow),
        Param::Int(i64::from(f.seq)),
        Param::Text(f.state.word()),
        opt_text(f.note.as_deref()),
        opt_text(f.closed_by.as_deref()),
        opt_time(f.closed_at),
        Param::Int(i64::from(f.revision)),
        Param::Int(i64::from(f.baseline)),
        Param::Text(&f.dimension),
        Param::Text(&f.day),
        Param::Text(&f.shift),
        Param::Text(&f.since),
        Param::Text(&f.words),
        Param::Text(&f.figures),
        Param::Text(&f.changes),
        Param::Text(&f.owner),
        Param::Int(f.found_at.micros()),
    ]);
}

fn bind_try<'a>(t: &'a CanaryTry, out: &mut Vec<Param<'a>>) {
    out.extend([
        Param::Text(&t.workflow),
        Param::Int(i64::from(t.seq)),
        Param::Text(t.state.word()),
        opt_time(t.ended_at),
        Param::Text(&t.misses),
        opt_int(t.cost_micros),
        Param::Int(i64::from(t.revision)),
        Param::Id(t.release.uuid()),
        Param::Int(i64::from(t.cases)),
        Param::Int(t.started_at.micros()),
    ]);
}

/// Binds the values of a change and says what is done with them.
pub(crate) fn bind<'a>(change: &'a LoadChange, out: &mut Vec<Param<'a>>) -> Verb {
    match change {
        LoadChange::InsertPlan(p) => {
            out.extend([
                Param::Text(&p.workflow),
                Param::Int(i64::from(p.version)),
                Param::Text(&p.plan),
                Param::Text(&p.reason),
                Param::Text(&p.set_by),
                Param::Int(p.set_at.micros()),
            ]);
            Verb::Insert(&PLANS)
        }
        LoadChange::InsertBaseline(b) => {
            out.extend([
                Param::Text(&b.workflow),
                Param::Int(i64::from(b.version)),
                Param::Text(&b.day_from),
                Param::Text(&b.day_to),
                Param::Text(&b.mix),
                Param::Text(&b.reason),
                Param::Text(&b.set_by),
                Param::Int(b.set_at.micros()),
            ]);
            Verb::Insert(&BASELINES)
        }
        LoadChange::InsertFinding(f) => {
            bind_finding(f, out);
            Verb::Insert(&FINDINGS)
        }
        LoadChange::CloseFinding(f) => {
            bind_finding(f, out);
            Verb::Update(&FINDINGS)
        }
        LoadChange::BeginCanary(t) => {
            bind_try(t, out);
            Verb::Insert(&CANARY)
        }
        LoadChange::EndCanary(t) => {
            bind_try(t, out);
            Verb::Update(&CANARY)
        }
    }
}

/// The row in words, for the message of a conflict.
pub(crate) fn describe(change: &LoadChange) -> String {
    match change {
        LoadChange::InsertPlan(p) => {
            format!("version {} of the capacity of {}", p.version, p.workflow)
        }
        LoadChange::InsertBaseline(b) => {
            format!("baseline {} of the mix of {}", b.version, b.workflow)
        }
        LoadChange::InsertFinding(f) | LoadChange::CloseFinding(f) => {
            format!("finding {} of {}", f.seq, f.workflow)
        }
        LoadChange::BeginCanary(t) | LoadChange::EndCanary(t) => {
            format!("try {} of the canary of {}", t.seq, t.workflow)
        }
    }
}

/// The workflow a change belongs to.
pub(crate) fn workflow(change: &LoadChange) -> &str {
    match change {
        LoadChange::InsertPlan(p) => &p.workflow,
        LoadChange::InsertBaseline(b) => &b.workflow,
        LoadChange::InsertFinding(f) | LoadChange::CloseFinding(f) => &f.workflow,
        LoadChange::BeginCanary(t) | LoadChange::EndCanary(t) => &t.workflow,
    }
}

fn plan(r: Row<'_>) -> Result<CapacityPlan, ReadError> {
    Ok(CapacityPlan {
        workflow: r.text(0)?,
        version: r.num(1)?,
        plan: r.text(2)?,
        reason: r.text(3)?,
        set_by: r.text(4)?,
        set_at: r.time(5)?,
    })
}

fn baseline(r: Row<'_>) -> Result<DriftBaseline, ReadError> {
    Ok(DriftBaseline {
        workflow: r.text(0)?,
        version: r.num(1)?,
        day_from: r.text(2)?,
        day_to: r.text(3)?,
        mix: r.text(4)?,
        reason: r.text(5)?,
        set_by: r.text(6)?,
        set_at: r.time(7)?,
    })
}

fn finding(r: Row<'_>) -> Result<DriftFinding, ReadError> {
    Ok(DriftFinding {
        workflow: r.text(0)?,
        seq: r.num(1)?,
        state: r.word(2)?,
        note: r.opt_text(3)?,
        closed_by: r.opt_text(4)?,
        closed_at: r.opt_time(5)?,
        revision: r.num(6)?,
        baseline: r.num(7)?,
        dimension: r.text(8)?,
        day: r.text(9)?,
        shift: r.text(10)?,
        since: r.text(11)?,
        words: r.text(12)?,
        figures: r.text(13)?,
        changes: r.text(14)?,
        owner: r.text(15)?,
        found_at: r.time(16)?,
    })
}

fn canary_try(r: Row<'_>) -> Result<CanaryTry, ReadError> {
    Ok(CanaryTry {
        workflow: r.text(0)?,
        seq: r.num(1)?,
        state: r.word(2)?,
        ended_at: r.opt_time(3)?,
        misses: r.text(4)?,
        cost_micros: r.opt_num(5)?,
        revision: r.num(6)?,
        release: ReleaseId::new(r.id(7)?),
        cases: r.num(8)?,
        started_at: r.time(9)?,
    })
}
