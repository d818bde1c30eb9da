//! `tuesday export`: the whole instance, or one workflow, as a folder of plain files.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use serde_json::json;
use tuesday_domain::problem::Problem;
use tuesday_engine::ops::ExportWish;

use crate::cli::Common;
use crate::config::Home;
use crate::out;
use crate::wiring::{self, Opening};

/// Arguments of `export`.
#[derive(Debug, Args)]
pub(crate) struct ExportArgs {
    /// The folder; it must not be there yet
    #[arg(value_name = "DIR")]
    to: PathBuf,
    /// One workflow only; such an export can be read, and not imported
    #[arg(long)]
    workflow: Option<String>,
}

/// Runs the command.
pub(crate) async fn run(common: Common, args: ExportArgs) -> Result<ExitCode, Problem> {
    let node = wiring::open(Home::find(&common)?, Opening::default()).await?;
    let mut beside: Vec<(String, String)> = tuesday_web::runbooks()
        .into_iter()
        .map(|(name, text)| (format!("runbooks/{name}"), text))
        .collect();
    let script = include_str!("../../../../docs/verify/verify_bundle.py");
    beside.push(("audit/verify_bundle.py".to_owned(), script.to_owned()));
    let wish = ExportWish {
        dir: args.to.clone(),
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
        out::json_line(
            &json!({"dir": args.to, "runs": done.runs, "entries": done.entries, "files": done.files.len(),
            "bytes": bytes, "workflow": done.workflow, "schema": done.schema, "vkey": done.vkey}),
        );
    } else {
        out::line(&format!(
            "{}: {} runs and {} entries of the log in {} files, {bytes} bytes",
            args.to.display(),
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
