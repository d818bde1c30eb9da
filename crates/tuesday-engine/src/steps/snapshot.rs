//! Freezes the inputs: reads the sources side by side, judges them, stores what was read.

use std::sync::Arc;

use serde_json::Value;
use tuesday_domain::actor::Actor;
use tuesday_domain::definition::FailurePlan;
use tuesday_domain::port::{SourceFault, SourceRecord};
use tuesday_domain::problem::Problem;
use tuesday_domain::ready::Ready;
use tuesday_domain::record::{Attempt, AttemptResult, Change, PayloadKind, RolloutChange};
use tuesday_domain::retry::RetryVerdict;
use tuesday_domain::run::{Reason, RunEvent, Step};
use tuesday_domain::snapshot::{Assembled, Readiness, Snapshot, assemble};
use tuesday_domain::time::Timestamp;
use tuesday_domain::trouble::Trouble;

use super::person::{Ask, to_person};
use crate::catalog::LiveRelease;
use crate::draft::Draft;
use crate::engine::Engine;
use crate::ids;
use crate::worker::drive::{Next, StepFault, Work};

/// Takes a received run to `queued` and on to `running`, or to a person, or to a later try.
pub(crate) async fn run(engine: &Engine, work: &mut Work) -> Result<Next, StepFault> {
    let release = Arc::clone(&work.release);
    let (def, started) = (&release.ready.def, engine.now());
    let facts = serde_json::json!({"input": work.input});
    let reads = futures::future::join_all(
        def.source
            .iter()
            .map(|spec| read(engine, &release, work.run.id, spec, &facts)),
    )
    .await;
    engine.crash_point("snapshot.after_call");
    let now = engine.now();
    let last = work.run.attempts + 1 >= def.limits.max_attempts
        || def.on_failure.snapshot != FailurePlan::Retry;
    let down = super::found::source(engine, work, def.source.iter().zip(&reads), last);
    let assembled = assemble(
        def,
        release.ready.input.strictest(),
        &work.input,
        &work.body,
        work.run.body_ref,
        work.run.payloads + 1,
        def.source.iter().zip(reads).collect(),
        now,
    );
    match assembled.readiness.clone() {
        Readiness::Ready => frozen(engine, work, assembled, now).await,
        Readiness::Retry {
            code,
            detail,
            after,
        } => {
            let why = (code, detail, after);
            retry(engine, work, (why, &assembled), (started, now), down).await
        }
        Readiness::Missing(fields) => {
            // A source without a record says so itself; a field is named and said to be missing.
            let words = fields
                .into_iter()
                .map(|f| {
                    if f.contains(' ') {
                        f
                    } else {
                        format!("{f} is missing")
                    }
                })
                .collect();
            let event = RunEvent::InputMissing;
            let ask = Ask::input(Reason::MissingInput, words, event);
            not_ready(engine, work, assembled, ask, None, now).await
        }
        Readiness::Refused(reason, words) => {
            let down = down.filter(|_| super::found::is_connector(reason));
            let ask = Ask::input(reason, words, RunEvent::InputRefused);
            not_ready(engine, work, assembled, ask, down, now).await
        }
    }
}

/// Reads one source, once, within the connector's time-out.
pub(crate) async fn read(
    engine: &Engine,
    release: &crate::catalog::LiveRelease,
    run: tuesday_domain::id::RunId,
    spec: &tuesday_domain::definition::SourceSpec,
    facts: &Value,
) -> Result<SourceRecord, SourceFault> {
    let limits = &release.ready.def.limits;
    let timeout = limits.connector_timeout.0;
    let _place = engine
        .0
        .limiters
        .enter(
            &format!("source:{}", spec.system),
            limits.destination_concurrency,
            None,
        )
        .await;
    match tokio::time::timeout(
        timeout,
        engine.0.ports.source.read(spec, facts, run, timeout),
    )
    .await
    {
        Ok(answer) => answer,
        Err(_) => Err(SourceFault::Transient {
            code: "timeout",
            detail: format!("no answer within {}", tuesday_domain::time::Span(timeout)),
            retry_after: None,
        }),
    }
}

/// Frozen inputs, as the steps behind need them.
pub(crate) struct Frozen {
    pub(crate) snapshot: Snapshot,
    pub(crate) facts: Value,
    pub(crate) flags: Vec<String>,
}

/// Freezes the inputs of a run in the very decision that accepts it, when its worker is known and
/// nothing has to be read for it: the event is then all there is, and a commit is saved. Whatever is
/// not ready goes the long way.
pub(crate) fn at_once(
    draft: &mut Draft,
    release: &LiveRelease,
    input: &Value,
    body: &[u8],
    now: Timestamp,
) -> Result<Option<Frozen>, Problem> {
    let ready = &release.ready;
    if !ready.def.source.is_empty() {
        return Ok(None);
    }
    let assembled = assemble(
        &ready.def,
        ready.input.strictest(),
        input,
        body,
        draft.run.body_ref,
        draft.run.payloads + 1,
        Vec::new(),
        now,
    );
    if assembled.readiness != Readiness::Ready {
        return Ok(None);
    }
    draft.event(RunEvent::SnapshotTaken)?;
    draft.event(RunEvent::LeaseTaken)?;
    keep(draft, ready, &assembled);
    Ok(Some(Frozen {
        snapshot: assembled.snapshot,
        facts: assembled.facts,
        flags: assembled.flags,
    }))
}

/// Keeps what was wrong with which source.
fn met(draft: &mut Draft, assembled: &Assembled) {
    for (source, fault) in &assembled.faults {
        let put = RolloutChange::PutInputFault {
            run: draft.run.id,
            workflow: draft.run.workflow.clone(),
            source: source.clone(),
            fault: *fault,
        };
        draft.change(Change::Rollout(Box::new(put)));
    }
}

/// Most characters of a group's name that are kept.
const GROUP_CHARS: usize = 120;

fn keep(draft: &mut Draft, ready: &Ready, assembled: &Assembled) {
    let class = ready.strictest();
    if let Some(name) = ready.audience(&assembled.facts) {
        let put = RolloutChange::PutGroup {
            run: draft.run.id,
            workflow: draft.run.workflow.clone(),
            name: name.chars().take(GROUP_CHARS).collect(),
        };
        draft.change(Change::Rollout(Box::new(put)));
    }
    met(draft, assembled);
    for (n, own, bytes) in &assembled.payloads {
        let stored = draft.payload_of_class(PayloadKind::Source, *own, bytes.clone());
        debug_assert_eq!(stored, *n);
    }
    let manifest = serde_json::to_vec(&assembled.snapshot).unwrap_or_default();
    let n = draft.payload_of_class(PayloadKind::Snapshot, class, manifest);
    draft.run.snapshot_ref = Some(n);
}

async fn frozen(
    engine: &Engine,
    work: &mut Work,
    assembled: Assembled,
    now: Timestamp,
) -> Result<Next, StepFault> {
    let class = work.release.ready.strictest();
    let mut draft = Draft::on(
        &work.run,
        class,
        Actor::System("worker"),
        "run.snapshot_taken",
        now,
    );
    draft.run.attempts = 0;
    draft.event(RunEvent::SnapshotTaken)?;
    // The same worker goes on under the same lease, so the attempt starts here.
    draft.event(RunEvent::LeaseTaken)?;
    keep(&mut draft, &work.release.ready, &assembled);
    draft.change(Change::CheckFence {
        run: work.run.id,
        fence: work.fence,
    });
    let (decision, run) = draft.finish();
    engine.crash_point("snapshot.before_commit");
    engine.apply(decision).await?;
    engine.crash_point("snapshot.after_commit");
    work.run = run;
    work.snapshot = Some(assembled.snapshot);
    work.facts = Some(assembled.facts);
    work.flags = assembled.flags;
    work.fresh_lease = true;
    Ok(Next::GoOn)
}

async fn not_ready(
    engine: &Engine,
    work: &mut Work,
    assembled: Assembled,
    ask: Ask,
    down: Option<Trouble>,
    now: Timestamp,
) -> Result<Next, StepFault> {
    let class = work.release.ready.strictest();
    let mut draft = Draft::on(
        &work.run,
        class,
        Actor::System("worker"),
        "run.inputs_refused",
        now,
    );
    keep(&mut draft, &work.release.ready, &assembled);
    if let Some(down) = down {
        draft.change(engine.report_trouble(down));
    }
    to_person(engine, work, draft, ask).await
}

/// Why a source failed for now: a stable code, in words, and not before which time.
type Why = (&'static str, String, Option<std::time::Duration>);

/// A source failed for now: due later, or in front of a person when every try is spent.
async fn retry(
    engine: &Engine,
    work: &mut Work,
    ((code, detail, after), assembled): (Why, &Assembled),
    (started, now): (Timestamp, Timestamp),
    down: Option<Trouble>,
) -> Result<Next, StepFault> {
    let limits = &work.release.ready.def.limits;
    let number = work.run.attempts + 1;
    let verdict = match work.release.ready.def.on_failure.snapshot {
        FailurePlan::Retry => super::generate::policy(limits).after(number, after, ids::draw()),
        FailurePlan::Repair | FailurePlan::Person => RetryVerdict::Spent,
    };
    let class = work.release.ready.strictest();
    let mut draft = Draft::on(
        &work.run,
        class,
        Actor::System("worker"),
        "run.source_failed",
        now,
    );
    draft.run.attempts = number;
    let retry_at = match verdict {
        RetryVerdict::After(d) => Some(now.plus(d)),
        RetryVerdict::Spent => None,
    };
    draft.fact("code", code);
    if let Some(down) = down {
        draft.change(engine.report_trouble(down));
    }
    draft.change(Change::InsertAttempt(Box::new(Attempt {
        run: work.run.id,
        seq: draft.run.version,
        step: Step::Snapshot,
        number,
        started_at: started,
        duration_us: i64::try_from(now.since(started).as_micros()).unwrap_or(i64::MAX),
        result: AttemptResult::Transient,
        code: Some(code.to_owned()),
        detail: Some(detail.clone()),
        model: None,
        model_reported: None,
        request_hash: None,
        answer_ref: None,
        usage: None,
        cost_micros: None,
        bytes_received: 0,
        retry_at,
        currency: None,
        price_version: None,
    })));
    let Some(due_at) = retry_at else {
        let words = vec![format!("{detail}; {number} tries failed")];
        met(&mut draft, assembled);
        return to_person(
            engine,
            work,
            draft,
            Ask::input(Reason::SourceUnavailable, words, RunEvent::PermanentFailure),
        )
        .await;
    };
    draft.event(RunEvent::SourceRetry)?;
    draft.change(Change::ReleaseJob {
        run: work.run.id,
        fence: work.fence,
        due_at,
        lease: None,
    });
    let (decision, _) = draft.finish();
    engine
        .apply_at(
            "snapshot.before_retry_commit",
            "snapshot.after_retry_commit",
            decision,
        )
        .await?;
    Ok(Next::Stop)
}
