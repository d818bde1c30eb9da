//! The gates of releases, and the results of evaluations as they come.

mod read;

use tuesday_domain::id::ReleaseId;
use tuesday_domain::record::{EvalPart, GateRow, Judgement, ReleaseAck, ReleaseFix};
use tuesday_domain::trouble::incident::FixLayer;

use crate::error::ReadError;
use crate::table::{Table, Ty};
use crate::value::{Param, Row, opt_text, opt_time};

pub(crate) static GATES: Table = Table::new(
    "release_gates",
    &[
        ("release_id", Ty::Id),
        ("repeats", Ty::Int),
        ("started_at", Ty::Int),
        ("started_by", Ty::Text),
        ("finished_at", Ty::Int),
        ("judged", Ty::Blob),
        ("judged_hash", Ty::Blob),
        ("decided_at", Ty::Int),
        ("decided_by", Ty::Text),
        ("reason", Ty::Text),
        ("live_at", Ty::Int),
        ("cleared_at", Ty::Int),
        ("cleared_by", Ty::Text),
    ],
    1,
    13,
    false,
);

pub(crate) static JUDGEMENTS: Table = Table::new(
    "judgements",
    &[
        ("release_id", Ty::Id),
        ("number", Ty::Int),
        ("at", Ty::Int),
        ("judged_by", Ty::Text),
        ("judged", Ty::Blob),
        ("judged_hash", Ty::Blob),
    ],
    2,
    6,
    false,
);

pub(crate) fn bind_judgement<'a>(j: &'a Judgement, out: &mut Vec<Param<'a>>) {
    out.extend([
        Param::Id(j.release.uuid()),
        Param::Int(i64::from(j.number)),
        Param::Int(j.at.micros()),
        Param::Text(&j.by),
        Param::Blob(&j.judged),
        Param::Blob(&j.hash),
    ]);
}

pub(crate) static PARTS: Table = Table::new(
    "eval_parts",
    &[
        ("release_id", Ty::Id),
        ("part", Ty::Int),
        ("results", Ty::Blob),
    ],
    2,
    3,
    false,
);

pub(crate) static ACKS: Table = Table::new(
    "release_acks",
    &[
        ("workflow", Ty::Text),
        ("person", Ty::Text),
        ("number", Ty::Int),
        ("at", Ty::Int),
    ],
    2,
    4,
    false,
);

pub(crate) fn bind_ack<'a>(a: &'a ReleaseAck, out: &mut Vec<Param<'a>>) {
    out.extend([
        Param::Text(&a.workflow),
        Param::Text(&a.person),
        Param::Int(i64::from(a.number)),
        Param::Int(a.at.micros()),
    ]);
}

pub(crate) static FIXES: Table = Table::new(
    "release_fixes",
    &[
        ("release_id", Ty::Id),
        ("category", Ty::Text),
        ("layers", Ty::Text),
        ("class", Ty::Text),
        ("excuse", Ty::Text),
        ("excused_by", Ty::Text),
        ("excused_at", Ty::Int),
    ],
    1,
    7,
    false,
);

pub(crate) const DROP_PARTS: &str = "DELETE FROM eval_parts WHERE release_id = $1";
pub(crate) const GATE_COLUMNS: &str = "release_id, repeats, started_at, started_by, finished_at, judged, \
    judged_hash, decided_at, decided_by, reason, live_at, cleared_at, cleared_by";

pub(crate) fn bind_gate<'a>(g: &'a GateRow, out: &mut Vec<Param<'a>>) {
    out.extend([
        Param::Id(g.release.uuid()),
        Param::Int(i64::from(g.repeats)),
        Param::Int(g.started_at.micros()),
        Param::Text(&g.started_by),
        opt_time(g.finished_at),
        g.judged.as_deref().map_or(Param::Null, Param::Blob),
        g.judged_hash
            .as_ref()
            .map_or(Param::Null, |h| Param::Blob(h)),
        opt_time(g.decided_at),
        opt_text(g.decided_by.as_deref()),
        opt_text(g.reason.as_deref()),
        opt_time(g.live_at),
        opt_time(g.cleared_at),
        opt_text(g.cleared_by.as_deref()),
    ]);
}

pub(crate) fn gate(r: Row<'_>) -> Result<GateRow, ReadError> {
    Ok(GateRow {
        release: ReleaseId::new(r.id(0)?),
        repeats: r.num(1)?,
        started_at: r.time(2)?,
        started_by: r.text(3)?,
        finished_at: r.opt_time(4)?,
        judged: r.opt_blob(5)?,
        judged_hash: match r.opt_blob(6)? {
            Some(_) => Some(r.fixed(6)?),
            None => None,
        },
        decided_at: r.opt_time(7)?,
        decided_by: r.opt_text(8)?,
        reason: r.opt_text(9)?,
        live_at: r.opt_time(10)?,
        cleared_at: r.opt_time(11)?,
        cleared_by: r.opt_text(12)?,
    })
}

pub(crate) fn bind_fix<'a>(f: &'a ReleaseFix, out: &mut Vec<Param<'a>>) {
    out.extend([
        Param::Id(f.release.uuid()),
        Param::Text(&f.category),
        Param::Text(&f.layers),
        opt_text(f.class.map(FixLayer::word)),
        opt_text(f.excuse.as_deref()),
        opt_text(f.excused_by.as_deref()),
        opt_time(f.excused_at),
    ]);
}

pub(crate) fn bind_part<'a>(p: &'a EvalPart, out: &mut Vec<Param<'a>>) {
    out.extend([
        Param::Id(p.release.uuid()),
        Param::Int(i64::from(p.part)),
        Param::Blob(&p.results),
    ]);
}
