//! The figures that pause rules look at, each over the newest runs or decisions of a workflow.

use tuesday_domain::time::Timestamp;

use crate::error::ReadError;
use crate::reader::StoreReader;
use crate::value::{Row, Value};

/// How the newest runs of a workflow went.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RunFigures {
    /// How many were counted: over, or before a person.
    pub runs: u64,
    /// How many of them needed a person because something failed.
    pub errors: u64,
    /// In how many the model refused or was not sure.
    pub refusals: u64,
    /// How many had a stale, unreadable or contradictory source.
    pub stale: u64,
}

const RUNS: &str = "SELECT count(*), \
    CAST(coalesce(sum(CASE WHEN reason = 'permanent_failure' OR reason = 'attempts_spent' OR reason = 'invalid_output' \
        OR reason = 'check_failed' OR reason = 'action_failed' OR reason = 'model_mismatch' THEN 1 ELSE 0 END), 0) AS BIGINT), \
    CAST(coalesce(sum(CASE WHEN reason = 'refused' OR reason = 'uncertain_output' THEN 1 ELSE 0 END), 0) AS BIGINT), \
    CAST(coalesce(sum(CASE WHEN reason = 'stale_source' OR reason = 'source_unavailable' OR \
        reason = 'conflicting_sources' OR reason = 'freshness_unknown' THEN 1 ELSE 0 END), 0) AS BIGINT) \
    FROM (SELECT reason FROM runs WHERE workflow = $1 AND batch >= $2 AND received_at >= $3 \
        AND (outcome IS NOT NULL OR status = 'in_review') ORDER BY batch DESC, id DESC LIMIT $4) AS newest";

const OVERRIDES: &str = "SELECT count(*), CAST(coalesce(sum(CASE WHEN override_kind IS NOT NULL THEN 1 ELSE 0 END), 0) \
    AS BIGINT) FROM (SELECT override_kind FROM reviews WHERE workflow = $1 AND kind = 'output' \
        AND decided_by IS NOT NULL AND decided_at >= $2 ORDER BY decided_at DESC LIMIT $3) AS newest";

/// The day before a moment: no zone's day of it is earlier.
fn day_before(at: Timestamp) -> String {
    let before = at.minus(std::time::Duration::from_secs(86_400));
    before.rfc3339().chars().take(10).collect()
}

impl StoreReader {
    /// How the newest `n` runs received since `since` went.
    ///
    /// # Errors
    /// See [`StoreReader::run`].
    pub async fn run_figures(
        &self,
        workflow: &str,
        since: Timestamp,
        n: u32,
    ) -> Result<RunFigures, ReadError> {
        let params = vec![
            Value::Text(workflow.to_owned()),
            Value::Text(day_before(since)),
            Value::Int(since.micros()),
            Value::Int(i64::from(n)),
        ];
        let found = self.first(RUNS, params, |r: Row<'_>| {
            Ok(RunFigures {
                runs: r.num(0)?,
                errors: r.num(1)?,
                refusals: r.num(2)?,
                stale: r.num(3)?,
            })
        });
        Ok(found.await?.unwrap_or_default())
    }

    /// Of the newest `n` outputs that people decided on since `since`: all, and how many of them
    /// were overridden.
    ///
    /// # Errors
    /// See [`StoreReader::run`].
    pub async fn override_figures(
        &self,
        workflow: &str,
        since: Timestamp,
        n: u32,
    ) -> Result<(u64, u64), ReadError> {
        let params = vec![
            Value::Text(workflow.to_owned()),
            Value::Int(since.micros()),
            Value::Int(i64::from(n)),
        ];
        let found = self.first(OVERRIDES, params, |r: Row<'_>| Ok((r.num(0)?, r.num(1)?)));
        Ok(found.await?.unwrap_or_default())
    }

    /// When the newest event of a workflow became a run.
    ///
    /// # Errors
    /// See [`StoreReader::run`].
    pub async fn newest_event(&self, workflow: &str) -> Result<Option<Timestamp>, ReadError> {
        let sql =
            "SELECT received_at FROM runs WHERE workflow = $1 ORDER BY batch DESC, id DESC LIMIT 1";
        self.first(sql, vec![Value::Text(workflow.to_owned())], |r: Row<'_>| {
            r.time(0)
        })
        .await
    }
}
