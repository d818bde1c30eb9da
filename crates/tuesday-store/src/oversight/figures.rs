//! Sums for the oversight report, by workflow and tier. They measure the work, not the people.

use std::collections::BTreeMap;

use tuesday_domain::oversight::Approving;
use tuesday_domain::record::{
    ReviewDecision, SecondLookBasis, SecondLookResult, SeedResult, StampNotice,
};
use tuesday_domain::time::Timestamp;

use crate::error::ReadError;
use crate::reader::StoreReader;
use crate::select::Select;
use crate::value::{Row, Value, big};

/// One decided task about an output, with what its decider had open.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReadFigure {
    /// Workflow name.
    pub workflow: String,
    /// Tier.
    pub tier: String,
    /// Handle of the person who decided.
    pub decided_by: String,
    /// What.
    pub decision: ReviewDecision,
    /// How long any revision of it was in view, in milliseconds; absent when it was never opened.
    pub visible_ms: Option<u64>,
    /// Signs of reading of which time was dropped.
    pub dropped: u64,
    /// When it was decided.
    pub decided_at: Timestamp,
}

/// Seeds of a tier by result.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SeedFigure {
    /// Workflow name.
    pub workflow: String,
    /// Tier.
    pub tier: String,
    /// What became of them; absent while nobody decided.
    pub result: Option<SeedResult>,
    /// How many.
    pub seeds: u64,
}

/// Second looks by result.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LookFigure {
    /// Workflow name.
    pub workflow: String,
    /// Who had approved.
    pub basis: SecondLookBasis,
    /// What was found; absent while nobody looked.
    pub result: Option<SecondLookResult>,
    /// How many.
    pub looks: u64,
}

/// Delivered runs of a workflow and how many of them somebody opened in the console.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VisitFigure {
    /// Workflow name.
    pub workflow: String,
    /// A person was asked about it.
    pub asked: bool,
    /// Runs that were written back or placed as a draft.
    pub delivered: u64,
    /// Of those, opened by somebody, as a task or as a run.
    pub visited: u64,
}

/// What one person approved in one workflow.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApprovingFigure {
    /// Workflow name.
    pub workflow: String,
    /// Handle.
    pub person: String,
    /// The counts; known errors are counted for each of two who let one through together.
    pub counts: Approving,
}

impl StoreReader {
    /// By workflow and person: approvals of outputs as they stood since `since`, those never opened, those
    /// open for less than `floor_ms`, and known errors decided.
    ///
    /// # Errors
    /// See [`StoreReader::run`].
    pub async fn approving(
        &self,
        since: Timestamp,
        floor_ms: u64,
    ) -> Result<Vec<ApprovingFigure>, ReadError> {
        let sql = "SELECT workflow, decided_by, count(*), CAST(sum(CASE WHEN ms IS NULL THEN 1 ELSE 0 END) AS BIGINT), \
                   CAST(sum(CASE WHEN ms < $2 THEN 1 ELSE 0 END) AS BIGINT) FROM (SELECT v.workflow, v.decided_by, \
                   (SELECT CAST(sum(d.visible_ms) AS BIGINT) FROM review_reads AS d WHERE d.review_id = v.id \
                    AND d.person = v.decided_by) AS ms FROM reviews AS v WHERE v.decided_by IS NOT NULL \
                    AND v.decided_at >= $1 AND v.kind = 'output' AND v.decision = 'approve') AS t \
                   GROUP BY workflow, decided_by";
        let params = vec![Value::Int(since.micros()), Value::Int(big(floor_ms))];
        let read = self.rows(sql, params, |r: Row<'_>| {
            let counts = Approving {
                approvals: r.num(2)?,
                unopened: r.num(3)?,
                hasty: r.num(4)?,
                ..Approving::default()
            };
            Ok(((r.text(0)?, r.text(1)?), counts))
        });
        let mut all: BTreeMap<(String, String), Approving> = read.await?.into_iter().collect();
        let sql = "SELECT workflow, decided_by, result, count(*) FROM seeds WHERE decided_at >= $1 \
                   GROUP BY workflow, decided_by, result";
        let params = vec![Value::Int(since.micros())];
        let seeds = self.rows(sql, params, |r: Row<'_>| {
            let result: Option<SeedResult> = r.opt_word(2)?;
            Ok((r.text(0)?, r.text(1)?, result, r.num::<u64>(3)?))
        });
        for (workflow, people, result, n) in seeds.await? {
            for person in people.split(", ") {
                let place = (workflow.clone(), person.to_owned());
                let counts = all.entry(place).or_default();
                counts.seeds += n;
                if result == Some(SeedResult::Missed) {
                    counts.missed += n;
                }
            }
        }
        let figure = |((workflow, person), counts)| ApprovingFigure {
            workflow,
            person,
            counts,
        };
        Ok(all.into_iter().map(figure).collect())
    }

    /// Notices to operator owners about somebody's approvals, from `from` until `to`, oldest first.
    ///
    /// # Errors
    /// See [`StoreReader::run`].
    pub async fn stamp_notices(
        &self,
        from: Timestamp,
        to: Timestamp,
    ) -> Result<Vec<StampNotice>, ReadError> {
        let sql = "SELECT workflow, person, day, at, told, words FROM stamp_notices WHERE at >= $1 AND at < $2 \
                   ORDER BY at, workflow, person";
        let params = vec![Value::Int(from.micros()), Value::Int(to.micros())];
        self.rows(sql, params, |r: Row<'_>| {
            Ok(StampNotice {
                workflow: r.text(0)?,
                person: r.text(1)?,
                day: r.text(2)?,
                at: r.time(3)?,
                told: r.text(4)?,
                words: r.text(5)?,
            })
        })
        .await
    }

    /// Tasks about outputs that were decided from `from` until `to`, with their reading time. Seeds
    /// count like any other.
    ///
    /// # Errors
    /// See [`StoreReader::run`].
    pub async fn read_figures(
        &self,
        from: Timestamp,
        to: Timestamp,
    ) -> Result<Vec<ReadFigure>, ReadError> {
        let sql = "SELECT v.workflow, v.tier, v.decided_by, v.decision, v.decided_at, \
                   (SELECT CAST(sum(d.visible_ms) AS BIGINT) FROM review_reads AS d WHERE d.review_id = v.id \
                    AND d.person = v.decided_by), \
                   (SELECT CAST(coalesce(sum(d.dropped), 0) AS BIGINT) FROM review_reads AS d WHERE d.review_id = v.id \
                    AND d.person = v.decided_by) \
                   FROM reviews AS v WHERE v.decided_by IS NOT NULL AND v.decided_at >= $1 AND v.decided_at < $2 AND v.kind = 'output' \
                   AND v.decision IN ('approve', 'approve_with_edits', 'reject') ORDER BY v.decided_at";
        let params = vec![Value::Int(from.micros()), Value::Int(to.micros())];
        self.rows(sql, params, |r: Row<'_>| {
            Ok(ReadFigure {
                workflow: r.text(0)?,
                tier: r.text(1)?,
                decided_by: r.text(2)?,
                decision: r.word(3)?,
                decided_at: r.time(4)?,
                visible_ms: r.opt_num(5)?,
                dropped: r.num(6)?,
            })
        })
        .await
    }

    /// The newest decisions of a person about outputs, newest first, with their reading time.
    ///
    /// # Errors
    /// See [`StoreReader::run`].
    pub async fn recent_decisions(
        &self,
        since: Timestamp,
        limit: usize,
    ) -> Result<Vec<ReadFigure>, ReadError> {
        let sql = "SELECT v.workflow, v.tier, v.decided_by, v.decision, v.decided_at, \
                   (SELECT CAST(sum(d.visible_ms) AS BIGINT) FROM review_reads AS d WHERE d.review_id = v.id \
                    AND d.person = v.decided_by), \
                   (SELECT CAST(coalesce(sum(d.dropped), 0) AS BIGINT) FROM review_reads AS d WHERE d.review_id = v.id \
                    AND d.person = v.decided_by) \
                   FROM reviews AS v WHERE v.decided_by IS NOT NULL AND v.decided_at >= $1 AND v.kind = 'output' \
                   AND v.decision IN ('approve', 'approve_with_edits', 'reject') \
                   ORDER BY v.decided_at DESC LIMIT $2";
        let limit = Value::Int(i64::try_from(limit).unwrap_or(i64::MAX));
        self.rows(
            sql,
            vec![Value::Int(since.micros()), limit],
            |r: Row<'_>| {
                Ok(ReadFigure {
                    workflow: r.text(0)?,
                    tier: r.text(1)?,
                    decided_by: r.text(2)?,
                    decision: r.word(3)?,
                    decided_at: r.time(4)?,
                    visible_ms: r.opt_num(5)?,
                    dropped: r.num(6)?,
                })
            },
        )
        .await
    }

    /// Seeds placed from `from` until `to`, by workflow, tier and result.
    ///
    /// # Errors
    /// See [`StoreReader::run`].
    pub async fn seed_figures(
        &self,
        from: Timestamp,
        to: Timestamp,
    ) -> Result<Vec<SeedFigure>, ReadError> {
        let sql = "SELECT workflow, tier, result, count(*) FROM seeds AS s WHERE placed_at >= $1 AND placed_at < $2 \
                   AND EXISTS (SELECT 1 FROM runs AS r WHERE r.id = s.run_id) GROUP BY workflow, tier, result ORDER BY workflow, tier, result";
        let params = vec![Value::Int(from.micros()), Value::Int(to.micros())];
        self.rows(sql, params, |r: Row<'_>| {
            Ok(SeedFigure {
                workflow: r.text(0)?,
                tier: r.text(1)?,
                result: r.opt_word(2)?,
                seeds: r.num(3)?,
            })
        })
        .await
    }

    /// Second looks drawn from `from` until `to`, of one workflow or of all, by workflow, basis and result.
    ///
    /// # Errors
    /// See [`StoreReader::run`].
    pub async fn look_figures(
        &self,
        workflow: Option<&str>,
        from: Timestamp,
        to: Timestamp,
    ) -> Result<Vec<LookFigure>, ReadError> {
        let mut q = Select::new("SELECT workflow, basis, result, count(*) FROM second_looks");
        q.and_text("workflow = ?", workflow)
            .and("drawn_at >= ?", [Value::Int(from.micros())])
            .and("drawn_at < ?", [Value::Int(to.micros())]);
        let groups = " GROUP BY workflow, basis, result ORDER BY workflow, basis, result";
        let (sql, params) = q.push(groups, []).done();
        self.rows(sql, params, |r: Row<'_>| {
            Ok(LookFigure {
                workflow: r.text(0)?,
                basis: r.word(1)?,
                result: r.opt_word(2)?,
                looks: r.num(3)?,
            })
        })
        .await
    }

    /// Runs of the days from `from` to `to` (`YYYY-MM-DD`, both included) that were delivered, and
    /// how many of them somebody opened.
    ///
    /// # Errors
    /// See [`StoreReader::run`].
    pub async fn visit_figures(
        &self,
        workflow: &str,
        from: &str,
        to: &str,
    ) -> Result<Vec<VisitFigure>, ReadError> {
        let sql = "SELECT CAST(asked AS BIGINT), count(*), CAST(sum(seen) AS BIGINT) FROM (SELECT \
                   CASE WHEN r.review = 'none' THEN 0 ELSE 1 END AS asked, \
                   CASE WHEN EXISTS (SELECT 1 FROM run_visits AS s WHERE s.run_id = r.id) \
                   OR EXISTS (SELECT 1 FROM review_reads AS d WHERE d.run_id = r.id) THEN 1 ELSE 0 END AS seen \
                   FROM runs AS r WHERE r.workflow = $1 AND r.batch >= $2 AND r.batch <= $3 \
                   AND r.outcome IN ('written_back', 'draft_placed')) AS t GROUP BY asked ORDER BY asked";
        let text = |t: &str| Value::Text(t.to_owned());
        let rows = self
            .rows(
                sql,
                vec![text(workflow), text(from), text(to)],
                |r: Row<'_>| Ok((r.int(0)? != 0, r.num::<u64>(1)?, r.num::<u64>(2)?)),
            )
            .await?;
        Ok(rows
            .into_iter()
            .map(|(asked, delivered, visited)| VisitFigure {
                workflow: workflow.to_owned(),
                asked,
                delivered,
                visited,
            })
            .collect())
    }
}
