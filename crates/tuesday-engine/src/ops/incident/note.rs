//! Adds a line to the timeline. Lines are never changed; what is told later says so.

use tuesday_domain::actor::Actor;
use tuesday_domain::id::IncidentId;
use tuesday_domain::problem::Problem;
use tuesday_domain::record::Incident;
use tuesday_domain::time::Timestamp;

use super::Handling;
use crate::engine::Engine;

/// Most bytes of a line.
const MOST: usize = 8 * 1_024;

impl Engine {
    /// Adds a line. `about` is when it happened, for what is written down later.
    ///
    /// # Errors
    /// `not_found`, `not_allowed`, `reason_required` without words, `body_too_large`, `bad_request` for
    /// a time to come.
    pub async fn note_incident(
        &self,
        id: IncidentId,
        by: &str,
        words: &str,
        about: Option<Timestamp>,
    ) -> Result<Incident, Problem> {
        let found = self.incident(id).await?;
        self.may_handle(&found, by).await?;
        if words.trim().is_empty() {
            return Err(Problem::new("reason_required", "the note says nothing").field("words"));
        }
        if words.len() > MOST {
            return Err(Problem::new("body_too_large", "a note holds at most 8 KiB").field("words"));
        }
        let now = self.now();
        if about.is_some_and(|at| at > now) {
            return Err(
                Problem::new("bad_request", "what is noted lies in the future").field("about"),
            );
        }
        let actor = Actor::Person(by.to_owned());
        let mut found = found;
        loop {
            let mut h = Handling::on(&found, &actor, "incident.noted", now);
            h.say("note", words.trim(), about);
            self.not_quiet(&mut h, now).await?;
            match self.commit_incident(h).await {
                // The machine moved the alert meanwhile: the note is as good as before.
                Err(p) if p.code == "revision_moved" => found = self.incident(id).await?,
                said => return said,
            }
        }
    }
}
