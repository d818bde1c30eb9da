//! Puts a run in front of a named person: opens the task, ends the machine's part.

use tuesday_domain::actor::{Actor, Class};
use tuesday_domain::definition::{Definition, TierSpec};
use tuesday_domain::id::{ReviewId, RunId};
use tuesday_domain::record::{Change, Review, Run};
use tuesday_domain::review::{ReviewKind, ReviewState};
use tuesday_domain::run::{Reason, RunEvent};
use tuesday_domain::time::Timestamp;
use tuesday_domain::trouble::{Category, Trouble};

use crate::catalog::LoadFault;
use crate::draft::Draft;
use crate::engine::Engine;
use crate::ids;
use crate::worker::drive::{Next, StepFault, Work};

/// What a person is asked.
pub(crate) struct Ask {
    pub(crate) kind: ReviewKind,
    pub(crate) reason: Reason,
    pub(crate) words: Vec<String>,
    pub(crate) event: RunEvent,
    pub(crate) tier: String,
    pub(crate) bound_to: String,
    /// Payload number of what a new look at the sources or the target found.
    pub(crate) recheck_ref: Option<u32>,
    /// Who wrote the text in force.
    pub(crate) edited_by: Option<String>,
    /// The decided task that this one follows.
    pub(crate) follows: Option<ReviewId>,
    /// The person it goes to, when it is not the first of the chain.
    pub(crate) owner: Option<String>,
}

impl Ask {
    pub(crate) fn input(reason: Reason, words: Vec<String>, event: RunEvent) -> Self {
        Self {
            kind: ReviewKind::Input,
            reason,
            words,
            event,
            tier: String::new(),
            bound_to: String::new(),
            recheck_ref: None,
            edited_by: None,
            follows: None,
            owner: None,
        }
    }
    pub(crate) fn output(reason: Reason, words: Vec<String>, event: RunEvent) -> Self {
        Self {
            kind: ReviewKind::Output,
            ..Self::input(reason, words, event)
        }
    }
    pub(crate) fn action(reason: Reason, words: Vec<String>) -> Self {
        Self {
            kind: ReviewKind::Action,
            ..Self::input(reason, words, RunEvent::ActionNeedsPerson)
        }
    }
}

/// The named persons a task escalates along: owner, stand-in, escalation owner, operator owner.
pub(crate) fn review_chain(
    def: &Definition,
    tier: Option<&TierSpec>,
    kind: ReviewKind,
) -> Vec<String> {
    let owners = &def.owners;
    let first = match (kind, tier) {
        (ReviewKind::Output, Some(t)) => vec![t.owner.clone(), t.backup.clone()],
        (ReviewKind::Manual, _) => vec![def.manual.owner.clone(), owners.backup.handle.clone()],
        _ => vec![owners.operator.handle.clone(), owners.backup.handle.clone()],
    };
    let mut chain: Vec<String> = Vec::new();
    for person in first.into_iter().chain([
        owners.escalation.handle.clone(),
        owners.operator.handle.clone(),
    ]) {
        if !chain.contains(&person) {
            chain.push(person);
        }
    }
    chain
}

/// Builds the task.
pub(crate) fn open_review(def: &Definition, run: &Run, ask: Ask, now: Timestamp) -> Review {
    let named = def.review.tier.iter().find(|t| t.name == ask.tier);
    let tier = named.or_else(|| {
        let nothing_named = ask.tier.is_empty() || ask.kind != ReviewKind::Output;
        def.review.tier.first().filter(|_| nothing_named)
    });
    let due = match ask.kind {
        ReviewKind::Output => tier.and_then(|t| t.due).unwrap_or(def.review.due),
        ReviewKind::Manual => def.manual.due,
        ReviewKind::Input => def.input.due,
        ReviewKind::Action | ReviewKind::SecondLook => def.review.due,
    };
    let mut chain = review_chain(def, tier, ask.kind);
    if let Some(owner) = &ask.owner {
        chain.retain(|p| p != owner);
        chain.insert(0, owner.clone());
    }
    Review {
        id: ids::review(),
        run: run.id,
        workflow: run.workflow.clone(),
        kind: ask.kind,
        state: ReviewState::Open,
        tier: tier.map_or_else(String::new, |t| t.name.clone()),
        subject: run.subject.clone(),
        reason: ask.reason,
        reasons: ask.words,
        owner: chain
            .first()
            .cloned()
            .unwrap_or_else(|| def.owners.operator.handle.clone()),
        chain,
        level: 0,
        claimed_by: None,
        claim_until: None,
        due_at: now.plus(due.0),
        created_at: now,
        decided_at: None,
        decided_by: None,
        decision: None,
        decision_reason: None,
        note: None,
        output_ref: run.output_ref,
        bound_to: ask.bound_to,
        approved_by: Vec::new(),
        exhausted_at: None,
        approvals_needed: if ask.kind == ReviewKind::Output {
            tier.map_or_else(|| strictest(def), |t| t.approvals.max(1))
        } else {
            1
        },
        edited_by: ask.edited_by,
        recheck_ref: ask.recheck_ref,
        override_kind: None,
        override_ref: None,
        follows: ask.follows,
        request_keys: Vec::new(),
        revision: 1,
    }
}

/// A tier that nobody declared weakens nothing: as many persons as the strictest tier asks for.
fn strictest(def: &Definition) -> u32 {
    let tiers = def.review.tier.iter();
    tiers.map(|t| t.approvals).max().unwrap_or(1).max(1)
}

/// Ends the machine's part of a run and opens the task, in one decision.
pub(crate) async fn to_person(
    engine: &Engine,
    work: &mut Work,
    mut draft: Draft,
    ask: Ask,
) -> Result<Next, StepFault> {
    draft.event(ask.event)?;
    let now = draft.run.updated_at;
    draft.fact("reason", ask.reason.word());
    let review = open_review(&work.release.ready.def, &draft.run, ask, now);
    draft.open_review(review);
    if draft.run.state.status.is_terminal() {
        // A manual work item: the run itself is over.
        draft.run.owner = None;
    }
    draft.change(Change::FinishJob {
        run: work.run.id,
        fence: work.fence,
    });
    let (decision, run) = draft.finish();
    engine
        .apply_at("person.before_commit", "person.after_commit", decision)
        .await?;
    work.run = run;
    Ok(Next::Stop)
}

/// The release cannot be used: nothing of it runs; the workflow's owner gets the run.
pub(crate) async fn unusable_release(
    engine: &Engine,
    run: RunId,
    fence: i64,
    fault: &LoadFault,
) -> Result<(), StepFault> {
    let reader = &engine.0.reader;
    let Some(row) = reader.run(run).await.map_err(LoadFault::Read)? else {
        return Ok(());
    };
    let workflow = engine
        .0
        .catalog
        .workflow(reader, &row.workflow)
        .await
        .map_err(LoadFault::Read)?;
    let owner = workflow
        .map(|w| w.owner.clone())
        .unwrap_or_else(|| "operator".to_owned());
    let now = engine.now();
    let mut draft = Draft::on(
        &row,
        Class::Restricted,
        Actor::System("worker"),
        "run.release_unusable",
        now,
    );
    draft.event(RunEvent::DeadlinePassed)?;
    let review = Review {
        id: ids::review(),
        run,
        workflow: row.workflow.clone(),
        kind: ReviewKind::Input,
        state: ReviewState::Open,
        tier: String::new(),
        subject: row.subject.clone(),
        reason: Reason::ReleaseHashMismatch,
        reasons: vec![fault.to_string()],
        owner: owner.clone(),
        chain: vec![owner],
        level: 0,
        claimed_by: None,
        claim_until: None,
        due_at: now.plus(std::time::Duration::from_secs(3600)),
        created_at: now,
        decided_at: None,
        decided_by: None,
        decision: None,
        decision_reason: None,
        note: None,
        output_ref: None,
        bound_to: String::new(),
        approved_by: Vec::new(),
        exhausted_at: None,
        approvals_needed: 1,
        edited_by: None,
        recheck_ref: None,
        override_kind: None,
        override_ref: None,
        follows: None,
        request_keys: Vec::new(),
        revision: 1,
    };
    draft.open_review(review);
    draft.change(Change::FinishJob { run, fence });
    let words = format!("nothing of it is used: {fault}");
    let found = Trouble::new(
        Category::ReleaseFault,
        row.workflow.clone(),
        Some(&row.workflow),
        words,
    );
    draft.change(engine.report_trouble(found.of_run(run)));
    engine.apply(draft.finish().0).await?;
    Ok(())
}
