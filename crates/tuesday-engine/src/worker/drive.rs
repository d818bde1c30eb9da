//! Carries one run through its steps under one lease, until a person, a wait or the end.

use std::sync::Arc;

use serde_json::Value;
use tuesday_domain::actor::Actor;
use tuesday_domain::id::RunId;
use tuesday_domain::problem::Problem;
use tuesday_domain::record::{
    Action, Attempt, AuditEntry, Change, Decision, PayloadKind, Run, SpendHold, Subject,
};
use tuesday_domain::run::Status;
use tuesday_domain::snapshot::Snapshot;
use tuesday_store::ApplyError;

use tracing::Instrument as _;

use super::Held;
use crate::catalog::{LiveRelease, LoadFault};
use crate::engine::Engine;
use crate::steps;

/// A run in hand: everything its next step needs, so that the hot path reads nothing.
pub(crate) struct Work {
    pub(crate) run: Run,
    pub(crate) fence: i64,
    pub(crate) release: Arc<LiveRelease>,
    pub(crate) body: Arc<Vec<u8>>,
    pub(crate) input: Value,
    pub(crate) snapshot: Option<Snapshot>,
    pub(crate) facts: Option<Value>,
    pub(crate) flags: Vec<String>,
    pub(crate) actions: Vec<(Action, Value)>,
    /// What a person accepted although it had changed since the snapshot.
    pub(crate) accepted: Option<tuesday_domain::recheck::Recheck>,
    /// Stored bytes that are not what was committed to: nothing of this run is sent.
    pub(crate) damaged: Option<String>,
    /// What was wrong with the last output, for a repair attempt.
    pub(crate) repair: Option<String>,
    /// The attempt that was just made and may not be recorded yet: its cost is booked even when its
    /// result comes too late.
    pub(crate) attempt: Option<Attempt>,
    /// What the call in flight holds of the workflow's spend limit.
    pub(crate) spend: Option<SpendHold>,
    /// The run was brought to its state under this very lease: no attempt was interrupted.
    pub(crate) fresh_lease: bool,
    /// The records it may write to now; taken before the first write under this lease.
    pub(crate) turns: Option<Vec<steps::turn::Turn>>,
}

/// What a step leaves behind.
pub(crate) enum Next {
    /// Go on under the same lease.
    GoOn,
    /// The job is done, given back or taken by somebody else.
    Stop,
}

/// Why a step could not be recorded.
#[derive(Debug, thiserror::Error)]
pub(crate) enum StepFault {
    /// The store refused.
    #[error(transparent)]
    Apply(#[from] ApplyError),
    /// The domain refused: a fault of ours.
    #[error(transparent)]
    Domain(#[from] Problem),
    /// A release or table cannot be used.
    #[error(transparent)]
    Load(#[from] LoadFault),
}

/// Hands a run that was just accepted to a free place on this node.
pub(crate) fn hand_over(engine: &Engine, mut held: Held, work: Work) {
    held.begin(work.run.id, work.fence);
    let (run, slots) = (work.run.id, engine.0.slots.clone());
    let engine = engine.clone();
    let task = tokio::spawn(async move {
        let _held = held;
        Box::pin(carry(&engine, work)).await;
    });
    Held::task(&slots, run, task.abort_handle());
}

/// Takes up a claimed run: reads what its step needs, then carries it on.
pub(crate) async fn resume(engine: Engine, run: RunId, fence: i64) {
    match load(&engine, run, fence).await {
        Ok(Some(work)) => Box::pin(carry(&engine, work)).await,
        Ok(None) => {
            tracing::warn!(%run, "a job without a run that wants one was dropped");
            let entry = AuditEntry::new(
                engine.now(),
                Actor::System("worker"),
                "job.dropped",
                Subject::Instance,
            )
            .fact("run", run.to_string());
            let _ = engine
                .apply(Decision {
                    changes: vec![Change::DropJob { run }],
                    entry,
                })
                .await;
        }
        Err(StepFault::Load(fault)) => {
            if let Err(e) = steps::unusable_release(&engine, run, fence, &fault).await {
                tracing::error!(%run, error = %e, "the run could not be put before a person; its lease runs out");
            }
        }
        Err(e) => tracing::warn!(%run, error = %e, "the run could not be read; its lease runs out"),
    }
}

async fn carry(engine: &Engine, work: Work) {
    // The span is on at every level, so that whatever is logged below names the run.
    let span = tracing::error_span!("run", run = %work.run.id, workflow = %work.run.workflow);
    Box::pin(steps_of(engine, work)).instrument(span).await;
}

async fn steps_of(engine: &Engine, mut work: Work) {
    loop {
        let id = work.run.id;
        let (name, started) = (work.run.state.status.word(), std::time::Instant::now());
        let spared = steps::degraded::wanted(engine, &work, engine.now());
        let step = match work.run.state.status {
            s if s.wants_job() && steps::hold::wanted(engine, &work) => {
                steps::hold::run(engine, &mut work).await
            }
            s if s.wants_job()
                && let Some(what) = spared =>
            {
                steps::degraded::hold(engine, &mut work, what).await
            }
            Status::Received | Status::Queued | Status::Running | Status::RetryWait => {
                Box::pin(making(engine, &mut work)).await
            }
            Status::Dispatching => steps::dispatch::run(engine, &mut work).await,
            _ => return,
        };
        metrics::histogram!("tuesday_step_seconds", "status" => name)
            .record(started.elapsed().as_secs_f64());
        match step {
            Ok(Next::GoOn) => {}
            Ok(Next::Stop) => return,
            // The other claim has moved the run on as a rule: then its version is what does not fit.
            Err(StepFault::Apply(ApplyError::FenceLost | ApplyError::Conflict { .. })) => {
                tracing::warn!(run = %id, "the result came too late; another claim has the run");
                if let Some(attempt) = work.attempt.take() {
                    steps::late::record(engine, id, attempt);
                }
                return;
            }
            Err(StepFault::Apply(e)) if may_pass(&e) => {
                tracing::warn!(run = %id, error = %e, "a step could not be recorded; it is done again");
                match again(engine, id, work.fence).await {
                    Some(fresh) => work = fresh,
                    None => return,
                }
            }
            // A table or release that cannot be used does not get better by trying: a person looks.
            Err(StepFault::Load(fault)) if !matches!(fault, LoadFault::Read(_)) => {
                if let Some(attempt) = work.attempt.take() {
                    steps::late::record(engine, id, attempt);
                }
                if let Err(e) = steps::unusable_release(engine, id, work.fence, &fault).await {
                    tracing::error!(run = %id, error = %e, "the run could not be put before a person");
                }
                return;
            }
            Err(e) => {
                // The lease runs out and the step is done again: every step is safe to run twice.
                tracing::warn!(run = %id, error = %e, "a step could not be recorded");
                return;
            }
        }
    }
}

/// The steps up to an output, with a release that is still in service.
async fn making(engine: &Engine, work: &mut Work) -> Result<Next, StepFault> {
    if let Some(next) = steps::replaced::run(engine, work).await? {
        return Ok(next);
    }
    match work.run.state.status {
        Status::Received => steps::snapshot::run(engine, work).await,
        _ => Box::pin(steps::generate::run(engine, work)).await,
    }
}

/// The database takes no writes for now: no room, no audit log, no connection.
const fn may_pass(e: &ApplyError) -> bool {
    matches!(
        e,
        ApplyError::Full
            | ApplyError::Unavailable(_)
            | ApplyError::AuditUnavailable(_)
            | ApplyError::ReadOnly
    )
}

/// Waits a moment and reads the run again; what was sent meanwhile counts as unclear, not as unsent.
async fn again(engine: &Engine, run: RunId, fence: i64) -> Option<Work> {
    loop {
        tokio::time::sleep(std::time::Duration::from_secs(1)).await;
        match load(engine, run, fence).await {
            Ok(found) => return found,
            Err(StepFault::Load(LoadFault::Read(_))) => {}
            Err(_) => return None,
        }
    }
}

pub(crate) async fn load(
    engine: &Engine,
    id: RunId,
    fence: i64,
) -> Result<Option<Work>, StepFault> {
    let Some(found) = engine.0.reader.work(id).await.map_err(LoadFault::Read)? else {
        return Ok(None);
    };
    let run = found.run;
    if !run.state.status.wants_job() {
        return Ok(None);
    }
    let release = engine
        .0
        .catalog
        .release(&engine.0.reader, run.release)
        .await?;
    let bytes = |n: u32| {
        found
            .payloads
            .iter()
            .find(|p| p.n == n)
            .map(|p| p.bytes.clone())
    };
    let snapshot_ref = run.snapshot_ref;
    let body = Arc::new(bytes(run.body_ref).unwrap_or_default());
    let input = tuesday_domain::json::parse_strict(&body).unwrap_or(Value::Null);
    let snapshot: Option<Snapshot> = run
        .snapshot_ref
        .and_then(bytes)
        .and_then(|b| serde_json::from_slice(&b).ok());
    let facts = snapshot
        .as_ref()
        .and_then(|s| tuesday_domain::snapshot::facts_of(&release.ready.def, s, bytes));
    let actions = found
        .actions
        .into_iter()
        .map(|a| {
            let request = bytes(a.request_ref)
                .and_then(|b| serde_json::from_slice(&b).ok())
                .unwrap_or(Value::Null);
            (a, request)
        })
        .collect();
    debug_assert!(
        found
            .payloads
            .iter()
            .all(|p| p.kind != PayloadKind::Event || p.n == run.body_ref)
    );
    Ok(Some(Work {
        run,
        fence,
        release,
        body,
        input,
        snapshot,
        facts,
        flags: Vec::new(),
        actions,
        accepted: steps::recheck::accepted(&found.payloads, snapshot_ref),
        damaged: crate::ops::damaged(&found.payloads),
        repair: None,
        attempt: None,
        spend: None,
        fresh_lease: false,
        turns: None,
    }))
}
