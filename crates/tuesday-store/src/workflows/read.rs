//! Reading workflows, releases, decision tables and cursors.

use tuesday_domain::id::ReleaseId;
use tuesday_domain::record::{Cursor, Release, ReleaseState, Workflow};
use tuesday_domain::time::Timestamp;

use super::{RELEASE_COLUMNS, WORKFLOW_COLUMNS, release, workflow};
use crate::error::ReadError;
use crate::reader::StoreReader;
use crate::select::{Select, limit as page};
use crate::value::{Row, Value};

/// A release without its text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReleaseHead {
    /// Its id.
    pub id: ReleaseId,
    /// Workflow name.
    pub workflow: String,
    /// Number within the workflow, from 1.
    pub number: u32,
    /// Where it stands.
    pub state: ReleaseState,
    /// SHA-256 over the parts' hashes.
    pub hash: [u8; 32],
    /// When it was made.
    pub created_at: Timestamp,
    /// By whom, as an actor.
    pub created_by: String,
}

fn head(r: Row<'_>) -> Result<ReleaseHead, ReadError> {
    Ok(ReleaseHead {
        id: ReleaseId::new(r.id(0)?),
        workflow: r.text(1)?,
        number: r.num(2)?,
        state: r.word(3)?,
        hash: r.fixed(4)?,
        created_at: r.time(5)?,
        created_by: r.text(6)?,
    })
}

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

    /// Releases without their text, newest first; `after` is the last one of the page before.
    ///
    /// # Errors
    /// See [`StoreReader::run`].
    pub async fn release_page(
        &self,
        workflow: Option<&str>,
        among: Option<&[String]>,
        state: Option<ReleaseState>,
        after: Option<ReleaseId>,
        limit: usize,
    ) -> Result<Vec<ReleaseHead>, ReadError> {
        if among.is_some_and(<[String]>::is_empty) {
            return Ok(Vec::new());
        }
        let mut q = Select::new(
            "SELECT id, workflow, number, state, hash, created_at, created_by FROM releases",
        );
        q.and_text("workflow = ?", workflow)
            .and_text("state = ?", state.map(ReleaseState::word));
        if let Some(names) = among {
            q.and("workflow IN", []).list(names);
        }
        if let Some(after) = after {
            q.and("id < ?", [Value::Id(after.uuid())]);
        }
        let (sql, params) = q.push(" ORDER BY id DESC LIMIT ?", [page(limit)]).done();
        self.rows(sql, params, head).await
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
