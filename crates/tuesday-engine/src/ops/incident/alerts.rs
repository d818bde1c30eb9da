//! Alerts as people see them: every kind with its runbook, each channel's last success, a test.

use tuesday_domain::actor::Actor;
use tuesday_domain::port::{AlertFacts, Message};
use tuesday_domain::problem::Problem;
use tuesday_domain::record::{
    Alert, AlertDelivery, AuditEntry, Change, Decision, DeliveryKind, Person, Subject,
    TroubleChange,
};
use tuesday_domain::time::Timestamp;
use tuesday_domain::trouble::Category;

use crate::engine::{Engine, apply_problem, read_problem};
use crate::ids;

/// Older than this, a last success proves nothing.
const STALE_DAYS: u64 = 7;

/// One kind of alert.
#[derive(Clone, Debug, serde::Serialize)]
pub struct KindView {
    /// Its category.
    pub category: Category,
    /// In words.
    pub title: &'static str,
    /// How bad, unless a person says otherwise.
    pub severity: tuesday_domain::trouble::Severity,
    /// Where its runbook is.
    pub runbook: String,
}

/// How a channel has done.
#[derive(Clone, Debug, serde::Serialize)]
pub struct ChannelView {
    /// The channel.
    pub channel: String,
    /// How often it took something.
    pub delivered: u64,
    /// When last.
    pub last_success_at: Option<Timestamp>,
    /// Nothing proves that it still works.
    pub stale: bool,
}

/// Everything about alerts.
#[derive(Clone, Debug)]
pub struct AlertsView {
    /// Every kind there is.
    pub kinds: Vec<KindView>,
    /// Every channel that ever took something.
    pub channels: Vec<ChannelView>,
    /// Those that still want somebody.
    pub open: Vec<Alert>,
    /// The newest tries.
    pub deliveries: Vec<AlertDelivery>,
}

impl Engine {
    /// What `alerts list` shows.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn alerts(&self) -> Result<AlertsView, Problem> {
        let reader = &self.0.reader;
        let now = self.now();
        let week = std::time::Duration::from_secs(STALE_DAYS * 86_400);
        let figures = reader.delivery_figures().await.map_err(read_problem)?;
        Ok(AlertsView {
            kinds: Category::ALL
                .iter()
                .map(|&c| KindView {
                    category: c,
                    title: c.title(),
                    severity: c.severity(),
                    runbook: self.runbook(c),
                })
                .collect(),
            channels: figures
                .into_iter()
                .map(|f| ChannelView {
                    stale: f.last_at.is_none_or(|at| now.since(at) > week),
                    channel: f.channel,
                    delivered: f.delivered,
                    last_success_at: f.last_at,
                })
                .collect(),
            open: reader.open_alerts(200).await.map_err(read_problem)?,
            deliveries: reader.newest_deliveries(50).await.map_err(read_problem)?,
        })
    }

    /// When any channel last took an alert or a test.
    ///
    /// # Errors
    /// When the database does not answer.
    pub(crate) async fn last_delivery(&self) -> Result<Option<Timestamp>, Problem> {
        let figures = self.0.reader.delivery_figures().await;
        let figures = figures.map_err(read_problem)?;
        Ok(figures.into_iter().filter_map(|f| f.last_at).max())
    }

    /// Sends a test to `to` through the channels and keeps how it went.
    ///
    /// # Errors
    /// `owner_not_a_person`; when it cannot be stored. A channel that fails is an answer, not an error.
    pub async fn test_alerts(&self, to: &str, by: &Actor) -> Result<AlertDelivery, Problem> {
        let people = self.0.reader.people().await.map_err(read_problem)?;
        let person = people
            .into_iter()
            .find(|p| p.handle == to && p.active)
            .ok_or_else(|| {
                Problem::new("owner_not_a_person", format!("{to} is nobody who is there"))
                    .field("to")
            })?;
        let now = self.now();
        let id = ids::alert();
        let message = Message {
            name: person.name.clone(),
            email: person.email.clone(),
            title: "Test alert: nothing is wrong".to_owned(),
            link: format!("{}/incidents", self.0.config.public_url),
            due_at: None,
            alert: Some(AlertFacts {
                key: format!("test:{id}"),
                category: "test",
                severity: "low",
                place: "tuesday".to_owned(),
                runbook: format!("{}/runbooks", self.0.config.public_url),
                over: false,
            }),
        };
        let answer = self.0.ports.notifier.notify(&message).await;
        let delivery = told(id, 1, DeliveryKind::Test, to, answer, now);
        let entry = AuditEntry::new(now, by.clone(), "alert.tested", Subject::Instance)
            .fact("to", to)
            .fact("ok", delivery.ok);
        let change = TroubleChange::InsertDelivery(delivery.clone());
        let changes = vec![Change::Trouble(Box::new(change))];
        self.apply(Decision { changes, entry })
            .await
            .map_err(apply_problem)?;
        Ok(delivery)
    }

    /// The address of a kind's runbook.
    #[must_use]
    pub fn runbook(&self, category: Category) -> String {
        format!(
            "{}/runbooks/{}",
            self.0.config.public_url,
            category.runbook()
        )
    }

    /// The message about an incident.
    pub(crate) fn alert_message(
        &self,
        incident: &tuesday_domain::record::Incident,
        person: Option<&Person>,
        handle: &str,
        over: bool,
        due_at: Option<Timestamp>,
    ) -> Message {
        let over_words = if over { "Over: " } else { "" };
        Message {
            name: person.map_or_else(|| handle.to_owned(), |p| p.name.clone()),
            email: person.map(|p| p.email.clone()).unwrap_or_default(),
            title: format!("{over_words}[{}] {}", incident.severity, incident.title),
            link: format!("{}/incidents/{}", self.0.config.public_url, incident.id),
            due_at,
            alert: Some(AlertFacts {
                key: incident.id.to_string(),
                category: incident.category.word(),
                severity: incident.severity.word(),
                place: incident
                    .workflow
                    .clone()
                    .unwrap_or_else(|| "tuesday".to_owned()),
                runbook: self.runbook(incident.category),
                over,
            }),
        }
    }
}

/// How a try went, as a row. A channel's answer reads `mail`, or `file (mail failed: …)`.
pub(crate) fn told(
    alert: tuesday_domain::id::AlertId,
    n: u32,
    kind: DeliveryKind,
    person: &str,
    answer: Result<String, String>,
    at: Timestamp,
) -> AlertDelivery {
    let (ok, channel, detail) = match answer {
        Ok(text) => match text.split_once(" (") {
            Some((channel, rest)) => (
                true,
                Some(channel.to_owned()),
                Some(rest.trim_end_matches(')').to_owned()),
            ),
            None => (true, Some(text), None),
        },
        Err(why) => (false, None, Some(why)),
    };
    AlertDelivery {
        alert,
        n,
        kind,
        person: person.to_owned(),
        ok,
        channel,
        detail,
        at,
    }
}
