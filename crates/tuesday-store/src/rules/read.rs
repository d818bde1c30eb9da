//! Reading rules versions, readers and routed runs.

use tuesday_domain::id::{ReleaseId, RunId};
use tuesday_domain::record::{Review, ReviewDecision, RuleSetRow, RulesAck, Unmapped};
use tuesday_domain::rules::{PastRun, Route};
use tuesday_domain::time::Timestamp;
use tuesday_domain::workflow::Stage;

use super::{RULESET_COLUMNS, ack, past_run, ruleset, unmapped};
use crate::error::ReadError;
use crate::reader::StoreReader;
use crate::reviews;
use crate::select::{Select, limit as page};
use crate::value::{Row, Value, big};

/// How often a row decided, and what people said then.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HitCount {
    /// Row id; absent where a value stopped the evaluation.
    pub row: Option<String>,
    /// Where the table sent them.
    pub route: Route,
    /// What people decided; absent while nobody has.
    pub decision: Option<ReviewDecision>,
    /// How many runs.
    pub runs: u64,
}

/// A run that the same row decided, and what a person said about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DecidedAlike {
    /// The run.
    pub run: RunId,
    /// What it is about.
    pub subject: String,
    /// What the person decided.
    pub decision: ReviewDecision,
    /// When the run was routed.
    pub at: Timestamp,
}

/// How many routed runs of a workflow are looked through for those of one row.
const ALIKE_AMONG: usize = 2_000;

/// A run with an automatic action that has not left, routed by another version than the one in force.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UnsentAuto {
    /// The run.
    pub run: RunId,
    /// The version that routed it.
    pub rules_version: u64,
}

/// An open task about an output, with the values that routed its run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OpenOutput {
    /// The task.
    pub review: Review,
    /// The release of its run.
    pub release: ReleaseId,
    /// The stage its run is in.
    pub stage: Stage,
    /// The rules version that routed it.
    pub version: u64,
    /// The compared values, packed for that version's columns.
    pub facts: Vec<u8>,
}

impl StoreReader {
    /// One version of a workflow's decision table.
    ///
    /// # Errors
    /// See [`StoreReader::run`].
    pub async fn ruleset(
        &self,
        workflow: &str,
        version: u64,
    ) -> Result<Option<RuleSetRow>, ReadError> {
        let sql =
            format!("SELECT {RULESET_COLUMNS} FROM rulesets WHERE workflow = $1 AND version = $2");
        self.first(
            sql,
            vec![Value::Text(workflow.to_owned()), Value::Int(big(version))],
            ruleset,
        )
        .await
    }

    /// All versions of a workflow's decision table, newest first.
    ///
    /// # Errors
    /// See [`StoreReader::run`].
    pub async fn rulesets(&self, workflow: &str) -> Result<Vec<RuleSetRow>, ReadError> {
        let sql = format!(
            "SELECT {RULESET_COLUMNS} FROM rulesets WHERE workflow = $1 ORDER BY version DESC"
        );
        self.rows(sql, vec![Value::Text(workflow.to_owned())], ruleset)
            .await
    }

    /// Versions that wait for a second person, of all workflows, the oldest first.
    ///
    /// # Errors
    /// See [`StoreReader::run`].
    pub async fn proposed_rulesets(&self) -> Result<Vec<RuleSetRow>, ReadError> {
        let sql = format!(
            "SELECT {RULESET_COLUMNS} FROM rulesets WHERE state = 'proposed' ORDER BY created_at"
        );
        self.rows(sql, vec![], ruleset).await
    }

    /// Versions whose time has come by `now`: scheduled ones to begin, active ones to end.
    ///
    /// # Errors
    /// See [`StoreReader::run`].
    pub async fn due_rulesets(&self, now: Timestamp) -> Result<Vec<RuleSetRow>, ReadError> {
        let sql = format!(
            "SELECT {RULESET_COLUMNS} FROM rulesets WHERE (state = 'scheduled' AND starts_at <= $1) \
             OR (state = 'active' AND ends_at <= $2) ORDER BY workflow, version"
        );
        let now = Value::Int(now.micros());
        self.rows(sql, vec![now.clone(), now], ruleset).await
    }

    /// Who has read which version of a workflow's rules.
    ///
    /// # Errors
    /// See [`StoreReader::run`].
    pub async fn rules_acks(&self, workflow: &str) -> Result<Vec<RulesAck>, ReadError> {
        let sql = "SELECT workflow, person, version, at FROM rules_acks WHERE workflow = $1 ORDER BY person";
        self.rows(sql, vec![Value::Text(workflow.to_owned())], ack)
            .await
    }

    /// Words of sources that no mapping of a workflow knew when they were met first, oldest first; at
    /// most `limit` of them. The mapping in force may know them by now.
    ///
    /// # Errors
    /// See [`StoreReader::run`].
    pub async fn unmapped(&self, workflow: &str, limit: usize) -> Result<Vec<Unmapped>, ReadError> {
        let sql = "SELECT workflow, field, folded, word, run_id, at, due_at FROM unmapped WHERE workflow = $1 \
            ORDER BY at, field, folded LIMIT $2";
        let params = vec![Value::Text(workflow.to_owned()), page(limit)];
        self.rows(sql, params, unmapped).await
    }

    /// A page of routed runs, newest first; `before` is the last run of the page before, `since` the
    /// earliest routing time.
    ///
    /// # Errors
    /// See [`StoreReader::run`].
    pub async fn past_runs(
        &self,
        workflow: &str,
        before: Option<RunId>,
        since: Option<Timestamp>,
        limit: usize,
    ) -> Result<Vec<PastRun>, ReadError> {
        let mut q = Select::new("SELECT run_id, rules_version, facts, at, decision FROM routed");
        q.and("workflow = ?", [Value::Text(workflow.to_owned())]);
        if let Some(run) = before {
            q.and("run_id < ?", [Value::Id(run.uuid())]);
        }
        if let Some(since) = since {
            q.and("at >= ?", [Value::Int(since.micros())]);
        }
        let (sql, params) = q
            .push(" ORDER BY run_id DESC LIMIT ?", [page(limit)])
            .done();
        self.rows(sql, params, past_run).await
    }

    /// The routed facts of one run.
    ///
    /// # Errors
    /// See [`StoreReader::run`].
    pub async fn past_run(&self, workflow: &str, run: RunId) -> Result<Option<PastRun>, ReadError> {
        let sql = "SELECT run_id, rules_version, facts, at, decision FROM routed WHERE workflow = $1 AND run_id = $2";
        let params = vec![Value::Text(workflow.to_owned()), Value::Id(run.uuid())];
        self.first(sql, params, past_run).await
    }

    /// The routed facts of the runs whose output waits for a person; at most `limit` of them.
    ///
    /// # Errors
    /// See [`StoreReader::run`].
    pub async fn open_routed(
        &self,
        workflow: &str,
        limit: usize,
    ) -> Result<Vec<PastRun>, ReadError> {
        let sql = "SELECT t.run_id, t.rules_version, t.facts, t.at, t.decision FROM reviews AS v \
            JOIN routed AS t ON t.workflow = v.workflow AND t.run_id = v.run_id \
            WHERE v.state IN ('open', 'claimed', 'suspended') AND v.kind = 'output' AND v.workflow = $1 \
            ORDER BY t.run_id LIMIT $2";
        let params = vec![Value::Text(workflow.to_owned()), page(limit)];
        self.rows(sql, params, past_run).await
    }

    /// A page of a workflow's open tasks about outputs that the table was asked about, by run; `after`
    /// is the last run of the page before.
    ///
    /// # Errors
    /// See [`StoreReader::run`].
    pub async fn open_outputs(
        &self,
        workflow: &str,
        after: Option<RunId>,
        limit: usize,
    ) -> Result<Vec<OpenOutput>, ReadError> {
        let columns = reviews::COLUMNS.replace(", ", ", v.");
        let mut q = Select::new(&format!(
            "SELECT v.{columns}, t.rules_version, t.facts, r.release_id, r.stage FROM reviews AS v \
             JOIN routed AS t ON t.workflow = v.workflow AND t.run_id = v.run_id JOIN runs AS r ON r.id = v.run_id"
        ));
        q.and("v.state IN ('open', 'claimed', 'suspended')", []);
        q.and("v.kind = 'output'", []);
        q.and("v.workflow = ?", [Value::Text(workflow.to_owned())]);
        if let Some(run) = after {
            q.and("v.run_id > ?", [Value::Id(run.uuid())]);
        }
        let (sql, params) = q.push(" ORDER BY v.run_id LIMIT ?", [page(limit)]).done();
        self.rows(sql, params, |r: Row<'_>| {
            Ok(OpenOutput {
                review: reviews::review(r)?,
                version: r.num(33)?,
                facts: r.blob(34)?,
                release: ReleaseId::new(r.id(35)?),
                stage: r.word(36)?,
            })
        })
        .await
    }

    /// How often each row decided since a moment, by what people said then.
    ///
    /// # Errors
    /// See [`StoreReader::run`].
    pub async fn rule_hits(
        &self,
        workflow: &str,
        since: Timestamp,
    ) -> Result<Vec<HitCount>, ReadError> {
        let sql = "SELECT rules_row, route, decision, count(*) FROM routed WHERE workflow = $1 AND at >= $2 \
            GROUP BY rules_row, route, decision ORDER BY rules_row, route, decision";
        let params = vec![Value::Text(workflow.to_owned()), Value::Int(since.micros())];
        self.rows(sql, params, |r: Row<'_>| {
            let word = r.text(1)?;
            let route = Route::parse(&word)
                .ok_or_else(|| ReadError::Corrupt(format!("`{word}` is not a route")))?;
            Ok(HitCount {
                row: r.opt_text(0)?,
                route,
                decision: r.opt_word(2)?,
                runs: r.num(3)?,
            })
        })
        .await
    }

    /// What people decided about the newest runs that `row` sent to them, newest first: among the
    /// last 2,000 routed runs of the workflow, at most `limit` of them.
    ///
    /// # Errors
    /// See [`StoreReader::run`].
    pub async fn decided_alike(
        &self,
        workflow: &str,
        row: &str,
        limit: usize,
    ) -> Result<Vec<DecidedAlike>, ReadError> {
        let sql = "SELECT t.run_id, r.subject, t.decision, t.at FROM (SELECT run_id, rules_row, decision, at FROM routed \
            WHERE workflow = $1 ORDER BY run_id DESC LIMIT $2) AS t JOIN runs AS r ON r.id = t.run_id \
            WHERE t.rules_row = $3 AND t.decision IS NOT NULL ORDER BY t.run_id DESC LIMIT $4";
        let params = vec![
            Value::Text(workflow.to_owned()),
            page(ALIKE_AMONG),
            Value::Text(row.to_owned()),
            page(limit),
        ];
        self.rows(sql, params, |r: Row<'_>| {
            Ok(DecidedAlike {
                run: RunId::new(r.id(0)?),
                subject: r.text(1)?,
                decision: r.word(2)?,
                at: r.time(3)?,
            })
        })
        .await
    }

    /// Runs of a workflow whose automatic actions have not left, routed by another version than
    /// `version`.
    ///
    /// # Errors
    /// See [`StoreReader::run`].
    pub async fn unsent_auto(
        &self,
        workflow: &str,
        version: u64,
        limit: usize,
    ) -> Result<Vec<UnsentAuto>, ReadError> {
        let sql = "SELECT r.id, r.rules_version FROM runs AS r WHERE r.outcome IS NULL AND r.status = 'dispatching' \
            AND r.workflow = $1 AND r.rules_version IS NOT NULL AND r.rules_version <> $2 \
            AND EXISTS (SELECT 1 FROM actions AS a WHERE a.run_id = r.id AND a.state IN ('authorised', 'retry_wait') \
                AND a.authorised_by LIKE 'rule:%') ORDER BY r.id LIMIT $3";
        let params = vec![
            Value::Text(workflow.to_owned()),
            Value::Int(big(version)),
            page(limit),
        ];
        self.rows(sql, params, |r: Row<'_>| {
            Ok(UnsentAuto {
                run: RunId::new(r.id(0)?),
                rules_version: r.num(1)?,
            })
        })
        .await
    }
}
