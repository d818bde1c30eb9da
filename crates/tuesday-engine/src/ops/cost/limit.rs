//! Somebody says how much a workflow may spend on its model. Every call takes the most it can cost from
//! the limit before it starts (`steps/spend.rs`), so the limit is never passed.

use serde::Serialize;
use tuesday_domain::actor::Actor;
use tuesday_domain::ledger::budget;
use tuesday_domain::problem::Problem;
use tuesday_domain::record::{AuditEntry, MoneyChange, SpendAct, SpendLimit, SpendPeriod, Subject};
use tuesday_domain::time::Timestamp;

use super::unbookable;
use crate::engine::{Engine, read_problem};

/// A limit as somebody sets it.
#[derive(Clone, Debug)]
pub struct NewLimit {
    /// For how long it counts.
    pub period: SpendPeriod,
    /// The owner is told from here on, in millionths.
    pub warn_micros: Option<i64>,
    /// No call starts that could pass this.
    pub stop_micros: i64,
    /// ISO 4217.
    pub currency: String,
    /// What happens then.
    pub act: SpendAct,
}

/// A limit and where its workflow stands.
#[derive(Clone, Debug, Serialize)]
pub struct LimitState {
    /// Workflow name.
    pub workflow: String,
    /// `day` or `month`.
    pub period: SpendPeriod,
    /// The present one.
    pub now: String,
    /// Millionths.
    pub warn_micros: Option<i64>,
    /// Millionths.
    pub stop_micros: i64,
    /// ISO 4217.
    pub currency: String,
    /// `hold` or `pause`.
    pub act: SpendAct,
    /// Finished calls, in millionths.
    pub spent_micros: i64,
    /// Calls in flight, at most.
    pub reserved_micros: i64,
    /// Calls whose cost nobody knows, at most.
    pub assumed_micros: i64,
    /// The limit is reached: runs wait.
    pub stopped: bool,
    /// Who set it.
    pub set_by: String,
    /// Why.
    pub reason: String,
    /// When, RFC 3339.
    pub set_at: String,
}

impl Engine {
    /// Sets the limit of a workflow; it holds on every node within a second.
    ///
    /// # Errors
    /// `cost_invalid` naming the field, also when the model has no price in that currency: a limit
    /// that cannot be counted against would be none; `reason_required`, `not_allowed`,
    /// `unknown_workflow`.
    pub async fn set_spend_limit(
        &self,
        workflow: &str,
        new: NewLimit,
        reason: &str,
        by: &str,
    ) -> Result<SpendLimit, Problem> {
        if reason.trim().is_empty() {
            return Err(Problem::new("reason_required", "a limit needs a reason").field("reason"));
        }
        let (_, live) = self.live(workflow).await?;
        self.keeps_ledger(Some(workflow), by).await?;
        let now = self.now();
        if new.stop_micros < 0
            || new
                .warn_micros
                .is_some_and(|w| w < 0 || w > new.stop_micros)
        {
            return Err(unbookable("warn", "a warning comes at or before the stop"));
        }
        if !live.ready.model.kind.is_built_in() {
            let price = self.token_price(&live.ready, now);
            if price.is_none_or(|p| p.currency != new.currency) {
                let words = format!("{} has no price in {}", live.ready.model.pin, new.currency);
                return Err(unbookable("currency", words)
                    .way_out("set its price first: tuesday cost prices set FILE"));
            }
        }
        let old = self.0.reader.spend_limit(workflow).await;
        let old = old.map_err(read_problem)?;
        let row = SpendLimit {
            workflow: workflow.to_owned(),
            period: new.period,
            warn_micros: new.warn_micros,
            stop_micros: new.stop_micros,
            currency: new.currency,
            act: new.act,
            set_by: by.to_owned(),
            reason: reason.trim().to_owned(),
            set_at: now,
            version: old.as_ref().map_or(0, |o| o.version + 1),
        };
        let entry = AuditEntry::new(
            now,
            Actor::Person(by.to_owned()),
            "spend.limit_set",
            Subject::Workflow(workflow.to_owned()),
        )
        .fact("period", row.period.word())
        .fact("stop_micros", row.stop_micros)
        .fact("warn_micros", row.warn_micros.unwrap_or(-1))
        .fact("before_micros", old.map_or(-1, |o| o.stop_micros))
        .fact("currency", row.currency.clone())
        .fact("act", row.act.word())
        .fact("reason", row.reason.clone());
        self.money(vec![MoneyChange::PutLimit(row.clone())], entry)
            .await?;
        let _ = self.0.catalog.refresh(&self.0.reader).await;
        Ok(row)
    }

    /// The limit of a workflow and what it has spent in the present period.
    ///
    /// # Errors
    /// `unknown_workflow`, `unavailable`.
    pub async fn spend_state(&self, workflow: &str) -> Result<Option<LimitState>, Problem> {
        let (_, live) = self.live(workflow).await?;
        let reader = &self.0.reader;
        let Some(limit) = reader.spend_limit(workflow).await.map_err(read_problem)? else {
            return Ok(None);
        };
        let now = budget::period(limit.period, self.now(), &live.ready.zone);
        let spend = reader.spend(workflow, &now).await.map_err(read_problem)?;
        let of = |get: fn(&tuesday_domain::record::Spend) -> i64| spend.as_ref().map_or(0, get);
        let stopped = spend.as_ref().and_then(|s| s.stopped_at);
        Ok(Some(LimitState {
            spent_micros: of(|s| s.spent_micros),
            reserved_micros: of(|s| s.reserved_micros),
            assumed_micros: of(|s| s.assumed_micros),
            stopped: is_stopped(stopped, limit.set_at),
            workflow: limit.workflow,
            period: limit.period,
            now,
            warn_micros: limit.warn_micros,
            stop_micros: limit.stop_micros,
            currency: limit.currency,
            act: limit.act,
            set_by: limit.set_by,
            reason: limit.reason,
            set_at: limit.set_at.rfc3339(),
        }))
    }
}

/// A limit that was set after the stop gives the work another try.
fn is_stopped(stopped_at: Option<Timestamp>, limit_set: Timestamp) -> bool {
    stopped_at.is_some_and(|at| at >= limit_set)
}
