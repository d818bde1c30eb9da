//! `tuesday restore FILE`: puts a copy back so that nothing is sent twice: everything is paused, and
//! what older runs have not sent is looked for first.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Args;
use serde_json::json;
use tuesday_domain::problem::Problem;

use super::serve::Lock;
use crate::cli::Common;
use crate::config::Home;
use crate::out::{self, unavailable};
use crate::wiring::{self, Opening};

/// Arguments of `restore`.
#[derive(Debug, Args)]
pub(crate) struct RestoreArgs {
    /// The copy that `tuesday backup` made, with its public key beside it as FILE.vkey
    #[arg(required_unless_present = "in_place", conflicts_with = "in_place")]
    file: Option<PathBuf>,
    /// The database is back already, by its own tools: only mark it and pause everything
    #[arg(long)]
    in_place: bool,
}

/// Runs the command.
pub(crate) async fn run(common: Common, args: RestoreArgs) -> Result<ExitCode, Problem> {
    let home = Home::find(&common)?;
    let by = wiring::actor(&common);
    // Held to the end: no server starts on a database that is not marked yet.
    let _lock = Lock::take(&home)?;
    let reason = match &args.file {
        Some(file) => {
            put(file, &home)?;
            format!("restored from {}", file.display())
        }
        None => "the database was put back by its own tools".to_owned(),
    };
    let node = wiring::open(home, Opening::default()).await?;
    super::audit::verify(&node, &[]).await?;
    let done = node.engine.mark_restored(&by, &reason).await?;
    if common.json {
        out::json_line(&json!({"paused": done.paused, "entries": done.entries, "verified": true}));
    } else {
        out::line(&format!(
            "The log of {} entries verifies. Paused: {}",
            done.entries,
            if done.paused.is_empty() {
                "nothing was running".to_owned()
            } else {
                done.paused.join(", ")
            }
        ));
        out::say(
            "What these runs have not sent by their record is looked for before it is sent; what cannot be looked up goes to a person.\n\
             Events after the backup are not in it. Scheduled ones are started by `tuesday trigger backfill` only; ask senders about theirs.\n\
             Next: put audit.key and the secret files into the folder, tuesday doctor, tuesday serve, then\n\
             tuesday workflow resume WORKFLOW --as HANDLE --reason WHY",
        );
    }
    Ok(ExitCode::SUCCESS)
}

/// The copy and its public key, under the names the folder wants. Nothing is overwritten.
fn put(file: &Path, home: &Home) -> Result<(), Problem> {
    if home.database.is_some() {
        return Err(Problem::new(
            "bad_request",
            "a copy is put back into the embedded database only",
        )
        .field("file")
        .way_out("restore PostgreSQL with its own tools, then `tuesday restore --in-place`"));
    }
    let to = home.sqlite();
    if to.exists() {
        return Err(Problem::new(
            "bad_request",
            format!("there is an instance in {} already", home.dir.display()),
        )
        .field("dir")
        .way_out("name an empty folder with --dir, or move the old database away with its -wal and -shm files"));
    }
    let beside = PathBuf::from(format!("{}.vkey", file.display()));
    let key = home.dir.join("audit.vkey");
    for (from, to) in [(beside.as_path(), &key), (file, &to)] {
        let failed = |e: std::io::Error| {
            unavailable(format!("{}: {e}", from.display()))
                .way_out("the copy and FILE.vkey belong together")
        };
        let part = PathBuf::from(format!("{}.part", to.display()));
        std::fs::copy(from, &part).map_err(failed)?;
        std::fs::File::open(&part)
            .and_then(|f| f.sync_all())
            .map_err(failed)?;
        std::fs::rename(&part, to).map_err(failed)?;
    }
    Ok(())
}
