//! Records of one collection, with the version and time of change that every write maintains.

use std::collections::HashMap;

use serde_json::{Map, Value};

/// A JSON object; `id`, `version` and `updated_at` are kept by the collection.
pub(crate) type Record = Map<String, Value>;

/// Records by id, in the order they came.
#[derive(Debug, Default)]
pub(crate) struct Collection {
    by_id: HashMap<String, (u64, Record)>,
    arrivals: u64,
    generated: u64,
}

/// What a precondition was compared with, and what became of the write.
#[derive(Debug, PartialEq)]
pub(crate) enum Refusal {
    /// No such record.
    NotFound,
    /// The record has another version, or exists where it must not.
    Precondition,
}

/// Conditions of the request.
#[derive(Debug, Default, Clone, Copy)]
pub(crate) struct Condition<'a> {
    pub(crate) if_match: Option<&'a str>,
    pub(crate) if_none_match: Option<&'a str>,
}

impl Collection {
    pub(crate) fn get(&self, id: &str) -> Option<&Record> {
        self.by_id.get(id).map(|(_, record)| record)
    }

    /// All records that `keep` accepts, oldest first.
    pub(crate) fn select(&self, keep: impl Fn(&Record) -> bool) -> Vec<&Record> {
        let mut found: Vec<_> = self
            .by_id
            .values()
            .filter(|(_, record)| keep(record))
            .collect();
        found.sort_unstable_by_key(|(arrival, _)| *arrival);
        found.into_iter().map(|(_, record)| record).collect()
    }

    /// Puts a record in as it is; what it lacks of version and time is filled in.
    pub(crate) fn place(&mut self, id: String, mut record: Record, now: &str) {
        record.entry("version").or_insert_with(|| "1".into());
        record.entry("updated_at").or_insert_with(|| now.into());
        self.insert(id, record);
    }

    /// A new record under an id of the collection's own making.
    pub(crate) fn create(
        &mut self,
        name: &str,
        mut record: Record,
        now: &str,
    ) -> (String, &Record) {
        let id = loop {
            self.generated += 1;
            let id = format!("{name}-{}", self.generated);
            if !self.by_id.contains_key(&id) {
                break id;
            }
        };
        record.insert("id".to_owned(), id.as_str().into());
        stamp(&mut record, "1".into(), now);
        self.insert(id.clone(), record);
        let kept = &self.by_id[&id].1;
        (id, kept)
    }

    /// Replaces the record, or creates it under this id. True when it is new.
    pub(crate) fn put(
        &mut self,
        id: &str,
        mut record: Record,
        condition: Condition<'_>,
        now: &str,
    ) -> Result<(bool, &Record), Refusal> {
        let present = self.get(id);
        check(present, condition)?;
        let version = present.map_or_else(|| "1".into(), |p| next_version(p.get("version")));
        let is_new = present.is_none();
        record.insert("id".to_owned(), id.into());
        stamp(&mut record, version, now);
        self.insert(id.to_owned(), record);
        Ok((is_new, &self.by_id[id].1))
    }

    /// Merges `change` into the record; `null` removes a field (RFC 7396).
    pub(crate) fn patch(
        &mut self,
        id: &str,
        change: Record,
        condition: Condition<'_>,
        now: &str,
    ) -> Result<&Record, Refusal> {
        check(self.get(id), condition)?;
        let (_, record) = self.by_id.get_mut(id).ok_or(Refusal::NotFound)?;
        let version = next_version(record.get("version"));
        merge(record, change);
        record.insert("id".to_owned(), id.into());
        stamp(record, version, now);
        Ok(record)
    }

    pub(crate) fn delete(&mut self, id: &str, condition: Condition<'_>) -> Result<(), Refusal> {
        check(self.get(id), condition)?;
        self.by_id.remove(id).map(|_| ()).ok_or(Refusal::NotFound)
    }

    fn insert(&mut self, id: String, record: Record) {
        let arrival = self
            .by_id
            .get(&id)
            .map_or(self.arrivals, |(arrival, _)| *arrival);
        self.arrivals += 1;
        self.by_id.insert(id, (arrival, record));
    }
}

/// The record's entity tag: its version in quotes.
pub(crate) fn entity_tag(record: &Record) -> Option<String> {
    record
        .get("version")
        .and_then(as_text)
        .map(|version| format!("\"{version}\""))
}

/// Text of a field as a query or an id spells it; objects and lists have none.
pub(crate) fn as_text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(flag) => Some(flag.to_string()),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}

fn check(present: Option<&Record>, condition: Condition<'_>) -> Result<(), Refusal> {
    let tag = present.and_then(entity_tag);
    let listed = |wanted: &str| {
        let mut tags = wanted.split(',').map(|t| t.trim().trim_start_matches("W/"));
        present.is_some() && tags.any(|t| t == "*" || tag.as_deref() == Some(t))
    };
    if condition.if_match.is_some_and(|wanted| !listed(wanted)) {
        return Err(if present.is_none() {
            Refusal::NotFound
        } else {
            Refusal::Precondition
        });
    }
    if condition.if_none_match.is_some_and(listed) {
        return Err(Refusal::Precondition);
    }
    Ok(())
}

fn stamp(record: &mut Record, version: Value, now: &str) {
    record.insert("version".to_owned(), version);
    record.insert("updated_at".to_owned(), now.into());
}

/// The version after this one, in the form the record already uses: `7`, `"7"` or `"v7"`.
fn next_version(version: Option<&Value>) -> Value {
    match version {
        Some(Value::Number(number)) => number
            .as_u64()
            .map_or_else(|| "1".into(), |n| (n + 1).into()),
        Some(Value::String(text)) => {
            let letters = text.trim_end_matches(|c: char| c.is_ascii_digit());
            let next = text[letters.len()..]
                .parse::<u64>()
                .map_or(1, |n| n.saturating_add(1));
            format!("{letters}{next}").into()
        }
        _ => "1".into(),
    }
}

fn merge(record: &mut Record, change: Record) {
    for (name, value) in change {
        match (value, record.get_mut(&name)) {
            (Value::Null, _) => {
                record.shift_remove(&name);
            }
            (Value::Object(inner), Some(Value::Object(present))) => merge(present, inner),
            (Value::Object(inner), _) => {
                let mut fresh = Record::new();
                merge(&mut fresh, inner);
                record.insert(name, Value::Object(fresh));
            }
            (other, _) => {
                record.insert(name, other);
            }
        }
    }
}
