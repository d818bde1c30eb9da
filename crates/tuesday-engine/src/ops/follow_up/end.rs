//! Ends a follow-up: done with what shows it, or dropped with the reason.

use tuesday_domain::access::Act;
use tuesday_domain::actor::Actor;
use tuesday_domain::id::FollowUpId;
use tuesday_domain::postmortem::follow_up::FollowUpEvent;
use tuesday_domain::problem::Problem;
use tuesday_domain::record::{Change, Decision, FollowUp, TroubleChange};

use super::entry;
use crate::engine::{Engine, apply_problem};
use crate::ops::standing::reasoned;

impl Engine {
    /// Ends a follow-up. Its owner may say that it is done; dropping it is for those who handle
    /// incidents, so that nobody lets their own work go.
    ///
    /// # Errors
    /// `reason_required` without a note, `illegal_state` for one that has ended, `not_found`,
    /// `not_allowed`.
    pub async fn end_follow_up(
        &self,
        id: FollowUpId,
        event: FollowUpEvent,
        note: &str,
        by: &str,
    ) -> Result<FollowUp, Problem> {
        reasoned(note).map_err(|p| p.field("note"))?;
        let mut row = self.follow_up(id).await?;
        if row.owner != by || event == FollowUpEvent::Drop {
            let place = row.workflow.clone().unwrap_or_default();
            self.allowed(Act::HandleIncident, &place, by).await?;
        }
        let ended = row.state.next(event);
        row.state = ended.map_err(|e| Problem::new("illegal_state", e.to_string()))?;
        let now = self.now();
        row.note = Some(note.trim().to_owned());
        row.ended_by = Some(by.to_owned());
        row.ended_at = Some(now);
        row.version += 1;
        let actor = Actor::Person(by.to_owned());
        let entry = entry(&row, actor, "follow_up.ended", now)
            .fact("how", row.state.word())
            .fact("note", note.trim());
        let update = TroubleChange::UpdateFollowUp(row.clone());
        let changes = vec![Change::Trouble(Box::new(update))];
        self.apply(Decision { changes, entry })
            .await
            .map_err(apply_problem)?;
        Ok(row)
    }
}
