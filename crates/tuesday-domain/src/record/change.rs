//! A decision: everything that changes in one transaction, with the audit entry that says so.
//!
//! The engine loads rows, asks the pure functions of this crate what follows, and hands the store
//! one `Decision`. The store is a small interpreter of [`Change`]s: it commits all of them and the
//! entry, or nothing.

use serde_json::{Map, Value, json};

use super::{
    Action, Attempt, Away, Credential, Cursor, DeskChange, Grant, Guesses, Intake, Invite, Job,
    Lease, MoneyChange, Notice, Payload, Person, Release, ReleaseAck, Review, RolloutChange,
    Routed, RuleSetRow, RulesAck, Run, Session, Token, TroubleChange, Unmapped, Workflow,
};
use crate::actor::Actor;
use crate::audit::{CanonicalError, Commitment, canonical};
use crate::id::{RunId, TokenId};
use crate::time::Timestamp;

/// One change of one row. Every `expect` is the version that was read: a row that moved since is a
/// conflict, and nothing of the decision is kept.
#[derive(Clone, Debug)]
pub enum Change {
    /// A new run; the pair (`event_source`, `event_id`) must be new for its workflow.
    InsertRun(Box<Run>),
    /// The run as it is now; `run.version` is `expect + 1`.
    UpdateRun(Box<Run>),
    /// New bytes.
    InsertPayload(Payload),
    /// A finished try.
    InsertAttempt(Box<Attempt>),
    /// A new queue entry.
    InsertJob(Job),
    /// Only the holder of this fence may go on; the row itself stays as it is.
    CheckFence {
        /// Its run.
        run: RunId,
        /// The fence of the claim.
        fence: i64,
    },
    /// The holder of this fence gives the job back, due later.
    ReleaseJob {
        /// Its run.
        run: RunId,
        /// The fence of the claim.
        fence: i64,
        /// Not before.
        due_at: Timestamp,
        /// Kept by the same node for the next step, when set.
        lease: Option<Lease>,
    },
    /// The holder of this fence is done with it.
    FinishJob {
        /// Its run.
        run: RunId,
        /// The fence of the claim.
        fence: i64,
    },
    /// A person ends the machine's part, whoever holds the lease; the holder's next result is late.
    DropJob {
        /// Its run.
        run: RunId,
    },
    /// A new review task.
    InsertReview(Box<Review>),
    /// The task as it is now; `review.revision` is `expect + 1`.
    UpdateReview(Box<Review>),
    /// A new action.
    InsertAction(Box<Action>),
    /// The action as it is now; `action.version` is `expect + 1`.
    UpdateAction(Box<Action>),
    /// Something received that did not become a run.
    InsertIntake(Box<Intake>),
    /// The intake record as it is now; `version` is `expect + 1`.
    UpdateIntake(Box<Intake>),
    /// A new workflow (version 0), or the workflow as it is now (`version` is `expect + 1`).
    PutWorkflow(Box<Workflow>),
    /// A new release.
    InsertRelease(Box<Release>),
    /// A release moves to another state.
    SetReleaseState {
        /// Its id.
        id: crate::id::ReleaseId,
        /// The state it must be in.
        from: super::ReleaseState,
        /// The state it gets.
        to: super::ReleaseState,
    },
    /// The gate of a release as it is now.
    PutGate(Box<super::GateRow>),
    /// What the gate said about a live release.
    InsertJudgement(Box<super::Judgement>),
    /// The category of error a release answers, as it is now.
    PutFix(Box<super::ReleaseFix>),
    /// A part of an evaluation's results.
    PutEvalPart(Box<super::EvalPart>),
    /// The results of an earlier evaluation of a release go.
    DropEvalParts {
        /// The release.
        release: crate::id::ReleaseId,
    },
    /// A new version of a decision table.
    InsertRuleSet(Box<RuleSetRow>),
    /// A decision-table version moves to another state, with who agreed when.
    MoveRuleSet {
        /// The state it must be in.
        from: super::RuleSetState,
        /// The version as it is now; only state, decider and time are written.
        row: Box<RuleSetRow>,
    },
    /// A person has read a version of the rules.
    PutRulesAck(RulesAck),
    /// A person has read what a release changed.
    PutReleaseAck(ReleaseAck),
    /// A word of a source that the mapping does not know; what is there already stays.
    NoteUnmapped(Box<Unmapped>),
    /// Where the table sent a run; a run that is generated again is routed again.
    PutRouted(Box<Routed>),
    /// What a person decided about a run's output, beside where the table had sent it. Touches
    /// nothing when the table was never asked about the run.
    DecideRouted {
        /// The run.
        run: RunId,
        /// Its workflow.
        workflow: String,
        /// What was decided.
        decision: super::ReviewDecision,
    },
    /// A new person, or new facts about one.
    PutPerson(Person),
    /// A new token.
    InsertToken(Box<Token>),
    /// A token is withdrawn.
    RevokeToken {
        /// Its id.
        id: TokenId,
        /// When.
        at: Timestamp,
    },
    /// A role, new or with another clearance.
    PutGrant(Box<Grant>),
    /// A role is taken away; it must be there.
    DropGrant(Box<Grant>),
    /// A way to sign in, new or changed.
    PutCredential(Box<Credential>),
    /// A way to sign in was used. What is stored must still be what was read, so that a code is spent
    /// once and a password that was changed meanwhile stays changed.
    UseCredential {
        /// As it was read.
        was: Box<Credential>,
        /// As it is now.
        data: String,
        /// When it last let somebody in.
        used_at: Option<Timestamp>,
    },
    /// A way to sign in is taken away; it must be there.
    DropCredential(Box<Credential>),
    /// A one-time link.
    InsertInvite(Box<Invite>),
    /// A one-time link is used up; it must be unused.
    UseInvite {
        /// SHA-256 of its code.
        hash: [u8; 32],
        /// When.
        at: Timestamp,
    },
    /// A person signed in.
    InsertSession(Box<Session>),
    /// A session ends; one that is gone already is no conflict.
    DropSession {
        /// SHA-256 of its token.
        hash: [u8; 32],
    },
    /// Wrong guesses at a door, counted.
    PutGuesses(Guesses),
    /// A person is away, or back.
    PutAway(Away),
    /// A new notice.
    InsertNotice(Box<Notice>),
    /// The notice as it is now; `version` is `expect + 1`.
    UpdateNotice(Box<Notice>),
    /// A trigger read on.
    PutCursor(Cursor),
    /// A node is back after a time in which none was there.
    MarkReturned {
        /// When the last node was seen; another one that said so since is a conflict.
        seen_at: Timestamp,
        /// When the first node came back.
        at: Timestamp,
    },
    /// The database was put back from a backup: what it says has not been sent may have been.
    MarkRestored {
        /// When.
        at: Timestamp,
    },
    /// A row around review tasks.
    Desk(Box<DeskChange>),
    /// A row about trouble.
    Trouble(Box<TroubleChange>),
    /// A row about charter and label.
    Charter(Box<super::CharterChange>),
    /// A row around the rollout of a workflow.
    Rollout(Box<RolloutChange>),
    /// A row about money and time.
    Money(Box<MoneyChange>),
    /// A row about people's hours or the mix of outcomes.
    Load(Box<super::LoadChange>),
    /// Something is erased, or kept from being erased.
    Privacy(Box<super::PrivacyChange>),
    /// A workflow-to-be.
    Candidate(Box<super::CandidateChange>),
}

/// What an audit entry is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Subject {
    /// A run and its version after the change.
    Run(RunId, u32),
    /// A workflow by name.
    Workflow(String),
    /// The instance itself: people, tokens, keys.
    Instance,
}

/// The record of one decision, canonical JSON once written.
///
/// It names states, versions, reasons and commitments; it never holds a payload.
#[derive(Clone, Debug)]
pub struct AuditEntry {
    /// When, by the engine's clock.
    pub at: Timestamp,
    /// Who.
    pub actor: Actor,
    /// What, such as `run.accepted`.
    pub kind: &'static str,
    /// About what.
    pub subject: Subject,
    /// State changes in order: `run received queued`, `action act_… authorised sending`.
    pub moves: Vec<String>,
    /// Salted commitments to payloads: kind and number to commitment.
    pub commits: Vec<(String, Commitment)>,
    /// Further facts: strings, integers, booleans, lists of them. Never floats, never payloads.
    pub facts: Map<String, Value>,
}

impl AuditEntry {
    /// An entry without moves, commitments or facts.
    #[must_use]
    pub fn new(at: Timestamp, actor: Actor, kind: &'static str, subject: Subject) -> Self {
        Self {
            at,
            actor,
            kind,
            subject,
            moves: Vec::new(),
            commits: Vec::new(),
            facts: Map::new(),
        }
    }

    /// Adds a fact.
    #[must_use]
    pub fn fact(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.facts.insert(name.to_owned(), value.into());
        self
    }

    /// The exact bytes of the leaf.
    ///
    /// # Errors
    /// When a fact cannot be written canonically (a float, an integer beyond 2^53).
    pub fn leaf(&self) -> Result<Vec<u8>, CanonicalError> {
        let mut leaf = Map::new();
        leaf.insert("at".into(), json!(self.at.micros()));
        leaf.insert("actor".into(), json!(self.actor.to_string()));
        leaf.insert("kind".into(), json!(self.kind));
        match &self.subject {
            Subject::Run(id, seq) => {
                leaf.insert("run".into(), json!(id.to_string()));
                leaf.insert("seq".into(), json!(seq));
            }
            Subject::Workflow(name) => {
                leaf.insert("workflow".into(), json!(name));
            }
            Subject::Instance => {}
        }
        if !self.moves.is_empty() {
            leaf.insert("moves".into(), json!(self.moves));
        }
        if !self.commits.is_empty() {
            let commits: Map<_, _> = self
                .commits
                .iter()
                .map(|(k, c)| (k.clone(), json!(c.to_string())))
                .collect();
            leaf.insert("commits".into(), Value::Object(commits));
        }
        if !self.facts.is_empty() {
            leaf.insert("facts".into(), Value::Object(self.facts.clone()));
        }
        leaf.insert("v".into(), json!(1));
        canonical(&Value::Object(leaf))
    }
}

/// Everything that changes in one transaction.
#[derive(Clone, Debug)]
pub struct Decision {
    /// The changes, in the order they are applied.
    pub changes: Vec<Change>,
    /// The entry that is committed with them.
    pub entry: AuditEntry,
}
