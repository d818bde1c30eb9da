//! The model call: rendered from the release and the frozen inputs, made outside any transaction,
//! recorded with what it cost; what it answered is judged and routed in the same decision.

use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;
use tuesday_domain::actor::Actor;
use tuesday_domain::definition::{FailurePlan, Limits};
use tuesday_domain::id::RunId;
use tuesday_domain::port::{FaultKind, Model, ModelAnswer, ModelFault, ModelRequest};
use tuesday_domain::prompt::cleared;
use tuesday_domain::ready::Ready;
use tuesday_domain::record::{Attempt, AttemptResult, Change};
use tuesday_domain::retry::{RetryPolicy, RetryVerdict};
use tuesday_domain::run::{Reason, RunEvent, Status, Step};
use tuesday_domain::time::Timestamp;

use super::person::{Ask, to_person};
use super::route;
use super::spend::Taken;
use crate::draft::Draft;
use crate::engine::Engine;
use crate::ids;
use crate::worker::drive::{Next, StepFault, Work};
use crate::worker::limits::{Limiters, Place};

/// The workflow's retry policy.
pub(crate) fn policy(limits: &Limits) -> RetryPolicy {
    RetryPolicy {
        max_attempts: limits.max_attempts,
        first_delay: limits.first_delay.0,
        max_delay: limits.max_delay.0,
    }
}

/// What an adapter says when the provider does not have the pinned model.
const WITHDRAWN: &str = "model_withdrawn";

/// Takes a queued run through one model call.
pub(crate) async fn run(engine: &Engine, work: &mut Work) -> Result<Next, StepFault> {
    begin(engine, work).await?;
    // By a picture that is fresh: what was narrowed or lowered a second ago counts for this run.
    if !super::hold::may_start(engine, &work.run.workflow).await {
        return super::hold::run(engine, work).await;
    }
    if let Some(why) = super::scope::why_not(engine, work) {
        return Box::pin(super::scope::to_people(engine, work, why)).await;
    }
    if let Some(excluded) = route::excluded(engine, work).await? {
        return Ok(excluded);
    }
    let request = match request(work, None) {
        Ok(request) => request,
        Err(why) => {
            let draft = draft(work, "run.prompt_failed", engine.now());
            let words = vec![format!("the prompt cannot be rendered: {why}")];
            return to_person(
                engine,
                work,
                draft,
                Ask::output(Reason::PermanentFailure, words, RunEvent::PermanentFailure),
            )
            .await;
        }
    };
    let limits = &work.release.ready.def.limits;
    let place = place(&engine.0.limiters, limits, &request).await;
    if !super::hold::may_start(engine, &work.run.workflow).await {
        drop(place);
        return Box::pin(super::hold::run(engine, work)).await;
    }
    match Box::pin(super::spend::take(engine, work, &request)).await? {
        Taken::Free => {}
        Taken::Held(hold) => work.spend = Some(hold),
        Taken::Refused(words) => {
            drop(place);
            return Box::pin(super::spend::refused(engine, work, words)).await;
        }
    }
    let started = engine.now();
    let answer = call(&*engine.0.ports.model, &request).await;
    drop(place);
    engine.crash_point("generate.after_call");
    let now = engine.now();
    match answer {
        Ok(answer) => {
            let attempt = done(engine, work, &answer, started, now);
            work.attempt = Some(attempt.clone());
            route::answered(engine, work, answer, attempt, now).await
        }
        Err(fault) => failed(engine, work, fault, started, now).await,
    }
}

/// Brings the state to `running`: the lease is ours, whatever the last holder got to.
async fn begin(engine: &Engine, work: &mut Work) -> Result<(), StepFault> {
    let mut draft = draft(work, "run.attempt_started", engine.now());
    match work.run.state.status {
        // The snapshot step left it running under this very lease.
        Status::Running if work.fresh_lease => return Ok(()),
        Status::Running => draft.event(RunEvent::LeaseLost)?,
        Status::RetryWait => draft.event(RunEvent::RetryTimeReached)?,
        _ => {}
    }
    draft.event(RunEvent::LeaseTaken)?;
    draft.change(Change::CheckFence {
        run: work.run.id,
        fence: work.fence,
    });
    let (decision, run) = draft.finish();
    engine
        .apply_at(
            "generate.before_begin_commit",
            "generate.after_begin_commit",
            decision,
        )
        .await?;
    work.run = run;
    Ok(())
}

fn draft(work: &Work, kind: &'static str, now: Timestamp) -> Draft {
    Draft::on(
        &work.run,
        work.release.ready.strictest(),
        Actor::System("worker"),
        kind,
        now,
    )
}

fn request(work: &Work, repair: Option<String>) -> Result<ModelRequest, String> {
    let facts = work
        .facts
        .as_ref()
        .ok_or("the frozen inputs cannot be read")?;
    let request = model_request(
        &work.release.ready,
        (&work.release.artifact, work.release.hash),
        work.run.id,
        facts,
    )?;
    Ok(ModelRequest {
        attempt: work.run.attempts + 1,
        repair: repair.or_else(|| work.repair.clone()),
        ..request
    })
}

/// The first call for these facts: what the model may see of them, rendered. The same for a run and
/// for an eval case.
pub(crate) fn model_request(
    ready: &Ready,
    (artifact, artifact_id): (&Arc<Vec<u8>>, [u8; 32]),
    run: RunId,
    facts: &Value,
) -> Result<ModelRequest, String> {
    let (seen, _masked) = cleared(facts, |g, f| ready.class_of(g, f), ready.model.clearance);
    let rendered = ready.prompt.render(&seen)?;
    Ok(ModelRequest {
        run,
        attempt: 1,
        spec: Arc::clone(&ready.model),
        system: rendered.system,
        prompt: rendered.case,
        repair: None,
        output_schema: Arc::clone(&ready.output_source),
        facts: Arc::new(seen),
        artifact: Arc::clone(artifact),
        artifact_id,
        timeout: ready.def.limits.model_timeout.0,
    })
}

/// Waits for a place at the provider; a built-in model needs none.
pub(crate) async fn place(
    limiters: &Limiters,
    limits: &Limits,
    request: &ModelRequest,
) -> Option<Place> {
    if request.spec.kind.is_built_in() {
        return None;
    }
    let key = format!("model:{}", super::found::provider(&request.spec));
    limiters
        .enter(&key, limits.model_concurrency, limits.model_per_second)
        .await
}

/// Calls the model once, within its time.
pub(crate) async fn call(
    model: &dyn Model,
    request: &ModelRequest,
) -> Result<ModelAnswer, ModelFault> {
    match tokio::time::timeout(
        request.timeout + Duration::from_millis(250),
        model.generate(request),
    )
    .await
    {
        Ok(answer) => answer,
        Err(_) => Err(ModelFault {
            kind: FaultKind::TimedOut,
            code: "timeout",
            detail: format!(
                "no answer within {}",
                tuesday_domain::time::Span(request.timeout)
            ),
            usage: None,
            bytes_received: 0,
            request_hash: None,
        }),
    }
}

fn blank(work: &Work, started: Timestamp, now: Timestamp) -> Attempt {
    Attempt {
        run: work.run.id,
        seq: work.run.version + 1,
        step: Step::Generate,
        number: work.run.attempts + 1,
        started_at: started,
        duration_us: i64::try_from(now.since(started).as_micros()).unwrap_or(i64::MAX),
        result: AttemptResult::Done,
        code: None,
        detail: None,
        model: Some(work.release.ready.model.pin.clone()),
        model_reported: None,
        request_hash: None,
        answer_ref: None,
        usage: None,
        cost_micros: None,
        bytes_received: 0,
        retry_at: None,
        currency: None,
        price_version: None,
    }
}

fn done(
    engine: &Engine,
    work: &Work,
    answer: &ModelAnswer,
    started: Timestamp,
    now: Timestamp,
) -> Attempt {
    let mut attempt = Attempt {
        model_reported: answer.model_reported.clone(),
        request_hash: Some(answer.request_hash),
        usage: answer.usage,
        bytes_received: answer.bytes_received,
        ..blank(work, started, now)
    };
    price(engine, &work.release.ready, &mut attempt);
    attempt
}

/// What the call cost, by the price that is in force when it is over. Unknown usage or an unknown price
/// is unknown, never zero.
fn price(engine: &Engine, ready: &Ready, attempt: &mut Attempt) {
    if ready.model.kind.is_built_in() {
        attempt.cost_micros = Some(0);
        return;
    }
    let Some(price) = engine.token_price(ready, engine.now()) else {
        return;
    };
    attempt.cost_micros = attempt.usage.and_then(|usage| price.cost(usage));
    attempt.price_version = Some(price.version);
    attempt.currency = Some(price.currency);
}

/// Books what an attempt cost on the run, and says in the log what is known of it.
pub(crate) fn book(draft: &mut Draft, attempt: &Attempt) {
    match attempt.cost_micros {
        Some(micros) => draft.run.cost_micros += micros,
        None => draft.run.cost_unknown = true,
    }
    draft.fact("attempt", attempt.number);
    if let Some(model) = &attempt.model {
        draft.fact("model", model.clone());
    }
    draft.fact("took_us", attempt.duration_us);
    if let Some(usage) = attempt.usage {
        draft.fact("input_tokens", usage.input_tokens);
        draft.fact("output_tokens", usage.output_tokens);
    }
    if let Some(micros) = attempt.cost_micros {
        draft.fact("cost_micros", micros);
    }
    if let (Some(_), Some(currency)) = (attempt.cost_micros, &attempt.currency) {
        draft.fact("currency", currency.clone());
        draft.fact("price_version", attempt.price_version.unwrap_or(0));
    }
}

/// The attempt of a call that gave no answer.
fn missed(
    engine: &Engine,
    work: &Work,
    fault: &ModelFault,
    started: Timestamp,
    now: Timestamp,
) -> Attempt {
    let mut attempt = blank(work, started, now);
    attempt.result = match fault.kind {
        FaultKind::Transient(_) => AttemptResult::Transient,
        FaultKind::TimedOut => AttemptResult::TimedOut,
        FaultKind::Permanent => AttemptResult::Permanent,
    };
    attempt.code = Some(fault.code.to_owned());
    attempt.detail = Some(fault.detail.clone());
    attempt.usage = fault.usage;
    attempt.request_hash = fault.request_hash;
    attempt.bytes_received = fault.bytes_received;
    price(engine, &work.release.ready, &mut attempt);
    attempt
}

/// During a declared outage no run spends its last try: it waits until the provider is back.
fn spared(engine: &Engine, work: &Work, fault: &ModelFault, verdict: RetryVerdict) -> RetryVerdict {
    let def = &work.release.ready.def;
    let may_pass = !matches!(fault.kind, FaultKind::Permanent)
        && def.on_failure.generate == FailurePlan::Retry;
    if verdict == RetryVerdict::Spent
        && may_pass
        && super::degraded::down(engine, def, Status::Queued).is_some()
    {
        return RetryVerdict::After(def.limits.max_delay.0);
    }
    verdict
}

async fn failed(
    engine: &Engine,
    work: &mut Work,
    fault: ModelFault,
    started: Timestamp,
    now: Timestamp,
) -> Result<Next, StepFault> {
    let number = work.run.attempts + 1;
    let retryable = work.release.ready.def.on_failure.generate == FailurePlan::Retry;
    let verdict = match fault.kind {
        FaultKind::Transient(after) if retryable => {
            policy(&work.release.ready.def.limits).after(number, after, ids::draw())
        }
        FaultKind::TimedOut if retryable => {
            policy(&work.release.ready.def.limits).after(number, None, ids::draw())
        }
        // The pinned model is not there, and no other one takes its place: the run waits for it, or for somebody
        // who answers the incident, until its deadline.
        FaultKind::Permanent if retryable && fault.code == WITHDRAWN => {
            RetryVerdict::After(work.release.ready.def.limits.max_delay.0)
        }
        _ => RetryVerdict::Spent,
    };
    let verdict = spared(engine, work, &fault, verdict);
    let retry_at = match verdict {
        RetryVerdict::After(d) => Some(now.plus(d)),
        RetryVerdict::Spent => None,
    };
    let mut draft = draft(work, "run.attempt_failed", now);
    draft.run.attempts = number;
    let mut attempt = missed(engine, work, &fault, started, now);
    attempt.retry_at = retry_at;
    work.attempt = Some(attempt.clone());
    book(&mut draft, &attempt);
    super::spend::settle(&mut draft, work.spend.take(), attempt.cost_micros);
    draft.fact("code", fault.code);
    draft.change(Change::InsertAttempt(Box::new(attempt)));
    if let Some(trouble) = super::found::model(engine, work, &fault, retry_at.is_none()) {
        draft.change(engine.report_trouble(trouble));
    }
    let Some(due_at) = retry_at else {
        let permanent = matches!(fault.kind, FaultKind::Permanent);
        let reason = if permanent {
            Reason::PermanentFailure
        } else {
            Reason::AttemptsSpent
        };
        let words = vec![
            format!("the model call failed ({}): {}", fault.code, fault.detail),
            format!("attempt {number}"),
        ];
        return to_person(
            engine,
            work,
            draft,
            Ask::output(reason, words, RunEvent::PermanentFailure),
        )
        .await;
    };
    draft.event(RunEvent::TransientFailure)?;
    draft.change(Change::ReleaseJob {
        run: work.run.id,
        fence: work.fence,
        due_at,
        lease: None,
    });
    engine
        .apply_at(
            "generate.before_retry_commit",
            "generate.after_retry_commit",
            draft.finish().0,
        )
        .await?;
    engine.0.slots.wake.notify_one();
    Ok(Next::Stop)
}
