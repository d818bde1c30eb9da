//! Reading attempts.

use tuesday_domain::id::RunId;
use tuesday_domain::record::Attempt;

use super::{COLUMNS, attempt};
use crate::error::ReadError;
use crate::reader::StoreReader;
use crate::value::Value;

impl StoreReader {
    /// All attempts of a run, in order.
    ///
    /// # Errors
    /// See [`StoreReader::run`].
    pub async fn attempts(&self, run: RunId) -> Result<Vec<Attempt>, ReadError> {
        let sql =
            format!("SELECT {COLUMNS} FROM attempts WHERE run_id = $1 ORDER BY seq, number, step");
        self.rows(sql, vec![Value::Id(run.uuid())], attempt).await
    }
}
