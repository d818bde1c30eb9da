//! A person decides what becomes of a workflow, on evidence; kept for good.

use tuesday_domain::actor::Actor;
use tuesday_domain::postmortem::Stopped;
use tuesday_domain::problem::Problem;
use tuesday_domain::record::{
    AuditEntry, Change, Choice, Decision, DecisionRecord, RolloutChange, Subject,
};

use super::postmortem::Stop;
use crate::engine::{Engine, apply_problem};
use crate::ids;

/// Most bytes of each text.
const MOST: usize = 8 * 1_024;

/// What is decided.
#[derive(Clone, Debug)]
pub struct WorkflowDecision {
    /// What was chosen.
    pub choice: Choice,
    /// What was asked.
    pub question: String,
    /// What it rests on.
    pub evidence: String,
    /// Why.
    pub reason: String,
}

impl Engine {
    /// Keeps a decision about a workflow under the name of a person.
    ///
    /// # Errors
    /// `bad_request` naming the empty field, `reason_required`, `body_too_large`, `workflow_retired`,
    /// `unknown_workflow`.
    pub async fn decide_workflow(
        &self,
        name: &str,
        decision: WorkflowDecision,
        by: &str,
    ) -> Result<DecisionRecord, Problem> {
        super::standing::reasoned(&decision.reason)?;
        let fields = [
            ("question", &decision.question),
            ("evidence", &decision.evidence),
            ("reason", &decision.reason),
        ];
        for (field, text) in fields {
            if text.trim().is_empty() {
                return Err(Problem::new("bad_request", format!("the {field} is empty"))
                    .field(field)
                    .way_out("say what was asked, what the answer rests on, and why"));
            }
            if text.len() > MOST {
                let words = format!("the {field} holds at most {MOST} bytes");
                return Err(Problem::new("body_too_large", words).field(field));
            }
        }
        let row = self.not_retired(name).await?;
        let record = DecisionRecord {
            id: ids::decision(),
            workflow: row.name.clone(),
            choice: decision.choice,
            question: decision.question,
            evidence: decision.evidence,
            reason: decision.reason,
            decided_by: by.to_owned(),
            decided_at: self.now(),
        };
        let entry = AuditEntry::new(
            record.decided_at,
            Actor::Person(by.to_owned()),
            "workflow.decided",
            Subject::Workflow(row.name.clone()),
        )
        .fact("decision", record.id.to_string())
        .fact("choice", record.choice.word())
        .fact("question", record.question.clone())
        .fact("evidence", record.evidence.clone())
        .fact("reason", record.reason.clone());
        let insert = RolloutChange::InsertDecision(record.clone());
        let mut changes = vec![Change::Rollout(Box::new(insert))];
        if record.choice == Choice::AnotherPilot {
            changes.extend(self.tell_pilot_trap(name, record.decided_at).await?);
        }
        if record.choice == Choice::Stop {
            let actor = Actor::Person(by.to_owned());
            let stop = Stop {
                stopped: Stopped::Decided,
                reason: &record.reason,
                by: &actor,
                at: record.decided_at,
            };
            changes.extend(self.postmortem_of(&row, &stop).await?);
        }
        self.apply(Decision { changes, entry })
            .await
            .map_err(apply_problem)?;
        Ok(record)
    }
}
