//! `tuesday report` and `tuesday changes`: whether people really look, what they changed about the
//! machine's work, what it was worth, and who changed how it works.

use std::process::ExitCode;
use std::time::Duration;

use clap::{Args, Subcommand};
use serde_json::{Value, json};
use tuesday_domain::oversight::Rate;
use tuesday_domain::problem::Problem;
use tuesday_domain::time::{Timestamp, Zone};
use tuesday_engine::Engine;
use tuesday_engine::ops::{FixLine, LookOversight, TierOversight};
use tuesday_store::{AuditFilter, AuditRow};

use crate::cli::Common;
use crate::config::Home;
use crate::wiring::Opening;
use crate::{args, out, wiring};

/// Without a beginning, a report looks back this far.
const BACK: Duration = Duration::from_secs(30 * 86_400);

/// Arguments of `report`.
#[derive(Debug, Args)]
pub(crate) struct ReportArgs {
    #[command(subcommand)]
    act: Act,
}

#[derive(Debug, Subcommand)]
enum Act {
    /// By tier: time in view, approvals nobody opened, caught seeds; second looks with intervals
    Oversight {
        /// From this day or moment on
        #[arg(long, value_name = "D")]
        from: Option<String>,
        /// Up to the end of this day, or up to this moment
        #[arg(long, value_name = "D")]
        to: Option<String>,
    },
    /// One page for the next budget decision: saved time, errors, cost, what is asked
    Value {
        /// The workflow
        #[arg(long)]
        workflow: String,
        /// Any day of the quarter, YYYY-MM-DD; the present one unless given
        #[arg(long, value_name = "D")]
        quarter: Option<String>,
    },
    /// What went alone and was wrong, and what was held back and was right: by release, with intervals
    Misjudged {
        /// The workflow
        #[arg(long)]
        workflow: String,
        /// First day, YYYY-MM-DD; 28 days back unless given
        #[arg(long, value_name = "D")]
        from: Option<String>,
        /// Last day, included
        #[arg(long, value_name = "D")]
        to: Option<String>,
    },
    /// Whether delivered outputs are used, group by group: as they stood, edited, ignored, bypassed, unknown
    Adoption(super::adoption::AdoptionArgs),
    /// What shadow runs proposed against what people did about the same events
    Shadow(super::shadow::ShadowArgs),
    /// Closed errors by the layer they were fixed in, and whether the next one takes code
    Fixes {
        /// Of this workflow
        #[arg(long)]
        workflow: Option<String>,
        /// From this day or moment on
        #[arg(long, value_name = "D")]
        from: Option<String>,
        /// Up to the end of this day, or up to this moment
        #[arg(long, value_name = "D")]
        to: Option<String>,
    },
    /// What people changed about the machine's work, by kind and reason
    Overrides {
        /// Of this workflow
        #[arg(long)]
        workflow: Option<String>,
        /// From this day or moment on
        #[arg(long, value_name = "D")]
        from: Option<String>,
    },
}

/// Arguments of `changes`.
#[derive(Debug, Args)]
pub(crate) struct ChangesArgs {
    /// Of this workflow
    #[arg(long)]
    workflow: Option<String>,
    /// From this day or moment on
    #[arg(long, value_name = "D")]
    since: Option<String>,
    /// Up to the end of this day, or up to this moment
    #[arg(long, value_name = "D")]
    until: Option<String>,
    /// At most this many, the newest
    #[arg(long, default_value_t = 200, value_parser = clap::value_parser!(u16).range(1..=10_000))]
    limit: u16,
}

/// Runs `report`.
pub(crate) async fn run(common: Common, args: ReportArgs) -> Result<ExitCode, Problem> {
    let node = wiring::open(Home::find(&common)?, Opening::default()).await?;
    match args.act {
        Act::Oversight { from, to } => {
            let (from, to) = span(&node.engine, from.as_deref(), to.as_deref())?;
            oversight(&common, &node.engine, from, to).await?;
        }
        Act::Value { workflow, quarter } => {
            super::cost::value(&common, &node.engine, &workflow, quarter.as_deref()).await?;
        }
        Act::Misjudged { workflow, from, to } => {
            let span = (from.as_deref(), to.as_deref());
            super::cost::misjudged(&common, &node.engine, &workflow, span).await?;
        }
        Act::Adoption(args) => super::adoption::run(&common, &node.engine, &args).await?,
        Act::Shadow(args) => super::shadow::run(&common, &node.engine, &args).await?,
        Act::Fixes { workflow, from, to } => {
            let span = span(&node.engine, from.as_deref(), to.as_deref())?;
            fixes(&common, &node.engine, workflow.as_deref(), span).await?;
        }
        Act::Overrides { workflow, from } => {
            let (from, _) = span(&node.engine, from.as_deref(), None)?;
            overrides(&common, &node.engine, workflow.as_deref(), from).await?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// Beginning and end: 30 days back to now unless given.
fn span(
    engine: &Engine,
    from: Option<&str>,
    to: Option<&str>,
) -> Result<(Timestamp, Timestamp), Problem> {
    let utc = Zone::named("UTC").map_err(|e| Problem::new("internal", e.to_string()))?;
    let to = match to {
        Some(text) => args::moment(text, &utc, true, "to")?,
        None => engine.now().plus(Duration::from_micros(1)),
    };
    let from = match from {
        Some(text) => args::moment(text, &utc, false, "from")?,
        None => to.minus(BACK),
    };
    if from >= to {
        return Err(
            Problem::new("bad_request", "the time range ends before it begins").field("from"),
        );
    }
    Ok((from, to))
}

async fn oversight(
    common: &Common,
    engine: &Engine,
    from: Timestamp,
    to: Timestamp,
) -> Result<(), Problem> {
    let report = engine.oversight(from, to).await?;
    if common.json {
        let mut value =
            serde_json::to_value(&report).map_err(|e| Problem::new("internal", e.to_string()))?;
        value["from"] = json!(from.rfc3339());
        value["to"] = json!(to.rfc3339());
        out::json_line(&value);
        return Ok(());
    }
    if report.tiers.is_empty() && report.second_looks.is_empty() {
        out::line("Nothing was decided, seeded or drawn in this time.");
        return Ok(());
    }
    report.tiers.iter().for_each(tell_tier);
    report.second_looks.iter().for_each(tell_looks);
    for s in &report.rubber_stamps {
        out::line(&format!(
            "{}, {} was told about {}",
            s.workflow, s.told, s.person
        ));
        out::line(&format!("  {}: {}", s.at, s.figures));
    }
    out::say("In brackets: the share, and where the true one lies with 95 % confidence.");
    Ok(())
}

fn tell_tier(t: &TierOversight) {
    out::line(&format!("{}, tier {}", t.workflow, t.tier));
    out::line(&format!(
        "  decided          {}, {} as it stood",
        t.decided, t.approved
    ));
    if let Some(ms) = t.visible_ms_median {
        out::line(&format!("  in view          {} s (median)", ms / 1_000));
    }
    if t.dropped > 0 {
        out::line(&format!(
            "  time dropped     {} signs of reading: no such time had passed",
            t.dropped
        ));
    }
    let row = |name: &str, rate: Option<Rate>| {
        if let Some(rate) = rate {
            out::line(&format!("  {name:<16} {}", rate.words()));
        }
    };
    row("never opened", t.unopened);
    row("under 3 s", t.hasty);
    row("seeds caught", t.caught);
    if t.seeds_open > 0 {
        out::line(&format!("  seeds open       {}", t.seeds_open));
    }
    for (person, longest) in &t.streaks {
        out::line(&format!(
            "  rubber stamp     {person}: {longest} approvals in a row without a look"
        ));
    }
}

fn tell_looks(l: &LookOversight) {
    out::line(&format!(
        "{}, second looks at {} approvals: {} drawn, {} open",
        l.workflow, l.basis, l.drawn, l.open
    ));
    out::line(&format!("  found wrong      {}", l.wrong.words()));
}

async fn fixes(
    common: &Common,
    engine: &Engine,
    workflow: Option<&str>,
    (from, to): (Timestamp, Timestamp),
) -> Result<(), Problem> {
    let found = engine.fixes(workflow, None, (from, to)).await?;
    if common.json {
        let mut value =
            serde_json::to_value(&found).map_err(|e| Problem::new("internal", e.to_string()))?;
        value["from"] = json!(from.rfc3339());
        value["to"] = json!(to.rfc3339());
        out::json_line(&value);
        return Ok(());
    }
    if found.layers.is_empty() {
        out::line("No error was closed in this time.");
        return Ok(());
    }
    let mut table = out::table(&[
        "Fixed in",
        "Incidents",
        "Reports",
        "Without code",
        "Takes code",
        "Not said",
    ]);
    let all = FixLine {
        fixed_in: Some("all"),
        tally: found.total,
    };
    for line in found.layers.iter().chain([&all]) {
        let t = line.tally;
        let numbers = [
            t.incidents,
            t.reports,
            t.without_code,
            t.with_code,
            t.not_said,
        ];
        let name = line.fixed_in.unwrap_or("not said").to_owned();
        table.add_row([name].into_iter().chain(numbers.map(|n| n.to_string())));
    }
    out::line(&table.to_string());
    Ok(())
}

async fn overrides(
    common: &Common,
    engine: &Engine,
    workflow: Option<&str>,
    from: Timestamp,
) -> Result<(), Problem> {
    let found = engine.overrides(workflow, from).await?;
    if common.json {
        for o in &found {
            out::json_line(
                &json!({"workflow": o.workflow, "kind": o.kind.word(), "reason": o.reason,
                "decisions": o.decisions, "from": from.rfc3339()}),
            );
        }
        return Ok(());
    }
    if found.is_empty() {
        out::line("Nobody overrode the machine in this time.");
        return Ok(());
    }
    let mut table = out::table(&["Workflow", "How", "Reason", "Decisions"]);
    for o in &found {
        let reason = if o.reason.is_empty() { "-" } else { &o.reason };
        table.add_row([&o.workflow, o.kind.word(), reason, &o.decisions.to_string()]);
    }
    out::line(&table.to_string());
    Ok(())
}

/// Runs `changes`.
pub(crate) async fn changes(common: Common, args: ChangesArgs) -> Result<ExitCode, Problem> {
    let node = wiring::open(Home::find(&common)?, Opening::default()).await?;
    let (since, until) = (args.since.as_deref(), args.until.as_deref());
    let (from, to) = span(&node.engine, since, until)?;
    // Only what has its place in the log is listed; this gives the newest theirs.
    node.engine.seal().await?;
    let filter = AuditFilter {
        workflow: args.workflow,
        from: Some(from),
        to: Some(to),
        changes: true,
        ..AuditFilter::default()
    };
    let limit = usize::from(args.limit);
    let (mut found, mut after) = (Vec::new(), None);
    while found.len() < limit {
        let reader = node.engine.reader();
        let page = reader.audit_page(&filter, after, 500).await;
        let page = page.map_err(args::stored)?;
        let Some(last) = page.last() else { break };
        after = last.index;
        found.extend(page);
    }
    found.truncate(limit);
    if found.is_empty() && !common.json {
        out::line("Nothing was changed in this time.");
    }
    for row in &found {
        tell_change(&common, row);
    }
    Ok(ExitCode::SUCCESS)
}

fn tell_change(common: &Common, row: &AuditRow) {
    let leaf: Value = serde_json::from_slice(&row.leaf).unwrap_or_default();
    let actor = leaf["actor"].as_str().unwrap_or_default();
    let facts = &leaf["facts"];
    if common.json {
        return out::json_line(
            &json!({"index": row.index, "at": row.at.rfc3339(), "kind": row.kind,
            "actor": actor, "workflow": row.workflow, "before": facts["before"], "after": facts["after"],
            "reason": facts["reason"], "facts": facts}),
        );
    }
    let place = row.workflow.as_deref().unwrap_or("the instance");
    out::line(&format!(
        "{}  {}  {place}, by {actor}",
        row.at.rfc3339(),
        row.kind
    ));
    for (name, value) in facts.as_object().into_iter().flatten() {
        let text = value
            .as_str()
            .map_or_else(|| value.to_string(), str::to_owned);
        if text.is_empty() {
            continue;
        }
        out::line(&format!("    {name}: {text}"));
    }
}
