//! What an evaluation asked of models, graders' and the release's own, is kept in the ledger, by workflow and
//! release: tokens at the price in force. Without a price or reported usage the cost is unknown, never nothing.

use tuesday_domain::actor::Actor;
use tuesday_domain::definition::ModelSpec;
use tuesday_domain::id::ReleaseId;
use tuesday_domain::problem::Problem;
use tuesday_domain::record::{AuditEntry, GraderCalls, MoneyChange, RELEASE_MODEL, Subject, Usage};
use tuesday_domain::time::{Timestamp, Zone};

use crate::engine::Engine;
use crate::eval::{GraderUse, Graders, Trial};
use crate::ids;
use crate::steps::found::provider;

/// Where an evaluation belongs.
pub(crate) struct Evaluated<'a> {
    pub(crate) workflow: &'a str,
    pub(crate) release: ReleaseId,
    pub(crate) zone: &'a Zone,
    /// `gate` or `canary`.
    pub(crate) about: &'static str,
}

/// For the audit log: everything but the release, which the entry names.
fn told(g: &GraderCalls) -> String {
    format!(
        "{} {} {} {} {} {} {}",
        g.day,
        g.calls,
        g.unreported,
        g.unpriced(),
        g.currency.as_deref().unwrap_or("-"),
        g.cost_micros.unwrap_or(0),
        g.model
    )
}

impl Engine {
    /// Keeps what a release asked its model since the last time. A built-in model costs nothing and leaves
    /// nowhere.
    ///
    /// # Errors
    /// `unavailable`.
    pub(crate) async fn keep_tried(&self, trial: &Trial, of: Evaluated<'_>) -> Result<(), Problem> {
        let (spec, used) = trial.take_used();
        if used.calls == 0 || spec.kind.is_built_in() {
            return Ok(());
        }
        let name = RELEASE_MODEL.to_owned();
        let row = self.calls_of(&of, name, &spec, &used, self.now());
        self.keep_calls(vec![row], &of).await
    }

    /// Keeps what the graders asked since the last time; nothing when they asked nothing.
    ///
    /// # Errors
    /// `unavailable`.
    pub(crate) async fn keep_graded(
        &self,
        graders: &Graders,
        of: Evaluated<'_>,
    ) -> Result<(), Problem> {
        let now = self.now();
        let rows: Vec<GraderCalls> = graders
            .take_used()
            .into_iter()
            .filter(|(_, _, used)| used.calls > 0)
            .map(|(name, spec, used)| self.calls_of(&of, name, &spec, &used, now))
            .collect();
        if rows.is_empty() {
            return Ok(());
        }
        self.keep_calls(rows, &of).await
    }

    async fn keep_calls(&self, rows: Vec<GraderCalls>, of: &Evaluated<'_>) -> Result<(), Problem> {
        let now = self.now();
        let entry = AuditEntry::new(
            now,
            Actor::System("graders"),
            "graders.paid",
            Subject::Workflow(of.workflow.to_owned()),
        )
        .fact("release", of.release.to_string())
        .fact("about", of.about)
        .fact("graders", rows.iter().map(told).collect::<Vec<_>>());
        let changes = rows
            .into_iter()
            .map(Box::new)
            .map(MoneyChange::InsertGraded);
        self.money(changes.collect(), entry).await
    }

    fn calls_of(
        &self,
        of: &Evaluated<'_>,
        grader: String,
        spec: &ModelSpec,
        used: &GraderUse,
        now: Timestamp,
    ) -> GraderCalls {
        let price = self.price_of(spec, now);
        let usage = Usage {
            input_tokens: used.input_tokens,
            output_tokens: used.output_tokens,
        };
        let cost = match &price {
            _ if spec.kind.is_built_in() => Some(0),
            Some(price) => price.cost(usage),
            None => None,
        };
        GraderCalls {
            id: ids::cost_entry(),
            workflow: of.workflow.to_owned(),
            release: of.release,
            day: of.zone.day(now),
            about: of.about.to_owned(),
            grader,
            model: spec.pin.clone(),
            vendor: provider(spec),
            calls: used.calls,
            unreported: if spec.kind.is_built_in() {
                0
            } else {
                used.unreported
            },
            input_tokens: used.input_tokens,
            output_tokens: used.output_tokens,
            currency: price
                .filter(|_| cost.is_some() && !spec.kind.is_built_in())
                .map(|p| p.currency),
            cost_micros: cost,
            at: now,
        }
    }
}
