//! Reading gates and results.

use tuesday_domain::id::ReleaseId;
use tuesday_domain::record::{EvalPart, GateRow};

use super::{GATE_COLUMNS, gate};
use crate::error::ReadError;
use crate::reader::StoreReader;
use crate::value::{Row, Value};

impl StoreReader {
    /// The gate of a release; nothing before its first evaluation.
    ///
    /// # Errors
    /// See [`StoreReader::run`].
    pub async fn gate(&self, release: ReleaseId) -> Result<Option<GateRow>, ReadError> {
        let sql = format!("SELECT {GATE_COLUMNS} FROM release_gates WHERE release_id = $1");
        self.first(sql, vec![Value::Id(release.uuid())], gate).await
    }

    /// One part of a release's results, from 0; nothing behind the last.
    ///
    /// # Errors
    /// See [`StoreReader::run`].
    pub async fn eval_part(
        &self,
        release: ReleaseId,
        part: u32,
    ) -> Result<Option<EvalPart>, ReadError> {
        let sql = "SELECT results FROM eval_parts WHERE release_id = $1 AND part = $2";
        let params = vec![Value::Id(release.uuid()), Value::Int(i64::from(part))];
        let found = self.first(sql, params, |r: Row<'_>| r.blob(0)).await?;
        Ok(found.map(|results| EvalPart {
            release,
            part,
            results,
        }))
    }
}
