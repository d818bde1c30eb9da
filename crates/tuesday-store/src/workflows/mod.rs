//! Workflows, their releases, decision tables and trigger cursors.

mod read;

pub use read::ReleaseHead;

use std::sync::Arc;

use tuesday_domain::capacity::LoadState;
use tuesday_domain::drift::calibration::Trust;
use tuesday_domain::id::ReleaseId;
use tuesday_domain::record::{Cursor, Release, Rollout, Workflow};
use tuesday_domain::settling::Changes;

use crate::error::ReadError;
use crate::table::{Table, Ty};
use crate::value::{Param, Row, big, opt_id, opt_text, opt_time};

pub(crate) static WORKFLOWS: Table = Table::new(
    "workflows",
    &[
        ("name", Ty::Text),
        ("title", Ty::Text),
        ("owner", Ty::Text),
        ("label", Ty::Text),
        ("stage", Ty::Text),
        ("switch", Ty::Text),
        ("live_release", Ty::Id),
        ("rules_version", Ty::Int),
        ("scope", Ty::Text),
        ("fallback", Ty::Int),
        ("retiring", Ty::Int),
        ("staged_at", Ty::Int),
        ("counted_from", Ty::Int),
        ("switched_at", Ty::Int),
        ("switched_by", Ty::Text),
        ("switch_reason", Ty::Text),
        ("changes", Ty::Text),
        ("load", Ty::Text),
        ("trust", Ty::Text),
        ("alternative", Ty::Id),
        ("version", Ty::Int),
        ("installed_at", Ty::Int),
    ],
    1,
    21,
    true,
);

pub(crate) static RELEASES: Table = Table::new(
    "releases",
    &[
        ("id", Ty::Id),
        ("workflow", Ty::Text),
        ("number", Ty::Int),
        ("state", Ty::Text),
        ("hash", Ty::Blob),
        ("bundle", Ty::Blob),
        ("artifact", Ty::Blob),
        ("created_at", Ty::Int),
        ("created_by", Ty::Text),
    ],
    1,
    9,
    false,
);

pub(crate) static CURSORS: Table = Table::new(
    "cursors",
    &[
        ("workflow", Ty::Text),
        ("trigger_name", Ty::Text),
        ("value", Ty::Text),
    ],
    2,
    3,
    false,
);

/// Moves a release from the state it must be in.
pub(crate) const SET_RELEASE: &str = "UPDATE releases SET state = $1 WHERE id = $2 AND state = $3";

pub(crate) const WORKFLOW_COLUMNS: &str = "name, title, owner, label, stage, switch, live_release, rules_version, scope, fallback, retiring, \
    staged_at, counted_from, switched_at, switched_by, switch_reason, changes, load, trust, alternative, version, \
    installed_at";
pub(crate) const RELEASE_COLUMNS: &str =
    "id, workflow, number, state, hash, bundle, artifact, created_at, created_by";
/// A workflow's restriction as it is kept.
pub(crate) fn scope_text(w: &Workflow) -> String {
    serde_json::to_string(&w.rollout.scope).unwrap_or_default()
}

/// The texts of a workflow that are made for binding.
pub(crate) fn texts(w: &Workflow) -> [String; 4] {
    [
        scope_text(w),
        w.rollout.changes.text(),
        w.rollout.load.text(),
        w.rollout.trust.text(),
    ]
}

pub(crate) fn bind_workflow<'a>(
    w: &'a Workflow,
    [scope, changes, load, trust]: [&'a str; 4],
    out: &mut Vec<Param<'a>>,
) {
    let r = &w.rollout;
    out.extend([
        Param::Text(&w.name),
        Param::Text(&w.title),
        Param::Text(&w.owner),
        Param::Text(w.label.word()),
        Param::Text(w.stage.word()),
        Param::Text(w.switch.word()),
        Param::Id(w.live_release.uuid()),
        Param::Int(big(w.rules_version)),
        Param::Text(scope),
        Param::Int(i64::from(r.fallback)),
        Param::Int(i64::from(r.retiring)),
        opt_time(r.staged_at),
        opt_time(r.counted_from),
        opt_time(r.switched_at),
        opt_text(r.switched_by.as_deref()),
        opt_text(r.switch_reason.as_deref()),
        Param::Text(changes),
        Param::Text(load),
        Param::Text(trust),
        opt_id(r.alternative.map(ReleaseId::uuid)),
        Param::Int(i64::from(w.version)),
        Param::Int(w.installed_at.micros()),
    ]);
}

pub(crate) fn workflow(r: Row<'_>) -> Result<Workflow, ReadError> {
    Ok(Workflow {
        name: r.text(0)?,
        title: r.text(1)?,
        owner: r.text(2)?,
        label: r.word(3)?,
        stage: r.word(4)?,
        switch: r.word(5)?,
        live_release: ReleaseId::new(r.id(6)?),
        rules_version: r.num(7)?,
        rollout: Rollout {
            scope: serde_json::from_str(&r.text(8)?)
                .map_err(|e| ReadError::Corrupt(format!("the scope of a workflow: {e}")))?,
            fallback: r.flag(9)?,
            retiring: r.flag(10)?,
            staged_at: r.opt_time(11)?,
            counted_from: r.opt_time(12)?,
            switched_at: r.opt_time(13)?,
            switched_by: r.opt_text(14)?,
            switch_reason: r.opt_text(15)?,
            changes: Changes::parse(&r.text(16)?)
                .map_err(|e| ReadError::Corrupt(format!("the changes of a workflow: {e}")))?,
            load: LoadState::parse(&r.text(17)?)
                .map_err(|e| ReadError::Corrupt(format!("the load of a workflow: {e}")))?,
            trust: Trust::parse(&r.text(18)?)
                .map(Arc::new)
                .map_err(|e| ReadError::Corrupt(format!("the trust of a workflow: {e}")))?,
            alternative: r.opt_id(19)?.map(ReleaseId::new),
        },
        version: r.num(20)?,
        installed_at: r.time(21)?,
    })
}

pub(crate) fn bind_release<'a>(v: &'a Release, out: &mut Vec<Param<'a>>) {
    out.extend([
        Param::Id(v.id.uuid()),
        Param::Text(&v.workflow),
        Param::Int(i64::from(v.number)),
        Param::Text(v.state.word()),
        Param::Blob(&v.hash),
        Param::Blob(&v.bundle),
        Param::Blob(&v.artifact),
        Param::Int(v.created_at.micros()),
        Param::Text(&v.created_by),
    ]);
}

pub(crate) fn release(r: Row<'_>) -> Result<Release, ReadError> {
    Ok(Release {
        id: ReleaseId::new(r.id(0)?),
        workflow: r.text(1)?,
        number: r.num(2)?,
        state: r.word(3)?,
        hash: r.fixed(4)?,
        bundle: r.blob(5)?,
        artifact: r.blob(6)?,
        created_at: r.time(7)?,
        created_by: r.text(8)?,
    })
}

pub(crate) fn bind_cursor<'a>(c: &'a Cursor, out: &mut Vec<Param<'a>>) {
    out.extend([
        Param::Text(&c.workflow),
        Param::Text(&c.trigger),
        Param::Text(&c.value),
    ]);
}
