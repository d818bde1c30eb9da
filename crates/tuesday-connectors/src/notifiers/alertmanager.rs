//! Alerts for a Prometheus Alertmanager (API v2). One incident is one set of labels; its end sets
//! `endsAt`.

use serde_json::{Value, json};
use tuesday_domain::definition::SecretHeader;
use tuesday_domain::port::{AlertFacts, Message, Secrets};

use super::webhook::{now_seconds, post};
use crate::net::{Credential, HeaderMap, Http};

pub(super) async fn send(
    http: &Http,
    secrets: &dyn Secrets,
    url: &str,
    auth: Option<&SecretHeader>,
    message: &Message,
    facts: &AlertFacts,
) -> Result<(), String> {
    let mut headers = HeaderMap::new();
    if let Some(auth) = auth {
        Credential::resolve(secrets, auth)?.apply(&mut headers);
    }
    let now = tuesday_domain::time::Timestamp::from_micros(now_seconds().saturating_mul(1_000_000));
    let address = format!("{}/api/v2/alerts", url.trim_end_matches('/'));
    post(
        http,
        secrets,
        &address,
        headers,
        &alert(message, facts, &now.rfc3339()),
    )
    .await
}

fn alert(message: &Message, facts: &AlertFacts, now: &str) -> Value {
    let mut one = json!({
        // The labels name the alert: nothing in them changes while the incident lasts.
        "labels": {
            "alertname": format!("tuesday_{}", facts.category),
            "severity": facts.severity,
            "workflow": facts.place,
            "incident": facts.key,
        },
        "annotations": {
            "summary": message.title,
            "runbook_url": facts.runbook,
            "owner": message.name,
        },
        "generatorURL": message.link,
    });
    if facts.over {
        one["endsAt"] = json!(now);
    }
    json!([one])
}
