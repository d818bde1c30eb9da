//! `tuesday signal`: what is said about outputs afterwards.

use std::process::ExitCode;

use clap::{Args, Subcommand};
use serde_json::json;
use tuesday_domain::id::RunId;
use tuesday_domain::problem::Problem;
use tuesday_domain::record::Signal;
use tuesday_domain::time::Timestamp;
use tuesday_engine::ops::PostedSignal;

use crate::args::{self, stored};
use crate::cli::Common;
use crate::config::Home;
use crate::out;
use crate::wiring::{self, Opening};

/// Arguments of `signal`.
#[derive(Debug, Args)]
pub(crate) struct SignalArgs {
    #[command(subcommand)]
    act: Act,
}

#[derive(Debug, Subcommand)]
enum Act {
    /// Report one: a complaint, a compliance flag, or how an output turned out
    Post {
        /// The workflow
        workflow: String,
        /// complaint, `compliance_flag`, return, outcome, or a word of the package
        #[arg(long)]
        kind: String,
        /// The run it is about
        #[arg(long)]
        run: Option<String>,
        /// The record it is about; the run that wrote it is looked up
        #[arg(long)]
        record: Option<String>,
        /// Your name for it: the same one counts once. Without it, one of a kind for each run or record
        #[arg(long)]
        event: Option<String>,
        /// How many
        #[arg(long, default_value_t = 1)]
        count: u32,
        /// When it happened outside, such as 2026-11-20T16:05:00Z; now unless given
        #[arg(long, value_name = "TIME")]
        at: Option<String>,
        /// The output turned out right; without it, wrong
        #[arg(long)]
        right: bool,
    },
    /// The newest first
    List {
        /// The workflow
        workflow: String,
        /// Most signals shown
        #[arg(long, default_value_t = 50)]
        limit: u16,
    },
}

/// Runs the command.
pub(crate) async fn run(common: Common, args: SignalArgs) -> Result<ExitCode, Problem> {
    let node = wiring::open(Home::find(&common)?, Opening::default()).await?;
    match args.act {
        Act::Post {
            workflow,
            kind,
            run,
            record,
            event,
            count,
            at,
            right,
        } => {
            let at = at
                .as_deref()
                .map(Timestamp::parse)
                .transpose()
                .map_err(|e| {
                    Problem::new("bad_request", e.to_string())
                        .field("at")
                        .way_out("write it with its zone, such as 2026-11-20T16:05:00Z")
                })?;
            let run: Option<RunId> = match &run {
                Some(text) => Some(args::id(text, "run")?),
                None => None,
            };
            let new = PostedSignal {
                event,
                kind,
                run,
                record,
                wrong: !right,
                count,
                at,
            };
            let by = wiring::actor(&common);
            show(
                &common,
                &node.engine.post_signal(&workflow, new, &by).await?,
            );
        }
        Act::List { workflow, limit } => {
            let all = node.engine.reader().signals(&workflow, limit.into()).await;
            let all = all.map_err(stored)?;
            if all.is_empty() && !common.json {
                out::line("no signals");
            }
            for signal in &all {
                show(&common, signal);
            }
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn show(common: &Common, s: &Signal) {
    let about = s.run.map(|r| r.to_string()).or_else(|| s.record.clone());
    if common.json {
        return out::json_line(&json!({
            "workflow": s.workflow, "event": s.event, "kind": s.kind, "run_id": s.run.map(|r| r.to_string()),
            "record": s.record, "wrong": s.wrong, "count": s.count, "at": s.at.rfc3339(), "posted_by": s.posted_by,
            "received_at": s.received_at.rfc3339(),
        }));
    }
    let turned = if s.wrong { "wrong" } else { "right" };
    let about = about.unwrap_or_else(|| s.event.clone());
    out::line(&format!(
        "{}  {} {turned}, {about}, by {}",
        s.received_at, s.kind, s.posted_by
    ));
}
