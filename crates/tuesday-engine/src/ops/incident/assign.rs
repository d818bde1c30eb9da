//! Gives an incident to somebody else.

use tuesday_domain::actor::Actor;
use tuesday_domain::id::IncidentId;
use tuesday_domain::problem::Problem;
use tuesday_domain::record::Incident;
use tuesday_domain::trouble::incident::IncidentState;

use super::Handling;
use crate::engine::{Engine, read_problem};

impl Engine {
    /// The incident belongs to `to` from now on. Who had acknowledged it is told by the timeline.
    ///
    /// # Errors
    /// `not_found`, `not_allowed`, `owner_not_a_person`, `illegal_state` once it is resolved.
    pub async fn assign_incident(
        &self,
        id: IncidentId,
        to: &str,
        by: &str,
        reason: &str,
    ) -> Result<Incident, Problem> {
        let found = self.incident(id).await?;
        self.may_handle(&found, by).await?;
        if !found.state.is_open() {
            return Err(Problem::new(
                "illegal_state",
                format!("the incident is {}", found.state),
            ));
        }
        let now = self.now();
        let people = self.0.reader.people().await.map_err(read_problem)?;
        if !people.iter().any(|p| p.handle == to && p.active) {
            return Err(
                Problem::new("owner_not_a_person", format!("{to} is nobody who is there"))
                    .field("to")
                    .way_out("see `tuesday user list`"),
            );
        }
        let mut h = Handling::on(
            &found,
            &Actor::Person(by.to_owned()),
            "incident.assigned",
            now,
        );
        to.clone_into(&mut h.incident.owner);
        if found.state == IncidentState::Acknowledged {
            h.incident.acknowledged_by = Some(to.to_owned());
        }
        h.fact("to", to);
        let words = if reason.trim().is_empty() {
            format!("to {to}")
        } else {
            format!("to {to}: {}", reason.trim())
        };
        h.say("assigned", words, None);
        let place = found.workflow.clone().unwrap_or_default();
        h.also(tuesday_domain::record::Change::InsertNotice(Box::new(
            crate::maintenance::notice(
                to.to_owned(),
                place,
                "incident_assigned",
                format!("An incident is yours now: {}", found.title),
                format!("/incidents/{id}"),
                now,
            ),
        )));
        self.not_quiet(&mut h, now).await?;
        self.commit_incident(h).await
    }
}
