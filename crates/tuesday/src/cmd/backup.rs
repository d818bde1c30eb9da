//! `tuesday backup FILE`: a consistent copy of the embedded database while it is in use.

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use clap::Args;
use rusqlite::backup::{Backup, StepResult};
use rusqlite::{Connection, OpenFlags};
use serde_json::json;
use tuesday_domain::problem::Problem;

use crate::cli::Common;
use crate::config::Home;
use crate::out::{self, unavailable};

/// Pages copied between two looks at the clock: 4 MiB at the usual page size.
const PAGES: i32 = 1_024;
/// How long a busy database is waited for.
const BUSY: Duration = Duration::from_millis(20);

/// Arguments of `backup`.
#[derive(Debug, Args)]
pub(crate) struct BackupArgs {
    /// Where to; must not be there yet
    file: PathBuf,
}

/// Copies, checks the copy, then gives it its name.
pub(crate) async fn run(common: Common, args: BackupArgs) -> Result<ExitCode, Problem> {
    let home = Home::find(&common)?;
    if home.database.is_some() {
        return Err(
            Problem::new("bad_request", "this command copies the embedded database")
                .way_out("use pg_dump for PostgreSQL"),
        );
    }
    let from = home.sqlite();
    if !from.exists() {
        return Err(Problem::new(
            "not_found",
            format!("there is no instance in {}", home.dir.display()),
        )
        .way_out("name another folder with --dir"));
    }
    if args.file.exists() {
        return Err(Problem::new(
            "bad_request",
            format!("{} is there already", args.file.display()),
        )
        .field("file")
        .way_out("choose another name"));
    }
    let (to, key) = (args.file.clone(), home.dir.join("audit.vkey"));
    let bytes = tokio::task::spawn_blocking(move || copy(&from, &to))
        .await
        .map_err(|e| Problem::new("internal", e.to_string()))??;
    // The public key travels along, so that the copy's log can be verified anywhere.
    let beside = PathBuf::from(format!("{}.vkey", args.file.display()));
    std::fs::copy(&key, &beside).map_err(|e| unavailable(format!("{}: {e}", key.display())))?;
    if common.json {
        out::json_line(&json!({"file": args.file, "bytes": bytes, "vkey": beside}));
    } else {
        out::line(&format!(
            "{}: {bytes} bytes, checked; public key in {}",
            args.file.display(),
            beside.display()
        ));
        out::say(
            "Not in it: audit.key, secret files and source files of the folder. Keep those apart from the copy.",
        );
    }
    Ok(ExitCode::SUCCESS)
}

fn copy(from: &Path, to: &Path) -> Result<u64, Problem> {
    let part = PathBuf::from(format!("{}.part", to.display()));
    let failed = |e: &dyn std::fmt::Display| unavailable(format!("{}: {e}", part.display()));
    let source = Connection::open_with_flags(from, OpenFlags::SQLITE_OPEN_READ_ONLY)
        .map_err(|e| failed(&e))?;
    let _ = std::fs::remove_file(&part);
    let mut target = Connection::open(&part).map_err(|e| failed(&e))?;
    let bar = out::progress(0, "Copying pages");
    {
        let backup = Backup::new(&source, &mut target).map_err(|e| failed(&e))?;
        loop {
            let step = backup.step(PAGES).map_err(|e| failed(&e))?;
            let done = backup.progress();
            bar.set_length(u64::try_from(done.pagecount).unwrap_or(0));
            bar.set_position(u64::try_from(done.pagecount - done.remaining).unwrap_or(0));
            match step {
                StepResult::Done => break,
                StepResult::More => {}
                _ => std::thread::sleep(BUSY),
            }
        }
    }
    bar.finish_and_clear();
    // The copy must stand alone: no write-ahead log beside it.
    let mode: String = target
        .query_row("PRAGMA journal_mode = DELETE", [], |r| r.get(0))
        .map_err(|e| failed(&e))?;
    let sound: String = target
        .query_row("PRAGMA quick_check(1)", [], |r| r.get(0))
        .map_err(|e| failed(&e))?;
    if sound != "ok" || mode != "delete" {
        return Err(
            Problem::new("record_damaged", format!("the copy is not sound: {sound}"))
                .way_out("run `tuesday audit verify` on the original"),
        );
    }
    target.close().map_err(|(_, e)| failed(&e))?;
    let file = std::fs::File::open(&part).map_err(|e| failed(&e))?;
    file.sync_all().map_err(|e| failed(&e))?;
    std::fs::rename(&part, to).map_err(|e| failed(&e))?;
    Ok(file.metadata().map_err(|e| failed(&e))?.len())
}
