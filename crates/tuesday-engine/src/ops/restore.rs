//! A database that was put back from a backup: everything stands still until somebody resumes it, and
//! what older runs have not sent is looked for before it is sent.
//!
//! Between the backup and the restore this instance may have written what its database no longer
//! knows. The keys of those writes are the same, because the runs are; so a look finds them. What
//! was accepted after the backup is not in it, and is started again by `trigger backfill` only.

use tuesday_domain::actor::Actor;
use tuesday_domain::definition::TriggerKind;
use tuesday_domain::problem::Problem;
use tuesday_domain::record::{AuditEntry, Change, Cursor, Decision, Run, Subject};
use tuesday_domain::workflow::Switch;

use crate::engine::{Engine, apply_problem, read_problem};

/// What a restore stopped.
#[derive(Clone, Debug, serde::Serialize)]
pub struct Restored {
    /// Workflows that are paused now and were not before.
    pub paused: Vec<String>,
    /// Entries of the audit log at that moment.
    pub entries: u64,
}

impl Engine {
    /// Marks the database as restored, pauses every workflow that runs, and moves schedules to now.
    ///
    /// # Errors
    /// `unavailable`, or a release that cannot be loaded.
    pub async fn mark_restored(&self, by: &Actor, reason: &str) -> Result<Restored, Problem> {
        let now = self.now();
        let entries = self.0.reader.audit_size().await.map_err(read_problem)?;
        let mut changes = vec![Change::MarkRestored { at: now }];
        let mut paused = Vec::new();
        for mut workflow in self.0.reader.workflows().await.map_err(read_problem)? {
            let (_, live) = self.live(&workflow.name).await?;
            for trigger in &live.ready.def.trigger {
                if trigger.kind == TriggerKind::Schedule {
                    changes.push(Change::PutCursor(Cursor {
                        workflow: workflow.name.clone(),
                        trigger: trigger.name.clone(),
                        value: now.micros().to_string(),
                    }));
                }
            }
            if matches!(workflow.switch, Switch::Running | Switch::Restricted) {
                workflow.switch = Switch::Paused;
                workflow.version += 1;
                paused.push(workflow.name.clone());
                changes.push(Change::PutWorkflow(Box::new(workflow)));
            }
        }
        let mut entry = AuditEntry::new(now, by.clone(), "instance.restored", Subject::Instance)
            .fact("reason", reason)
            .fact("entries", entries);
        entry.moves = paused.iter().map(|w| format!("{w} paused")).collect();
        self.crash_point("restore.before_commit");
        self.apply(Decision { changes, entry })
            .await
            .map_err(apply_problem)?;
        self.crash_point("restore.after_commit");
        let _ = self.0.catalog.refresh(&self.0.reader).await;
        Ok(Restored { paused, entries })
    }

    /// May this run have sent what its record says is unsent?
    pub(crate) fn may_have_sent(&self, run: &Run) -> bool {
        let restored = self.0.config.restored_at;
        restored.is_some_and(|at| run.received_at < at)
    }
}
