//! Write-back: one action after the other, each with its intent committed before the first byte
//! leaves, each unclear answer looked up before anything is sent again.

use serde_json::Value;
use tuesday_domain::action::{ActionClass, ActionEvent, ActionState};
use tuesday_domain::actor::Actor;
use tuesday_domain::port::{Delivery, Intent, ReadBack, SendFault};
use tuesday_domain::recheck::Recheck;
use tuesday_domain::record::{Action, Change, PayloadKind};
use tuesday_domain::run::{Reason, RunEvent};
use tuesday_domain::time::Timestamp;
use tuesday_domain::trouble::Category;
use tuesday_domain::workflow::Stage;

use super::settle_action::{Trouble, trouble};
use crate::clock::Clock;
use crate::draft::{Draft, is_unfinished};
use crate::engine::Engine;
use crate::worker::drive::{Next, StepFault, Work};

/// Takes the next unfinished action one move further.
pub(crate) async fn run(engine: &Engine, work: &mut Work) -> Result<Next, StepFault> {
    let Some(i) = work
        .actions
        .iter()
        .position(|(a, _)| is_unfinished(a.state))
    else {
        return finish(engine, work).await;
    };
    if let Some(what) = work.damaged.clone() {
        return Box::pin(trouble(engine, work, i, Trouble::Damaged(what))).await;
    }
    let intent = match intent(work, i) {
        Ok(intent) => intent,
        Err(why) => return trouble(engine, work, i, Trouble::Gone(why)).await,
    };
    let state = work.actions[i].0.state;
    if intent.spec.production
        && matches!(engine.clock(), Clock::Test(_))
        && matches!(state, ActionState::Authorised | ActionState::Sending)
    {
        let why = "the destination is for production, and this is a test instance".to_owned();
        return trouble(engine, work, i, Trouble::ForGood("production_only", why)).await;
    }
    match state {
        ActionState::Authorised | ActionState::RetryWait => begin(engine, work, i, &intent).await,
        // Committed under this lease a moment ago; after a crash it would be unclear.
        ActionState::Sending if work.fresh_lease => send(engine, work, i, &intent).await,
        ActionState::Sending => {
            let why = "the node stopped while sending".to_owned();
            trouble(engine, work, i, Trouble::Unclear("interrupted", why)).await
        }
        ActionState::Delivered => {
            trouble(
                engine,
                work,
                i,
                Trouble::Unclear(
                    "not_read_back",
                    "the node stopped before reading back".to_owned(),
                ),
            )
            .await
        }
        ActionState::Uncertain => super::settle_action::look(engine, work, i, &intent).await,
        _ => trouble(engine, work, i, Trouble::Person).await,
    }
}

/// The stored request with the release's configuration: what will be sent, exactly.
pub(crate) fn intent(work: &Work, i: usize) -> Result<Intent, String> {
    let (action, request) = &work.actions[i];
    stored_intent(&work.release.ready, action, request)
}

/// The intent behind a stored action of a release.
pub(crate) fn stored_intent(
    ready: &tuesday_domain::ready::Ready,
    action: &Action,
    request: &Value,
) -> Result<Intent, String> {
    let spec = ready
        .def
        .action
        .iter()
        .find(|a| a.name == action.name)
        .ok_or("the release no longer declares this action")?;
    let object = |key: &str| {
        request
            .get(key)
            .and_then(Value::as_object)
            .cloned()
            .ok_or("the stored request cannot be read")
    };
    Ok(Intent {
        run: action.run,
        key: action.key.clone(),
        spec: spec.clone(),
        target: action.target.clone(),
        fields: object("fields")?,
        rendered: object("rendered")?,
        expected_version: request
            .get("expected_version")
            .and_then(Value::as_str)
            .map(str::to_owned),
        timeout_ms: u64::try_from(ready.def.limits.connector_timeout.0.as_millis())
            .unwrap_or(u64::MAX),
    })
}

pub(crate) fn draft(work: &Work, kind: &'static str, now: Timestamp) -> Draft {
    Draft::on(
        &work.run,
        work.release.ready.strictest(),
        Actor::System("worker"),
        kind,
        now,
    )
}

/// Commits the intent, after the precondition was read where one is declared.
async fn begin(
    engine: &Engine,
    work: &mut Work,
    i: usize,
    intent: &Intent,
) -> Result<Next, StepFault> {
    if engine
        .no_longer_automatic(&work.run, &work.actions[i].0)
        .await?
    {
        return Ok(Next::Stop);
    }
    super::turn::take(engine, work).await?;
    if let Some(next) = may_begin(engine, work, i).await? {
        return Ok(next);
    }
    if work.actions[i].0.first_sent_at.is_none() && engine.may_have_sent(&work.run) {
        return look_first(engine, work, i).await;
    }
    if super::route::needs_look(intent) {
        let seen = engine.0.ports.destination.target(intent).await;
        engine.crash_point("dispatch.after_target_read");
        match seen {
            Ok(target) => {
                if let (Some(expected), Some(found)) = (&intent.expected_version, &target.version)
                    && bare(expected) != bare(found)
                {
                    let why = format!(
                        "the record is at version {found}; the frozen inputs saw {expected}"
                    );
                    let (old, new) = (intent.expected_version.clone(), target.version.clone());
                    return trouble(engine, work, i, Trouble::Changed(why, old, new)).await;
                }
            }
            Err(fault) => return refused(engine, work, i, fault).await,
        }
    }
    let now = engine.now();
    let mut draft = draft(work, "action.sending", now);
    let (mut action, request) = work.actions[i].clone();
    let mut events = Vec::new();
    if action.state == ActionState::RetryWait {
        events.push(ActionEvent::Reauthorise);
    }
    events.push(ActionEvent::Send);
    action.attempts += 1;
    action.first_sent_at.get_or_insert(now);
    draft.action(&mut action, &events, false)?;
    draft.change(Change::CheckFence {
        run: work.run.id,
        fence: work.fence,
    });
    let (decision, run) = draft.finish();
    engine.crash_point("dispatch.before_intent_commit");
    engine.apply(decision).await?;
    engine.crash_point("dispatch.after_intent_commit");
    work.run = run;
    work.actions[i] = (action, request);
    work.fresh_lease = true;
    Ok(Next::GoOn)
}

/// The database is older than what may have been sent: the action counts as unclear, and is looked for.
async fn look_first(engine: &Engine, work: &mut Work, i: usize) -> Result<Next, StepFault> {
    let now = engine.now();
    let mut draft = draft(work, "action.uncertain", now);
    let (mut action, request) = work.actions[i].clone();
    action.attempts += 1;
    // The earliest it can have been: a key may be forgotten by now, and then nobody sends it blind.
    action.first_sent_at = Some(work.run.received_at);
    let why = "the database was restored; it may have been sent after the backup was taken";
    action.detail = Some(format!("restored: {why}"));
    draft.action(
        &mut action,
        &[ActionEvent::Send, ActionEvent::LoseAnswer],
        false,
    )?;
    draft.fact("code", "restored");
    draft.change(Change::CheckFence {
        run: work.run.id,
        fence: work.fence,
    });
    let (decision, run) = draft.finish();
    engine.apply(decision).await?;
    work.run = run;
    work.actions[i] = (action, request);
    Ok(Next::GoOn)
}

/// What must hold before an action may begin: its recall window is over, somebody who may has
/// authorised it, and the watched sources are as they were. `None` lets it begin.
async fn may_begin(engine: &Engine, work: &mut Work, i: usize) -> Result<Option<Next>, StepFault> {
    let action = &work.actions[i].0;
    if let Some(due_at) = action.not_before.filter(|t| *t > engine.now()) {
        return wait_for_recall(engine, work, due_at).await.map(Some);
    }
    let by_rule = action
        .authorised_by
        .as_ref()
        .is_none_or(|by| !by.starts_with("person:"));
    if by_rule && !action.class.rule_may_authorise() {
        let why = format!("no rule may authorise an action of class {}", action.class);
        let what = Trouble::ForGood("needs_person", why);
        return trouble(engine, work, i, what).await.map(Some);
    }
    let stage = engine.stage_of(&work.run);
    let too_much = match stage {
        Stage::Off | Stage::Shadow => true,
        Stage::DraftOnly => action.class > ActionClass::Draft,
        // What no person has approved was let through at a higher stage.
        Stage::ApprovalFirst => by_rule,
        Stage::Auto => false,
    };
    if too_much {
        let why = super::give_back::Why {
            reason: Reason::Stage,
            words: vec![format!(
                "the workflow's stage is {stage} now: {} is not written",
                action.name
            )],
            found: Recheck::new(engine.now()),
        };
        let back = super::give_back::give_back(engine, work, i, why);
        return Box::pin(back).await.map(Some);
    }
    Box::pin(super::recheck::before_sending(engine, work, i)).await
}

/// The window is still open, after a pause for example: the job is due when it closes.
async fn wait_for_recall(
    engine: &Engine,
    work: &Work,
    due_at: Timestamp,
) -> Result<Next, StepFault> {
    let mut draft = draft(work, "action.recallable", engine.now());
    draft.change(Change::ReleaseJob {
        run: work.run.id,
        fence: work.fence,
        due_at,
        lease: None,
    });
    engine.apply(draft.finish().0).await?;
    engine.0.slots.wake.notify_one();
    Ok(Next::Stop)
}

/// An entity tag without its dressing: a source that reads `25` and a header that says `"25"` or
/// `W/"25"` mean the same version.
pub(crate) fn bare(version: &str) -> &str {
    version.trim().trim_start_matches("W/").trim_matches('"')
}

async fn send(
    engine: &Engine,
    work: &mut Work,
    i: usize,
    intent: &Intent,
) -> Result<Next, StepFault> {
    let limits = &work.release.ready.def.limits;
    let key = format!("destination:{}", intent.spec.system);
    let place = engine
        .0
        .limiters
        .enter(
            &key,
            limits.destination_concurrency,
            limits.destination_per_second,
        )
        .await;
    let timeout = limits.connector_timeout.0;
    if !super::hold::may_start(engine, &work.run.workflow).await {
        drop(place);
        return Box::pin(super::hold::unsent(engine, work, i)).await;
    }
    let answer = match tokio::time::timeout(timeout, engine.0.ports.destination.send(intent)).await
    {
        Ok(answer) => answer,
        Err(_) => Err(SendFault::Unclear {
            code: "timeout",
            detail: format!("no answer within {}", tuesday_domain::time::Span(timeout)),
        }),
    };
    engine.crash_point("dispatch.after_call");
    let read = match &answer {
        Ok(delivery) if !intent.spec.trusted => read_back(engine, intent, delivery).await,
        _ => ReadBack::NotOffered,
    };
    engine.crash_point("dispatch.after_read_back");
    drop(place);
    match (answer, read) {
        (Ok(delivery), ReadBack::Equal(_) | ReadBack::NotOffered) => {
            confirm(engine, work, i, &delivery, "action.confirmed").await
        }
        (Ok(_), ReadBack::Differs(why)) => {
            trouble(engine, work, i, Trouble::Unclear("read_back_differs", why)).await
        }
        (Ok(_), ReadBack::Failed(why)) => {
            trouble(engine, work, i, Trouble::Unclear("not_read_back", why)).await
        }
        (Err(fault), _) => refused(engine, work, i, fault).await,
    }
}

/// Reading back may fail for a moment; the write itself is not repeated for that.
pub(crate) async fn read_back(engine: &Engine, intent: &Intent, delivery: &Delivery) -> ReadBack {
    let mut last = ReadBack::NotOffered;
    for pause_ms in [0_u64, 50, 250] {
        tokio::time::sleep(std::time::Duration::from_millis(pause_ms)).await;
        last = engine.0.ports.destination.read_back(intent, delivery).await;
        if !matches!(last, ReadBack::Failed(_)) {
            break;
        }
    }
    last
}

pub(crate) async fn refused(
    engine: &Engine,
    work: &mut Work,
    i: usize,
    fault: SendFault,
) -> Result<Next, StepFault> {
    let what = match fault {
        SendFault::RefusedForNow {
            code,
            detail,
            retry_after,
        } => Trouble::ForNow(code, detail, retry_after),
        SendFault::RefusedForGood { code, detail } => Trouble::ForGood(code, detail),
        SendFault::TargetChanged { detail } => {
            // The person is shown both versions, so the present one is asked for.
            let intent = intent(work, i).ok();
            let old = intent.as_ref().and_then(|t| t.expected_version.clone());
            let new = match &intent {
                Some(intent) => engine.0.ports.destination.target(intent).await.ok(),
                None => None,
            };
            Trouble::Changed(detail, old, new.and_then(|t| t.version))
        }
        SendFault::NoUniqueTarget { detail } => Trouble::NotUnique(detail),
        SendFault::Unclear { code, detail } => Trouble::Unclear(code, detail),
    };
    trouble(engine, work, i, what).await
}

/// The effect is there: receipt stored; when it was the last action, the run is done.
pub(crate) async fn confirm(
    engine: &Engine,
    work: &mut Work,
    i: usize,
    delivery: &Delivery,
    kind: &'static str,
) -> Result<Next, StepFault> {
    let now = engine.now();
    let mut draft = draft(work, kind, now);
    let (mut action, request) = work.actions[i].clone();
    let system = super::settle_action::system(work, &action.name);
    let dependencies = &engine.0.dependencies;
    dependencies.worked(Category::DestinationOutage, &system, now);
    let receipt = serde_json::to_vec(delivery).unwrap_or_default();
    action.receipt_ref = Some(draft.payload(PayloadKind::Receipt, receipt));
    action.external_id = delivery.external_id.clone();
    action.detail = None;
    let events: &[ActionEvent] = match action.state {
        ActionState::Uncertain => &[ActionEvent::Find],
        _ => &[ActionEvent::Deliver, ActionEvent::Confirm],
    };
    draft.action(&mut action, events, false)?;
    work.actions[i] = (action, request);
    let last = work.actions.iter().all(|(a, _)| a.state.is_settled());
    if last {
        draft.event(RunEvent::ActionsConfirmed {
            drafts_only: drafts_only(&work.actions),
        })?;
        draft.change(Change::FinishJob {
            run: work.run.id,
            fence: work.fence,
        });
    } else {
        draft.change(Change::CheckFence {
            run: work.run.id,
            fence: work.fence,
        });
    }
    let (decision, run) = draft.finish();
    engine.crash_point("confirm.before_commit");
    engine.apply(decision).await?;
    engine.crash_point("confirm.after_commit");
    work.run = run;
    Ok(if last { Next::Stop } else { Next::GoOn })
}

/// Nothing but drafts was placed.
pub(crate) fn drafts_only(actions: &[(Action, Value)]) -> bool {
    actions
        .iter()
        .filter(|(a, _)| a.state == ActionState::Confirmed)
        .all(|(a, _)| a.class <= ActionClass::Draft)
}

/// Every action was settled elsewhere, by a person for example.
async fn finish(engine: &Engine, work: &mut Work) -> Result<Next, StepFault> {
    let mut draft = draft(work, "run.completed", engine.now());
    draft.event(RunEvent::ActionsConfirmed {
        drafts_only: drafts_only(&work.actions),
    })?;
    draft.change(Change::FinishJob {
        run: work.run.id,
        fence: work.fence,
    });
    let (decision, run) = draft.finish();
    engine.apply(decision).await?;
    work.run = run;
    Ok(Next::Stop)
}
