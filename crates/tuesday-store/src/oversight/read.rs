//! Reading what was open, drawn and seeded.

use tuesday_domain::id::{ReviewId, RunId};
use tuesday_domain::record::{ReviewRead, RunVisit, SecondLook, Seed};

use super::{LOOK_COLUMNS, READ_COLUMNS, SEED_COLUMNS, look, read_row, seed};
use crate::error::ReadError;
use crate::reader::StoreReader;
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
}
