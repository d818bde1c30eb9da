//! `tuesday reconstruct ID`: the whole story of one run from its own record.

use std::process::ExitCode;

use clap::Args;
use serde_json::Value;
use tuesday_domain::id::RunId;
use tuesday_domain::problem::Problem;

use crate::cli::Common;
use crate::config::Home;
use crate::wiring::{self, Opening};
use crate::{args, out};

/// Arguments of `reconstruct`.
#[derive(Debug, Args)]
pub(crate) struct ReconstructArgs {
    /// The run
    id: String,
}

/// Tells the story; exit 1 when the record is not whole.
pub(crate) async fn run(common: Common, args: ReconstructArgs) -> Result<ExitCode, Problem> {
    let id: RunId = args::id(&args.id, "id")?;
    let node = wiring::open(Home::find(&common)?, Opening::default()).await?;
    let story = node.engine.story(id).await?;
    if common.json {
        let value: Value =
            serde_json::to_value(&story).map_err(|e| Problem::new("internal", e.to_string()))?;
        out::json_line(&value);
    } else {
        out::line(story.text().trim_end());
    }
    let record = &story.integrity;
    if record.whole {
        return Ok(ExitCode::SUCCESS);
    }
    for name in &record.damaged {
        out::say(&format!(
            "damaged: {name} is not what the log committed to; it is not shown"
        ));
    }
    for seq in &record.gaps {
        out::say(&format!("missing: change {seq} of this run has no entry"));
    }
    out::say(
        "help: run `tuesday audit verify`, keep the database as it is, and compare with a backup",
    );
    Ok(ExitCode::from(1))
}
