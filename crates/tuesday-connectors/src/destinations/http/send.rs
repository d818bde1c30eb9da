//! Sends one write.

use bytes::Bytes;
use serde_json::Value;
use tuesday_domain::action::Ability;
use tuesday_domain::definition::HttpMethod;
use tuesday_domain::port::{Delivery, Intent, SendFault, Target};

use super::HttpDestination;
use super::answer::{judge, unanswered, version};
use super::compare::written;
use crate::destinations::{for_good, for_now};
use crate::net::{Answer, Method, Url, retry_after, scrub};

const KEY_HEADER: &str = "Idempotency-Key";

impl HttpDestination {
    pub(crate) async fn send(&self, intent: &Intent) -> Result<Delivery, SendFault> {
        let url = self.needed(intent, "url")?;
        let before = if intent.spec.ability == Ability::Conditional {
            Some(self.precondition(intent).await?)
        } else {
            None
        };
        let mut fields = intent.fields.clone();
        if intent.spec.ability == Ability::Searchable {
            let name = intent
                .spec
                .key_field
                .as_deref()
                .ok_or_else(|| for_good("bad_config", "class E needs `key_field`"))?;
            fields.insert(name.to_owned(), Value::String(intent.key.clone()));
        }
        let body =
            serde_json::to_vec(&fields).map_err(|e| for_good("bad_fields", e.to_string()))?;
        let method = match intent.spec.method {
            Some(HttpMethod::Put) => Method::PUT,
            Some(HttpMethod::Patch) => Method::PATCH,
            Some(HttpMethod::Post) => Method::POST,
            None => return Err(for_good("bad_config", "an http destination needs `method`")),
        };
        let mut extra = vec![(
            intent.spec.key_header.as_deref().unwrap_or(KEY_HEADER),
            intent.key.as_str(),
        )];
        let condition = before
            .as_ref()
            .and_then(|t| t.version.as_deref())
            .map(entity_tag);
        if let Some(tag) = &condition {
            extra.push(("If-Match", tag));
        }
        let heard = self
            .call(intent, method, url, &extra, Bytes::from(body))
            .await
            .map_err(|e| for_good("bad_request", e))?;
        let mut delivery = match &heard.result {
            Ok(answer) => judge(intent, answer, heard.secret())?,
            Err(fault) => return Err(unanswered(fault)),
        };
        if let Some(target) = before {
            delivery.version_before = target.version;
            delivery.before = target.values;
        }
        Ok(delivery)
    }

    /// Class D: the present version, which must be the one the snapshot saw.
    async fn precondition(&self, intent: &Intent) -> Result<Target, SendFault> {
        if intent.spec.read_url.is_none() {
            return Err(for_good("bad_config", "class D needs `read_url`"));
        }
        let target = self.target(intent).await?;
        let Some(now) = &target.version else {
            return Err(for_good(
                "no_version",
                "the record has neither an ETag nor a field `version`",
            ));
        };
        match &intent.expected_version {
            Some(then) if plain(then) != plain(now) => Err(SendFault::TargetChanged {
                detail: format!(
                    "version {} at the snapshot, {} now",
                    plain(then),
                    plain(now)
                ),
            }),
            _ => Ok(target),
        }
    }

    /// Version and present values, when the definition says where to read them.
    pub(crate) async fn target(&self, intent: &Intent) -> Result<Target, SendFault> {
        let url = match self.address(intent, "read_url", None) {
            None => return Ok(Target::default()),
            Some(url) => url.map_err(|e| for_good("bad_address", e))?,
        };
        let heard = self
            .get(intent, url)
            .await
            .map_err(|e| for_good("bad_request", e))?;
        match &heard.result {
            Ok(answer) if (200..300).contains(&answer.status) => Ok(target_of(intent, answer)),
            // What is not there yet will be created by a POST or an upsert.
            Ok(answer) if matches!(answer.status, 404 | 410) && creates(intent) => {
                Ok(Target::default())
            }
            Ok(answer) => {
                let detail = format!(
                    "reading the record answered {}: {}",
                    answer.status,
                    scrub(&answer.body, heard.secret(), 300)
                );
                Err(match answer.status {
                    300 | 404 | 410 => SendFault::NoUniqueTarget { detail },
                    408 | 425 | 429 | 500.. => SendFault::RefusedForNow {
                        code: "target_unreadable",
                        detail,
                        retry_after: retry_after(&answer.headers),
                    },
                    _ => for_good("target_unreadable", detail),
                })
            }
            // Reading changes nothing, so a lost answer is clean.
            Err(fault) => Err(for_now("target_unreadable", fault.detail.clone())),
        }
    }

    fn needed(&self, intent: &Intent, name: &str) -> Result<Url, SendFault> {
        self.address(intent, name, None)
            .ok_or_else(|| for_good("bad_config", format!("`{name}` is missing")))?
            .map_err(|e| for_good("bad_address", e))
    }
}

fn creates(intent: &Intent) -> bool {
    intent.spec.ability != Ability::Conditional && intent.spec.method != Some(HttpMethod::Patch)
}

fn target_of(intent: &Intent, answer: &Answer) -> Target {
    let body = serde_json::from_slice::<Value>(&answer.body).unwrap_or(Value::Null);
    Target {
        version: version(answer, &body),
        values: body
            .as_object()
            .and_then(|map| written(&intent.fields, map)),
    }
}

/// `If-Match` wants an entity tag; a version taken from a field is put into quotes.
fn entity_tag(version: &str) -> String {
    if version.contains('"') {
        version.to_owned()
    } else {
        format!("\"{version}\"")
    }
}

/// A version without the dress of an entity tag, so that `"7"`, `W/"7"` and `7` are one.
fn plain(version: &str) -> &str {
    version.trim().trim_start_matches("W/").trim_matches('"')
}
