//! The way for emergencies: back to a release that was live before, or down to a stricter stage, at once and
//! without a gate. It is loud, it holds for a day, and somebody else looks back at it: when nobody has by then,
//! the workflow is paused.

use std::time::Duration;

use tuesday_domain::access::Act;
use tuesday_domain::actor::Actor;
use tuesday_domain::id::ReleaseId;
use tuesday_domain::problem::Problem;
use tuesday_domain::record::{Change, Duty, DutyKind, ReleaseState};
use tuesday_domain::workflow::Stage;

use super::reason_given;
use crate::engine::{Engine, read_problem};
use crate::ops::standing::Move;
use crate::ops::upkeep::Owed;

/// How long it holds before somebody has looked back at it.
const HOLDS: Duration = Duration::from_secs(24 * 3_600);

/// What is done in an emergency.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Emergency {
    /// Back to this release, or to the newest that was live before.
    Release(Option<ReleaseId>),
    /// Down to this stage.
    Stage(Stage),
}

impl Engine {
    /// `by` acts in an emergency; `reviewer`, another person who answers for the workflow, owes a look back
    /// within a day. All of it is one decision.
    ///
    /// # Errors
    /// `reason_required`, `not_allowed` for either person, `same_person_twice`, `illegal_state` for a release
    /// that was never live, `bad_request` for a stage that is not stricter.
    pub async fn emergency(
        &self,
        workflow: &str,
        what: Emergency,
        reviewer: &str,
        by: &str,
        reason: &str,
    ) -> Result<Duty, Problem> {
        let reason = reason_given(reason)?;
        let actor = Actor::Person(by.to_owned());
        let row = self.not_retired(workflow).await?;
        if reviewer == by {
            return Err(Problem::new(
                "same_person_twice",
                "somebody else looks back at an emergency change",
            )
            .field("reviewer"));
        }
        self.allowed(Act::SignCharter, workflow, reviewer).await?;
        match what {
            Emergency::Release(to) => {
                self.may_release(Act::RollBackRelease, workflow, &actor)
                    .await?;
                let all = self.0.reader.releases(workflow).await;
                let was_live = |r: &tuesday_domain::record::Release| match to {
                    Some(id) => r.id == id && r.state == ReleaseState::Superseded,
                    None => r.state == ReleaseState::Superseded,
                };
                let back = all.map_err(read_problem)?.into_iter().find(was_live);
                let back = back.ok_or_else(|| {
                    let words =
                        "an emergency goes back to a release that was live before, and no other";
                    Problem::new("illegal_state", words)
                        .field("release")
                        .way_out("pause the workflow; what was never live goes through its gate")
                })?;
                let live = self.release_row(row.live_release).await?;
                let item = format!(
                    "release {} in place of release {}",
                    back.number, live.number
                );
                let (duty, made) = self.looked_back_at(workflow, item, reviewer, &reason, &actor);
                let words = format!("{workflow} went back in an emergency");
                let mut more = self.dropped(workflow, &row.rollout.changes.waiting, &words);
                more.extend(made);
                let said = format!("emergency, {reviewer} looks back at it: {reason}");
                self.back_to(row, (live, back), (&actor, said), more)
                    .await?;
                Ok(duty)
            }
            Emergency::Stage(to) => {
                self.allowed(Act::PauseWorkflow, workflow, by).await?;
                if to >= row.stage {
                    let words = format!("{to} is no stricter than {}", row.stage);
                    return Err(Problem::new("bad_request", words).field("stage").way_out(
                        "an emergency only goes down; up goes one stage at a time, on evidence",
                    ));
                }
                let item = format!("stage {to} in place of stage {}", row.stage);
                let (duty, made) = self.looked_back_at(workflow, item, reviewer, &reason, &actor);
                let words = format!("stage {} {to}", row.stage);
                let mut row = row;
                row.stage = to;
                row.rollout.staged_at = Some(self.now());
                let told = format!(
                    "emergency, stage {} from now on; {reviewer} looks back at it within a day",
                    to.word().replace('_', " ")
                );
                let mut moved = Move::new(row, "workflow.emergency", words).tell(told);
                moved.facts = vec![("reviewer", reviewer.into())];
                moved.changes = made.into();
                self.commit_move(moved, &actor, &reason).await?;
                Ok(duty)
            }
        }
    }

    fn looked_back_at(
        &self,
        workflow: &str,
        item: String,
        reviewer: &str,
        reason: &str,
        by: &Actor,
    ) -> (Duty, [Change; 2]) {
        let owed = Owed {
            kind: DutyKind::EmergencyReview,
            owner: reviewer.to_owned(),
            within: HOLDS,
            about: "emergency",
            item,
            reason,
        };
        self.owed(workflow, owed, by)
    }
}
