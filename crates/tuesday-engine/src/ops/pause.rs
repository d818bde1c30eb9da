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
        let reader = &self.0.reader;
        let (grants, people) =
            tokio::try_join!(reader.grants(), reader.people()).map_err(read_problem)?;
        let mut held: BTreeMap<String, Vec<Grant>> = BTreeMap::new();
        for grant in grants {
            held.entry(grant.person.clone()).or_default().push(grant);
        }
        let may = |handle: &str| {
            let grants = held.get(handle).cloned().unwrap_or_default();
            Rights::new(grants).may(act, workflow)
        };
        let mut out: Vec<_> = people
            .into_iter()
            .filter(|p| p.active && may(&p.handle))
            .map(|p| (p.handle, p.name))
            .collect();
        out.sort_by(|a, b| a.1.cmp(&b.1));
        Ok(out)
    }

    /// `by` pauses the workflow: nothing of it acts by itself until somebody resumes it.
    ///
    /// # Errors
    /// `not_allowed` with the names of those who may; `reason_required`, `workflow_killed`,
    /// `unknown_workflow`.
    pub async fn pause(&self, workflow: &str, by: &str, reason: &str) -> Result<Workflow, Problem> {
        let may = self.who_may(Act::PauseWorkflow, workflow).await?;
        if !may.iter().any(|(handle, _)| handle == by) {
            let names: Vec<String> = may.into_iter().map(|(_, name)| name).collect();
            let words = format!("your roles do not allow you to pause {workflow}");
            return Err(Problem::new("not_allowed", words)
                .way_out(format!("ask one of: {}", names.join(", ")))
                .with("people", names));
        }
        let by = Actor::Person(by.to_owned());
        self.set_switch(workflow, Switch::Paused, &by, reason).await
    }
}
