//! Reading decision records, signals and what is still open of a workflow.

use tuesday_domain::id::{DecisionId, RunId, SignalId};
use tuesday_domain::record::{DecisionRecord, Run, Signal};
use tuesday_domain::time::Timestamp;

use crate::error::ReadError;
use crate::reader::StoreReader;
use crate::runs::{COLUMNS, run};
use crate::select::{Select, limit as page};
use crate::value::{Row, Value};

/// How the newest outcomes of a workflow turned out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Outcomes {
    /// How many were counted.
    pub decided: u64,
    /// How many of them were decided otherwise.
    pub wrong: u64,
    /// When the newest arrived.
    pub newest: Option<Timestamp>,
}

fn decision(r: Row<'_>) -> Result<DecisionRecord, ReadError> {
    Ok(DecisionRecord {
        id: DecisionId::new(r.id(0)?),
        workflow: r.text(1)?,
        choice: r.word(2)?,
        question: r.text(3)?,
        evidence: r.text(4)?,
        reason: r.text(5)?,
        decided_by: r.text(6)?,
        decided_at: r.time(7)?,
    })
}

fn signal(r: Row<'_>) -> Result<Signal, ReadError> {
    Ok(Signal {
        id: SignalId::new(r.id(0)?),
        workflow: r.text(1)?,
        kind: r.text(2)?,
        run: r.opt_id(3)?.map(RunId::new),
        record: r.opt_text(4)?,
        wrong: r.flag(5)?,
        posted_by: r.text(6)?,
        received_at: r.time(7)?,
    })
}

impl StoreReader {
    /// What was decided about a workflow, the newest first.
    ///
    /// # Errors
    /// See [`StoreReader::run`].
    pub async fn decisions(
        &self,
        workflow: &str,
        limit: usize,
    ) -> Result<Vec<DecisionRecord>, ReadError> {
        let sql = "SELECT id, workflow, choice, question, evidence, reason, decided_by, decided_at FROM decisions \
            WHERE workflow = $1 ORDER BY decided_at DESC, id DESC LIMIT $2";
        let params = vec![Value::Text(workflow.to_owned()), page(limit)];
        self.rows(sql, params, decision).await
    }

    /// Signals of a workflow, the newest first.
    ///
    /// # Errors
    /// See [`StoreReader::run`].
    pub async fn signals(&self, workflow: &str, limit: usize) -> Result<Vec<Signal>, ReadError> {
        let sql = "SELECT id, workflow, kind, run_id, record, wrong, posted_by, received_at FROM signals \
            WHERE workflow = $1 ORDER BY received_at DESC, id DESC LIMIT $2";
        let params = vec![Value::Text(workflow.to_owned()), page(limit)];
        self.rows(sql, params, signal).await
    }

    /// The signal of a kind about a run.
    ///
    /// # Errors
    /// See [`StoreReader::run`].
    pub async fn signal_of(&self, run: RunId, kind: &str) -> Result<Option<Signal>, ReadError> {
        let sql = "SELECT id, workflow, kind, run_id, record, wrong, posted_by, received_at FROM signals \
            WHERE run_id = $1 AND kind = $2";
        let params = vec![Value::Id(run.uuid()), Value::Text(kind.to_owned())];
        self.first(sql, params, signal).await
    }

    /// The newest `n` signals of a kind that arrived since `since`: how many, and how many say that
    /// the output was wrong.
    ///
    /// # Errors
    /// See [`StoreReader::run`].
    pub async fn outcomes(
        &self,
        workflow: &str,
        kind: &str,
        since: Timestamp,
        n: u32,
    ) -> Result<Outcomes, ReadError> {
        let sql = "SELECT count(*), CAST(coalesce(sum(wrong), 0) AS BIGINT), max(received_at) FROM (SELECT wrong, \
            received_at FROM signals WHERE workflow = $1 AND kind = $2 AND received_at >= $3 \
            ORDER BY received_at DESC, id DESC LIMIT $4) AS newest";
        let params = vec![
            Value::Text(workflow.to_owned()),
            Value::Text(kind.to_owned()),
            Value::Int(since.micros()),
            Value::Int(i64::from(n)),
        ];
        let found = self.first(sql, params, |r: Row<'_>| {
            Ok(Outcomes {
                decided: r.num(0)?,
                wrong: r.num(1)?,
                newest: r.opt_time(2)?,
            })
        });
        Ok(found.await?.unwrap_or_default())
    }

    /// Runs of a workflow that are held, the oldest first.
    ///
    /// # Errors
    /// See [`StoreReader::run`].
    pub async fn held_runs(&self, workflow: &str, limit: usize) -> Result<Vec<Run>, ReadError> {
        let sql = format!(
            "SELECT {COLUMNS} FROM runs AS r WHERE r.outcome IS NULL AND r.status = 'held' AND r.workflow = $1 \
            ORDER BY r.id LIMIT $2"
        );
        let params = vec![Value::Text(workflow.to_owned()), page(limit)];
        self.rows(sql, params, run).await
    }

    /// Runs of a workflow that are not over, by id; `after` is the last one of the page before.
    ///
    /// # Errors
    /// See [`StoreReader::run`].
    pub async fn open_runs(
        &self,
        workflow: &str,
        after: Option<RunId>,
        limit: usize,
    ) -> Result<Vec<Run>, ReadError> {
        let mut q = Select::new(&format!("SELECT {COLUMNS} FROM runs AS r"));
        // Word for word the condition of the partial index.
        q.and("r.outcome IS NULL", [])
            .and_text("r.workflow = ?", Some(workflow));
        if let Some(after) = after {
            q.and("r.id > ?", [Value::Id(after.uuid())]);
        }
        let (sql, params) = q.push(" ORDER BY r.id LIMIT ?", [page(limit)]).done();
        self.rows(sql, params, run).await
    }
}
