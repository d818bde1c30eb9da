//! Calls outside of any run, in an evaluation, take their worst case from the workflow's limit before they
//! start, as those of runs do. A call whose end nobody saw leaves its hold, and maintenance counts it in full.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tuesday_domain::actor::Actor;
use tuesday_domain::ledger::budget;
use tuesday_domain::port::{FaultKind, ModelAnswer, ModelFault, ModelRequest};
use tuesday_domain::record::{
    AuditEntry, Change, Decision, MoneyChange, SpendHold, SpendLimit, Subject,
};
use tuesday_domain::time::Zone;
use tuesday_store::ApplyError;

use crate::engine::Engine;
use crate::ids;
use crate::steps::spend;

/// What a call is answered that the limit did not let start.
pub(super) const REFUSED: &str = "spend_limit_reached";
/// Between two tries while calls in flight hold what is left.
const TRY_AGAIN: Duration = Duration::from_millis(100);
/// So often is tried while only calls in flight stand in the way.
const TRIES: u32 = 3_000;

/// Pays for what an evaluation of one workflow asks.
pub(crate) struct Purse {
    engine: Engine,
    workflow: String,
    zone: Zone,
    /// `gate` or `canary`.
    about: &'static str,
    refused: Mutex<Option<String>>,
}

impl Purse {
    pub(crate) const fn new(
        engine: Engine,
        workflow: String,
        zone: Zone,
        about: &'static str,
    ) -> Self {
        Self {
            engine,
            workflow,
            zone,
            about,
            refused: Mutex::new(None),
        }
    }

    /// Why the limit let a call not start, in words; after it no other one starts.
    pub(crate) fn refused(&self) -> Option<String> {
        let refused = self.refused.lock();
        refused.unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn refuse(&self, words: String) -> ModelFault {
        let mut refused = self.refused.lock().unwrap_or_else(PoisonError::into_inner);
        let detail = refused.get_or_insert(words).clone();
        ModelFault {
            kind: FaultKind::Permanent,
            code: REFUSED,
            detail,
            usage: None,
            bytes_received: 0,
            request_hash: None,
        }
    }

    /// Takes the most that this call can cost; nothing where nothing limits it.
    pub(super) async fn take(
        &self,
        request: &ModelRequest,
    ) -> Result<Option<SpendHold>, ModelFault> {
        let limit = self.engine.0.catalog.limit(&self.workflow);
        let Some(limit) = limit.filter(|_| !request.spec.kind.is_built_in()) else {
            return Ok(None);
        };
        if let Some(words) = self.refused() {
            return Err(self.refuse(words));
        }
        match self.reserved(&limit, request).await {
            Ok(hold) => Ok(Some(hold)),
            Err(words) => Err(self.refuse(words)),
        }
    }

    async fn reserved(
        &self,
        limit: &SpendLimit,
        request: &ModelRequest,
    ) -> Result<SpendHold, String> {
        let engine = &self.engine;
        for _ in 0..TRIES {
            let now = engine.now();
            let price = engine.price_of(&request.spec, now);
            let Some(price) = price.filter(|p| p.currency == limit.currency) else {
                let (pin, currency) = (&request.spec.pin, &limit.currency);
                return Err(format!("{pin} has no price in {currency}"));
            };
            let most = budget::most(&price, spend::bytes(request), request.spec.max_tokens);
            let hold = SpendHold {
                // Of no run: the hold is found by its age when nobody gives it back.
                run: ids::run(),
                workflow: self.workflow.clone(),
                period: budget::period(limit.period, now, &self.zone),
                micros: most.ok_or("its cost cannot be bounded")?,
            };
            let entry = self
                .told("spend.reserved", &hold)
                .fact("micros", hold.micros);
            let changes = spend::reservation(&hold, limit.stop_micros).into();
            match engine.apply(Decision { changes, entry }).await {
                Ok(_) => return Ok(hold),
                Err(ApplyError::Conflict { .. }) => {}
                Err(e) => return Err(format!("the limit cannot be read: {e}")),
            }
            let used = spend::used_up(engine, limit, &hold).await;
            let used = used.map_err(|e| format!("the limit cannot be read: {e}"))?;
            if let Some(words) = used {
                return Err(words);
            }
            tokio::time::sleep(TRY_AGAIN).await;
        }
        Err("calls in flight hold what is left of the limit".to_owned())
    }

    /// Gives back what the call did not need. What nobody reported counts in full, and so does a hold that
    /// cannot be given back.
    pub(super) async fn settle(
        &self,
        hold: Option<SpendHold>,
        request: &ModelRequest,
        end: &Result<ModelAnswer, ModelFault>,
    ) {
        let Some(hold) = hold else { return };
        let usage = match end {
            Ok(answer) => answer.usage,
            Err(fault) => fault.usage,
        };
        let price = self.engine.price_of(&request.spec, self.engine.now());
        let cost_micros = price.zip(usage).and_then(|(p, used)| p.cost(used));
        let mut entry = self.told("spend.settled", &hold);
        if let Some(micros) = cost_micros {
            entry = entry.fact("micros", micros);
        }
        let run = hold.run;
        let settle = MoneyChange::Settle { hold, cost_micros };
        let changes = [MoneyChange::DropHold { run }, settle].map(|c| Change::Money(Box::new(c)));
        let changes = changes.into();
        if let Err(e) = self.engine.apply(Decision { changes, entry }).await {
            tracing::warn!(workflow = %self.workflow, error = %e, "a call of an evaluation counts in full");
        }
    }

    fn told(&self, kind: &'static str, hold: &SpendHold) -> AuditEntry {
        let subject = Subject::Workflow(self.workflow.clone());
        AuditEntry::new(self.engine.now(), Actor::System("spend"), kind, subject)
            .fact("about", self.about)
            .fact("hold", hold.run.to_string())
            .fact("period", hold.period.clone())
    }
}
