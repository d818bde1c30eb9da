//! Automatic actions that have not left obey the stricter of the rules that let them through and
//! the rules in force: when a stricter table would not have, they are taken back and a person looks. So
//! they are when the release that made them was rolled back.

use std::sync::Arc;

use tuesday_domain::action::{ActionEvent, ActionState};
use tuesday_domain::actor::Actor;
use tuesday_domain::decide::plan_facts;
use tuesday_domain::record::{Action, Change, Payload, ReleaseState, Run};
use tuesday_domain::review::ReviewKind;
use tuesday_domain::route::{plan, tier};
use tuesday_domain::rules::{FactTable, Landing, Route};
use tuesday_domain::run::{Reason, RunEvent, Status};
use tuesday_domain::snapshot::{Snapshot, facts_of};
use tuesday_store::ApplyError;

use crate::catalog::{LiveRelease, LoadFault};
use crate::draft::{Draft, is_unfinished};
use crate::engine::Engine;
use crate::steps::route::bound_to;
use crate::steps::{Ask, open_review};
use crate::worker::drive::StepFault;

/// Runs looked at in one pass.
const BATCH: usize = 200;

/// Why the rules in force would not let a run through.
struct Stricter {
    version: u64,
    tier: Option<String>,
    words: Vec<String>,
    /// What stands at the action.
    detail: &'static str,
}

/// A run that is to be taken back, with what it read, produced and planned.
struct Opened {
    release: Arc<LiveRelease>,
    payloads: Vec<Payload>,
    actions: Vec<Action>,
}

impl Opened {
    fn bytes(&self, n: u32) -> Option<Vec<u8>> {
        self.payloads
            .iter()
            .find(|p| p.n == n)
            .map(|p| p.bytes.clone())
    }

    /// What an approval is bound to; empty, and then judged at approval, when it cannot be rebuilt.
    fn bound_to(&self, run: &Run) -> String {
        let rebuilt = || {
            let ready = &self.release.ready;
            let text = String::from_utf8(self.bytes(run.output_ref?)?).ok()?;
            let output = tuesday_domain::json::parse_strict(text.as_bytes()).ok()?;
            let snapshot: Snapshot =
                serde_json::from_slice(&self.bytes(run.snapshot_ref?)?).ok()?;
            let facts = facts_of(&ready.def, &snapshot, |n| self.bytes(n))?;
            let facts = plan_facts(&facts, &snapshot);
            let planned = plan(ready, run.id, run.stage, &facts, &output).ok()?;
            Some(bound_to(&text, &snapshot, &planned))
        };
        rebuilt().unwrap_or_default()
    }
}

impl Engine {
    /// Asked by the worker before an action leaves: true when the run was taken back.
    pub(crate) async fn no_longer_automatic(
        &self,
        run: &Run,
        action: &Action,
    ) -> Result<bool, StepFault> {
        let by_rule = action
            .authorised_by
            .as_ref()
            .is_some_and(|by| by.starts_with("rule:"));
        if !by_rule {
            return Ok(false);
        }
        let found = match self.withdrawn(run).await? {
            Some(withdrawn) => Some(withdrawn),
            None => self.stricter(run).await?,
        };
        let Some(stricter) = found else {
            return Ok(false);
        };
        // What cannot be taken back is not sent either: the step fails and is done again.
        self.take_back(run, stricter).await?;
        Ok(true)
    }

    /// Holds every unsent automatic action of a workflow against the rules in force.
    pub(crate) async fn take_back_unsent(&self, workflow: &str) {
        let Some(w) = self.0.catalog.cached_workflow(workflow) else {
            return;
        };
        let reader = &self.0.reader;
        let unsent = match reader.unsent_auto(workflow, w.rules_version, BATCH).await {
            Ok(unsent) => unsent,
            Err(e) => {
                tracing::warn!(%workflow, error = %e, "unsent actions could not be read; each is checked before it leaves");
                return;
            }
        };
        for found in unsent {
            let done = async {
                let run = reader.run(found.run).await.map_err(LoadFault::Read)?;
                let Some(run) = run.filter(|r| r.state.status == Status::Dispatching) else {
                    return Ok(());
                };
                match self.stricter(&run).await? {
                    Some(stricter) => self.take_back(&run, stricter).await,
                    None => Ok(()),
                }
            };
            match done.await {
                // The worker has moved it on and asks by itself.
                Ok(()) | Err(StepFault::Apply(ApplyError::Conflict { .. })) => {}
                Err(e) => {
                    tracing::warn!(run = %found.run, error = %e, "an unsent action was not held against the new rules")
                }
            }
        }
    }

    /// Whether the release that made the output was rolled back since.
    async fn withdrawn(&self, run: &Run) -> Result<Option<Stricter>, StepFault> {
        let row = self.0.catalog.cached_workflow(&run.workflow);
        if row.is_none_or(|w| w.live_release == run.release) {
            return Ok(None);
        }
        let own = self.0.reader.release(run.release).await;
        let own = own.map_err(LoadFault::Read)?;
        let Some(own) = own.filter(|r| r.state == ReleaseState::RolledBack) else {
            return Ok(None);
        };
        let words = format!(
            "release {}, which made this, was rolled back; nothing was sent",
            own.number
        );
        Ok(Some(Stricter {
            version: run.rules_version.unwrap_or(0),
            tier: None,
            words: vec![words],
            detail: "its release was rolled back before it was sent",
        }))
    }

    /// Whether the rules in force would put a run before a person that an earlier version let
    /// through. What cannot be asked again is not let through either.
    async fn stricter(&self, run: &Run) -> Result<Option<Stricter>, StepFault> {
        let reader = &self.0.reader;
        let catalog = &self.0.catalog;
        let version = catalog.rules_version(reader, &run.workflow).await?;
        if run.rules_version == Some(version) {
            return Ok(None);
        }
        let rules = catalog.rules(reader, &run.workflow, version).await?;
        let routed = reader
            .past_run(&run.workflow, run.id)
            .await
            .map_err(LoadFault::Read)?;
        let landing = match routed {
            Some(routed) => {
                let then = catalog.rules(reader, &run.workflow, routed.version).await?;
                let mut table = FactTable::new(rules.columns());
                table
                    .layout(then.columns())
                    .filter(|layout| table.push_packed(layout, &routed.facts))
                    .and_then(|_| table.land(&rules).ok())
                    .and_then(|landings| landings.first().copied())
                    .unwrap_or(Landing::Person)
            }
            None => Landing::Person,
        };
        let row = match landing {
            Landing::Row(at) => rules.rows().get(at as usize),
            Landing::Person => None,
        };
        if row.is_some_and(|row| row.route == Route::Auto) {
            return Ok(None);
        }
        let why = row.map_or_else(
            || format!("the rules cannot judge it any more (rules version {version})"),
            |row| {
                let reason = row.reason.clone().unwrap_or_default();
                format!("{reason} (rule {}, rules version {version})", row.id)
            },
        );
        let before = format!(
            "rule {} of version {} had let it through; nothing was sent",
            run.rules_row.clone().unwrap_or_default(),
            run.rules_version.unwrap_or(0)
        );
        Ok(Some(Stricter {
            version,
            tier: row.and_then(|row| row.review_tier.clone()),
            words: vec![why, before],
            detail: "the rules became stricter before it was sent",
        }))
    }

    /// Takes back what has not left and puts the run before a person. Where a part has left already
    /// the rest is blocked, and a person settles it.
    async fn take_back(&self, run: &Run, stricter: Stricter) -> Result<(), StepFault> {
        let task = self.opened(run).await?;
        let now = self.now();
        let ready = &task.release.ready;
        let mut draft = Draft::on(
            run,
            ready.strictest(),
            Actor::System("rules"),
            "run.rules_stricter",
            now,
        );
        draft.fact("rules_version", stricter.version);
        let gone = |a: &Action| {
            !matches!(
                a.state,
                ActionState::Proposed
                    | ActionState::Authorised
                    | ActionState::RetryWait
                    | ActionState::Voided
            )
        };
        let partly = task.actions.iter().any(gone);
        let unsent = task
            .actions
            .iter()
            .filter(|a| is_unfinished(a.state) && !gone(a));
        for action in unsent {
            let mut action = action.clone();
            action.detail = Some(stricter.detail.to_owned());
            let events: &[ActionEvent] = match (partly, action.state) {
                (false, _) => &[ActionEvent::Void],
                (true, ActionState::RetryWait) => &[ActionEvent::Reauthorise, ActionEvent::Block],
                (true, _) => &[ActionEvent::Block],
            };
            draft.action(&mut action, events, false)?;
        }
        draft.event(RunEvent::RulesStricter)?;
        let name = tier(ready, stricter.tier.as_deref().unwrap_or(""))
            .map_or_else(String::new, |t| t.name.clone());
        let ask = Ask {
            kind: if partly {
                ReviewKind::Action
            } else {
                ReviewKind::Output
            },
            tier: name,
            bound_to: task.bound_to(run),
            ..Ask::output(Reason::Rule, stricter.words, RunEvent::RulesStricter)
        };
        let review = open_review(&ready.def, &draft.run, ask, now);
        draft.open_review(review);
        draft.change(Change::DropJob { run: run.id });
        let (decision, _) = draft.finish();
        self.apply(decision).await?;
        Ok(())
    }

    /// The run with what it read, produced and planned.
    async fn opened(&self, run: &Run) -> Result<Opened, StepFault> {
        let reader = &self.0.reader;
        let found = reader
            .work(run.id)
            .await
            .map_err(LoadFault::Read)?
            .ok_or_else(|| LoadFault::Missing(run.id.to_string()))?;
        let release = self.0.catalog.release(reader, run.release).await?;
        Ok(Opened {
            release,
            payloads: found.payloads,
            actions: found.actions,
        })
    }
}
