//! `tuesday report adoption`: whether people use what a workflow delivers, group by group.

use clap::Args;
use tuesday_domain::problem::Problem;
use tuesday_engine::Engine;
use tuesday_engine::ops::{Adoption, GroupAdoption};

use crate::cli::Common;
use crate::out;

/// Days unless said otherwise.
const USUAL: i64 = 28;

/// Arguments of `report adoption`.
#[derive(Debug, Args)]
pub(crate) struct AdoptionArgs {
    /// The workflow
    workflow: String,
    /// First day, YYYY-MM-DD; 28 days back unless given
    #[arg(long, value_name = "D")]
    from: Option<String>,
    /// Last day, included
    #[arg(long, value_name = "D")]
    to: Option<String>,
    /// As CSV
    #[arg(long)]
    csv: bool,
}

/// Runs the command.
pub(super) async fn run(
    common: &Common,
    engine: &Engine,
    args: &AdoptionArgs,
) -> Result<(), Problem> {
    engine.make_figures().await?;
    let (from, to) = (args.from.as_deref(), args.to.as_deref());
    let days = engine
        .asked_days(Some(&args.workflow), from, to, USUAL)
        .await?;
    let found = Box::pin(engine.adoption(&args.workflow, days)).await?;
    if common.json {
        let value = serde_json::to_value(&found);
        out::json_line(&value.map_err(|e| Problem::new("internal", e.to_string()))?);
    } else if args.csv {
        out::text(&found.csv());
    } else {
        tell(&found);
    }
    Ok(())
}

fn percent(ppm: i64) -> String {
    format!("{}.{} %", ppm / 10_000, ppm / 1_000 % 10)
}

fn tell(a: &Adoption) {
    out::line(&format!(
        "{}, label {}, {} to {}",
        a.workflow, a.label, a.days.from, a.days.to
    ));
    let mut table = out::table(&[
        "Group",
        "Delivered",
        "As it stood",
        "Edited",
        "Ignored",
        "Bypassed",
        "Unknown",
        "Figure of the plan",
    ]);
    for g in a.groups.iter().chain([&a.all]) {
        let counts = g.counts.iter().map(|s| s.value.unwrap_or(0).to_string());
        let row = std::iter::once(g.title.clone()).chain(counts);
        table.add_row(row.chain([planned(g)]));
    }
    out::line(&table.to_string());
    for s in [&a.bypass, &a.no_visit, &a.automatic] {
        match s.value {
            Some(value) => out::line(&format!("{}: {} ({})", s.title, percent(value), s.means)),
            None => out::line(&format!("{}: missing, {}", s.title, s.means)),
        }
    }
    if let Some(value) = a.bypass_before.value {
        out::line(&format!("Old way used, as long before: {}", percent(value)));
    }
    for words in &a.blanks {
        out::say(&format!("warning: {words}"));
    }
    if let Some(words) = &a.others {
        out::say(&format!("{words}."));
    }
    out::say("Unknown: delivered, and no report says whether it was used.");
}

/// The figure that the plan names, against its target.
fn planned(g: &GroupAdoption) -> String {
    let Some(m) = &g.metric else {
        return "none named".to_owned();
    };
    let met = match g.met {
        Some(true) => ", reached",
        Some(false) => ", not reached",
        None => "",
    };
    m.value
        .map_or_else(|| "missing".to_owned(), |v| format!("{}{met}", percent(v)))
}
