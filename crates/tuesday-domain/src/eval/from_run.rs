//! A case made of what a run had frozen, with personal data taken out.

use serde_json::{Map, Value};

use super::case::{Case, Expect, Kind};
use crate::actor::Class;
use crate::ready::Ready;
use crate::snapshot::{Freshness, Snapshot};

/// What a case is made of.
#[derive(Debug)]
pub struct Frozen<'a> {
    /// The release that the run was made with.
    pub ready: &'a Ready,
    /// The event's body.
    pub input: &'a Value,
    /// The manifest of the inputs.
    pub snapshot: &'a Snapshot,
    /// The record of each source, by its name.
    pub records: &'a Map<String, Value>,
}

/// A case of a run. Restricted fields are left out, and what looks like an address, an account or a
/// telephone number in the others is replaced, so that the pack may lie in a repository.
#[must_use]
pub fn case_of(name: String, kind: Kind, frozen: &Frozen<'_>, expect: Expect) -> Case {
    let ready = frozen.ready;
    let input = without(frozen.input, "", &|path| ready.class_of("input", path));
    let mut sources = Map::new();
    for spec in &ready.def.source {
        let record = frozen.records.get(&spec.name).map_or(Value::Null, |r| {
            without(r, "", &|path| ready.class_of(&spec.name, path))
        });
        sources.insert(spec.name.clone(), record);
    }
    let stale = frozen
        .snapshot
        .items
        .iter()
        .any(|i| i.freshness == Freshness::Stale);
    Case {
        name,
        kind: if stale && kind == Kind::Regression {
            Kind::Stale
        } else {
            kind
        },
        input,
        sources,
        expect,
        at: Some(frozen.snapshot.taken_at.rfc3339()),
        safety: false,
        sample: None,
        about: None,
    }
}

/// The closed fields of an output: those that the schema gives a list of values, whose right value
/// does not depend on wording.
#[must_use]
pub fn closed_fields(ready: &Ready, output: &Value) -> Map<String, Value> {
    let properties = ready.output_source.get("properties");
    let fields = output.as_object().into_iter().flatten();
    fields
        .filter(|(name, _)| {
            properties
                .and_then(|p| p.get(name.as_str()))
                .is_some_and(|p| p.get("enum").is_some())
        })
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect()
}

fn without(value: &Value, around: &str, class: &dyn Fn(&str) -> Class) -> Value {
    match value {
        Value::Object(fields) => {
            let mut out = Map::new();
            for (name, value) in fields {
                let path = if around.is_empty() {
                    name.clone()
                } else {
                    format!("{around}.{name}")
                };
                if class(&path) < Class::Restricted {
                    out.insert(name.clone(), without(value, &path, class));
                }
            }
            Value::Object(out)
        }
        Value::Array(all) => Value::Array(all.iter().map(|v| without(v, around, class)).collect()),
        Value::String(text) if class(around) >= Class::Confidential => {
            Value::String(scrubbed(text))
        }
        other => other.clone(),
    }
}

/// Addresses, accounts and telephone numbers by their look; blanks stay as they are.
fn scrubbed(text: &str) -> String {
    text.split_inclusive(char::is_whitespace)
        .map(|piece| {
            let word = piece.trim_matches(|c: char| c.is_whitespace() || ",.;:!?\"'".contains(c));
            let digits = word.chars().filter(char::is_ascii_digit).count();
            let plain = |c: char| c.is_ascii_alphanumeric() || "+-./()".contains(c);
            if word.contains('@') && word.contains('.') {
                piece.replace(word, "person@example.com")
            } else if digits >= 9 && word.chars().all(plain) {
                let zero = |c: char| if c.is_ascii_digit() { '0' } else { c };
                piece.chars().map(zero).collect()
            } else {
                piece.to_owned()
            }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_is_personal_is_taken_out_and_the_rest_stays() {
        let class = |path: &str| match path {
            "iban" | "payer.card" => Class::Restricted,
            "id" => Class::Internal,
            _ => Class::Confidential,
        };
        let value = json!({"id": "T-500012345", "iban": "DE02120300000000202051",
            "text": "Write to ana.b@mail.example or +49301234567, order K-44120 of 2026-06-08",
            "payer": {"card": "4000", "name": "Quarry Lane"}});
        assert_eq!(
            without(&value, "", &class),
            json!({"id": "T-500012345",
                "text": "Write to person@example.com or +00000000000, order K-44120 of 2026-06-08",
                "payer": {"name": "Quarry Lane"}})
        );
    }
}
