//! Sends a refused event again, as it was or corrected.

use tuesday_domain::actor::Actor;
use tuesday_domain::id::IntakeId;
use tuesday_domain::problem::Problem;
use tuesday_domain::record::{AuditEntry, Change, Decision, IntakeVerdict, Subject};

use super::receive::{Accepted, Incoming, IncomingAuth};
use super::task::not_found;
use crate::engine::{Engine, apply_problem, read_problem};

impl Engine {
    /// `by` resubmits an intake record, with another body when one is given.
    ///
    /// # Errors
    /// The refusals of [`Engine::receive`]; `illegal_state` when it was resubmitted already.
    pub async fn resubmit(
        &self,
        id: IntakeId,
        body: Option<Vec<u8>>,
        by: &Actor,
    ) -> Result<Accepted, Problem> {
        let mut intake = self
            .0
            .reader
            .intake(id)
            .await
            .map_err(read_problem)?
            .ok_or_else(|| not_found(&id.to_string()))?;
        if intake.verdict != IntakeVerdict::Refused {
            let run = intake.run.map(|r| r.to_string()).unwrap_or_default();
            return Err(Problem::new(
                "illegal_state",
                format!("the record is {} already", intake.verdict),
            )
            .with("run_id", run));
        }
        let Some(person) = by.person() else {
            return Err(Problem::new(
                "not_allowed",
                "only a person resubmits a refused event",
            ));
        };
        let incoming = Incoming {
            event_id: intake.event_id.clone(),
            body: body.unwrap_or_else(|| intake.body.clone()),
            auth: IncomingAuth::Person(person.to_owned()),
            reference: Some(id.to_string()),
        };
        let accepted = self
            .receive_resubmitted(&intake.workflow, &intake.source, incoming)
            .await?;
        intake.verdict = IntakeVerdict::Resubmitted;
        intake.run = Some(accepted.run);
        intake.version += 1;
        let entry = AuditEntry::new(
            self.now(),
            by.clone(),
            "event.resubmitted",
            Subject::Workflow(intake.workflow.clone()),
        )
        .fact("intake", id.to_string())
        .fact("run", accepted.run.to_string());
        let decision = Decision {
            changes: vec![Change::UpdateIntake(Box::new(intake))],
            entry,
        };
        self.apply(decision).await.map_err(apply_problem)?;
        Ok(accepted)
    }
}
