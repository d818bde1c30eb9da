//! Reading actions.

use tuesday_domain::id::RunId;
use tuesday_domain::record::Action;

use super::{COLUMNS, action};
use crate::error::ReadError;
use crate::reader::StoreReader;
use crate::value::Value;

impl StoreReader {
    /// All actions of a run, in the order of the plan.
    ///
    /// # Errors
    /// See [`StoreReader::run`].
    pub async fn actions_of(&self, run: RunId) -> Result<Vec<Action>, ReadError> {
        let sql = format!("SELECT {COLUMNS} FROM actions WHERE run_id = $1 ORDER BY ordinal, revision, id");
        self.rows(sql, vec![Value::Id(run.uuid())], action).await
    }
}
