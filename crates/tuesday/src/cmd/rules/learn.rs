//! What past runs say about the rules: back-test, report, advice. Nothing here changes anything.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use serde_json::{Value, json};
use tuesday_domain::problem::Problem;
use tuesday_domain::rules::Lane;
use tuesday_engine::ops::{Backtest, BacktestWindow, CutoffAdvice, RulesEdit};

use super::change::wanted;
use super::open;
use crate::cli::Common;
use crate::out;

/// Confidence of the intervals that are printed.
const SURE: f64 = 0.95;

/// Arguments of `rules backtest`.
#[derive(Debug, Args)]
pub(super) struct BacktestArgs {
    /// The workflow
    workflow: String,
    /// Cells, such as 'r3.amount=750'
    #[arg(value_name = "ROW.COLUMN=VALUE")]
    cells: Vec<String>,
    /// The whole table from a file instead
    #[arg(long, conflicts_with = "cells")]
    file: Option<PathBuf>,
    /// An earlier version instead
    #[arg(long, conflicts_with_all = ["cells", "file"])]
    to: Option<u64>,
    /// The newest so many runs
    #[arg(long)]
    last: Option<u64>,
    /// The runs of so many days
    #[arg(long)]
    days: Option<u32>,
}

/// Arguments of `rules report`.
#[derive(Debug, Args)]
pub(super) struct ReportArgs {
    /// The workflow
    workflow: String,
    /// How many days back
    #[arg(long, default_value_t = 30)]
    days: u32,
}

/// Arguments of `rules advice`.
#[derive(Debug, Args)]
pub(super) struct AdviceArgs {
    /// The workflow
    workflow: String,
    /// A column of numbers
    #[arg(long)]
    column: String,
    /// The share of errors that is tolerable
    #[arg(long, default_value_t = 0.02)]
    budget: f64,
    /// How sure one wants to be
    #[arg(long, default_value_t = 0.95)]
    confidence: f64,
}

pub(super) async fn backtest(common: &Common, args: BacktestArgs) -> Result<ExitCode, Problem> {
    let edit = match args.to {
        Some(version) => RulesEdit::Version(version),
        None => wanted(&args.cells, args.file.as_deref())?,
    };
    let window = BacktestWindow {
        last: args.last,
        days: args.days,
    };
    let by = common.acting.clone().unwrap_or_default();
    let node = open(common).await?;
    let done = node
        .engine
        .backtest_rules(&args.workflow, &by, &edit, window)
        .await?;
    if common.json {
        out::json_line(&backtest_body(&done));
    } else {
        for line in backtest_words(&done) {
            out::line(&line);
        }
    }
    Ok(ExitCode::SUCCESS)
}

const fn lane(lane: Lane) -> &'static str {
    match lane {
        Lane::Auto => "without a person",
        Lane::Review => "to a reviewer",
        Lane::Refused => "refused or by hand",
    }
}

fn backtest_body(done: &Backtest) -> Value {
    let t = &done.tally;
    let auto = t.newly_auto();
    let (low, high) = auto.error_interval(SURE);
    let moved: Vec<Value> = t
        .moved
        .iter()
        .map(|((from, to), m)| {
            json!({"from": from, "to": to, "runs": m.runs, "approved": m.approved, "edited": m.edited,
                "rejected": m.rejected, "by_hand": m.by_hand, "undecided": m.undecided})
        })
        .collect();
    let items: Vec<Value> = t
        .items
        .iter()
        .map(|i| {
            json!({"run": i.run.to_string(), "from": i.from, "to": i.to,
                "decision": i.decision.map(tuesday_domain::record::ReviewDecision::word)})
        })
        .collect();
    let hits: Vec<Value> = done
        .rows
        .iter()
        .zip(&t.hits)
        .map(|(row, hits)| json!({"row": row, "hits": hits}))
        .collect();
    json!({"base": done.base.version, "runs": t.runs, "left_out": t.left_out, "before": t.before, "after": t.after,
        "moved": moved, "newly_auto": {"runs": auto.runs, "decided": auto.decided(), "errors": auto.errors(),
            "interval": [low, high], "confidence": SURE},
        "reviews_per_day": t.reviews_per_day(), "open_now_auto": done.open_now_auto, "hits": hits, "items": items,
        "second_person": done.second_person, "findings": done.findings, "took_us": done.took_us})
}

fn backtest_words(done: &Backtest) -> Vec<String> {
    let t = &done.tally;
    let mut out = vec![format!(
        "{} past runs asked again against rules version {} in {:.3} s",
        t.runs,
        done.base.version,
        done.took_us as f64 / 1e6
    )];
    if t.left_out > 0 {
        out.push(format!(
            "{} runs have other columns and are left out",
            t.left_out
        ));
    }
    for ((from, to), m) in &t.moved {
        out.push(format!(
            "  {} would move from {} to {}: {} approved, {} edited, {} rejected, {} by hand, {} undecided",
            m.runs,
            lane(*from),
            lane(*to),
            m.approved,
            m.edited,
            m.rejected,
            m.by_hand,
            m.undecided
        ));
    }
    if t.moved.is_empty() {
        out.push("  none of them would have gone another way".to_owned());
    }
    let auto = t.newly_auto();
    if auto.decided() > 0 {
        let (low, high) = auto.error_interval(SURE);
        out.push(format!(
            "errors let through: {} of {} that people had decided ({:.1} % to {:.1} %, exact 95 % interval)",
            auto.errors(),
            auto.decided(),
            low * 100.0,
            high * 100.0
        ));
    }
    if let Some(per_day) = t.reviews_per_day() {
        out.push(format!("reviews a day: {per_day:+.1}"));
    }
    if done.open_now_auto > 0 {
        let (tasks, stay) = if done.open_now_auto == 1 {
            ("1 open task", "stays with its reviewer")
        } else {
            ("open tasks", "stay with their reviewers")
        };
        let count = if done.open_now_auto == 1 {
            tasks.to_owned()
        } else {
            format!("{} {tasks}", done.open_now_auto)
        };
        out.push(format!("{count} would now be automatic: {stay}"));
    }
    for finding in &done.second_person {
        out.push(format!("a second person must agree: {}", finding.message));
    }
    out
}

pub(super) async fn unmapped(common: &Common, workflow: &str) -> Result<ExitCode, Problem> {
    let node = open(common).await?;
    let words = node.engine.waiting_words(workflow).await?;
    let mut table = out::table(&["Column", "Word", "First run", "Owner", "Due"]);
    for w in &words {
        if common.json {
            out::json_line(
                &json!({"column": w.met.field, "word": w.met.word, "run": w.met.run.to_string(),
                "owner": w.owner, "due_at": w.met.due_at.rfc3339(), "overdue": w.overdue}),
            );
        }
        let late = if w.overdue { " (overdue)" } else { "" };
        table.add_row([
            w.met.field.clone(),
            w.met.word.clone(),
            w.met.run.to_string(),
            w.owner.clone(),
            format!("{}{late}", w.met.due_at.rfc3339()),
        ]);
    }
    if !common.json {
        out::line(&table.to_string());
    }
    Ok(ExitCode::SUCCESS)
}

pub(super) async fn report(common: &Common, args: ReportArgs) -> Result<ExitCode, Problem> {
    let node = open(common).await?;
    let rows = node.engine.rules_report(&args.workflow, args.days).await?;
    let mut table = out::table(&[
        "Row", "Route", "Hits", "Approved", "Edited", "Rejected", "By hand", "In force",
    ]);
    for r in rows {
        let name = r.row.clone().unwrap_or_else(|| "not judged".to_owned());
        if common.json {
            out::json_line(
                &json!({"row": r.row, "route": r.route, "hits": r.hits, "approved": r.approved,
                "edited": r.edited, "rejected": r.rejected, "by_hand": r.by_hand, "in_force": r.in_force}),
            );
        }
        table.add_row([
            name,
            r.route.to_string(),
            r.hits.to_string(),
            r.approved.to_string(),
            r.edited.to_string(),
            r.rejected.to_string(),
            r.by_hand.to_string(),
            if r.in_force { "yes" } else { "no" }.to_owned(),
        ]);
    }
    if !common.json {
        out::line(&table.to_string());
    }
    Ok(ExitCode::SUCCESS)
}

pub(super) async fn advice(common: &Common, args: AdviceArgs) -> Result<ExitCode, Problem> {
    let node = open(common).await?;
    let advice = node
        .engine
        .advise_cutoff(&args.workflow, &args.column, args.budget, args.confidence)
        .await?;
    if common.json {
        out::json_line(&advice_body(&advice));
        return Ok(ExitCode::SUCCESS);
    }
    out::line(&advice.words);
    let mut table = out::table(&["Cutoff", "Cases", "Errors", "Errors at most", "Result"]);
    for s in &advice.advice.steps {
        table.add_row([
            format!("{}", s.cutoff),
            s.cases.to_string(),
            s.errors.to_string(),
            format!("{:.1} %", s.upper * 100.0),
            match s.passed {
                Some(true) => "within the budget",
                Some(false) => "not shown to be within it",
                None => "not tested",
            }
            .to_owned(),
        ]);
    }
    out::line(&table.to_string());
    out::line(
        "Learn then Test (Angelopoulos et al. 2021) with exact binomial tests. Nothing was changed.",
    );
    Ok(ExitCode::SUCCESS)
}

fn advice_body(a: &CutoffAdvice) -> Value {
    json!({"column": a.column, "side": a.side, "budget": a.budget, "confidence": a.confidence, "words": a.words,
        "cutoff": a.advice.cutoff, "cases": a.advice.cases, "needed": a.advice.needed, "steps": a.advice.steps,
        "method": "learn then test, fixed sequence, exact binomial p-values (arXiv:2110.01052)"})
}
