//! `tuesday writeback`: what became of single writes, and undoing one.

use std::process::ExitCode;

use clap::{Args, Subcommand};
use serde_json::{Value, json};
use tuesday_domain::action::ActionState;
use tuesday_domain::id::ActionId;
use tuesday_domain::problem::Problem;
use tuesday_domain::time::Timestamp;
use tuesday_domain::trouble::incident::Proof;
use tuesday_engine::ops::{Compensation, Writeback};

use crate::args::{self, stored};
use crate::cli::Common;
use crate::config::Home;
use crate::out;
use crate::wiring::{self, Opening};

/// Arguments of `writeback`.
#[derive(Debug, Args)]
pub(crate) struct WritebackArgs {
    #[command(subcommand)]
    act: Act,
}

#[derive(Debug, Subcommand)]
enum Act {
    /// One write: what was to be written, what the destination answered, what became of it since
    Show {
        /// The action, as the run or the blast radius names it
        action: String,
    },
    /// Put back what an action had overwritten, while the record is as the action left it; exit 1 when
    /// it was edited since and a person has a task
    Compensate {
        /// The action, as the run or the blast radius names it
        action: String,
        /// Why
        #[arg(long)]
        reason: String,
    },
}

/// Runs the command.
pub(crate) async fn run(common: Common, args: WritebackArgs) -> Result<ExitCode, Problem> {
    let (text, reason) = match args.act {
        Act::Show { action } => (action, None),
        Act::Compensate { action, reason } => (action, Some(reason)),
    };
    let id: ActionId = args::id(&text, "action")?;
    let node = wiring::open(Home::find(&common)?, Opening::default()).await?;
    let run = node
        .engine
        .reader()
        .run_of_action(id)
        .await
        .map_err(stored)?;
    let run = run.ok_or_else(|| {
        Problem::new("not_found", format!("there is no {id}"))
            .way_out("`tuesday run show RUN --json` lists the actions of a run")
    })?;
    let Some(reason) = reason else {
        let found = Box::pin(node.engine.writeback(run, id, None)).await?;
        show(&common, &found);
        return Ok(ExitCode::SUCCESS);
    };
    let by = wiring::person(&common)?;
    let done = Box::pin(node.engine.compensate(run, id, &by, &reason)).await?;
    Ok(undone(&common, &done))
}

/// What became of undoing; exit 1 unless the old value is back.
fn undone(common: &Common, done: &Compensation) -> ExitCode {
    let is_back = done.action.state == ActionState::Confirmed;
    let task = done.task.map(|t| t.to_string());
    if common.json {
        out::json_line(&json!({
            "action_id": done.action.id.to_string(), "undoes": done.original.id.to_string(),
            "run_id": done.action.run.to_string(), "state": done.action.state.word(), "key": done.action.key,
            "target": done.action.target, "task_id": task, "detail": done.action.detail,
        }));
    } else if is_back {
        out::line(&format!(
            "✓ {}: the old value is back ({})",
            done.action.target, done.action.id
        ));
    } else {
        let why = done.action.detail.as_deref().unwrap_or("it is under way");
        out::line(&format!("✗ {}: {why}", done.action.target));
        if let Some(task) = task {
            out::say(&format!("Next: tuesday review show {task}"));
        }
    }
    ExitCode::from(u8::from(!is_back))
}

fn show(common: &Common, w: &Writeback) {
    if common.json {
        out::json_line(&whole(w));
        return;
    }
    let a = &w.action;
    let system = w
        .system
        .as_deref()
        .unwrap_or("a system that its release no longer names");
    out::line(&format!("{}: {} to {} ({system})", a.id, a.name, a.target));
    let mut pairs = vec![
        ("State", a.state.word().to_owned()),
        ("Run", format!("{} of {}", a.run, w.workflow)),
        ("Class", format!("{}, ability {}", a.class, a.ability)),
        ("Key", a.key.clone()),
        ("Tries", a.attempts.to_string()),
    ];
    let mut also = |name, value: Option<String>| pairs.extend(value.map(|v| (name, v)));
    also("Authorised by", a.authorised_by.clone());
    also("First sent", a.first_sent_at.map(|t| t.to_string()));
    also("Their id", a.external_id.clone());
    also("Expected", w.expected_version.clone());
    also("Known", a.detail.clone());
    also("Undoes", w.undoes.map(|id| id.to_string()));
    also("Undone by", w.undone_by.map(|id| id.to_string()));
    match &w.receipt {
        Some(r) => {
            also("Receipt", Some(r.status.clone()));
            let versions = [&r.version_before, &r.version_after];
            let [before, after] = versions.map(|v| v.as_deref().unwrap_or("not known"));
            also("Version", Some(format!("{before} before, {after} after")));
            also("Answer", Some(r.answer.clone()).filter(|t| !t.is_empty()));
        }
        None => also("Receipt", Some("none".to_owned())),
    }
    also(
        "Compared",
        w.gap
            .as_ref()
            .map(|g| format!("{} {}: {}", g.state, g.at, g.words)),
    );
    for (name, value) in pairs {
        out::line(&format!("  {name:<14}{value}"));
    }
    let part = |of: Option<&Value>, field: &str| {
        let value = of.and_then(|v| v.get(field));
        value.map_or_else(|| "not shown".to_owned(), Value::to_string)
    };
    for (field, value) in &w.intent {
        let receipt = w.receipt.as_ref();
        let before = part(receipt.and_then(|r| r.before.as_ref()), field);
        let after = part(receipt.and_then(|r| r.after.as_ref()), field);
        out::line(&format!(
            "  {field}: {value} was to be written; {before} before, {after} after"
        ));
    }
    for c in &w.corrections {
        let proof = c.proof.map_or("", Proof::told);
        let end = c.receipt.as_deref().or(c.note.as_deref()).unwrap_or("");
        out::line(&format!(
            "  Correction {} of {}: {} {proof} {end}",
            c.id, c.incident, c.state
        ));
    }
}

fn whole(w: &Writeback) -> Value {
    let a = &w.action;
    let receipt = w.receipt.as_ref().map(|r| {
        json!({
            "status": r.status, "answer": r.answer, "external_id": r.external_id,
            "version_before": r.version_before, "version_after": r.version_after,
            "before": r.before, "after": r.after, "repeated": r.repeated,
        })
    });
    let gap = w
        .gap
        .as_ref()
        .map(|g| json!({ "state": g.state.word(), "words": g.words, "found_at": g.at.rfc3339() }));
    let corrections: Vec<Value> = w
        .corrections
        .iter()
        .map(|c| {
            json!({
                "id": c.id.to_string(), "incident": c.incident.to_string(), "state": c.state.word(),
                "owner": c.owner, "proof": c.proof.map(Proof::word), "receipt": c.receipt, "note": c.note,
                "settled_by": c.settled_by,
            })
        })
        .collect();
    json!({
        "action_id": a.id.to_string(), "run_id": a.run.to_string(), "workflow": w.workflow, "name": a.name,
        "system": w.system, "target": a.target, "class": a.class.word(), "ability": a.ability.word(),
        "state": a.state.word(), "key": a.key, "authorised_by": a.authorised_by, "attempts": a.attempts,
        "first_sent_at": a.first_sent_at.map(Timestamp::rfc3339), "updated_at": a.updated_at.rfc3339(),
        "external_id": a.external_id, "detail": a.detail, "intent": w.intent,
        "expected_version": w.expected_version, "receipt": receipt, "gap": gap,
        "undoes": w.undoes.map(|id| id.to_string()), "undone_by": w.undone_by.map(|id| id.to_string()),
        "corrections": corrections,
    })
}
