//! What follows when a write-back was not a clear success: a later try under the same key, a look,
//! or a person. Never a blind repeat.

use std::time::Duration;

use serde_json::Value;
use tuesday_domain::action::{ActionEvent, ActionState};
use tuesday_domain::definition::FailurePlan;
use tuesday_domain::port::{Intent, Look};
use tuesday_domain::recheck::{FieldChange, Recheck, Standing};
use tuesday_domain::record::{Change, PayloadKind};
use tuesday_domain::retry::RetryVerdict;
use tuesday_domain::run::Reason;

use super::dispatch::{confirm, draft};
use super::generate::policy;
use super::person::{Ask, to_person};
use crate::engine::Engine;
use crate::ids;
use crate::worker::drive::{Next, StepFault, Work};

/// What went wrong with an action.
pub(crate) enum Trouble {
    /// Refused for now: stable code, words, not before this long.
    ForNow(&'static str, String, Option<Duration>),
    /// Refused for good.
    ForGood(&'static str, String),
    /// Somebody changed the record: words, the version that was expected, the one that is there.
    Changed(String, Option<String>, Option<String>),
    /// No record, or several.
    NotUnique(String),
    /// Nobody knows whether it happened.
    Unclear(&'static str, String),
    /// The stored request cannot be rebuilt.
    Gone(String),
    /// What is stored for the run is not what was committed to.
    Damaged(String),
    /// It stands where only a person goes on.
    Person,
}

/// Records the trouble and decides what follows.
pub(crate) async fn trouble(
    engine: &Engine,
    work: &mut Work,
    i: usize,
    what: Trouble,
) -> Result<Next, StepFault> {
    match what {
        Trouble::ForNow(code, detail, after) => later(engine, work, i, code, detail, after).await,
        Trouble::ForGood(code, detail) => {
            let words = format!("refused for good ({code}): {detail}");
            let system = system(work, &work.actions[i].0.name);
            let found = super::found::refused(work, &system, code, &detail);
            let ask = (Reason::ActionFailed, words);
            failed(
                engine,
                work,
                i,
                &[ActionEvent::RefuseForGood],
                ask,
                Some(found),
            )
            .await
        }
        Trouble::Changed(detail, old, new) => {
            Box::pin(target_changed(engine, work, i, detail, (old, new))).await
        }
        Trouble::NotUnique(detail) => {
            person(
                engine,
                work,
                i,
                &[ActionEvent::Block],
                Reason::NoUniqueTarget,
                detail,
            )
            .await
        }
        Trouble::Unclear(code, detail) => unclear(engine, work, i, code, detail).await,
        Trouble::Gone(why) => {
            person(
                engine,
                work,
                i,
                &[ActionEvent::RefuseForGood],
                Reason::ActionFailed,
                why,
            )
            .await
        }
        Trouble::Damaged(what) => {
            let events = stopped(work.actions[i].0.state);
            let found = crate::ops::record_trouble(work.run.id, &work.run.workflow, what.clone());
            let ask = (Reason::RecordDamaged, what);
            failed(engine, work, i, events, ask, Some(found)).await
        }
        Trouble::Person => {
            person(
                engine,
                work,
                i,
                &[],
                Reason::ActionFailed,
                "waits for a person".to_owned(),
            )
            .await
        }
    }
}

/// How an action stops where it stands: unsent it is blocked; what may be under way stays unclear.
pub(crate) const fn stopped(state: ActionState) -> &'static [ActionEvent] {
    match state {
        ActionState::Authorised => &[ActionEvent::Block],
        ActionState::RetryWait => &[ActionEvent::Reauthorise, ActionEvent::Block],
        ActionState::Sending | ActionState::Delivered => &[ActionEvent::LoseAnswer],
        ActionState::Proposed
        | ActionState::Uncertain
        | ActionState::Blocked
        | ActionState::Failed
        | ActionState::Confirmed
        | ActionState::Voided
        | ActionState::Compensated => &[],
    }
}

async fn later(
    engine: &Engine,
    work: &mut Work,
    i: usize,
    code: &'static str,
    detail: String,
    after: Option<Duration>,
) -> Result<Next, StepFault> {
    let def = &work.release.ready.def;
    let tries = work.actions[i].0.attempts.max(1);
    let verdict = match def.on_failure.dispatch {
        FailurePlan::Retry => policy(&def.limits).after(tries, after, ids::draw()),
        FailurePlan::Repair | FailurePlan::Person => RetryVerdict::Spent,
    };
    // Refused while still authorised (reading the target failed): the try is counted all the same.
    let unsent = work.actions[i].0.state == tuesday_domain::action::ActionState::Authorised;
    let RetryVerdict::After(delay) = verdict else {
        let words = format!("{tries} tries failed; the last one ({code}): {detail}");
        let system = system(work, &work.actions[i].0.name);
        let found = super::found::destination(engine, work, &system, (code, &detail), true);
        let ask = (Reason::ActionFailed, words);
        return failed(engine, work, i, &[ActionEvent::RefuseForGood], ask, found).await;
    };
    let now = engine.now();
    let mut draft = draft(work, "action.retry_wait", now);
    let system = system(work, &work.actions[i].0.name);
    let found = super::found::destination(engine, work, &system, (code, &detail), false);
    if let Some(found) = found {
        draft.change(engine.report_trouble(found));
    }
    let (mut action, request) = work.actions[i].clone();
    action.detail = Some(format!("{code}: {detail}"));
    if unsent {
        action.attempts += 1;
    }
    let events: &[ActionEvent] = if unsent {
        &[]
    } else {
        &[ActionEvent::RefuseForNow]
    };
    draft.action(&mut action, events, false)?;
    draft.fact("code", code);
    draft.change(Change::ReleaseJob {
        run: work.run.id,
        fence: work.fence,
        due_at: now.plus(delay),
        lease: None,
    });
    engine
        .apply_at(
            "dispatch.before_wait_commit",
            "dispatch.after_wait_commit",
            draft.finish().0,
        )
        .await?;
    engine.0.slots.wake.notify_one();
    work.actions[i] = (action, request);
    Ok(Next::Stop)
}

async fn unclear(
    engine: &Engine,
    work: &mut Work,
    i: usize,
    code: &'static str,
    detail: String,
) -> Result<Next, StepFault> {
    let now = engine.now();
    let mut draft = draft(work, "action.uncertain", now);
    // What a node broke off by its own end says nothing about the destination.
    if work.fresh_lease {
        let system = system(work, &work.actions[i].0.name);
        let found = super::found::destination(engine, work, &system, (code, &detail), false);
        if let Some(found) = found {
            draft.change(engine.report_trouble(found));
        }
    }
    let (mut action, request) = work.actions[i].clone();
    action.detail = Some(format!("{code}: {detail}"));
    draft.action(&mut action, &[ActionEvent::LoseAnswer], false)?;
    draft.fact("code", code);
    draft.change(Change::CheckFence {
        run: work.run.id,
        fence: work.fence,
    });
    let (decision, run) = draft.finish();
    engine
        .apply_at(
            "dispatch.before_unclear_commit",
            "dispatch.after_unclear_commit",
            decision,
        )
        .await?;
    work.run = run;
    work.actions[i] = (action, request);
    Ok(Next::GoOn)
}

/// Looks for the effect of an uncertain action before anything else happens to it.
pub(crate) async fn look(
    engine: &Engine,
    work: &mut Work,
    i: usize,
    intent: &Intent,
) -> Result<Next, StepFault> {
    let ability = intent.spec.ability;
    if !ability.can_look() {
        let words = "the destination cannot be asked whether it happened; a person must find out"
            .to_owned();
        return person(engine, work, i, &[], Reason::UncertainAction, words).await;
    }
    let seen = engine.0.ports.destination.look(intent).await;
    engine.crash_point("dispatch.after_look");
    match seen {
        Look::Found(delivery) => confirm(engine, work, i, &delivery, "action.found").await,
        Look::Absent => again(engine, work, i).await,
        Look::NotYet(wait) => wait_for_look(engine, work, i, wait).await,
        // Sending the same key again is safe here, within the key's life; otherwise a person.
        Look::Unknown(_)
            if ability.may_resend_blind() && within_key_life(engine, work, i, intent) =>
        {
            again(engine, work, i).await
        }
        Look::Unknown(why) => {
            let tries = work.actions[i].0.attempts;
            if tries < work.release.ready.def.limits.max_attempts {
                work.actions[i].0.attempts += 1;
                return wait_for_look(engine, work, i, Duration::from_secs(2)).await;
            }
            let words = format!("it is unknown whether it happened, and looking failed: {why}");
            let system = system(work, &work.actions[i].0.name);
            let found =
                super::found::destination(engine, work, &system, ("look_failed", &why), true);
            let ask = (Reason::UncertainAction, words);
            failed(engine, work, i, &[], ask, found).await
        }
    }
}

/// A server forgets its keys; a tenth of their life is kept as a margin.
fn within_key_life(engine: &Engine, work: &Work, i: usize, intent: &Intent) -> bool {
    let life = intent
        .spec
        .key_life
        .map_or(Duration::from_secs(24 * 3600), |s| s.0);
    let sent = work.actions[i]
        .0
        .first_sent_at
        .unwrap_or_else(|| engine.now());
    engine.now().since(sent) < life.mul_f64(0.9)
}

async fn again(engine: &Engine, work: &mut Work, i: usize) -> Result<Next, StepFault> {
    let tries = work.actions[i].0.attempts;
    let verdict = policy(&work.release.ready.def.limits).after(tries.max(1), None, ids::draw());
    let RetryVerdict::After(delay) = verdict else {
        let words = format!("{tries} tries were unclear or failed");
        return person(engine, work, i, &[], Reason::UncertainAction, words).await;
    };
    let now = engine.now();
    let mut draft = draft(work, "action.reauthorised", now);
    let (mut action, request) = work.actions[i].clone();
    draft.action(&mut action, &[ActionEvent::Reauthorise], false)?;
    draft.change(Change::ReleaseJob {
        run: work.run.id,
        fence: work.fence,
        due_at: now.plus(delay),
        lease: None,
    });
    engine
        .apply_at(
            "dispatch.before_resend_commit",
            "dispatch.after_resend_commit",
            draft.finish().0,
        )
        .await?;
    engine.0.slots.wake.notify_one();
    work.actions[i] = (action, request);
    Ok(Next::Stop)
}

async fn wait_for_look(
    engine: &Engine,
    work: &mut Work,
    i: usize,
    wait: Duration,
) -> Result<Next, StepFault> {
    let now = engine.now();
    let mut draft = draft(work, "action.look_later", now);
    let (mut action, request) = work.actions[i].clone();
    draft.action(&mut action, &[], false)?;
    draft.change(Change::ReleaseJob {
        run: work.run.id,
        fence: work.fence,
        due_at: now.plus(wait),
        lease: None,
    });
    engine
        .apply_at(
            "dispatch.before_look_later_commit",
            "dispatch.after_look_later_commit",
            draft.finish().0,
        )
        .await?;
    engine.0.slots.wake.notify_one();
    work.actions[i] = (action, request);
    Ok(Next::Stop)
}

/// The record moved: blocked, with both versions for the person who decides what becomes of it.
async fn target_changed(
    engine: &Engine,
    work: &mut Work,
    i: usize,
    words: String,
    (old, new): (Option<String>, Option<String>),
) -> Result<Next, StepFault> {
    let tier = super::give_back::decided_tier(engine, work).await?;
    let now = engine.now();
    let mut draft = draft(work, "action.needs_person", now);
    let (mut action, request) = work.actions[i].clone();
    let mut found = Recheck::new(now);
    found.standing = Standing::Changed;
    found.changes.push(FieldChange {
        source: action.name.clone(),
        system: system(work, &action.name),
        record: Some(action.target.clone()),
        field: "version".to_owned(),
        old: old.map_or(Value::Null, Value::String),
        new: new.map_or(Value::Null, Value::String),
        watched: true,
        changed_at: None,
        changed_by: None,
    });
    let bytes = serde_json::to_vec(&found).unwrap_or_default();
    let recheck_ref = Some(draft.payload(PayloadKind::Note, bytes));
    action.detail = Some(words.clone());
    draft.action(&mut action, &[ActionEvent::Block], false)?;
    let name = format!(
        "{} to {} ({})",
        action.name, action.target, found.changes[0].system
    );
    work.actions[i] = (action, request);
    let ask = Ask {
        recheck_ref,
        tier,
        ..Ask::action(Reason::TargetChanged, vec![format!("{name}: {words}")])
    };
    to_person(engine, work, draft, ask).await
}

/// The system an action writes to, in the words people use.
pub(super) fn system(work: &Work, action: &str) -> String {
    let actions = &work.release.ready.def.action;
    actions
        .iter()
        .find(|a| a.name == action)
        .map_or_else(String::new, |a| a.system.clone())
}

async fn person(
    engine: &Engine,
    work: &mut Work,
    i: usize,
    events: &[ActionEvent],
    reason: Reason,
    words: String,
) -> Result<Next, StepFault> {
    failed(engine, work, i, events, (reason, words), None).await
}

/// As [`person`], with what was found about the destination.
async fn failed(
    engine: &Engine,
    work: &mut Work,
    i: usize,
    events: &[ActionEvent],
    (reason, words): (Reason, String),
    found: Option<tuesday_domain::trouble::Trouble>,
) -> Result<Next, StepFault> {
    let mut draft = draft(work, "action.needs_person", engine.now());
    if let Some(found) = found {
        draft.change(engine.report_trouble(found));
    }
    let (mut action, request) = work.actions[i].clone();
    action.detail = Some(words.clone());
    draft.action(&mut action, events, false)?;
    let name = format!(
        "{} to {} ({})",
        action.name,
        action.target,
        system(work, &action.name)
    );
    work.actions[i] = (action, request);
    to_person(
        engine,
        work,
        draft,
        Ask::action(reason, vec![format!("{name}: {words}")]),
    )
    .await
}
