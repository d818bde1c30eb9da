//! A person stops a workflow from where they work; whoever may not hears who can.

use std::collections::BTreeMap;

use tuesday_domain::access::{Act, Rights};
use tuesday_domain::actor::Actor;
use tuesday_domain::problem::Problem;
use tuesday_domain::record::{Grant, Workflow};
use tuesday_domain::workflow::Switch;

use crate::engine::{Engine, read_problem};

impl Engine {
    /// Handle and name of every active person whose roles allow `act` on `workflow`, by name.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn who_may(
        &self,
        act: Act,
        workflow: &str,
    ) -> Result<Vec<(String, String)>, Problem> {
        let mut each = self.who_may_each(&[act], workflow).await?;
        Ok(each.pop().unwrap_or_default())
    }

    /// As [`Engine::who_may`] for several acts, in their order.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn who_may_each(
        &self,
        acts: &[Act],
        workflow: &str,
    ) -> Result<Vec<Vec<(String, String)>>, Problem> {
        let reader = &self.0.reader;
        let (grants, people) =
            tokio::try_join!(reader.grants_on(workflow), reader.people()).map_err(read_problem)?;
        let mut held: BTreeMap<String, Vec<Grant>> = BTreeMap::new();
        let now = self.now();
        for grant in grants.into_iter().filter(|g| g.holds(now)) {
            held.entry(grant.person.clone()).or_default().push(grant);
        }
        let mut there: Vec<_> = people
            .into_iter()
            .filter(|p| p.active)
            .map(|p| {
                let rights = Rights::new(held.remove(&p.handle).unwrap_or_default());
                (rights, (p.handle, p.name))
            })
            .collect();
        there.sort_by(|a, b| a.1.1.cmp(&b.1.1));
        let of = |act: &Act| {
            let may = there
                .iter()
                .filter(|(rights, _)| rights.may(*act, workflow));
            may.map(|(_, person)| person.clone()).collect()
        };
        Ok(acts.iter().map(of).collect())
    }

    /// Passes when `by` may do `act` on the workflow now.
    ///
    /// # Errors
    /// `not_allowed` with the names of those who may.
    pub async fn allowed(&self, act: Act, workflow: &str, by: &str) -> Result<(), Problem> {
        let may = self.who_may(act, workflow).await?;
        if may.iter().any(|(handle, _)| handle == by) {
            return Ok(());
        }
        let names: Vec<String> = may.into_iter().map(|(_, name)| name).collect();
        let what = act.word().replace('_', " ");
        let words = format!("the roles of {by} do not allow it to {workflow}: {what}");
        let way_out = if names.is_empty() {
            "nobody holds a role that may; an administrator grants one".to_owned()
        } else {
            format!("ask one of: {}", names.join(", "))
        };
        Err(Problem::new("not_allowed", words)
            .way_out(way_out)
            .with("people", names))
    }

    /// `by` pauses the workflow: nothing of it acts by itself until somebody resumes it.
    ///
    /// # Errors
    /// `not_allowed` with the names of those who may; `reason_required`, `workflow_killed`,
    /// `unknown_workflow`.
    pub async fn pause(&self, workflow: &str, by: &str, reason: &str) -> Result<Workflow, Problem> {
        self.allowed(Act::PauseWorkflow, workflow, by).await?;
        let by = Actor::Person(by.to_owned());
        self.set_switch(workflow, Switch::Paused, &by, reason).await
    }
}
