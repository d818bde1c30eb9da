//! Gives a release up before it is live: its author changes their mind, or a second person refuses.

use tuesday_domain::access::Act;
use tuesday_domain::actor::Actor;
use tuesday_domain::id::ReleaseId;
use tuesday_domain::problem::Problem;
use tuesday_domain::record::{Decision, Release};
use tuesday_domain::release::ReleaseEvent;

use super::{entry, moved, reason_given};
use crate::engine::Engine;

impl Engine {
    /// `by` withdraws an own release, or refuses that of somebody else.
    ///
    /// # Errors
    /// `reason_required`, `not_allowed`, `illegal_state`.
    pub async fn withdraw_release(
        &self,
        id: ReleaseId,
        by: &str,
        reason: &str,
    ) -> Result<Release, Problem> {
        let reason = reason_given(reason)?;
        let actor = Actor::Person(by.to_owned());
        let mut row = self.release_row(id).await?;
        if row.created_by != actor.to_string() {
            self.may_release(Act::ApproveRelease, &row.workflow, &actor)
                .await?;
        }
        let (change, to, words) = moved(&row, ReleaseEvent::Withdraw)?;
        row.state = to;
        let mut entry = entry("release.withdrawn", &row, &actor, self.now()).fact("reason", reason);
        entry.moves.push(words);
        self.commit_release(Decision {
            changes: vec![change],
            entry,
        })
        .await?;
        Ok(row)
    }
}
