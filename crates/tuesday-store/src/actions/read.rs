//! Reading actions.

use tuesday_domain::action::ActionState;
use tuesday_domain::id::{ActionId, RunId};
use tuesday_domain::record::Action;

use super::{COLUMNS, action};
use crate::error::ReadError;
use crate::reader::StoreReader;
use crate::select::limit as page;
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

    /// Whether an action of this name was confirmed in a run that was received on these days, both included.
    /// Ends at the first one; without any it reads the actions of all these runs: for a report.
    ///
    /// # Errors
    /// See [`StoreReader::run`].
    pub async fn has_confirmed(
        &self,
        workflow: &str,
        action: &str,
        (from, to): (&str, &str),
    ) -> Result<bool, ReadError> {
        let sql = "SELECT r.id FROM runs r JOIN actions a ON a.run_id = r.id WHERE r.workflow = $1 AND r.batch >= $2 \
                   AND r.batch <= $3 AND a.name = $4 AND a.state = 'confirmed' LIMIT 1";
        let texts = [workflow, from, to, action];
        let params = texts.map(|t| Value::Text(t.to_owned())).to_vec();
        let found = self.first(sql, params, |r: Row<'_>| r.id(0).map(RunId::new));
        Ok(found.await?.is_some())
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

    /// The run of an action. No index leads there: for a command of a person, not for a machine.
    ///
    /// # Errors
    /// See [`StoreReader::run`].
    pub async fn run_of_action(&self, id: ActionId) -> Result<Option<RunId>, ReadError> {
        let sql = "SELECT run_id FROM actions WHERE id = $1";
        let params = vec![Value::Id(id.uuid())];
        self.first(sql, params, |r: Row<'_>| r.id(0).map(RunId::new))
            .await
    }

    /// Actions that undo others and have not come to an end, by their run.
    ///
    /// # Errors
    /// See [`StoreReader::run`].
    pub async fn undoing(&self, limit: usize) -> Result<Vec<Action>, ReadError> {
        // Word for word the condition of the partial index.
        let sql = format!(
            "SELECT {COLUMNS} FROM actions WHERE ordinal >= 32768 AND NOT (state = 'confirmed' OR state = 'voided') \
             ORDER BY run_id, id LIMIT $1"
        );
        self.rows(sql, vec![page(limit)], action).await
    }
}
