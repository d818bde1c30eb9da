//! What an approval rests on, looked at again before it counts. A change is noted on the task and
//! told with the difference; only somebody who was shown it can accept it.

use serde_json::json;
use tuesday_domain::definition::TierSpec;
use tuesday_domain::problem::Problem;
use tuesday_domain::recheck::{Recheck, Standing};
use tuesday_domain::record::PayloadKind;
use tuesday_domain::review::ReviewEvent;

use super::approve::{Approval, declared_reason};
use super::cleared::seen_changes;
use super::task::{Task, draft};
use crate::engine::Engine;
use crate::steps::recheck::{look, wanted};

impl Task {
    /// What the newest look found, as it was noted on the task.
    pub(crate) fn recheck(&self) -> Option<Recheck> {
        let bytes = self.bytes(self.review.recheck_ref?)?;
        serde_json::from_slice(&bytes).ok()
    }

    pub(crate) fn tier(&self) -> Option<&TierSpec> {
        let tiers = &self.release.ready.def.review.tier;
        tiers.iter().find(|t| t.name == self.review.tier)
    }
}

impl Engine {
    /// Looks at the watched sources. `Ok` with what was found when the approval may count; accepted
    /// changes carry the person's name.
    pub(super) async fn rechecked(
        &self,
        task: &Task,
        by: &str,
        approval: &Approval,
    ) -> Result<Option<Recheck>, Problem> {
        if !wanted(&task.release) {
            return Ok(None);
        }
        let (Some(snapshot), Some(facts)) = (task.snapshot(), task.facts()) else {
            return Err(Problem::new(
                "record_damaged",
                "the frozen inputs cannot be read",
            ));
        };
        let run = task.run.id;
        let mut found = look(self, &task.release, run, &snapshot, &facts, None).await;
        self.crash_point("approve.after_recheck");
        if found.standing == Standing::Same {
            return Ok(Some(found));
        }
        let seen = task.recheck().is_some_and(|shown| shown.shows(&found));
        if found.standing == Standing::Changed && approval.accept_changed && seen {
            may_accept(task, approval)?;
            found.accepted_by = Some(by.to_owned());
            return Ok(Some(found));
        }
        let revision = if seen {
            task.review.revision
        } else {
            self.note_change(task, by, &found).await?
        };
        Err(changed(task, by, &found, revision))
    }

    /// Keeps what was found on the task; the task stays with its person. Answers its new revision.
    async fn note_change(&self, task: &Task, by: &str, found: &Recheck) -> Result<u32, Problem> {
        let mut draft = draft(task, by, "review.source_changed", self.now());
        let mut review = task.review.clone();
        let bytes = serde_json::to_vec(found).unwrap_or_default();
        review.recheck_ref = Some(draft.payload(PayloadKind::Note, bytes));
        let fields: Vec<String> = found
            .watched()
            .map(|c| format!("{}.{}", c.source, c.field))
            .collect();
        draft.fact("fields", fields);
        draft.fact("standing", json!(found.standing));
        draft.review(&mut review, ReviewEvent::Note)?;
        self.crash_point("approve.before_note_commit");
        self.commit_task(review.id, draft).await?;
        self.crash_point("approve.after_note_commit");
        Ok(review.revision)
    }
}

/// Accepting a change takes a tier that allows it and a reason.
pub(super) fn may_accept(task: &Task, approval: &Approval) -> Result<(), Problem> {
    if !task.tier().is_some_and(|t| t.may_accept_changed) {
        return Err(Problem::new(
            "not_allowed",
            format!(
                "tier {} may not approve what has changed since",
                task.review.tier
            ),
        )
        .way_out("regenerate, or reject"));
    }
    declared_reason(task, approval.reason.as_deref(), "approving a change")
}

/// The refusal with everything a person needs to go on.
pub(super) fn changed(task: &Task, by: &str, found: &Recheck, revision: u32) -> Problem {
    let code = match found.standing {
        Standing::Changed | Standing::Same => "source_changed",
        Standing::Missing => "target_missing",
        Standing::Unknown => "freshness_unknown",
    };
    let may =
        found.standing == Standing::Changed && task.tier().is_some_and(|t| t.may_accept_changed);
    let way_out = match (found.standing, may) {
        (Standing::Unknown, _) => "approve again when the source answers",
        (_, true) => "regenerate, or approve it all the same with a reason (accept_changed)",
        (_, false) => "regenerate, or reject",
    };
    let veil = task.veil(by);
    let strictest = veil.strictest();
    let shown = |words: &str| veil.text(words, strictest);
    let problems: Vec<String> = found.problems.iter().map(|p| shown(p)).collect();
    Problem::new(code, shown(&found.words().join("; ")))
        .with("changes", json!(seen_changes(task, by, &found.changes)))
        .with("problems", json!(problems))
        .with("may_accept", may)
        .with("revision", revision)
        .way_out(way_out)
}
