//! The frozen inputs of a run: what was read, where, how old it was, who won a disagreement.
//!
//! [`assemble`] is pure: it takes what the adapters read and the time, and answers the manifest and
//! whether the run may go on.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};

use crate::actor::Class;
use crate::definition::{Definition, SourceSpec};
use crate::facts::{at, is_missing};
use crate::port::{SourceFault, SourceRecord};
use crate::run::Reason;
use crate::time::Timestamp;
use crate::words::words;

/// The manifest, stored as a payload of the run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Snapshot {
    /// Format version.
    pub v: u32,
    /// When the inputs were frozen.
    pub taken_at: Timestamp,
    /// What was read.
    pub items: Vec<Item>,
    /// Fields on which sources disagreed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub conflicts: Vec<Conflict>,
    /// Optional things that are not there, dotted.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub absent: Vec<String>,
}

/// One item of a snapshot.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Item {
    /// `input`, or the source's name.
    pub name: String,
    /// The system of record, in the words people use.
    pub system: String,
    /// The record's own id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub record: Option<String>,
    /// The record's version.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// When the record was last true, by its own account.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub updated_at: Option<Timestamp>,
    /// How it stands against its freshness rule.
    pub freshness: Freshness,
    /// Sensitivity class of the bytes.
    pub class: Class,
    /// Number of the payload that holds the exact bytes.
    pub payload: u32,
    /// SHA-256 of the exact bytes, hex.
    pub sha256: String,
    /// Where it was read.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub location: String,
    /// The source that was read before and gave the very same bytes, which are then kept once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub same_as: Option<String>,
}

/// How an item stands against its freshness rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Freshness {
    /// Younger than the warning age, or no rule is declared for it.
    Fresh,
    /// Older than the warning age.
    Old,
    /// Older than the refusal age, or without a usable time: counts as stale.
    Stale,
}

/// A field on which two sources disagree.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Conflict {
    /// The field.
    pub field: String,
    /// The source that won, by rank.
    pub won: String,
    /// Its value.
    pub value: Value,
    /// The source that lost.
    pub lost: String,
    /// Its value.
    pub other: Value,
    /// Declared critical: stops automation.
    pub critical: bool,
}

/// Whether the run may go on.
#[derive(Clone, Debug, PartialEq)]
pub enum Readiness {
    /// Everything required is there, fresh and agreed.
    Ready,
    /// Required inputs are absent.
    Missing(Vec<String>),
    /// A person must look before any model call.
    Refused(Reason, Vec<String>),
    /// A source failed for now.
    Retry {
        /// Stable code.
        code: &'static str,
        /// In words.
        detail: String,
        /// Not before this long.
        after: Option<Duration>,
    },
}

/// What [`assemble`] answers.
#[derive(Clone, Debug)]
pub struct Assembled {
    /// The manifest; payload numbers count on from the given one.
    pub snapshot: Snapshot,
    /// `input`, each source by name, and `record` (fields merged by rank).
    pub facts: Value,
    /// Bytes of the sources in order of their payload numbers, with their class.
    pub payloads: Vec<(u32, Class, Vec<u8>)>,
    /// Whether the run may go on.
    pub readiness: Readiness,
    /// In words: what is flagged though the run may go on.
    pub flags: Vec<String>,
    /// What was wrong with which source, each once; the event is `input`.
    pub faults: Vec<(String, InputFault)>,
}

words! {
    /// What can be wrong with an input.
    InputFault {
        /// There is no record, or a field of it is empty.
        Missing = "missing",
        /// It is past its refusal age, or carries no usable time.
        Stale = "stale",
        /// Another source of a better rank says otherwise.
        Conflicting = "conflicting",
        /// It could not be read, or not as one record.
        Invalid = "invalid",
    }
}

/// One source as read.
pub type Read<'a> = (&'a SourceSpec, Result<SourceRecord, SourceFault>);

/// Freezes the inputs.
#[must_use]
#[expect(
    clippy::too_many_arguments,
    reason = "everything one run's inputs consist of, used once"
)]
pub fn assemble(
    def: &Definition,
    input_class: Class,
    input: &Value,
    input_bytes: &[u8],
    body_ref: u32,
    next_payload: u32,
    reads: Vec<Read<'_>>,
    now: Timestamp,
) -> Assembled {
    let mut a = Assembly::new(
        def,
        input_class,
        input,
        input_bytes,
        body_ref,
        next_payload,
        now,
    );
    for (spec, result) in reads {
        a.source(spec, result);
    }
    a.finish()
}

/// SHA-256 in hex.
#[must_use]
pub fn sha256_hex(bytes: &[u8]) -> String {
    hex::encode(Sha256::digest(bytes))
}

struct Assembly<'a> {
    def: &'a Definition,
    now: Timestamp,
    next_payload: u32,
    snapshot: Snapshot,
    facts: Map<String, Value>,
    merged: Vec<(u32, String, String, Value, bool)>,
    payloads: Vec<(u32, Class, Vec<u8>)>,
    missing: Vec<String>,
    refused: Option<(Reason, Vec<String>)>,
    retry: Option<Readiness>,
    flags: Vec<String>,
    faults: Vec<(String, InputFault)>,
}

impl<'a> Assembly<'a> {
    fn new(
        def: &'a Definition,
        class: Class,
        input: &Value,
        bytes: &[u8],
        body_ref: u32,
        next_payload: u32,
        now: Timestamp,
    ) -> Self {
        let mut this = Self {
            def,
            now,
            next_payload,
            snapshot: Snapshot {
                v: 1,
                taken_at: now,
                items: Vec::new(),
                conflicts: Vec::new(),
                absent: Vec::new(),
            },
            facts: Map::new(),
            merged: Vec::new(),
            payloads: Vec::new(),
            missing: def
                .input
                .needs
                .iter()
                .filter(|f| is_missing(at(input, f)))
                .map(|f| format!("input.{f}"))
                .collect(),
            refused: None,
            retry: None,
            flags: Vec::new(),
            faults: Vec::new(),
        };
        if !this.missing.is_empty() {
            this.fault("input", InputFault::Missing);
        }
        let time = def.input.updated_at.as_deref();
        let updated_at = time.and_then(|f| timestamp(at(input, f)));
        let freshness = match (time, def.input.warn_after, def.input.error_after) {
            (Some(_), Some(warn), Some(error)) => judge(updated_at, warn.0, error.0, now),
            _ => Freshness::Fresh,
        };
        this.judge_item("input", "the event", freshness, updated_at, true);
        this.snapshot.items.push(Item {
            name: "input".to_owned(),
            system: "event".to_owned(),
            record: None,
            version: None,
            updated_at,
            freshness,
            class,
            payload: body_ref,
            sha256: sha256_hex(bytes),
            location: String::new(),
            same_as: None,
        });
        this.facts.insert("input".to_owned(), input.clone());
        this
    }

    /// Something is wrong with a source; each kind counts once.
    fn fault(&mut self, source: &str, what: InputFault) {
        let found = (source.to_owned(), what);
        if !self.faults.contains(&found) {
            self.faults.push(found);
        }
    }

    fn refuse(&mut self, reason: Reason, words: String) {
        match &mut self.refused {
            Some((_, all)) => all.push(words),
            None => self.refused = Some((reason, vec![words])),
        }
    }

    fn judge_item(
        &mut self,
        name: &str,
        system: &str,
        freshness: Freshness,
        at: Option<Timestamp>,
        required: bool,
    ) {
        let age = match at {
            Some(t) => format!("is {} old", age_words(self.now.since(t))),
            None => "carries no usable time".to_owned(),
        };
        if freshness == Freshness::Stale {
            self.fault(name, InputFault::Stale);
        }
        match freshness {
            Freshness::Fresh => {}
            Freshness::Old => self
                .flags
                .push(format!("{name} ({system}) {age}, past its warning age")),
            Freshness::Stale if required => {
                self.refuse(
                    Reason::StaleSource,
                    format!("{name} ({system}) {age}, past its refusal age"),
                );
            }
            Freshness::Stale => self.flags.push(format!(
                "{name} ({system}) {age}, past its refusal age; not used"
            )),
        }
    }

    fn source(&mut self, spec: &SourceSpec, result: Result<SourceRecord, SourceFault>) {
        match &result {
            Ok(_) => {}
            Err(SourceFault::NotFound { .. }) => self.fault(&spec.name, InputFault::Missing),
            Err(_) => self.fault(&spec.name, InputFault::Invalid),
        }
        match result {
            Ok(read) => self.record(spec, read),
            Err(SourceFault::NotFound { detail }) if spec.required => {
                self.missing.push(format!(
                    "{}: no record in {} ({detail})",
                    spec.name, spec.system
                ));
            }
            Err(SourceFault::NotFound { .. }) => self.absent(spec),
            Err(SourceFault::Ambiguous { detail }) => {
                self.refuse(
                    Reason::NoUniqueTarget,
                    format!("{} ({}): {detail}", spec.name, spec.system),
                );
            }
            Err(SourceFault::Transient {
                code,
                detail,
                retry_after,
            }) => {
                if spec.required {
                    self.retry.get_or_insert(Readiness::Retry {
                        code,
                        detail: format!("{} ({}): {detail}", spec.name, spec.system),
                        after: retry_after,
                    });
                } else {
                    self.absent(spec);
                }
            }
            Err(SourceFault::Permanent { detail, .. }) => {
                if spec.required {
                    self.refuse(
                        Reason::SourceUnavailable,
                        format!("{} ({}): {detail}", spec.name, spec.system),
                    );
                } else {
                    self.absent(spec);
                }
            }
        }
    }

    fn absent(&mut self, spec: &SourceSpec) {
        self.snapshot.absent.push(spec.name.clone());
        self.flags
            .push(format!("{} ({}) is not there", spec.name, spec.system));
        self.facts
            .insert(spec.name.clone(), Value::Object(Map::new()));
    }

    fn record(&mut self, spec: &SourceSpec, read: SourceRecord) {
        let updated_at = timestamp(read.record.get(&spec.updated_at));
        let freshness = judge(updated_at, spec.warn_after.0, spec.error_after.0, self.now);
        self.judge_item(
            &spec.name,
            &spec.system,
            freshness,
            updated_at,
            spec.required,
        );
        let sha256 = sha256_hex(&read.bytes);
        let (payload, same_as) = self.kept(spec, &sha256, read.bytes);
        if let Some(first) = &same_as {
            let words = format!("{} is the same document as {first}, read twice", spec.name);
            self.flags.push(words);
        }
        self.snapshot.items.push(Item {
            name: spec.name.clone(),
            system: spec.system.clone(),
            record: text(read.record.get(&spec.record_id)),
            version: spec.version.as_ref().and_then(|f| text(read.record.get(f))),
            updated_at,
            freshness,
            class: spec.class,
            payload,
            sha256,
            location: read.location,
            same_as,
        });
        let mut used = Map::new();
        for field in &spec.fields {
            let value = read.record.get(field);
            if is_missing(value) {
                self.fault(&spec.name, InputFault::Missing);
                self.snapshot.absent.push(format!("{}.{field}", spec.name));
            } else if let Some(value) = value {
                if freshness != Freshness::Stale {
                    let critical = spec.critical.contains(field);
                    self.merged.push((
                        spec.rank,
                        spec.name.clone(),
                        field.clone(),
                        value.clone(),
                        critical,
                    ));
                }
                used.insert(field.clone(), value.clone());
            }
        }
        // A stale optional source is kept as evidence, but nothing of it is used.
        let used = if freshness == Freshness::Stale {
            Map::new()
        } else {
            used
        };
        self.facts.insert(spec.name.clone(), Value::Object(used));
    }

    /// The payload that holds these bytes. The same document under two names is kept once, unless
    /// the classes differ: then each copy is guarded as its own source says.
    fn kept(&mut self, spec: &SourceSpec, sha256: &str, bytes: Vec<u8>) -> (u32, Option<String>) {
        let sources = self.snapshot.items.iter().skip(1);
        let mut same = sources.filter(|i| i.sha256 == sha256 && i.class == spec.class);
        if let Some(first) = same.find(|i| i.same_as.is_none()) {
            return (first.payload, Some(first.name.clone()));
        }
        let payload = self.next_payload;
        self.next_payload += 1;
        self.payloads.push((payload, spec.class, bytes));
        (payload, None)
    }

    fn rank(&mut self) {
        self.merged.sort_by(|a, b| (a.0, &a.1).cmp(&(b.0, &b.1)));
        let mut record = Map::new();
        let mut winners: Vec<(String, String, bool)> = Vec::new();
        for (_, source, field, value, critical) in std::mem::take(&mut self.merged) {
            let Some((won, _, first_critical)) =
                winners.iter().find(|(_, f, _)| *f == field).cloned()
            else {
                record.insert(field.clone(), value);
                winners.push((source, field, critical));
                continue;
            };
            let kept = record.get(&field).cloned().unwrap_or(Value::Null);
            if same(&kept, &value) {
                continue;
            }
            let critical = critical || first_critical;
            let words = format!(
                "{field} is {} in {won} and {} in {source}; {won} ranks first",
                show(&kept),
                show(&value)
            );
            if critical {
                self.refuse(Reason::ConflictingSources, words);
            } else {
                self.flags.push(words);
            }
            self.fault(&source, InputFault::Conflicting);
            self.snapshot.conflicts.push(Conflict {
                field,
                won,
                value: kept,
                lost: source,
                other: value,
                critical,
            });
        }
        self.facts
            .insert("record".to_owned(), Value::Object(record));
    }

    fn finish(mut self) -> Assembled {
        self.rank();
        // What may pass by itself is tried again before anybody is asked.
        let readiness = if let Some(retry) = self.retry {
            retry
        } else if !self.missing.is_empty() {
            Readiness::Missing(self.missing)
        } else if let Some((reason, words)) = self.refused {
            Readiness::Refused(reason, words)
        } else {
            Readiness::Ready
        };
        debug_assert!(!self.def.workflow.name.is_empty());
        Assembled {
            snapshot: self.snapshot,
            facts: Value::Object(self.facts),
            payloads: self.payloads,
            readiness,
            flags: self.flags,
            faults: self.faults,
        }
    }
}

/// Facts as they were at the snapshot, rebuilt from its payloads (`input` and each source's record).
#[must_use]
pub fn facts_of(
    def: &Definition,
    snapshot: &Snapshot,
    bytes_of: impl Fn(u32) -> Option<Vec<u8>>,
) -> Option<Value> {
    let input = crate::json::parse_strict(&bytes_of(snapshot.items.first()?.payload)?).ok()?;
    let mut reads = Vec::new();
    for spec in &def.source {
        let read = match snapshot.items.iter().find(|i| i.name == spec.name) {
            Some(item) => {
                let bytes = bytes_of(item.payload)?;
                let Ok(Value::Object(record)) = serde_json::from_slice(&bytes) else {
                    return None;
                };
                Ok(SourceRecord {
                    bytes,
                    record,
                    location: item.location.clone(),
                })
            }
            None => Err(SourceFault::NotFound {
                detail: String::new(),
            }),
        };
        reads.push((spec, read));
    }
    Some(
        assemble(
            def,
            Class::Restricted,
            &input,
            b"",
            0,
            1,
            reads,
            snapshot.taken_at,
        )
        .facts,
    )
}

fn judge(at: Option<Timestamp>, warn: Duration, error: Duration, now: Timestamp) -> Freshness {
    match at.map(|t| now.since(t)) {
        Some(age) if age < warn => Freshness::Fresh,
        Some(age) if age < error => Freshness::Old,
        _ => Freshness::Stale,
    }
}

fn timestamp(value: Option<&Value>) -> Option<Timestamp> {
    value?.as_str().and_then(|s| Timestamp::parse(s).ok())
}

fn text(value: Option<&Value>) -> Option<String> {
    match value? {
        Value::String(s) => Some(s.clone()),
        Value::Null => None,
        other => Some(other.to_string()),
    }
}

fn same(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::String(a), Value::String(b)) => a.trim().eq_ignore_ascii_case(b.trim()),
        _ => a == b,
    }
}

fn show(v: &Value) -> String {
    text(Some(v)).unwrap_or_else(|| "empty".to_owned())
}

/// An age in the largest unit that keeps it readable: `26 h`, `3 d`, `40 min`.
#[must_use]
pub fn age_words(age: Duration) -> String {
    match age.as_secs() {
        s @ 0..120 => format!("{s} s"),
        s @ 120..7_200 => format!("{} min", s / 60),
        s @ 7_200..172_800 => format!("{} h", s / 3_600),
        s => format!("{} d", s / 86_400),
    }
}
