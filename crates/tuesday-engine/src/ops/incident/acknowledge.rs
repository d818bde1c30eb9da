//! A person says that they are on it; the alert stops walking.

use tuesday_domain::actor::Actor;
use tuesday_domain::id::IncidentId;
use tuesday_domain::problem::Problem;
use tuesday_domain::record::Incident;
use tuesday_domain::trouble::alert::AlertEvent;
use tuesday_domain::trouble::incident::{IncidentEvent, IncidentState};

use super::Handling;
use crate::engine::{Engine, read_problem};

/// How often a word is said again that met a step of the alert.
const AGAIN: u32 = 4;

impl Engine {
    /// `by` takes the incident: they own it, and its alert waits for them until they go quiet.
    ///
    /// # Errors
    /// `not_found`, `not_allowed`; `already_decided` with the person who was first, `illegal_state`.
    pub async fn acknowledge_incident(
        &self,
        id: IncidentId,
        by: &str,
    ) -> Result<Incident, Problem> {
        // The machine may move the alert at this very moment: no reason to send a person back.
        for _ in 0..AGAIN {
            match self.acknowledge_as_read(id, by).await {
                Err(p) if p.code == "revision_moved" => {}
                said => return said,
            }
        }
        self.acknowledge_as_read(id, by).await
    }

    async fn acknowledge_as_read(&self, id: IncidentId, by: &str) -> Result<Incident, Problem> {
        let found = self.incident(id).await?;
        self.may_handle(&found, by).await?;
        if found.state == IncidentState::Acknowledged {
            let on_it = found.acknowledged_by.clone().unwrap_or_default();
            if on_it == by {
                return Ok(found);
            }
            return Err(
                Problem::new("already_decided", format!("{on_it} is on it already"))
                    .with("by", on_it)
                    .way_out("take it over with `tuesday incident assign`"),
            );
        }
        let now = self.now();
        let mut h = Handling::on(
            &found,
            &Actor::Person(by.to_owned()),
            "incident.acknowledged",
            now,
        );
        h.event(IncidentEvent::Acknowledge)?;
        h.incident.acknowledged_by = Some(by.to_owned());
        h.incident.acknowledged_at = Some(now);
        by.clone_into(&mut h.incident.owner);
        h.say("acknowledged", format!("{by} is on it"), None);
        let alert = self.0.reader.alert_of(id).await.map_err(read_problem)?;
        if let Some(mut alert) = alert {
            let walk = self
                .walk(found.category, found.workflow.as_deref(), now)
                .await?;
            alert.acknowledged_by = Some(by.to_owned());
            alert.due_at = now.plus(walk.quiet);
            h.alert(&mut alert, AlertEvent::Acknowledge)?;
        }
        self.commit_incident(h).await
    }
}
