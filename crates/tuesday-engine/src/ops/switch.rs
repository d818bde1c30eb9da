//! Moves a workflow's switch. Killed is left only after a decision record.

use tuesday_domain::actor::Actor;
use tuesday_domain::charter::PilotState;
use tuesday_domain::postmortem::Stopped;
use tuesday_domain::problem::Problem;
use tuesday_domain::record::{Choice, DecisionRecord, Workflow};
use tuesday_domain::workflow::{Label, Switch};

use super::postmortem::Stop;
use super::standing::{Move, contended, reasoned};
use crate::engine::{Engine, read_problem};

impl Engine {
    /// Moves the switch. `running` means as far as the restriction allows: with one it is `restricted`.
    ///
    /// # Errors
    /// `nobody_answers` for letting act what has no owner left, `decision_required` for leaving killed, `workflow_killed` for pausing what is killed,
    /// `workflow_retired`, `reason_required`, `unknown_workflow`.
    pub async fn set_switch(
        &self,
        name: &str,
        to: Switch,
        by: &Actor,
        reason: &str,
    ) -> Result<Workflow, Problem> {
        reasoned(reason)?;
        contended(matches!(to, Switch::Paused | Switch::Killed), || {
            Box::pin(self.switched(name, to, by, reason))
        })
        .await
    }

    async fn switched(
        &self,
        name: &str,
        to: Switch,
        by: &Actor,
        reason: &str,
    ) -> Result<Workflow, Problem> {
        let mut row = self.not_retired(name).await?;
        if matches!(to, Switch::Running | Switch::Restricted) {
            self.answered_for(&row).await?;
        }
        let to = match to {
            Switch::Running if !row.rollout.scope.is_empty() => Switch::Restricted,
            to => to,
        };
        if row.switch == Switch::Killed && to == Switch::Paused {
            let words = format!("{name} is killed: nothing of it acts already");
            return Err(Problem::new("workflow_killed", words));
        }
        if row.switch == Switch::Killed && to.acts(row.stage) {
            self.decided_since_kill(&row).await?;
            row.rollout.counted_from = Some(self.now());
        } else if row.switch == Switch::Paused && to.acts(row.stage) {
            self.cause_cleared(&mut row).await?;
            self.pilot_decided(&row).await?;
        }
        let before = row.switch;
        row.switch = to;
        row.rollout.switched_at = Some(self.now());
        row.rollout.switched_by = Some(by.to_string());
        row.rollout.switch_reason = Some(reason.to_owned());
        let mut moved = Move::new(row, "workflow.switch", format!("switch {before} {to}"));
        if to == Switch::Killed && before != to {
            moved = moved.tell("killed; its open work goes to people".to_owned());
            let (stopped, at) = (Stopped::Killed, self.now());
            let stop = Stop {
                stopped,
                reason,
                by,
                at,
            };
            moved.changes = self.postmortem_of(&moved.row, &stop).await?;
        }
        self.commit_move(moved, by, reason).await
    }

    /// No condition that would stop it again may hold, unless a person has decided since that it goes
    /// on: then what came before is not counted any more.
    async fn cause_cleared(&self, row: &mut Workflow) -> Result<(), Problem> {
        let watched = self.watched(row).await?;
        let rules = watched.rules.iter().map(|(rule, j)| (&rule.name, j));
        let kill = watched.kill.iter().map(|(kill, j)| (&kill.condition, j));
        let holds = rules.chain(kill).find(|(_, j)| j.standing.stops());
        let Some((name, judged)) = holds else {
            return Ok(());
        };
        let newest = self.newest_decision(row).await?;
        if newest.is_some_and(|d| d.choice != Choice::Stop) {
            row.rollout.counted_from = Some(self.now());
            return Ok(());
        }
        let words = format!("what paused it still holds: {name}: {}", judged.words);
        Err(Problem::new("rule_still_holds", words).way_out(format!(
            "remove the cause, then say what was done: tuesday workflow decide {} --decision proceed --question … \
             --evidence … --link … --reason …; counting then starts anew",
            row.name
        )))
    }

    /// A pilot whose last day is over goes on only after somebody decided what becomes of it.
    async fn pilot_decided(&self, row: &Workflow) -> Result<(), Problem> {
        if row.label != Label::Pilot {
            return Ok(());
        }
        let gathered = Box::pin(self.gather(&row.name)).await?;
        let words = match (gathered.pilot().state, gathered.decision) {
            (PilotState::Lapsed, _) => {
                format!("the pilot of {} is over and nobody has decided", row.name)
            }
            (PilotState::Decided, Some(d)) if d.choice == Choice::Stop => {
                format!("the decision about the pilot of {} was to stop", row.name)
            }
            _ => return Ok(()),
        };
        Err(Problem::new("decision_required", words).way_out(format!(
            "tuesday workflow decide {} --decision proceed|narrow|redesign|another_pilot --question … \
             --evidence … --link … --reason …; another pilot then gets its own end: tuesday charter set {} pilot_end DAY",
            row.name, row.name
        )))
    }

    /// What was decided about it since its switch was last moved.
    async fn newest_decision(&self, row: &Workflow) -> Result<Option<DecisionRecord>, Problem> {
        let newest = self.0.reader.decisions(&row.name, 1).await;
        let newest = newest.map_err(read_problem)?.into_iter().next();
        let since = row.rollout.switched_at;
        Ok(newest.filter(|d| since.is_none_or(|at| d.decided_at >= at)))
    }

    /// A person must have decided, after the kill, that it works again.
    async fn decided_since_kill(&self, row: &Workflow) -> Result<(), Problem> {
        match self.newest_decision(row).await? {
            Some(d) if d.choice != Choice::Stop => Ok(()),
            found => {
                let words = if found.is_some() {
                    format!("the decision about {} was to stop", row.name)
                } else {
                    format!(
                        "{} was killed, and nobody has decided since what becomes of it",
                        row.name
                    )
                };
                Err(Problem::new("decision_required", words).way_out(format!(
                    "tuesday workflow decide {} --decision redesign|another_pilot|narrow|proceed --question … \
                     --evidence … --link … --reason …",
                    row.name
                )))
            }
        }
    }
}
