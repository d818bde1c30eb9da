//! A run whose release was rolled back before it made anything goes on with the live release, from new
//! inputs: what was taken out of service is not asked again.

use std::sync::Arc;

use tuesday_domain::actor::Actor;
use tuesday_domain::record::{Change, ReleaseState};
use tuesday_domain::run::{RunEvent, Status};

use crate::catalog::{LiveRelease, LoadFault};
use crate::draft::Draft;
use crate::engine::Engine;
use crate::worker::drive::{Next, StepFault, Work, load};

/// The live release, when that of the run was rolled back. Costs a read only for runs of another release.
///
/// # Errors
/// When the database does not answer or the live release cannot be used.
pub(crate) async fn rolled_back(
    engine: &Engine,
    work: &Work,
) -> Result<Option<Arc<LiveRelease>>, StepFault> {
    let catalog = &engine.0.catalog;
    let live = catalog
        .cached_workflow(&work.run.workflow)
        .map(|w| w.live_release)
        .filter(|live| *live != work.run.release);
    let Some(live) = live else {
        return Ok(None);
    };
    let reader = &engine.0.reader;
    let own = reader.release(work.run.release).await;
    let own = own.map_err(LoadFault::Read)?;
    if own.is_none_or(|r| r.state != ReleaseState::RolledBack) {
        return Ok(None);
    }
    Ok(Some(catalog.release(reader, live).await?))
}

/// Moves the run to the live release, where that is called for. `None` lets the step begin.
///
/// # Errors
/// As [`rolled_back`], or when it cannot be recorded.
pub(crate) async fn run(engine: &Engine, work: &mut Work) -> Result<Option<Next>, StepFault> {
    let back: &[RunEvent] = match work.run.state.status {
        Status::Received => &[],
        Status::Queued | Status::RetryWait => &[RunEvent::Paused, RunEvent::Resumed],
        Status::Running => &[RunEvent::LeaseLost, RunEvent::Paused, RunEvent::Resumed],
        _ => return Ok(None),
    };
    let Some(live) = rolled_back(engine, work).await? else {
        return Ok(None);
    };
    let class = work.release.ready.strictest().max(live.ready.strictest());
    let (actor, kind) = (Actor::System("rollback"), "run.release_changed");
    let mut draft = Draft::on(&work.run, class, actor, kind, engine.now());
    for event in back {
        draft.event(*event)?;
    }
    draft.run.release = live.id;
    draft.fact("before", work.release.id.to_string());
    draft.fact("release", live.id.to_string());
    draft.change(Change::CheckFence {
        run: work.run.id,
        fence: work.fence,
    });
    let id = work.run.id;
    engine.apply(draft.finish().0).await?;
    let Some(fresh) = load(engine, id, work.fence).await? else {
        return Ok(Some(Next::Stop));
    };
    *work = fresh;
    Ok(Some(Next::GoOn))
}
