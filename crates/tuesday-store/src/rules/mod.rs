//! Versions of decision tables, who has read them, and where each run was sent.

mod read;

use tuesday_domain::id::RunId;
use tuesday_domain::record::{Routed, RuleSetRow, RulesAck, Unmapped};
use tuesday_domain::rules::PastRun;

pub use self::read::{DecidedAlike, HitCount, OpenOutput, UnsentAuto};
use crate::error::ReadError;
use crate::table::{Table, Ty};
use crate::value::{Param, Row, big, opt_int, opt_text, opt_time};

pub(crate) static RULESETS: Table = Table::new(
    "rulesets",
    &[
        ("workflow", Ty::Text),
        ("version", Ty::Int),
        ("state", Ty::Text),
        ("decided_at", Ty::Int),
        ("decided_by", Ty::Text),
        ("csv", Ty::Text),
        ("hash", Ty::Blob),
        ("reason", Ty::Text),
        ("created_at", Ty::Int),
        ("created_by", Ty::Text),
        ("base", Ty::Int),
        ("restores", Ty::Int),
        ("bound_owner", Ty::Text),
        ("starts_at", Ty::Int),
        ("ends_at", Ty::Int),
    ],
    2,
    5,
    false,
);

pub(crate) static ACKS: Table = Table::new(
    "rules_acks",
    &[
        ("workflow", Ty::Text),
        ("person", Ty::Text),
        ("version", Ty::Int),
        ("at", Ty::Int),
    ],
    2,
    4,
    false,
);

pub(crate) static ROUTED: Table = Table::new(
    "routed",
    &[
        ("workflow", Ty::Text),
        ("run_id", Ty::Id),
        ("rules_version", Ty::Int),
        ("rules_row", Ty::Text),
        ("route", Ty::Text),
        ("facts", Ty::Blob),
        ("at", Ty::Int),
        ("decision", Ty::Text),
        ("confidence_ppm", Ty::Int),
    ],
    2,
    9,
    false,
);

/// Keeps what was met first.
pub(crate) const NOTE_UNMAPPED: &str = "INSERT INTO unmapped (workflow, field, folded, word, run_id, at, due_at) \
    VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT DO NOTHING";
/// Moves a version from the state it must be in.
pub(crate) const MOVE_RULESET: &str = "UPDATE rulesets SET state = $1, decided_at = $2, decided_by = $3 \
    WHERE workflow = $4 AND version = $5 AND state = $6";
/// Notes a decision beside the routing, where there was one.
pub(crate) const DECIDE_ROUTED: &str =
    "UPDATE routed SET decision = $1 WHERE workflow = $2 AND run_id = $3";

pub(crate) const RULESET_COLUMNS: &str = "workflow, version, state, decided_at, decided_by, csv, hash, reason, \
    created_at, created_by, base, restores, bound_owner, starts_at, ends_at";

pub(crate) fn bind_ruleset<'a>(v: &'a RuleSetRow, out: &mut Vec<Param<'a>>) {
    out.extend([
        Param::Text(&v.workflow),
        Param::Int(big(v.version)),
        Param::Text(v.state.word()),
        opt_time(v.decided_at),
        opt_text(v.decided_by.as_deref()),
        Param::Text(&v.csv),
        Param::Blob(&v.hash),
        Param::Text(&v.reason),
        Param::Int(v.created_at.micros()),
        Param::Text(&v.created_by),
        opt_int(v.base.map(big)),
        opt_int(v.restores.map(big)),
        opt_text(v.bound_owner.as_deref()),
        opt_time(v.starts_at),
        opt_time(v.ends_at),
    ]);
}

pub(crate) fn ruleset(r: Row<'_>) -> Result<RuleSetRow, ReadError> {
    Ok(RuleSetRow {
        workflow: r.text(0)?,
        version: r.num(1)?,
        state: r.word(2)?,
        decided_at: r.opt_time(3)?,
        decided_by: r.opt_text(4)?,
        csv: r.text(5)?,
        hash: r.fixed(6)?,
        reason: r.text(7)?,
        created_at: r.time(8)?,
        created_by: r.text(9)?,
        base: r.opt_num(10)?,
        restores: r.opt_num(11)?,
        bound_owner: r.opt_text(12)?,
        starts_at: r.opt_time(13)?,
        ends_at: r.opt_time(14)?,
    })
}

pub(crate) fn bind_ack<'a>(a: &'a RulesAck, out: &mut Vec<Param<'a>>) {
    out.extend([
        Param::Text(&a.workflow),
        Param::Text(&a.person),
        Param::Int(big(a.version)),
        Param::Int(a.at.micros()),
    ]);
}

pub(crate) fn ack(r: Row<'_>) -> Result<RulesAck, ReadError> {
    Ok(RulesAck {
        workflow: r.text(0)?,
        person: r.text(1)?,
        version: r.num(2)?,
        at: r.time(3)?,
    })
}

pub(crate) fn bind_unmapped<'a>(u: &'a Unmapped, out: &mut Vec<Param<'a>>) {
    out.extend([
        Param::Text(&u.workflow),
        Param::Text(&u.field),
        Param::Text(&u.folded),
        Param::Text(&u.word),
        Param::Id(u.run.uuid()),
        Param::Int(u.at.micros()),
        Param::Int(u.due_at.micros()),
    ]);
}

pub(crate) fn unmapped(r: Row<'_>) -> Result<Unmapped, ReadError> {
    Ok(Unmapped {
        workflow: r.text(0)?,
        field: r.text(1)?,
        folded: r.text(2)?,
        word: r.text(3)?,
        run: RunId::new(r.id(4)?),
        at: r.time(5)?,
        due_at: r.time(6)?,
    })
}

pub(crate) fn bind_routed<'a>(v: &'a Routed, out: &mut Vec<Param<'a>>) {
    out.extend([
        Param::Text(&v.workflow),
        Param::Id(v.run.uuid()),
        Param::Int(big(v.rules_version)),
        opt_text(v.row.as_deref()),
        Param::Text(v.route.as_str()),
        Param::Blob(&v.facts),
        Param::Int(v.at.micros()),
        opt_text(v.decision.map(tuesday_domain::record::ReviewDecision::word)),
        opt_int(v.confidence_ppm.map(i64::from)),
    ]);
}

pub(crate) fn past_run(r: Row<'_>) -> Result<PastRun, ReadError> {
    Ok(PastRun {
        run: RunId::new(r.id(0)?),
        version: r.num(1)?,
        facts: r.blob(2)?,
        at: r.time(3)?,
        decision: r.opt_word(4)?,
    })
}
