//! Gives a task to another named person: by the operator owner, by the person who has it, or because
//! that person is not there. Due time and age stay as they are.

use tuesday_domain::access::Act;
use tuesday_domain::actor::Actor;
use tuesday_domain::id::ReviewId;
use tuesday_domain::problem::Problem;
use tuesday_domain::record::{Change, Review};
use tuesday_domain::review::ReviewEvent;

use super::presence::Gone;
use super::task::{Task, already_decided, people};
use crate::draft::Draft;
use crate::engine::Engine;
use crate::maintenance::notice_about;

impl Engine {
    /// `by` gives the task to `to`.
    ///
    /// # Errors
    /// `reason_required`; `not_allowed` unless `by` is the operator owner or has the task;
    /// `owner_not_a_person` when `to` may not decide it or is not there; `already_decided`,
    /// `revision_moved`.
    pub async fn reassign(
        &self,
        id: ReviewId,
        by: &str,
        to: &str,
        reason: &str,
        revision: Option<u32>,
    ) -> Result<Review, Problem> {
        if reason.trim().is_empty() {
            return Err(
                Problem::new("reason_required", "reassigning needs a reason").field("reason"),
            );
        }
        let task = self.task(id).await?;
        let r = &task.review;
        if r.state.is_decided() {
            return Err(already_decided(r));
        }
        if revision.is_some_and(|seen| seen != r.revision) {
            return Err(
                Problem::new("revision_moved", "the task changed since it was read")
                    .with("revision", r.revision)
                    .way_out("read it again"),
            );
        }
        let runs_queue = |p: &str| task.rights(p).may(Act::ReassignReview, &r.workflow);
        let has_it = r.owner == by || r.claimed_by.as_deref() == Some(by);
        // A task that came to the sponsor, because nobody else is left, is passed on by the sponsor.
        let rights = task.rights(by);
        let passes_on =
            [Act::DecideReview, Act::SetPriority].map(|act| rights.may(act, &r.workflow));
        if !(runs_queue(by) || has_it && passes_on.contains(&true)) {
            let mut operators: Vec<_> = task.grants.iter().map(|g| g.person.clone()).collect();
            operators.dedup();
            operators.retain(|p| runs_queue(p));
            return Err(Problem::new(
                "not_allowed",
                format!("{by} neither has this task nor runs the queue"),
            )
            .with("people", operators)
            .way_out("ask one of the named persons"));
        }
        let gone = self.gone(Some(&r.workflow), self.now()).await?;
        if !people(&task).iter().any(|p| p == to) || !gone.is_here(to) {
            let why = if gone.is(to) {
                "is away or deactivated"
            } else {
                "may not decide this task"
            };
            let here: Vec<String> = people(&task)
                .into_iter()
                .filter(|p| gone.is_here(p))
                .collect();
            return Err(Problem::new("owner_not_a_person", format!("`{to}` {why}"))
                .field("to")
                .with("people", here)
                .way_out("name one of the persons who may decide it"));
        }
        self.give(
            task,
            Actor::Person(by.to_owned()),
            to,
            "review.reassigned",
            reason,
        )
        .await
    }

    /// The owner or holder of a task is not there: it goes to whoever stands in.
    pub(crate) async fn cover(&self, id: ReviewId, gone: &Gone) -> Result<(), Problem> {
        let task = self.task(id).await?;
        let r = &task.review;
        let owners = &task.release.ready.def.owners;
        if r.state.is_decided() {
            return Ok(());
        }
        let to = if gone.is(&r.owner) {
            match gone.instead(&r.owner, r, owners) {
                Some(to) => to,
                // Nobody is there at all: the task keeps its owner and escalates when it is due.
                None if r.claimed_by.is_some() => r.owner.clone(),
                None => return Ok(()),
            }
        } else {
            r.owner.clone()
        };
        let holder_stays = r.claimed_by.as_deref().is_none_or(|h| !gone.is(h));
        if to == r.owner && holder_stays {
            return Ok(());
        }
        let reason = format!(
            "{} is not there",
            if holder_stays {
                &r.owner
            } else {
                r.claimed_by.as_ref().unwrap_or(&r.owner)
            }
        );
        self.give(
            task,
            Actor::System("absence"),
            &to,
            "review.covered",
            &reason,
        )
        .await
        .map(drop)
    }

    async fn give(
        &self,
        task: Task,
        actor: Actor,
        to: &str,
        kind: &'static str,
        reason: &str,
    ) -> Result<Review, Problem> {
        let now = self.now();
        let mut review = task.review.clone();
        let from = std::mem::replace(&mut review.owner, to.to_owned());
        place(&mut review.chain, &from, to);
        review.claimed_by = None;
        review.claim_until = None;
        let class = task.release.ready.strictest();
        let mut draft = Draft::on(&task.run, class, actor, kind, now);
        draft.fact("from", from.clone());
        draft.fact("owner", to);
        draft.fact("reason", reason);
        draft.review(&mut review, ReviewEvent::Reassign)?;
        if !task.run.state.status.is_terminal() {
            draft.run.owner = Some(review.owner.clone());
        }
        if from != to {
            let title = format!("{}: a case was passed to you", review.workflow);
            draft.change(Change::InsertNotice(Box::new(notice_about(
                &review,
                "review_reassigned",
                title,
                now,
            ))));
        }
        self.commit_task(review.id, draft).await?;
        Ok(review)
    }
}

/// The new owner takes the place of the old one among those the task escalates along.
fn place(chain: &mut Vec<String>, from: &str, to: &str) {
    chain.retain(|p| p != to);
    match chain.iter_mut().find(|p| *p == from) {
        Some(slot) => to.clone_into(slot),
        None => chain.insert(0, to.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::place;

    #[test]
    fn nobody_is_asked_twice_and_nobody_is_skipped() {
        for (from, to, want) in [
            ("a", "x", vec!["x", "b", "c"]),
            ("a", "c", vec!["c", "b"]),
            ("b", "x", vec!["a", "x", "c"]),
            ("c", "a", vec!["b", "a"]),
            ("gone", "x", vec!["x", "a", "b", "c"]),
        ] {
            let mut chain: Vec<String> = ["a", "b", "c"].map(str::to_owned).to_vec();
            place(&mut chain, from, to);
            assert_eq!(chain, want, "{from} {to}");
        }
    }
}
