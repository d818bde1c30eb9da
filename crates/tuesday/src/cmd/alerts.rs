//! `tuesday alerts`: every kind with its runbook, how the channels do, and a test.

use std::process::ExitCode;

use clap::{Args, Subcommand};
use serde_json::{Value, json};
use tuesday_domain::problem::Problem;
use tuesday_domain::record::AlertDelivery;
use tuesday_domain::time::Timestamp;

use super::wait::Session;
use crate::cli::Common;
use crate::{out, wiring};

/// Arguments of `alerts`.
#[derive(Debug, Args)]
pub(crate) struct AlertsArgs {
    #[command(subcommand)]
    act: Act,
}

#[derive(Debug, Subcommand)]
enum Act {
    /// Kinds of alerts with their runbooks, channels with their last success, what is open
    List,
    /// Send a test through the channels
    Test {
        /// To whom
        #[arg(long, value_name = "HANDLE")]
        to: String,
    },
}

/// Runs the command. A test that no channel takes ends with 1.
pub(crate) async fn run(common: Common, args: AlertsArgs) -> Result<ExitCode, Problem> {
    let session = Session::open(&common, false).await?;
    let engine = &session.node.engine;
    match args.act {
        Act::List => {
            let view = engine.alerts().await?;
            if common.json {
                out::json_line(&json!({
                    "kinds": view.kinds,
                    "channels": view.channels.iter().map(|c| json!({
                        "channel": c.channel, "delivered": c.delivered,
                        "last_success_at": c.last_success_at.map(Timestamp::rfc3339), "stale": c.stale,
                    })).collect::<Vec<_>>(),
                    "open": view.open.iter().map(|a| json!({
                        "incident_id": a.incident.to_string(), "state": a.state.word(), "person": a.person,
                        "due_at": a.due_at.rfc3339(),
                    })).collect::<Vec<_>>(),
                    "deliveries": view.deliveries.iter().map(delivery).collect::<Vec<_>>(),
                }));
                return Ok(ExitCode::SUCCESS);
            }
            let mut kinds = out::table(&["Kind", "What", "Severity", "Runbook"]);
            for k in &view.kinds {
                kinds.add_row([
                    k.category.to_string(),
                    k.title.to_owned(),
                    k.severity.to_string(),
                    k.runbook.clone(),
                ]);
            }
            out::line(&kinds.to_string());
            let mut channels = out::table(&["Channel", "Delivered", "Last success"]);
            for c in &view.channels {
                let last = c
                    .last_success_at
                    .map(Timestamp::rfc3339)
                    .unwrap_or_default();
                let old = if c.stale {
                    " (older than 7 days: run `tuesday alerts test`)"
                } else {
                    ""
                };
                channels.add_row([
                    c.channel.clone(),
                    c.delivered.to_string(),
                    format!("{last}{old}"),
                ]);
            }
            if view.channels.is_empty() {
                out::line(
                    "no channel has ever taken an alert: run `tuesday alerts test --to HANDLE`",
                );
            } else {
                out::line(&channels.to_string());
            }
            for a in &view.open {
                out::line(&format!(
                    "{} is {} with {}, next at {}",
                    a.incident, a.state, a.person, a.due_at
                ));
            }
        }
        Act::Test { to } => {
            let told = engine.test_alerts(&to, &wiring::actor(&common)).await?;
            if common.json {
                out::json_line(&delivery(&told));
            } else {
                out::line(&sentence(&told));
            }
            if !told.ok {
                return Ok(ExitCode::from(1));
            }
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// A delivery as one object.
pub(super) fn delivery(d: &AlertDelivery) -> Value {
    json!({
        "kind": d.kind.word(), "person": d.person, "ok": d.ok, "channel": d.channel, "detail": d.detail,
        "at": d.at.rfc3339(),
    })
}

/// A delivery in words.
pub(super) fn sentence(d: &AlertDelivery) -> String {
    match (&d.channel, &d.detail) {
        (Some(c), Some(why)) => format!("{} to {} by {c}, after {why}", d.kind, d.person),
        (Some(c), None) => format!("{} to {} by {c}", d.kind, d.person),
        (None, why) => format!(
            "{} to {} reached nobody: {}",
            d.kind,
            d.person,
            why.as_deref().unwrap_or("no channel is set up")
        ),
    }
}
