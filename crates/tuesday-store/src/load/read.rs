//! Reading declared capacity, frozen mixes, findings, and how much waits now.

use tuesday_domain::record::{CanaryTry, CapacityPlan, DriftBaseline, DriftFinding};

use super::{BASELINE, CANARY_TRY, FINDING, PLAN, baseline, canary_try, finding, plan};
use crate::error::ReadError;
use crate::reader::StoreReader;
use crate::select::limit as page;
use crate::value::{Row, Value};

fn text(t: &str) -> Value {
    Value::Text(t.to_owned())
}

impl StoreReader {
    /// The newest plans of a workflow, the one in force first.
    ///
    /// # Errors
    /// See [`StoreReader::run`].
    pub async fn capacity_plans(
        &self,
        workflow: &str,
        limit: usize,
    ) -> Result<Vec<CapacityPlan>, ReadError> {
        let sql = format!(
            "SELECT {PLAN} FROM capacity_plans WHERE workflow = $1 ORDER BY version DESC LIMIT $2"
        );
        self.rows(sql, vec![text(workflow), page(limit)], plan)
            .await
    }

    /// Tasks that wait for the declared people: open, and not outside the rollout.
    ///
    /// # Errors
    /// See [`StoreReader::run`].
    pub async fn waiting_tasks(&self, workflow: &str) -> Result<u64, ReadError> {
        let sql = "SELECT count(*) FROM reviews WHERE workflow = $1 AND state IN ('open', 'claimed', 'suspended') \
                   AND reason <> 'out_of_rollout'";
        let found = self.first(sql, vec![text(workflow)], |r: Row<'_>| r.num(0));
        Ok(found.await?.unwrap_or(0))
    }

    /// Runs that have begun and not ended; what is held does not count, nor what is outside the rollout.
    ///
    /// # Errors
    /// See [`StoreReader::run`].
    pub async fn runs_under_way(&self, workflow: &str) -> Result<u64, ReadError> {
        let sql = "SELECT count(*) FROM runs WHERE workflow = $1 AND outcome IS NULL AND status <> 'held' \
                   AND coalesce(reason, '') <> 'out_of_rollout'";
        let found = self.first(sql, vec![text(workflow)], |r: Row<'_>| r.num(0));
        Ok(found.await?.unwrap_or(0))
    }

    /// The newest frozen mixes of a workflow, the one in force first.
    ///
    /// # Errors
    /// See [`StoreReader::run`].
    pub async fn drift_baselines(
        &self,
        workflow: &str,
        limit: usize,
    ) -> Result<Vec<DriftBaseline>, ReadError> {
        let sql = format!(
            "SELECT {BASELINE} FROM drift_baselines WHERE workflow = $1 ORDER BY version DESC LIMIT $2"
        );
        self.rows(sql, vec![text(workflow), page(limit)], baseline)
            .await
    }

    /// Findings about a workflow's mix, the newest first.
    ///
    /// # Errors
    /// See [`StoreReader::run`].
    pub async fn drift_findings(
        &self,
        workflow: &str,
        limit: usize,
    ) -> Result<Vec<DriftFinding>, ReadError> {
        let sql = format!(
            "SELECT {FINDING} FROM drift_findings WHERE workflow = $1 ORDER BY seq DESC LIMIT $2"
        );
        self.rows(sql, vec![text(workflow), page(limit)], finding)
            .await
    }

    /// Tries of a workflow's canary, the newest first.
    ///
    /// # Errors
    /// See [`StoreReader::run`].
    pub async fn canary_tries(
        &self,
        workflow: &str,
        limit: usize,
    ) -> Result<Vec<CanaryTry>, ReadError> {
        let sql = format!(
            "SELECT {CANARY_TRY} FROM canary_tries WHERE workflow = $1 ORDER BY seq DESC LIMIT $2"
        );
        self.rows(sql, vec![text(workflow), page(limit)], canary_try)
            .await
    }
}
