//! Reading decision records, signals and what is still open of a workflow.

use tuesday_domain::id::{DecisionId, RunId};
use tuesday_domain::record::{DecisionRecord, Run, Signal, TextList};
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
        links: TextList::new(&r.list(8)?),
        conditions: TextList::new(&r.list(9)?),
        supersedes: r.opt_id(10)?.map(DecisionId::new),
    })
}

const DECISION: &str = "id, workflow, choice, question, evidence, reason, decided_by, decided_at, links, conditions, \
    supersedes";

const SIGNAL: &str =
    "workflow, event, kind, run_id, record, wrong, count, at, posted_by, received_at";

fn signal(r: Row<'_>) -> Result<Signal, ReadError> {
    Ok(Signal {
        workflow: r.text(0)?,
        event: r.text(1)?,
        kind: r.text(2)?,
        run: r.opt_id(3)?.map(RunId::new),
        record: r.opt_text(4)?,
        wrong: r.flag(5)?,
        count: r.num(6)?,
        at: r.time(7)?,
        posted_by: r.text(8)?,
        received_at: r.time(9)?,
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
        let sql = format!(
            "SELECT {DECISION} FROM decisions WHERE workflow = $1 ORDER BY decided_at DESC, id DESC LIMIT $2"
        );
        let params = vec![Value::Text(workflow.to_owned()), page(limit)];
        self.rows(sql, params, decision).await
    }

    /// The decisions about a workflow from the first moment to before the second, the newest first.
    ///
    /// # Errors
    /// See [`StoreReader::run`].
    pub async fn decisions_in(
        &self,
        workflow: &str,
        (from, to): (Timestamp, Timestamp),
        limit: usize,
    ) -> Result<Vec<DecisionRecord>, ReadError> {
        let sql = format!(
            "SELECT {DECISION} FROM decisions WHERE workflow = $1 AND decided_at >= $2 AND decided_at < $3 \
             ORDER BY decided_at DESC, id DESC LIMIT $4"
        );
        let params = vec![
            Value::Text(workflow.to_owned()),
            Value::Int(from.micros()),
            Value::Int(to.micros()),
            page(limit),
        ];
        self.rows(sql, params, decision).await
    }

    /// A decision by its id.
    ///
    /// # Errors
    /// See [`StoreReader::run`].
    pub async fn decision(&self, id: DecisionId) -> Result<Option<DecisionRecord>, ReadError> {
        let sql = format!("SELECT {DECISION} FROM decisions WHERE id = $1");
        self.first(sql, vec![Value::Id(id.uuid())], decision).await
    }

    /// The decision that took the place of another one.
    ///
    /// # Errors
    /// See [`StoreReader::run`].
    pub async fn decision_instead(
        &self,
        of: DecisionId,
    ) -> Result<Option<DecisionRecord>, ReadError> {
        let sql = format!("SELECT {DECISION} FROM decisions WHERE supersedes = $1");
        self.first(sql, vec![Value::Id(of.uuid())], decision).await
    }

    /// Signals of a workflow, the newest first.
    ///
    /// # Errors
    /// See [`StoreReader::run`].
    pub async fn signals(&self, workflow: &str, limit: usize) -> Result<Vec<Signal>, ReadError> {
        let sql = format!(
            "SELECT {SIGNAL} FROM signals WHERE workflow = $1 ORDER BY received_at DESC, event DESC LIMIT $2"
        );
        let params = vec![Value::Text(workflow.to_owned()), page(limit)];
        self.rows(sql, params, signal).await
    }

    /// A signal by the sender's name for it.
    ///
    /// # Errors
    /// See [`StoreReader::run`].
    pub async fn signal(&self, workflow: &str, event: &str) -> Result<Option<Signal>, ReadError> {
        let sql = format!("SELECT {SIGNAL} FROM signals WHERE workflow = $1 AND event = $2");
        let params = vec![
            Value::Text(workflow.to_owned()),
            Value::Text(event.to_owned()),
        ];
        self.first(sql, params, signal).await
    }

    /// How many of a kind happened since `since`, as the senders count them.
    ///
    /// # Errors
    /// See [`StoreReader::run`].
    pub async fn signals_since(
        &self,
        workflow: &str,
        kind: &str,
        since: Timestamp,
    ) -> Result<u64, ReadError> {
        let sql = "SELECT CAST(coalesce(sum(count), 0) AS BIGINT) FROM signals \
            WHERE workflow = $1 AND kind = $2 AND at >= $3";
        let params = vec![
            Value::Text(workflow.to_owned()),
            Value::Text(kind.to_owned()),
            Value::Int(since.micros()),
        ];
        let found = self.first(sql, params, |r: Row<'_>| r.num(0)).await?;
        Ok(found.unwrap_or_default())
    }

    /// The newest `n` cases that a kind says something about since `since`: how many, and how many
    /// say that the output was wrong. Of several about one run the newest counts.
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
        let sql = "SELECT count(*), CAST(coalesce(sum(wrong), 0) AS BIGINT), max(received_at) FROM (SELECT s.wrong, \
            s.received_at FROM signals AS s WHERE s.workflow = $1 AND s.kind = $2 AND s.received_at >= $3 \
            AND NOT EXISTS (SELECT 1 FROM signals AS l WHERE l.run_id = s.run_id AND l.kind = s.kind \
                AND (l.received_at > s.received_at OR (l.received_at = s.received_at AND l.event > s.event))) \
            ORDER BY s.received_at DESC, s.event DESC LIMIT $4) AS newest";
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

    /// Held runs of a workflow that go on when it acts, the oldest first: what waits for a dependency is
    /// left out, and what waits for money unless `with_money`. They are left out here and not by the
    /// caller, so that a page full of them hides nothing behind them.
    ///
    /// # Errors
    /// See [`StoreReader::run`].
    pub async fn held_runs(
        &self,
        workflow: &str,
        with_money: bool,
        limit: usize,
    ) -> Result<Vec<Run>, ReadError> {
        let money = if with_money {
            ""
        } else {
            " OR r.reason = 'spend_limit'"
        };
        let sql = format!(
            "SELECT {COLUMNS} FROM runs AS r WHERE r.outcome IS NULL AND r.status = 'held' AND r.workflow = $1 \
            AND (r.reason IS NULL OR NOT (r.reason = 'dependency_down'{money})) ORDER BY r.id LIMIT $2"
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
