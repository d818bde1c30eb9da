//! Runs: one row for each, changed in place; its history is in the audit log.

mod read;

pub use read::{ANY_TIER, BatchTotal, ReasonCount, RunCount, RunFilter, RunKind};

use tuesday_domain::id::{ReleaseId, RunId};
use tuesday_domain::record::Run;
use tuesday_domain::run::RunState;

use crate::error::ReadError;
use crate::table::{Table, Ty};
use crate::value::{Param, Row, opt_id, opt_int, opt_num, opt_text, opt_time};

pub(crate) static RUNS: Table = Table::new(
    "runs",
    &[
        ("id", Ty::Id),
        ("release_id", Ty::Id),
        ("subject", Ty::Text),
        ("status", Ty::Text),
        ("step", Ty::Text),
        ("review", Ty::Text),
        ("outcome", Ty::Text),
        ("held_from", Ty::Text),
        ("reason", Ty::Text),
        ("owner", Ty::Text),
        ("attempts", Ty::Int),
        ("repairs", Ty::Int),
        ("payloads", Ty::Int),
        ("snapshot_ref", Ty::Int),
        ("output_ref", Ty::Int),
        ("verdict_ref", Ty::Int),
        ("rules_version", Ty::Int),
        ("rules_row", Ty::Text),
        ("updated_at", Ty::Int),
        ("deadline_at", Ty::Int),
        ("finished_at", Ty::Int),
        ("cost_micros", Ty::Int),
        ("cost_unknown", Ty::Int),
        ("version", Ty::Int),
        ("workflow", Ty::Text),
        ("event_source", Ty::Text),
        ("event_id", Ty::Text),
        ("body_hash", Ty::Blob),
        ("requester", Ty::Text),
        ("batch", Ty::Text),
        ("stage", Ty::Text),
        ("body_ref", Ty::Int),
        ("received_at", Ty::Int),
        ("rerun_of", Ty::Id),
        ("scope", Ty::Text),
    ],
    1,
    24,
    true,
);

/// The columns in the order [`run`] reads them; `r` is the table.
pub(crate) const COLUMNS: &str = "r.id, r.release_id, r.subject, r.status, r.step, r.review, r.outcome, r.held_from, \
    r.reason, r.owner, r.attempts, r.repairs, r.payloads, r.snapshot_ref, r.output_ref, r.verdict_ref, \
    r.rules_version, r.rules_row, r.updated_at, r.deadline_at, r.finished_at, r.cost_micros, r.cost_unknown, \
    r.version, r.workflow, r.event_source, r.event_id, r.body_hash, r.requester, r.batch, r.stage, r.body_ref, \
    r.received_at, r.rerun_of, r.scope";

pub(crate) fn bind<'a>(run: &'a Run, out: &mut Vec<Param<'a>>) {
    out.extend([
        Param::Id(run.id.uuid()),
        Param::Id(run.release.uuid()),
        Param::Text(&run.subject),
        Param::Text(run.state.status.word()),
        Param::Text(run.state.step.word()),
        Param::Text(run.state.review.word()),
        opt_text(run.state.outcome.map(|o| o.word())),
        opt_text(run.state.held_from.map(|s| s.word())),
        opt_text(run.reason.map(|r| r.word())),
        opt_text(run.owner.as_deref()),
        Param::Int(i64::from(run.attempts)),
        Param::Int(i64::from(run.repairs)),
        Param::Int(i64::from(run.payloads)),
        opt_num(run.snapshot_ref),
        opt_num(run.output_ref),
        opt_num(run.verdict_ref),
        opt_int(run.rules_version.map(crate::value::big)),
        opt_text(run.rules_row.as_deref()),
        Param::Int(run.updated_at.micros()),
        Param::Int(run.deadline_at.micros()),
        opt_time(run.finished_at),
        Param::Int(run.cost_micros),
        Param::Int(i64::from(run.cost_unknown)),
        Param::Int(i64::from(run.version)),
        Param::Text(&run.workflow),
        Param::Text(&run.event_source),
        Param::Text(&run.event_id),
        Param::Blob(&run.body_hash),
        Param::Text(&run.requester),
        Param::Text(&run.batch),
        Param::Text(run.stage.word()),
        Param::Int(i64::from(run.body_ref)),
        Param::Int(run.received_at.micros()),
        opt_id(run.rerun_of.map(RunId::uuid)),
        opt_text(run.scope.as_deref()),
    ]);
}

pub(crate) fn run(r: Row<'_>) -> Result<Run, ReadError> {
    Ok(Run {
        id: RunId::new(r.id(0)?),
        release: ReleaseId::new(r.id(1)?),
        subject: r.text(2)?,
        state: RunState {
            status: r.word(3)?,
            step: r.word(4)?,
            review: r.word(5)?,
            outcome: r.opt_word(6)?,
            held_from: r.opt_word(7)?,
        },
        reason: r.opt_word(8)?,
        owner: r.opt_text(9)?,
        attempts: r.num(10)?,
        repairs: r.num(11)?,
        payloads: r.num(12)?,
        snapshot_ref: r.opt_num(13)?,
        output_ref: r.opt_num(14)?,
        verdict_ref: r.opt_num(15)?,
        rules_version: r.opt_num(16)?,
        rules_row: r.opt_text(17)?,
        updated_at: r.time(18)?,
        deadline_at: r.time(19)?,
        finished_at: r.opt_time(20)?,
        cost_micros: r.int(21)?,
        cost_unknown: r.flag(22)?,
        version: r.num(23)?,
        workflow: r.text(24)?,
        event_source: r.text(25)?,
        event_id: r.text(26)?,
        body_hash: r.fixed(27)?,
        requester: r.text(28)?,
        batch: r.text(29)?,
        stage: r.word(30)?,
        body_ref: r.num(31)?,
        received_at: r.time(32)?,
        rerun_of: r.opt_id(33)?.map(RunId::new),
        scope: r.opt_text(34)?,
    })
}
