//! Looks for an effect, and reads a written record back. Nothing here changes anything.

use std::sync::PoisonError;
use std::time::Duration;

use serde_json::{Map, Value};
use tokio::time::Instant;
use tuesday_domain::action::Ability;
use tuesday_domain::port::{Delivery, Intent, Look, ReadBack};

use super::HttpDestination;
use super::answer::{id_text, version};
use super::compare::{difference, written};
use crate::destinations::{ANSWER_BYTES, receipt};
use crate::net::{Answer, Url, scrub};

/// Most keys remembered as not found; beyond it the memory is dropped and waits start anew.
const REMEMBERED: usize = 100_000;

/// One GET, reduced to what looking needs.
enum Seen {
    Body(Box<Answer>, Value, String),
    Gone,
    Failed(String),
}

impl HttpDestination {
    pub(crate) async fn look(&self, intent: &Intent) -> Look {
        if let Some(url) = self.address(intent, "lookup_url", None) {
            return match url {
                Ok(url) => self.search(intent, url).await,
                Err(e) => Look::Unknown(e),
            };
        }
        match self.address(intent, "read_url", None) {
            Some(Ok(url)) => self.look_at_record(intent, url).await,
            Some(Err(e)) => Look::Unknown(e),
            None => {
                Look::Unknown("the definition has neither `lookup_url` nor `read_url`".to_owned())
            }
        }
    }

    /// Class E: finds the record that carries the key.
    async fn search(&self, intent: &Intent, url: Url) -> Look {
        let (body, text) = match self.see(intent, url).await {
            Seen::Body(_, body, text) => (body, text),
            // A wrong address answers 404 too, and "absent" would lead to a second write.
            Seen::Gone => {
                return Look::Unknown(
                    "the search answered that there is no such address".to_owned(),
                );
            }
            Seen::Failed(why) => return Look::Unknown(why),
        };
        let (Value::Array(items), Some(field)) = (body, intent.spec.key_field.as_deref()) else {
            return Look::Unknown(
                "a search needs `key_field` and must answer a JSON array".to_owned(),
            );
        };
        if items.iter().any(|item| item.get(field).is_none()) {
            return Look::Unknown(format!(
                "the search answers records without `{field}`, so none can be told apart"
            ));
        }
        // A search may match loosely; only records that carry exactly this key count.
        let mut ours: Vec<&Map<String, Value>> = items
            .iter()
            .filter_map(Value::as_object)
            .filter(|m| carries_key(intent, m))
            .collect();
        match (ours.len(), ours.pop()) {
            (0, _) => self.not_found(intent),
            (1, Some(record)) => {
                self.missing_since
                    .lock()
                    .unwrap_or_else(PoisonError::into_inner)
                    .remove(&intent.key);
                let whole = Value::Object(record.clone());
                let pointed = intent
                    .spec
                    .external_id
                    .as_deref()
                    .and_then(|p| whole.pointer(p))
                    .and_then(id_text);
                Look::Found(Delivery {
                    external_id: pointed.or_else(|| record.get("id").and_then(id_text)),
                    after: written(&intent.fields, record),
                    answer: text,
                    repeated: true,
                    ..receipt("found by search")
                })
            }
            (n, _) => Look::Unknown(format!("{n} records carry the key")),
        }
    }

    fn not_found(&self, intent: &Intent) -> Look {
        let settle = intent.spec.settle.map_or(Duration::ZERO, |s| s.0);
        let mut missing = self
            .missing_since
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if missing.len() > REMEMBERED {
            missing.clear();
        }
        let first = *missing
            .entry(intent.key.clone())
            .or_insert_with(Instant::now);
        let left = settle.saturating_sub(first.elapsed());
        if left.is_zero() {
            missing.remove(&intent.key);
            Look::Absent
        } else {
            Look::NotYet(left)
        }
    }

    /// Classes B to D: the record itself shows whether the values arrived.
    async fn look_at_record(&self, intent: &Intent, url: Url) -> Look {
        match self.see(intent, url).await {
            Seen::Failed(why) => Look::Unknown(why),
            Seen::Gone => Look::Absent,
            Seen::Body(answer, body, text) => {
                let Some(record) = body.as_object() else {
                    return Look::Unknown("the record is not a JSON object".to_owned());
                };
                let now = version(&answer, &body);
                match difference(&intent.fields, record) {
                    None => Look::Found(Delivery {
                        version_after: now,
                        after: written(&intent.fields, record),
                        answer: text,
                        repeated: true,
                        ..receipt("found by reading the record")
                    }),
                    // Unchanged since the snapshot: the conditional write cannot have happened.
                    Some(_)
                        if intent.spec.ability == Ability::Conditional
                            && now.is_some()
                            && unchanged(intent, now.as_deref()) =>
                    {
                        Look::Absent
                    }
                    Some(why) => Look::Unknown(format!(
                        "the record differs from what was to be written: {why}"
                    )),
                }
            }
        }
    }

    pub(crate) async fn read_back(&self, intent: &Intent, delivery: &Delivery) -> ReadBack {
        let (url, by_key) = match self.address(intent, "read_url", delivery.external_id.as_deref())
        {
            Some(url) => (url, false),
            None => match self.address(intent, "lookup_url", delivery.external_id.as_deref()) {
                Some(url) => (url, true),
                None => return ReadBack::NotOffered,
            },
        };
        let url = match url {
            Ok(url) => url,
            Err(e) => return ReadBack::Failed(e),
        };
        match self.see(intent, url).await {
            Seen::Failed(why) => ReadBack::Failed(why),
            Seen::Gone => ReadBack::Differs("the record is not there".to_owned()),
            Seen::Body(_, body, _) => {
                let record = match &body {
                    Value::Object(map) if !by_key => map,
                    Value::Array(items) => match only(
                        items
                            .iter()
                            .filter_map(Value::as_object)
                            .filter(|m| !by_key || carries_key(intent, m)),
                    ) {
                        Some(map) => map,
                        // A search may lag behind the write; the caller tries again for a while.
                        None => {
                            return ReadBack::Failed(
                                "the read-back did not find exactly one record".to_owned(),
                            );
                        }
                    },
                    _ => return ReadBack::Failed("the read-back is not a JSON record".to_owned()),
                };
                match difference(&intent.fields, record) {
                    None => ReadBack::Equal(written(&intent.fields, record)),
                    Some(why) => ReadBack::Differs(why),
                }
            }
        }
    }

    async fn see(&self, intent: &Intent, url: Url) -> Seen {
        let heard = match self.get(intent, url).await {
            Ok(heard) => heard,
            Err(e) => return Seen::Failed(e),
        };
        match &heard.result {
            Ok(answer) if matches!(answer.status, 404 | 410) => Seen::Gone,
            Ok(answer) if (200..300).contains(&answer.status) => {
                match serde_json::from_slice(&answer.body) {
                    Ok(body) => Seen::Body(
                        Box::new(answer.clone()),
                        body,
                        scrub(&answer.body, heard.secret(), ANSWER_BYTES / 4),
                    ),
                    Err(e) => Seen::Failed(format!("the answer is not JSON: {e}")),
                }
            }
            Ok(answer) => Seen::Failed(format!(
                "answered {}: {}",
                answer.status,
                scrub(&answer.body, heard.secret(), 300)
            )),
            Err(fault) => Seen::Failed(fault.detail.clone()),
        }
    }
}

fn carries_key(intent: &Intent, record: &Map<String, Value>) -> bool {
    let Some(field) = intent.spec.key_field.as_deref() else {
        return false;
    };
    record.get(field).and_then(Value::as_str) == Some(intent.key.as_str())
}

fn unchanged(intent: &Intent, now: Option<&str>) -> bool {
    let bare = |v: &str| {
        v.trim()
            .trim_start_matches("W/")
            .trim_matches('"')
            .to_owned()
    };
    match (&intent.expected_version, now) {
        (Some(then), Some(now)) => bare(then) == bare(now),
        _ => false,
    }
}

fn only<T>(mut items: impl Iterator<Item = T>) -> Option<T> {
    let first = items.next()?;
    items.next().is_none().then_some(first)
}
