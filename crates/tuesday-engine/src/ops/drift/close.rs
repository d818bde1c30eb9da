//! A person says what a finding was; from then on the shifts after it are looked at anew.

use tuesday_domain::access::Act;
use tuesday_domain::actor::Actor;
use tuesday_domain::problem::Problem;
use tuesday_domain::record::{
    AuditEntry, Change, Decision, DriftFinding, DriftState, LoadChange, Subject,
};

use crate::engine::{Engine, apply_problem, read_problem};

impl Engine {
    /// Closes a finding with what it was.
    ///
    /// # Errors
    /// `not_found`, `illegal_state` when it is closed, `reason_required` without a note, `not_allowed`,
    /// `revision_moved`.
    pub async fn close_drift(
        &self,
        name: &str,
        seq: u32,
        note: &str,
        by: &str,
    ) -> Result<DriftFinding, Problem> {
        if note.trim().is_empty() {
            let words = "say what it was";
            return Err(Problem::new("reason_required", words).field("note"));
        }
        self.allowed(Act::HandleIncident, name, by).await?;
        let all = self.0.reader.drift_findings(name, 1_000).await;
        let found = all
            .map_err(read_problem)?
            .into_iter()
            .find(|f| f.seq == seq);
        let none = || Problem::new("not_found", format!("{name} has no finding {seq}"));
        let old = found.ok_or_else(none)?;
        if old.state == DriftState::Closed {
            return Err(Problem::new("illegal_state", "this finding is closed"));
        }
        let now = self.now();
        let closed = DriftFinding {
            state: DriftState::Closed,
            note: Some(note.trim().to_owned()),
            closed_by: Some(by.to_owned()),
            closed_at: Some(now),
            revision: old.revision + 1,
            ..old
        };
        let subject = Subject::Workflow(name.to_owned());
        let entry = AuditEntry::new(now, Actor::Person(by.to_owned()), "drift.closed", subject)
            .fact("finding", seq)
            .fact("note", note.trim());
        let change = LoadChange::CloseFinding(closed.clone());
        let decision = Decision {
            changes: vec![Change::Load(Box::new(change))],
            entry,
        };
        self.apply(decision).await.map_err(apply_problem)?;
        Ok(closed)
    }
}
