//! The quarterly look at a label: a person says that it is still true.

use tuesday_domain::actor::Actor;
use tuesday_domain::problem::Problem;
use tuesday_domain::record::{AuditEntry, Decision, LabelMove, Subject};

use super::Told;
use crate::engine::{Engine, apply_problem};

impl Engine {
    /// Keeps that somebody looked at the label and at what it rests on.
    ///
    /// # Errors
    /// `reason_required`, `workflow_retired`, `unknown_workflow`, `revision_moved`.
    pub async fn review_label(&self, name: &str, reason: &str, by: &str) -> Result<(), Problem> {
        crate::ops::standing::reasoned(reason)?;
        self.not_retired(name).await?;
        let gathered = self.gather(name).await?;
        let (now, label) = (gathered.now, gathered.row.label);
        let actor = Actor::Person(by.to_owned());
        let event = Told {
            workflow: name,
            kind: LabelMove::Reviewed,
            label,
            reasons: reason.to_owned(),
            until: None,
            decision: None,
            by: actor.to_string(),
        };
        let entry = AuditEntry::new(
            now,
            actor,
            "label.reviewed",
            Subject::Workflow(name.to_owned()),
        )
        .fact("label", label.word())
        .fact("reason", reason);
        let changes = vec![event.behind(gathered.standing().seq, now)];
        self.apply(Decision { changes, entry })
            .await
            .map_err(apply_problem)?;
        Ok(())
    }
}
