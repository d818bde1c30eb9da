//! Releases from draft to live, one verb a file: who may, what must be there, what is kept.

mod acknowledge;
mod approve;
mod clear;
mod create;
mod emergency;
mod evaluate;
mod governed;
mod judge_live;
mod promote;
mod retest;
mod reviewers_told;
mod rewrites;
mod roll_back;
mod stand_by;
mod stand_down;
mod verify;
mod withdraw;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use tuesday_domain::access::Act;
use tuesday_domain::actor::Actor;
use tuesday_domain::eval::{Evidence, Verdict};
use tuesday_domain::id::ReleaseId;
use tuesday_domain::problem::Problem;
use tuesday_domain::record::{
    AuditEntry, Change, Decision, GateRow, Notice, NoticeState, Release, ReleaseState, Subject,
};
use tuesday_domain::release::{ReleaseEvent, next};
use tuesday_domain::time::Timestamp;
use tuesday_store::ApplyError;

pub use self::acknowledge::ToRead;
pub(crate) use self::acknowledge::{release_read, side};
pub use self::emergency::Emergency;
pub use self::evaluate::{Evaluated, Evaluation};
pub use self::judge_live::SaidSince;
pub use self::promote::Promoted;
pub(in crate::ops) use self::retest::Turn;
pub(crate) use self::stand_by::may_stand_by;
pub use self::verify::ReleaseFault;
use super::task::not_found;
use crate::engine::{Engine, apply_problem, read_problem};
use crate::ids;

/// What the gate judged, as it is stored under one hash.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct GateRecord {
    /// Format version.
    pub v: u32,
    /// The evaluation.
    pub evidence: Evidence,
    /// What the gate said about it.
    pub verdict: Verdict,
}

impl GateRecord {
    fn bytes(&self) -> (Vec<u8>, [u8; 32]) {
        let bytes = serde_json::to_vec(self).unwrap_or_default();
        let hash = Sha256::digest(&bytes).into();
        (bytes, hash)
    }

    /// What an entry of the log says of it.
    fn told(&self, entry: AuditEntry) -> AuditEntry {
        let reasons: Vec<&str> = self
            .verdict
            .reasons
            .iter()
            .map(|r| r.reason.word())
            .collect();
        entry
            .fact("evidence", crate::catalog::hex(&self.bytes().1))
            .fact("reasons", reasons.join(" "))
    }

    /// The record of a gate, or why it does not count.
    ///
    /// # Errors
    /// In words: no verdict yet, or bytes that are not what was stored.
    pub fn of(gate: Option<&GateRow>) -> Result<Self, String> {
        let gate = gate.ok_or("it was never evaluated")?;
        let (Some(bytes), Some(hash)) = (&gate.judged, gate.judged_hash) else {
            return Err("its evaluation did not come to an end".to_owned());
        };
        Self::stored(bytes, hash)
    }

    /// The record behind stored bytes, or why it does not count.
    ///
    /// # Errors
    /// In words: bytes that are not what was stored, or no record.
    pub fn stored(bytes: &[u8], hash: [u8; 32]) -> Result<Self, String> {
        let found: [u8; 32] = Sha256::digest(bytes).into();
        if found != hash {
            return Err("its evidence is not what was stored".to_owned());
        }
        serde_json::from_slice(bytes).map_err(|e| format!("its evidence cannot be read: {e}"))
    }
}

impl Engine {
    /// A release by its id, as stored.
    ///
    /// # Errors
    /// `not_found`, `unavailable`.
    pub async fn release_row(&self, id: ReleaseId) -> Result<Release, Problem> {
        let row = self.0.reader.release(id).await.map_err(read_problem)?;
        row.ok_or_else(|| not_found(&id.to_string()))
    }

    /// Refuses whoever may not do this to releases of the workflow. The machine's administrator, who
    /// is nobody's reviewer, may propose; whoever holds no right otherwise may nothing.
    async fn may_release(&self, act: Act, workflow: &str, by: &Actor) -> Result<(), Problem> {
        let allowed = match by {
            Actor::Person(handle) if handle == "administrator" => act == Act::ProposeRelease,
            Actor::Person(handle) => self.rights(handle).await?.may(act, workflow),
            Actor::Token(_) | Actor::Trigger(_) | Actor::Rule(_) | Actor::System(_) => false,
        };
        if allowed {
            return Ok(());
        }
        Err(Problem::new(
            "not_allowed",
            format!("{by} may not do that to releases of {workflow}"),
        )
        .with("act", act.word())
        .way_out("ask the technical owner, or have the role granted"))
    }

    async fn commit_release(&self, decision: Decision) -> Result<(), Problem> {
        match self.apply(decision).await {
            Ok(_) => Ok(()),
            Err(ApplyError::Conflict { .. }) => Err(Problem::new(
                "illegal_state",
                "another change of the release came first",
            )
            .way_out("look at it again")),
            Err(e) => Err(apply_problem(e)),
        }
    }
}

/// The change that an event makes, with its words for the audit log.
fn moved(row: &Release, event: ReleaseEvent) -> Result<(Change, ReleaseState, String), Problem> {
    let to = next(row.state, event).map_err(|e| {
        Problem::new("illegal_state", format!("release {}: {e}", row.number))
            .with("state", row.state.word())
    })?;
    let words = format!("release {} {} {to}", row.number, row.state);
    let change = Change::SetReleaseState {
        id: row.id,
        from: row.state,
        to,
    };
    Ok((change, to, words))
}

fn entry(kind: &'static str, row: &Release, by: &Actor, now: Timestamp) -> AuditEntry {
    let subject = Subject::Workflow(row.workflow.clone());
    AuditEntry::new(now, by.clone(), kind, subject)
        .fact("release", row.id.to_string())
        .fact("number", row.number)
        .fact("hash", crate::catalog::hex(&row.hash))
}

/// A notice about a release to one person.
fn told(row: &Release, person: &str, kind: &str, title: String, at: Timestamp) -> Change {
    Change::InsertNotice(Box::new(Notice {
        id: ids::notice(),
        person: person.to_owned(),
        workflow: row.workflow.clone(),
        kind: kind.to_owned(),
        title,
        path: format!("/workflows/{}", row.workflow),
        state: NoticeState::Waiting,
        attempts: 0,
        due_at: at,
        detail: None,
        created_at: at,
        version: 1,
    }))
}

fn reason_given(reason: &str) -> Result<String, Problem> {
    let reason = reason.trim();
    if reason.is_empty() {
        return Err(Problem::new("reason_required", "this needs a reason").field("reason"));
    }
    Ok(reason.to_owned())
}
