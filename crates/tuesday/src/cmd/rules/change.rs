//! The acts that change the rules: set, import, roll back, agree, refuse, acknowledge.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Args;
use serde_json::{Value, json};
use tuesday_domain::problem::Problem;
use tuesday_domain::record::{RuleSetRow, RuleSetState};
use tuesday_domain::rules::CellEdit;
use tuesday_domain::time::Timestamp;
use tuesday_engine::ops::{RulesChange, RulesChanged, RulesEdit};

use super::open;
use crate::cli::Common;
use crate::{args, out, wiring};

/// Arguments of `rules set`.
#[derive(Debug, Args)]
pub(super) struct SetArgs {
    /// The workflow
    workflow: String,
    /// Cells, such as 'r3.amount=750'; a bare number keeps the comparison
    #[arg(value_name = "ROW.COLUMN=VALUE")]
    cells: Vec<String>,
    /// The whole table from a file instead
    #[arg(long, conflicts_with = "cells")]
    file: Option<PathBuf>,
    #[command(flatten)]
    how: How,
}

/// Arguments of `rules import`.
#[derive(Debug, Args)]
pub(super) struct ImportArgs {
    /// The workflow
    workflow: String,
    /// The file
    file: PathBuf,
    #[command(flatten)]
    how: How,
}

#[derive(Debug, Args)]
struct How {
    /// Why; kept with the version
    #[arg(long, default_value = "")]
    reason: String,
    /// The version that was read; refused when another one is in force
    #[arg(long)]
    base: Option<u64>,
    /// In force from this moment (RFC 3339), and not at once
    #[arg(long)]
    at: Option<String>,
    /// In force until this moment (RFC 3339); then what was in force before comes back
    #[arg(long)]
    until: Option<String>,
}

/// Arguments of `rules rollback`.
#[derive(Debug, Args)]
pub(super) struct RollbackArgs {
    /// The workflow
    workflow: String,
    /// The version whose rows come back, as a new version
    #[arg(long)]
    to: u64,
    /// Why; kept with the version
    #[arg(long, default_value = "")]
    reason: String,
}

/// Arguments of `rules approve`.
#[derive(Debug, Args)]
pub(super) struct ApproveArgs {
    /// The workflow
    workflow: String,
    /// The proposed version
    version: u64,
    /// A remark
    #[arg(long, default_value = "")]
    note: String,
}

/// Arguments of `rules refuse`.
#[derive(Debug, Args)]
pub(super) struct RefuseArgs {
    /// The workflow
    workflow: String,
    /// The proposed or scheduled version
    version: u64,
    /// Why
    #[arg(long, default_value = "")]
    reason: String,
}

/// Arguments of `rules acknowledge`.
#[derive(Debug, Args)]
pub(super) struct AcknowledgeArgs {
    /// The workflow
    workflow: String,
    /// The version you have read
    version: u64,
}

pub(super) async fn set(common: &Common, args: SetArgs) -> Result<ExitCode, Problem> {
    let edit = wanted(&args.cells, args.file.as_deref())?;
    changed(common, &args.workflow, edit, args.how).await
}

pub(super) async fn import(common: &Common, args: ImportArgs) -> Result<ExitCode, Problem> {
    let edit = wanted(&[], Some(&args.file))?;
    changed(common, &args.workflow, edit, args.how).await
}

pub(super) async fn rollback(common: &Common, args: RollbackArgs) -> Result<ExitCode, Problem> {
    let how = How {
        reason: args.reason,
        base: None,
        at: None,
        until: None,
    };
    changed(common, &args.workflow, RulesEdit::Version(args.to), how).await
}

pub(super) async fn approve(common: &Common, args: ApproveArgs) -> Result<ExitCode, Problem> {
    let by = wiring::person(common)?;
    let node = open(common).await?;
    let row = node
        .engine
        .approve_rules(&args.workflow, args.version, &by, &args.note)
        .await?;
    told(common, &row);
    Ok(ExitCode::SUCCESS)
}

pub(super) async fn refuse(common: &Common, args: RefuseArgs) -> Result<ExitCode, Problem> {
    let by = wiring::person(common)?;
    let node = open(common).await?;
    let row = node
        .engine
        .refuse_rules(&args.workflow, args.version, &by, &args.reason)
        .await?;
    told(common, &row);
    Ok(ExitCode::SUCCESS)
}

pub(super) async fn acknowledge(
    common: &Common,
    args: AcknowledgeArgs,
) -> Result<ExitCode, Problem> {
    let by = wiring::person(common)?;
    let node = open(common).await?;
    let ack = node
        .engine
        .acknowledge_rules(&args.workflow, &by, args.version)
        .await?;
    if common.json {
        out::json_line(
            &json!({"workflow": ack.workflow, "person": ack.person, "version": ack.version,
            "at": ack.at.rfc3339()}),
        );
    } else {
        out::line(&format!(
            "{} has read rules version {} of {}",
            ack.person, ack.version, ack.workflow
        ));
    }
    Ok(ExitCode::SUCCESS)
}

/// Cells or a file as an edit.
pub(crate) fn wanted(cells: &[String], file: Option<&Path>) -> Result<RulesEdit, Problem> {
    if let Some(path) = file {
        let text = std::fs::read_to_string(path)
            .map_err(|e| Problem::new("bad_request", format!("{}: {e}", path.display())))?;
        return Ok(RulesEdit::Text(text));
    }
    let cells: Vec<CellEdit> = cells.iter().map(|c| cell(c)).collect::<Result<_, _>>()?;
    if cells.is_empty() {
        return Err(Problem::new("bad_request", "nothing is to be changed")
            .way_out("name a cell such as 'r3.amount=750', or --file rules.csv"));
    }
    Ok(RulesEdit::Cells(cells))
}

fn cell(text: &str) -> Result<CellEdit, Problem> {
    let parts = text.split_once('=').and_then(|(place, value)| {
        place
            .split_once('.')
            .map(|(row, column)| (row, column, value))
    });
    let Some((row, column, value)) = parts else {
        return Err(
            Problem::new("bad_request", format!("`{text}` is not ROW.COLUMN=VALUE"))
                .field("cell")
                .way_out("for example 'r3.amount=750'"),
        );
    };
    Ok(CellEdit {
        row: row.trim().to_owned(),
        column: column.trim().to_owned(),
        value: value.trim().to_owned(),
    })
}

async fn changed(
    common: &Common,
    workflow: &str,
    edit: RulesEdit,
    how: How,
) -> Result<ExitCode, Problem> {
    let by = wiring::person(common)?;
    let node = open(common).await?;
    let (_, release) = node.engine.live(workflow).await?;
    let zone = &release.ready.zone;
    let moment = |text: Option<&String>, field| {
        text.map(|t| args::moment(t, zone, false, field))
            .transpose()
    };
    let change = RulesChange {
        base: how.base,
        edit,
        reason: how.reason,
        starts_at: moment(how.at.as_ref(), "at")?,
        ends_at: moment(how.until.as_ref(), "until")?,
    };
    let done = node.engine.change_rules(workflow, &by, change).await?;
    if common.json {
        out::json_line(&body(&done));
    } else {
        told(common, &done.row);
        for finding in &done.second_person {
            out::line(&format!("  {}", finding.message));
        }
        for words in &done.change.newly_auto {
            out::line(&format!("  goes without a person now: {words}"));
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn body(done: &RulesChanged) -> Value {
    let mut body = row_body(&done.row);
    body["rows"] = json!(done.change.rows);
    body["newly_auto"] = json!(done.change.newly_auto);
    body["findings"] = json!(done.findings);
    body["second_person"] = json!(done.second_person);
    body
}

fn row_body(row: &RuleSetRow) -> Value {
    json!({"workflow": row.workflow, "version": row.version, "state": row.state.word(), "reason": row.reason,
        "by": row.created_by, "base": row.base, "restores": row.restores, "bound_owner": row.bound_owner,
        "decided_by": row.decided_by, "starts_at": row.starts_at.map(Timestamp::rfc3339),
        "ends_at": row.ends_at.map(Timestamp::rfc3339), "hash": hex::encode(row.hash)})
}

fn told(common: &Common, row: &RuleSetRow) {
    if common.json {
        return out::json_line(&row_body(row));
    }
    let name = format!("{}, rules version {}", row.workflow, row.version);
    let words = match row.state {
        RuleSetState::Proposed => format!(
            "waits for {}, who owns the bound; nothing has changed yet",
            row.bound_owner.as_deref().unwrap_or("the bound owner")
        ),
        RuleSetState::Scheduled => format!(
            "comes into force at {}",
            row.starts_at.map(Timestamp::rfc3339).unwrap_or_default()
        ),
        RuleSetState::Active => "is in force".to_owned(),
        state => format!("is {state}"),
    };
    out::line(&format!("{name} {words}"));
}
