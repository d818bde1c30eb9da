//! What every change of a workflow's standing needs: its row, a reason, one decision with the notices
//! that tell its people.

use serde_json::Value;
use tuesday_domain::actor::Actor;
use tuesday_domain::problem::Problem;
use tuesday_domain::record::{AuditEntry, Change, Decision, Subject, Workflow};
use tuesday_domain::workflow::Label;

use crate::engine::{Engine, apply_problem, read_problem};
use crate::maintenance::notice;

/// How often a change that lost to another one is decided again before the person is told.
const AGAIN: u32 = 4;

/// A change of a workflow's row in the making.
pub(in crate::ops) struct Move {
    /// The row as it will be; still in the version that was read.
    pub(in crate::ops) row: Workflow,
    /// What the audit entry is called.
    pub(in crate::ops) kind: &'static str,
    /// Field, before and after: `switch running killed`.
    pub(in crate::ops) words: String,
    /// Further facts of the entry.
    pub(in crate::ops) facts: Vec<(&'static str, Value)>,
    /// Further rows.
    pub(in crate::ops) changes: Vec<Change>,
    /// What the people of the workflow are told; nobody is when absent.
    pub(in crate::ops) told: Option<String>,
}

impl Move {
    pub(in crate::ops) fn new(row: Workflow, kind: &'static str, words: String) -> Self {
        Self {
            row,
            kind,
            words,
            facts: Vec::new(),
            changes: Vec::new(),
            told: None,
        }
    }

    pub(in crate::ops) fn tell(mut self, words: String) -> Self {
        self.told = Some(words);
        self
    }
}

/// The reason, when one was given.
pub(in crate::ops) fn reasoned(reason: &str) -> Result<(), Problem> {
    if reason.trim().is_empty() {
        return Err(Problem::new("reason_required", "this change needs a reason").field("reason"));
    }
    Ok(())
}

/// Reads and moves the row again when another change came between: who stops or narrows a workflow must
/// not lose to something the engine did to the same row in that moment. Who widens it decides anew.
pub(in crate::ops) async fn contended<T, F>(
    narrows: bool,
    mut act: impl FnMut() -> F,
) -> Result<T, Problem>
where
    F: Future<Output = Result<T, Problem>>,
{
    for _ in 0..if narrows { AGAIN } else { 0 } {
        match act().await {
            Err(p) if p.code == "revision_moved" => {}
            done => return done,
        }
    }
    act().await
}

impl Engine {
    /// The workflow's row as it is stored now.
    pub(in crate::ops) async fn standing(&self, name: &str) -> Result<Workflow, Problem> {
        let row = self.0.reader.workflow(name).await.map_err(read_problem)?;
        row.ok_or_else(|| {
            Problem::new("unknown_workflow", format!("there is no workflow `{name}`"))
        })
    }

    /// As [`Engine::standing`], for what a retired workflow cannot do any more.
    pub(in crate::ops) async fn not_retired(&self, name: &str) -> Result<Workflow, Problem> {
        let row = self.standing(name).await?;
        if row.label == Label::Retired {
            return Err(
                Problem::new("workflow_retired", format!("{name} is retired"))
                    .way_out("a retired workflow stays retired; its runs can still be read"),
            );
        }
        Ok(row)
    }

    /// Commits a move with its reason; this node acts by it at once.
    pub(in crate::ops) async fn commit_move(
        &self,
        moved: Move,
        by: &Actor,
        reason: &str,
    ) -> Result<Workflow, Problem> {
        let (mut row, mut changes) = (moved.row, moved.changes);
        row.version += 1;
        let (at, name) = (self.now(), row.name.clone());
        if let Some(words) = moved.told {
            let path = format!("/workflows/{name}");
            let people = self.people_of(&row).await;
            changes.extend(people.into_iter().map(|person| {
                let title = format!("{name}: {words}");
                let told = notice(person, name.clone(), moved.kind, title, path.clone(), at);
                Change::InsertNotice(Box::new(told))
            }));
        }
        changes.insert(0, Change::PutWorkflow(Box::new(row.clone())));
        let mut entry = AuditEntry::new(at, by.clone(), moved.kind, Subject::Workflow(name))
            .fact("reason", reason);
        for (fact, value) in moved.facts {
            entry = entry.fact(fact, value);
        }
        entry.moves.push(moved.words);
        self.apply(Decision { changes, entry })
            .await
            .map_err(apply_problem)?;
        let _ = self.0.catalog.refresh(&self.0.reader).await;
        Ok(row)
    }

    /// Everybody the live release names; the owner alone when it cannot be loaded.
    async fn people_of(&self, row: &Workflow) -> Vec<String> {
        let mut people = vec![row.owner.clone()];
        let release = self.0.catalog.release(&self.0.reader, row.live_release);
        if let Ok(release) = release.await {
            let named = release.ready.def.owners.people();
            people.extend(named.into_iter().map(|p| p.handle.clone()));
        }
        people.sort();
        people.dedup();
        people
    }
}
