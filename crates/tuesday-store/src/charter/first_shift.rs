//! First shifts: the rows, newest first, and those that run.

use tuesday_domain::id::ReleaseId;
use tuesday_domain::record::FirstShift;

use crate::error::ReadError;
use crate::reader::StoreReader;
use crate::select::limit as page;
use crate::table::{Table, Ty};
use crate::value::{Param, Row, Value, big, opt_text, opt_time};

pub(crate) static FIRST_SHIFTS: Table = Table::new(
    "first_shifts",
    &[
        ("workflow", Ty::Text),
        ("seq", Ty::Int),
        ("state", Ty::Text),
        ("ended_at", Ty::Int),
        ("report", Ty::Text),
        ("answers", Ty::Text),
        ("helped_by", Ty::Text),
        ("version", Ty::Int),
        ("person", Ty::Text),
        ("from_at", Ty::Int),
        ("log_from", Ty::Int),
        ("release_id", Ty::Id),
        ("cases", Ty::Text),
        ("decided_before", Ty::Int),
        ("engineers", Ty::Text),
    ],
    2,
    8,
    true,
);

const COLUMNS: &str = "workflow, seq, state, ended_at, report, answers, helped_by, version, person, from_at, \
    log_from, release_id, cases, decided_before, engineers";

pub(crate) fn bind<'a>(t: &'a FirstShift, out: &mut Vec<Param<'a>>) {
    out.extend([
        Param::Text(&t.workflow),
        Param::Int(i64::from(t.seq)),
        Param::Text(t.state.word()),
        opt_time(t.ended_at),
        opt_text(t.report.as_deref()),
        Param::Text(&t.answers),
        opt_text(t.helped_by.as_deref()),
        Param::Int(i64::from(t.version)),
        Param::Text(&t.person),
        Param::Int(t.from.micros()),
        Param::Int(big(t.log_from)),
        Param::Id(t.release.uuid()),
        Param::Text(&t.cases),
        Param::Int(big(t.decided_before)),
        Param::Text(&t.engineers),
    ]);
}

fn shift(r: Row<'_>) -> Result<FirstShift, ReadError> {
    Ok(FirstShift {
        workflow: r.text(0)?,
        seq: r.num(1)?,
        state: r.word(2)?,
        ended_at: r.opt_time(3)?,
        report: r.opt_text(4)?,
        answers: r.text(5)?,
        helped_by: r.opt_text(6)?,
        version: r.num(7)?,
        person: r.text(8)?,
        from: r.time(9)?,
        log_from: r.num(10)?,
        release: ReleaseId::new(r.id(11)?),
        cases: r.text(12)?,
        decided_before: r.num(13)?,
        engineers: r.text(14)?,
    })
}

impl StoreReader {
    /// The first shifts of a workflow, newest first.
    ///
    /// # Errors
    /// See [`StoreReader::run`].
    pub async fn first_shifts(
        &self,
        workflow: &str,
        limit: usize,
    ) -> Result<Vec<FirstShift>, ReadError> {
        let sql = format!(
            "SELECT {COLUMNS} FROM first_shifts WHERE workflow = $1 ORDER BY seq DESC LIMIT $2"
        );
        let params = vec![Value::Text(workflow.to_owned()), page(limit)];
        self.rows(sql, params, shift).await
    }

    /// The newest first shift of a person on a workflow.
    ///
    /// # Errors
    /// See [`StoreReader::run`].
    pub async fn first_shift_of(
        &self,
        workflow: &str,
        person: &str,
    ) -> Result<Option<FirstShift>, ReadError> {
        let sql = format!(
            "SELECT {COLUMNS} FROM first_shifts WHERE workflow = $1 AND person = $2 ORDER BY seq DESC LIMIT 1"
        );
        let params = vec![
            Value::Text(workflow.to_owned()),
            Value::Text(person.to_owned()),
        ];
        self.first(sql, params, shift).await
    }
}
