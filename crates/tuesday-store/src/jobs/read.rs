//! Reading the queue.

use tuesday_domain::id::RunId;
use tuesday_domain::record::Job;
use tuesday_domain::time::Timestamp;

use super::{COLUMNS, job};
use crate::error::ReadError;
use crate::reader::StoreReader;
use crate::value::{Row, Value};

/// A leased job is due again when its lease runs out.
const NEXT: &str = "SELECT min(CASE WHEN lease_until IS NULL OR lease_until < due_at THEN due_at ELSE lease_until END) \
    FROM jobs";

impl StoreReader {
    /// When the next job can be claimed; absent when there is none. May lie in the past.
    ///
    /// # Errors
    /// See [`StoreReader::run`].
    pub async fn next_due(&self) -> Result<Option<Timestamp>, ReadError> {
        Ok(self
            .first(NEXT, vec![], |r: Row<'_>| r.opt_time(0))
            .await?
            .flatten())
    }

    /// The job of a run, where a machine has something to do.
    ///
    /// # Errors
    /// See [`StoreReader::run`].
    pub async fn job(&self, run: RunId) -> Result<Option<Job>, ReadError> {
        let sql = format!("SELECT {COLUMNS} FROM jobs WHERE run_id = $1");
        self.first(sql, vec![Value::Id(run.uuid())], job).await
    }

    /// How many jobs wait or run.
    ///
    /// # Errors
    /// See [`StoreReader::run`].
    pub async fn job_count(&self) -> Result<u64, ReadError> {
        let count = self
            .first("SELECT count(*) FROM jobs", vec![], |r: Row<'_>| r.num(0))
            .await?;
        Ok(count.unwrap_or(0))
    }
}
