//! The watchers: they look for steps that do not move, a backlog that grows, a trigger that is silent, a
//! promise that is broken, a rotation with a gap, a disk that fills, and causes that have passed. Each
//! pass says what is there now; what is new is reported, what is gone has passed.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use tuesday_domain::actor::Actor;
use tuesday_domain::definition::{Period, TriggerKind};
use tuesday_domain::record::Workflow;
use tuesday_domain::time::{Span, Timestamp};
use tuesday_domain::trouble::watch::{
    Sample, clears_in, filling, growth, promise_broken, silent, stuck_after,
};
use tuesday_domain::trouble::{Category, Trouble, rotation};

use crate::catalog::LiveRelease;
use crate::engine::Engine;

const MOST: usize = 100;
/// How long before its end a credential is told about.
const WARN_BEFORE: Duration = Duration::from_secs(14 * 86_400);
/// Deliveries of this long count towards the promise.
const PROMISE_WINDOW: Duration = Duration::from_secs(3_600);

/// Reads which incidents are open, and ends those whose dependency works again.
pub(super) async fn passed(engine: Engine) -> Result<(), String> {
    let open = engine.0.reader.open_incidents().await;
    let open = open.map_err(|e| e.to_string())?;
    engine.0.dependencies.set_open(open.clone());
    for incident in open.iter().filter(|i| i.state.is_burning()) {
        let Some(since) = works_since(&engine, incident) else {
            continue;
        };
        if since > incident.last_at {
            let words = format!("it works again since {since}");
            if let Err(e) = engine.cause_passed(incident, &words).await {
                tracing::debug!(incident = %incident.id, error = %e, "not ended");
            }
        }
    }
    Ok(())
}

/// When the dependency of an incident last worked on this node.
fn works_since(engine: &Engine, incident: &tuesday_domain::record::Incident) -> Option<Timestamp> {
    let dependencies = &engine.0.dependencies;
    if incident.category.is_outage() {
        return dependencies.good_at(&incident.key);
    }
    if incident.category != Category::CredentialRefused {
        return None;
    }
    let subject = incident.key.split_once(':')?.1;
    let (kind, name) = subject.split_once(' ')?;
    let outage = match kind {
        "model" => Category::ProviderOutage,
        "source" => Category::SourceOutage,
        "destination" => Category::DestinationOutage,
        _ => return None,
    };
    dependencies.good_at(&tuesday_domain::trouble::key(outage, name))
}

/// Reports what is new among `present`, and ends open incidents of the category that are not in it.
pub(super) async fn observe(
    engine: &Engine,
    category: Category,
    present: Vec<Trouble>,
) -> Result<(), String> {
    let open = engine.0.dependencies.open();
    let burning: Vec<_> = open
        .iter()
        .filter(|i| i.category == category && i.state.is_burning())
        .collect();
    let keys: BTreeSet<String> = present.iter().map(Trouble::key).collect();
    for incident in burning.iter().filter(|i| !keys.contains(&i.key)) {
        // A person's own incident has no watcher that could say that it is over.
        if incident.opened_by.starts_with("system:") {
            engine
                .cause_passed(incident, "the watcher sees nothing of it any more")
                .await
                .map_err(|e| e.to_string())?;
        }
    }
    for trouble in present {
        let known = burning.iter().any(|i| i.key == trouble.key());
        if !known {
            engine
                .raise(trouble, Actor::System("watch"))
                .await
                .map_err(|e| e.to_string())?;
        }
    }
    Ok(())
}

/// Every workflow with the release that new runs get. One whose release cannot be loaded is another
/// watcher's matter.
pub(super) async fn live(engine: &Engine) -> Vec<(Arc<Workflow>, Arc<LiveRelease>)> {
    let mut out = Vec::new();
    for workflow in engine.0.catalog.workflows() {
        let found = engine
            .0
            .catalog
            .release(&engine.0.reader, workflow.live_release)
            .await;
        if let Ok(release) = found {
            out.push((workflow, release));
        }
    }
    out
}

/// Steps of machines that do not move. What waits for a person, for a place or for a time is not stuck.
pub(super) async fn stuck(engine: Engine) -> Result<(), String> {
    let now = engine.now();
    let mut present = Vec::new();
    for (workflow, release) in live(&engine).await {
        let limit = stuck_after(&release.ready.def);
        let found = engine
            .0
            .reader
            .stuck_runs(&workflow.name, now.minus(limit), MOST)
            .await
            .map_err(|e| e.to_string())?;
        let mut steps: std::collections::BTreeMap<&str, Vec<_>> = std::collections::BTreeMap::new();
        for run in &found {
            steps.entry(run.status.word()).or_default().push(run);
        }
        for (status, runs) in steps {
            let first = runs[0];
            let words = format!(
                "{} runs are {status} without a change for more than {}, the oldest since {}{}",
                runs.len(),
                Span(limit),
                first.since,
                first
                    .node
                    .as_ref()
                    .map(|n| format!(", held by {n}"))
                    .unwrap_or_default()
            );
            let subject = format!("{} {status}", workflow.name);
            let trouble = Trouble::new(Category::StuckWork, subject, Some(&workflow.name), words);
            present.push(trouble.of_run(first.run));
        }
    }
    observe(&engine, Category::StuckWork, present).await
}

/// More arrives than is done for the declared time, or something waits too long.
pub(super) async fn backlog(engine: Engine) -> Result<(), String> {
    let now = engine.now();
    let waiting = engine.0.reader.waiting().await;
    let waiting = waiting.map_err(|e| e.to_string())?;
    let mut present = Vec::new();
    for (workflow, release) in live(&engine).await {
        let watch = &release.ready.def.watch;
        let found = waiting.iter().find(|w| w.workflow == workflow.name);
        let sample = Sample {
            at: now,
            waiting: found.map_or(0, |w| w.runs),
        };
        let window = watch.backlog_after.0;
        let samples = engine.0.dependencies.sample(&workflow.name, sample, window);
        if let Some(g) = growth(&samples, window) {
            let days = days(&release, now, window);
            let days = [days[0].as_str(), days[1].as_str()];
            let span = (now.minus(g.over), now);
            let arrived = engine
                .0
                .reader
                .arrived(&workflow.name, days, "", span)
                .await
                .map_err(|e| e.to_string())?;
            let done = arrived.saturating_sub(g.to - g.from);
            let forecast = clears_in(g.to, done, g.over).map_or_else(
                || "nothing was done in this time".to_owned(),
                |d| {
                    format!(
                        "at this rate it is cleared in {} if nothing more arrives",
                        hours(d)
                    )
                },
            );
            let words = format!(
                "{} wait, {} more than {} ago; {arrived} arrived, {done} were done; {forecast}",
                g.to,
                g.to - g.from,
                hours(g.over)
            );
            present.push(of(Category::BacklogGrowing, "", &workflow, words));
        }
        if let Some(oldest) = found
            .and_then(|w| w.oldest)
            .filter(|at| now.since(*at) > watch.oldest.0)
        {
            let words = format!(
                "the oldest has waited since {oldest}, longer than {}",
                watch.oldest
            );
            present.push(of(Category::BacklogGrowing, " oldest", &workflow, words));
        }
    }
    observe(&engine, Category::BacklogGrowing, present).await
}

fn of(category: Category, more: &str, workflow: &Workflow, words: String) -> Trouble {
    let subject = format!("{}{more}", workflow.name);
    Trouble::new(category, subject, Some(&workflow.name), words)
}

fn hours(d: Duration) -> String {
    Span(Duration::from_secs(d.as_secs().max(60) / 60 * 60)).to_string()
}

/// The days of the workflow that a window up to `now` touches; windows are shorter than a day.
fn days(release: &LiveRelease, now: Timestamp, window: Duration) -> [String; 2] {
    let zone = &release.ready.zone;
    [zone.day(now.minus(window)), zone.day(now)]
}

/// Expected events that did not arrive in a period that is over.
pub(super) async fn quiet_triggers(engine: Engine) -> Result<(), String> {
    let now = engine.now();
    let mut present = Vec::new();
    for (workflow, release) in live(&engine).await {
        let zone = &release.ready.zone;
        for trigger in &release.ready.def.trigger {
            let Some(expect) = &trigger.expect else {
                continue;
            };
            let end = match expect.per {
                Period::Hour => now,
                Period::Day | Period::Weekday => zone.day_start(now),
            };
            let start = match expect.per {
                Period::Hour => now.minus(Duration::from_secs(3_600)),
                Period::Day | Period::Weekday => zone.day_start(end.minus(Duration::from_secs(1))),
            };
            // A period that began before anybody could send says nothing.
            if start < workflow.installed_at {
                continue;
            }
            // What is posted names no trigger of its own.
            let source = match trigger.kind {
                TriggerKind::Webhook | TriggerKind::Cli => trigger.kind.word().to_owned(),
                TriggerKind::File | TriggerKind::Schedule | TriggerKind::Sql => {
                    format!("{}:{}", trigger.kind.word(), trigger.name)
                }
            };
            let day = [zone.day(start), zone.day(now)];
            let day = [day[0].as_str(), day[1].as_str()];
            let count = |window| {
                engine
                    .0
                    .reader
                    .arrived(&workflow.name, day, &source, window)
            };
            let counted = count((start, end)).await.map_err(|e| e.to_string())?;
            let weekday = zone.week_minute(start) < 5 * 24 * 60;
            let Some(words) = silent(expect, weekday, counted) else {
                continue;
            };
            // They came late, but they come.
            let since = count((end, now)).await.map_err(|e| e.to_string())?;
            if since < u64::from(expect.events) {
                let more = format!(" {}", trigger.name);
                present.push(of(Category::TriggerSilent, &more, &workflow, words));
            }
        }
    }
    observe(&engine, Category::TriggerSilent, present).await
}

/// More than one in twenty deliveries of the last hour later than promised.
pub(super) async fn promises(engine: Engine) -> Result<(), String> {
    let now = engine.now();
    let mut present = Vec::new();
    for (workflow, release) in live(&engine).await {
        let Some(promise) = release.ready.def.watch.delivery else {
            continue;
        };
        let days = days(&release, now, PROMISE_WINDOW);
        let late = engine
            .0
            .reader
            .late_deliveries(
                &workflow.name,
                [days[0].as_str(), days[1].as_str()],
                (now.minus(PROMISE_WINDOW), now),
                i64::try_from(promise.0.as_micros()).unwrap_or(i64::MAX),
                now,
            )
            .await
            .map_err(|e| e.to_string())?;
        if promise_broken(late.all, late.late) {
            let words = format!(
                "{} of {} deliveries of the last hour took or take longer than {promise}",
                late.late, late.all
            );
            present.push(of(Category::DeliveryLate, "", &workflow, words));
        }
    }
    observe(&engine, Category::DeliveryLate, present).await
}

/// Parts of the week that nobody covers.
pub(super) async fn rotations(engine: Engine) -> Result<(), String> {
    let mut present = Vec::new();
    for (workflow, release) in live(&engine).await {
        let gaps = rotation::gaps(&release.ready.def.on_call.shift);
        if gaps.is_empty() {
            continue;
        }
        let named: Vec<String> = gaps.iter().map(ToString::to_string).collect();
        let words = format!(
            "nobody is on call {}; the operator owner is asked then",
            named.join(", ")
        );
        present.push(of(Category::RotationGap, "", &workflow, words));
    }
    observe(&engine, Category::RotationGap, present).await
}

/// Credentials whose declared end is near, or over.
pub(super) async fn credentials(engine: Engine) -> Result<(), String> {
    let now = engine.now();
    let (mut soon, mut over) = (Vec::new(), Vec::new());
    for (workflow, release) in live(&engine).await {
        for (kind, name, day) in release.ready.def.expiring() {
            let Ok(end) = release.ready.zone.moment(day) else {
                continue;
            };
            let subject = format!("{} {kind} {name}", workflow.name);
            let (category, found, words) = if now >= end {
                let words = format!("by its declaration it has not worked since {day}");
                (Category::CredentialExpired, &mut over, words)
            } else if now.plus(WARN_BEFORE) >= end {
                let words = format!("it works until {day}; nobody has declared a later day");
                (Category::CredentialExpiring, &mut soon, words)
            } else {
                continue;
            };
            let trouble = Trouble::new(category, subject, Some(&workflow.name), words);
            // Two actions of one system may share a credential.
            if !found.iter().any(|t: &Trouble| t.subject == trouble.subject) {
                found.push(trouble);
            }
        }
    }
    observe(&engine, Category::CredentialExpiring, soon).await?;
    observe(&engine, Category::CredentialExpired, over).await
}

/// The volume of this node's data, before it is full.
pub(super) async fn storage(engine: Engine) -> Result<(), String> {
    let Some(space) = &engine.0.config.space else {
        return Ok(());
    };
    let Some((free, all)) = space() else {
        return Ok(());
    };
    let mut present = Vec::new();
    if filling(free, all, engine.0.config.least_free_percent) {
        let words = format!("{} MiB of {} MiB are free", free >> 20, all >> 20);
        let node = engine.0.config.node.split('-').next().unwrap_or("node");
        present.push(Trouble::new(Category::StorageFilling, node, None, words));
    }
    observe(&engine, Category::StorageFilling, present).await
}
