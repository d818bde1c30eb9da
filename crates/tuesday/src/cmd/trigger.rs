//! `tuesday trigger`: what a schedule missed, started after all.

use std::process::ExitCode;

use clap::{Args, Subcommand};
use tuesday_domain::problem::Problem;

use super::wait::Session;
use crate::args;
use crate::cli::Common;
use crate::{out, wiring};

/// Arguments of `trigger`.
#[derive(Debug, Args)]
pub(crate) struct TriggerArgs {
    #[command(subcommand)]
    act: Act,
}

#[derive(Debug, Subcommand)]
enum Act {
    /// Start every occurrence of a window that has no run yet; twice is as good as once
    Backfill {
        /// The workflow
        workflow: String,
        /// One schedule of it; all of them otherwise
        #[arg(long, value_name = "NAME")]
        trigger: Option<String>,
        /// From this day or time on, in the workflow's time zone
        #[arg(long, value_name = "TIME")]
        from: String,
        /// Up to the end of this day, or this time
        #[arg(long, value_name = "TIME")]
        to: String,
    },
}

/// Runs the command.
pub(crate) async fn run(common: Common, args: TriggerArgs) -> Result<ExitCode, Problem> {
    let Act::Backfill {
        workflow,
        trigger,
        from,
        to,
    } = args.act;
    let session = Session::open(&common, false).await?;
    let engine = &session.node.engine;
    let (_, release) = engine.live(&workflow).await?;
    let zone = &release.ready.zone;
    let window = (
        args::moment(&from, zone, false, "from")?,
        args::moment(&to, zone, true, "to")?.min(engine.now()),
    );
    let done = engine
        .backfill(
            &workflow,
            trigger.as_deref(),
            window,
            &wiring::actor(&common),
        )
        .await;
    session.close().await;
    let done = done?;
    if common.json {
        out::json_line(&serde_json::json!(done));
    } else {
        out::line(&format!(
            "{} started, {} had their run already, {} refused and kept",
            done.started, done.known, done.refused
        ));
    }
    Ok(ExitCode::SUCCESS)
}
