//! Verifies the whole audit log: every entry against the tree, every checkpoint ever signed against
//! the entries it covers. Whatever finds that the log or a stored record is not what was committed to
//! opens one incident, whoever looked.

use std::path::Path;

use tuesday_domain::actor::Actor;
use tuesday_domain::audit::{Checkpoint, LogCheck, VerifierKey};
use tuesday_domain::id::RunId;
use tuesday_domain::problem::Problem;
use tuesday_domain::trouble::{Category, Trouble};
use tuesday_store::StoreReader;

use crate::engine::{Engine, read_problem};

/// Entries read at once: some milliseconds of hashing, so that a node that verifies beside its work
/// does not hold up a worker thread.
const PAGE: usize = 2_048;
/// What an incident about the log itself is about.
const LOG: &str = "entries and checkpoints";
/// What an incident about stored bytes of runs is about.
const RECORDS: &str = "stored records of runs";

/// What a verification found to be whole.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verified {
    /// Entries in the log.
    pub entries: u64,
    /// Entries covered by the newest checkpoint.
    pub sealed: u64,
    /// Checkpoints that hold.
    pub checkpoints: usize,
    /// Root of the whole tree, hex.
    pub root: String,
}

impl Engine {
    /// Gives every entry its index and seals it now, for commands that want a complete log.
    ///
    /// # Errors
    /// `audit_unavailable` when the log is not the one that was signed.
    pub async fn seal(&self) -> Result<(), Problem> {
        crate::maintenance::seal(self.clone())
            .await
            .map_err(|e| Problem::new("audit_unavailable", e))
    }

    /// Verifies the log with this instance's key, against what was published beside it and `more`
    /// checkpoints kept elsewhere. What does not hold opens an incident.
    ///
    /// # Errors
    /// As [`verify_log`]; `bad_request` when the published checkpoints cannot be read.
    pub async fn verify_audit(
        &self,
        key: &VerifierKey,
        more: &[String],
        progress: impl FnMut(u64),
    ) -> Result<Verified, Problem> {
        let mut notes = more.to_vec();
        if let Some(path) = &self.0.config.checkpoint_file {
            let words = |e| Problem::new("bad_request", format!("{}: {e}", path.display()));
            notes.extend(published_notes(path).map_err(words)?);
        }
        let done = verify_log(&self.0.reader, key, &notes, progress).await;
        // A checkpoint that somebody brought says nothing about this log.
        if let Err(p) = &done
            && (p.code == "audit_broken" && more.is_empty())
        {
            self.log_broken(&p.detail).await;
        }
        done
    }

    /// The log is not the one that was signed.
    pub(crate) async fn log_broken(&self, why: &str) {
        self.not_whole(Trouble::new(Category::AuditBroken, LOG, None, why))
            .await;
    }

    /// Stored bytes of a run are not what the log committed to.
    pub(crate) async fn record_broken(&self, run: RunId, workflow: &str, why: String) {
        let found = record_trouble(run, workflow, why);
        self.not_whole(found).await;
    }

    /// Who looked is answered in any case: an incident that cannot be kept is said in the log.
    async fn not_whole(&self, found: Trouble) {
        let why = found.words.clone();
        if let Err(e) = self.raise_new(found, Actor::System("audit")).await {
            tracing::error!(%why, error = %e, "the record is not whole, and no incident could be opened");
        }
    }
}

/// One incident for all runs of a workflow, each linked to it.
pub(crate) fn record_trouble(run: RunId, workflow: &str, why: String) -> Trouble {
    let subject = format!("{RECORDS}, {workflow}");
    Trouble::new(Category::AuditBroken, subject, Some(workflow), why).of_run(run)
}

/// Checkpoints that were published to a file, the oldest first; none when there is no file yet. They
/// stand one after another, two empty lines apart.
///
/// # Errors
/// When the file is there and cannot be read.
pub fn published_notes(path: &Path) -> std::io::Result<Vec<String>> {
    let text = match std::fs::read_to_string(path) {
        Ok(text) => text,
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(e) => return Err(e),
    };
    Ok(notes_of(&text))
}

/// The notes of a file. What stands at its end without a whole signature is being written at this moment.
fn notes_of(text: &str) -> Vec<String> {
    let mut pieces: Vec<&str> = text.split("\n\n\n").collect();
    let whole = |tail: &str| text.ends_with('\n') && tail.trim_matches('\n').contains("\n\n");
    if pieces.last().is_some_and(|tail| !whole(tail)) {
        pieces.pop();
    }
    let notes = pieces.into_iter().map(|n| n.trim_matches('\n'));
    notes
        .filter(|n| !n.trim().is_empty())
        .map(|n| format!("{n}\n"))
        .collect()
}

/// Verifies the log behind `reader` with the instance's public key; `published` are checkpoints kept
/// outside the database. `progress` hears how many entries were checked.
///
/// # Errors
/// `audit_broken` naming the first bad entry, `foreign_checkpoint` for a note of another instance.
pub async fn verify_log(
    reader: &StoreReader,
    key: &VerifierKey,
    published: &[String],
    mut progress: impl FnMut(u64),
) -> Result<Verified, Problem> {
    let stored = reader.checkpoints().await.map_err(read_problem)?;
    let mut heads = Vec::with_capacity(stored.len() + published.len());
    for note in stored.iter().map(|c| &c.note).chain(published) {
        heads.push(
            Checkpoint::open(note, key)
                .map_err(|e| Problem::new("foreign_checkpoint", e.to_string()))?,
        );
    }
    let (sealed, checkpoints) = (heads.iter().map(|h| h.size).max().unwrap_or(0), heads.len());
    let mut check = LogCheck::new(heads);
    let broken = |e: tuesday_domain::audit::LogFault| {
        Problem::new("audit_broken", e.to_string())
            .way_out("keep the database as it is and compare with a backup")
    };
    let mut index = 0_u64;
    loop {
        let leaves = reader.leaves(index, PAGE).await.map_err(read_problem)?;
        for leaf in &leaves {
            check.entry(index, leaf, None).map_err(broken)?;
            index += 1;
        }
        progress(index);
        if leaves.len() < PAGE {
            break;
        }
    }
    let tree = check.finish().map_err(broken)?;
    Ok(Verified {
        entries: index,
        sealed,
        checkpoints,
        root: crate::catalog::hex(&tree.root()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_note_that_is_being_written_is_none_yet() {
        let (one, two) = (
            "log\n12\nroot=\n\n— log sig1=\n",
            "log\n13\nroot=\n\n— log sig2=\n",
        );
        let file = format!("{one}\n\n{two}\n\n");
        assert_eq!(notes_of(&file), [one, two]);
        assert_eq!(notes_of(two), [two], "a note alone, as a person keeps it");
        let before = one.len() + 2;
        for cut in before..before + two.len() {
            let Some(seen) = file.get(..cut) else {
                continue;
            };
            assert_eq!(notes_of(seen), [one], "{seen:?}");
        }
        assert!(notes_of("").is_empty());
    }
}
