//! Reading actions.

use tuesday_domain::action::ActionState;
use tuesday_domain::id::RunId;
use tuesday_domain::record::Action;

use super::{COLUMNS, action};
use crate::error::ReadError;
use crate::reader::StoreReader;
use crate::value::{Row, Value};

impl StoreReader {
    /// The newest run that wrote, or meant to write, to this record: the target of an action, or
    /// the id the destination gave.
    ///
    /// # Errors
    /// See [`StoreReader::run`].
    pub async fn run_written_to(&self, record: &str) -> Result<Option<RunId>, ReadError> {
        let sql = "SELECT run_id FROM actions WHERE target = $1 OR external_id = $2 ORDER BY run_id DESC LIMIT 1";
        let text = || Value::Text(record.to_owned());
        self.first(sql, vec![text(), text()], |r| r.id(0).map(RunId::new))
            .await
    }

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
