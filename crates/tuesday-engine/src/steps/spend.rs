//! A model call takes the most it can cost from its workflow's limit before it starts, and gives back
//! what it did not need in the decision that records it. A call whose end nobody saw counts in full.

use std::time::Duration;

use tuesday_domain::actor::Actor;
use tuesday_domain::definition::ModelKind;
use tuesday_domain::ledger::budget;
use tuesday_domain::port::ModelRequest;
use tuesday_domain::problem::Problem;
use tuesday_domain::record::{
    AuditEntry, Change, Decision, MoneyChange, SpendAct, SpendHold, SpendLimit, Subject, Workflow,
};
use tuesday_domain::run::Reason;
use tuesday_domain::time::Timestamp;
use tuesday_domain::workflow::Switch;
use tuesday_store::ApplyError;

use crate::draft::Draft;
use crate::engine::{Engine, read_problem};
use crate::maintenance::notice;
use crate::worker::drive::{Next, StepFault, Work};

/// Between two tries while calls in flight hold what is left.
const TRY_AGAIN: Duration = Duration::from_millis(100);

/// What the limit says about a call.
pub(crate) enum Taken {
    /// Nothing limits it.
    Free,
    /// It may start, and holds this.
    Held(SpendHold),
    /// It may not; in words.
    Refused(String),
}

/// Takes the most that this call can cost from the limit, waiting while only calls in flight stand in
/// the way.
pub(crate) async fn take(
    engine: &Engine,
    work: &Work,
    request: &ModelRequest,
) -> Result<Taken, StepFault> {
    let ready = &work.release.ready;
    let Some(limit) = engine.0.catalog.limit(&work.run.workflow) else {
        return Ok(Taken::Free);
    };
    if ready.model.kind.is_built_in() {
        return Ok(Taken::Free);
    }
    give_up_old(engine, work).await?;
    loop {
        let now = engine.now();
        let price = engine.token_price(ready, now);
        let Some(price) = price.filter(|p| p.currency == limit.currency) else {
            let words = format!("{} has no price in {}", ready.model.pin, limit.currency);
            return Ok(Taken::Refused(words));
        };
        let Some(micros) = budget::most(&price, bytes(request), ready.model.max_tokens) else {
            return Ok(Taken::Refused("its cost cannot be bounded".to_owned()));
        };
        let hold = SpendHold {
            run: work.run.id,
            workflow: work.run.workflow.clone(),
            period: budget::period(limit.period, now, &ready.zone),
            micros,
        };
        match reserve(engine, work, &limit, &hold, now).await {
            Ok(()) => return Ok(Taken::Held(hold)),
            Err(ApplyError::Conflict { .. }) => {}
            Err(e) => return Err(e.into()),
        }
        if let Some(words) = used_up(engine, &limit, &hold).await? {
            return Ok(Taken::Refused(words));
        }
        tokio::time::sleep(TRY_AGAIN).await;
        if !super::hold::may_start(engine, &work.run.workflow).await {
            return Ok(Taken::Refused("the workflow does not act".to_owned()));
        }
    }
}

/// The bytes that a call sends; a token is at least one.
pub(crate) fn bytes(request: &ModelRequest) -> u64 {
    let repair = request.repair.as_ref().map_or(0, String::len);
    let schema = request.output_schema.to_string().len();
    // These are handed the facts beside the prompt.
    let facts = match request.spec.kind {
        ModelKind::Http | ModelKind::Command => request.facts.to_string().len(),
        _ => 0,
    };
    (request.system.len() + request.prompt.len() + repair + schema + facts) as u64
}

/// A call of this run whose end nobody saw: it counts with the most it can have cost.
async fn give_up_old(engine: &Engine, work: &Work) -> Result<(), StepFault> {
    let old = engine.0.reader.spend_hold(work.run.id).await;
    let Some(hold) = old.map_err(read_problem)? else {
        return Ok(());
    };
    match engine.apply(assumed(hold, engine.now())).await {
        // Maintenance was faster.
        Ok(_) | Err(ApplyError::Conflict { .. }) => Ok(()),
        Err(e) => Err(e.into()),
    }
}

/// The decision that a hold counts in full.
pub(crate) fn assumed(hold: SpendHold, now: Timestamp) -> Decision {
    let subject = Subject::Workflow(hold.workflow.clone());
    let entry = AuditEntry::new(now, Actor::System("spend"), "spend.assumed", subject)
        .fact("about", hold.run.to_string())
        .fact("period", hold.period.clone())
        .fact("micros", hold.micros);
    let run = hold.run;
    let settle = MoneyChange::Settle {
        hold,
        cost_micros: None,
    };
    let changes = [MoneyChange::DropHold { run }, settle].map(|c| Change::Money(Box::new(c)));
    Decision {
        changes: changes.into(),
        entry,
    }
}

/// What takes a part of the limit; refused as a conflict when the limit cannot hold it.
pub(crate) fn reservation(hold: &SpendHold, stop_micros: i64) -> [Change; 3] {
    let money = [
        MoneyChange::OpenSpend {
            workflow: hold.workflow.clone(),
            period: hold.period.clone(),
        },
        MoneyChange::Reserve {
            hold: hold.clone(),
            stop_micros,
        },
        MoneyChange::InsertHold(hold.clone()),
    ];
    money.map(|c| Change::Money(Box::new(c)))
}

async fn reserve(
    engine: &Engine,
    work: &Work,
    limit: &SpendLimit,
    hold: &SpendHold,
    now: Timestamp,
) -> Result<(), ApplyError> {
    let subject = Subject::Workflow(hold.workflow.clone());
    let entry = AuditEntry::new(now, Actor::System("worker"), "spend.reserved", subject)
        .fact("about", hold.run.to_string())
        .fact("period", hold.period.clone())
        .fact("micros", hold.micros);
    let fence = Change::CheckFence {
        run: work.run.id,
        fence: work.fence,
    };
    let mut changes = vec![fence];
    changes.extend(reservation(hold, limit.stop_micros));
    let decision = Decision { changes, entry };
    let (before, after) = ("spend.before_hold_commit", "spend.after_hold_commit");
    engine.apply_at(before, after, decision).await.map(drop)
}

/// In words, when this call does not fit even if everything in flight costs nothing.
pub(crate) async fn used_up(
    engine: &Engine,
    limit: &SpendLimit,
    hold: &SpendHold,
) -> Result<Option<String>, Problem> {
    let spend = engine.0.reader.spend(&hold.workflow, &hold.period).await;
    let spend = spend.map_err(read_problem)?;
    let gone = spend.map_or(0, |s| s.spent_micros + s.assumed_micros);
    Ok((gone + hold.micros > limit.stop_micros).then(|| {
        format!(
            "the limit of {} {} in {} is reached",
            money(limit.stop_micros),
            limit.currency,
            hold.period
        )
    }))
}

/// Millionths with two digits.
fn money(micros: i64) -> String {
    let cents = tuesday_domain::ledger::mul_div(micros, 1, 10_000).unwrap_or(0);
    format!("{}.{:02}", cents / 100, cents % 100)
}

/// Gives back what the call did not need, in the decision that records it. What nobody reported counts
/// in full.
pub(crate) fn settle(draft: &mut Draft, hold: Option<SpendHold>, cost_micros: Option<i64>) {
    let Some(hold) = hold else { return };
    let run = hold.run;
    let settle = MoneyChange::Settle { hold, cost_micros };
    for change in [MoneyChange::DropHold { run }, settle] {
        draft.change(Change::Money(Box::new(change)));
    }
}

/// The run waits for the next period or a higher limit; where that was declared, the workflow is
/// paused. Who must know is told once.
pub(crate) async fn refused(
    engine: &Engine,
    work: &mut Work,
    words: String,
) -> Result<Next, StepFault> {
    tell(engine, work, &words).await?;
    let class = work.release.ready.strictest();
    let now = engine.now();
    let mut draft = Draft::on(&work.run, class, Actor::System("worker"), "run.held", now);
    draft.run.reason = Some(Reason::SpendLimit);
    draft.fact("limit", words);
    super::hold::put_down(engine, work, draft).await
}

/// Between two tries to stop a workflow that somebody else changes.
const TRIES: u32 = 5;

/// Who must know is told, and the workflow is paused where that was declared: once for each period and
/// limit, in one decision, so that nobody is told of a pause that a kill kept from happening.
async fn tell(engine: &Engine, work: &Work, words: &str) -> Result<(), StepFault> {
    let Some(limit) = engine.0.catalog.limit(&work.run.workflow) else {
        return Ok(());
    };
    let name = &work.run.workflow;
    for _ in 0..TRIES {
        let period = budget::period(limit.period, engine.now(), &work.release.ready.zone);
        let spend = engine.0.reader.spend(name, &period).await;
        let told = spend.map_err(read_problem)?.and_then(|s| s.stopped_at);
        if told.is_some_and(|at| at >= limit.set_at) {
            return Ok(());
        }
        let row = match limit.act {
            SpendAct::Pause => engine.0.reader.workflow(name).await.map_err(read_problem)?,
            SpendAct::Hold => None,
        };
        let acts = |w: &Workflow| matches!(w.switch, Switch::Running | Switch::Restricted);
        let decision = stop(engine, work, (&limit, period), words, row.filter(acts));
        let (before, after) = ("spend.before_stop_commit", "spend.after_stop_commit");
        match engine.apply_at(before, after, decision).await {
            Ok(_) => {
                let _ = engine.0.catalog.refresh(&engine.0.reader).await;
                return Ok(());
            }
            // Another run has told them, or somebody changed the workflow: looked at again.
            Err(ApplyError::Conflict { .. }) => {}
            Err(e) => return Err(e.into()),
        }
    }
    Ok(())
}

/// The decision that a limit is reached; `row` is the workflow where it is to be paused.
fn stop(
    engine: &Engine,
    work: &Work,
    (limit, period): (&SpendLimit, String),
    words: &str,
    row: Option<Workflow>,
) -> Decision {
    let (now, workflow) = (engine.now(), work.run.workflow.clone());
    let open = MoneyChange::OpenSpend {
        workflow: workflow.clone(),
        period: period.clone(),
    };
    let stop = MoneyChange::Stopped {
        workflow: workflow.clone(),
        period: period.clone(),
        at: now,
        limit_at: limit.set_at,
    };
    let mut changes: Vec<Change> = [open, stop].map(|c| Change::Money(Box::new(c))).into();
    let owners = &work.release.ready.def.owners;
    for person in std::iter::once(&owners.operator).chain(&owners.sponsor) {
        let title = format!("{workflow} waits: {words}");
        let path = format!("/workflows/{workflow}/scorecard");
        let (who, kind) = (person.handle.clone(), "spend_limit");
        let told = notice(who, workflow.clone(), kind, title, path, now);
        changes.push(Change::InsertNotice(Box::new(told)));
    }
    let (by, subject) = (Actor::System("spend"), Subject::Workflow(workflow));
    let kind = if row.is_some() {
        "workflow.switch"
    } else {
        "spend.stopped"
    };
    let mut entry = AuditEntry::new(now, by.clone(), kind, subject)
        .fact("period", period)
        .fact("reason", words);
    if let Some(mut row) = row {
        entry.moves.push(format!("switch {} paused", row.switch));
        row.switch = Switch::Paused;
        row.rollout.switched_at = Some(now);
        row.rollout.switched_by = Some(by.to_string());
        row.rollout.switch_reason = Some(words.to_owned());
        row.version += 1;
        changes.push(Change::PutWorkflow(Box::new(row)));
    }
    Decision { changes, entry }
}
