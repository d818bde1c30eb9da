//! `tuesday signal`: what is said about outputs afterwards.

use std::process::ExitCode;

use clap::{Args, Subcommand};
use serde_json::json;
use tuesday_domain::id::RunId;
use tuesday_domain::problem::Problem;
use tuesday_domain::record::Signal;
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
        /// complaint, `compliance_flag`, outcome, or a word of the package
        #[arg(long)]
        kind: String,
        /// The run it is about
        #[arg(long)]
        run: Option<String>,
        /// The record it is about, in your words
        #[arg(long)]
        record: Option<String>,
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
            right,
        } => {
            let run: Option<RunId> = match &run {
                Some(text) => Some(args::id(text, "run")?),
                None => None,
            };
            let new = PostedSignal {
                kind,
                run,
                record,
                wrong: !right,
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
            "id": s.id.to_string(), "workflow": s.workflow, "kind": s.kind, "run": s.run.map(|r| r.to_string()),
            "record": s.record, "wrong": s.wrong, "posted_by": s.posted_by, "received_at": s.received_at.rfc3339(),
        }));
    }
    let turned = if s.wrong { "wrong" } else { "right" };
    let about = about.unwrap_or_else(|| "no case named".to_owned());
    out::line(&format!(
        "{}  {} {turned}, {about}, by {}",
        s.received_at, s.kind, s.posted_by
    ));
}
