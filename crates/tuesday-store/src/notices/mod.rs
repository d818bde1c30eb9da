//! Notices to people.

mod read;

use tuesday_domain::id::NoticeId;
use tuesday_domain::record::Notice;

use crate::error::ReadError;
use crate::table::{Table, Ty};
use crate::value::{Param, Row, opt_text};

pub(crate) static NOTICES: Table = Table::new(
    "notices",
    &[
        ("id", Ty::Id),
        ("state", Ty::Text),
        ("attempts", Ty::Int),
        ("due_at", Ty::Int),
        ("detail", Ty::Text),
        ("version", Ty::Int),
        ("person", Ty::Text),
        ("workflow", Ty::Text),
        ("kind", Ty::Text),
        ("title", Ty::Text),
        ("path", Ty::Text),
        ("created_at", Ty::Int),
    ],
    1,
    6,
    true,
);

/// The columns in the order [`notice`] reads them.
pub(crate) const COLUMNS: &str =
    "id, state, attempts, due_at, detail, version, person, workflow, kind, title, path, created_at";

pub(crate) fn bind<'a>(n: &'a Notice, out: &mut Vec<Param<'a>>) {
    out.extend([
        Param::Id(n.id.uuid()),
        Param::Text(n.state.word()),
        Param::Int(i64::from(n.attempts)),
        Param::Int(n.due_at.micros()),
        opt_text(n.detail.as_deref()),
        Param::Int(i64::from(n.version)),
        Param::Text(&n.person),
        Param::Text(&n.workflow),
        Param::Text(&n.kind),
        Param::Text(&n.title),
        Param::Text(&n.path),
        Param::Int(n.created_at.micros()),
    ]);
}

pub(crate) fn notice(r: Row<'_>) -> Result<Notice, ReadError> {
    Ok(Notice {
        id: NoticeId::new(r.id(0)?),
        state: r.word(1)?,
        attempts: r.num(2)?,
        due_at: r.time(3)?,
        detail: r.opt_text(4)?,
        version: r.num(5)?,
        person: r.text(6)?,
        workflow: r.text(7)?,
        kind: r.text(8)?,
        title: r.text(9)?,
        path: r.text(10)?,
        created_at: r.time(11)?,
    })
}
