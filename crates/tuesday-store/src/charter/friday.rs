//! Friday tests: the rows, and the runs that one can be picked from.

use tuesday_domain::id::RunId;
use tuesday_domain::record::FridayTest;
use tuesday_domain::time::Timestamp;

use crate::error::ReadError;
use crate::reader::StoreReader;
use crate::select::limit as page;
use crate::table::{Table, Ty};
use crate::value::{Param, Row, Value, opt_text, opt_time};

pub(crate) static FRIDAYS: Table = Table::new(
    "friday_tests",
    &[
        ("workflow", Ty::Text),
        ("seq", Ty::Int),
        ("state", Ty::Text),
        ("ended_at", Ty::Int),
        ("report", Ty::Text),
        ("version", Ty::Int),
        ("run_id", Ty::Id),
        ("person", Ty::Text),
        ("from_at", Ty::Int),
        ("until_at", Ty::Int),
        ("engineers", Ty::Text),
    ],
    2,
    6,
    true,
);

const COLUMNS: &str =
    "workflow, seq, state, ended_at, report, version, run_id, person, from_at, until_at, engineers";

pub(crate) fn bind<'a>(t: &'a FridayTest, out: &mut Vec<Param<'a>>) {
    out.extend([
        Param::Text(&t.workflow),
        Param::Int(i64::from(t.seq)),
        Param::Text(t.state.word()),
        opt_time(t.ended_at),
        opt_text(t.report.as_deref()),
        Param::Int(i64::from(t.version)),
        Param::Id(t.run.uuid()),
        Param::Text(&t.person),
        Param::Int(t.from.micros()),
        Param::Int(t.until.micros()),
        Param::Text(&t.engineers),
    ]);
}

fn friday(r: Row<'_>) -> Result<FridayTest, ReadError> {
    Ok(FridayTest {
        workflow: r.text(0)?,
        seq: r.num(1)?,
        state: r.word(2)?,
        ended_at: r.opt_time(3)?,
        report: r.opt_text(4)?,
        version: r.num(5)?,
        run: RunId::new(r.id(6)?),
        person: r.text(7)?,
        from: r.time(8)?,
        until: r.time(9)?,
        engineers: r.text(10)?,
    })
}

impl StoreReader {
    /// The Friday tests of a workflow, newest first.
    ///
    /// # Errors
    /// See [`StoreReader::run`].
    pub async fn fridays(
        &self,
        workflow: &str,
        limit: usize,
    ) -> Result<Vec<FridayTest>, ReadError> {
        let sql = format!(
            "SELECT {COLUMNS} FROM friday_tests WHERE workflow = $1 ORDER BY seq DESC LIMIT $2"
        );
        let params = vec![Value::Text(workflow.to_owned()), page(limit)];
        self.rows(sql, params, friday).await
    }

    /// Tests whose time was over at `now` and that nobody has answered, on all workflows.
    ///
    /// # Errors
    /// See [`StoreReader::run`].
    pub async fn fridays_over(&self, now: Timestamp) -> Result<Vec<FridayTest>, ReadError> {
        let sql = format!(
            "SELECT {COLUMNS} FROM friday_tests WHERE state = 'running' AND until_at < $1 ORDER BY workflow"
        );
        self.rows(sql, vec![Value::Int(now.micros())], friday).await
    }
}
