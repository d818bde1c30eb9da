//! What somebody has to do after a stop or an incident: owned, due on a day, ended with what shows it.
//! One verb one file.

mod add;
mod end;
mod late;

pub use add::{FollowUpOf, NewFollowUp};

use tuesday_domain::actor::Actor;
use tuesday_domain::id::FollowUpId;
use tuesday_domain::problem::Problem;
use tuesday_domain::record::{AuditEntry, FollowUp, Subject};
use tuesday_domain::time::Timestamp;
use tuesday_store::FollowUpFilter;

use crate::engine::{Engine, read_problem};

/// Most that are listed.
const LISTED: usize = 500;

/// An entry about a follow-up.
fn entry(f: &FollowUp, actor: Actor, kind: &'static str, at: Timestamp) -> AuditEntry {
    let subject = f
        .workflow
        .clone()
        .map_or(Subject::Instance, Subject::Workflow);
    let entry = AuditEntry::new(at, actor, kind, subject)
        .fact("follow_up", f.id.to_string())
        .fact("owner", f.owner.clone());
    match (f.incident, f.postmortem) {
        (Some(id), _) => entry.fact("incident", id.to_string()),
        (None, Some(seq)) => entry.fact("postmortem", seq),
        (None, None) => entry,
    }
}

impl Engine {
    /// One follow-up.
    ///
    /// # Errors
    /// `not_found`, `unavailable`.
    pub async fn follow_up(&self, id: FollowUpId) -> Result<FollowUp, Problem> {
        let found = self.0.reader.follow_up(id).await.map_err(read_problem)?;
        found.ok_or_else(|| Problem::new("not_found", format!("there is no {id}")))
    }

    /// The follow-ups the filter finds, what is due first on top.
    ///
    /// # Errors
    /// `unavailable`.
    pub async fn follow_ups(&self, filter: &FollowUpFilter) -> Result<Vec<FollowUp>, Problem> {
        let found = self.0.reader.follow_ups(filter, LISTED).await;
        found.map_err(read_problem)
    }
}
