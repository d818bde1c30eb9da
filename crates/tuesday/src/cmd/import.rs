//! `tuesday import`: an export becomes a new instance, paused, that tells the same stories.
//!
//! The export is checked to its end before anything is written. The embedded database is made in a folder
//! of its own and gets its final name last; on PostgreSQL all rows come in one transaction.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Args;
use serde_json::json;
use tuesday_domain::audit::VerifierKey;
use tuesday_domain::problem::Problem;
use tuesday_engine::ops::{ExportSource, Manifest, checked_export, pieces};
use tuesday_store::{ApplyError, Store};

use super::restore::publish;
use super::serve::Lock;
use crate::cli::Common;
use crate::config::Home;
use crate::out::{self, unavailable};
use crate::wiring::{self, Opening};

/// Stories that are compared.
const COMPARED: u64 = 100;

/// Arguments of `import`.
#[derive(Debug, Args)]
pub(crate) struct ImportArgs {
    /// The folder or the file that `tuesday export` wrote
    #[arg(value_name = "EXPORT")]
    from: PathBuf,
    /// The public key that the log must be signed with, as printed by the old instance
    #[arg(long)]
    vkey: Option<String>,
}

/// Runs the command. A story that is told otherwise ends it with exit code 1.
pub(crate) async fn run(common: Common, args: ImportArgs) -> Result<ExitCode, Problem> {
    let home = Home::find(&common)?;
    let by = wiring::actor(&common);
    let key: Option<VerifierKey> = args
        .vkey
        .as_deref()
        .map(|k| {
            k.parse()
                .map_err(|e| Problem::new("bad_request", format!("{e}")).field("vkey"))
        })
        .transpose()?;
    let _lock = Lock::take(&home)?;
    empty(&home)?;
    let bar = out::progress(0, "Checking the export");
    let checked = ExportSource::at(&args.from).and_then(|from| {
        let manifest = checked_export(&from, key.as_ref(), |n| bar.inc(n))?;
        Ok((from, manifest))
    });
    bar.finish_and_clear();
    let (from, manifest) = checked?;
    let reason = format!(
        "imported from {}, exported {}",
        args.from.display(),
        manifest.exported_at
    );
    let staged = staged(&home)?;
    let done = Box::pin(filled(&staged, &from, &manifest, (&by, &reason))).await;
    let (restored, compared) = match done {
        Ok(done) => done,
        Err(e) => {
            if home.database.is_none() {
                let _ = std::fs::remove_dir_all(&staged.dir);
            }
            return Err(e);
        }
    };
    if home.database.is_none() {
        publish(&staged, &home)?;
    }
    let same = compared.different.is_empty();
    if common.json {
        out::json_line(
            &json!({"runs": manifest.runs, "entries": manifest.entries, "verified": true,
            "paused": restored.paused, "compared": compared.compared, "different": compared.different}),
        );
    } else {
        out::line(&format!(
            "{} runs and {} entries; the log verifies, {} of {} stories are told alike. Paused: {}",
            manifest.runs,
            manifest.entries,
            compared.compared - compared.different.len() as u64,
            compared.compared,
            if restored.paused.is_empty() {
                "nothing was running".to_owned()
            } else {
                restored.paused.join(", ")
            }
        ));
        out::say(
            "Nothing is sent until somebody resumes a workflow; what runs had not sent by then is looked for first.\n\
             Next: put audit.key and the secret files into the folder, make links for people (tuesday user passwd-reset), tuesday doctor, then\n\
             tuesday workflow resume WORKFLOW --as HANDLE --reason WHY",
        );
    }
    Ok(ExitCode::from(u8::from(!same)))
}

/// Nobody's data is written over.
fn empty(home: &Home) -> Result<(), Problem> {
    if home.database.is_none() && home.sqlite().exists() {
        return Err(Problem::new(
            "bad_request",
            format!("there is an instance in {} already", home.dir.display()),
        )
        .field("dir")
        .way_out("name an empty folder with --dir"));
    }
    Ok(())
}

/// Where the instance is made: beside its final place, on PostgreSQL in it.
fn staged(home: &Home) -> Result<Home, Problem> {
    let mut staged = home.clone();
    if home.database.is_none() {
        staged.dir = home.dir.join("importing");
        staged.file.checkpoints = home
            .file
            .checkpoints
            .clone()
            .or_else(|| Some(home.dir.join("checkpoints.txt")));
        if staged.dir.exists() {
            std::fs::remove_dir_all(&staged.dir).map_err(|e| failed(&staged.dir, &e))?;
        }
    }
    std::fs::create_dir_all(&staged.dir).map_err(|e| failed(&staged.dir, &e))?;
    Ok(staged)
}

fn failed(path: &Path, e: &std::io::Error) -> Problem {
    unavailable(format!("{}: {e}", path.display()))
}

type Filled = (tuesday_engine::ops::Restored, tuesday_engine::ops::Compared);

async fn filled(
    home: &Home,
    from: &ExportSource,
    manifest: &Manifest,
    (by, reason): (&tuesday_domain::actor::Actor, &str),
) -> Result<Filled, Problem> {
    let store = Store::open(&wiring::target(home, true)?)
        .await
        .map_err(|e| wiring::open_problem(&e))?;
    let bar = out::progress(0, "Importing rows");
    let shown = bar.clone();
    let loaded = store
        .load(pieces(from, manifest, move |n| shown.set_position(n)))
        .await;
    bar.finish_and_clear();
    loaded.map_err(|e| match e {
        ApplyError::Conflict { what } => Problem::new("bad_request", what)
            .field("database")
            .way_out("import into an empty database"),
        ApplyError::Illegal(why) => Problem::new("export_refused", why),
        e => unavailable(e.to_string()),
    })?;
    drop(store);
    // The public key alone: whoever has the private one puts it beside.
    let vkey = home.dir.join("audit.vkey");
    std::fs::write(&vkey, format!("{}\n", manifest.vkey)).map_err(|e| failed(&vkey, &e))?;
    let node = wiring::open(home.clone(), Opening::default()).await?;
    super::audit::verify(&node, &[]).await?;
    let draw = u64::from(std::process::id());
    let compared = node
        .engine
        .same_stories(from, manifest, COMPARED, draw)
        .await?;
    let restored = node.engine.mark_restored(by, reason).await?;
    Ok((restored, compared))
}
