//! Intake records: what was received and did not become a run.

mod read;

pub use read::IntakeFilter;

use tuesday_domain::id::{IntakeId, RunId};
use tuesday_domain::record::Intake;

use crate::error::ReadError;
use crate::table::{Table, Ty};
use crate::value::{Param, Row, big, opt_id, opt_text};

pub(crate) static INTAKE: Table = Table::new(
    "intake",
    &[
        ("id", Ty::Id),
        ("verdict", Ty::Text),
        ("code", Ty::Text),
        ("detail", Ty::Text),
        ("owner", Ty::Text),
        ("run_id", Ty::Id),
        ("version", Ty::Int),
        ("workflow", Ty::Text),
        ("source", Ty::Text),
        ("event_id", Ty::Text),
        ("body", Ty::Blob),
        ("body_len", Ty::Int),
        ("received_at", Ty::Int),
    ],
    1,
    7,
    true,
);

/// The columns in the order [`intake`] reads them.
pub(crate) const COLUMNS: &str = "id, verdict, code, detail, owner, run_id, version, workflow, source, event_id, body, body_len, received_at";

pub(crate) fn bind<'a>(i: &'a Intake, out: &mut Vec<Param<'a>>) {
    out.extend([
        Param::Id(i.id.uuid()),
        Param::Text(i.verdict.word()),
        Param::Text(&i.code),
        Param::Text(&i.detail),
        Param::Text(&i.owner),
        opt_id(i.run.map(RunId::uuid)),
        Param::Int(i64::from(i.version)),
        Param::Text(&i.workflow),
        Param::Text(&i.source),
        opt_text(i.event_id.as_deref()),
        Param::Blob(&i.body),
        Param::Int(big(i.body_len)),
        Param::Int(i.received_at.micros()),
    ]);
}

pub(crate) fn intake(r: Row<'_>) -> Result<Intake, ReadError> {
    Ok(Intake {
        id: IntakeId::new(r.id(0)?),
        verdict: r.word(1)?,
        code: r.text(2)?,
        detail: r.text(3)?,
        owner: r.text(4)?,
        run: r.opt_id(5)?.map(RunId::new),
        version: r.num(6)?,
        workflow: r.text(7)?,
        source: r.text(8)?,
        event_id: r.opt_text(9)?,
        body: r.blob(10)?,
        body_len: r.num(11)?,
        received_at: r.time(12)?,
    })
}
