//! `tuesday handoffs`: everything that is with one person.

use std::process::ExitCode;

use clap::Args;
use tuesday_domain::problem::Problem;

use crate::cli::Common;
use crate::config::Home;
use crate::out;
use crate::wiring::{self, Opening};

/// Arguments of `handoffs`.
#[derive(Debug, Args)]
pub(crate) struct HandoffsArgs {
    /// By handle; whoever acts unless given
    person: Option<String>,
}

/// Runs `handoffs`.
pub(crate) async fn run(common: Common, args: HandoffsArgs) -> Result<ExitCode, Problem> {
    let node = wiring::open(Home::find(&common)?, Opening::default()).await?;
    let person = match args.person {
        Some(person) => person,
        None => wiring::person(&common)?,
    };
    let list = Box::pin(node.engine.handoffs(&person)).await?;
    if common.json {
        let value = serde_json::to_value(&list);
        out::json_line(&value.map_err(|e| Problem::new("internal", e.to_string()))?);
        return Ok(ExitCode::SUCCESS);
    }
    if list.items.is_empty() {
        out::line(&format!("nothing waits for {person}"));
        return Ok(ExitCode::SUCCESS);
    }
    let mut table = out::table(&["What", "Kind", "Workflow", "Hours", "Due", "Next"]);
    for h in &list.items {
        let due = match (&h.due_at, h.overdue) {
            (Some(at), true) => format!("{at} (over)"),
            (Some(at), false) => at.clone(),
            (None, _) => String::new(),
        };
        let (age, kind) = (h.age_hours.to_string(), h.kind.replace('_', " "));
        let workflow = h.workflow.as_deref().unwrap_or_default();
        table.add_row([h.words.as_str(), &kind, workflow, &age, &due, h.next]);
    }
    out::line(&table.to_string());
    Ok(ExitCode::SUCCESS)
}
