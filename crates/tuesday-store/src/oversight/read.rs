//! Reading what was open, drawn and seeded.

use tuesday_domain::id::{ReleaseId, ReviewId, RunId};
use tuesday_domain::record::{Review, ReviewRead, RunVisit, SecondLook, Seed};
use tuesday_domain::time::Timestamp;

use super::{LOOK_COLUMNS, READ_COLUMNS, SEED_COLUMNS, look, read_row, seed};
use crate::error::ReadError;
use crate::reader::StoreReader;
use crate::reviews::{COLUMNS as REVIEW_COLUMNS, review as review_row};
use crate::select::limit as page;
use crate::value::Value;

impl StoreReader {
    /// What `person` had open of a task, one row for each revision.
    ///
    /// # Errors
    /// See [`StoreReader::run`].
    pub async fn review_reads(
        &self,
        review: ReviewId,
        person: &str,
    ) -> Result<Vec<ReviewRead>, ReadError> {
        let sql = format!(
            "SELECT {READ_COLUMNS} FROM review_reads WHERE review_id = $1 AND person = $2 ORDER BY revision"
        );
        let params = vec![Value::Id(review.uuid()), Value::Text(person.to_owned())];
        self.rows(sql, params, read_row).await
    }

    /// When `person` last looked at a run's page, when first.
    ///
    /// # Errors
    /// See [`StoreReader::run`].
    pub async fn run_visit(&self, run: RunId, person: &str) -> Result<Option<RunVisit>, ReadError> {
        let sql = "SELECT run_id, person, last_at, first_at FROM run_visits WHERE run_id = $1 AND person = $2";
        let params = vec![Value::Id(run.uuid()), Value::Text(person.to_owned())];
        self.first(sql, params, |r| {
            Ok(RunVisit {
                run: RunId::new(r.id(0)?),
                person: r.text(1)?,
                last_at: r.time(2)?,
                first_at: r.time(3)?,
            })
        })
        .await
    }

    /// Drawn approvals without a task whose run has ended, the longest waiting first.
    ///
    /// # Errors
    /// See [`StoreReader::run`].
    pub async fn waiting_looks(&self, limit: usize) -> Result<Vec<SecondLook>, ReadError> {
        let columns = LOOK_COLUMNS
            .split(", ")
            .map(|c| format!("l.{c}"))
            .collect::<Vec<_>>()
            .join(", ");
        let sql = format!(
            "SELECT {columns} FROM second_looks AS l JOIN runs AS r ON r.id = l.run_id \
             WHERE l.review_id IS NULL AND (r.outcome = 'written_back' OR r.outcome = 'draft_placed') ORDER BY l.drawn_at LIMIT $1"
        );
        self.rows(sql, vec![page(limit)], look).await
    }

    /// The second look at a run, when its approval was drawn.
    ///
    /// # Errors
    /// See [`StoreReader::run`].
    pub async fn second_look(&self, run: RunId) -> Result<Option<SecondLook>, ReadError> {
        let sql = format!("SELECT {LOOK_COLUMNS} FROM second_looks WHERE run_id = $1");
        self.first(sql, vec![Value::Id(run.uuid())], look).await
    }

    /// The seed that a run carries. For the engine and reports only: who sees it is told the answer.
    ///
    /// # Errors
    /// See [`StoreReader::run`].
    pub async fn seed(&self, run: RunId) -> Result<Option<Seed>, ReadError> {
        let sql = format!("SELECT {SEED_COLUMNS} FROM seeds WHERE run_id = $1");
        self.first(sql, vec![Value::Id(run.uuid())], seed).await
    }

    /// The newest approved cases of a release that a known error can be made from, newest first: outputs
    /// that a person approved and that are no seeds and were not used for one.
    ///
    /// # Errors
    /// See [`StoreReader::run`].
    pub async fn seed_sources(
        &self,
        workflow: &str,
        release: ReleaseId,
        limit: usize,
    ) -> Result<Vec<Review>, ReadError> {
        let sql = format!(
            "SELECT {REVIEW_COLUMNS} FROM reviews WHERE id IN (SELECT v.id FROM reviews AS v JOIN runs AS r ON r.id = v.run_id \
             WHERE v.decided_by IS NOT NULL AND v.workflow = $1 AND v.kind = 'output' \
             AND v.decision IN ('approve', 'approve_with_edits') AND r.release_id = $2 \
             AND NOT EXISTS (SELECT 1 FROM seeds AS s WHERE s.run_id = r.id) \
             AND NOT EXISTS (SELECT 1 FROM seeds AS s WHERE s.made_from = r.id) \
             ORDER BY v.decided_at DESC LIMIT $3) ORDER BY decided_at DESC, id DESC"
        );
        let params = vec![
            Value::Text(workflow.to_owned()),
            Value::Id(release.uuid()),
            page(limit),
        ];
        self.rows(sql, params, review_row).await
    }

    /// Known errors of a workflow: how many there ever were, how many since a moment, and how many
    /// outputs people decided since then that were none.
    ///
    /// # Errors
    /// See [`StoreReader::run`].
    pub async fn seed_share(
        &self,
        workflow: &str,
        since: Timestamp,
    ) -> Result<(u64, u64, u64), ReadError> {
        let sql = "SELECT (SELECT count(*) FROM seeds WHERE workflow = $1), \
             (SELECT count(*) FROM seeds AS s WHERE s.workflow = $1 AND s.placed_at >= $2 \
             AND EXISTS (SELECT 1 FROM runs AS r WHERE r.id = s.run_id)), \
             (SELECT count(*) FROM reviews AS v WHERE v.decided_by IS NOT NULL AND v.decided_at >= $2 AND v.workflow = $1 \
             AND v.kind = 'output' AND NOT EXISTS (SELECT 1 FROM seeds AS s WHERE s.run_id = v.run_id))";
        let params = vec![Value::Text(workflow.to_owned()), Value::Int(since.micros())];
        let found = self
            .first(sql, params, |r| Ok((r.num(0)?, r.num(1)?, r.num(2)?)))
            .await?;
        Ok(found.unwrap_or_default())
    }
}
