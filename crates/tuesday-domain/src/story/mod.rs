//! The whole story of one run as eight answers, told from its stored record alone.
//!
//! Nothing here asks a source system, the live prompt or a person who may have left. A part the run
//! never reached says so; bytes that do not match their commitment are called damaged and not shown.

mod answers;
mod integrity;
mod text;

use serde::Serialize;
use serde_json::Value;

use crate::privacy::Erasure;
use crate::record::{Action, Attempt, Payload, Person, Review, Run};
use crate::veil::Veil;
use answers::Teller;
use integrity::integrity;

/// The rows of one run.
#[derive(Clone, Debug)]
pub struct Record {
    /// The run.
    pub run: Run,
    /// Its release.
    pub release: ReleaseFacts,
    /// Its payloads.
    pub payloads: Vec<Payload>,
    /// Its attempts.
    pub attempts: Vec<Attempt>,
    /// Its review tasks.
    pub reviews: Vec<Review>,
    /// Its actions.
    pub actions: Vec<Action>,
    /// Its audit entries: index (once assigned) and exact leaf bytes.
    pub entries: Vec<(Option<u64>, Vec<u8>)>,
    /// Persons, for their names.
    pub people: Vec<Person>,
    /// Entries covered by the newest checkpoint.
    pub sealed_size: Option<u64>,
    /// What the reader may see of it.
    pub veil: Veil,
}

/// What a story says about a release.
#[derive(Clone, Debug, Default)]
pub struct ReleaseFacts {
    /// Number within the workflow.
    pub number: Option<u32>,
    /// Hash in hex.
    pub hash: Option<String>,
    /// Pinned model.
    pub model: String,
    /// Its adapter.
    pub model_kind: String,
    /// Currency of costs.
    pub currency: Option<String>,
    /// Time zone of the workflow.
    pub zone: String,
    /// The workflow in words.
    pub title: String,
    /// Why the release cannot be read.
    pub fault: Option<String>,
}

impl ReleaseFacts {
    /// A release that cannot be read.
    #[must_use]
    pub fn unusable(fault: String) -> Self {
        Self {
            zone: "UTC".to_owned(),
            fault: Some(fault),
            ..Self::default()
        }
    }
}

/// The story.
#[derive(Clone, Debug, Serialize)]
pub struct Story {
    /// The run's id.
    pub run: String,
    /// Its workflow.
    pub workflow: String,
    /// The workflow in words.
    pub title: String,
    /// One line that names the case.
    pub subject: String,
    /// One sentence: what happened and how it ended.
    pub summary: String,
    /// Where it stands.
    pub status: String,
    /// How it ended.
    pub outcome: Option<String>,
    /// The eight answers, always eight, in this order.
    pub answers: Vec<Answer>,
    /// Every recorded change in order.
    pub timeline: Vec<Moment>,
    /// Whether the record is whole.
    pub integrity: Integrity,
}

/// One of the eight answers.
#[derive(Clone, Debug, Serialize)]
pub struct Answer {
    /// Stable name: `started_by`, `read`, `versions`, `model_said`, `routed`, `decided`, `written`, `cost`.
    pub name: &'static str,
    /// The question in words.
    pub question: &'static str,
    /// False when the run never got there.
    pub reached: bool,
    /// The answer in words; "not reached" when it never got there.
    pub answer: String,
    /// The same in data.
    pub facts: Value,
}

/// One recorded change.
#[derive(Clone, Debug, Serialize)]
pub struct Moment {
    /// When, RFC 3339 in UTC.
    pub at: String,
    /// Clock time in the workflow's zone.
    pub local: String,
    /// Who.
    pub actor: String,
    /// What, such as `run.accepted`.
    pub kind: String,
    /// State changes.
    pub moves: Vec<String>,
    /// Index in the audit log, once assigned.
    pub index: Option<u64>,
}

/// Whether the record is whole.
#[derive(Clone, Debug, Serialize)]
pub struct Integrity {
    /// Entries of this run.
    pub entries: usize,
    /// Entries covered by a checkpoint.
    pub sealed: usize,
    /// Payloads whose bytes do not match what the log committed to, as `kind/number`.
    pub damaged: Vec<String>,
    /// Payloads that were erased, by the number of the payload.
    pub erased: Vec<ErasedPart>,
    /// Sequence numbers without an entry.
    pub gaps: Vec<u32>,
    /// Nothing is damaged and nothing is missing.
    pub whole: bool,
}

/// A payload that was erased, as the log says.
#[derive(Clone, Debug, Serialize)]
pub struct ErasedPart {
    /// `kind/number`.
    pub payload: String,
    /// Its number.
    pub n: u32,
    /// When, by whom, under which policy.
    #[serde(flatten)]
    pub erasure: Erasure,
    /// The same in words: `erased on … by … under policy …`.
    pub words: String,
}

/// Tells the story.
#[must_use]
pub fn tell(record: Record) -> Story {
    let zone = crate::time::Zone::named(&record.release.zone).ok();
    let leaves: Vec<(Option<u64>, Value)> = record
        .entries
        .iter()
        .map(|(i, leaf)| (*i, serde_json::from_slice(leaf).unwrap_or(Value::Null)))
        .collect();
    let erasures = crate::privacy::erasures(leaves.iter().map(|(_, leaf)| leaf));
    let integrity = integrity(&record, &leaves, &erasures, zone.as_ref());
    let t = Teller {
        r: &record,
        damaged: &integrity.damaged,
        erased: &integrity.erased,
        zone: zone.as_ref(),
    };
    let answers = vec![
        t.started_by(),
        t.read(),
        t.versions(),
        t.model_said(),
        t.routed(),
        t.decided(),
        t.written(),
        t.cost(),
    ];
    Story {
        run: record.run.id.to_string(),
        workflow: record.run.workflow.clone(),
        title: record.release.title.clone(),
        subject: t.subject(),
        summary: t.summary(),
        status: record.run.state.status.to_string(),
        outcome: record.run.state.outcome.map(|o| o.to_string()),
        answers,
        timeline: leaves.iter().map(|(i, leaf)| t.moment(*i, leaf)).collect(),
        integrity,
    }
}
