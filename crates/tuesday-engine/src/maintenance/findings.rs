//! Takes what was found to its incident: one cause is one incident with a count, another cause is
//! another one. Two nodes that do it at once are kept apart by the incident's row.

use std::collections::BTreeSet;
use std::time::Duration;

use tuesday_domain::actor::Actor;
use tuesday_domain::id::RunId;
use tuesday_domain::record::{
    AuditEntry, Change, Decision, Finding, Incident, IncidentRun, Subject, TroubleChange,
};
use tuesday_domain::time::Timestamp;
use tuesday_domain::trouble::alert::{AlertEvent, AlertState};
use tuesday_domain::trouble::incident::{
    IncidentEvent, IncidentState, Joined, Last, TOGETHER, joined,
};

use crate::engine::Engine;
use crate::ids;
use crate::ops::Handling;

const BATCH: usize = 1_000;

pub(super) async fn run(engine: Engine) -> Result<(), String> {
    let reader = &engine.0.reader;
    let found = reader
        .new_findings(BATCH)
        .await
        .map_err(|e| e.to_string())?;
    if found.is_empty() {
        return Ok(());
    }
    let now = engine.now();
    for cause in found.chunk_by(|a, b| a.key == b.key) {
        // One cause that cannot be told must not silence another one.
        if let Err(e) = Box::pin(take(&engine, cause, now)).await {
            tracing::warn!(cause = %cause[0].key, error = %e, "a finding was not taken to its incident; the next pass tries again");
        }
    }
    let before = now.minus(TOGETHER + Duration::from_secs(60));
    if found.iter().any(|f| !f.hard && f.at < before) {
        drop_old(&engine, before, now).await?;
    }
    Ok(())
}

async fn take(engine: &Engine, found: &[Finding], now: Timestamp) -> Result<(), String> {
    let reader = &engine.0.reader;
    let Some(first) = found.first() else {
        return Ok(());
    };
    let last = reader
        .incident_of_cause(&first.key)
        .await
        .map_err(|e| e.to_string())?;
    let facts: Vec<_> = found.iter().map(|f| (f.at, f.hard)).collect();
    let known = last.as_ref().map(|i| Last {
        state: i.state,
        resolved_at: i.resolved_at,
    });
    let handling = match (joined(&facts, known), &last) {
        (Joined::Wait, _) => return Ok(()),
        (Joined::Join, Some(incident)) => join(found, incident, now),
        (Joined::Recur, Some(incident)) => recur(engine, found, incident, now).await?,
        _ => open(engine, found, now).await?,
    };
    engine
        .commit_incident(handling)
        .await
        .map(drop)
        .map_err(|e| e.to_string())
}

const fn actor() -> Actor {
    Actor::System("incidents")
}

async fn open(engine: &Engine, found: &[Finding], now: Timestamp) -> Result<Handling, String> {
    let first = &found[0];
    let workflow = found.iter().find_map(|f| f.workflow.clone());
    let walk = engine
        .walk(first.category, workflow.as_deref(), now)
        .await
        .map_err(|e| e.to_string())?;
    let subject = first.key.split_once(':').map_or("", |k| k.1);
    let incident = Incident {
        id: ids::incident(),
        state: IncidentState::Triggered,
        severity: first.category.severity(),
        owner: walk.chain.first().cloned().unwrap_or_default(),
        count: found.len() as u64,
        last_at: newest(found),
        acknowledged_by: None,
        acknowledged_at: None,
        resolution: None,
        resolved_by: None,
        resolved_at: None,
        case: None,
        waiver: None,
        fix_layer: None,
        without_code: None,
        reviewed_by: None,
        version: 1,
        key: first.key.clone(),
        category: first.category,
        title: format!("{}: {subject}", first.category.title()),
        workflow,
        opened_by: actor().to_string(),
        opened_at: now,
    };
    let mut handling = Handling::new(incident, &actor(), now);
    handling.say("opened", first.words.clone(), Some(oldest(found)));
    let alert = Engine::first_alert(&handling.incident, &walk, now);
    handling.change(TroubleChange::InsertAlert(alert));
    link(&mut handling, found, now);
    Ok(handling)
}

fn join(found: &[Finding], incident: &Incident, now: Timestamp) -> Handling {
    let mut handling = Handling::on(incident, &actor(), "incident.joined", now);
    count(&mut handling, found);
    link(&mut handling, found, now);
    handling
}

/// It was thought to be over: from the beginning, with everybody who is there now.
async fn recur(
    engine: &Engine,
    found: &[Finding],
    incident: &Incident,
    now: Timestamp,
) -> Result<Handling, String> {
    let mut handling = Handling::on(incident, &actor(), "incident.recurred", now);
    handling
        .event(IncidentEvent::Recur)
        .map_err(|e| e.to_string())?;
    handling.incident.forget_end();
    count(&mut handling, found);
    handling.say("recurred", found[0].words.clone(), Some(oldest(found)));
    engine
        .fire_again(&mut handling, now)
        .await
        .map_err(|e| e.to_string())?;
    link(&mut handling, found, now);
    Ok(handling)
}

fn count(handling: &mut Handling, found: &[Finding]) {
    handling.incident.count += found.len() as u64;
    handling.incident.last_at = handling.incident.last_at.max(newest(found));
    handling.fact("count", handling.incident.count);
}

/// Takes the findings, and links each run once.
fn link(handling: &mut Handling, found: &[Finding], now: Timestamp) {
    let id = handling.incident.id;
    let runs: BTreeSet<RunId> = found.iter().filter_map(|f| f.run).collect();
    for run in runs {
        handling.change(TroubleChange::LinkRun(IncidentRun {
            incident: id,
            run,
            at: now,
        }));
    }
    for finding in found {
        handling.change(TroubleChange::TakeFinding(Finding {
            incident: Some(id),
            ..finding.clone()
        }));
    }
}

fn newest(found: &[Finding]) -> Timestamp {
    found.iter().map(|f| f.at).max().unwrap_or_default()
}

fn oldest(found: &[Finding]) -> Timestamp {
    found.iter().map(|f| f.at).min().unwrap_or_default()
}

async fn drop_old(engine: &Engine, before: Timestamp, now: Timestamp) -> Result<(), String> {
    let entry = AuditEntry::new(now, actor(), "findings.dropped", Subject::Instance)
        .fact("before", before.to_string());
    let change = TroubleChange::DropFindings { before };
    let changes = vec![Change::Trouble(Box::new(change))];
    engine
        .apply(Decision { changes, entry })
        .await
        .map(drop)
        .map_err(|e| e.to_string())
}

impl Engine {
    /// The alert of an incident fires again, or a first one does.
    pub(crate) async fn fire_again(
        &self,
        handling: &mut Handling,
        now: Timestamp,
    ) -> Result<(), tuesday_domain::problem::Problem> {
        let i = handling.incident.clone();
        let walk = self.walk(i.category, i.workflow.as_deref(), now).await?;
        let found = self
            .0
            .reader
            .alert_of(i.id)
            .await
            .map_err(crate::engine::read_problem)?;
        match found {
            None => {
                let alert = Self::first_alert(&i, &walk, now);
                handling.change(TroubleChange::InsertAlert(alert));
            }
            Some(mut alert)
                if matches!(alert.state, AlertState::Acknowledged | AlertState::Cleared) =>
            {
                Self::refire(&mut alert, &walk, now);
                handling.alert(&mut alert, AlertEvent::Fire)?;
            }
            Some(_) => {}
        }
        Ok(())
    }
}
