//! `tuesday writeback`: what became of single writes, and undoing one.

use std::process::ExitCode;

use clap::{Args, Subcommand};
use serde_json::json;
use tuesday_domain::action::ActionState;
use tuesday_domain::id::ActionId;
use tuesday_domain::problem::Problem;

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
    let Act::Compensate { action, reason } = args.act;
    let id: ActionId = args::id(&action, "action")?;
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
    let by = wiring::person(&common)?;
    let done = Box::pin(node.engine.compensate(run, id, &by, &reason)).await?;
    let is_back = done.action.state == ActionState::Confirmed;
    let task = done.task.map(|t| t.to_string());
    if common.json {
        out::json_line(&json!({
            "action_id": done.action.id.to_string(), "undoes": id.to_string(), "run_id": run.to_string(),
            "state": done.action.state.word(), "key": done.action.key, "target": done.action.target,
            "task_id": task, "detail": done.action.detail,
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
    Ok(ExitCode::from(u8::from(!is_back)))
}
