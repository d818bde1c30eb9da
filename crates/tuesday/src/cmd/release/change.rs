//! The verbs that move a release: create, eval, approve, withdraw, promote, rollback.

use std::process::ExitCode;

use serde_json::json;
use tuesday_domain::eval::Verdict;
use tuesday_domain::id::ReleaseId;
use tuesday_domain::problem::Problem;
use tuesday_domain::record::Release;
use tuesday_domain::trouble::incident::FixLayer;
use tuesday_engine::ops::release::{Emergency, Evaluation};

use super::{CreateArgs, EvalArgs};
use crate::args;
use crate::cli::Common;
use crate::config::Home;
use crate::wiring::{self, Node, Opening};
use crate::{files, out};

async fn node(common: &Common) -> Result<Node, Problem> {
    wiring::open(Home::find(common)?, Opening::default()).await
}

fn said(common: &Common, row: &Release, next: &str) {
    if common.json {
        out::json_line(&json!({
            "id": row.id.to_string(), "workflow": row.workflow, "number": row.number, "state": row.state.word(),
            "hash": hex::encode(row.hash), "created_by": row.created_by,
        }));
        return;
    }
    out::line(&format!(
        "{} release {}: {} ({})",
        row.workflow, row.number, row.state, row.id
    ));
    if !next.is_empty() {
        out::say(&format!("Next: {next}"));
    }
}

pub(super) async fn create(common: &Common, args: &CreateArgs) -> Result<ExitCode, Problem> {
    let (package, vars) = files::read_package(&args.path, &args.set)?;
    let node = node(common).await?;
    let by = wiring::actor(common);
    let answers = args.answers.as_deref();
    let engine = &node.engine;
    let row = engine.create_release(&package, &vars, answers, &by).await?;
    node.engine.seal().await?;
    said(common, &row, &format!("tuesday release eval {}", row.id));
    let loaded = engine.loaded(row.id).await?;
    if let Some(words) = engine.ships_other_rules(&row.workflow, &loaded).await? {
        out::say(&format!("warning: {words}"));
    }
    Ok(ExitCode::SUCCESS)
}

pub(super) async fn eval(common: &Common, args: &EvalArgs) -> Result<ExitCode, Problem> {
    let id: ReleaseId = args::id(&args.id, "id")?;
    let node = node(common).await?;
    let bar = out::progress(0, "cases");
    let progress = |done: u64, all: u64| {
        bar.set_length(all);
        bar.set_position(done);
    };
    let how = Evaluation {
        repeats: args.repeat,
        at_once: args.concurrency.unwrap_or(0) as usize,
        progress: &progress,
    };
    let by = wiring::actor(common);
    let done = Box::pin(node.engine.evaluate_release(id, how, &by)).await?;
    bar.finish_and_clear();
    node.engine.seal().await?;
    let passed = done.record.verdict.passed;
    if common.json {
        out::json_line(&json!({
            "id": id.to_string(), "state": done.release.state.word(), "passed": passed, "reused": done.reused,
            "verdict": done.record.verdict, "evidence": done.record.evidence,
        }));
    } else {
        reasons(&done.record.verdict);
        let s = &done.record.evidence.summary;
        out::line(&format!(
            "{} of {} cases passed",
            s.cases.passed, s.cases.of
        ));
        crate::cmd::eval::told_graders(&done.record.evidence.graders);
        if let Some(c) = &done.record.evidence.compared {
            out::line(&format!(
                "compared with {}: {} ({} fixed, {} broken, p = {:.4})",
                c.baseline, c.standing, c.paired.fixed, c.paired.broken, c.p_value
            ));
        }
        said(common, &done.release, "");
    }
    Ok(ExitCode::from(u8::from(!passed)))
}

/// Every reason of a verdict.
pub(super) fn reasons(verdict: &Verdict) {
    for r in &verdict.reasons {
        out::line(&format!("blocked by {}: {}", r.reason, r.detail));
    }
    for w in &verdict.warnings {
        out::say(&format!("warning: {w}"));
    }
}

pub(super) async fn approve(common: &Common, id: &str, reason: &str) -> Result<ExitCode, Problem> {
    let id: ReleaseId = args::id(id, "id")?;
    let by = wiring::person(common)?;
    let node = node(common).await?;
    let row = node.engine.approve_release(id, &by, reason).await?;
    node.engine.seal().await?;
    said(common, &row, &format!("tuesday release promote {id}"));
    Ok(ExitCode::SUCCESS)
}

pub(super) async fn clear(common: &Common, id: &str, reason: &str) -> Result<ExitCode, Problem> {
    let id: ReleaseId = args::id(id, "id")?;
    let by = wiring::person(common)?;
    let node = node(common).await?;
    let row = node.engine.clear_release(id, &by, reason).await?;
    node.engine.seal().await?;
    said(common, &row, &format!("tuesday release approve {id}"));
    Ok(ExitCode::SUCCESS)
}

pub(super) async fn excuse(
    common: &Common,
    id: &str,
    layer: Option<FixLayer>,
    reason: &str,
) -> Result<ExitCode, Problem> {
    let id: ReleaseId = args::id(id, "id")?;
    let by = wiring::person(common)?;
    let node = node(common).await?;
    let row = node.engine.excuse_release(id, &by, layer, reason).await?;
    node.engine.seal().await?;
    said(common, &row, &format!("tuesday release eval {id}"));
    Ok(ExitCode::SUCCESS)
}

pub(super) async fn withdraw(common: &Common, id: &str, reason: &str) -> Result<ExitCode, Problem> {
    let id: ReleaseId = args::id(id, "id")?;
    let by = wiring::person(common)?;
    let node = node(common).await?;
    let row = node.engine.withdraw_release(id, &by, reason).await?;
    node.engine.seal().await?;
    said(common, &row, "");
    Ok(ExitCode::SUCCESS)
}

pub(super) async fn promote(common: &Common, id: &str) -> Result<ExitCode, Problem> {
    let id: ReleaseId = args::id(id, "id")?;
    let node = node(common).await?;
    let by = wiring::actor(common);
    let done = node.engine.promote_release(id, &by).await?;
    crate::folders::make(&node).await?;
    node.engine.seal().await?;
    said(common, &done.release, "");
    if let Some(after) = done.after.filter(|_| !common.json) {
        out::say(&format!(
            "It goes live when the change before it has settled, not before {after}."
        ));
    }
    Ok(ExitCode::SUCCESS)
}

pub(super) async fn acknowledge(
    common: &Common,
    workflow: &str,
    number: u32,
) -> Result<ExitCode, Problem> {
    let by = wiring::person(common)?;
    let node = node(common).await?;
    let ack = node
        .engine
        .acknowledge_release(workflow, &by, number)
        .await?;
    node.engine.seal().await?;
    if common.json {
        out::json_line(
            &json!({"workflow": ack.workflow, "person": ack.person, "number": ack.number,
            "at": ack.at.rfc3339()}),
        );
    } else {
        out::line(&format!(
            "{} has read what release {} of {} changed",
            ack.person, ack.number, ack.workflow
        ));
    }
    Ok(ExitCode::SUCCESS)
}

pub(super) async fn stand_by(common: &Common, id: &str, reason: &str) -> Result<ExitCode, Problem> {
    let id: ReleaseId = args::id(id, "id")?;
    let node = node(common).await?;
    let by = wiring::actor(common);
    let (row, _) = node.engine.stand_by_release(id, &by, reason).await?;
    node.engine.seal().await?;
    said(common, &row, "");
    if !common.json {
        out::say("It goes on for the live release while the provider of the live model is away.");
    }
    Ok(ExitCode::SUCCESS)
}

pub(super) async fn stand_down(
    common: &Common,
    workflow: &str,
    reason: &str,
) -> Result<ExitCode, Problem> {
    let node = node(common).await?;
    let by = wiring::actor(common);
    let engine = &node.engine;
    let row = engine.stand_down_release(workflow, &by, reason).await?;
    engine.seal().await?;
    if common.json {
        out::json_line(&json!({"workflow": row.name, "alternative": null}));
    } else {
        out::line(&format!("{}: no release stands by", row.name));
    }
    Ok(ExitCode::SUCCESS)
}

pub(super) async fn rollback(
    common: &Common,
    workflow: &str,
    to: Option<&str>,
    reason: &str,
) -> Result<ExitCode, Problem> {
    let to: Option<ReleaseId> = to.map(|t| args::id(t, "to")).transpose()?;
    let node = node(common).await?;
    let by = wiring::actor(common);
    let engine = &node.engine;
    let row = engine.roll_back_release(workflow, to, &by, reason).await?;
    engine.seal().await?;
    said(common, &row, "");
    Ok(ExitCode::SUCCESS)
}

/// What is done in an emergency, from the flags.
pub(super) fn emergency(to: Option<&str>, stage: Option<&str>) -> Result<Emergency, Problem> {
    match stage {
        Some(stage) => Ok(Emergency::Stage(args::word(stage, "stage")?)),
        None => Ok(Emergency::Release(
            to.map(|t| args::id(t, "to")).transpose()?,
        )),
    }
}

pub(super) async fn act_in_emergency(
    common: &Common,
    workflow: &str,
    what: Emergency,
    reviewer: &str,
    reason: &str,
) -> Result<ExitCode, Problem> {
    let node = node(common).await?;
    let by = wiring::person(common)?;
    let engine = &node.engine;
    let done = engine.emergency(workflow, what, reviewer, &by, reason);
    let duty = Box::pin(done).await?;
    engine.seal().await?;
    if common.json {
        out::json_line(&json!({
            "workflow": workflow, "done": duty.item, "duty": duty.id.to_string(), "reviewer": duty.owner,
            "until": duty.due_at.rfc3339(),
        }));
    } else {
        out::line(&format!("{workflow}: {} now", duty.item));
        out::line(&format!(
            "{} looks back at it until {} ({}); unanswered, the workflow pauses then",
            duty.owner, duty.due_at, duty.id
        ));
    }
    Ok(ExitCode::SUCCESS)
}
