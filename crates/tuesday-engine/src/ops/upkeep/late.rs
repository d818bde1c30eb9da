//! Duties are tracked to their end: what is overdue is told to those who answer for the workflow, once, and
//! what somebody owes who is not there any more goes to who answers for it.

use tuesday_domain::actor::Actor;
use tuesday_domain::problem::Problem;
use tuesday_domain::record::{Duty, DutyKind};
use tuesday_domain::workflow::Switch;

use super::duty_entry;
use crate::engine::{Engine, read_problem};

const SYSTEM: Actor = Actor::System("duties");
const BATCH: usize = 100;

impl Engine {
    /// One look; two nodes that look at once do it once, by the version of the row.
    ///
    /// # Errors
    /// `unavailable`.
    pub(crate) async fn look_after_duties(&self) -> Result<(), Problem> {
        let reader = &self.0.reader;
        let found = reader.duties_to_tell(self.now(), BATCH).await;
        let people = reader.people().await.map_err(read_problem)?;
        for duty in found.map_err(read_problem)? {
            let here = people.iter().any(|p| p.active && p.handle == duty.owner);
            let done = if here {
                self.duty_is_late(duty).await
            } else if duty.kind == DutyKind::Retraining {
                // Nobody can practise for somebody else.
                let words = format!("{} is not active any more", duty.owner);
                self.shown(duty, words, &SYSTEM).await
            } else {
                self.pass_duty_on(duty).await
            };
            if let Err(e) = done {
                tracing::debug!(error = %e, "a duty was not looked after");
            }
        }
        Ok(())
    }

    async fn duty_is_late(&self, mut duty: Duty) -> Result<(), Problem> {
        let now = self.now();
        let (_, live) = self.live(&duty.workflow).await?;
        let o = &live.ready.def.owners;
        duty.late_at = Some(now);
        duty.version += 1;
        let title = format!(
            "{}: {} has not looked at {} ({}), due {}",
            duty.workflow, duty.owner, duty.item, duty.about, duty.due_at
        );
        let mut told: Vec<String> = vec![duty.owner.clone()];
        let others = [Some(&o.operator), Some(&o.backup), o.sponsor.as_ref()];
        told.extend(others.into_iter().flatten().map(|p| p.handle.clone()));
        told.sort();
        told.dedup();
        let changes = told.into_iter();
        let changes = changes.map(|p| self.duty_notice(&duty, p, "duty_overdue", title.clone()));
        let changes = changes.collect();
        let entry =
            duty_entry(&duty, "duty.overdue", &SYSTEM, now).fact("due", duty.due_at.rfc3339());
        // First, so that a kill between the two leaves it to be done again.
        if duty.kind == DutyKind::EmergencyReview {
            self.emergency_is_over(&duty).await?;
        }
        self.duty_moved(&duty, changes, entry).await
    }

    /// Nobody looked back in time: what was done in an emergency does not become the usual by itself.
    async fn emergency_is_over(&self, duty: &Duty) -> Result<(), Problem> {
        let why = format!(
            "the emergency change ({}) holds for a day, and {} did not look back at it",
            duty.item, duty.owner
        );
        let paused = Switch::Paused;
        let row = self.standing(&duty.workflow).await?;
        if row.switch.acts(row.stage) {
            self.set_switch(&duty.workflow, paused, &SYSTEM, &why)
                .await?;
        }
        Ok(())
    }

    async fn pass_duty_on(&self, mut duty: Duty) -> Result<(), Problem> {
        let to = self.keeper(&duty.workflow, None).await?;
        if to == duty.owner {
            return Ok(());
        }
        let before = std::mem::replace(&mut duty.owner, to);
        duty.version += 1;
        let title = format!(
            "{}: {} is yours now that {before} is not there: look at {} until {}",
            duty.workflow, duty.about, duty.item, duty.due_at
        );
        let told = self.duty_notice(&duty, duty.owner.clone(), "duty_owed", title);
        let entry = duty_entry(&duty, "duty.passed_on", &SYSTEM, self.now()).fact("before", before);
        self.duty_moved(&duty, vec![told], entry).await
    }
}
