//! Asks a model in an evaluation: in its turn, within the spend limit, and again when what was in the way may
//! pass. The release under evaluation and its graders ask alike.

use std::time::Duration;

use tuesday_domain::definition::Limits;
use tuesday_domain::port::{FaultKind, Model, ModelAnswer, ModelFault, ModelRequest};
use tuesday_domain::retry::RetryVerdict;

use super::purse::Purse;
use crate::ids;
use crate::steps::generate::{call, place, policy};
use crate::worker::limits::Limiters;

/// Attempts of one model call: an overloaded provider is no fault of the release.
const ATTEMPTS: u32 = 3;

/// What asking a model takes.
pub(super) struct Asking<'a> {
    pub(super) model: &'a dyn Model,
    pub(super) limiters: &'a Limiters,
    pub(super) limits: &'a Limits,
    pub(super) purse: Option<&'a Purse>,
}

impl Asking<'_> {
    /// Asks the model; what may pass is asked again a few times.
    pub(super) async fn ask(&self, request: &mut ModelRequest) -> Result<ModelAnswer, ModelFault> {
        let mut n = 1;
        loop {
            let answer = self.once(request).await;
            let fault = match answer {
                Ok(answer) => return Ok(answer),
                Err(fault) => fault,
            };
            let FaultKind::Transient(after) = fault.kind else {
                return Err(fault);
            };
            let policy = tuesday_domain::retry::RetryPolicy {
                max_attempts: self.limits.max_attempts.min(ATTEMPTS),
                ..policy(self.limits)
            };
            match policy.after(n, after, ids::draw()) {
                RetryVerdict::After(wait) if wait <= Duration::from_secs(30) => {
                    tokio::time::sleep(wait).await;
                }
                _ => return Err(fault),
            }
            n += 1;
            request.attempt += 1;
        }
    }

    /// One call, when it is its turn and the limit lets it start.
    async fn once(&self, request: &ModelRequest) -> Result<ModelAnswer, ModelFault> {
        let turn = place(self.limiters, self.limits, request).await;
        let hold = match self.purse {
            Some(purse) => purse.take(request).await?,
            None => None,
        };
        let answer = call(self.model, request).await;
        drop(turn);
        if let Some(purse) = self.purse {
            purse.settle(hold, request, &answer).await;
        }
        answer
    }
}
