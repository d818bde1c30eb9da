//! Approves a release of another model ahead of time: it goes on for the live one while the provider of
//! the live one's model is away, where the package declares `[degraded] model = "alternative"`.

use tuesday_domain::access::Act;
use tuesday_domain::actor::Actor;
use tuesday_domain::definition::DegradedPlan;
use tuesday_domain::id::ReleaseId;
use tuesday_domain::problem::Problem;
use tuesday_domain::record::{Release, ReleaseState, Workflow};

use super::super::standing::Move;
use super::reason_given;
use crate::catalog::LiveRelease;
use crate::engine::Engine;
use crate::steps::provider;

/// May a release in this state go on for the live one? Approved, or live once and not taken out of
/// service.
pub(crate) const fn may_stand_by(state: ReleaseState) -> bool {
    matches!(state, ReleaseState::Approved | ReleaseState::Superseded)
}

impl Engine {
    /// `by` lets a release stand by for the live one.
    ///
    /// # Errors
    /// `gate_not_passed` unless it passed the gate on exactly this text and was approved;
    /// `illegal_state` when it is live, when the live release does not declare it, or when it needs the
    /// same provider; `not_allowed`, `reason_required`, `workflow_retired`.
    pub async fn stand_by_release(
        &self,
        id: ReleaseId,
        by: &Actor,
        reason: &str,
    ) -> Result<(Release, Workflow), Problem> {
        let reason = reason_given(reason)?;
        let row = self.release_row(id).await?;
        self.may_release(Act::ApproveRelease, &row.workflow, by)
            .await?;
        let mut workflow = self.not_retired(&row.workflow).await?;
        let wanted = if may_stand_by(row.state) {
            row.state
        } else {
            ReleaseState::Approved
        };
        self.gate_passed(&row, wanted).await?;
        let live = self.loaded(workflow.live_release).await?;
        differs(&live, &*self.loaded(id).await?)?;
        workflow.rollout.alternative = Some(id);
        let words = format!("release {} stands_by", row.number);
        let mut moved = Move::new(workflow, "release.stands_by", words);
        moved.facts.push(("release", id.to_string().into()));
        moved.facts.push(("number", row.number.into()));
        moved
            .facts
            .push(("hash", crate::catalog::hex(&row.hash).into()));
        let workflow = self.commit_move(moved, by, &reason).await?;
        Ok((row, workflow))
    }
}

/// The live release declares an alternative, and this one does not need the same provider.
fn differs(live: &LiveRelease, other: &LiveRelease) -> Result<(), Problem> {
    if live.ready.def.degraded.model != Some(DegradedPlan::Alternative) {
        let words = "the live release declares no alternative, so none would ever be used";
        return Err(Problem::new("illegal_state", words)
            .field("degraded.model")
            .way_out("write model = \"alternative\" under [degraded] and release that first"));
    }
    let (ours, theirs) = (provider(&live.ready.model), provider(&other.ready.model));
    if ours == theirs {
        let words = format!("both releases need {ours}: when it is away, both are");
        return Err(Problem::new("illegal_state", words)
            .field("model.provider")
            .way_out("let a release with a model of another provider stand by"));
    }
    Ok(())
}
