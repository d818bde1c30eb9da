//! Alerts walk: to the person they name, to the next one when nobody answers, and back to the beginning
//! when whoever was on it went quiet. How each delivery went is kept.

use std::time::Duration;

use tuesday_domain::actor::Actor;
use tuesday_domain::record::{
    Alert, AuditEntry, Change, Decision, DeliveryKind, Incident, Person, Subject, TroubleChange,
};
use tuesday_domain::time::Timestamp;
use tuesday_domain::trouble::alert::{AGAIN, AlertEvent, AlertState, TRIES, step};
use tuesday_domain::trouble::incident::IncidentEvent;
use tuesday_domain::trouble::{Category, Trouble};
use tuesday_store::ApplyError;

use crate::engine::Engine;
use crate::ops::{Handling, told};

const BATCH: usize = 100;
/// A delivery that takes longer is another node's to try: whoever had it is gone.
const TAKES: Duration = Duration::from_secs(60);

pub(super) async fn run(engine: Engine) -> Result<(), String> {
    let reader = &engine.0.reader;
    let now = engine.now();
    let due = reader
        .due_alerts(now, BATCH)
        .await
        .map_err(|e| e.to_string())?;
    let over = reader.untold_ends(BATCH).await.map_err(|e| e.to_string())?;
    let orphaned = reader.orphaned_alerts(BATCH).await;
    let orphaned = orphaned.map_err(|e| e.to_string())?;
    if due.is_empty() && over.is_empty() && orphaned.is_empty() {
        return Ok(());
    }
    let people = reader.people().await.map_err(|e| e.to_string())?;
    for alert in due.into_iter().chain(over) {
        let found = reader.incident(alert.incident).await;
        let Some(incident) = found.map_err(|e| e.to_string())? else {
            continue;
        };
        let id = alert.id;
        if orphaned.iter().any(|o| o.id == id) {
            continue;
        }
        if let Err(e) = Box::pin(one(&engine, alert, &incident, &people, now)).await {
            tracing::warn!(alert = %id, error = %e, "an alert could not be moved on; the next pass tries again");
        }
    }
    for alert in orphaned {
        let id = alert.id;
        if let Err(e) = Box::pin(left_behind(&engine, alert, &people, now)).await {
            tracing::warn!(alert = %id, error = %e, "an alert of somebody who left could not be passed on");
        }
    }
    Ok(())
}

/// Whoever has it left: it is not waited until their time is over.
async fn left_behind(
    engine: &Engine,
    mut alert: Alert,
    people: &[Person],
    now: Timestamp,
) -> Result<(), String> {
    let found = engine.0.reader.incident(alert.incident).await;
    let Some(incident) = found.map_err(|e| e.to_string())? else {
        return Ok(());
    };
    let walk = engine.walk(incident.category, incident.workflow.as_deref(), now);
    let walk = walk.await.map_err(|e| e.to_string())?;
    let is_active = |h: &String| people.iter().any(|p| p.active && p.handle == *h);
    // With nobody left there is nobody to pass it to.
    let Some(next) = walk.chain.first().filter(|p| is_active(p)) else {
        return Ok(());
    };
    if alert.state == AlertState::Acknowledged {
        return quiet(engine, &incident, now).await;
    }
    let (before, was) = (alert.state, alert.person.clone());
    move_to(&mut alert, AlertEvent::Escalate)?;
    alert.person.clone_from(next);
    alert.chain = walk.chain.join(" ");
    (alert.level, alert.tries, alert.due_at) = (0, 0, now);
    alert.version += 1;
    let mut entry = entry(&alert, "alert.escalated", now)
        .fact("why", format!("{was} is not active any more"))
        .fact("to", alert.person.clone());
    entry
        .moves
        .push(format!("alert {} {before} {}", alert.id, alert.state));
    let changes = vec![trouble(TroubleChange::UpdateAlert(alert))];
    let decided = engine.apply(Decision { changes, entry }).await;
    decided.map(drop).map_err(|e| e.to_string())
}

async fn one(
    engine: &Engine,
    alert: Alert,
    incident: &Incident,
    people: &[Person],
    now: Timestamp,
) -> Result<(), String> {
    match alert.state {
        AlertState::Firing | AlertState::Escalated => {
            deliver(engine, alert, incident, people, now).await
        }
        AlertState::Notified => {
            let words = format!("{} did not answer in time", alert.person);
            let decision = pass_on(engine, alert, now, &words)?;
            engine
                .apply(decision)
                .await
                .map(drop)
                .map_err(|e| e.to_string())
        }
        AlertState::Acknowledged => quiet(engine, incident, now).await,
        AlertState::Cleared => tell_end(engine, &alert, incident, people, now).await,
    }
}

/// Tries the channels, and keeps how it went.
async fn deliver(
    engine: &Engine,
    mut alert: Alert,
    incident: &Incident,
    people: &[Person],
    now: Timestamp,
) -> Result<(), String> {
    let walk = engine
        .walk(incident.category, incident.workflow.as_deref(), now)
        .await
        .map_err(|e| e.to_string())?;
    let person = people.iter().find(|p| p.handle == alert.person);
    // Somebody who left since the alert fired is not asked.
    if person.is_none_or(|p| !p.active) && walk.chain.iter().any(|p| *p != alert.person) {
        alert.chain = walk.chain.join(" ");
        alert.level = 0;
        alert.person = walk.chain.first().cloned().unwrap_or_default();
    }
    if !taken(engine, &mut alert, now).await? {
        return Ok(());
    }
    let person = people.iter().find(|p| p.handle == alert.person);
    let until = now.plus(walk.acknowledge);
    let message = engine.alert_message(incident, person, &alert.person, false, Some(until));
    let answer = engine.0.ports.notifier.notify(&message).await;
    let n = next_number(engine, &alert).await?;
    let delivery = told(alert.id, n, DeliveryKind::Alert, &alert.person, answer, now);
    let mut entry = entry(&alert, "alert.delivered", now)
        .fact("person", alert.person.clone())
        .fact("ok", delivery.ok);
    let before = alert.state;
    let mut changes = Vec::new();
    if delivery.ok {
        move_to(&mut alert, AlertEvent::Deliver)?;
        alert.tries = 0;
        alert.due_at = until;
    } else {
        alert.tries += 1;
        if incident.category != Category::AlertUndelivered {
            changes.push(engine.report_trouble(Trouble::new(
                Category::AlertUndelivered,
                "every channel",
                incident.workflow.as_deref(),
                format!(
                    "no channel took an alert for {}: {}",
                    alert.person,
                    delivery.detail.as_deref().unwrap_or("no reason given")
                ),
            )));
        }
        if alert.tries >= TRIES {
            next_person(&mut alert)?;
            // Around the whole rotation without a channel: not again in the same breath.
            let pause = if alert.level == 0 {
                AGAIN * 6
            } else {
                Duration::ZERO
            };
            alert.due_at = now.plus(pause);
        } else {
            alert.due_at = now.plus(AGAIN);
        }
    }
    alert.detail = delivery.detail.clone().or_else(|| delivery.channel.clone());
    alert.version += 1;
    entry
        .moves
        .push(format!("alert {} {before} {}", alert.id, alert.state));
    changes.push(trouble(TroubleChange::InsertDelivery(delivery)));
    changes.push(trouble(TroubleChange::UpdateAlert(alert)));
    let decision = Decision { changes, entry };
    engine
        .apply(decision)
        .await
        .map(drop)
        .map_err(|e| e.to_string())
}

/// One node sends, the one that moves the due time first; if it dies, the alert is due again.
async fn taken(engine: &Engine, alert: &mut Alert, now: Timestamp) -> Result<bool, String> {
    alert.due_at = now.plus(TAKES);
    alert.version += 1;
    let decision = Decision {
        changes: vec![trouble(TroubleChange::UpdateAlert(alert.clone()))],
        entry: entry(alert, "alert.taken", now),
    };
    match engine.apply(decision).await {
        Ok(_) => Ok(true),
        Err(ApplyError::Conflict { .. }) => Ok(false),
        Err(e) => Err(e.to_string()),
    }
}

fn trouble(change: TroubleChange) -> Change {
    Change::Trouble(Box::new(change))
}

async fn next_number(engine: &Engine, alert: &Alert) -> Result<u32, String> {
    let told = engine.0.reader.deliveries_of(alert.id).await;
    let told = told.map_err(|e| e.to_string())?;
    Ok(told.last().map_or(1, |d| d.n + 1))
}

fn move_to(alert: &mut Alert, event: AlertEvent) -> Result<(), String> {
    alert.state = alert.state.next(event).map_err(|e| e.to_string())?;
    Ok(())
}

/// The next person on the chain; after the last one the first again.
fn next_person(alert: &mut Alert) -> Result<(), String> {
    let people: Vec<String> = alert.people().into_iter().map(str::to_owned).collect();
    let (level, again) = step(alert.level, u32::try_from(people.len()).unwrap_or(1));
    move_to(alert, AlertEvent::Escalate)?;
    alert.level = level;
    alert.round += u32::from(again);
    alert.tries = 0;
    if let Some(person) = people.get(level as usize) {
        person.clone_into(&mut alert.person);
    }
    Ok(())
}

fn pass_on(_: &Engine, mut alert: Alert, now: Timestamp, why: &str) -> Result<Decision, String> {
    let before = alert.state;
    next_person(&mut alert)?;
    alert.due_at = now;
    alert.version += 1;
    let mut entry = entry(&alert, "alert.escalated", now)
        .fact("why", why)
        .fact("to", alert.person.clone());
    entry
        .moves
        .push(format!("alert {} {before} {}", alert.id, alert.state));
    let changes = vec![trouble(TroubleChange::UpdateAlert(alert))];
    Ok(Decision { changes, entry })
}

/// Whoever was on it has been quiet for too long: the incident is open again.
async fn quiet(engine: &Engine, incident: &Incident, now: Timestamp) -> Result<(), String> {
    let actor = Actor::System("alerts");
    let mut h = Handling::on(incident, &actor, "incident.quiet", now);
    let was = incident.acknowledged_by.clone().unwrap_or_default();
    h.event(IncidentEvent::GoQuiet).map_err(|e| e.to_string())?;
    h.incident.forget_end();
    h.say("quiet", format!("nothing was heard of {was}"), None);
    engine
        .fire_again(&mut h, now)
        .await
        .map_err(|e| e.to_string())?;
    engine
        .commit_incident(h)
        .await
        .map(drop)
        .map_err(|e| e.to_string())
}

/// Tells whoever was told last that it is over, so that pages and tickets elsewhere end too.
async fn tell_end(
    engine: &Engine,
    alert: &Alert,
    incident: &Incident,
    people: &[Person],
    now: Timestamp,
) -> Result<(), String> {
    let person = people.iter().find(|p| p.handle == alert.person);
    let message = engine.alert_message(incident, person, &alert.person, true, None);
    let answer = engine.0.ports.notifier.notify(&message).await;
    let n = next_number(engine, alert).await?;
    let delivery = told(
        alert.id,
        n,
        DeliveryKind::Cleared,
        &alert.person,
        answer,
        now,
    );
    let entry = entry(alert, "alert.ended", now).fact("ok", delivery.ok);
    let changes = vec![trouble(TroubleChange::InsertDelivery(delivery))];
    let decision = Decision { changes, entry };
    engine
        .apply(decision)
        .await
        .map(drop)
        .map_err(|e| e.to_string())
}

fn entry(alert: &Alert, kind: &'static str, now: Timestamp) -> AuditEntry {
    let subject = alert
        .workflow
        .clone()
        .map_or(Subject::Instance, Subject::Workflow);
    AuditEntry::new(now, Actor::System("alerts"), kind, subject)
        .fact("alert", alert.id.to_string())
        .fact("incident", alert.incident.to_string())
}
