//! What people say about outputs.

use tuesday_domain::id::{ProblemReportId, RunId};
use tuesday_domain::record::{
    MailOutcome, ProblemKind, ProblemReport, ProblemState, ProblemTie, ReportMail,
};
use tuesday_domain::time::Timestamp;
use tuesday_domain::trouble::incident::FixLayer;

use crate::error::ReadError;
use crate::reader::StoreReader;
use crate::select::{Select, contains, limit as page};
use crate::table::{Table, Ty};
use crate::value::{Param, Row, Value, opt_id, opt_int, opt_num, opt_text, opt_time};

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
        ("fix_layer", Ty::Text),
        ("without_code", Ty::Int),
        ("minutes", Ty::Int),
        ("workflow", Ty::Text),
        ("run_id", Ty::Id),
        ("tied_by", Ty::Text),
        ("by_hand", Ty::Int),
        ("version", Ty::Int),
        ("kind", Ty::Text),
        ("words", Ty::Text),
        ("reported_by", Ty::Text),
        ("asked_for", Ty::Text),
        ("created_at", Ty::Int),
    ],
    1,
    15,
    true,
);

/// Mails that became reports, or were put aside.
pub(crate) static MAILS: Table = Table::new(
    "report_mails",
    &[
        ("mail_key", Ty::Text),
        ("outcome", Ty::Text),
        ("report_id", Ty::Id),
        ("size_bytes", Ty::Int),
        ("taken_at", Ty::Int),
    ],
    1,
    1,
    false,
);

pub(crate) fn bind_mail<'a>(m: &'a ReportMail, out: &mut Vec<Param<'a>>) {
    out.extend([
        Param::Text(&m.key),
        Param::Text(m.outcome.word()),
        opt_id(m.report.map(ProblemReportId::uuid)),
        Param::Int(i64::try_from(m.size_bytes).unwrap_or(i64::MAX)),
        Param::Int(m.at.micros()),
    ]);
}

fn mail(r: Row<'_>) -> Result<ReportMail, ReadError> {
    Ok(ReportMail {
        key: r.text(0)?,
        outcome: r.word(1)?,
        report: r.opt_id(2)?.map(ProblemReportId::new),
        size_bytes: r.num(3)?,
        at: r.time(4)?,
    })
}

const MAIL: &str = "SELECT mail_key, outcome, report_id, size_bytes, taken_at FROM report_mails";

const COLUMNS: &str = "id, state, owner, due_at, answer, answered_by, answered_at, fix_layer, without_code, minutes, version, \
    kind, words, reported_by, workflow, run_id, tied_by, asked_for, created_at, by_hand";

pub(crate) fn bind<'a>(p: &'a ProblemReport, out: &mut Vec<Param<'a>>) {
    // The table had no word for it when it was made; a column of its own says it.
    let by_hand = p.tied_by == ProblemTie::Hand;
    out.extend([
        Param::Id(p.id.uuid()),
        Param::Text(p.state.word()),
        Param::Text(&p.owner),
        Param::Int(p.due_at.micros()),
        opt_text(p.answer.as_deref()),
        opt_text(p.answered_by.as_deref()),
        opt_time(p.answered_at),
        opt_text(p.fix_layer.map(FixLayer::word)),
        opt_int(p.without_code.map(i64::from)),
        opt_num(p.minutes),
        opt_text(p.workflow.as_deref()),
        opt_id(p.run.map(RunId::uuid)),
        Param::Text(if by_hand { ProblemTie::Run } else { p.tied_by }.word()),
        Param::Int(i64::from(by_hand)),
        Param::Int(i64::from(p.version)),
        Param::Text(p.kind.word()),
        Param::Text(&p.words),
        Param::Text(&p.reported_by),
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
        fix_layer: r.opt_word(7)?,
        without_code: r.opt_flag(8)?,
        minutes: r.opt_num(9)?,
        version: r.num(10)?,
        kind: r.word(11)?,
        words: r.text(12)?,
        reported_by: r.text(13)?,
        workflow: r.opt_text(14)?,
        run: r.opt_id(15)?.map(RunId::new),
        tied_by: match r.flag(19)? {
            true => ProblemTie::Hand,
            false => r.word(16)?,
        },
        asked_for: r.opt_text(17)?,
        created_at: r.time(18)?,
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
    /// Came in from the first moment to before the second.
    pub created: Option<(Timestamp, Timestamp)>,
    /// Its answer was due before this moment.
    pub due_before: Option<Timestamp>,
}

/// What people asked about a workflow's outputs in a span of time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Asked {
    /// Reports that came in.
    pub reports: u64,
    /// Of them, answered with the minutes it took.
    pub timed: u64,
    /// Those minutes.
    pub minutes: u64,
}

impl StoreReader {
    /// How many reports about a workflow came in from `from` to before `to`, and what answering them took.
    ///
    /// # Errors
    /// See [`StoreReader::run`].
    pub async fn asked_about(
        &self,
        workflow: &str,
        (from, to): (Timestamp, Timestamp),
    ) -> Result<Asked, ReadError> {
        let sql = "SELECT count(*), count(minutes), CAST(coalesce(sum(minutes), 0) AS BIGINT) FROM problem_reports \
            WHERE workflow = $1 AND created_at >= $2 AND created_at < $3";
        let params = vec![
            Value::Text(workflow.to_owned()),
            Value::Int(from.micros()),
            Value::Int(to.micros()),
        ];
        let found = self.first(sql, params, |r: Row<'_>| {
            Ok(Asked {
                reports: r.num(0)?,
                timed: r.num(1)?,
                minutes: r.num(2)?,
            })
        });
        Ok(found.await?.unwrap_or_default())
    }

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
        if let Some((from, to)) = filter.created {
            let ends = [Value::Int(from.micros()), Value::Int(to.micros())];
            q.and("created_at >= ? AND created_at < ?", ends);
        }
        if let Some(due) = filter.due_before {
            q.and("due_at < ?", [Value::Int(due.micros())]);
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

    /// A mail that was taken, by its key.
    ///
    /// # Errors
    /// See [`StoreReader::run`].
    pub async fn report_mail(&self, key: &str) -> Result<Option<ReportMail>, ReadError> {
        let sql = format!("{MAIL} WHERE mail_key = $1");
        self.first(sql, vec![Value::Text(key.to_owned())], mail)
            .await
    }

    /// The newest mails that were put aside and are no report.
    ///
    /// # Errors
    /// See [`StoreReader::run`].
    pub async fn mails_aside(&self, limit: usize) -> Result<Vec<ReportMail>, ReadError> {
        // Word for word the condition of the partial index.
        let sql =
            format!("{MAIL} WHERE report_id IS NULL ORDER BY taken_at DESC, mail_key LIMIT $1");
        self.rows(sql, vec![page(limit)], mail).await
    }

    /// How many mails of this outcome were taken since then.
    ///
    /// # Errors
    /// See [`StoreReader::run`].
    pub async fn mails_since(
        &self,
        outcome: MailOutcome,
        since: Timestamp,
    ) -> Result<u64, ReadError> {
        let sql = "SELECT count(*) FROM report_mails WHERE outcome = $1 AND taken_at >= $2";
        let params = vec![
            Value::Text(outcome.word().to_owned()),
            Value::Int(since.micros()),
        ];
        let found = self.first(sql, params, |r: Row<'_>| r.num(0)).await?;
        Ok(found.unwrap_or_default())
    }

    /// How many reports somebody made since then.
    ///
    /// # Errors
    /// See [`StoreReader::run`].
    pub async fn reports_by(&self, who: &str, since: Timestamp) -> Result<u64, ReadError> {
        let sql =
            "SELECT count(*) FROM problem_reports WHERE reported_by = $1 AND created_at >= $2";
        let params = vec![Value::Text(who.to_owned()), Value::Int(since.micros())];
        let found = self.first(sql, params, |r: Row<'_>| r.num(0)).await?;
        Ok(found.unwrap_or_default())
    }
}
