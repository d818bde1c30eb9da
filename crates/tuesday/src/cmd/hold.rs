//! `tuesday hold`: legal holds, which keep what they cover from being erased.

use std::process::ExitCode;

use clap::{Args, Subcommand};
use serde_json::json;
use tuesday_domain::privacy::{Hold, HoldScope};
use tuesday_domain::problem::Problem;
use tuesday_domain::time::{Timestamp, Zone};
use tuesday_engine::ops::NewHold;

use crate::args::{self, stored};
use crate::cli::Common;
use crate::config::Home;
use crate::out;
use crate::wiring::{self, Opening};

/// Arguments of `hold`.
#[derive(Debug, Args)]
pub(crate) struct HoldArgs {
    #[command(subcommand)]
    act: Act,
}

#[derive(Debug, Subcommand)]
enum Act {
    /// Keep what all of these fit: a record, a workflow, a span of time
    Place {
        /// Runs that hold this record as a value
        #[arg(long, value_name = "ID")]
        record: Option<String>,
        /// Runs of this workflow
        #[arg(long)]
        workflow: Option<String>,
        /// Received from this day or moment on; days are read in UTC
        #[arg(long, value_name = "D")]
        from: Option<String>,
        /// Received up to the end of this day, or up to this moment
        #[arg(long, value_name = "D")]
        to: Option<String>,
        /// Why
        #[arg(long)]
        reason: String,
    },
    /// Let go what a hold keeps
    Lift {
        /// Its id
        id: String,
        /// Why
        #[arg(long)]
        reason: String,
    },
    /// Every hold, the newest first
    List,
}

/// Runs the command.
pub(crate) async fn run(common: Common, args: HoldArgs) -> Result<ExitCode, Problem> {
    let node = wiring::open(Home::find(&common)?, Opening::default()).await?;
    match args.act {
        Act::Place {
            record,
            workflow,
            from,
            to,
            reason,
        } => {
            let utc = Zone::named("UTC").map_err(|e| Problem::new("internal", e.to_string()))?;
            let moment = |text: Option<String>, end, field| -> Result<Option<Timestamp>, Problem> {
                text.map(|t| args::moment(&t, &utc, end, field)).transpose()
            };
            let wish = NewHold {
                scope: HoldScope {
                    record,
                    workflow,
                    from: moment(from, false, "from")?,
                    to: moment(to, true, "to")?,
                },
                reason,
            };
            let hold = node
                .engine
                .place_hold(wish, &wiring::person(&common)?)
                .await?;
            show(&common, &hold);
        }
        Act::Lift { id, reason } => {
            let id = args::id(&id, "hold")?;
            let by = wiring::person(&common)?;
            show(&common, &node.engine.lift_hold(id, &reason, &by).await?);
        }
        Act::List => {
            let all = node
                .engine
                .reader()
                .holds(None, 1_000)
                .await
                .map_err(stored)?;
            if all.is_empty() && !common.json {
                out::line("no legal holds");
            }
            for hold in &all {
                show(&common, hold);
            }
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn show(common: &Common, h: &Hold) {
    if common.json {
        let lifted = h.lifted.as_ref();
        return out::json_line(
            &json!({"hold": h.id.to_string(), "record": h.scope.record, "workflow": h.scope.workflow,
            "from": h.scope.from.map(Timestamp::rfc3339), "to": h.scope.to.map(Timestamp::rfc3339), "reason": h.reason,
            "placed_by": h.placed_by, "placed_at": h.placed_at.rfc3339(), "lifted_by": lifted.map(|l| &l.0),
            "lift_reason": lifted.map(|l| &l.1), "lifted_at": lifted.map(|l| l.2.rfc3339())}),
        );
    }
    let state = h.lifted.as_ref().map_or_else(
        || "in force".to_owned(),
        |(by, why, at)| format!("lifted {} by {by}: {why}", at.rfc3339()),
    );
    out::line(&format!(
        "{}  {}; placed {} by {}: {}; {state}",
        h.id,
        h.scope.words(),
        h.placed_at.rfc3339(),
        h.placed_by,
        h.reason
    ));
}
