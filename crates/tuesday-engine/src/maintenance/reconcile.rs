//! Compares what was confirmed with its destination, as often as the package says and as far back: a
//! record that is gone, or that reads otherwise by no write of ours, opens an incident, one for all of a
//! cause. Each look goes through the same actions again, so that what is deleted on the second day is
//! found as well; what is known already is not told again. Only destinations that can be asked are
//! asked; nothing is written there.
//!
//! A look is gone through a page at a time; the cursor says where, so that a stop loses nothing.

use std::time::Duration;

use tuesday_domain::action::ActionState;
use tuesday_domain::actor::Actor;
use tuesday_domain::definition::{ActionSpec, DestinationKind};
use tuesday_domain::id::RunId;
use tuesday_domain::port::{Delivery, Intent, Look, ReadBack, SendFault};
use tuesday_domain::record::{
    Action, AuditEntry, Change, Decision, Gap, Subject, TroubleChange, Workflow,
};
use tuesday_domain::time::Timestamp;
use tuesday_domain::trouble::incident::GapState;
use tuesday_domain::trouble::{Category, Trouble};
use tuesday_store::{ApplyError, Place};

use crate::engine::Engine;
use crate::steps::stored_intent;

const PAGE: usize = 100;
/// Name of the cursor: when the last look began, and how far it has come while it is under way.
const CURSOR: &str = "watch.reconcile";
/// A run may have waited so long for a person before it wrote.
const WAITED: Duration = Duration::from_secs(90 * 86_400);
/// A run that wrote later may have come so long before.
const OVERLAP: Duration = Duration::from_secs(14 * 86_400);
/// A search that lags behind is waited for no longer than this.
const LAG: Duration = Duration::from_secs(10);

/// Where a look stands.
struct Progress {
    began: Timestamp,
    after: Option<Place>,
}

impl Progress {
    fn parse(text: &str) -> Option<Self> {
        let mut parts = text.split_whitespace();
        let began = Timestamp::from_micros(parts.next()?.parse().ok()?);
        let after = match (parts.next(), parts.next()) {
            (Some(batch), Some(run)) => Some(Place {
                batch: batch.to_owned(),
                run: run.parse().ok()?,
            }),
            _ => None,
        };
        Some(Self { began, after })
    }

    fn text(&self) -> String {
        let at = self.began.micros();
        self.after
            .as_ref()
            .map_or_else(|| at.to_string(), |p| format!("{at} {} {}", p.batch, p.run))
    }
}

pub(super) async fn run(engine: Engine) -> Result<(), String> {
    for workflow in engine.0.catalog.workflows() {
        let found = engine
            .0
            .catalog
            .release(&engine.0.reader, workflow.live_release)
            .await;
        let Ok(release) = found else { continue };
        let watch = &release.ready.def.watch;
        let Some(every) = watch.reconcile else {
            continue;
        };
        let cursor = engine.0.reader.cursor(&workflow.name, CURSOR).await;
        let known = cursor
            .map_err(|e| e.to_string())?
            .and_then(|c| Progress::parse(&c.value));
        let now = engine.now();
        let began = match &known {
            Some(p) if p.after.is_some() => p.began,
            Some(p) if now.since(p.began) < every.0 => continue,
            None if now.since(workflow.installed_at) < every.0 => continue,
            _ => now,
        };
        let look = Progress {
            began,
            after: known.and_then(|p| p.after),
        };
        page(&engine, &workflow, look, watch.reconcile_for.0).await?;
    }
    Ok(())
}

/// The next page of a look; the pass after this one takes the page after it.
async fn page(
    engine: &Engine,
    workflow: &Workflow,
    look: Progress,
    reach: Duration,
) -> Result<(), String> {
    let from = look.began.minus(reach);
    let first = day(from.minus(WAITED));
    let found = engine
        .0
        .reader
        .confirmed_runs(
            &workflow.name,
            &first,
            (from, look.began),
            look.after.as_ref(),
            PAGE,
        )
        .await
        .map_err(|e| e.to_string())?;
    for place in &found {
        Box::pin(one(engine, workflow, place)).await?;
    }
    let next = Progress {
        began: look.began,
        after: found.last().filter(|_| found.len() == PAGE).cloned(),
    };
    engine
        .put_cursor(&workflow.name, CURSOR, &next.text())
        .await
}

fn day(at: Timestamp) -> String {
    at.rfc3339().chars().take(10).collect()
}

async fn one(engine: &Engine, workflow: &Workflow, place: &Place) -> Result<(), String> {
    let reader = &engine.0.reader;
    let Some(found) = reader.work(place.run).await.map_err(|e| e.to_string())? else {
        return Ok(());
    };
    let release = engine.0.catalog.release(reader, found.run.release).await;
    let Ok(release) = release else { return Ok(()) };
    for action in &found.actions {
        if action.state != ActionState::Confirmed {
            continue;
        }
        let stored = |n: u32| found.payload(n).map(|p| p.bytes.as_slice());
        let request = stored(action.request_ref)
            .and_then(|b| serde_json::from_slice(b).ok())
            .unwrap_or_default();
        let Ok(intent) = stored_intent(&release.ready, action, &request) else {
            continue;
        };
        let dependencies = &engine.0.dependencies;
        if !intent.spec.ability.can_look()
            || dependencies.is_down(Category::DestinationOutage, &intent.spec.system)
        {
            continue;
        }
        let receipt = action
            .receipt_ref
            .and_then(stored)
            .and_then(|b| serde_json::from_slice::<Delivery>(b).ok());
        let longest = Duration::from_millis(intent.timeout_ms).saturating_mul(3) + LAG;
        let asked = Box::pin(compared(engine, &intent, receipt.as_ref()));
        // Nobody knows is no gap: the outage of a destination is another watcher's matter.
        let Ok(Some(seen)) = tokio::time::timeout(longest, asked).await else {
            continue;
        };
        told(engine, workflow, place, (action, &intent), seen).await?;
    }
    Ok(())
}

/// What a look found, in words without content.
type Seen = Option<(GapState, String)>;

/// What the destination shows of a confirmed action; `None` when it cannot be told.
async fn compared(engine: &Engine, intent: &Intent, receipt: Option<&Delivery>) -> Option<Seen> {
    let destination = &engine.0.ports.destination;
    let missing = || {
        Some(Some((
            GapState::Missing,
            "the record is not there".to_owned(),
        )))
    };
    let back = match receipt {
        Some(receipt) => destination.read_back(intent, receipt).await,
        None => ReadBack::NotOffered,
    };
    let why = match back {
        ReadBack::Equal(_) => return Some(None),
        ReadBack::Differs(why) => Some(why),
        ReadBack::NotOffered | ReadBack::Failed(_) => None,
    };
    let mut look = destination.look(intent).await;
    if let Look::NotYet(left) = &look {
        tokio::time::sleep((*left).min(LAG)).await;
        look = destination.look(intent).await;
    }
    match (why, look) {
        (_, Look::Absent) => missing(),
        (None, Look::Found(_)) => Some(None),
        (None, Look::NotYet(_) | Look::Unknown(_)) => None,
        // A line that was only ever added has no record that could read otherwise.
        (Some(_), _) if intent.spec.write.as_deref() == Some("insert") => missing(),
        (Some(why), _) => match destination.target(intent).await {
            Err(SendFault::NoUniqueTarget { .. }) => missing(),
            Err(_) => None,
            // A table that would insert it anew has no such row.
            Ok(seen) if seen.values.is_none() && intent.spec.kind == DestinationKind::Sql => {
                missing()
            }
            Ok(_) => {
                // Only the name of a field is taken from the words: these may hold values.
                let field = why.split('`').nth(1);
                let field = field.filter(|f| intent.fields.contains_key(*f));
                let words = field.map_or_else(
                    || "it reads otherwise than was written".to_owned(),
                    |f| format!("`{f}` reads otherwise than was written"),
                );
                Some(Some((GapState::Changed, words)))
            }
        },
    }
}

/// Keeps what was found where it is news, with the finding that takes it to its incident.
async fn told(
    engine: &Engine,
    workflow: &Workflow,
    place: &Place,
    (action, intent): (&Action, &Intent),
    seen: Seen,
) -> Result<(), String> {
    let known = engine.0.reader.gap(action.id).await;
    let known = known.map_err(|e| e.to_string())?;
    let (state, words) = match (seen, &known) {
        (None, None) => return Ok(()),
        (None, Some(gap)) if gap.state == GapState::Mended => return Ok(()),
        (None, Some(_)) => (GapState::Mended, String::new()),
        (Some((state, words)), known) => {
            if known
                .as_ref()
                .is_some_and(|g| g.state == state && g.words == words)
            {
                return Ok(());
            }
            if written_over(engine, action, intent).await? {
                return Ok(());
            }
            (state, words)
        }
    };
    let gap = Gap {
        action: action.id,
        state,
        words,
        at: engine.now(),
        version: known.as_ref().map_or(1, |g| g.version + 1),
        run: place.run,
        workflow: workflow.name.clone(),
    };
    keep(engine, workflow, (action, gap), known.is_none()).await
}

async fn keep(
    engine: &Engine,
    workflow: &Workflow,
    (action, gap): (&Action, Gap),
    is_new: bool,
) -> Result<(), String> {
    let run: RunId = gap.run;
    let category = match gap.state {
        GapState::Missing => Some(Category::RecordMissing),
        GapState::Changed => Some(Category::RecordChanged),
        GapState::Mended => None,
    };
    let entry = AuditEntry::new(
        gap.at,
        Actor::System("reconcile"),
        "action.compared",
        Subject::Workflow(workflow.name.clone()),
    )
    .fact("run", run.to_string())
    .fact("action", action.id.to_string())
    .fact("found", gap.state.word());
    let mut changes = Vec::new();
    if let Some(category) = category {
        let words = format!(
            "{} to {} was confirmed at {}: {}",
            action.name, action.target, action.updated_at, gap.words
        );
        let subject = format!("{} {}", workflow.name, action.name);
        let trouble = Trouble::new(category, subject, Some(&workflow.name), words);
        changes.push(engine.report_trouble(trouble.of_run(run)));
    }
    changes.push(Change::Trouble(Box::new(if is_new {
        TroubleChange::InsertGap(gap)
    } else {
        TroubleChange::UpdateGap(gap)
    })));
    match engine.apply(Decision { changes, entry }).await {
        // Another node has just said the same.
        Ok(_) | Err(ApplyError::Conflict { .. }) => Ok(()),
        Err(e) => Err(e.to_string()),
    }
}

/// Whether a later confirmed write of ours to the same record explains what is there now.
async fn written_over(engine: &Engine, action: &Action, intent: &Intent) -> Result<bool, String> {
    let first = day(action.updated_at.minus(OVERLAP));
    for other in engine.0.catalog.workflows() {
        let reader = &engine.0.reader;
        let release = engine.0.catalog.release(reader, other.live_release).await;
        let Ok(release) = release else { continue };
        let there = release.ready.def.action.iter();
        let there = there.filter(|a| same_place(a, &intent.spec));
        let names: Vec<String> = there.map(|a| a.name.clone()).collect();
        let later = reader.written_since(
            (&other.name, &names),
            &first,
            &action.target,
            action.updated_at,
        );
        let later = later.await;
        if later.map_err(|e| e.to_string())? {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Both write to the same record where their targets are the same. Two addresses of one record are not
/// recognised, and what one of them wrote is then told as a change.
fn same_place(a: &ActionSpec, b: &ActionSpec) -> bool {
    let of = |s: &ActionSpec| {
        (
            s.kind,
            s.system.clone(),
            [&s.url, &s.database, &s.table, &s.path].map(Clone::clone),
        )
    };
    of(a) == of(b)
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests fail loudly")]
mod tests {
    use super::*;

    #[test]
    fn a_look_goes_on_where_it_stopped_and_an_old_cursor_is_a_look_that_ended() {
        let run = crate::ids::run();
        let at = Timestamp::from_micros(1_700_000_000_000_000);
        for after in [
            None,
            Some(Place {
                batch: "2026-11-20".to_owned(),
                run,
            }),
        ] {
            let text = Progress {
                began: at,
                after: after.clone(),
            }
            .text();
            let read = Progress::parse(&text).unwrap();
            assert_eq!((read.began, read.after), (at, after));
        }
        assert!(Progress::parse("1700000000000000").unwrap().after.is_none());
        assert!(Progress::parse("soon").is_none());
    }
}
