//! A security approver agrees to what a release reads, sends or may do beyond the live one, and to what it
//! gives up of what guarded the live one.

use tuesday_domain::access::Act;
use tuesday_domain::actor::Actor;
use tuesday_domain::id::ReleaseId;
use tuesday_domain::outlet::widened;
use tuesday_domain::problem::Problem;
use tuesday_domain::record::{Change, Decision, Release, ReleaseState};
use tuesday_domain::release::guards::given_up;

use super::{entry, reason_given};
use crate::engine::Engine;

impl Engine {
    /// What a release reads, sends or may do that the live one does not, and what it gives up of what
    /// guarded that one, in words.
    ///
    /// # Errors
    /// `not_found`, `unavailable`, `record_damaged`.
    pub async fn widens(&self, row: &Release) -> Result<Vec<String>, Problem> {
        let (_, live) = self.live(&row.workflow).await?;
        if live.id == row.id {
            return Ok(Vec::new());
        }
        let new = self.loaded(row.id).await?;
        let mut out = widened(&live.ready, &new.ready);
        out.extend(given_up(
            (&live.package, &live.ready.def),
            (&new.package, &new.ready.def),
        ));
        Ok(out)
    }

    /// `by` clears a release that passed its gate; it still has to be approved.
    ///
    /// # Errors
    /// `gate_not_passed`, `same_person_twice` for its author, `not_allowed`, `reason_required`.
    pub async fn clear_release(
        &self,
        id: ReleaseId,
        by: &str,
        reason: &str,
    ) -> Result<Release, Problem> {
        let reason = reason_given(reason)?;
        let actor = Actor::Person(by.to_owned());
        let row = self.release_row(id).await?;
        if row.created_by == actor.to_string() {
            return Err(Problem::new(
                "same_person_twice",
                "nobody clears a release of their own: a second person is needed",
            ));
        }
        self.may_release(Act::ApproveSecurity, &row.workflow, &actor)
            .await?;
        let mut gate = self.gate_passed(&row, ReleaseState::Passed).await?;
        let now = self.now();
        gate.cleared_at = Some(now);
        gate.cleared_by = Some(by.to_owned());
        let entry = entry("release.cleared", &row, &actor, now)
            .fact("reason", reason)
            .fact("widens", self.widens(&row).await?);
        let changes = vec![Change::PutGate(Box::new(gate))];
        self.commit_release(Decision { changes, entry }).await?;
        Ok(row)
    }
}
