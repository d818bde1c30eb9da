//! Who has a task open, and for how long it was in view: told to the others at once, kept for the
//! question whether people read what they approve.
//!
//! Who is there lives in the memory of a node; what was opened is a row. A claim runs on while its
//! holder is active.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tuesday_domain::actor::Actor;
use tuesday_domain::id::{ReviewId, RunId};
use tuesday_domain::problem::Problem;
use tuesday_domain::record::{
    AuditEntry, Change, Decision, DeskChange, Review, ReviewRead, RunVisit, Subject,
};
use tuesday_domain::review::ReviewState;
use tuesday_domain::time::Timestamp;

use super::task::not_found;
use crate::engine::{Engine, apply_problem, read_problem};

/// Without a sign of life for this long a person is not there any more.
const GONE: Duration = Duration::from_secs(45);
/// Most time in view that one sign of life adds: what is longer was idle.
const MOST: Duration = Duration::from_secs(30);

/// What somebody does with a task.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Doing {
    /// Looks at it.
    Viewing,
    /// Changes the text.
    Editing,
    /// Has it open without doing anything.
    Idle,
}

impl Doing {
    /// Its word in JSON.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Viewing => "viewing",
            Self::Editing => "editing",
            Self::Idle => "idle",
        }
    }
}

impl std::str::FromStr for Doing {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        [Self::Viewing, Self::Editing, Self::Idle]
            .into_iter()
            .find(|d| d.word() == text)
            .ok_or_else(|| format!("`{text}` is not one of viewing, editing, idle"))
    }
}

/// A person at a task.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct There {
    /// Handle of the person.
    pub person: String,
    /// What the person does.
    pub doing: Doing,
    /// The last sign of life.
    pub at: Timestamp,
}

/// Who is at which task, as this node knows.
#[derive(Default)]
pub(crate) struct Presence(Mutex<HashMap<ReviewId, Vec<There>>>);

impl Presence {
    /// A sign of life; answers everybody who is there.
    fn seen(&self, id: ReviewId, here: There) -> Vec<There> {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let now = here.at;
        all.retain(|_, list| {
            list.retain(|t| now.since(t.at) < GONE);
            !list.is_empty()
        });
        let list = all.entry(id).or_default();
        list.retain(|t| t.person != here.person);
        list.push(here);
        list.clone()
    }

    fn at(&self, id: ReviewId, now: Timestamp) -> Vec<There> {
        let all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let list = all.get(&id).into_iter().flatten();
        list.filter(|t| now.since(t.at) < GONE).cloned().collect()
    }
}

impl Engine {
    /// Everybody who has the task open on this node.
    #[must_use]
    pub fn present(&self, id: ReviewId) -> Vec<There> {
        self.0.presence.at(id, self.now())
    }

    /// `by` has this revision of the task open; it was in view for `visible` since the last time.
    ///
    /// # Errors
    /// `not_found`, `revision_moved` for a revision that is not the task's.
    pub async fn reading(
        &self,
        id: ReviewId,
        by: &str,
        doing: Doing,
        revision: u32,
        visible: Duration,
    ) -> Result<Vec<There>, Problem> {
        let now = self.now();
        let review = self
            .0
            .reader
            .review(id)
            .await
            .map_err(read_problem)?
            .ok_or_else(|| not_found(&id.to_string()))?;
        if revision > review.revision {
            return Err(Problem::new(
                "revision_moved",
                format!("the task is at revision {}", review.revision),
            )
            .with("revision", review.revision));
        }
        let here = There {
            person: by.to_owned(),
            doing,
            at: now,
        };
        let there = self.0.presence.seen(id, here);
        let reads = self
            .0
            .reader
            .review_reads(id, by)
            .await
            .map_err(read_problem)?;
        let known = reads.into_iter().find(|r| r.revision == revision);
        let first = known.is_none();
        let mut read = known.unwrap_or_else(|| opened(&review, by, revision, now));
        // Nobody sees a task for longer than the time since the last sign.
        let added = visible.min(MOST).min(now.since(read.last_at));
        let added = if doing == Doing::Idle {
            Duration::ZERO
        } else {
            added
        };
        let added_ms = u64::try_from(added.as_millis()).unwrap_or(0);
        read.visible_ms += added_ms;
        read.last_at = now;
        let mut changes = Vec::new();
        if first || !added.is_zero() {
            changes.push(Change::Desk(Box::new(DeskChange::PutRead(read))));
        }
        if doing != Doing::Idle
            && let Some(until) = self.runs_on(&review, by, now).await
        {
            let by = by.to_owned();
            changes.push(Change::Desk(Box::new(DeskChange::RenewClaim {
                review: id,
                by,
                until,
            })));
        }
        if !changes.is_empty() {
            let kind = if first {
                "review.opened_by"
            } else {
                "review.read_by"
            };
            let actor = Actor::Person(by.to_owned());
            let entry =
                AuditEntry::new(now, actor, kind, Subject::Workflow(review.workflow.clone()))
                    .fact("review", id.to_string())
                    .fact("revision", revision)
                    .fact("seen_ms", added_ms);
            self.apply(Decision { changes, entry })
                .await
                .map_err(apply_problem)?;
        }
        Ok(there)
    }

    /// Until when the claim runs on: it is theirs and half of it is over.
    async fn runs_on(&self, review: &Review, by: &str, now: Timestamp) -> Option<Timestamp> {
        let until = review.claim_until?;
        let (_, live) = self.live(&review.workflow).await.ok()?;
        let span = live.ready.def.review.claim.0;
        let theirs =
            review.state == ReviewState::Claimed && review.claimed_by.as_deref() == Some(by);
        (theirs && now < until && until.since(now) < span / 2).then(|| now.plus(span))
    }

    /// `by` looked at the page of a run.
    ///
    /// # Errors
    /// `not_found`; what a write can fail with.
    pub async fn visited(&self, id: RunId, by: &str) -> Result<(), Problem> {
        let now = self.now();
        let reader = &self.0.reader;
        if reader
            .run_visit(id, by)
            .await
            .map_err(read_problem)?
            .is_some()
        {
            return Ok(());
        }
        let run = reader
            .run(id)
            .await
            .map_err(read_problem)?
            .ok_or_else(|| not_found(&id.to_string()))?;
        let visit = RunVisit {
            run: id,
            person: by.to_owned(),
            last_at: now,
            first_at: now,
        };
        let actor = Actor::Person(by.to_owned());
        let entry = AuditEntry::new(now, actor, "run.visited", Subject::Workflow(run.workflow))
            .fact("about", id.to_string());
        self.desk(DeskChange::PutVisit(visit), entry).await
    }
}

fn opened(review: &Review, by: &str, revision: u32, now: Timestamp) -> ReviewRead {
    ReviewRead {
        review: review.id,
        person: by.to_owned(),
        revision,
        visible_ms: 0,
        last_at: now,
        run: review.run,
        opened_at: now,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use uuid::Uuid;

    #[test]
    fn who_gives_no_sign_is_not_there_any_more() {
        let presence = Presence::default();
        let id = ReviewId::new(Uuid::from_u128(1));
        let at = |s: i64| Timestamp::from_micros(s * 1_000_000);
        let sign = |person: &str, doing, s| There {
            person: person.to_owned(),
            doing,
            at: at(s),
        };
        presence.seen(id, sign("pia", Doing::Viewing, 0));
        let both = presence.seen(id, sign("boris", Doing::Editing, 30));
        assert_eq!(both.len(), 2);
        presence.seen(id, sign("boris", Doing::Idle, 40));
        let later: Vec<_> = presence
            .at(id, at(50))
            .into_iter()
            .map(|t| (t.person, t.doing))
            .collect();
        assert_eq!(later, [("boris".to_owned(), Doing::Idle)]);
        assert!(presence.at(id, at(90)).is_empty());
    }
}
