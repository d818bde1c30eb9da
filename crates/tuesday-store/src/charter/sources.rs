//! Where the events of a workflow came from.

use crate::error::ReadError;
use crate::reader::StoreReader;
use crate::value::{Row, Value};

impl StoreReader {
    /// Runs of these days by the source of their event, most first.
    ///
    /// # Errors
    /// See [`StoreReader::run`].
    pub async fn event_sources(
        &self,
        workflow: &str,
        (from, to): &(String, String),
    ) -> Result<Vec<(String, u64)>, ReadError> {
        let sql = "SELECT event_source, count(*) FROM runs WHERE workflow = $1 AND batch >= $2 AND batch <= $3 \
             GROUP BY event_source ORDER BY 2 DESC, 1";
        let params = vec![
            Value::Text(workflow.to_owned()),
            Value::Text(from.clone()),
            Value::Text(to.clone()),
        ];
        self.rows(sql, params, |r: Row<'_>| Ok((r.text(0)?, r.num(1)?)))
            .await
    }
}
