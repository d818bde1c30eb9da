//! Takes the live release out of service and puts the one before back, in one act.

use tuesday_domain::access::Act;
use tuesday_domain::actor::Actor;
use tuesday_domain::id::ReleaseId;
use tuesday_domain::problem::Problem;
use tuesday_domain::record::{Change, Decision, Release, ReleaseState, Workflow};
use tuesday_domain::release::ReleaseEvent;

use super::{entry, moved, reason_given, told};
use crate::engine::{Engine, read_problem};

impl Engine {
    /// `by` rolls the workflow back to `to`, or to the newest release that was live before. It was
    /// judged when it went live, so no gate stands in the way of going back.
    ///
    /// # Errors
    /// `reason_required`, `not_allowed`, `illegal_state` when there is nothing to go back to.
    pub async fn roll_back_release(
        &self,
        workflow: &str,
        to: Option<ReleaseId>,
        by: &Actor,
        reason: &str,
    ) -> Result<Release, Problem> {
        let reason = reason_given(reason)?;
        self.may_release(Act::RollBackRelease, workflow, by).await?;
        let row = self.standing(workflow).await?;
        let live = self.release_row(row.live_release).await?;
        let releases = self
            .0
            .reader
            .releases(workflow)
            .await
            .map_err(read_problem)?;
        let back = releases
            .into_iter()
            .find(|r| match to {
                Some(id) => r.id == id,
                None => r.state == ReleaseState::Superseded,
            })
            .ok_or_else(|| {
                Problem::new(
                    "illegal_state",
                    format!("{workflow} has no release to go back to"),
                )
                .way_out("pause the workflow, or promote another release")
            })?;
        let words = format!("{workflow} was rolled back");
        let more = self.dropped(workflow, &row.rollout.changes.waiting, &words);
        self.back_to(row, (live, back), (by, reason), more).await
    }

    /// Puts `back` in the place of `live`. What waited to follow was judged against another live
    /// release: it goes away.
    pub(in crate::ops) async fn back_to(
        &self,
        mut row: Workflow,
        (live, mut back): (Release, Release),
        (by, reason): (&Actor, String),
        more: Vec<Change>,
    ) -> Result<Release, Problem> {
        // Its text is checked against its hash before anything runs with it again.
        let loaded = self.loaded(back.id).await?;
        let (away, _, away_words) = moved(&live, ReleaseEvent::RollBack)?;
        let (change, state, words) = moved(&back, ReleaseEvent::Reinstate)?;
        back.state = state;
        row.live_release = back.id;
        row.rollout.alternative.take_if(|a| *a == back.id);
        row.rollout.changes = row.rollout.changes.back_at(back.number);
        row.version += 1;
        let now = self.now();
        let mut entry = entry("release.rolled_back", &back, by, now)
            .fact("before", live.number)
            .fact("reason", reason);
        entry.moves.extend([away_words, words]);
        let title = format!(
            "{}: rolled back from release {} to release {}",
            row.name, live.number, back.number
        );
        // Whoever judges its output hears that it is another one again.
        let owners = &loaded.ready.def.owners;
        let people = owners.people().into_iter().map(|p| p.handle.clone());
        let people: std::collections::BTreeSet<String> =
            people.chain([row.owner.clone()]).collect();
        let mut changes = vec![away, change, Change::PutWorkflow(Box::new(row))];
        let notice = |p: String| told(&back, &p, "release_rolled_back", title.clone(), now);
        changes.extend(people.into_iter().map(notice));
        changes.extend(more);
        self.crash_point("back.before_commit");
        self.commit_release(Decision { changes, entry }).await?;
        self.crash_point("back.after_commit");
        let _ = self.0.catalog.refresh(&self.0.reader).await;
        Ok(back)
    }
}
