//! Reading intake records.

use tuesday_domain::id::IntakeId;
use tuesday_domain::record::{Intake, IntakeVerdict};
use tuesday_domain::time::Timestamp;

use super::{COLUMNS, intake};
use crate::error::ReadError;
use crate::reader::StoreReader;
use crate::select::{Select, limit as page};
use crate::value::Value;

/// Which intake records a page shows; absent means any.
#[derive(Clone, Debug, Default)]
pub struct IntakeFilter {
    /// Workflow name.
    pub workflow: Option<String>,
    /// The workflows that the reader may see; no page goes beyond them. Absent means all.
    pub among: Option<Vec<String>>,
    /// Handle of the person who looks after it.
    pub owner: Option<String>,
    /// What became of it.
    pub verdict: Option<IntakeVerdict>,
}

impl StoreReader {
    /// An intake record by its id.
    ///
    /// # Errors
    /// See [`StoreReader::run`].
    pub async fn intake(&self, id: IntakeId) -> Result<Option<Intake>, ReadError> {
        let sql = format!("SELECT {COLUMNS} FROM intake WHERE id = $1");
        self.first(sql, vec![Value::Id(id.uuid())], intake).await
    }

    /// A page of intake records, newest first; `after` is the last one of the page before.
    ///
    /// # Errors
    /// See [`StoreReader::run`].
    pub async fn intake_page(
        &self,
        filter: &IntakeFilter,
        after: Option<IntakeId>,
        limit: usize,
    ) -> Result<Vec<Intake>, ReadError> {
        let mut q = Select::new(&format!("SELECT {COLUMNS} FROM intake"));
        q.and_among("workflow", filter.among.as_deref())
            .and_text("workflow = ?", filter.workflow.as_deref())
            .and_text("owner = ?", filter.owner.as_deref())
            .and_text("verdict = ?", filter.verdict.map(IntakeVerdict::word));
        if let Some(after) = after {
            q.and("id < ?", [Value::Id(after.uuid())]);
        }
        let (sql, params) = q.push(" ORDER BY id DESC LIMIT ?", [page(limit)]).done();
        self.rows(sql, params, intake).await
    }

    /// Records with a later id than `after` that arrived by `until`, oldest first: what notices are
    /// made from.
    ///
    /// # Errors
    /// See [`StoreReader::run`].
    pub async fn intake_after(
        &self,
        after: Option<IntakeId>,
        until: Timestamp,
        limit: usize,
    ) -> Result<Vec<Intake>, ReadError> {
        let sql = format!(
            "SELECT {COLUMNS} FROM intake WHERE id > $1 AND received_at <= $2 ORDER BY id LIMIT $3"
        );
        let after = after.map_or(uuid::Uuid::nil(), IntakeId::uuid);
        self.rows(
            sql,
            vec![Value::Id(after), Value::Int(until.micros()), page(limit)],
            intake,
        )
        .await
    }
}
