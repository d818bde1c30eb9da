//! Takes what is said about an output afterwards: a complaint, a compliance flag, how it turned out.

use tuesday_domain::actor::Actor;
use tuesday_domain::id::RunId;
use tuesday_domain::problem::Problem;
use tuesday_domain::record::{AuditEntry, Change, Decision, RolloutChange, Signal, Subject};

use crate::engine::{Engine, apply_problem, read_problem};
use crate::ids;

/// Most characters of a kind and of a record.
const KIND: usize = 40;
const RECORD: usize = 200;

/// What is posted.
#[derive(Clone, Debug)]
pub struct PostedSignal {
    /// `complaint`, `compliance_flag`, `outcome`, or another word of small letters.
    pub kind: String,
    /// The run it is about, when it is known.
    pub run: Option<RunId>,
    /// The record it is about.
    pub record: Option<String>,
    /// Says that the output was wrong.
    pub wrong: bool,
}

impl Engine {
    /// Keeps a signal. A second one of a kind about the same run changes nothing.
    ///
    /// # Errors
    /// `bad_request` at the field, `not_found` for a run that is not there or belongs to another
    /// workflow, `unknown_workflow`.
    pub async fn post_signal(
        &self,
        name: &str,
        new: PostedSignal,
        by: &Actor,
    ) -> Result<Signal, Problem> {
        let row = self.standing(name).await?;
        let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
        if new.kind.is_empty() || new.kind.len() > KIND || !new.kind.chars().all(plain) {
            let words = format!("a kind is 1 to {KIND} small letters, digits and `_`");
            return Err(Problem::new("bad_request", words).field("kind"));
        }
        if new
            .record
            .as_ref()
            .is_some_and(|r| r.chars().count() > RECORD)
        {
            let words = format!("a record is at most {RECORD} characters");
            return Err(Problem::new("bad_request", words).field("record"));
        }
        if let Some(id) = new.run {
            let run = self.0.reader.run(id).await.map_err(read_problem)?;
            if run.is_none_or(|r| r.workflow != row.name) {
                let words = format!("{id} is no run of {name}");
                return Err(Problem::new("not_found", words).field("run"));
            }
            let before = self.0.reader.signal_of(id, &new.kind).await;
            if let Some(before) = before.map_err(read_problem)? {
                return Ok(before);
            }
        }
        let signal = Signal {
            id: ids::signal(),
            workflow: row.name.clone(),
            kind: new.kind,
            run: new.run,
            record: new.record,
            wrong: new.wrong,
            posted_by: by.to_string(),
            received_at: self.now(),
        };
        let mut entry = AuditEntry::new(
            signal.received_at,
            by.clone(),
            "signal.posted",
            Subject::Workflow(row.name),
        )
        .fact("signal", signal.id.to_string())
        .fact("signal_kind", signal.kind.clone())
        .fact("wrong", signal.wrong);
        if let Some(run) = signal.run {
            entry = entry.fact("run", run.to_string());
        }
        let insert = RolloutChange::InsertSignal(signal.clone());
        self.apply(Decision {
            changes: vec![Change::Rollout(Box::new(insert))],
            entry,
        })
        .await
        .map_err(apply_problem)?;
        Ok(signal)
    }
}
