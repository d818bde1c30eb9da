//! What the watchers look at: steps that do not move, what waits, what arrived, what is late.

use tuesday_domain::id::RunId;
use tuesday_domain::record::Run;
use tuesday_domain::run::Status;
use tuesday_domain::time::Timestamp;

use crate::error::ReadError;
use crate::reader::StoreReader;
use crate::runs;
use crate::select::limit as page;
use crate::value::{Row, Value};

/// A run that a machine should have moved.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StuckRun {
    /// The run.
    pub run: RunId,
    /// Where it stands.
    pub status: Status,
    /// When it last moved.
    pub since: Timestamp,
    /// The node that holds it, if one does.
    pub node: Option<String>,
}

/// What waits in a workflow.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Waiting {
    /// Workflow name.
    pub workflow: String,
    /// How many runs wait for a machine or for a person.
    pub runs: u64,
    /// When the oldest of them came.
    pub oldest: Option<Timestamp>,
}

/// Deliveries against their promise.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Late {
    /// Runs of the machine's own way that are over, or past their time.
    pub all: u64,
    /// Those that took longer, or still have no receipt.
    pub late: u64,
}

impl StoreReader {
    /// Runs of a workflow that a machine should have moved since `before`: neither waiting for a person
    /// nor for a time that was set.
    ///
    /// # Errors
    /// See [`StoreReader::run`].
    pub async fn stuck_runs(
        &self,
        workflow: &str,
        before: Timestamp,
        limit: usize,
    ) -> Result<Vec<StuckRun>, ReadError> {
        // Queued runs wait for a place: that is backlog. A job that is due later waits for its time.
        let sql = "SELECT r.id, r.status, r.updated_at, j.lease_node FROM runs AS r JOIN jobs AS j ON j.run_id = r.id \
            WHERE r.outcome IS NULL AND (r.status = 'received' OR r.status = 'running' OR r.status = 'dispatching') \
            AND r.workflow = $1 AND r.updated_at < $2 AND j.due_at < $3 ORDER BY r.updated_at LIMIT $4";
        let params = vec![
            Value::Text(workflow.to_owned()),
            Value::Int(before.micros()),
            Value::Int(before.micros()),
            page(limit),
        ];
        self.rows(sql, params, |r: Row<'_>| {
            Ok(StuckRun {
                run: RunId::new(r.id(0)?),
                status: r.word(1)?,
                since: r.time(2)?,
                node: r.opt_text(3)?,
            })
        })
        .await
    }

    /// What waits, by workflow: open runs. One that a person was asked for counts as well.
    ///
    /// # Errors
    /// See [`StoreReader::run`].
    pub async fn waiting(&self) -> Result<Vec<Waiting>, ReadError> {
        let sql = "SELECT workflow, count(*), min(received_at) FROM runs WHERE outcome IS NULL \
            GROUP BY workflow ORDER BY workflow";
        self.rows(sql, vec![], |r: Row<'_>| {
            Ok(Waiting {
                workflow: r.text(0)?,
                runs: r.num(1)?,
                oldest: r.opt_time(2)?,
            })
        })
        .await
    }

    /// How many events of one source became runs in `[from, to)`, over the days given (at most two).
    ///
    /// # Errors
    /// See [`StoreReader::run`].
    pub async fn arrived(
        &self,
        workflow: &str,
        days: [&str; 2],
        source: &str,
        window: (Timestamp, Timestamp),
    ) -> Result<u64, ReadError> {
        let sql = "SELECT count(*) FROM runs WHERE workflow = $1 AND (batch = $2 OR batch = $3) \
            AND (event_source = $4 OR $5 = '') AND received_at >= $6 AND received_at < $7";
        let text = |t: &str| Value::Text(t.to_owned());
        let params = vec![
            text(workflow),
            text(days[0]),
            text(days[1]),
            text(source),
            text(source),
            Value::Int(window.0.micros()),
            Value::Int(window.1.micros()),
        ];
        let found = self.first(sql, params, |r: Row<'_>| r.num(0)).await?;
        Ok(found.unwrap_or(0))
    }

    /// Deliveries of what no person was asked about, received in `[from, to)`: how many are over or past
    /// `promise_us` microseconds, and how many of these were or are late.
    ///
    /// # Errors
    /// See [`StoreReader::run`].
    pub async fn late_deliveries(
        &self,
        workflow: &str,
        days: [&str; 2],
        window: (Timestamp, Timestamp),
        promise_us: i64,
        now: Timestamp,
    ) -> Result<Late, ReadError> {
        let sql = "SELECT count(*), CAST(coalesce(sum(CASE WHEN coalesce(finished_at, $1) - received_at > $2 \
            THEN 1 ELSE 0 END), 0) AS BIGINT) FROM runs WHERE workflow = $3 AND (batch = $4 OR batch = $5) \
            AND review = 'none' AND received_at >= $6 AND received_at < $7 \
            AND (outcome = 'written_back' OR outcome = 'draft_placed' OR (outcome IS NULL AND received_at < $8))";
        let text = |t: &str| Value::Text(t.to_owned());
        let params = vec![
            Value::Int(now.micros()),
            Value::Int(promise_us),
            text(workflow),
            text(days[0]),
            text(days[1]),
            Value::Int(window.0.micros()),
            Value::Int(window.1.micros()),
            Value::Int(now.micros().saturating_sub(promise_us)),
        ];
        let found = self
            .first(sql, params, |r: Row<'_>| {
                Ok(Late {
                    all: r.num(0)?,
                    late: r.num(1)?,
                })
            })
            .await?;
        Ok(found.unwrap_or_default())
    }

    /// Runs of a workflow that are held for one reason, the longest waiting first.
    ///
    /// # Errors
    /// See [`StoreReader::run`].
    pub async fn held_for(
        &self,
        workflow: &str,
        reason: &str,
        limit: usize,
    ) -> Result<Vec<Run>, ReadError> {
        let sql = format!(
            "SELECT {} FROM runs AS r WHERE r.outcome IS NULL AND r.status = 'held' AND r.workflow = $1 \
             AND r.reason = $2 ORDER BY r.received_at, r.id LIMIT $3",
            runs::COLUMNS
        );
        let text = |t: &str| Value::Text(t.to_owned());
        self.rows(
            sql,
            vec![text(workflow), text(reason), page(limit)],
            runs::run,
        )
        .await
    }
}
