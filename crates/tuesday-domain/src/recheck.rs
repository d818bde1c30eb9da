//! Is what a decision rests on still true? Holds the watched fields of a snapshot against a new look
//! at their sources. Pure: the engine reads, this says what changed.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::definition::{Definition, SourceSpec};
use crate::facts::is_missing;
use crate::port::{SourceFault, SourceRecord};
use crate::snapshot::{Freshness, Item, Read, Snapshot};
use crate::time::Timestamp;

/// How the sources stand against the snapshot.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Standing {
    /// Every watched field is as it was.
    Same,
    /// A watched field has another value.
    Changed,
    /// A watched record is gone.
    Missing,
    /// A watched source could not be read, so nobody knows.
    Unknown,
}

/// What one look found; stored as a payload when it found something.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Recheck {
    /// Format version.
    pub v: u32,
    /// When it was looked.
    pub at: Timestamp,
    /// What it comes to.
    pub standing: Standing,
    /// Every field of a watched source that differs, watched or not.
    pub changes: Vec<FieldChange>,
    /// In words: what is gone, what could not be read.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub problems: Vec<String>,
    /// The person who approved although it had changed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub accepted_by: Option<String>,
}

/// One value that is not what the snapshot saw.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FieldChange {
    /// Name of the source, or of the action whose target moved.
    pub source: String,
    /// The system of record, in the words people use.
    pub system: String,
    /// The record's own id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub record: Option<String>,
    /// The field.
    pub field: String,
    /// Its value at the snapshot; null when there was none.
    pub old: Value,
    /// Its value now; null when there is none.
    pub new: Value,
    /// A watched field blocks; another one is only told.
    pub watched: bool,
    /// When it changed, by the record's own account.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub changed_at: Option<Timestamp>,
    /// Who changed it, when the source tells.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub changed_by: Option<String>,
}

impl FieldChange {
    /// The change in one line: `tier was B and is A (CRM)`.
    #[must_use]
    pub fn words(&self) -> String {
        let by = self
            .changed_by
            .as_ref()
            .map_or_else(String::new, |by| format!(", by {by}"));
        let at = self
            .changed_at
            .map_or_else(String::new, |at| format!(", {}", at.rfc3339()));
        format!(
            "{} was {} and is {} ({}{at}{by})",
            self.field,
            show(&self.old),
            show(&self.new),
            self.system
        )
    }

    fn same(&self, other: &Self) -> bool {
        (&self.source, &self.field, &self.new) == (&other.source, &other.field, &other.new)
    }
}

impl Recheck {
    /// A look that found nothing yet.
    #[must_use]
    pub const fn new(at: Timestamp) -> Self {
        Self {
            v: 1,
            at,
            standing: Standing::Same,
            changes: Vec::new(),
            problems: Vec::new(),
            accepted_by: None,
        }
    }

    /// The changes that block.
    pub fn watched(&self) -> impl Iterator<Item = &FieldChange> {
        self.changes.iter().filter(|c| c.watched)
    }

    /// Does this look show everything that blocks in `later`? Only then was it seen by whoever saw this.
    #[must_use]
    pub fn shows(&self, later: &Self) -> bool {
        self.standing == later.standing
            && self.problems == later.problems
            && later
                .watched()
                .all(|c| self.watched().any(|known| known.same(c)))
    }

    /// What blocks, one sentence each.
    #[must_use]
    pub fn words(&self) -> Vec<String> {
        self.problems
            .iter()
            .cloned()
            .chain(self.watched().map(FieldChange::words))
            .collect()
    }

    fn at_least(&mut self, standing: Standing) {
        let rank = |s: Standing| s as u8;
        if rank(standing) > rank(self.standing) {
            self.standing = standing;
        }
    }

    fn source(
        &mut self,
        spec: &SourceSpec,
        item: Option<&Item>,
        facts: &Value,
        result: Result<SourceRecord, SourceFault>,
    ) {
        // A source that was too old when it was frozen was kept as evidence; nothing of it was used.
        if item.is_some_and(|i| i.freshness == Freshness::Stale) {
            return;
        }
        match result {
            Ok(read) => self.record(spec, item, facts, &read),
            Err(SourceFault::NotFound { .. }) => {
                if let Some(item) = item {
                    let record = item.record.as_deref().unwrap_or("the record");
                    self.problems.push(format!(
                        "{record} is no longer in {} ({})",
                        spec.system, spec.name
                    ));
                    self.at_least(Standing::Missing);
                }
            }
            Err(
                SourceFault::Transient { detail, .. }
                | SourceFault::Permanent { detail, .. }
                | SourceFault::Ambiguous { detail },
            ) => {
                self.problems.push(format!(
                    "{} ({}) cannot be read again: {detail}",
                    spec.name, spec.system
                ));
                self.at_least(Standing::Unknown);
            }
        }
    }

    fn record(
        &mut self,
        spec: &SourceSpec,
        item: Option<&Item>,
        facts: &Value,
        read: &SourceRecord,
    ) {
        let text = |name: &str| read.record.get(name).and_then(Value::as_str);
        for field in &spec.fields {
            let (old, new) = (there(facts.get(field)), there(read.record.get(field)));
            if old == new {
                continue;
            }
            let watched = spec.watch.contains(field);
            if watched {
                self.at_least(Standing::Changed);
            }
            self.changes.push(FieldChange {
                source: spec.name.clone(),
                system: spec.system.clone(),
                record: item.and_then(|i| i.record.clone()),
                field: field.clone(),
                old,
                new,
                watched,
                changed_at: text(&spec.updated_at).and_then(|t| Timestamp::parse(t).ok()),
                changed_by: spec.updated_by.as_deref().and_then(text).map(str::to_owned),
            });
        }
    }
}

/// Absent, null and empty are the same: nothing.
fn there(value: Option<&Value>) -> Value {
    match value {
        Some(v) if !is_missing(Some(v)) => v.clone(),
        _ => Value::Null,
    }
}

fn show(value: &Value) -> String {
    match value {
        Value::Null => "empty".to_owned(),
        Value::String(s) => s.clone(),
        other => other.to_string(),
    }
}

/// The sources that are read again.
pub fn watched(def: &Definition) -> impl Iterator<Item = &SourceSpec> {
    def.source.iter().filter(|s| !s.watch.is_empty())
}

/// Holds a new look against the snapshot. What a person accepted before is no news.
#[must_use]
pub fn judge(
    snapshot: &Snapshot,
    facts: &Value,
    reads: Vec<Read<'_>>,
    accepted: Option<&Recheck>,
    at: Timestamp,
) -> Recheck {
    let mut found = Recheck::new(at);
    for (spec, result) in reads {
        let item = snapshot.items.iter().find(|i| i.name == spec.name);
        let frozen = facts.get(&spec.name).cloned().unwrap_or(Value::Null);
        found.source(spec, item, &frozen, result);
    }
    if let Some(accepted) = accepted
        && found.standing == Standing::Changed
        && found
            .watched()
            .all(|c| accepted.watched().any(|known| known.same(c)))
    {
        found.standing = Standing::Same;
    }
    found
}
