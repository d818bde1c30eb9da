//! Tells the owner when a workflow's spending comes near its limit, and counts calls whose end nobody
//! saw.

use tuesday_domain::actor::Actor;
use tuesday_domain::record::{AuditEntry, Change, Decision, MoneyChange, Subject};
use tuesday_store::ApplyError;

use crate::engine::Engine;
use crate::maintenance::notice;

const BATCH: usize = 200;
/// A call of an evaluation that takes longer counts in full.
const LONGEST: std::time::Duration = std::time::Duration::from_secs(3_600);

pub(super) async fn run(engine: Engine) -> Result<(), String> {
    let old = crate::ids::moment_ago(LONGEST);
    let stranded = engine.0.reader.stranded_holds(old, BATCH).await;
    for hold in stranded.map_err(|e| e.to_string())? {
        // Another node may have counted it: then this decision is refused, and that is right.
        let _ = engine
            .apply(crate::steps::spend::assumed(hold, engine.now()))
            .await;
    }
    for workflow in engine.0.catalog.workflows() {
        warn(&engine, &workflow.name).await?;
    }
    Ok(())
}

async fn warn(engine: &Engine, workflow: &str) -> Result<(), String> {
    let Some(limit) = engine.0.catalog.limit(workflow) else {
        return Ok(());
    };
    let Ok(Some(state)) = engine.spend_state(workflow).await else {
        return Ok(());
    };
    let gone = state.spent_micros + state.assumed_micros;
    let spend = engine.0.reader.spend(workflow, &state.now).await;
    let warned = spend
        .map_err(|e| e.to_string())?
        .and_then(|s| s.warned_at)
        .is_some_and(|at| at >= limit.set_at);
    let Some(warn_at) = limit.warn_micros.filter(|w| gone >= *w && !warned) else {
        return Ok(());
    };
    let Ok((_, live)) = engine.live(workflow).await else {
        return Ok(());
    };
    let now = engine.now();
    let mark = MoneyChange::Warned {
        workflow: workflow.to_owned(),
        period: state.now.clone(),
        at: now,
        limit_at: limit.set_at,
    };
    let cents = |micros: i64| tuesday_domain::ledger::mul_div(micros, 1, 10_000).unwrap_or(0);
    let text = |micros: i64| format!("{}.{:02}", cents(micros) / 100, cents(micros) % 100);
    let title = format!(
        "{workflow} has spent {} of {} {} in {}",
        text(gone),
        text(limit.stop_micros),
        limit.currency,
        state.now
    );
    let mut changes = vec![Change::Money(Box::new(mark))];
    let owners = &live.ready.def.owners;
    for person in std::iter::once(&owners.operator).chain(&owners.sponsor) {
        let path = format!("/workflows/{workflow}/scorecard");
        let kind = "spend_limit";
        let place = workflow.to_owned();
        let told = notice(person.handle.clone(), place, kind, title.clone(), path, now);
        changes.push(Change::InsertNotice(Box::new(told)));
    }
    let subject = Subject::Workflow(workflow.to_owned());
    let entry = AuditEntry::new(now, Actor::System("spend"), "spend.warned", subject)
        .fact("period", state.now)
        .fact("warn_micros", warn_at)
        .fact("spent_micros", gone);
    match engine.apply(Decision { changes, entry }).await {
        Ok(_) | Err(ApplyError::Conflict { .. }) => Ok(()),
        Err(e) => Err(e.to_string()),
    }
}
