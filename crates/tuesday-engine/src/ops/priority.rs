//! The sponsor says which workflow comes first: in the queue of people and in that of machines.

use tuesday_domain::actor::Actor;
use tuesday_domain::problem::Problem;
use tuesday_domain::record::{AuditEntry, DeskChange, PriorityClass, Subject, WorkflowPriority};

use crate::engine::Engine;

impl Engine {
    /// `by` sets the class of a workflow. Takes effect on every node within a second.
    ///
    /// # Errors
    /// `not_allowed` unless `by` is the workflow's sponsor, or the operator owner where none is
    /// named; `reason_required`, `unknown_workflow`.
    pub async fn set_priority(
        &self,
        workflow: &str,
        class: PriorityClass,
        by: &str,
        reason: &str,
    ) -> Result<WorkflowPriority, Problem> {
        if reason.trim().is_empty() {
            return Err(
                Problem::new("reason_required", "a priority needs a reason").field("reason")
            );
        }
        let (_, live) = self.live(workflow).await?;
        let owners = &live.ready.def.owners;
        let sponsor = owners.sponsor.as_ref().unwrap_or(&owners.operator);
        if sponsor.handle != by {
            return Err(Problem::new(
                "not_allowed",
                format!("{by} does not set the priority of {workflow}"),
            )
            .with("people", vec![sponsor.handle.clone()])
            .way_out(format!("ask {}", sponsor.name)));
        }
        let row = WorkflowPriority {
            workflow: workflow.to_owned(),
            class,
            set_by: by.to_owned(),
            reason: reason.to_owned(),
            set_at: self.now(),
        };
        let entry = AuditEntry::new(
            row.set_at,
            Actor::Person(by.to_owned()),
            "workflow.priority",
            Subject::Workflow(workflow.to_owned()),
        )
        .fact("class", class.word())
        .fact("reason", reason);
        self.desk(DeskChange::PutPriority(row.clone()), entry)
            .await?;
        self.0.catalog.put_priority(&row);
        Ok(row)
    }
}
