//! An approved release becomes the live one: new runs get it, reviewers hear of it before its output
//! reaches them.

use tuesday_domain::access::Act;
use tuesday_domain::actor::Actor;
use tuesday_domain::id::ReleaseId;
use tuesday_domain::problem::Problem;
use tuesday_domain::record::{Change, Decision, Release, ReleaseState};
use tuesday_domain::release::ReleaseEvent;

use super::{entry, moved, told};
use crate::engine::{Engine, read_problem};

impl Engine {
    /// `by` puts an approved release live.
    ///
    /// # Errors
    /// `gate_not_passed` unless it is approved on exactly this text and the table in force,
    /// `not_allowed`.
    pub async fn promote_release(&self, id: ReleaseId, by: &Actor) -> Result<Release, Problem> {
        let mut row = self.release_row(id).await?;
        self.may_release(Act::ProposeRelease, &row.workflow, by)
            .await?;
        let mut gate = self.gate_passed(&row, ReleaseState::Approved).await?;
        let found = self.0.reader.workflow(&row.workflow).await;
        let mut workflow = found.map_err(read_problem)?.ok_or_else(|| {
            Problem::new(
                "unknown_workflow",
                format!("there is no workflow `{}`", row.workflow),
            )
        })?;
        let old = self.release_row(workflow.live_release).await?;
        let loaded = self.loaded(id).await?;
        let (away, _, away_words) = moved(&old, ReleaseEvent::Supersede)?;
        let (change, to, words) = moved(&row, ReleaseEvent::Promote)?;
        row.state = to;
        let (now, def) = (self.now(), &loaded.ready.def);
        workflow.live_release = id;
        workflow.title.clone_from(&def.workflow.title);
        workflow.owner.clone_from(&def.owners.operator.handle);
        workflow.version += 1;
        gate.live_at = Some(now);
        let mut entry = entry("release.live", &row, by, now).fact("before", old.number);
        entry.moves.extend([words, away_words]);
        let mut changes = vec![away, change];
        changes.extend(self.named(def, by, now).await?);
        changes.push(Change::PutWorkflow(Box::new(workflow)));
        changes.push(Change::PutGate(Box::new(gate)));
        let title = format!(
            "{}: release {} is live in place of release {}",
            row.workflow, row.number, old.number
        );
        let mut people: Vec<&str> = def
            .owners
            .people()
            .into_iter()
            .map(|p| p.handle.as_str())
            .collect();
        people.sort_unstable();
        people.dedup();
        changes.extend(
            people
                .into_iter()
                .map(|p| told(&row, p, "release_live", title.clone(), now)),
        );
        self.commit_release(Decision { changes, entry }).await?;
        let _ = self.0.catalog.refresh(&self.0.reader).await;
        Ok(row)
    }
}
