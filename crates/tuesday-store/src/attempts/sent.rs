//! How often something was sent out: model calls and writes of the runs of some days.

use tuesday_domain::id::ReleaseId;
use tuesday_domain::time::Timestamp;

use crate::error::ReadError;
use crate::reader::StoreReader;
use crate::value::{Row, Value};

/// What was sent under one release to one place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sent {
    /// The release.
    pub release: ReleaseId,
    /// The action's name; nothing for the model.
    pub action: Option<String>,
    /// Requests that left, repeats included.
    pub requests: u64,
    /// When the first left.
    pub first_at: Timestamp,
    /// When the last left, or was last heard of.
    pub last_at: Timestamp,
}

const SENT: &str = "SELECT r.release_id, '', COUNT(*), MIN(a.started_at), MAX(a.started_at) \
    FROM runs r JOIN attempts a ON a.run_id = r.id \
    WHERE r.workflow = $1 AND r.batch >= $2 AND r.batch <= $3 AND a.step = 'generate' AND a.request_hash IS NOT NULL \
    GROUP BY r.release_id \
    UNION ALL \
    SELECT r.release_id, x.name, CAST(SUM(x.attempts) AS BIGINT), MIN(x.first_sent_at), MAX(x.updated_at) \
    FROM runs r JOIN actions x ON x.run_id = r.id \
    WHERE r.workflow = $4 AND r.batch >= $5 AND r.batch <= $6 AND x.first_sent_at IS NOT NULL \
    GROUP BY r.release_id, x.name";

impl StoreReader {
    /// What the runs of these days sent out, by release and place. Days are `YYYY-MM-DD` in the
    /// workflow's time zone, both included.
    ///
    /// # Errors
    /// See [`StoreReader::run`].
    pub async fn sent(&self, workflow: &str, from: &str, to: &str) -> Result<Vec<Sent>, ReadError> {
        let params = [workflow, from, to, workflow, from, to]
            .map(|t| Value::Text(t.to_owned()))
            .to_vec();
        self.rows(SENT, params, |r: Row<'_>| {
            Ok(Sent {
                release: ReleaseId::new(r.id(0)?),
                action: Some(r.text(1)?).filter(|name| !name.is_empty()),
                requests: r.num(2)?,
                first_at: r.time(3)?,
                last_at: r.time(4)?,
            })
        })
        .await
    }
}
