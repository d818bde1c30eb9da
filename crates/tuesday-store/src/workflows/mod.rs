//! Workflows, their releases, decision tables and trigger cursors.

mod read;

use tuesday_domain::id::ReleaseId;
use tuesday_domain::record::{Cursor, Release, Workflow};

use crate::error::ReadError;
use crate::table::{Table, Ty};
use crate::value::{Param, Row, big};

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
        ("version", Ty::Int),
        ("installed_at", Ty::Int),
    ],
    1,
    9,
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

pub(crate) const WORKFLOW_COLUMNS: &str =
    "name, title, owner, label, stage, switch, live_release, rules_version, version, installed_at";
pub(crate) const RELEASE_COLUMNS: &str =
    "id, workflow, number, state, hash, bundle, artifact, created_at, created_by";
pub(crate) fn bind_workflow<'a>(w: &'a Workflow, out: &mut Vec<Param<'a>>) {
    out.extend([
        Param::Text(&w.name),
        Param::Text(&w.title),
        Param::Text(&w.owner),
        Param::Text(w.label.word()),
        Param::Text(w.stage.word()),
        Param::Text(w.switch.word()),
        Param::Id(w.live_release.uuid()),
        Param::Int(big(w.rules_version)),
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
        version: r.num(8)?,
        installed_at: r.time(9)?,
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
