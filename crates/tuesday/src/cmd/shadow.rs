//! `tuesday report shadow`: agreement of shadow runs with what people did, with intervals.

use std::time::Duration;

use clap::Args;
use serde_json::{Value, json};
use tuesday_domain::actor::Class;
use tuesday_domain::eval::Count;
use tuesday_domain::problem::Problem;
use tuesday_domain::shadow::Shadow;
use tuesday_engine::Engine;
use tuesday_engine::ops::ShadowQuery;

use crate::cli::Common;
use crate::{args, out};

/// Runs that are compared at most.
const MOST: usize = 100_000;
/// Without a beginning, the report looks back this far.
const BACK: Duration = Duration::from_secs(27 * 86_400);

/// Arguments of `report shadow`.
#[derive(Debug, Args)]
pub(super) struct ShadowArgs {
    /// The workflow
    workflow: String,
    /// From this day on, YYYY-MM-DD; 28 days unless given
    #[arg(long, value_name = "D")]
    from: Option<String>,
    /// Up to and with this day
    #[arg(long, value_name = "D")]
    to: Option<String>,
    /// The workflow in which people worked the same events, when it is another
    #[arg(long, value_name = "WORKFLOW")]
    against: Option<String>,
}

/// Prints the report.
pub(super) async fn run(
    common: &Common,
    engine: &Engine,
    asked: &ShadowArgs,
) -> Result<(), Problem> {
    let (_, live) = engine.live(&asked.workflow).await?;
    let zone = &live.ready.zone;
    let day = |text: &Option<String>, field: &str| {
        text.as_deref().map(|t| args::day(t, field)).transpose()
    };
    let to = day(&asked.to, "to")?.unwrap_or_else(|| zone.day(engine.now()));
    let from = day(&asked.from, "from")?.unwrap_or_else(|| zone.day(engine.now().minus(BACK)));
    let query = ShadowQuery {
        workflow: &asked.workflow,
        against: asked.against.as_deref(),
        days: (&from, &to),
        // Whoever reads the database reads everything.
        clearance: Class::Restricted,
        most: MOST,
    };
    let (report, cut) = engine.shadow_report(query).await?;
    if common.json {
        out::json_line(&as_json(&asked.workflow, (&from, &to), &report, cut));
    } else {
        told(&asked.workflow, (&from, &to), &report, cut);
    }
    Ok(())
}

fn rate(c: Count) -> Value {
    let r = c.rate();
    json!({"hits": r.hits, "of": r.of, "share": r.share, "low": r.low, "high": r.high})
}

fn as_json(workflow: &str, (from, to): (&str, &str), s: &Shadow, cut: bool) -> Value {
    let fields: serde_json::Map<String, Value> = s
        .fields
        .iter()
        .map(|(name, a)| {
            let classes: serde_json::Map<_, _> = a
                .classes
                .iter()
                .map(|(c, n)| (c.clone(), rate(*n)))
                .collect();
            let instead: Vec<Value> = a
                .instead
                .iter()
                .map(|((right, said), n)| json!({"people": right, "proposed": said, "runs": n}))
                .collect();
            let field = json!({"all": rate(a.all), "classes": classes, "instead": instead});
            (name.clone(), field)
        })
        .collect();
    json!({
        "workflow": workflow, "from": from, "to": to, "runs": s.runs, "cut": cut, "compared": s.compared(),
        "whole": rate(s.whole), "outcomes": rate(s.outcomes), "fields": fields, "sent": s.sent,
        "not_compared": {"all": s.not_compared(), "no_output": s.no_output, "nobody": s.nobody,
            "rejected": s.rejected, "no_field": s.no_field},
    })
}

fn told(workflow: &str, (from, to): (&str, &str), s: &Shadow, cut: bool) {
    out::line(&format!(
        "{workflow}, {from} to {to}: {} shadow runs, {} compared with what people did, {} not",
        s.runs,
        s.compared(),
        s.not_compared()
    ));
    if cut {
        out::say(&format!(
            "Only the first {MOST} runs were read: narrow it with --to."
        ));
    }
    let mut table = out::table(&["Field", "People chose", "Shadow chose the same"]);
    for (name, a) in &s.fields {
        table.add_row([name.clone(), "all".to_owned(), a.all.rate().words()]);
        for (class, n) in &a.classes {
            table.add_row([String::new(), class.clone(), n.rate().words()]);
        }
    }
    if !s.fields.is_empty() {
        out::line(&table.to_string());
    }
    for (name, value) in [
        ("every field the same", s.whole.rate().words()),
        ("as the outcome says", s.outcomes.rate().words()),
        ("nobody did it", s.nobody.to_string()),
        ("people rejected theirs", s.rejected.to_string()),
        ("no valid output", s.no_output.to_string()),
        ("no field in common", s.no_field.to_string()),
        ("actions that left", s.sent.to_string()),
    ] {
        out::line(&format!("{name:24} {value}"));
    }
}
