//! Narrows a workflow short of a pause: fewer groups, departments, tiers, types, a share of the events,
//! or a lower stage. Everybody else's work goes to people. Lifting it is the same act with nothing.

use tuesday_domain::access::Act;
use tuesday_domain::actor::Actor;
use tuesday_domain::problem::Problem;
use tuesday_domain::record::{Choice, Workflow};
use tuesday_domain::scope::{Reach, Restriction};
use tuesday_domain::workflow::Switch;

use super::standing::{Move, contended, reasoned};
use crate::engine::{Engine, read_problem};

impl Engine {
    /// Sets the restriction. `sure` confirms one that leaves nothing or everything.
    ///
    /// # Errors
    /// `confirm_scope` saying which; where it lets more in, `not_allowed` for a person who may not set the stage,
    /// `review_required` without a review of the evidence since the stage began, `capacity_exceeded` when people could not keep up, `bad_request` at the field, `reason_required`,
    /// `workflow_killed`, `workflow_retired`, `unknown_workflow`.
    pub async fn restrict(
        &self,
        name: &str,
        scope: Restriction,
        sure: bool,
        by: &Actor,
        reason: &str,
    ) -> Result<Workflow, Problem> {
        reasoned(reason)?;
        let narrowed = || async {
            let row = self.not_retired(name).await?;
            if !scope.within(&row.rollout.scope) {
                self.may_widen(name, by).await?;
            }
            let moved = self.restricted(row, scope.clone(), sure).await?;
            self.commit_move(moved, by, reason).await
        };
        contended(!scope.is_empty(), || Box::pin(narrowed())).await
    }

    /// Whoever may pause may narrow; to serve more is a step of the rollout. The machine's account has no roles:
    /// it is whoever has the database. Somebody of that name whom a door would let in is asked like anybody.
    async fn may_widen(&self, name: &str, by: &Actor) -> Result<(), Problem> {
        let Some(person) = by.person() else {
            return Ok(());
        };
        if person == "administrator" {
            let may = self.who_may(Act::PauseWorkflow, name).await?;
            if !may.iter().any(|(handle, _)| handle == person) {
                return Ok(());
            }
        }
        self.allowed(Act::SetStage, name, person).await
    }

    /// The move to a restriction, once nothing speaks against it.
    pub(super) async fn restricted(
        &self,
        mut row: Workflow,
        scope: Restriction,
        sure: bool,
    ) -> Result<Move, Problem> {
        let name = &row.name.clone();
        if row.switch == Switch::Killed {
            return Err(Problem::new("workflow_killed", format!("{name} is killed")));
        }
        if scope.percent.is_some_and(|p| p > 100) {
            return Err(
                Problem::new("bad_request", "a share lies between 0 and 100").field("percent"),
            );
        }
        let (_, live) = self.live(name).await?;
        let declared = &live.ready.def.rollout.scope;
        let what = match scope.reach(declared, row.stage) {
            Reach::Nothing => match scope.unreadable(declared) {
                Some(axis) => format!(
                    "it leaves nothing: the package does not say where an item's {axis} is read ([rollout.scope] {axis})"
                ),
                None => "it leaves nothing: every event would go to people".to_owned(),
            },
            Reach::Everything => "it leaves everything: nobody is excluded".to_owned(),
            Reach::Part => String::new(),
        };
        if !what.is_empty() && !sure {
            return Err(
                Problem::new("confirm_scope", format!("{}: {what}", scope.words()))
                    .way_out("name others, or confirm it (--yes) if that is what you mean"),
            );
        }
        if !scope.within(&row.rollout.scope) {
            self.has_room(&row, &scope).await?;
            self.reviewed_since_stage(&row).await?;
        }
        let words = format!("scope {} → {}", row.rollout.scope.words(), scope.words());
        row.switch = match row.switch {
            Switch::Running | Switch::Restricted if scope.is_empty() => Switch::Running,
            Switch::Running | Switch::Restricted => Switch::Restricted,
            other => other,
        };
        row.rollout.scope = scope;
        Ok(Move::new(row, "workflow.restricted", words))
    }

    /// Somebody must have looked at the evidence of the stage before more is served, and not have decided to
    /// stop.
    pub(super) async fn reviewed_since_stage(&self, row: &Workflow) -> Result<(), Problem> {
        let began = row.rollout.staged_at.unwrap_or(row.installed_at);
        let newest = self.0.reader.decisions(&row.name, 1).await;
        let newest = newest.map_err(read_problem)?.into_iter().next();
        let words = match newest.filter(|d| d.decided_at >= began) {
            Some(d) if d.choice == Choice::Stop => {
                format!("the decision about stage {} was to stop", row.stage)
            }
            Some(_) => return Ok(()),
            None => format!(
                "nobody has reviewed the evidence of stage {} since it began",
                row.stage
            ),
        };
        Err(Problem::new("review_required", words).way_out(format!(
            "tuesday workflow decide {} --decision proceed --question … --evidence … --link … --reason …",
            row.name
        )))
    }
}
