//! Tells people once that a follow-up is late: its owner, and whoever answers for the workflow.

use tuesday_domain::actor::Actor;
use tuesday_domain::problem::Problem;
use tuesday_domain::record::{Change, Decision, FollowUp, TroubleChange};

use super::entry;
use crate::engine::{Engine, apply_problem, read_problem};
use crate::maintenance::notice;

/// Follow-ups in one pass.
const BATCH: usize = 100;

impl Engine {
    /// Every follow-up whose day is over and that nobody was told of yet.
    pub(crate) async fn tell_late_follow_ups(&self) -> Result<(), Problem> {
        let late = self.0.reader.follow_ups_late(self.now(), BATCH).await;
        for follow_up in late.map_err(read_problem)? {
            match self.tell_late(follow_up).await {
                // Another node told of it, or somebody ended it in this moment.
                Err(p) if p.code == "revision_moved" => {}
                done => done?,
            }
        }
        Ok(())
    }

    async fn tell_late(&self, mut row: FollowUp) -> Result<(), Problem> {
        let now = self.now();
        let mut people = vec![row.owner.clone()];
        let place = row.workflow.clone().unwrap_or_default();
        if let Some(name) = &row.workflow {
            people.push(self.standing(name).await?.owner);
        }
        people.sort();
        people.dedup();
        row.told_at = Some(now);
        row.version += 1;
        let entry = entry(&row, Actor::System("follow_ups"), "follow_up.late", now)
            .fact("due", row.due_at.rfc3339());
        let title = format!("a follow-up of {} is late", row.owner);
        let update = TroubleChange::UpdateFollowUp(row);
        let mut changes = vec![Change::Trouble(Box::new(update))];
        changes.extend(people.into_iter().map(|person| {
            let (place, title) = (place.clone(), title.clone());
            let told = notice(
                person,
                place,
                "follow_up_late",
                title,
                "/handoffs".to_owned(),
                now,
            );
            Change::InsertNotice(Box::new(told))
        }));
        self.apply(Decision { changes, entry })
            .await
            .map_err(apply_problem)?;
        Ok(())
    }
}
