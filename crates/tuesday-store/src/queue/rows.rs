//! Priority classes and saved views.

use tuesday_domain::record::{SavedView, WorkflowPriority};

use crate::error::ReadError;
use crate::reader::StoreReader;
use crate::table::{Table, Ty};
use crate::value::{Param, Row, Value};

pub(crate) static PRIORITIES: Table = Table::new(
    "workflow_priorities",
    &[
        ("workflow", Ty::Text),
        ("class", Ty::Text),
        ("set_by", Ty::Text),
        ("reason", Ty::Text),
        ("set_at", Ty::Int),
    ],
    1,
    5,
    false,
);

pub(crate) static VIEWS: Table = Table::new(
    "saved_views",
    &[
        ("person", Ty::Text),
        ("name", Ty::Text),
        ("query", Ty::Text),
        ("created_at", Ty::Int),
    ],
    2,
    3,
    false,
);

/// A view goes once; a second time is a conflict.
pub(crate) const DROP_VIEW: &str = "DELETE FROM saved_views WHERE person = $1 AND name = $2";

pub(crate) fn bind_priority<'a>(p: &'a WorkflowPriority, out: &mut Vec<Param<'a>>) {
    out.extend([
        Param::Text(&p.workflow),
        Param::Text(p.class.word()),
        Param::Text(&p.set_by),
        Param::Text(&p.reason),
        Param::Int(p.set_at.micros()),
    ]);
}

pub(crate) fn bind_view<'a>(v: &'a SavedView, out: &mut Vec<Param<'a>>) {
    out.extend([
        Param::Text(&v.person),
        Param::Text(&v.name),
        Param::Text(&v.query),
        Param::Int(v.created_at.micros()),
    ]);
}

fn priority(r: Row<'_>) -> Result<WorkflowPriority, ReadError> {
    Ok(WorkflowPriority {
        workflow: r.text(0)?,
        class: r.word(1)?,
        set_by: r.text(2)?,
        reason: r.text(3)?,
        set_at: r.time(4)?,
    })
}

fn view(r: Row<'_>) -> Result<SavedView, ReadError> {
    Ok(SavedView {
        person: r.text(0)?,
        name: r.text(1)?,
        query: r.text(2)?,
        created_at: r.time(3)?,
    })
}

impl StoreReader {
    /// The workflows whose priority class somebody has set, by name; every other is normal.
    ///
    /// # Errors
    /// See [`StoreReader::run`].
    pub async fn priorities(&self) -> Result<Vec<WorkflowPriority>, ReadError> {
        let sql = "SELECT workflow, class, set_by, reason, set_at FROM workflow_priorities ORDER BY workflow";
        self.rows(sql, vec![], priority).await
    }

    /// The saved views of a person, by name.
    ///
    /// # Errors
    /// See [`StoreReader::run`].
    pub async fn saved_views(&self, person: &str) -> Result<Vec<SavedView>, ReadError> {
        let sql = "SELECT person, name, query, created_at FROM saved_views WHERE person = $1 ORDER BY name";
        self.rows(sql, vec![Value::Text(person.to_owned())], view)
            .await
    }
}
