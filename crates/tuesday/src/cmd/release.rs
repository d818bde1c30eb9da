//! `tuesday release`: the immutable bundles of a workflow and what they are made of.

use std::process::ExitCode;

use clap::{Args, Subcommand};
use serde_json::{Value, json};
use tuesday_domain::id::ReleaseId;
use tuesday_domain::problem::Problem;
use tuesday_domain::snapshot::sha256_hex;

use crate::args::{self, absent, stored};
use crate::cli::Common;
use crate::config::Home;
use crate::out;
use crate::wiring::{self, Opening};

/// Arguments of `release`.
#[derive(Debug, Args)]
pub(crate) struct ReleaseArgs {
    #[command(subcommand)]
    act: Act,
}

#[derive(Debug, Subcommand)]
enum Act {
    /// Releases of a workflow, newest first
    List {
        /// The workflow
        workflow: String,
    },
    /// One release: every part with its hash
    Show {
        /// The release
        id: String,
    },
}

/// Runs the command.
pub(crate) async fn run(common: Common, args: ReleaseArgs) -> Result<ExitCode, Problem> {
    match args.act {
        Act::List { workflow } => list(&common, &workflow).await,
        Act::Show { id } => show(&common, &id).await,
    }
}

async fn list(common: &Common, workflow: &str) -> Result<ExitCode, Problem> {
    let node = wiring::open(Home::find(common)?, Opening::default()).await?;
    node.engine.live(workflow).await?;
    let mut table = out::table(&["Number", "State", "Release", "At", "By", "Hash"]);
    for r in node
        .engine
        .reader()
        .releases(workflow)
        .await
        .map_err(stored)?
    {
        let (hash, at) = (hex::encode(r.hash), r.created_at.rfc3339());
        if common.json {
            out::json_line(
                &json!({"id": r.id.to_string(), "number": r.number, "state": r.state.word(), "hash": hash,
                "created_at": at, "created_by": r.created_by}),
            );
        }
        table.add_row([
            r.number.to_string(),
            r.state.to_string(),
            r.id.to_string(),
            at,
            r.created_by,
            hash[..12].to_owned(),
        ]);
    }
    if !common.json {
        out::line(&table.to_string());
    }
    Ok(ExitCode::SUCCESS)
}

async fn show(common: &Common, id: &str) -> Result<ExitCode, Problem> {
    let id: ReleaseId = args::id(id, "id")?;
    let node = wiring::open(Home::find(common)?, Opening::default()).await?;
    let row = node
        .engine
        .reader()
        .release(id)
        .await
        .map_err(stored)?
        .ok_or_else(|| absent(&id))?;
    // Loading checks the stored text against the hash that was agreed to.
    let live = node.engine.loaded(id).await?;
    let parts: Vec<(String, usize, String)> = live
        .package
        .files
        .iter()
        .map(|(name, text)| (name.clone(), text.len(), sha256_hex(text.as_bytes())))
        .collect();
    let (hash, model) = (hex::encode(row.hash), live.ready.model.as_ref());
    if common.json {
        let parts: Vec<Value> = parts
            .iter()
            .map(|(name, bytes, hash)| json!({"file": name, "bytes": bytes, "sha256": hash}))
            .collect();
        let artifact = (!row.artifact.is_empty())
            .then(|| json!({"bytes": row.artifact.len(), "sha256": sha256_hex(&row.artifact)}));
        out::json_line(
            &json!({"id": id.to_string(), "workflow": row.workflow, "number": row.number, "state": row.state.word(),
            "hash": hash, "created_at": row.created_at.rfc3339(), "created_by": row.created_by, "model_kind": model.kind.word(),
            "model": model.pin, "vars": live.ready.def.vars, "artifact": artifact, "parts": parts}),
        );
        return Ok(ExitCode::SUCCESS);
    }
    out::line(&format!(
        "{} release {}: {}, {} {}",
        row.workflow,
        row.number,
        row.state,
        model.kind.word(),
        model.pin
    ));
    out::line(&format!(
        "  {id}\n  hash {hash} (checked)\n  made {} by {}",
        row.created_at, row.created_by
    ));
    let mut table = out::table(&["SHA-256", "Bytes", "Part"]);
    for (name, bytes, hash) in parts {
        table.add_row([hash, bytes.to_string(), name]);
    }
    if !row.artifact.is_empty() {
        table.add_row([
            sha256_hex(&row.artifact),
            row.artifact.len().to_string(),
            "(trained model)".to_owned(),
        ]);
    }
    out::line(&table.to_string());
    for (name, value) in &live.ready.def.vars {
        out::line(&format!("  var {name} = {value}"));
    }
    Ok(ExitCode::SUCCESS)
}
