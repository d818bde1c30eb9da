//! Why a workflow stopped: opened with the stop, answered from records and by people, closed in full.
//! One verb one file.

mod answer;
mod close;
mod known;
mod open;
mod show;

pub use answer::PostmortemAnswer;
pub use close::ClosedWith;
pub(in crate::ops) use open::Stop;
pub use show::{OfferedCause, PostmortemView};

use tuesday_domain::access::Act;
use tuesday_domain::actor::Actor;
use tuesday_domain::postmortem::Answer;
use tuesday_domain::problem::Problem;
use tuesday_domain::record::{AuditEntry, Change, Decision, Postmortem, Subject, TroubleChange};
use tuesday_domain::time::Timestamp;

use crate::engine::{Engine, apply_problem, read_problem};

/// Most bytes of each text.
const MOST: usize = 8 * 1_024;

/// An entry about a postmortem.
fn entry(p: &Postmortem, actor: Actor, kind: &'static str, at: Timestamp) -> AuditEntry {
    AuditEntry::new(at, actor, kind, Subject::Workflow(p.workflow.clone()))
        .fact("postmortem", p.seq)
}

/// What people answered so far, or all seven of a closed one.
fn stored(p: &Postmortem) -> Result<Vec<Answer>, Problem> {
    serde_json::from_str(&p.answers).map_err(|e| {
        let words = format!("the answers of postmortem {} cannot be read: {e}", p.seq);
        Problem::new("record_damaged", words)
    })
}

fn short(field: &'static str, text: &str) -> Result<String, Problem> {
    if text.len() > MOST {
        let words = format!("{field} holds at most {MOST} bytes");
        return Err(Problem::new("body_too_large", words).field(field));
    }
    Ok(text.trim().to_owned())
}

impl Engine {
    /// The postmortem as it is stored.
    async fn postmortem_row(&self, workflow: &str, seq: u32) -> Result<Postmortem, Problem> {
        let found = self.0.reader.postmortem(workflow, seq).await;
        found.map_err(read_problem)?.ok_or_else(|| {
            let words = format!("{workflow} has no postmortem {seq}");
            Problem::new("not_found", words)
        })
    }

    /// Whoever answers it, and whoever handles incidents of the workflow.
    async fn may_answer(&self, p: &Postmortem, by: &str) -> Result<(), Problem> {
        let rights = self.rights(by).await?;
        let known = self.0.reader.person(by).await.map_err(read_problem)?;
        let active = known.is_some_and(|k| k.active);
        if active && (p.owner == by || rights.may(Act::HandleIncident, &p.workflow)) {
            return Ok(());
        }
        let words = format!("{by} does not answer the postmortems of {}", p.workflow);
        Err(Problem::new("not_allowed", words)
            .way_out(format!("ask {}", p.owner))
            .with("people", vec![p.owner.clone()]))
    }

    async fn commit_postmortem(
        &self,
        mut row: Postmortem,
        entry: AuditEntry,
        more: Vec<Change>,
    ) -> Result<Postmortem, Problem> {
        row.version += 1;
        let update = TroubleChange::UpdatePostmortem(row.clone());
        let mut changes = vec![Change::Trouble(Box::new(update))];
        changes.extend(more);
        self.apply(Decision { changes, entry })
            .await
            .map_err(apply_problem)?;
        Ok(row)
    }
}
