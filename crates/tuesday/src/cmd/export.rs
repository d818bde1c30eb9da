//! `tuesday export`: the whole instance, or one workflow, as a folder of plain files, as one file, or as
//! pages that a browser opens.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use serde_json::json;
use tuesday_domain::actor::Class;
use tuesday_domain::problem::Problem;
use tuesday_engine::ops::ExportWish;
use tuesday_web::ArchiveWish;

use crate::cli::Common;
use crate::config::Home;
use crate::out;
use crate::wiring::{self, Node, Opening};

/// The script that travels along.
const SCRIPT: &str = include_str!("../../../../docs/verify/verify_bundle.py");

/// Arguments of `export`.
#[derive(Debug, Args)]
pub(crate) struct ExportArgs {
    /// The folder; it must not be there yet
    #[arg(value_name = "DIR", required_unless_present = "file")]
    to: Option<PathBuf>,
    /// One tar file in place of a folder
    #[arg(long, value_name = "FILE", conflicts_with_all = ["to", "archive"])]
    file: Option<PathBuf>,
    /// One workflow only; such an export can be read, and not imported
    #[arg(long)]
    workflow: Option<String>,
    /// Pages that open in a browser without a server, in place of rows; they are read, and not imported
    #[arg(long)]
    archive: bool,
    /// With --archive: content above this class is masked
    #[arg(
        long,
        value_name = "CLASS",
        requires = "archive",
        default_value = "restricted"
    )]
    clearance: Class,
}

/// Runs the command.
pub(crate) async fn run(common: Common, args: ExportArgs) -> Result<ExitCode, Problem> {
    let node = wiring::open(Home::find(&common)?, Opening::default()).await?;
    if args.archive {
        return Box::pin(pages(&common, &args, &node)).await;
    }
    let mut beside: Vec<(String, String)> = tuesday_web::runbooks()
        .into_iter()
        .map(|(name, text)| (format!("runbooks/{name}"), text))
        .collect();
    beside.push(("audit/verify_bundle.py".to_owned(), SCRIPT.to_owned()));
    let as_file = args.file.is_some();
    let to = args.file.or(args.to).unwrap_or_default();
    let wish = ExportWish {
        dir: to.clone(),
        as_file,
        workflow: args.workflow,
        beside,
        made_by: env!("CARGO_PKG_VERSION").to_owned(),
    };
    let bar = out::progress(0, "Exporting");
    let shown = bar.clone();
    let by = wiring::actor(&common);
    let done = node
        .engine
        .export_all(&wish, &by, &node.key, move |what, n| {
            shown.set_message(format!("Exporting {what}"));
            shown.set_position(n);
        });
    let done = Box::pin(done).await;
    bar.finish_and_clear();
    let done = done?;
    let bytes: u64 = done.files.values().map(|f| f.bytes).sum();
    if common.json {
        let place = if as_file { "file" } else { "dir" };
        let mut told = json!({"runs": done.runs, "entries": done.entries, "files": done.files.len(),
            "bytes": bytes, "workflow": done.workflow, "schema": done.schema, "vkey": done.vkey});
        told[place] = json!(to);
        out::json_line(&told);
    } else {
        out::line(&format!(
            "{}: {} runs and {} entries of the log in {} files, {bytes} bytes",
            to.display(),
            done.runs,
            done.entries,
            done.files.len()
        ));
        out::say(
            "Secrets, ways to sign in and tokens are not in it. It holds what runs read and said: keep it accordingly.",
        );
    }
    Ok(ExitCode::SUCCESS)
}

async fn pages(common: &Common, args: &ExportArgs, node: &Node) -> Result<ExitCode, Problem> {
    let dir = args.to.clone().unwrap_or_default();
    let wish = ArchiveWish {
        dir: dir.clone(),
        workflow: args.workflow.clone(),
        clearance: args.clearance,
        made_by: env!("CARGO_PKG_VERSION").to_owned(),
        script: SCRIPT.to_owned(),
    };
    let bar = out::progress(0, "Archiving");
    let shown = bar.clone();
    let progress = move |what: &'static str, n| {
        shown.set_message(format!("Archiving: {what}"));
        shown.set_position(n);
    };
    let by = wiring::actor(common);
    let done = tuesday_web::archive(&node.engine, &wish, &by, &node.key, &progress);
    let done = Box::pin(done).await;
    bar.finish_and_clear();
    let done = done?;
    let first = dir.join("index.html");
    if common.json {
        let mut told = json!(done);
        told["dir"] = json!(dir);
        told["first"] = json!(first);
        told["verified"] = json!(true);
        out::json_line(&told);
    } else {
        out::line(&format!(
            "{}: {} runs of {} workflows and {} incidents in {} files, {} bytes. The log verifies, {} entries.",
            first.display(),
            done.runs,
            done.workflows,
            done.incidents,
            done.files,
            done.bytes,
            done.entries
        ));
        out::say(
            "Open it in a browser. What is erased from now on stays in it: make it again after an erasure, and delete the old one.",
        );
    }
    Ok(ExitCode::SUCCESS)
}
