//! Sends what puts an old value back, and records what came of it. Called by whoever asked for it, and
//! by a pass that finds what a kill left behind; under the turn at the record, so that neither comes
//! between the look and the write.

use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;
use tuesday_domain::action::{ActionEvent, ActionState};
use tuesday_domain::actor::Actor;
use tuesday_domain::id::{ActionId, ReviewId, RunId};
use tuesday_domain::port::{Delivery, Intent, Look, ReadBack, SendFault, Target};
use tuesday_domain::problem::Problem;
use tuesday_domain::recheck::{FieldChange, Recheck, Standing};
use tuesday_domain::record::{Action, PayloadKind, Run};
use tuesday_domain::review::ReviewKind;
use tuesday_domain::run::{Reason, RunEvent};
use tuesday_domain::time::Timestamp;
use tuesday_store::ApplyError;

use super::{Ask, open_review, stored_intent};
use crate::catalog::LiveRelease;
use crate::draft::Draft;
use crate::engine::{Engine, apply_problem, read_problem};

/// How often a decision is made again when something else of the run came first.
const TRIES: u32 = 4;
/// Between two tries of a write that was refused for now, and between two looks.
const PAUSE: Duration = Duration::from_secs(30);

/// An action that undoes another one.
#[derive(Clone)]
pub(crate) struct Undo {
    pub(crate) run: Run,
    pub(crate) release: Arc<LiveRelease>,
    pub(crate) original: Action,
    pub(crate) action: Action,
    pub(crate) intent: Intent,
}

/// What a person is asked, with what is there now.
pub(crate) struct Question {
    pub(crate) reason: Reason,
    pub(crate) words: String,
    pub(crate) found: Option<Target>,
}

/// What is recorded besides the moves of the action.
#[derive(Default)]
struct Came {
    receipt: Option<Delivery>,
    ask: Option<Question>,
    detail: Option<String>,
    again_at: Option<Timestamp>,
    /// One more try or look.
    tried: bool,
}

impl Undo {
    /// The action as it is stored now, with what it undoes.
    pub(crate) async fn load(engine: &Engine, run: RunId, id: ActionId) -> Result<Self, Problem> {
        let reader = &engine.0.reader;
        let missing = || Problem::new("not_found", format!("{run} has no {id}"));
        let found = reader.work(run).await.map_err(read_problem)?;
        let found = found.ok_or_else(missing)?;
        let action = found.actions.iter().find(|a| a.id == id);
        let action = action.cloned().ok_or_else(missing)?;
        let was = |a: &&Action| {
            Some(a.ordinal) == action.undoes()
                && matches!(a.state, ActionState::Confirmed | ActionState::Compensated)
        };
        let original = found.actions.iter().find(was).cloned();
        let original = original.ok_or_else(missing)?;
        let damaged = |e: String| Problem::new("record_damaged", e);
        let release = engine.0.catalog.release(reader, found.run.release).await;
        let release = release.map_err(|e| damaged(e.to_string()))?;
        let request = found.payload(action.request_ref);
        let request = request.and_then(|p| serde_json::from_slice(&p.bytes).ok());
        let intent = stored_intent(&release.ready, &action, &request.unwrap_or(Value::Null));
        Ok(Self {
            intent: intent.map_err(damaged)?,
            run: found.run,
            release,
            original,
            action,
        })
    }

    fn most(&self) -> u32 {
        self.release.ready.def.limits.max_attempts
    }
}

/// The node that sent it is gone, or the answer was lost: what is there decides, and only what is
/// certainly not there is sent again.
pub(crate) async fn take_up(engine: &Engine, undo: Undo) -> Result<Undo, Problem> {
    match undo.action.state {
        ActionState::Sending | ActionState::Delivered => {
            let why = "the node stopped while putting the old value back".to_owned();
            let undo = unclear(engine, undo, why).await?;
            Box::pin(look(engine, undo)).await
        }
        ActionState::Uncertain => Box::pin(look(engine, undo)).await,
        ActionState::RetryWait => {
            let events = [ActionEvent::Reauthorise, ActionEvent::Send];
            Box::pin(again(engine, undo, &events)).await
        }
        ActionState::Authorised => Box::pin(again(engine, undo, &[ActionEvent::Send])).await,
        _ => Ok(undo),
    }
}

async fn again(engine: &Engine, undo: Undo, events: &[ActionEvent]) -> Result<Undo, Problem> {
    let came = Came {
        tried: true,
        ..Came::default()
    };
    let undo = record(engine, undo, "action.sending", events, came).await?;
    Box::pin(send(engine, undo)).await
}

/// Sends what is committed to.
pub(crate) async fn send(engine: &Engine, undo: Undo) -> Result<Undo, Problem> {
    let intent = &undo.intent;
    let timeout = Duration::from_millis(intent.timeout_ms);
    let answer = tokio::time::timeout(timeout, engine.0.ports.destination.send(intent)).await;
    let answer = answer.unwrap_or_else(|_| {
        Err(SendFault::Unclear {
            code: "timeout",
            detail: "no answer in time".to_owned(),
        })
    });
    engine.crash_point("undo.after_call");
    let read = match &answer {
        Ok(delivery) if !intent.spec.trusted => {
            super::dispatch::read_back(engine, intent, delivery).await
        }
        _ => ReadBack::NotOffered,
    };
    match (answer, read) {
        (Ok(delivery), ReadBack::Equal(_) | ReadBack::NotOffered) => {
            let events = [ActionEvent::Deliver, ActionEvent::Confirm];
            done(engine, undo, &events, delivery).await
        }
        (Ok(_), ReadBack::Differs(why) | ReadBack::Failed(why)) => unclear(engine, undo, why).await,
        (Err(SendFault::Unclear { code, detail }), _) => {
            unclear(engine, undo, format!("{code}: {detail}")).await
        }
        (Err(SendFault::TargetChanged { detail }), _) => {
            let found = engine.0.ports.destination.target(&undo.intent).await.ok();
            changed(engine, undo, detail, found).await
        }
        (Err(SendFault::RefusedForNow { code, detail, .. }), _) => {
            later(engine, undo, format!("{code}: {detail}")).await
        }
        (Err(SendFault::RefusedForGood { code, detail }), _) => {
            failed(engine, undo, format!("{code}: {detail}")).await
        }
        (Err(SendFault::NoUniqueTarget { detail }), _) => failed(engine, undo, detail).await,
    }
}

async fn done(
    engine: &Engine,
    undo: Undo,
    events: &[ActionEvent],
    delivery: Delivery,
) -> Result<Undo, Problem> {
    let came = Came {
        receipt: Some(delivery),
        ..Came::default()
    };
    record(engine, undo, "action.compensated", events, came).await
}

async fn unclear(engine: &Engine, undo: Undo, why: String) -> Result<Undo, Problem> {
    let came = Came {
        detail: Some(why),
        again_at: Some(engine.now()),
        ..Came::default()
    };
    let events = [ActionEvent::LoseAnswer];
    record(engine, undo, "action.uncertain", &events, came).await
}

/// Looks for the effect before anything else happens.
async fn look(engine: &Engine, undo: Undo) -> Result<Undo, Problem> {
    match engine.0.ports.destination.look(&undo.intent).await {
        Look::Found(delivery) => done(engine, undo, &[ActionEvent::Find], delivery).await,
        Look::Absent => {
            let events = [ActionEvent::Reauthorise, ActionEvent::Send];
            Box::pin(again(engine, undo, &events)).await
        }
        Look::NotYet(_) => Ok(undo),
        Look::Unknown(why) => not_told(engine, undo, why).await,
    }
}

/// Nothing says whether it happened. A record at another version was edited by somebody: then nothing is
/// written. Otherwise it is looked at again; a person is asked once, and the looks go on.
async fn not_told(engine: &Engine, undo: Undo, why: String) -> Result<Undo, Problem> {
    if let Ok(found) = engine.0.ports.destination.target(&undo.intent).await
        && found.version.is_some()
        && !at_version(&found, undo.intent.expected_version.as_deref())
    {
        let words = format!("nobody can tell whether the old value was put back: {why}");
        let undo = record(
            engine,
            undo,
            "action.reauthorised",
            &[ActionEvent::Reauthorise],
            Came::default(),
        )
        .await?;
        return changed(engine, undo, words, Some(found)).await;
    }
    let spent = undo.action.attempts + 1 == undo.most();
    let came = Came {
        detail: Some(why.clone()),
        again_at: Some(engine.now().plus(PAUSE)),
        tried: true,
        ask: spent.then(|| Question {
            reason: Reason::UncertainAction,
            words: format!("it is unknown whether the old value was put back: {why}"),
            found: None,
        }),
        ..Came::default()
    };
    record(engine, undo, "action.look_later", &[], came).await
}

async fn later(engine: &Engine, undo: Undo, why: String) -> Result<Undo, Problem> {
    if undo.action.attempts >= undo.most() {
        return failed(engine, undo, why).await;
    }
    let came = Came {
        detail: Some(why),
        again_at: Some(engine.now().plus(PAUSE)),
        ..Came::default()
    };
    let events = [ActionEvent::RefuseForNow];
    record(engine, undo, "action.retry_wait", &events, came).await
}

async fn failed(engine: &Engine, undo: Undo, why: String) -> Result<Undo, Problem> {
    let came = Came {
        detail: Some(why.clone()),
        ask: Some(Question {
            reason: Reason::ActionFailed,
            words: format!("the old value was not put back: {why}"),
            found: None,
        }),
        ..Came::default()
    };
    let events = [ActionEvent::RefuseForGood, ActionEvent::Void];
    record(engine, undo, "action.needs_person", &events, came).await
}

/// Somebody edited the record since: it stays as it is.
async fn changed(
    engine: &Engine,
    undo: Undo,
    why: String,
    found: Option<Target>,
) -> Result<Undo, Problem> {
    let came = Came {
        detail: Some(why.clone()),
        ask: Some(Question {
            reason: Reason::TargetChanged,
            words: why,
            found,
        }),
        ..Came::default()
    };
    let events = [ActionEvent::Block, ActionEvent::Void];
    record(engine, undo, "action.needs_person", &events, came).await
}

/// Is the record at this version?
pub(crate) fn at_version(found: &Target, version: Option<&str>) -> bool {
    let bare = super::dispatch::bare;
    match (found.version.as_deref(), version) {
        (Some(now), Some(then)) => bare(now) == bare(then),
        _ => false,
    }
}

/// One decision about the action; made again on the newer run when something else came first.
async fn record(
    engine: &Engine,
    mut undo: Undo,
    kind: &'static str,
    events: &[ActionEvent],
    came: Came,
) -> Result<Undo, Problem> {
    let seen = undo.action.version;
    for _ in 0..TRIES {
        let (draft, action, original) = drafted(engine, &undo, kind, events, &came)?;
        let (decision, run) = draft.finish();
        let (before, after) = ("undo.before_end_commit", "undo.after_end_commit");
        match engine.apply_at(before, after, decision).await {
            Ok(_) => {
                (undo.run, undo.action, undo.original) = (run, action, original);
                return Ok(undo);
            }
            Err(ApplyError::Conflict { .. }) => {
                undo = Undo::load(engine, undo.run.id, undo.action.id).await?;
                if undo.action.version != seen {
                    return Ok(undo);
                }
            }
            Err(e) => return Err(apply_problem(e)),
        }
    }
    Ok(undo)
}

fn drafted(
    engine: &Engine,
    undo: &Undo,
    kind: &'static str,
    events: &[ActionEvent],
    came: &Came,
) -> Result<(Draft, Action, Action), Problem> {
    let now = engine.now();
    let class = undo.release.ready.strictest();
    let mut draft = Draft::on(&undo.run, class, Actor::System("undo"), kind, now);
    let (mut action, mut original) = (undo.action.clone(), undo.original.clone());
    action.attempts += u32::from(came.tried);
    action.not_before = came.again_at;
    action.detail.clone_from(&came.detail);
    if let Some(delivery) = &came.receipt {
        let bytes = serde_json::to_vec(delivery).unwrap_or_default();
        action.receipt_ref = Some(draft.payload(PayloadKind::Receipt, bytes));
        action.external_id.clone_from(&delivery.external_id);
    }
    draft.action(&mut action, events, false)?;
    draft.fact("undoes", original.id.to_string());
    if action.state == ActionState::Confirmed {
        draft.action(&mut original, &[ActionEvent::Compensate], false)?;
    }
    if let Some(question) = &came.ask {
        ask(&mut draft, undo, question, now);
    }
    Ok((draft, action, original))
}

/// Opens the task, with both versions where the record was edited; answers its id.
pub(crate) fn ask(draft: &mut Draft, undo: &Undo, q: &Question, now: Timestamp) -> ReviewId {
    let def = &undo.release.ready.def;
    let spec = &undo.intent.spec;
    let recheck_ref = q.found.as_ref().map(|found| {
        let bytes = serde_json::to_vec(&both(undo, found, now)).unwrap_or_default();
        draft.payload(PayloadKind::Note, bytes)
    });
    let place = format!("{} to {} ({})", spec.name, undo.intent.target, spec.system);
    let authorised = undo.action.authorised_by.as_deref();
    let asked = Ask {
        kind: ReviewKind::Manual,
        recheck_ref,
        owner: authorised
            .and_then(|by| by.strip_prefix("person:"))
            .map(str::to_owned),
        ..Ask::input(
            q.reason,
            vec![format!("undoing {place}: {}", q.words)],
            RunEvent::ManualFallback,
        )
    };
    let review = open_review(def, &draft.run, asked, now);
    let id = review.id;
    draft.open_aside(review);
    id
}

/// What our write left and what is there now: the version, and each value that differs.
fn both(undo: &Undo, found: &Target, now: Timestamp) -> Recheck {
    let mut out = Recheck::new(now);
    out.standing = Standing::Changed;
    let spec = &undo.intent.spec;
    let mut line = |field: &str, old: Value, new: Value| {
        out.changes.push(FieldChange {
            source: spec.name.clone(),
            system: spec.system.clone(),
            record: Some(undo.intent.target.clone()),
            field: field.to_owned(),
            old,
            new,
            watched: true,
            changed_at: None,
            changed_by: None,
        });
    };
    let text = |v: &Option<String>| v.clone().map_or(Value::Null, Value::String);
    line(
        "version",
        text(&undo.intent.expected_version),
        text(&found.version),
    );
    let values = found.values.as_ref().and_then(Value::as_object);
    for (field, back) in &undo.intent.fields {
        let there = values.and_then(|v| v.get(field)).cloned();
        line(field, back.clone(), there.unwrap_or(Value::Null));
    }
    out
}
