//! A person eases off: what the response did is taken back, through the doors that a person's own
//! restriction and pause go through. The system never does it by itself.

use tuesday_domain::access::Act;
use tuesday_domain::actor::Actor;
use tuesday_domain::capacity::Step;
use tuesday_domain::problem::Problem;
use tuesday_domain::record::Workflow;
use tuesday_domain::workflow::Switch;

use crate::engine::Engine;
use crate::ops::standing::{Move, reasoned};

impl Engine {
    /// Takes the steps of the response back, or only one of them; none follows on the same day.
    ///
    /// # Errors
    /// `illegal_state` when there is nothing to ease; `capacity_exceeded` when the scope before would be
    /// more than people can do; the refusals of restricting and of resuming; `reason_required`,
    /// `not_allowed`, `unknown_workflow`.
    pub async fn ease_load(
        &self,
        name: &str,
        only: Option<Step>,
        reason: &str,
        by: &str,
    ) -> Result<Workflow, Problem> {
        reasoned(reason)?;
        self.allowed(Act::ResumeWorkflow, name, by).await?;
        let row = self.not_retired(name).await?;
        let taken = |step: Step| row.rollout.load.took(step) && only.is_none_or(|o| o == step);
        let [narrow, slow, pause] = [Step::Narrow, Step::Slow, Step::Pause].map(taken);
        if !(narrow || slow || pause) {
            let words = format!("no step of the response to too much work holds for {name}");
            return Err(Problem::new("illegal_state", words));
        }
        let today = self.today(Some(name)).await?;
        let actor = Actor::Person(by.to_owned());
        let before = row.rollout.load.before.clone();
        let mut moved = match before.filter(|b| narrow && *b != row.rollout.scope) {
            Some(scope) => self.restricted(row, scope, true).await?,
            None => Move::new(row, "capacity.eased", String::new()),
        };
        moved.kind = "capacity.eased";
        let load = &mut moved.row.rollout.load;
        load.steps.retain(|t| match t.step {
            Step::Narrow => !narrow,
            Step::Slow => !slow,
            // Leaving a pause has its own door, right after.
            Step::Pause => !pause,
        });
        if slow {
            load.slow = None;
        }
        if narrow || load.steps.is_empty() {
            load.before = None;
        }
        load.eased = Some(today);
        let words = match (moved.words.is_empty(), slow) {
            (true, true) => "intake slowed open".to_owned(),
            (true, false) => "load steps eased".to_owned(),
            (false, true) => format!("{}; intake slowed open", moved.words),
            (false, false) => moved.words,
        };
        moved.words = words;
        let told = format!("{by} eased off the response to too much review work: {reason}");
        let moved = moved.tell(told);
        let resumes = pause && moved.row.switch == Switch::Paused;
        let row = self.commit_move(moved, &actor, reason).await?;
        if resumes {
            return self.set_switch(name, Switch::Running, &actor, reason).await;
        }
        Ok(row)
    }
}
