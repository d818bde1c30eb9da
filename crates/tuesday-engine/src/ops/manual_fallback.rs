//! Gives the work of a workflow back to people for a while, and takes it up again.

use tuesday_domain::actor::Actor;
use tuesday_domain::charter::fallback::{Fallback, declared};
use tuesday_domain::charter::{Facts, Statement};
use tuesday_domain::problem::Problem;
use tuesday_domain::record::{Change, CharterChange, Workflow};

use super::standing::{Move, contended, reasoned};
use crate::engine::{Engine, read_problem};

impl Engine {
    /// On: what is held, and every new event, becomes a manual work item of the person the package
    /// names, with its inputs. Off: new events are worked on again; what people have stays theirs.
    ///
    /// # Errors
    /// `reason_required`, `workflow_retired`, `unknown_workflow`.
    pub async fn manual_fallback(
        &self,
        name: &str,
        on: bool,
        by: &Actor,
        reason: &str,
    ) -> Result<Workflow, Problem> {
        reasoned(reason)?;
        contended(on, || Box::pin(self.fallback(name, on, by, reason))).await
    }

    async fn fallback(
        &self,
        name: &str,
        on: bool,
        by: &Actor,
        reason: &str,
    ) -> Result<Workflow, Problem> {
        let mut row = self.not_retired(name).await?;
        let declared = if row.rollout.fallback == on {
            None
        } else {
            Some(self.fallback_declared(name, on, by).await?)
        };
        row.rollout.fallback = on;
        let words = if on { "off on" } else { "on off" };
        let mut moved = Move::new(row, "workflow.fallback", format!("fallback {words}"));
        if on {
            moved = moved.tell("its work is done by hand until further notice".to_owned());
        }
        moved.changes.extend(declared);
        self.commit_move(moved, by, reason).await
    }

    /// Keeps that a declared use begins or ends: what the old way is used for meanwhile re-opens nothing.
    async fn fallback_declared(&self, name: &str, on: bool, by: &Actor) -> Result<Change, Problem> {
        let now = self.now();
        let (about, value) = if on {
            Fallback::begun(now)
        } else {
            let facts = self.0.reader.charter_facts(name).await;
            let open = declared(&Facts::new(facts.map_err(read_problem)?));
            let open = open.into_iter().find(|f| f.until.is_none());
            // One that began before this was kept excuses nothing.
            (open.map_or(now, |f| f.from).rfc3339(), Fallback::ended(now))
        };
        let by = by.to_string();
        let statement = Statement::FallbackUse;
        let fact = self.next_fact(name, statement, &about, value, &by).await?;
        let insert = CharterChange::InsertFact(fact);
        Ok(Change::Charter(Box::new(insert)))
    }
}
