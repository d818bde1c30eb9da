//! Collects what one decision changes about a run, so that row, payloads and audit entry agree.

use serde_json::Value;
use tuesday_domain::action::{ActionEvent, ActionState};
use tuesday_domain::actor::{Actor, Class};
use tuesday_domain::audit::Commitment;
use tuesday_domain::problem::Problem;
use tuesday_domain::record::{
    Action, AuditEntry, Change, Decision, Payload, PayloadKind, Review, Run, Subject,
};
use tuesday_domain::review::{ReviewEvent, ReviewKind, ReviewState};
use tuesday_domain::run::RunEvent;
use tuesday_domain::time::Timestamp;

use crate::ids;

/// A decision about a run in the making.
pub(crate) struct Draft {
    pub(crate) run: Run,
    changes: Vec<Change>,
    entry: AuditEntry,
    class: Class,
    fresh: bool,
}

impl Draft {
    /// Starts from the run as read; the decision makes it one version newer.
    pub(crate) fn on(
        run: &Run,
        class: Class,
        actor: Actor,
        kind: &'static str,
        at: Timestamp,
    ) -> Self {
        let mut run = run.clone();
        run.version += 1;
        run.updated_at = at;
        let entry = AuditEntry::new(at, actor, kind, Subject::Run(run.id, run.version));
        Self {
            run,
            changes: Vec::with_capacity(8),
            entry,
            class,
            fresh: false,
        }
    }

    /// Starts a run that is not stored yet.
    pub(crate) fn new_run(run: Run, class: Class, actor: Actor, at: Timestamp) -> Self {
        let mut entry =
            AuditEntry::new(at, actor, "run.accepted", Subject::Run(run.id, run.version));
        entry.moves.push(format!("run {}", run.state.status));
        Self {
            run,
            changes: Vec::with_capacity(4),
            entry,
            class,
            fresh: true,
        }
    }

    /// Lets an event happen to the run.
    pub(crate) fn event(&mut self, event: RunEvent) -> Result<(), Problem> {
        let before = self.run.state;
        let after = before
            .next(event)
            .map_err(|e| Problem::new("illegal_state", e.to_string()))?;
        self.run.state = after;
        self.entry
            .moves
            .push(format!("run {} {}", before.status, after.status));
        if after.status.is_terminal() {
            self.run.finished_at = Some(self.entry.at);
            self.run.owner = None;
            if let Some(outcome) = after.outcome {
                self.fact("outcome", outcome.word());
            }
        }
        Ok(())
    }

    /// Keeps bytes and commits to them; answers their number.
    pub(crate) fn payload(&mut self, kind: PayloadKind, bytes: Vec<u8>) -> u32 {
        self.payload_of_class(kind, self.class, bytes)
    }

    /// As [`Draft::payload`], with a class of its own.
    pub(crate) fn payload_of_class(
        &mut self,
        kind: PayloadKind,
        class: Class,
        bytes: Vec<u8>,
    ) -> u32 {
        self.run.payloads += 1;
        let n = self.run.payloads;
        let salt = ids::salt();
        let commitment = Commitment::new(&salt, &bytes);
        self.entry.commits.push((format!("{kind}/{n}"), commitment));
        self.changes.push(Change::InsertPayload(Payload {
            run: self.run.id,
            n,
            kind,
            class,
            salt,
            commitment,
            bytes,
        }));
        n
    }

    /// Adds a change.
    pub(crate) fn change(&mut self, change: Change) {
        self.changes.push(change);
    }

    /// Adds a fact to the audit entry: text, integer, boolean or a list of them.
    pub(crate) fn fact(&mut self, name: &str, value: impl Into<Value>) {
        self.entry.facts.insert(name.to_owned(), value.into());
    }

    /// Lets events happen to a new or stored action and keeps it. `action.version` must still be
    /// the version that was read; 0 for a new one.
    pub(crate) fn action(
        &mut self,
        action: &mut Action,
        events: &[ActionEvent],
        fresh: bool,
    ) -> Result<(), Problem> {
        let mut words = format!(
            "action {}#{} {}",
            action.name, action.revision, action.state
        );
        for &event in events {
            action.state = action
                .state
                .next(event)
                .map_err(|e| Problem::new("illegal_state", e.to_string()))?;
            words.push(' ');
            words.push_str(action.state.word());
        }
        action.updated_at = self.entry.at;
        self.entry.moves.push(words);
        if fresh {
            action.version = 1;
            self.changes
                .push(Change::InsertAction(Box::new(action.clone())));
        } else {
            action.version += 1;
            self.changes
                .push(Change::UpdateAction(Box::new(action.clone())));
        }
        Ok(())
    }

    /// Opens a review task.
    pub(crate) fn open_review(&mut self, review: Review) {
        self.entry
            .moves
            .push(format!("review {} {}", review.id, review.state));
        self.asked(&review);
        self.fact("task_reason", review.reason.word());
        self.run.owner = Some(review.owner.clone());
        self.run.reason = Some(review.reason);
        self.changes.push(Change::InsertReview(Box::new(review)));
    }

    /// Says in the log who is asked what.
    fn asked(&mut self, review: &Review) {
        self.fact("owner", review.owner.clone());
        self.fact("asks", review.kind.word());
        self.fact("tier", review.tier.clone());
    }

    /// Opens a review task about a run that is over: nothing of the run waits for it.
    pub(crate) fn open_aside(&mut self, review: Review) {
        self.entry
            .moves
            .push(format!("review {} {}", review.id, review.state));
        self.asked(&review);
        self.changes.push(Change::InsertReview(Box::new(review)));
    }

    /// The salt of the output in force: kept with this decision, or among `stored`.
    pub(crate) fn output_salt(&self, stored: &[Payload]) -> Option<[u8; 16]> {
        let n = self.run.output_ref?;
        let own = self.changes.iter().find_map(|c| match c {
            Change::InsertPayload(p) if p.n == n => Some(p.salt),
            _ => None,
        });
        own.or_else(|| stored.iter().find(|p| p.n == n).map(|p| p.salt))
    }

    /// Lets an event happen to a stored review task and keeps it.
    pub(crate) fn review(
        &mut self,
        review: &mut Review,
        event: ReviewEvent,
    ) -> Result<ReviewState, Problem> {
        let before = review.state;
        review.state = before
            .next(event)
            .map_err(|e| Problem::new("illegal_state", e.to_string()))?;
        review.revision += 1;
        self.entry
            .moves
            .push(format!("review {} {before} {}", review.id, review.state));
        if let (true, Some(decision)) = (review.state.is_decided(), review.decision) {
            self.fact("decision", decision.word());
        }
        self.changes
            .push(Change::UpdateReview(Box::new(review.clone())));
        // Beside where the table had sent the run: back-tests read both in one pass.
        if review.kind == ReviewKind::Output
            && review.state.is_decided()
            && let (Some(decision), Some(_)) = (review.decision, self.run.rules_version)
        {
            self.changes.push(Change::DecideRouted {
                run: self.run.id,
                workflow: self.run.workflow.clone(),
                decision,
            });
        }
        Ok(review.state)
    }

    /// The decision, and the run as it will be.
    pub(crate) fn finish(mut self) -> (Decision, Run) {
        let row = Box::new(self.run.clone());
        // The run goes first: everything else refers to it.
        self.changes.insert(
            0,
            if self.fresh {
                Change::InsertRun(row)
            } else {
                Change::UpdateRun(row)
            },
        );
        (
            Decision {
                changes: self.changes,
                entry: self.entry,
            },
            self.run,
        )
    }
}

/// True while the machine may still do something about an action by itself.
pub(crate) fn is_unfinished(state: ActionState) -> bool {
    !state.is_settled()
}
