//! `tuesday rules`: the decision table in words, its findings, its versions, and changing it.

mod change;
mod learn;
mod reroute;

pub(crate) use change::wanted;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Args, Subcommand};
use serde_json::json;
use tuesday_domain::problem::Problem;
use tuesday_domain::rules::{Column, Finding, Row, RuleSet, Severity, parse};
use tuesday_domain::time::Timestamp;

use crate::args::stored;
use crate::cli::Common;
use crate::config::Home;
use crate::wiring::{self, Node, Opening};
use crate::{files, out};

/// Arguments of `rules`.
#[derive(Debug, Args)]
pub(crate) struct RulesArgs {
    #[command(subcommand)]
    act: Act,
}

#[derive(Debug, Subcommand)]
enum Act {
    /// The table in force, in words
    Show {
        /// The workflow
        workflow: String,
        /// The file as it is edited instead
        #[arg(long)]
        csv: bool,
    },
    /// Gaps, overlaps, unreachable rows, values past bounds; exit 1 when there is something to do
    Check {
        /// A rules.csv, a package folder or file, or an installed workflow
        target: String,
    },
    /// Change cells or the whole table, with a reason
    Set(change::SetArgs),
    /// What a change would have done to past runs; nothing is changed
    Backtest(learn::BacktestArgs),
    /// Put an earlier version back
    Rollback(change::RollbackArgs),
    /// Agree to a change that waits for you
    Approve(change::ApproveArgs),
    /// Refuse a change that waits for you, or withdraw one of yours
    Refuse(change::RefuseArgs),
    /// Say that you have read the version in force
    Acknowledge(change::AcknowledgeArgs),
    /// Which open tasks the rules in force would send elsewhere, and moving exactly those
    Reroute(reroute::RerouteArgs),
    /// Words of sources that the mapping in force does not know
    Unmapped {
        /// The workflow
        workflow: String,
    },
    /// Which row decides how often, and what people then said
    Report(learn::ReportArgs),
    /// The loosest cutoff that past reviews support
    Advice(learn::AdviceArgs),
    /// The table in force as a file
    Export {
        /// The workflow
        workflow: String,
        /// Where to; standard output otherwise
        #[arg(long, short)]
        out: Option<PathBuf>,
    },
    /// The table from a file: the same as `set --file`
    Import(change::ImportArgs),
    /// Every version with who, when and why
    History {
        /// The workflow
        workflow: String,
    },
}

/// Runs the command.
pub(crate) async fn run(common: Common, args: RulesArgs) -> Result<ExitCode, Problem> {
    match args.act {
        Act::Check { target } => {
            let (name, csv) = table_of(&common, &target).await?;
            Ok(check(&common, &name, &csv))
        }
        Act::Show { workflow, csv } => {
            let row = open(&common).await?.engine.live_rules(&workflow).await?;
            let rules = readable(&row.csv)?;
            if common.json {
                out::json_line(
                    &json!({"workflow": workflow, "version": row.version, "state": row.state.word(),
                    "hash": rules.hash(), "reason": row.reason, "rows": sentences(&rules), "csv": row.csv}),
                );
            } else if csv {
                out::line(row.csv.trim_end());
            } else {
                out::line(&format!(
                    "{workflow}, rules {}, by {} at {}: {}",
                    row.version, row.created_by, row.created_at, row.reason
                ));
                for sentence in sentences(&rules) {
                    out::line(&format!("  {sentence}"));
                }
            }
            Ok(ExitCode::SUCCESS)
        }
        Act::Set(args) => change::set(&common, args).await,
        Act::Import(args) => change::import(&common, args).await,
        Act::Rollback(args) => change::rollback(&common, args).await,
        Act::Approve(args) => change::approve(&common, args).await,
        Act::Refuse(args) => change::refuse(&common, args).await,
        Act::Acknowledge(args) => change::acknowledge(&common, args).await,
        Act::Backtest(args) => learn::backtest(&common, args).await,
        Act::Reroute(args) => reroute::run(&common, args).await,
        Act::Unmapped { workflow } => learn::unmapped(&common, &workflow).await,
        Act::Report(args) => learn::report(&common, args).await,
        Act::Advice(args) => learn::advice(&common, args).await,
        Act::Export { workflow, out: to } => export(&common, &workflow, to).await,
        Act::History { workflow } => {
            let node = open(&common).await?;
            node.engine.live(&workflow).await?;
            let rows = node
                .engine
                .reader()
                .rulesets(&workflow)
                .await
                .map_err(stored)?;
            let mut table = out::table(&["Version", "State", "At", "By", "Why", "Hash"]);
            for r in rows {
                let hash = hex::encode(r.hash);
                if common.json {
                    out::json_line(
                        &json!({"version": r.version, "state": r.state.word(), "at": r.created_at.rfc3339(),
                        "by": r.created_by, "reason": r.reason, "hash": hash, "base": r.base, "restores": r.restores,
                        "bound_owner": r.bound_owner, "decided_by": r.decided_by,
                        "starts_at": r.starts_at.map(Timestamp::rfc3339), "ends_at": r.ends_at.map(Timestamp::rfc3339)}),
                    );
                }
                let at = r.created_at.rfc3339();
                table.add_row([
                    r.version.to_string(),
                    r.state.to_string(),
                    at,
                    r.created_by,
                    r.reason,
                    hash[..12].to_owned(),
                ]);
            }
            if !common.json {
                out::line(&table.to_string());
            }
            Ok(ExitCode::SUCCESS)
        }
    }
}

async fn export(common: &Common, workflow: &str, to: Option<PathBuf>) -> Result<ExitCode, Problem> {
    let row = open(common).await?.engine.live_rules(workflow).await?;
    match to {
        Some(path) => std::fs::write(&path, &row.csv)
            .map_err(|e| Problem::new("bad_request", format!("{}: {e}", path.display())))?,
        None => out::text(&row.csv),
    }
    Ok(ExitCode::SUCCESS)
}

async fn open(common: &Common) -> Result<Node, Problem> {
    wiring::open(Home::find(common)?, Opening::default()).await
}

/// A path wins over a workflow of the same name, because it is what the author edits.
async fn table_of(common: &Common, target: &str) -> Result<(String, String), Problem> {
    let path = PathBuf::from(target);
    if path.is_file() && path.extension().is_some_and(|e| e == "csv") {
        let text = std::fs::read_to_string(&path)
            .map_err(|e| Problem::new("bad_request", format!("{target}: {e}")))?;
        return Ok((target.to_owned(), text));
    }
    if path.exists() {
        return package_table(&path);
    }
    let row = open(common).await?.engine.live_rules(target).await?;
    Ok((format!("{target} rules {}", row.version), row.csv))
}

fn package_table(path: &Path) -> Result<(String, String), Problem> {
    let (package, _) = files::read_package(path, &[])?;
    let text = package.text("rules.csv").ok_or_else(|| {
        Problem::new(
            "package_faulty",
            format!("{} has no rules.csv", path.display()),
        )
        .way_out("add one; its last row goes to a person")
    })?;
    Ok((
        path.join("rules.csv").display().to_string(),
        text.to_owned(),
    ))
}

fn readable(csv: &str) -> Result<RuleSet, Problem> {
    parse(csv).map(|(rules, _)| rules).map_err(|f| {
        let first = f.first().map(|f| f.message.clone()).unwrap_or_default();
        Problem::new(
            "record_damaged",
            format!("the stored table cannot be read: {first}"),
        )
    })
}

/// One sentence a row: what it compares, where it sends a run, why.
fn sentences(rules: &RuleSet) -> Vec<String> {
    let unit = |c: &Column| c.unit().map(|u| format!(" {u}")).unwrap_or_default();
    let row = |row: &Row| {
        let cells = rules
            .columns()
            .iter()
            .zip(&row.cells)
            .filter(|(_, cell)| !cell.is_any());
        let when: Vec<String> = cells
            .map(|(c, cell)| format!("{} is {}{}", c.name, cell.text(), unit(c)))
            .collect();
        let when = if when.is_empty() {
            "otherwise".to_owned()
        } else {
            format!("when {}", when.join(" and "))
        };
        let tier = row
            .review_tier
            .as_ref()
            .map(|t| format!(" by {t}"))
            .unwrap_or_default();
        let why = row
            .reason
            .as_ref()
            .map(|r| format!(": {r}"))
            .unwrap_or_default();
        format!("{} {when}: {}{tier}{why}", row.id, row.route)
    };
    rules.rows().iter().map(row).collect()
}

fn check(common: &Common, name: &str, csv: &str) -> ExitCode {
    let findings = match parse(csv) {
        Ok((_, findings)) | Err(findings) => findings,
    };
    let to_do = findings
        .iter()
        .filter(|f| f.severity >= Severity::Warning)
        .count();
    if common.json {
        out::json_line(
            &json!({"ok": to_do == 0, "table": name, "to_do": to_do, "findings": findings}),
        );
    } else {
        for f in &findings {
            out::line(&format!(
                "{name}:{}: {}{}: {}\n  way out: {}",
                f.line,
                word(f.severity),
                place(f),
                f.message,
                f.way_out
            ));
        }
        out::line(&format!(
            "{to_do} to do, {} to know in {name}",
            findings.len() - to_do
        ));
    }
    ExitCode::from(u8::from(to_do > 0))
}

const fn word(severity: Severity) -> &'static str {
    match severity {
        Severity::Info => "note",
        Severity::Warning => "warning",
        Severity::SecondPerson => "second person",
        Severity::Error => "error",
    }
}

fn place(f: &Finding) -> String {
    let row = f
        .row
        .as_ref()
        .map(|r| format!(", row {r}"))
        .unwrap_or_default();
    let column = f
        .column
        .as_ref()
        .map(|c| format!(", {c}"))
        .unwrap_or_default();
    format!("{row}{column}")
}
