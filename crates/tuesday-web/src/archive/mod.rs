//! The archive: pages that open in a browser without a server, made once and kept as files. No script, no
//! form, nothing from elsewhere; a workflow that nobody runs any more stays readable for years.
//!
//! `page` is what every page looks like, `shelf` the folder, `markdown` turns runbooks and incidents into
//! pages; the other files make one kind of page each. Runs are read page by page and written as they are
//! read: what is held in memory does not grow with their number.
//!
//! Work may go on meanwhile. So a bound is taken first, a moment and a place in the log: runs, incidents and
//! changes from after it are not in the archive. A run from before it that moves meanwhile is shown as it was when
//! its page was made, in one reading for page, list and sums, and says so; the bundle of the log is written last
//! and has what every page tells.

mod changes;
mod incidents;
mod log;
mod markdown;
mod page;
mod runs;
mod shelf;
mod workflow;

use std::path::PathBuf;

use serde::Serialize;
use tuesday_domain::actor::{Actor, Class};
use tuesday_domain::audit::VerifierKey;
use tuesday_domain::problem::Problem;
use tuesday_domain::record::{Subject, Workflow};
use tuesday_domain::time::Timestamp;
use tuesday_engine::Engine;

use page::{Link, Page};
use shelf::Shelf;

use crate::console::words::local;
use crate::refusal::read_problem;

/// What is kept, and where.
#[derive(Clone, Debug)]
pub struct ArchiveWish {
    /// The folder; it must not be there yet.
    pub dir: PathBuf,
    /// One workflow; all of them when absent.
    pub workflow: Option<String>,
    /// Content above this class is masked.
    pub clearance: Class,
    /// Version of the program.
    pub made_by: String,
    /// The script that verifies a bundle.
    pub script: String,
}

/// What was kept.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Archived {
    /// Workflows.
    pub workflows: u64,
    /// Runs, a page each.
    pub runs: u64,
    /// Incidents, a page each.
    pub incidents: u64,
    /// Entries of the log, which was verified.
    pub entries: u64,
    /// Files.
    pub files: u64,
    /// Their bytes.
    pub bytes: u64,
}

/// What every part of the archive is made with.
struct Making<'a> {
    engine: &'a Engine,
    wish: &'a ArchiveWish,
    shelf: Shelf,
    progress: &'a (dyn Fn(&'static str, u64) + Send + Sync),
    /// What came later is not in it.
    at: Timestamp,
    /// Entries of the log then.
    entries: u64,
    /// Runs that went on meanwhile.
    went_on: u64,
}

impl Making<'_> {
    /// The way to a workflow's page.
    fn of(&self, w: &Workflow) -> Link {
        Link::new(w.title.clone(), format!("workflows/{}/index.html", w.name))
    }

    /// When what is being written is read.
    fn at(&self) -> String {
        local(self.engine.now(), None)
    }

    /// The moment of the bound.
    fn bound(&self) -> String {
        local(self.at, None)
    }

    fn page(&mut self, page: &Page) -> Result<(), Problem> {
        self.shelf.put(&page.name, &page.html()?)
    }
}

/// Writes the pages of everything, or of one workflow. `progress` hears what is written and how much of it.
///
/// # Errors
/// `bad_request` for a folder that is there, `unknown_workflow`, `audit_broken` when the log does not verify,
/// `unavailable`.
pub async fn archive(
    engine: &Engine,
    wish: &ArchiveWish,
    by: &Actor,
    key: &VerifierKey,
    progress: &(dyn Fn(&'static str, u64) + Send + Sync),
) -> Result<Archived, Problem> {
    if wish.dir.exists() {
        let words = format!("{} is there already", wish.dir.display());
        return Err(Problem::new("bad_request", words)
            .field("dir")
            .way_out("name a folder that is not there yet"));
    }
    let workflows = chosen(engine, wish).await?;
    let subject = match &wish.workflow {
        Some(name) => Subject::Workflow(name.clone()),
        None => Subject::Instance,
    };
    // Whoever takes it out is on record before the first byte is.
    let facts = [
        ("as", "archive".to_owned()),
        ("clearance", wish.clearance.word().to_owned()),
    ];
    engine
        .access_event("instance.exported", by, subject, &facts)
        .await?;
    let at = engine.now();
    engine.seal().await?;
    let verified = engine
        .verify_audit(key, &[], |n| progress("entries verified", n))
        .await?;
    let mut making = Making {
        engine,
        wish,
        shelf: Shelf::begin(&wish.dir)?,
        progress,
        at,
        entries: verified.entries,
        went_on: 0,
    };
    let mut out = Archived {
        entries: verified.entries,
        ..Archived::default()
    };
    making
        .shelf
        .put("style.css", &crate::assets::archive_style())?;
    let mut rows = Vec::new();
    for w in &workflows {
        let runs = Box::pin(making.runs(w)).await?;
        out.runs += runs.total;
        Box::pin(making.workflow(w, &runs)).await?;
        rows.push((w, runs.total));
    }
    out.workflows = rows.len() as u64;
    out.incidents = Box::pin(making.incidents()).await?;
    making.runbooks()?;
    if wish.workflow.is_none() {
        Box::pin(making.changes(None)).await?;
    }
    // What a page tells that was made a moment ago is in the log that lies beside it.
    engine.seal().await?;
    Box::pin(making.log(&verified, by, key)).await?;
    making.index(&rows, &out)?;
    (out.files, out.bytes) = making.shelf.end()?;
    Ok(out)
}

async fn chosen(engine: &Engine, wish: &ArchiveWish) -> Result<Vec<Workflow>, Problem> {
    let all = engine.reader().workflows().await.map_err(read_problem)?;
    let Some(name) = &wish.workflow else {
        return Ok(all);
    };
    let one: Vec<Workflow> = all.into_iter().filter(|w| w.name == *name).collect();
    if one.is_empty() {
        let words = format!("there is no workflow {name}");
        return Err(Problem::new("unknown_workflow", words).field("workflow"));
    }
    Ok(one)
}
