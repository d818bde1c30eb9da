//! What people owe after a change.

use tuesday_domain::id::DutyId;
use tuesday_domain::record::{Duty, DutyAnswer};
use tuesday_domain::time::Timestamp;

use crate::error::ReadError;
use crate::reader::StoreReader;
use crate::select::{Select, limit as page};
use crate::table::{Table, Ty};
use crate::value::{Param, Row, Value, big, opt_text, opt_time};

pub(crate) static DUTIES: Table = Table::new(
    "duties",
    &[
        ("id", Ty::Id),
        ("state", Ty::Text),
        ("owner", Ty::Text),
        ("due_at", Ty::Int),
        ("answer", Ty::Text),
        ("number", Ty::Int),
        ("words", Ty::Text),
        ("done_by", Ty::Text),
        ("done_at", Ty::Int),
        ("late_at", Ty::Int),
        ("version", Ty::Int),
        ("kind", Ty::Text),
        ("workflow", Ty::Text),
        ("about", Ty::Text),
        ("item", Ty::Text),
        ("reason", Ty::Text),
        ("opened_by", Ty::Text),
        ("opened_at", Ty::Int),
    ],
    1,
    11,
    true,
);

const COLUMNS: &str = "id, state, owner, due_at, answer, number, words, done_by, done_at, late_at, version, kind, \
    workflow, about, item, reason, opened_by, opened_at";

pub(crate) fn bind<'a>(d: &'a Duty, out: &mut Vec<Param<'a>>) {
    out.extend([
        Param::Id(d.id.uuid()),
        Param::Text(d.state.word()),
        Param::Text(&d.owner),
        Param::Int(d.due_at.micros()),
        opt_text(d.answer.map(DutyAnswer::word)),
        d.number.map_or(Param::Null, |n| Param::Int(big(n))),
        opt_text(d.words.as_deref()),
        opt_text(d.done_by.as_deref()),
        opt_time(d.done_at),
        opt_time(d.late_at),
        Param::Int(i64::from(d.version)),
        Param::Text(d.kind.word()),
        Param::Text(&d.workflow),
        Param::Text(&d.about),
        Param::Text(&d.item),
        Param::Text(&d.reason),
        Param::Text(&d.opened_by),
        Param::Int(d.opened_at.micros()),
    ]);
}

fn duty(r: Row<'_>) -> Result<Duty, ReadError> {
    Ok(Duty {
        id: DutyId::new(r.id(0)?),
        state: r.word(1)?,
        owner: r.text(2)?,
        due_at: r.time(3)?,
        answer: r.opt_word(4)?,
        number: r.opt_num(5)?,
        words: r.opt_text(6)?,
        done_by: r.opt_text(7)?,
        done_at: r.opt_time(8)?,
        late_at: r.opt_time(9)?,
        version: r.num(10)?,
        kind: r.word(11)?,
        workflow: r.text(12)?,
        about: r.text(13)?,
        item: r.text(14)?,
        reason: r.text(15)?,
        opened_by: r.text(16)?,
        opened_at: r.time(17)?,
    })
}

/// Which duties; absent means any.
#[derive(Clone, Debug, Default)]
pub struct DutyFilter {
    /// Workflow name.
    pub workflow: Option<String>,
    /// The workflows that the reader may see; absent means all.
    pub among: Option<Vec<String>>,
    /// Only those that are owed.
    pub open: bool,
    /// Handle of the person who owes it.
    pub owner: Option<String>,
}

impl StoreReader {
    /// A duty by its id.
    ///
    /// # Errors
    /// See [`StoreReader::run`].
    pub async fn duty(&self, id: DutyId) -> Result<Option<Duty>, ReadError> {
        let sql = format!("SELECT {COLUMNS} FROM duties WHERE id = $1");
        self.first(sql, vec![Value::Id(id.uuid())], duty).await
    }

    /// Duties the filter finds, the first due first; `after` is due time and id of the last one before.
    ///
    /// # Errors
    /// See [`StoreReader::run`].
    pub async fn duties(
        &self,
        filter: &DutyFilter,
        after: Option<(Timestamp, DutyId)>,
        limit: usize,
    ) -> Result<Vec<Duty>, ReadError> {
        let mut q = Select::new(&format!("SELECT {COLUMNS} FROM duties"));
        q.and_among("workflow", filter.among.as_deref());
        if filter.open {
            // Word for word the condition of the partial index.
            q.and("state = 'open'", []);
        }
        q.and_text("workflow = ?", filter.workflow.as_deref())
            .and_text("owner = ?", filter.owner.as_deref());
        if let Some((due, id)) = after {
            q.and(
                "(due_at, id) > (?, ?)",
                [Value::Int(due.micros()), Value::Id(id.uuid())],
            );
        }
        let (sql, params) = q.push(" ORDER BY due_at, id LIMIT ?", [page(limit)]).done();
        self.rows(sql, params, duty).await
    }

    /// Open duties that are past their time and of which nobody was told yet, and those whose owner is not
    /// there any more.
    ///
    /// # Errors
    /// See [`StoreReader::run`].
    pub async fn duties_to_tell(
        &self,
        now: Timestamp,
        limit: usize,
    ) -> Result<Vec<Duty>, ReadError> {
        let sql = format!(
            "SELECT {COLUMNS} FROM duties WHERE state = 'open' AND ((due_at < $1 AND late_at IS NULL) \
             OR owner IN (SELECT handle FROM people WHERE active = 0)) ORDER BY due_at, id LIMIT $2"
        );
        self.rows(sql, vec![Value::Int(now.micros()), page(limit)], duty)
            .await
    }
}
