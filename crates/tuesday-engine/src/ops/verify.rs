//! Verifies the whole audit log: every entry against the tree, every checkpoint ever signed against
//! the entries it covers.

use tuesday_domain::audit::{Checkpoint, LogCheck, VerifierKey};
use tuesday_domain::problem::Problem;
use tuesday_store::StoreReader;

use crate::engine::{Engine, read_problem};

/// Entries read at once.
const PAGE: usize = 8_192;

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
