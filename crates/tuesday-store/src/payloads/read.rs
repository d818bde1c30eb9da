//! Reading payloads.

use tuesday_domain::id::RunId;
use tuesday_domain::record::Payload;

use super::{COLUMNS, payload};
use crate::error::ReadError;
use crate::reader::StoreReader;
use crate::value::Value;

impl StoreReader {
    /// One payload of a run, by number.
    ///
    /// # Errors
    /// See [`StoreReader::run`].
    pub async fn payload(&self, run: RunId, n: u32) -> Result<Option<Payload>, ReadError> {
        let sql = format!("SELECT {COLUMNS} FROM payloads AS p WHERE p.run_id = $1 AND p.n = $2");
        self.first(
            sql,
            vec![Value::Id(run.uuid()), Value::Int(i64::from(n))],
            payload,
        )
        .await
    }

    /// All payloads of a run, by number.
    ///
    /// # Errors
    /// See [`StoreReader::run`].
    pub async fn payloads(&self, run: RunId) -> Result<Vec<Payload>, ReadError> {
        let sql = format!("SELECT {COLUMNS} FROM payloads AS p WHERE p.run_id = $1 ORDER BY p.n");
        self.rows(sql, vec![Value::Id(run.uuid())], payload).await
    }
}
