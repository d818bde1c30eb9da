//! Reads watched sources again, outside any transaction: when a person approves, and once more right
//! before the first byte of a write leaves.

use serde_json::{Value, json};
use tuesday_domain::definition::FailurePlan;
use tuesday_domain::id::RunId;
use tuesday_domain::recheck::{Recheck, Standing, judge, watched};
use tuesday_domain::record::{Payload, PayloadKind};
use tuesday_domain::run::Reason;
use tuesday_domain::snapshot::Snapshot;

use super::give_back::{Why, give_back};
use super::settle_action::{Trouble, trouble};
use crate::catalog::LiveRelease;
use crate::engine::Engine;
use crate::worker::drive::{Next, StepFault, Work};

/// Does this release watch anything?
pub(crate) fn wanted(release: &LiveRelease) -> bool {
    watched(&release.ready.def).next().is_some()
}

/// One look at every watched source, side by side.
pub(crate) async fn look(
    engine: &Engine,
    release: &LiveRelease,
    run: RunId,
    snapshot: &Snapshot,
    facts: &Value,
    accepted: Option<&Recheck>,
) -> Recheck {
    let input = json!({"input": facts.get("input")});
    let sources: Vec<_> = watched(&release.ready.def).collect();
    let reads = futures::future::join_all(
        sources
            .iter()
            .map(|spec| super::snapshot::read(engine, release, run, spec, &input)),
    )
    .await;
    let reads = sources.into_iter().zip(reads).collect();
    judge(snapshot, facts, reads, accepted, engine.now())
}

/// What a person accepted about these frozen inputs.
pub(crate) fn accepted(payloads: &[Payload], snapshot_ref: Option<u32>) -> Option<Recheck> {
    payloads
        .iter()
        .filter(|p| p.kind == PayloadKind::Note && snapshot_ref.is_some_and(|n| p.n > n))
        .filter_map(|p| serde_json::from_slice::<Recheck>(&p.bytes).ok())
        .rfind(|r| r.accepted_by.is_some())
}

/// Holds the inputs against their sources before anything of action `i` is sent. `None` lets it go.
pub(crate) async fn before_sending(
    engine: &Engine,
    work: &mut Work,
    i: usize,
) -> Result<Option<Next>, StepFault> {
    if !wanted(&work.release) {
        return Ok(None);
    }
    let (Some(snapshot), Some(facts)) = (&work.snapshot, &work.facts) else {
        let what = Trouble::Damaged("the frozen inputs cannot be read".to_owned());
        return trouble(engine, work, i, what).await.map(Some);
    };
    let accepted = work.accepted.as_ref();
    let found = look(
        engine,
        &work.release,
        work.run.id,
        snapshot,
        facts,
        accepted,
    )
    .await;
    engine.crash_point("dispatch.after_recheck");
    let reason = match found.standing {
        Standing::Same => return Ok(None),
        Standing::Changed => Reason::SourceChanged,
        Standing::Missing => Reason::TargetMissing,
        Standing::Unknown => Reason::FreshnessUnknown,
    };
    let def = &work.release.ready.def;
    let again = def.on_failure.dispatch == FailurePlan::Retry
        && work.actions[i].0.attempts + 1 < def.limits.max_attempts;
    if reason == Reason::FreshnessUnknown && again {
        let what = Trouble::ForNow("freshness_unknown", found.words().join("; "), None);
        return trouble(engine, work, i, what).await.map(Some);
    }
    let why = Why {
        reason,
        words: found.words(),
        found,
    };
    give_back(engine, work, i, why).await.map(Some)
}
