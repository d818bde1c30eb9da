//! `tuesday turnover`: a workflow is run without the person who built it, and graded from the log.

use std::process::ExitCode;

use clap::{Args, Subcommand};
use serde_json::json;
use tuesday_domain::charter::turnover::{TurnoverReport, TurnoverState};
use tuesday_domain::problem::Problem;
use tuesday_domain::record::Turnover;
use tuesday_engine::ops::{TurnoverCard, TurnoverView};

use crate::cli::Common;
use crate::config::Home;
use crate::out;
use crate::wiring::{self, Opening};

/// Arguments of `turnover`.
#[derive(Debug, Args)]
pub(crate) struct TurnoverArgs {
    #[command(subcommand)]
    act: Act,
}

#[derive(Debug, Subcommand)]
enum Act {
    /// Suspend somebody's rights on the workflow for some days
    Start {
        /// The workflow
        workflow: String,
        /// The person to do without, by handle: as a rule the builder
        #[arg(long)]
        without: String,
        /// At most so many days; the rights come back by themselves
        #[arg(long, default_value_t = 5)]
        days: u32,
    },
    /// The tests with their grades, and who makes most of the decisions
    Show {
        /// The workflow
        workflow: String,
    },
    /// Grade the open test from the log and sign the grades; 1 when it was not passed
    Sign {
        /// The workflow
        workflow: String,
    },
    /// End the open test without a result
    CallOff {
        /// The workflow
        workflow: String,
        /// Why
        #[arg(long, default_value = "")]
        reason: String,
    },
}

/// Runs `turnover`.
pub(crate) async fn run(common: Common, args: TurnoverArgs) -> Result<ExitCode, Problem> {
    let node = wiring::open(Home::find(&common)?, Opening::default()).await?;
    let engine = &node.engine;
    match args.act {
        Act::Start {
            workflow,
            without,
            days,
        } => {
            let by = wiring::person(&common)?;
            let test = engine.start_turnover(&workflow, &without, days, &by);
            told(&common, &test.await?);
        }
        Act::Show { workflow } => shown(&common, &engine.turnover(&workflow).await?)?,
        Act::Sign { workflow } => {
            let by = wiring::person(&common)?;
            let (test, report) = Box::pin(engine.sign_turnover(&workflow, &by)).await?;
            if common.json {
                out::json_line(
                    &json!({"workflow": test.workflow, "seq": test.seq, "state": test.state,
                    "signed_by": test.signed_by, "report": report}),
                );
            } else {
                told(&common, &test);
                grades(&report);
            }
            return Ok(ExitCode::from(u8::from(
                test.state != TurnoverState::Passed,
            )));
        }
        Act::CallOff { workflow, reason } => {
            let by = wiring::person(&common)?;
            let test = engine.call_off_turnover(&workflow, &reason, &by).await?;
            told(&common, &test);
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn told(common: &Common, t: &Turnover) {
    if common.json {
        return out::json_line(
            &json!({"workflow": t.workflow, "seq": t.seq, "state": t.state,
            "without": t.without, "from": t.from.rfc3339(), "until": t.until.rfc3339()}),
        );
    }
    let state = t.state.word().replace('_', " ");
    out::line(&format!(
        "test {} of {}, without {}: {state}, {} to {}",
        t.seq,
        t.workflow,
        t.without,
        t.from.rfc3339(),
        t.ended_at.unwrap_or(t.until).rfc3339()
    ));
}

fn grades(report: &TurnoverReport) {
    let mut table = out::table(&["Had to be shown", "Met", "Seen"]);
    for c in &report.criteria {
        let met = if c.met { "yes" } else { "no" };
        table.add_row([c.name.replace('_', " ").as_str(), met, c.words.as_str()]);
    }
    out::line(&table.to_string());
    for deed in &report.deeds.listed {
        let (at, run) = (deed.at.rfc3339(), &deed.run);
        out::line(&format!("  {at}  {}  {}  {run}", deed.person, deed.kind));
    }
}

fn shown(common: &Common, view: &TurnoverView) -> Result<(), Problem> {
    if common.json {
        let value = serde_json::to_value(view);
        out::json_line(&value.map_err(|e| Problem::new("internal", e.to_string()))?);
        return Ok(());
    }
    if let Some(hero) = &view.hero {
        out::line(&format!(
            "hero dependence: {} made {} of {} decisions",
            hero.person, hero.acts, hero.of
        ));
    }
    if view.tests.is_empty() {
        out::line(&format!("{} was never run without anybody", view.workflow));
    }
    for test in &view.tests {
        card(test);
    }
    Ok(())
}

fn card(t: &TurnoverCard) {
    let by = t
        .signed_by
        .as_ref()
        .map_or(String::new(), |p| format!(", {p}"));
    let why = t
        .reason
        .as_ref()
        .map_or(String::new(), |r| format!(": {r}"));
    out::line(&format!(
        "test {} without {}: {}{by}{why}, {} to {}",
        t.seq,
        t.without,
        t.state.word().replace('_', " "),
        t.from,
        t.ended_at.as_ref().unwrap_or(&t.until)
    ));
    if let Some(report) = &t.report {
        grades(report);
    }
}
