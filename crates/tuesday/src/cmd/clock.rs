//! `tuesday clock`: shows and moves the clock of a test instance.

use std::process::ExitCode;

use clap::{Args, Subcommand};
use serde_json::json;
use tuesday_domain::problem::Problem;
use tuesday_domain::time::{Span, Timestamp};
use tuesday_engine::Clock;
use tuesday_store::InstanceKind;

use crate::cli::Common;
use crate::config::Home;
use crate::out;
use crate::wiring::{self, Opening};

/// Arguments of `clock`.
#[derive(Debug, Args)]
pub(crate) struct ClockArgs {
    #[command(subcommand)]
    act: Act,
}

#[derive(Debug, Subcommand)]
enum Act {
    /// What time it is here
    Show,
    /// Set the time of a test instance; it goes on from there
    Set {
        /// RFC 3339, or a day
        time: String,
    },
    /// Move the time of a test instance forward
    Advance {
        /// Such as 30s, 15m, 4h or 7d
        span: Span,
    },
}

/// Runs the command.
pub(crate) async fn run(common: Common, args: ClockArgs) -> Result<ExitCode, Problem> {
    let to = match &args.act {
        Act::Set { time } => Some(
            Timestamp::parse(time)
                .map_err(|e| Problem::new("bad_request", e.to_string()).field("time"))?,
        ),
        _ => None,
    };
    let node = wiring::open(Home::find(&common)?, Opening::default()).await?;
    let (kind, system) = (node.instance.kind, Clock::System.now());
    let offset = match (&args.act, to) {
        (Act::Set { .. }, Some(to)) => Some(to.micros() - system.micros()),
        (Act::Advance { span }, _) => Some(
            node.instance.clock_offset + i64::try_from(span.0.as_micros()).unwrap_or(i64::MAX / 4),
        ),
        _ => None,
    };
    if let Some(offset) = offset {
        if kind != InstanceKind::Test {
            return Err(Problem::new(
                "test_clock_live",
                "this is a real instance: its clock cannot be moved",
            )
            .way_out(
                "use a test instance: `tuesday demo --test-clock` or `tuesday serve --test-clock`",
            ));
        }
        node.store
            .set_clock(offset)
            .await
            .map_err(|e| out::unavailable(e.to_string()))?;
        node.engine.clock().set_offset(offset);
    }
    let now = node.engine.now();
    let ahead = offset.unwrap_or(node.instance.clock_offset);
    if common.json {
        out::json_line(
            &json!({"now": now.rfc3339(), "instance": kind.word(), "ahead_ms": ahead / 1_000}),
        );
    } else {
        out::line(&format!(
            "{now} ({} instance, {} s ahead of the machine)",
            kind.word(),
            ahead / 1_000_000
        ));
        if offset.is_some() {
            out::say("Running nodes follow within a second.");
        }
    }
    Ok(ExitCode::SUCCESS)
}
