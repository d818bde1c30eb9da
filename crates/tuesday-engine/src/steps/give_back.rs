//! Takes approved but unsent actions back and puts the output before a person again. Where part of
//! the plan is out already, only the rest is blocked.

use serde_json::Value;
use tuesday_domain::action::{ActionEvent, ActionState};
use tuesday_domain::recheck::Recheck;
use tuesday_domain::record::{Payload, PayloadKind, Review, Run};
use tuesday_domain::review::ReviewKind;
use tuesday_domain::route::{plan, tier_name};
use tuesday_domain::rules::Verdict;
use tuesday_domain::run::{Reason, RunEvent};
use tuesday_domain::snapshot::Snapshot;

use super::dispatch::draft;
use super::person::{Ask, to_person};
use super::route::bound_to;
use super::settle_action::stopped;
use crate::catalog::{LiveRelease, LoadFault};
use crate::engine::Engine;
use crate::worker::drive::{Next, StepFault, Work};

/// Why the actions do not go out.
pub(crate) struct Why {
    pub(crate) reason: Reason,
    pub(crate) words: Vec<String>,
    pub(crate) found: Recheck,
}

/// True when nothing of the action can have reached its destination.
pub(crate) const fn is_unsent(state: ActionState) -> bool {
    matches!(
        state,
        ActionState::Proposed
            | ActionState::Authorised
            | ActionState::RetryWait
            | ActionState::Blocked
            | ActionState::Failed
            | ActionState::Voided
    )
}

/// Ends the machine's part before anything of action `i` was sent.
pub(crate) async fn give_back(
    engine: &Engine,
    work: &mut Work,
    i: usize,
    why: Why,
) -> Result<Next, StepFault> {
    let mut draft = draft(work, "action.given_back", engine.now());
    let bytes = serde_json::to_vec(&why.found).unwrap_or_default();
    let recheck_ref = Some(draft.payload(PayloadKind::Note, bytes));
    if !work.actions.iter().all(|(a, _)| is_unsent(a.state)) {
        let (mut action, request) = work.actions[i].clone();
        action.detail = Some(why.words.join("; "));
        let events = stopped(action.state);
        draft.action(&mut action, events, false)?;
        work.actions[i] = (action, request);
        let ask = Ask {
            recheck_ref,
            tier: decided_tier(engine, work).await?,
            ..Ask::action(why.reason, why.words)
        };
        return to_person(engine, work, draft, ask).await;
    }
    for (action, _) in &mut work.actions {
        if !action.state.is_settled() {
            draft.action(action, &[ActionEvent::Void], false)?;
        }
    }
    let ask = Ask {
        recheck_ref,
        ..again(engine, work, why.reason, why.words).await?
    };
    to_person(engine, work, draft, ask).await
}

/// The question about the output in force, as it was put before.
async fn again(
    engine: &Engine,
    work: &Work,
    reason: Reason,
    words: Vec<String>,
) -> Result<Ask, StepFault> {
    let (reader, run) = (&engine.0.reader, &work.run);
    let reviews = reader.reviews_of(run.id).await.map_err(LoadFault::Read)?;
    let prior = last_decided(&reviews);
    let mut payloads = Vec::new();
    for n in [run.output_ref, run.verdict_ref].into_iter().flatten() {
        payloads.extend(reader.payload(run.id, n).await.map_err(LoadFault::Read)?);
    }
    let bound_to = match (&work.snapshot, &work.facts) {
        (Some(snapshot), Some(facts)) => {
            let facts = tuesday_domain::decide::plan_facts(facts, snapshot);
            rebound(&work.release, run, snapshot, &facts, &payloads)
        }
        _ => String::new(),
    };
    Ok(Ask {
        tier: tier_of(&work.release, run, prior, &payloads),
        bound_to,
        edited_by: prior.and_then(|p| p.edited_by.clone()),
        follows: prior.map(|p| p.id),
        ..Ask::output(reason, words, RunEvent::ActionNeedsPerson)
    })
}

/// The task whose approval let the actions go.
pub(crate) fn last_decided(reviews: &[Review]) -> Option<&Review> {
    reviews
        .iter()
        .rfind(|r| r.kind == ReviewKind::Output && r.state.is_decided())
}

fn bytes_of(payloads: &[Payload], n: Option<u32>) -> Option<&[u8]> {
    let n = n?;
    payloads
        .iter()
        .find(|p| p.n == n)
        .map(|p| p.bytes.as_slice())
}

/// The tier that decided before, read anew.
pub(crate) async fn decided_tier(engine: &Engine, work: &Work) -> Result<String, StepFault> {
    let (reader, run) = (&engine.0.reader, &work.run);
    let reviews = reader.reviews_of(run.id).await.map_err(LoadFault::Read)?;
    let mut payloads = Vec::new();
    if let Some(n) = run.verdict_ref {
        payloads.extend(reader.payload(run.id, n).await.map_err(LoadFault::Read)?);
    }
    Ok(tier_of(
        &work.release,
        run,
        last_decided(&reviews),
        &payloads,
    ))
}

/// The tier that decided before, or the one the stored verdict names.
pub(crate) fn tier_of(
    release: &LiveRelease,
    run: &Run,
    prior: Option<&Review>,
    payloads: &[Payload],
) -> String {
    if let Some(prior) = prior {
        return prior.tier.clone();
    }
    let record: Value = bytes_of(payloads, run.verdict_ref)
        .and_then(|b| serde_json::from_slice(b).ok())
        .unwrap_or_default();
    record
        .get("verdict")
        .and_then(|v| serde_json::from_value::<Verdict>(v.clone()).ok())
        .map_or_else(String::new, |v| tier_name(&release.ready, &v))
}

/// What an approval of the output in force is bound to; empty, and so never approved, when it
/// cannot be read.
pub(crate) fn rebound(
    release: &LiveRelease,
    run: &Run,
    snapshot: &Snapshot,
    facts: &Value,
    payloads: &[Payload],
) -> String {
    let Some(text) = bytes_of(payloads, run.output_ref).and_then(|b| std::str::from_utf8(b).ok())
    else {
        return String::new();
    };
    let Some(output) = crate::ops::parsed(text) else {
        return String::new();
    };
    let planned = plan(&release.ready, run.id, run.stage, facts, &output).unwrap_or_default();
    bound_to(text, snapshot, &planned)
}
