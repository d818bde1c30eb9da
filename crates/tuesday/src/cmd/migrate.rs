//! `tuesday migrate`: brings the schema up to date, or says whether it is.

use std::process::ExitCode;

use clap::Args;
use serde_json::json;
use tuesday_domain::problem::Problem;
use tuesday_store::{Migrate, OpenError, Store};

use crate::args::stored;
use crate::cli::Common;
use crate::config::Home;
use crate::{out, wiring};

/// Arguments of `migrate`.
#[derive(Debug, Args)]
pub(crate) struct MigrateArgs {
    /// Change nothing; exit 1 when the schema is behind
    #[arg(long)]
    status: bool,
}

/// Runs the command.
pub(crate) async fn run(common: Common, args: MigrateArgs) -> Result<ExitCode, Problem> {
    let mut config = wiring::target(&Home::find(&common)?, false)?;
    config.migrate = if args.status {
        Migrate::Refuse
    } else {
        Migrate::Apply
    };
    let store = match Store::open(&config).await {
        Ok(store) => store,
        Err(OpenError::OlderSchema { found, known }) => {
            if common.json {
                out::json_line(&json!({"schema": found, "program": known, "current": false}));
            } else {
                out::line(&format!("schema {found}, this program needs {known}"));
                out::say("Next: stop every node, then tuesday backup FILE, then tuesday migrate");
            }
            return Ok(ExitCode::from(1));
        }
        Err(e) => return Err(wiring::open_problem(&e)),
    };
    let health = store.reader().health().await.map_err(stored)?;
    if common.json {
        out::json_line(
            &json!({"schema": health.schema, "program": health.schema, "current": true, "backend": health.backend}),
        );
    } else {
        out::line(&format!(
            "schema {} on {} {}, up to date",
            health.schema, health.backend, health.version
        ));
    }
    Ok(ExitCode::SUCCESS)
}
