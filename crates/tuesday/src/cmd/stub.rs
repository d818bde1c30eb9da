//! `tuesday stub`: stand-ins for every system a workflow touches, each with a ledger of its own.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use serde_json::Value;
use tuesday_domain::problem::Problem;
use tuesday_engine::Clock;

use super::serve::{bind, stopped};
use crate::cli::Common;
use crate::out::{self, unavailable};

/// Arguments of `stub`.
#[derive(Debug, Args)]
pub(crate) struct StubArgs {
    /// Address of the record systems and models
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:4390")]
    listen: String,
    /// Also accept mail here
    #[arg(long, value_name = "ADDR")]
    smtp: Option<String>,
    /// Also show accepted mail here, over IMAP
    #[arg(long, value_name = "ADDR")]
    imap: Option<String>,
    /// Append the ledger to this file before each answer; what it holds is taken over
    #[arg(long, value_name = "FILE")]
    ledger: Option<PathBuf>,
    /// Records to start with, {"crm/accounts": [{"id": …}]}; may be given several times
    #[arg(long, value_name = "FILE")]
    seed: Vec<PathBuf>,
}

/// Serves until told to stop.
pub(crate) async fn run(common: Common, args: StubArgs) -> Result<ExitCode, Problem> {
    let world = match &args.ledger {
        Some(path) => tuesday_stub::World::with_file(path)
            .map_err(|e| Problem::new("bad_request", e.to_string()).field("ledger"))?,
        None => tuesday_stub::World::new(),
    };
    let now = jiff::Timestamp::from_microsecond(Clock::System.now().micros())
        .map_err(|e| unavailable(e.to_string()))?;
    for path in &args.seed {
        let bytes = crate::args::input(path, "seed")?;
        let bad = |e: String| {
            Problem::new("bad_request", format!("{}: {e}", path.display())).field("seed")
        };
        let seed: Value = serde_json::from_slice(&bytes).map_err(|e| bad(e.to_string()))?;
        world.seed(&seed, now).map_err(|e| bad(e.to_string()))?;
    }
    let listener = bind(&args.listen).await?;
    let address = listener
        .local_addr()
        .map_err(|e| unavailable(e.to_string()))?;
    let mail = match &args.smtp {
        Some(addr) => {
            let listener = bind(addr).await?;
            let address = listener
                .local_addr()
                .map_err(|e| unavailable(e.to_string()))?;
            tokio::spawn(tuesday_stub::smtp::serve(
                listener,
                world.clone(),
                stopped(),
            ));
            Some(address.to_string())
        }
        None => None,
    };
    let imap = match &args.imap {
        Some(addr) => {
            let listener = bind(addr).await?;
            let address = listener
                .local_addr()
                .map_err(|e| unavailable(e.to_string()))?;
            tokio::spawn(tuesday_stub::imap::serve(
                listener,
                world.clone(),
                stopped(),
            ));
            Some(address.to_string())
        }
        None => None,
    };
    if common.json {
        out::json_line(
            &serde_json::json!({"url": format!("http://{address}"), "smtp": mail, "imap": imap}),
        );
    } else {
        out::say(&format!(
            "Stub world on http://{address}: records at /SYSTEM/COLLECTION/ID, ledgers at /_ledger"
        ));
        if let Some(mail) = mail {
            out::say(&format!("Mail on {mail}"));
        }
        if let Some(imap) = imap {
            out::say(&format!("Its inbox over IMAP on {imap}"));
        }
        out::say("No sign-in: keep it on a loopback address. Ctrl-C stops it.");
    }
    tuesday_stub::serve(listener, world, stopped())
        .await
        .map_err(|e| unavailable(e.to_string()))?;
    Ok(ExitCode::SUCCESS)
}
