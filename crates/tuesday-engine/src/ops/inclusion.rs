//! Proofs that single entries are in the signed log, in a form that anybody can check.

use tuesday_domain::audit::{TlogProof, inclusion_plan, leaf_hash};
use tuesday_domain::problem::Problem;

use super::export::{Tiles, damaged};
use crate::engine::{Engine, read_problem};

/// One entry with its way up to a signed checkpoint.
#[derive(Clone, Debug)]
pub struct Inclusion {
    /// Its place in the log, from 0.
    pub index: u64,
    /// The hash of its leaf.
    pub leaf_hash: [u8; 32],
    /// Entries under the checkpoint.
    pub size: u64,
    /// The root that the checkpoint signs.
    pub root: [u8; 32],
    /// Sibling hashes from the leaf upwards, and the signed checkpoint: the text of it is a C2SP
    /// `tlog-proof`.
    pub proof: TlogProof,
}

impl Engine {
    /// The proofs of these entries against the newest checkpoint, in order; those that it does not cover
    /// yet are left out.
    ///
    /// # Errors
    /// `unavailable`; `record_damaged` when a tile or an entry is gone.
    pub async fn inclusions(&self, indexes: &[u64]) -> Result<Vec<Inclusion>, Problem> {
        let reader = &self.0.reader;
        let Some(head) = reader.latest_checkpoint().await.map_err(read_problem)? else {
            return Ok(Vec::new());
        };
        let covered: Vec<u64> = indexes.iter().copied().filter(|i| *i < head.size).collect();
        let plans: Vec<_> = covered
            .iter()
            .filter_map(|i| inclusion_plan(*i, head.size))
            .collect();
        let paths = Tiles::of(self, head.size).prove(&plans).await?;
        let mut out = Vec::with_capacity(covered.len());
        for (index, hashes) in covered.into_iter().zip(paths) {
            let leaf = reader.leaves(index, 1).await.map_err(read_problem)?;
            let leaf = leaf.first().ok_or_else(|| damaged("an entry is gone"))?;
            out.push(Inclusion {
                index,
                leaf_hash: leaf_hash(leaf),
                size: head.size,
                root: head.root,
                proof: TlogProof {
                    extra: None,
                    index,
                    hashes,
                    checkpoint: head.note.clone(),
                },
            });
        }
        Ok(out)
    }
}
