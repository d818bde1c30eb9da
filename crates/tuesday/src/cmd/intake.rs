//! `tuesday intake`: events that were refused, kept for their owner, and how they become runs after all.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Subcommand};
use serde_json::Value;
use tuesday_domain::id::IntakeId;
use tuesday_domain::problem::Problem;
use tuesday_store::IntakeFilter;

use super::run::{Wait, tell};
use super::wait::Session;
use crate::args::{self, absent, stored};
use crate::cli::Common;
use crate::{out, views, wiring};

/// Arguments of `intake`.
#[derive(Debug, Args)]
pub(crate) struct IntakeArgs {
    #[command(subcommand)]
    act: Act,
}

#[derive(Debug, Subcommand)]
enum Act {
    /// Intake records, newest first
    List {
        /// Of this workflow
        #[arg(long)]
        workflow: Option<String>,
        /// refused, resubmitted or dismissed
        #[arg(long)]
        verdict: Option<String>,
        /// Go on after this record
        #[arg(long, value_name = "ID")]
        after: Option<String>,
        /// At most this many
        #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u16).range(1..=1000))]
        limit: u16,
    },
    /// One record with what was sent
    Show {
        /// The record
        id: String,
    },
    /// Send it again, as it was or corrected
    Resubmit {
        /// The record
        id: String,
        /// The corrected event as a JSON file, or - for standard input
        #[arg(long)]
        file: Option<PathBuf>,
        #[command(flatten)]
        wait: Wait,
    },
}

/// Runs the command.
pub(crate) async fn run(common: Common, args: IntakeArgs) -> Result<ExitCode, Problem> {
    match args.act {
        Act::List {
            workflow,
            verdict,
            after,
            limit,
        } => {
            let verdict = verdict.map(|v| args::word(&v, "verdict")).transpose()?;
            let after = after.map(|id| args::id(&id, "after")).transpose()?;
            let filter = IntakeFilter {
                among: None,
                workflow,
                verdict,
                owner: None,
            };
            list(&common, &filter, after, usize::from(limit)).await
        }
        Act::Show { id } => show(&common, &id).await,
        Act::Resubmit { id, file, wait } => Box::pin(resubmit(&common, &id, file, wait)).await,
    }
}

async fn list(
    common: &Common,
    filter: &IntakeFilter,
    after: Option<IntakeId>,
    limit: usize,
) -> Result<ExitCode, Problem> {
    let session = Session::open(common, false).await?;
    let page = session
        .node
        .engine
        .reader()
        .intake_page(filter, after, limit)
        .await
        .map_err(stored)?;
    let mut table = out::table(&["Record", "Received", "Workflow", "Verdict", "Code", "What"]);
    for i in &page {
        if common.json {
            out::json_line(&views::intake(i));
        }
        let received = i.received_at.rfc3339();
        table.add_row([
            i.id.to_string(),
            received,
            i.workflow.clone(),
            i.verdict.to_string(),
            i.code.clone(),
            i.detail.clone(),
        ]);
    }
    if !common.json {
        out::line(&if page.is_empty() {
            "nothing was refused".to_owned()
        } else {
            table.to_string()
        });
    }
    Ok(ExitCode::SUCCESS)
}

async fn show(common: &Common, id: &str) -> Result<ExitCode, Problem> {
    let id: IntakeId = args::id(id, "id")?;
    let session = Session::open(common, false).await?;
    let record = session
        .node
        .engine
        .reader()
        .intake(id)
        .await
        .map_err(stored)?
        .ok_or_else(|| absent(&id))?;
    let body = String::from_utf8_lossy(&record.body).into_owned();
    if common.json {
        let mut value = views::intake(&record);
        value["body"] = Value::String(body);
        out::json_line(&value);
        return Ok(ExitCode::SUCCESS);
    }
    out::line(&format!(
        "{}: {} for {}, {} has it",
        record.id, record.verdict, record.workflow, record.owner
    ));
    out::line(&format!(
        "  {}: {}\n  {} bytes from {} at {}\n\n{body}",
        record.code, record.detail, record.body_len, record.source, record.received_at
    ));
    out::say(&format!(
        "Next: tuesday intake resubmit {} --file CORRECTED.json",
        record.id
    ));
    Ok(ExitCode::SUCCESS)
}

async fn resubmit(
    common: &Common,
    id: &str,
    file: Option<PathBuf>,
    wait: Wait,
) -> Result<ExitCode, Problem> {
    let id: IntakeId = args::id(id, "id")?;
    let body = file.map(|f| args::input(&f, "file")).transpose()?;
    let session = Session::open(common, wait.wait).await?;
    let accepted = session
        .node
        .engine
        .resubmit(id, body, &wiring::actor(common))
        .await?;
    let done = if wait.wait {
        session.settled(accepted.run, wait.timeout.0).await
    } else {
        session
            .node
            .engine
            .reader()
            .run(accepted.run)
            .await
            .map_err(stored)?
            .ok_or_else(|| absent(&accepted.run))
    };
    session.close().await;
    tell(common, &done?);
    Ok(ExitCode::SUCCESS)
}
