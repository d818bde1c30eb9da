//! Reading actions.

use tuesday_domain::action::ActionState;
use tuesday_domain::id::RunId;
use tuesday_domain::record::Action;

use super::{COLUMNS, action};
use crate::error::ReadError;
use crate::reader::StoreReader;
use crate::value::{Row, Value};

impl StoreReader {
    /// All actions of a run, in the order of the plan.
    ///
    /// # Errors
    /// See [`StoreReader::run`].
    pub async fn actions_of(&self, run: RunId) -> Result<Vec<Action>, ReadError> {
        let sql = format!(
            "SELECT {COLUMNS} FROM actions WHERE run_id = $1 ORDER BY ordinal, revision, id"
        );
        self.rows(sql, vec![Value::Id(run.uuid())], action).await
    }

    /// How many actions stand where. Reads every action: for totals, not for a page.
    ///
    /// # Errors
    /// See [`StoreReader::run`].
    pub async fn action_counts(&self) -> Result<Vec<(ActionState, u64)>, ReadError> {
        let sql = "SELECT state, count(*) FROM actions GROUP BY state ORDER BY state";
        self.rows(sql, vec![], |r: Row<'_>| Ok((r.word(0)?, r.num(1)?)))
            .await
    }
}
