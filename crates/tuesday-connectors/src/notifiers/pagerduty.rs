//! Alerts as events of PagerDuty's Events API v2, or of whatever speaks it. One incident is one
//! `dedup_key`, so a repeated alert is one page, and the end of the incident resolves it.

use serde_json::{Value, json};
use tuesday_domain::port::{AlertFacts, Message, Secrets};

use super::webhook::post;
use crate::net::{HeaderMap, Http};

/// Where events go unless the configuration says otherwise.
pub(super) const ADDRESS: &str = "https://events.pagerduty.com/v2/enqueue";

pub(super) async fn send(
    http: &Http,
    secrets: &dyn Secrets,
    url: Option<&str>,
    routing_key: &str,
    message: &Message,
    facts: &AlertFacts,
) -> Result<(), String> {
    let key = secrets.resolve(routing_key)?;
    let key = std::str::from_utf8(&key).map_err(|_| "the routing key is not text".to_owned())?;
    let body = event(key.trim(), message, facts);
    post(
        http,
        secrets,
        url.unwrap_or(ADDRESS),
        HeaderMap::new(),
        &body,
    )
    .await
}

fn event(key: &str, message: &Message, facts: &AlertFacts) -> Value {
    let action = if facts.over { "resolve" } else { "trigger" };
    json!({
        "routing_key": key,
        "event_action": action,
        "dedup_key": facts.key,
        "client": "tuesday",
        "client_url": message.link,
        "links": [
            { "href": message.link, "text": "Incident" },
            { "href": facts.runbook, "text": "Runbook" },
        ],
        "payload": {
            // PagerDuty cuts a summary at 1024 characters; a title is far shorter.
            "summary": message.title,
            "source": facts.place,
            "severity": severity(facts.severity),
            "class": facts.category,
            "custom_details": { "for": message.name, "runbook": facts.runbook },
        },
    })
}

/// The four words of the Events API.
fn severity(ours: &str) -> &'static str {
    match ours {
        "critical" => "critical",
        "high" => "error",
        "low" => "warning",
        _ => "info",
    }
}
