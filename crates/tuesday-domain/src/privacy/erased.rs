//! What was erased, told from the log: the entry names the payloads, the time, who did it and the policy.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::Value;

use crate::record::Payload;
use crate::time::{Timestamp, Zone};

/// What stands where a text of an erased run was.
pub const ERASED: &str = "(erased)";

/// One erasure.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Erasure {
    /// When.
    #[serde(serialize_with = "rfc3339")]
    pub at: Timestamp,
    /// Who, as an actor.
    pub by: String,
    /// Under which policy.
    pub policy: String,
}

fn rfc3339<S: serde::Serializer>(at: &Timestamp, s: S) -> Result<S::Ok, S::Error> {
    s.serialize_str(&at.rfc3339())
}

/// By the name of the payload, as `event/1`.
pub type Erasures = BTreeMap<String, Erasure>;

impl Erasure {
    /// `erased on 2026-11-20 09:30:05 by Sia Berg under policy …`; `name` turns a handle into a name.
    #[must_use]
    pub fn words(&self, zone: Option<&Zone>, name: impl Fn(&str) -> String) -> String {
        let at = zone.map_or_else(|| self.at.rfc3339(), |z| z.local(self.at));
        let by = match self.by.split_once(':') {
            Some(("person", handle)) => name(handle),
            Some(("system", part)) => part.replace('_', " "),
            _ => self.by.clone(),
        };
        format!("erased on {at} by {by} under policy {}", self.policy)
    }
}

/// Whether bytes and salt of a payload are gone.
#[must_use]
pub fn is_gone(payload: &Payload) -> bool {
    payload.bytes.is_empty() && payload.salt == [0; 16]
}

/// The erasures that the leaves of a run tell of; the first one of a payload counts.
pub fn erasures<'a>(leaves: impl IntoIterator<Item = &'a Value>) -> Erasures {
    let mut found = Erasures::new();
    for leaf in leaves {
        if leaf.get("kind").and_then(Value::as_str) != Some("run.erased") {
            continue;
        }
        let fact = |name: &str| leaf.get("facts").and_then(|f| f.get(name));
        let at = leaf.get("at").and_then(Value::as_i64).unwrap_or_default();
        let text = |v: Option<&Value>| v.and_then(Value::as_str).unwrap_or_default().to_owned();
        let erasure = Erasure {
            at: Timestamp::from_micros(at),
            by: text(leaf.get("actor")),
            policy: text(fact("policy")),
        };
        let names = fact("erased").and_then(Value::as_array);
        for name in names.into_iter().flatten().filter_map(Value::as_str) {
            found
                .entry(name.to_owned())
                .or_insert_with(|| erasure.clone());
        }
    }
    found
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests fail loudly")]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn an_erasure_is_told_from_its_entry() {
        let leaves = [
            json!({"kind": "run.accepted", "at": 1, "actor": "system:worker", "v": 1}),
            json!({"kind": "run.erased", "at": 1_795_000_000_000_000_i64, "actor": "person:sia", "v": 1,
                   "facts": {"policy": "a request", "erased": ["event/1", "answer/3"]}}),
            json!({"kind": "run.erased", "at": 1_796_000_000_000_000_i64, "actor": "system:retention", "v": 1,
                   "facts": {"policy": "later", "erased": ["event/1"]}}),
        ];
        let found = erasures(&leaves);
        assert_eq!(found.len(), 2);
        let utc = Zone::named("UTC").unwrap();
        let words = found["event/1"].words(Some(&utc), |h| format!("the person {h}"));
        assert_eq!(
            words,
            "erased on 2026-11-18 11:06:40 by the person sia under policy a request"
        );
    }
}
