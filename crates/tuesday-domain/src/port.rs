//! The ports to the outside world: model, source, destination, trigger feed, secrets, notifier.
//!
//! Signatures only, with standard-library futures, so the domain needs no runtime. Adapters live in
//! `tuesday-connectors`; the engine sees these traits and nothing else of the outside.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Map, Value};

use crate::definition::{ActionSpec, ModelSpec, SourceSpec, TriggerSpec};
use crate::id::RunId;
use crate::record::Usage;
use crate::time::Timestamp;

/// A boxed future, the only shape a port returns.
pub type Call<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// Calls the one model step.
pub trait Model: Send + Sync {
    /// One call, without retries: retrying is a durable decision of the engine.
    fn generate<'a>(
        &'a self,
        request: &'a ModelRequest,
    ) -> Call<'a, Result<ModelAnswer, ModelFault>>;

    /// Compiles what a built-in model needs from the package's files when a release is installed:
    /// the bytes stored with the release, and a report for people (JSON). `None` for models that
    /// need nothing. Deterministic: the same files give the same bytes.
    fn compile(
        &self,
        spec: &ModelSpec,
        files: &std::collections::BTreeMap<String, String>,
    ) -> Result<Option<Compiled>, String>;
}

/// What a built-in model was compiled to.
#[derive(Clone, Debug)]
pub struct Compiled {
    /// Stored with the release.
    pub artifact: Vec<u8>,
    /// Accuracy, calibration, reliability table, counts.
    pub report: Value,
}

/// One model call.
#[derive(Clone, Debug)]
pub struct ModelRequest {
    /// The run, sent along as an id so that the other side's log can be joined.
    pub run: RunId,
    /// Number of the attempt, from 1.
    pub attempt: u32,
    /// Configuration, vars resolved.
    pub spec: Arc<ModelSpec>,
    /// Task framing from the release.
    pub system: String,
    /// The rendered prompt: data of the case, marked as data.
    pub prompt: String,
    /// What was wrong with the last output, for a repair attempt.
    pub repair: Option<String>,
    /// JSON Schema the output must meet.
    pub output_schema: Arc<Value>,
    /// The facts of the snapshot (`input` and each source by name), masked by clearance.
    pub facts: Arc<Value>,
    /// Compiled bytes of the release, for built-in models.
    pub artifact: Arc<Vec<u8>>,
    /// Hash that identifies the artifact, so adapters can keep it loaded.
    pub artifact_id: [u8; 32],
    /// The call is cut after this long.
    pub timeout: Duration,
}

/// What a model answered.
#[derive(Clone, Debug)]
pub struct ModelAnswer {
    /// The exact answer text (for HTTP models: the message content, not the envelope).
    pub text: String,
    /// The provider marked it as a refusal.
    pub refusal: bool,
    /// The provider cut it short (length, content filter): never parsed as success.
    pub incomplete: Option<String>,
    /// The model the provider says it used.
    pub model_reported: Option<String>,
    /// Tokens, when reported.
    pub usage: Option<Usage>,
    /// Confidence in 0..1 where the declared source is the provider or the built-in model.
    pub confidence: Option<f64>,
    /// Extra facts from the built-in model for people: top labels, evidence, in-scope score.
    pub extra: Option<Value>,
    /// SHA-256 of the exact request body that was sent.
    pub request_hash: [u8; 32],
    /// Bytes received.
    pub bytes_received: u64,
    /// The provider's own request id.
    pub provider_id: Option<String>,
}

/// Why a model call gave no answer.
#[derive(Clone, Debug, PartialEq)]
pub struct ModelFault {
    /// Whether and how trying again may help.
    pub kind: FaultKind,
    /// Stable code: `rate_limited`, `overloaded`, `timeout`, `connect`, `bad_request`, `unauthorized`,
    /// `spend_limit`, `cut_stream`, `not_json`, `model_withdrawn`, `command_failed`, …
    pub code: &'static str,
    /// In words; never holds a secret.
    pub detail: String,
    /// Tokens, when reported in spite of the failure: their cost is still booked.
    pub usage: Option<Usage>,
    /// Bytes received before it failed.
    pub bytes_received: u64,
    /// SHA-256 of the exact request body, when one was sent.
    pub request_hash: Option<[u8; 32]>,
}

/// Whether trying again may help.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FaultKind {
    /// It may pass; not before this long, when the other side said so.
    Transient(Option<Duration>),
    /// It was cut at its timeout.
    TimedOut,
    /// It will not pass by itself: wrong key, spend limit, unknown model, bad request.
    Permanent,
}

/// Reads sources.
pub trait Source: Send + Sync {
    /// Reads the record of one source. `facts` holds `input`; templates are rendered over it.
    fn read<'a>(
        &'a self,
        spec: &'a SourceSpec,
        facts: &'a Value,
        run: RunId,
        timeout: Duration,
    ) -> Call<'a, Result<SourceRecord, SourceFault>>;
}

/// What a source answered.
#[derive(Clone, Debug)]
pub struct SourceRecord {
    /// The exact bytes (for SQL and files: the row as canonical JSON).
    pub bytes: Vec<u8>,
    /// The record as a JSON object.
    pub record: Map<String, Value>,
    /// Where it was read: address, query or file and line; no secret.
    pub location: String,
}

/// Why a source gave no record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SourceFault {
    /// It may pass.
    Transient {
        /// Stable code.
        code: &'static str,
        /// In words; no secret.
        detail: String,
        /// Not before this long.
        retry_after: Option<Duration>,
    },
    /// It will not pass by itself.
    Permanent {
        /// Stable code.
        code: &'static str,
        /// In words; no secret.
        detail: String,
    },
    /// There is no such record.
    NotFound {
        /// In words.
        detail: String,
    },
    /// Several records match.
    Ambiguous {
        /// In words.
        detail: String,
    },
}

/// Writes to destinations.
pub trait Destination: Send + Sync {
    /// Sends once. Called only after intent and key are committed.
    fn send<'a>(&'a self, intent: &'a Intent) -> Call<'a, Result<Delivery, SendFault>>;
    /// Looks whether the effect is there, without causing it.
    fn look<'a>(&'a self, intent: &'a Intent) -> Call<'a, Look>;
    /// Reads the written object back and compares the written fields.
    fn read_back<'a>(&'a self, intent: &'a Intent, delivery: &'a Delivery) -> Call<'a, ReadBack>;
    /// Reads version and present values of the target before writing: for preconditions and for
    /// the "before" of the record.
    fn target<'a>(&'a self, intent: &'a Intent) -> Call<'a, Result<Target, SendFault>>;
}

/// One intended effect, exactly as committed.
#[derive(Clone, Debug, serde::Serialize, serde::Deserialize)]
pub struct Intent {
    /// Its run; goes out as `X-Tuesday-Run`.
    pub run: RunId,
    /// The one key.
    pub key: String,
    /// Configuration, vars resolved.
    pub spec: ActionSpec,
    /// The record that is written, copied from the snapshot.
    pub target: String,
    /// Mapped fields and their values; nothing else is written.
    pub fields: Map<String, Value>,
    /// Rendered address, subject and the like, by name of the spec's key.
    pub rendered: Map<String, Value>,
    /// Version of the target at the snapshot, for class D.
    pub expected_version: Option<String>,
    /// Longest the write may take, in milliseconds.
    pub timeout_ms: u64,
}

/// A success answer.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Delivery {
    /// The destination's own id for the effect.
    pub external_id: Option<String>,
    /// Version of the record before, when known.
    pub version_before: Option<String>,
    /// Version of the record after, when known.
    pub version_after: Option<String>,
    /// Values of the written fields before, when known.
    pub before: Option<Value>,
    /// Values of the written fields after, when known.
    pub after: Option<Value>,
    /// Status line or equivalent.
    pub status: String,
    /// The answer, cut to 16 KiB.
    pub answer: String,
    /// The destination had already applied this key.
    pub repeated: bool,
}

/// Why a write was not a success.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SendFault {
    /// A clean refusal that may pass: nothing was applied.
    RefusedForNow {
        /// Stable code.
        code: &'static str,
        /// In words; no secret.
        detail: String,
        /// Not before this long.
        retry_after: Option<Duration>,
    },
    /// A clean refusal for good: nothing was applied.
    RefusedForGood {
        /// Stable code.
        code: &'static str,
        /// In words; no secret.
        detail: String,
    },
    /// The precondition does not hold: somebody changed the record.
    TargetChanged {
        /// In words, with both versions.
        detail: String,
    },
    /// No record, or several, match.
    NoUniqueTarget {
        /// In words.
        detail: String,
    },
    /// Nobody knows whether it was applied.
    Unclear {
        /// Stable code.
        code: &'static str,
        /// In words; no secret.
        detail: String,
    },
}

/// What a lookup found.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::large_enum_variant, reason = "one per lookup, and short-lived")]
pub enum Look {
    /// The effect is there.
    Found(Delivery),
    /// The effect is certainly not there.
    Absent,
    /// Not there yet, but the destination's search may lag: look again after this long.
    NotYet(Duration),
    /// It cannot be looked up, or the lookup failed.
    Unknown(String),
}

/// What reading back found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ReadBack {
    /// The written fields are there as intended.
    Equal(Option<Value>),
    /// They are not.
    Differs(String),
    /// The destination offers no read-back.
    NotOffered,
    /// The read-back failed; try again.
    Failed(String),
}

/// The target record as it is now.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Target {
    /// Its version.
    pub version: Option<String>,
    /// Values of the fields that would be written.
    pub values: Option<Value>,
}

/// Feeds of triggers that pull: file drop and SQL queue.
pub trait Feed: Send + Sync {
    /// Events that are there and not taken, oldest first, at most `limit`.
    fn poll<'a>(
        &'a self,
        workflow: &'a str,
        spec: &'a TriggerSpec,
        limit: usize,
    ) -> Call<'a, Result<Vec<FeedItem>, String>>;
    /// Marks one as taken, after its run or its intake record is durable. Safe to repeat.
    fn taken<'a>(
        &'a self,
        spec: &'a TriggerSpec,
        item: &'a FeedItem,
        outcome: &'a str,
    ) -> Call<'a, Result<(), String>>;
}

/// One thing a feed found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FeedItem {
    /// The feed's handle for `taken`: a path, a row key.
    pub handle: String,
    /// The event id: the row key, or the hash of the file's bytes plus the record number.
    pub event_id: String,
    /// The exact bytes.
    pub body: Vec<u8>,
    /// Set when the item cannot be an event, with the reason: zero bytes, wrong type, bad JSON.
    pub fault: Option<String>,
}

/// Resolves secret references; values never leave the adapters except to check a signature.
pub trait Secrets: Send + Sync {
    /// The bytes behind a reference such as `env:NAME` or `file:PATH`.
    ///
    /// # Errors
    /// Names the reference, never a value.
    fn resolve(&self, reference: &str) -> Result<Vec<u8>, String>;

    /// When what is behind it last changed, where that can be seen: of a file, not of a variable.
    fn changed_at(&self, _reference: &str) -> Option<Timestamp> {
        None
    }
}

/// Sends notices to people.
pub trait Notifier: Send + Sync {
    /// Tries the channels in order; the answer names the one that took it.
    fn notify<'a>(&'a self, message: &'a Message) -> Call<'a, Result<String, String>>;
}

/// A notice on its way: a title and a link, never content.
#[derive(Clone, Debug)]
pub struct Message {
    /// Name of the person.
    pub name: String,
    /// Address of the person.
    pub email: String,
    /// One line.
    pub title: String,
    /// Absolute link to the console.
    pub link: String,
    /// When it must be acted on.
    pub due_at: Option<Timestamp>,
    /// Set when it demands a person's act; absent for a notice.
    pub alert: Option<AlertFacts>,
}

/// What systems for alerts need to know: names and links, never content.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AlertFacts {
    /// The same for everything about one incident.
    pub key: String,
    /// What kind of cause.
    pub category: &'static str,
    /// `critical`, `high` or `low`.
    pub severity: &'static str,
    /// The workflow, or the instance.
    pub place: String,
    /// Link to the runbook.
    pub runbook: String,
    /// It needs nobody any more.
    pub over: bool,
}

/// The adapters an engine works with.
#[derive(Clone)]
pub struct Ports {
    /// Models.
    pub model: Arc<dyn Model>,
    /// Sources.
    pub source: Arc<dyn Source>,
    /// Destinations.
    pub destination: Arc<dyn Destination>,
    /// Pulling triggers.
    pub feed: Arc<dyn Feed>,
    /// Secrets.
    pub secrets: Arc<dyn Secrets>,
    /// Notices.
    pub notifier: Arc<dyn Notifier>,
    /// The mailbox that reports of wrong outputs are sent to, when there is one.
    pub mailbox: Option<Arc<dyn crate::mailbox::Mailbox>>,
}
