//! `tuesday batch show`: one day of one workflow, with totals that add up.

use std::process::ExitCode;

use clap::{Args, Subcommand};
use tuesday_domain::problem::Problem;
use tuesday_engine::ops::Batch;

use crate::cli::Common;
use crate::config::Home;
use crate::wiring::{self, Opening};
use crate::{args, out, views};

/// Arguments of `batch`.
#[derive(Debug, Args)]
pub(crate) struct BatchArgs {
    #[command(subcommand)]
    act: Act,
}

#[derive(Debug, Subcommand)]
enum Act {
    /// Totals, open exceptions with their owners, versions and cost of one day
    Show {
        /// The workflow
        #[arg(long)]
        workflow: String,
        /// Day of receipt in the workflow's time zone, YYYY-MM-DD
        #[arg(long)]
        day: String,
    },
}

/// Runs the command.
pub(crate) async fn run(common: Common, args: BatchArgs) -> Result<ExitCode, Problem> {
    let Act::Show { workflow, day } = args.act;
    let day = args::day(&day, "day")?;
    let node = wiring::open(Home::find(&common)?, Opening::default()).await?;
    let batch = node.engine.batch(&workflow, &day).await?;
    if common.json {
        out::json_line(
            &serde_json::to_value(&batch).map_err(|e| Problem::new("internal", e.to_string()))?,
        );
    } else {
        print(&batch);
    }
    Ok(ExitCode::SUCCESS)
}

fn print(b: &Batch) {
    if b.intake == 0 {
        out::line(&format!(
            "{} {}: no runs, {} refused at intake",
            b.workflow, b.day, b.refused
        ));
        return;
    }
    out::line(&format!(
        "{} {} ({}): {} runs, {} refused at intake",
        b.workflow, b.day, b.time_zone, b.intake, b.refused
    ));
    for (outcome, count) in &b.outcomes {
        out::line(&format!("  {count:>7}  {}", outcome.replace('_', " ")));
    }
    let unknown = if b.cost_unknown > 0 {
        format!(", unknown for {} runs", b.cost_unknown)
    } else {
        String::new()
    };
    out::line(&format!(
        "Cost {}{unknown}",
        views::money(b.cost_micros, b.currency.as_deref())
    ));
    for v in &b.versions {
        let number = v
            .number
            .map_or_else(|| v.release.clone(), |n| n.to_string());
        let rules = v
            .rules_version
            .map_or_else(|| "not routed".to_owned(), |r| format!("rules {r}"));
        out::line(&format!(
            "  {:>7}  release {number}, {}, {rules}",
            v.runs,
            v.model.as_deref().unwrap_or("release cannot be read")
        ));
    }
    for r in &b.reasons {
        out::line(&format!(
            "  {:>7}  {}, {} ({} open)",
            r.runs,
            r.reason.replace('_', " "),
            r.owner,
            r.open
        ));
    }
    left(b);
    if b.open.is_empty() {
        out::line("Nothing is open.");
        return;
    }
    out::line(&format!("Open: {}", b.open.len()));
    let mut table = out::table(&["Has it", "Why", "Due", "Task", "Case"]);
    for o in &b.open {
        let due = o.due_at.clone().unwrap_or_default();
        let task = o.review.clone().unwrap_or_else(|| o.run.clone());
        table.add_row([
            o.owner.clone(),
            o.reason.unwrap_or(o.status).replace('_', " "),
            due,
            task,
            o.subject.clone(),
        ]);
    }
    out::line(&table.to_string());
}

/// What left the tenant with these runs.
fn left(b: &Batch) {
    if b.egress.is_empty() {
        out::line("Nothing left.");
        return;
    }
    let mut table = out::table(&["Left to", "Place", "Fields", "Requests", "Release"]);
    for e in &b.egress {
        let o = &e.outlet;
        let fields: Vec<&str> = o.fields.iter().map(|f| f.name.as_str()).collect();
        table.add_row([
            format!("{} ({})", o.system, o.kind.word()),
            if o.outside {
                o.place.clone()
            } else {
                format!("{}, inside", o.place)
            },
            fields.join(", "),
            e.requests
                .map_or_else(|| "not counted".to_owned(), |n| n.to_string()),
            e.release.to_string(),
        ]);
    }
    out::line(&table.to_string());
}
