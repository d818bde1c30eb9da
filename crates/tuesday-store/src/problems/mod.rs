//! What people say about outputs.

use tuesday_domain::id::{ProblemReportId, RunId};
use tuesday_domain::record::{ProblemKind, ProblemReport, ProblemState};
use tuesday_domain::time::Timestamp;

use crate::error::ReadError;
use crate::reader::StoreReader;
use crate::select::{Select, contains, limit as page};
use crate::table::{Table, Ty};
use crate::value::{Param, Row, Value, opt_id, opt_text, opt_time};

pub(crate) static PROBLEMS: Table = Table::new(
    "problem_reports",
    &[
        ("id", Ty::Id),
        ("state", Ty::Text),
        ("owner", Ty::Text),
        ("due_at", Ty::Int),
        ("answer", Ty::Text),
        ("answered_by", Ty::Text),
        ("answered_at", Ty::Int),
        ("version", Ty::Int),
        ("kind", Ty::Text),
        ("words", Ty::Text),
        ("reported_by", Ty::Text),
        ("workflow", Ty::Text),
        ("run_id", Ty::Id),
        ("tied_by", Ty::Text),
        ("asked_for", Ty::Text),
        ("created_at", Ty::Int),
    ],
    1,
    8,
    true,
);

const COLUMNS: &str = "id, state, owner, due_at, answer, answered_by, answered_at, version, kind, words, reported_by, \
    workflow, run_id, tied_by, asked_for, created_at";

pub(crate) fn bind<'a>(p: &'a ProblemReport, out: &mut Vec<Param<'a>>) {
    out.extend([
        Param::Id(p.id.uuid()),
        Param::Text(p.state.word()),
        Param::Text(&p.owner),
        Param::Int(p.due_at.micros()),
        opt_text(p.answer.as_deref()),
        opt_text(p.answered_by.as_deref()),
        opt_time(p.answered_at),
        Param::Int(i64::from(p.version)),
        Param::Text(p.kind.word()),
        Param::Text(&p.words),
        Param::Text(&p.reported_by),
        opt_text(p.workflow.as_deref()),
        opt_id(p.run.map(RunId::uuid)),
        Param::Text(p.tied_by.word()),
        opt_text(p.asked_for.as_deref()),
        Param::Int(p.created_at.micros()),
    ]);
}

fn problem(r: Row<'_>) -> Result<ProblemReport, ReadError> {
    Ok(ProblemReport {
        id: ProblemReportId::new(r.id(0)?),
        state: r.word(1)?,
        owner: r.text(2)?,
        due_at: r.time(3)?,
        answer: r.opt_text(4)?,
        answered_by: r.opt_text(5)?,
        answered_at: r.opt_time(6)?,
        version: r.num(7)?,
        kind: r.word(8)?,
        words: r.text(9)?,
        reported_by: r.text(10)?,
        workflow: r.opt_text(11)?,
        run: r.opt_id(12)?.map(RunId::new),
        tied_by: r.word(13)?,
        asked_for: r.opt_text(14)?,
        created_at: r.time(15)?,
    })
}

/// Which reports; absent means any.
#[derive(Clone, Debug, Default)]
pub struct ProblemFilter {
    /// Workflow name.
    pub workflow: Option<String>,
    /// The workflows that the reader may see; no page goes beyond them, and what fits no workflow is not
    /// among them. Absent means all.
    pub among: Option<Vec<String>>,
    /// Where it stands.
    pub state: Option<ProblemState>,
    /// Only those without an answer.
    pub open: bool,
    /// What it says.
    pub kind: Option<ProblemKind>,
    /// The run it is tied to.
    pub run: Option<RunId>,
    /// Part of the words, any case.
    pub text: Option<String>,
}

impl StoreReader {
    /// A report by its id.
    ///
    /// # Errors
    /// See [`StoreReader::run`].
    pub async fn problem_report(
        &self,
        id: ProblemReportId,
    ) -> Result<Option<ProblemReport>, ReadError> {
        let sql = format!("SELECT {COLUMNS} FROM problem_reports WHERE id = $1");
        self.first(sql, vec![Value::Id(id.uuid())], problem).await
    }

    /// Reports the filter finds, those with the longest due answer first; `after` is due time and id
    /// of the last one before.
    ///
    /// # Errors
    /// See [`StoreReader::run`].
    pub async fn problem_reports(
        &self,
        filter: &ProblemFilter,
        after: Option<(Timestamp, ProblemReportId)>,
        limit: usize,
    ) -> Result<Vec<ProblemReport>, ReadError> {
        let mut q = Select::new(&format!("SELECT {COLUMNS} FROM problem_reports"));
        q.and_among("workflow", filter.among.as_deref());
        if filter.open {
            // Word for word the condition of the partial index.
            q.and("state IN ('new', 'triaged')", []);
        }
        q.and_text("workflow = ?", filter.workflow.as_deref())
            .and_text("state = ?", filter.state.map(ProblemState::word))
            .and_text("kind = ?", filter.kind.map(ProblemKind::word));
        if let Some(run) = filter.run {
            q.and("run_id = ?", [Value::Id(run.uuid())]);
        }
        if let Some(text) = &filter.text {
            q.and(r"lower(words) LIKE ? ESCAPE '\'", [contains(text)]);
        }
        if let Some((due, id)) = after {
            q.and(
                "(due_at, id) > (?, ?)",
                [Value::Int(due.micros()), Value::Id(id.uuid())],
            );
        }
        let (sql, params) = q.push(" ORDER BY due_at, id LIMIT ?", [page(limit)]).done();
        self.rows(sql, params, problem).await
    }
}
