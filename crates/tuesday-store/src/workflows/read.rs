//! Reading workflows, releases, decision tables and cursors.

use tuesday_domain::id::ReleaseId;
use tuesday_domain::record::{Cursor, Release, Workflow};

use super::{RELEASE_COLUMNS, WORKFLOW_COLUMNS, release, workflow};
use crate::error::ReadError;
use crate::reader::StoreReader;
use crate::value::{Row, Value};

impl StoreReader {
    /// Every workflow, by name.
    ///
    /// # Errors
    /// See [`StoreReader::run`].
    pub async fn workflows(&self) -> Result<Vec<Workflow>, ReadError> {
        self.rows(
            format!("SELECT {WORKFLOW_COLUMNS} FROM workflows ORDER BY name"),
            vec![],
            workflow,
        )
        .await
    }

    /// A workflow by name.
    ///
    /// # Errors
    /// See [`StoreReader::run`].
    pub async fn workflow(&self, name: &str) -> Result<Option<Workflow>, ReadError> {
        let sql = format!("SELECT {WORKFLOW_COLUMNS} FROM workflows WHERE name = $1");
        self.first(sql, vec![Value::Text(name.to_owned())], workflow)
            .await
    }

    /// A release by its id.
    ///
    /// # Errors
    /// See [`StoreReader::run`].
    pub async fn release(&self, id: ReleaseId) -> Result<Option<Release>, ReadError> {
        let sql = format!("SELECT {RELEASE_COLUMNS} FROM releases WHERE id = $1");
        self.first(sql, vec![Value::Id(id.uuid())], release).await
    }

    /// All releases of a workflow, newest first.
    ///
    /// # Errors
    /// See [`StoreReader::run`].
    pub async fn releases(&self, workflow: &str) -> Result<Vec<Release>, ReadError> {
        let sql = format!(
            "SELECT {RELEASE_COLUMNS} FROM releases WHERE workflow = $1 ORDER BY number DESC"
        );
        self.rows(sql, vec![Value::Text(workflow.to_owned())], release)
            .await
    }

    /// The release that new runs of a workflow get.
    ///
    /// # Errors
    /// See [`StoreReader::run`].
    pub async fn live_release(&self, workflow: &str) -> Result<Option<Release>, ReadError> {
        let sql = format!(
            "SELECT {RELEASE_COLUMNS} FROM releases WHERE id = (SELECT live_release FROM workflows WHERE name = $1)"
        );
        self.first(sql, vec![Value::Text(workflow.to_owned())], release)
            .await
    }

    /// How far a pulling trigger has read.
    ///
    /// # Errors
    /// See [`StoreReader::run`].
    pub async fn cursor(&self, workflow: &str, trigger: &str) -> Result<Option<Cursor>, ReadError> {
        let sql = "SELECT workflow, trigger_name, value FROM cursors WHERE workflow = $1 AND trigger_name = $2";
        let params = [workflow, trigger].map(|t| Value::Text(t.to_owned()));
        self.first(sql, params.into(), |r: Row<'_>| {
            Ok(Cursor {
                workflow: r.text(0)?,
                trigger: r.text(1)?,
                value: r.text(2)?,
            })
        })
        .await
    }
}
