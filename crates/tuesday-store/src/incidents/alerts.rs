//! Reading alerts and how their delivery went.

use tuesday_domain::id::{AlertId, IncidentId};
use tuesday_domain::record::{Alert, AlertDelivery};
use tuesday_domain::time::Timestamp;
use tuesday_domain::trouble::alert::AlertState;

use crate::error::ReadError;
use crate::reader::StoreReader;
use crate::select::{Select, limit as page};
use crate::value::{Row, Value};

const ALERT: &str = "id, state, person, chain, level, round, tries, due_at, detail, acknowledged_by, version, \
    incident_id, workflow, fired_at";
const DELIVERY: &str = "alert_id, n, kind, person, ok, channel, detail, at";

/// How a channel has done: when it last took something, and when it last did not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeliveryFigure {
    /// The channel.
    pub channel: String,
    /// How often it took something.
    pub delivered: u64,
    /// When last.
    pub last_at: Option<Timestamp>,
}

/// Which alerts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AlertFilter {
    /// Workflow name.
    pub workflow: Option<String>,
    /// The workflows that the reader may see, and what belongs to none. Absent means all.
    pub among: Option<Vec<String>>,
    /// Where it stands.
    pub state: Option<AlertState>,
    /// The person it is with.
    pub person: Option<String>,
    /// Only those that still want somebody.
    pub open: bool,
}

fn alert(r: Row<'_>) -> Result<Alert, ReadError> {
    Ok(Alert {
        id: AlertId::new(r.id(0)?),
        state: r.word(1)?,
        person: r.text(2)?,
        chain: r.text(3)?,
        level: r.num(4)?,
        round: r.num(5)?,
        tries: r.num(6)?,
        due_at: r.time(7)?,
        detail: r.opt_text(8)?,
        acknowledged_by: r.opt_text(9)?,
        version: r.num(10)?,
        incident: IncidentId::new(r.id(11)?),
        workflow: r.opt_text(12)?,
        fired_at: r.time(13)?,
    })
}

fn delivery(r: Row<'_>) -> Result<AlertDelivery, ReadError> {
    Ok(AlertDelivery {
        alert: AlertId::new(r.id(0)?),
        n: r.num(1)?,
        kind: r.word(2)?,
        person: r.text(3)?,
        ok: r.flag(4)?,
        channel: r.opt_text(5)?,
        detail: r.opt_text(6)?,
        at: r.time(7)?,
    })
}

impl StoreReader {
    /// Alerts for which something must happen by `now`, the longest waiting first.
    ///
    /// # Errors
    /// See [`StoreReader::run`].
    pub async fn due_alerts(&self, now: Timestamp, limit: usize) -> Result<Vec<Alert>, ReadError> {
        let sql = format!(
            "SELECT {ALERT} FROM alerts WHERE state <> 'cleared' AND due_at <= $1 ORDER BY due_at, id LIMIT $2"
        );
        self.rows(sql, vec![Value::Int(now.micros()), page(limit)], alert)
            .await
    }

    /// Open alerts that wait for the answer of somebody who is not active any more, or that such a person is on.
    ///
    /// # Errors
    /// See [`StoreReader::run`].
    pub async fn orphaned_alerts(&self, limit: usize) -> Result<Vec<Alert>, ReadError> {
        let sql = format!(
            "SELECT {ALERT} FROM alerts WHERE state <> 'cleared' AND ((state = 'notified' \
             AND person IN (SELECT handle FROM people WHERE active = 0)) OR (state = 'acknowledged' \
             AND acknowledged_by IN (SELECT handle FROM people WHERE active = 0))) ORDER BY due_at, id LIMIT $1"
        );
        self.rows(sql, vec![page(limit)], alert).await
    }

    /// Alerts that are over, were delivered before, and whose end nobody was told; for a day.
    ///
    /// # Errors
    /// See [`StoreReader::run`].
    pub async fn untold_ends(&self, limit: usize) -> Result<Vec<Alert>, ReadError> {
        let sql = format!(
            "SELECT {ALERT} FROM alerts AS a WHERE a.state = 'cleared' \
             AND EXISTS (SELECT 1 FROM alert_deliveries AS d WHERE d.alert_id = a.id AND d.kind = 'alert' AND d.ok = 1 AND d.at <= a.due_at) \
             AND NOT EXISTS (SELECT 1 FROM alert_deliveries AS d WHERE d.alert_id = a.id AND d.kind = 'cleared' AND d.at >= a.due_at) \
             ORDER BY a.due_at, a.id LIMIT $1"
        );
        self.rows(sql, vec![page(limit)], alert).await
    }

    /// The alert of an incident.
    ///
    /// # Errors
    /// See [`StoreReader::run`].
    pub async fn alert_of(&self, incident: IncidentId) -> Result<Option<Alert>, ReadError> {
        let sql = format!("SELECT {ALERT} FROM alerts WHERE incident_id = $1");
        self.first(sql, vec![Value::Id(incident.uuid())], alert)
            .await
    }

    /// Alerts that still want somebody, oldest first.
    ///
    /// # Errors
    /// See [`StoreReader::run`].
    pub async fn open_alerts(&self, limit: usize) -> Result<Vec<Alert>, ReadError> {
        let sql = format!(
            "SELECT {ALERT} FROM alerts WHERE state <> 'cleared' ORDER BY fired_at, id LIMIT $1"
        );
        self.rows(sql, vec![page(limit)], alert).await
    }

    /// How the delivery of an alert went, in order.
    ///
    /// # Errors
    /// See [`StoreReader::run`].
    pub async fn deliveries_of(&self, alert: AlertId) -> Result<Vec<AlertDelivery>, ReadError> {
        let sql = format!("SELECT {DELIVERY} FROM alert_deliveries WHERE alert_id = $1 ORDER BY n");
        self.rows(sql, vec![Value::Id(alert.uuid())], delivery)
            .await
    }

    /// An alert by its id.
    ///
    /// # Errors
    /// See [`StoreReader::run`].
    pub async fn alert(&self, id: AlertId) -> Result<Option<Alert>, ReadError> {
        let sql = format!("SELECT {ALERT} FROM alerts WHERE id = $1");
        self.first(sql, vec![Value::Id(id.uuid())], alert).await
    }

    /// Alerts, newest first; `after` is the last one of the page before.
    ///
    /// # Errors
    /// See [`StoreReader::run`].
    pub async fn alert_page(
        &self,
        filter: &AlertFilter,
        after: Option<AlertId>,
        limit: usize,
    ) -> Result<Vec<Alert>, ReadError> {
        let mut q = Select::new(&format!("SELECT {ALERT} FROM alerts"));
        q.and_text("workflow = ?", filter.workflow.as_deref())
            .and_text("state = ?", filter.state.map(AlertState::word))
            .and_text("person = ?", filter.person.as_deref());
        if filter.open {
            q.and("state <> 'cleared'", []);
        }
        if let Some(names) = filter.among.as_ref().filter(|n| !n.is_empty()) {
            q.and("(workflow IS NULL OR workflow IN", [])
                .list(names)
                .push(")", []);
        } else if filter.among.is_some() {
            q.and("workflow IS NULL", []);
        }
        if let Some(after) = after {
            q.and("id < ?", [Value::Id(after.uuid())]);
        }
        let (sql, params) = q.push(" ORDER BY id DESC LIMIT ?", [page(limit)]).done();
        self.rows(sql, params, alert).await
    }

    /// The newest deliveries of all alerts and tests.
    ///
    /// # Errors
    /// See [`StoreReader::run`].
    pub async fn newest_deliveries(&self, limit: usize) -> Result<Vec<AlertDelivery>, ReadError> {
        let sql = format!("SELECT {DELIVERY} FROM alert_deliveries ORDER BY at DESC LIMIT $1");
        self.rows(sql, vec![page(limit)], delivery).await
    }

    /// What each channel took, and when last.
    ///
    /// # Errors
    /// See [`StoreReader::run`].
    pub async fn delivery_figures(&self) -> Result<Vec<DeliveryFigure>, ReadError> {
        let sql = "SELECT channel, count(*), max(at) FROM alert_deliveries WHERE ok = 1 \
            GROUP BY channel ORDER BY channel";
        self.rows(sql, vec![], |r: Row<'_>| {
            Ok(DeliveryFigure {
                channel: r.text(0)?,
                delivered: r.num(1)?,
                last_at: r.opt_time(2)?,
            })
        })
        .await
    }
}
