//! Says what somebody has to do after a stop or an incident, and by when.

use tuesday_domain::access::Act;
use tuesday_domain::actor::Actor;
use tuesday_domain::id::IncidentId;
use tuesday_domain::postmortem::PostmortemState;
use tuesday_domain::postmortem::follow_up::FollowUpState;
use tuesday_domain::problem::Problem;
use tuesday_domain::record::{Change, Decision, FollowUp, Incident, Postmortem, TroubleChange};
use tuesday_domain::time::Timestamp;
use tuesday_domain::trouble::incident::IncidentState;

use super::entry;
use crate::engine::{Engine, apply_problem, read_problem};
use crate::ids;
use crate::maintenance::notice;
use crate::ops::Handling;

/// Most bytes of the words.
const MOST: usize = 2 * 1_024;

/// What a follow-up follows from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FollowUpOf {
    /// An incident.
    Incident(IncidentId),
    /// A postmortem of a workflow.
    Postmortem {
        /// Workflow name.
        workflow: String,
        /// Its number.
        seq: u32,
    },
}

/// What somebody has to do.
#[derive(Clone, Debug)]
pub struct NewFollowUp {
    /// What it follows from.
    pub of: FollowUpOf,
    /// What is to be done.
    pub words: String,
    /// Handle of the person who does it.
    pub owner: String,
    /// By when.
    pub due_at: Timestamp,
}

impl Engine {
    /// Gives somebody something to do; they are told.
    ///
    /// # Errors
    /// `reason_required` without words, `body_too_large`, `bad_request` for a day that is over,
    /// `owner_not_a_person`, `illegal_state` once the thing is closed, `not_found`, `not_allowed`.
    pub async fn add_follow_up(&self, new: NewFollowUp, by: &str) -> Result<FollowUp, Problem> {
        let words = new.words.trim();
        if words.is_empty() {
            return Err(Problem::new("reason_required", "say what is to be done").field("words"));
        }
        if words.len() > MOST {
            let words = format!("a follow-up holds at most {MOST} bytes");
            return Err(Problem::new("body_too_large", words).field("words"));
        }
        let now = self.now();
        if new.due_at <= now {
            return Err(Problem::new("bad_request", "the day is over")
                .field("due")
                .way_out("name a day to come"));
        }
        let owner = self.0.reader.person(&new.owner).await;
        if !owner.map_err(read_problem)?.is_some_and(|p| p.active) {
            let words = format!("{} is nobody who is there", new.owner);
            return Err(Problem::new("owner_not_a_person", words).field("owner"));
        }
        let source = self.follows_from(&new.of, by).await?;
        let mut follow_up = FollowUp {
            id: ids::follow_up(),
            state: FollowUpState::Open,
            owner: new.owner,
            due_at: new.due_at,
            told_at: None,
            note: None,
            ended_by: None,
            ended_at: None,
            version: 1,
            incident: None,
            postmortem: None,
            workflow: None,
            words: words.to_owned(),
            created_by: by.to_owned(),
            created_at: now,
        };
        let actor = Actor::Person(by.to_owned());
        match source {
            Source::Incident(found) => {
                follow_up.incident = Some(found.id);
                follow_up.workflow.clone_from(&found.workflow);
                let mut h = Handling::on(&found, &actor, "follow_up.added", now);
                h.fact("follow_up", follow_up.id.to_string());
                h.fact("owner", follow_up.owner.clone());
                h.fact("due", follow_up.due_at.rfc3339());
                let line = format!("{} until {}: {words}", follow_up.owner, follow_up.due_at);
                h.say("follow_up", line, None);
                h.change(TroubleChange::InsertFollowUp(follow_up.clone()));
                h.also(told(&follow_up, now));
                self.commit_incident(h).await?;
            }
            Source::Postmortem(mut found) => {
                follow_up.postmortem = Some(found.seq);
                follow_up.workflow = Some(found.workflow.clone());
                let entry = entry(&follow_up, actor, "follow_up.added", now)
                    .fact("words", follow_up.words.clone())
                    .fact("due", follow_up.due_at.rfc3339());
                // Whoever closes it in this moment must not miss this.
                found.version += 1;
                let changes = [
                    TroubleChange::UpdatePostmortem(found),
                    TroubleChange::InsertFollowUp(follow_up.clone()),
                ];
                let mut changes: Vec<Change> = changes
                    .into_iter()
                    .map(|c| Change::Trouble(Box::new(c)))
                    .collect();
                changes.push(told(&follow_up, now));
                self.apply(Decision { changes, entry })
                    .await
                    .map_err(apply_problem)?;
            }
        }
        Ok(follow_up)
    }

    /// The thing itself, once it is known that it is open and `by` may add to it.
    async fn follows_from(&self, of: &FollowUpOf, by: &str) -> Result<Source, Problem> {
        match of {
            FollowUpOf::Incident(id) => {
                let incident = self.incident(*id).await?;
                self.may_handle(&incident, by).await?;
                if incident.state == IncidentState::Reviewed {
                    let words = "people have looked back on this incident already";
                    return Err(Problem::new("illegal_state", words).way_out("reopen it first"));
                }
                Ok(Source::Incident(incident))
            }
            FollowUpOf::Postmortem { workflow, seq } => {
                let found = self.0.reader.postmortem(workflow, *seq).await;
                let found = found.map_err(read_problem)?.ok_or_else(|| {
                    let words = format!("{workflow} has no postmortem {seq}");
                    Problem::new("not_found", words)
                })?;
                if found.owner != by {
                    self.allowed(Act::HandleIncident, workflow, by).await?;
                }
                if found.state == PostmortemState::Closed {
                    let words = format!("postmortem {seq} is closed");
                    return Err(Problem::new("illegal_state", words));
                }
                Ok(Source::Postmortem(found))
            }
        }
    }
}

/// What it follows from, as it was read: it moves on with the follow-up, so that nobody who ends it in
/// the same moment misses one.
enum Source {
    /// An incident.
    Incident(Incident),
    /// A postmortem.
    Postmortem(Postmortem),
}

/// A word to whoever does it.
fn told(f: &FollowUp, now: Timestamp) -> Change {
    let place = f.workflow.clone().unwrap_or_default();
    let title = "you have something to do after an incident or a stop".to_owned();
    let path = "/handoffs".to_owned();
    let told = notice(f.owner.clone(), place, "follow_up", title, path, now);
    Change::InsertNotice(Box::new(told))
}
