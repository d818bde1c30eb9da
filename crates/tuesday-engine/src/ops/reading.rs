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

/// A sign may come so much later than it was made.
const SLACK: Duration = Duration::from_secs(2);

/// The time that a sign of life adds, and whether time that it claimed was dropped as never passed. `claimed` is
/// absent for a time that is none, such as one below zero.
fn added(
    doing: Doing,
    claimed: Option<Duration>,
    (last, now): (Timestamp, Timestamp),
) -> (Duration, bool) {
    let Some(claimed) = claimed.filter(|_| now >= last) else {
        return (Duration::ZERO, true);
    };
    let passed = now.since(last);
    let dropped = claimed > passed + SLACK;
    // A tab that stays open, or a pause for coffee, is no reading; nor is a page that only lies there.
    let added = match doing {
        Doing::Idle => Duration::ZERO,
        Doing::Viewing | Doing::Editing => claimed.min(MOST).min(passed),
    };
    (added, dropped)
}

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

    /// `by` has this revision of the task open; it was in view for `visible` since the last time. Absent, the
    /// sign told a time that is none: nothing of it counts, and that it was dropped is counted.
    ///
    /// # Errors
    /// `not_found`, `revision_moved` for a revision that is not the task's.
    pub async fn reading(
        &self,
        id: ReviewId,
        by: &str,
        doing: Doing,
        revision: u32,
        visible: impl Into<Option<Duration>> + Send,
    ) -> Result<Vec<There>, Problem> {
        let visible = visible.into();
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
        let (added, dropped) = added(doing, visible, (read.last_at, now));
        let added_ms = u64::try_from(added.as_millis()).unwrap_or(0);
        read.visible_ms += added_ms;
        read.dropped = read.dropped.saturating_add(u32::from(dropped));
        read.last_at = now;
        let mut changes = Vec::new();
        if first || dropped || !added.is_zero() {
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
            let mut entry =
                AuditEntry::new(now, actor, kind, Subject::Workflow(review.workflow.clone()))
                    .fact("review", id.to_string())
                    .fact("revision", revision)
                    .fact("seen_ms", added_ms);
            if dropped {
                entry = entry.fact("dropped", true);
            }
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
        dropped: 0,
        last_at: now,
        run: review.run,
        opened_at: now,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use uuid::Uuid;

    /// Signs of a scripted reviewer: each says what is done and how long it was in view since the one before,
    /// and comes so many seconds after it. Seconds that count, and signs of which time was dropped.
    fn scripted(signs: &[(Doing, i64, i64)]) -> (u64, u32) {
        let (mut last, mut sum, mut dropped) = (Timestamp::from_micros(0), 0, 0);
        for (doing, claimed_s, passed_s) in signs {
            let now = Timestamp::from_micros(last.micros() + passed_s * 1_000_000);
            let claimed = u64::try_from(*claimed_s).ok().map(Duration::from_secs);
            let (more, none) = added(*doing, claimed, (last, now));
            sum += more.as_secs();
            dropped += u32::from(none);
            last = now;
        }
        (sum, dropped)
    }

    #[test]
    fn minutes_of_review_are_those_in_view_without_idle_gaps() {
        let steady = |seconds: usize| vec![(Doing::Viewing, 20, 20); seconds / 20];
        for seconds in [60, 120, 600] {
            let counted = scripted(&steady(seconds));
            assert_eq!(counted, (seconds as u64, 0));
        }
        // Five minutes away in the middle: told as idle, and with a page that lay there meanwhile.
        let mut gap = steady(60);
        gap.extend([(Doing::Idle, 20, 20); 15]);
        gap.extend(steady(60));
        assert_eq!(scripted(&gap), (120, 0));
        // A machine that slept tells nothing for the gap and then all of it at once: thirty seconds count.
        let mut slept = steady(600);
        slept.push((Doing::Viewing, 300, 300));
        assert_eq!(scripted(&slept), (630, 0));
    }

    #[test]
    fn a_tab_that_is_open_overnight_is_no_review() {
        let mut night = vec![(Doing::Viewing, 20, 20); 3];
        night.extend(vec![(Doing::Idle, 20, 20); 9 * 180]);
        assert_eq!(scripted(&night), (60, 0));
        night.push((Doing::Viewing, 9 * 3_600, 9 * 3_600));
        assert_eq!(scripted(&night), (90, 0));
    }

    #[test]
    fn time_that_never_passed_is_dropped_and_counted() {
        // The browser's clock jumps an hour, a time below zero, and the house's own clock runs back.
        let signs = [
            (Doing::Viewing, 3_600, 20),
            (Doing::Viewing, -5, 20),
            (Doing::Viewing, 20, -20),
            (Doing::Viewing, 20, 20),
        ];
        assert_eq!(scripted(&signs), (40, 3));
        // A sign on its way for a second is none of these.
        assert_eq!(scripted(&[(Doing::Viewing, 20, 19)]), (19, 0));
    }

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
