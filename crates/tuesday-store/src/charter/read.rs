//! Reading statements and the history of labels.

use tuesday_domain::record::{CharterFact, LabelEvent};

use super::{EVENT_COLUMNS, FACT_COLUMNS, event, fact};
use crate::error::ReadError;
use crate::reader::StoreReader;
use crate::select::limit as page;
use crate::value::Value;

impl StoreReader {
    /// The statements of a workflow in force: the newest of each kind about each thing.
    ///
    /// # Errors
    /// See [`StoreReader::run`].
    pub async fn charter_facts(&self, workflow: &str) -> Result<Vec<CharterFact>, ReadError> {
        let sql = format!(
            "SELECT {FACT_COLUMNS} FROM charter_facts AS f WHERE workflow = $1 AND NOT EXISTS (SELECT 1 FROM \
             charter_facts AS n WHERE n.workflow = f.workflow AND n.statement = f.statement AND n.about = f.about \
             AND n.seq > f.seq) ORDER BY seq"
        );
        self.rows(sql, vec![Value::Text(workflow.to_owned())], fact)
            .await
    }

    /// Who finished the training of a workflow, ever.
    ///
    /// # Errors
    /// See [`StoreReader::run`].
    pub async fn trained(&self, workflow: &str) -> Result<Vec<String>, ReadError> {
        let sql = "SELECT DISTINCT about FROM charter_facts WHERE workflow = $1 AND statement = 'training' \
             AND value <> ''";
        let params = vec![Value::Text(workflow.to_owned())];
        self.rows(sql, params, |r: crate::value::Row<'_>| r.text(0))
            .await
    }

    /// What was ever stated about a workflow, newest first, below `before` (0 for the newest).
    ///
    /// # Errors
    /// See [`StoreReader::run`].
    pub async fn charter_history(
        &self,
        workflow: &str,
        before: u32,
        limit: usize,
    ) -> Result<Vec<CharterFact>, ReadError> {
        let before = if before == 0 { u32::MAX } else { before };
        let sql = format!(
            "SELECT {FACT_COLUMNS} FROM charter_facts WHERE workflow = $1 AND seq < $2 ORDER BY seq DESC LIMIT $3"
        );
        let params = vec![
            Value::Text(workflow.to_owned()),
            Value::Int(i64::from(before)),
            page(limit),
        ];
        self.rows(sql, params, fact).await
    }

    /// The events of a workflow's label in order, from the newest one that gave it its label.
    ///
    /// # Errors
    /// See [`StoreReader::run`].
    pub async fn label_events(&self, workflow: &str) -> Result<Vec<LabelEvent>, ReadError> {
        let sql = format!(
            "SELECT {EVENT_COLUMNS} FROM label_events WHERE workflow = $1 AND seq >= (SELECT coalesce(max(seq), 0) \
             FROM label_events WHERE workflow = $1 AND (kind = 'granted' OR kind = 'raised' OR kind = 'lowered' \
             OR kind = 'fell' OR kind = 'retired')) ORDER BY seq"
        );
        self.rows(sql, vec![Value::Text(workflow.to_owned())], event)
            .await
    }

    /// What ever happened to the label of a workflow, newest first, below `before` (0 for the newest).
    ///
    /// # Errors
    /// See [`StoreReader::run`].
    pub async fn label_history(
        &self,
        workflow: &str,
        before: u32,
        limit: usize,
    ) -> Result<Vec<LabelEvent>, ReadError> {
        let before = if before == 0 { u32::MAX } else { before };
        let sql = format!(
            "SELECT {EVENT_COLUMNS} FROM label_events WHERE workflow = $1 AND seq < $2 ORDER BY seq DESC LIMIT $3"
        );
        let params = vec![
            Value::Text(workflow.to_owned()),
            Value::Int(i64::from(before)),
            page(limit),
        ];
        self.rows(sql, params, event).await
    }
}
