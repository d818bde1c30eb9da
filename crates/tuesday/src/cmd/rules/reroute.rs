//! `tuesday rules reroute`: the preview of who would move where, and the act that confirms it.

use std::collections::BTreeMap;
use std::process::ExitCode;

use clap::Args;
use serde_json::{Value, json};
use tuesday_domain::problem::Problem;
use tuesday_domain::reroute::Goes;

use super::open;
use crate::cli::Common;
use crate::{out, wiring};

/// Arguments of `rules reroute`.
#[derive(Debug, Args)]
pub(super) struct RerouteArgs {
    /// The workflow
    workflow: String,
    /// The code of the preview; without it, the preview is printed and nothing moves
    #[arg(long, requires = "reason")]
    confirm: Option<String>,
    /// Why; kept with every task that moves
    #[arg(long, requires = "confirm")]
    reason: Option<String>,
}

pub(super) async fn run(common: &Common, args: RerouteArgs) -> Result<ExitCode, Problem> {
    let by = wiring::person(common)?;
    let node = open(common).await?;
    let Some(confirm) = &args.confirm else {
        let found = node.engine.preview_reroute(&args.workflow, &by).await?;
        if common.json {
            out::json_line(
                &json!({"workflow": args.workflow, "rules_version": found.version, "open": found.open,
                "counts": lines(&found.counts), "stay": found.stay, "more": found.more, "confirm": found.code}),
            );
            return Ok(ExitCode::SUCCESS);
        }
        out::line(&format!(
            "{}: {} open tasks under rules version {}, {} would move",
            args.workflow,
            found.open,
            found.version,
            found.moves.len()
        ));
        tell(&found.counts);
        for (why, tasks) in &found.stay {
            out::line(&format!("  {tasks} stay: {why}"));
        }
        if !found.moves.is_empty() {
            out::line(&format!(
                "Nothing has moved. To move them: tuesday rules reroute {} --confirm {} --reason WHY",
                args.workflow, found.code
            ));
        }
        return Ok(ExitCode::SUCCESS);
    };
    let reason = args.reason.as_deref().unwrap_or_default();
    let done = node
        .engine
        .reroute(&args.workflow, &by, Some(confirm), reason)
        .await?;
    if common.json {
        let stayed: Vec<Value> = done
            .stayed
            .iter()
            .map(|(run, why)| json!({"run": run.to_string(), "why": why}))
            .collect();
        out::json_line(&json!({"moved": lines(&done.moved), "stayed": stayed}));
    } else {
        tell(&done.moved);
        for (run, why) in &done.stayed {
            out::line(&format!("  {run} stayed: {why}"));
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn lines(counts: &BTreeMap<(String, Goes), u64>) -> Vec<Value> {
    let one = |((from, to), tasks): (&(String, Goes), &u64)| json!({"from": from, "to": to.to_string(), "tasks": tasks});
    counts.iter().map(one).collect()
}

fn tell(counts: &BTreeMap<(String, Goes), u64>) {
    for ((from, to), tasks) in counts {
        out::line(&format!("  {tasks} from {from} to {to}"));
    }
}
