//! Opens a postmortem: in the same decision that stops the workflow, or because a person asks for one.

use tuesday_domain::actor::Actor;
use tuesday_domain::postmortem::{PostmortemState, Stopped};
use tuesday_domain::problem::Problem;
use tuesday_domain::record::{Change, Decision, Postmortem, TroubleChange, Workflow};
use tuesday_domain::time::Timestamp;

use super::entry;
use crate::engine::{Engine, apply_problem, read_problem};
use crate::maintenance::notice;
use crate::ops::standing::reasoned;

/// Why and by whom a workflow stops.
pub(in crate::ops) struct Stop<'a> {
    /// How.
    pub(in crate::ops) stopped: Stopped,
    /// The reason that was given.
    pub(in crate::ops) reason: &'a str,
    /// Who or what.
    pub(in crate::ops) by: &'a Actor,
    /// When.
    pub(in crate::ops) at: Timestamp,
}

impl Engine {
    /// A person asks for a postmortem of a workflow, also of one that goes on.
    ///
    /// # Errors
    /// `reason_required`, `illegal_state` while one is open, `not_allowed`, `unknown_workflow`.
    pub async fn open_postmortem(
        &self,
        workflow: &str,
        reason: &str,
        by: &str,
    ) -> Result<Postmortem, Problem> {
        reasoned(reason)?;
        let row = self.standing(workflow).await?;
        let (actor, at) = (Actor::Person(by.to_owned()), self.now());
        let stop = Stop {
            stopped: Stopped::Asked,
            reason: reason.trim(),
            by: &actor,
            at,
        };
        let Some(new) = self.postmortem_due(&row, &stop).await? else {
            let words = format!("a postmortem of {workflow} is open already");
            return Err(Problem::new("illegal_state", words)
                .way_out(format!("answer it: /workflows/{workflow}/postmortem")));
        };
        self.may_answer(&new, by).await?;
        let entry = entry(&new, actor.clone(), "postmortem.opened", at).fact("reason", reason);
        let changes = opening(&new);
        self.apply(Decision { changes, entry })
            .await
            .map_err(apply_problem)?;
        Ok(new)
    }

    /// What opens a postmortem with this stop; nothing while one is open.
    pub(in crate::ops) async fn postmortem_of(
        &self,
        row: &Workflow,
        stop: &Stop<'_>,
    ) -> Result<Vec<Change>, Problem> {
        let due = self.postmortem_due(row, stop).await?;
        Ok(due.as_ref().map(opening).unwrap_or_default())
    }

    async fn postmortem_due(
        &self,
        row: &Workflow,
        stop: &Stop<'_>,
    ) -> Result<Option<Postmortem>, Problem> {
        let newest = self.0.reader.postmortems(Some(&row.name), 1).await;
        let newest = newest.map_err(read_problem)?.into_iter().next();
        if newest
            .as_ref()
            .is_some_and(|p| p.state == PostmortemState::Open)
        {
            return Ok(None);
        }
        Ok(Some(Postmortem {
            workflow: row.name.clone(),
            seq: newest.map_or(0, |p| p.seq) + 1,
            state: PostmortemState::Open,
            owner: row.owner.clone(),
            answers: "[]".to_owned(),
            root: None,
            wall: None,
            ruled_out: None,
            lessons: None,
            closed_by: None,
            closed_at: None,
            version: 1,
            stopped: stop.stopped,
            reason: stop.reason.to_owned(),
            opened_by: stop.by.to_string(),
            opened_at: stop.at,
        }))
    }
}

/// The row, and a word to whoever answers it.
fn opening(p: &Postmortem) -> Vec<Change> {
    let told = notice(
        p.owner.clone(),
        p.workflow.clone(),
        "postmortem_due",
        format!("{}: seven questions about why it stopped", p.workflow),
        format!("/workflows/{}/postmortem", p.workflow),
        p.opened_at,
    );
    vec![
        Change::Trouble(Box::new(TroubleChange::InsertPostmortem(p.clone()))),
        Change::InsertNotice(Box::new(told)),
    ]
}
