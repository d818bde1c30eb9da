//! Sets a workflow's stage or switch, with a reason, inside what its label allows.

use tuesday_domain::actor::Actor;
use tuesday_domain::problem::Problem;
use tuesday_domain::record::{AuditEntry, Change, Decision, Subject, Workflow};
use tuesday_domain::workflow::{Stage, Switch};

use crate::engine::{Engine, apply_problem, read_problem};

impl Engine {
    /// Moves the stage; up only as far as the label's cap.
    ///
    /// # Errors
    /// `label_cap`, `reason_required`, `unknown_workflow`.
    pub async fn set_stage(
        &self,
        name: &str,
        to: Stage,
        by: &Actor,
        reason: &str,
    ) -> Result<Workflow, Problem> {
        self.change_workflow(name, by, reason, "workflow.stage", |w| {
            if to > w.label.cap() {
                return Err(Problem::new(
                    "label_cap",
                    format!("label {} allows at most {}", w.label, w.label.cap()),
                )
                .way_out("a higher label is earned from evidence"));
            }
            let words = format!("{} {}", w.stage, to);
            w.stage = to;
            Ok(words)
        })
        .await
    }

    /// Moves the switch. Leaving `killed` needs a decision record, which this version does not take.
    ///
    /// # Errors
    /// `workflow_killed`, `reason_required`, `unknown_workflow`.
    pub async fn set_switch(
        &self,
        name: &str,
        to: Switch,
        by: &Actor,
        reason: &str,
    ) -> Result<Workflow, Problem> {
        self.change_workflow(name, by, reason, "workflow.switch", |w| {
            if w.switch == Switch::Killed && to != Switch::Killed {
                return Err(Problem::new(
                    "workflow_killed",
                    "leaving killed needs a decision record",
                ));
            }
            let words = format!("{} {}", w.switch, to);
            w.switch = to;
            Ok(words)
        })
        .await
    }

    async fn change_workflow(
        &self,
        name: &str,
        by: &Actor,
        reason: &str,
        kind: &'static str,
        change: impl FnOnce(&mut Workflow) -> Result<String, Problem>,
    ) -> Result<Workflow, Problem> {
        if reason.trim().is_empty() {
            return Err(
                Problem::new("reason_required", "this change needs a reason").field("reason"),
            );
        }
        let mut row = self
            .0
            .reader
            .workflow(name)
            .await
            .map_err(read_problem)?
            .ok_or_else(|| {
                Problem::new("unknown_workflow", format!("there is no workflow `{name}`"))
            })?;
        let words = change(&mut row)?;
        row.version += 1;
        let mut entry = AuditEntry::new(
            self.now(),
            by.clone(),
            kind,
            Subject::Workflow(name.to_owned()),
        )
        .fact("reason", reason);
        entry
            .moves
            .push(format!("{} {words}", kind.trim_start_matches("workflow.")));
        let decision = Decision {
            changes: vec![Change::PutWorkflow(Box::new(row.clone()))],
            entry,
        };
        self.apply(decision).await.map_err(apply_problem)?;
        let _ = self.0.catalog.refresh(&self.0.reader).await;
        Ok(row)
    }
}
