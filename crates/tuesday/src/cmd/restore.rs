//! `tuesday restore FILE`: puts a copy back so that nothing is sent twice: everything is paused, and
//! what older runs have not sent is looked for first.
//!
//! The copy is verified and marked in a folder of its own and gets its final name last, by one rename:
//! whenever this dies, the folder has no database or one that knows that it was restored.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Args;
use serde_json::json;
use tuesday_domain::actor::Actor;
use tuesday_domain::problem::Problem;
use tuesday_engine::ops::Restored;

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
    /// Test harness: die at this point
    #[arg(long, hide = true)]
    crash_at: Option<String>,
}

/// Runs the command.
pub(crate) async fn run(common: Common, args: RestoreArgs) -> Result<ExitCode, Problem> {
    let home = Home::find(&common)?;
    let by = wiring::actor(&common);
    // Held to the end: no server starts on a database that is not marked yet.
    let _lock = Lock::take(&home)?;
    let opening = Opening {
        crash_at: args.crash_at.clone(),
        ..Opening::default()
    };
    let done = match &args.file {
        Some(file) => {
            let staged = stage(file, &home)?;
            let reason = format!("restored from {}", file.display());
            let done = mark(staged.clone(), opening, &by, &reason).await?;
            publish(&staged, &home)?;
            done
        }
        None => {
            let reason = "the database was put back by its own tools";
            mark(home, opening, &by, reason).await?
        }
    };
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

/// Verifies the log and marks the database.
async fn mark(home: Home, opening: Opening, by: &Actor, reason: &str) -> Result<Restored, Problem> {
    let node = wiring::open(home, opening).await?;
    super::audit::verify(&node, &[]).await?;
    node.engine.mark_restored(by, reason).await
}

/// The copy and its public key in a folder of their own, as an instance that no server looks for. What
/// is left there of a restore that died is made anew.
fn stage(file: &Path, home: &Home) -> Result<Home, Problem> {
    if home.database.is_some() {
        return Err(Problem::new(
            "bad_request",
            "a copy is put back into the embedded database only",
        )
        .field("file")
        .way_out("restore PostgreSQL with its own tools, then `tuesday restore --in-place`"));
    }
    if home.sqlite().exists() {
        return Err(Problem::new(
            "bad_request",
            format!("there is an instance in {} already", home.dir.display()),
        )
        .field("dir")
        .way_out("name an empty folder with --dir, or move the old database away with its -wal and -shm files"));
    }
    let mut staged = home.clone();
    staged.dir = home.dir.join("restoring");
    let published = home.file.checkpoints.clone();
    staged.file.checkpoints = published.or_else(|| Some(home.dir.join("checkpoints.txt")));
    let failed = |what: &Path, e: std::io::Error| {
        unavailable(format!("{}: {e}", what.display()))
            .way_out("the copy and FILE.vkey belong together")
    };
    if staged.dir.exists() {
        std::fs::remove_dir_all(&staged.dir).map_err(|e| failed(&staged.dir, e))?;
    }
    std::fs::create_dir_all(&staged.dir).map_err(|e| failed(&staged.dir, e))?;
    let beside = PathBuf::from(format!("{}.vkey", file.display()));
    let key = staged.dir.join("audit.vkey");
    for (from, to) in [(beside.as_path(), key), (file, staged.sqlite())] {
        std::fs::copy(from, &to).map_err(|e| failed(from, e))?;
    }
    Ok(staged)
}

/// Gives the marked copy its final name, after its key and after the log beside it, if one is left:
/// when a connection that only reads is the last to close, SQLite keeps that file. A log without its
/// database is nothing: SQLite removes it when a database is made beside it, and so does a repeat.
pub(super) fn publish(staged: &Home, home: &Home) -> Result<(), Problem> {
    let failed = |e: std::io::Error| unavailable(format!("{}: {e}", home.dir.display()));
    let beside = |db: &Path, end: &str| PathBuf::from(format!("{}{end}", db.display()));
    let (from, to) = (staged.sqlite(), home.sqlite());
    for end in ["-wal", "-shm"] {
        match std::fs::remove_file(beside(&to, end)) {
            Err(e) if e.kind() != std::io::ErrorKind::NotFound => return Err(failed(e)),
            _ => {}
        }
    }
    let moved = |from: &Path, to: &Path| {
        std::fs::File::open(from)?.sync_all()?;
        std::fs::rename(from, to)
    };
    moved(&staged.dir.join("audit.vkey"), &home.dir.join("audit.vkey")).map_err(failed)?;
    match moved(&beside(&from, "-wal"), &beside(&to, "-wal")) {
        // The last connection to close has moved it into the database.
        Err(e) if e.kind() != std::io::ErrorKind::NotFound => return Err(failed(e)),
        _ => {}
    }
    moved(&from, &to).map_err(failed)?;
    std::fs::File::open(&home.dir)
        .and_then(|dir| dir.sync_all())
        .map_err(failed)?;
    std::fs::remove_dir_all(&staged.dir).map_err(failed)
}
