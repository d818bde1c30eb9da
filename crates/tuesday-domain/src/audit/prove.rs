//! Making inclusion and consistency proofs from stored nodes.
//!
//! A proof is planned first, as a list of complete subtrees, and filled in
//! afterwards. A store that answers asynchronously can fetch all planned nodes
//! in one query; a store that answers at once implements [`NodeSource`].

use super::merkle::{Hash, NodeId, empty_root, fold_right};

/// Something that knows the hashes of complete subtrees, such as tiles.
pub trait NodeSource {
    /// Why a node could not be read.
    type Error;
    /// The hash of the complete subtree `id`.
    fn node(&mut self, id: NodeId) -> Result<Hash, Self::Error>;
}

impl<F, E> NodeSource for F
where
    F: FnMut(NodeId) -> Result<Hash, E>,
{
    type Error = E;

    fn node(&mut self, id: NodeId) -> Result<Hash, E> {
        self(id)
    }
}

/// The hashes of one proof, each as the complete subtrees it is joined from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProofPlan {
    parts: Vec<Vec<NodeId>>,
}

/// Why a proof could not be made.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ProveError<E> {
    /// The entry or the old size lies outside the tree.
    #[error("{wanted} lies outside a tree of {size} entries")]
    OutOfRange {
        /// The index or old size asked for.
        wanted: u64,
        /// Entries in the tree.
        size: u64,
    },
    /// A stored node could not be read.
    #[error("a stored tree node could not be read")]
    Source(E),
}

impl ProofPlan {
    /// All subtrees the proof needs, without repeats in practice.
    pub fn nodes(&self) -> impl Iterator<Item = NodeId> + '_ {
        self.parts.iter().flatten().copied()
    }

    /// Reads the planned nodes and joins them into the proof's hashes.
    pub fn resolve<S: NodeSource>(&self, source: &mut S) -> Result<Vec<Hash>, S::Error> {
        let mut proof = Vec::with_capacity(self.parts.len());
        for part in &self.parts {
            let mut hashes = Vec::with_capacity(part.len());
            for id in part {
                hashes.push(source.node(*id)?);
            }
            // Only the root of an empty tree has no parts.
            proof.push(fold_right(hashes.iter()).unwrap_or_else(empty_root));
        }
        Ok(proof)
    }
}

/// Plans the inclusion proof of the entry at `index` in the first `size` entries.
/// `None` when the entry is not among them.
#[must_use]
pub fn inclusion_plan(index: u64, size: u64) -> Option<ProofPlan> {
    if index >= size {
        return None;
    }
    let (mut from, mut to) = (0, size);
    let mut parts = Vec::new();
    while to - from > 1 {
        let middle = from + split(to - from);
        if index < middle {
            parts.push(complete_subtrees(middle, to));
            to = middle;
        } else {
            parts.push(complete_subtrees(from, middle));
            from = middle;
        }
    }
    // RFC 6962 lists the leaf's neighbour first; the walk went down from the root.
    parts.reverse();
    Some(ProofPlan { parts })
}

/// Plans the proof that the first `old` entries are a prefix of the first `new`.
/// `None` when `old` is larger than `new`. Empty for `old == 0` and `old == new`.
#[must_use]
pub fn consistency_plan(old: u64, new: u64) -> Option<ProofPlan> {
    if old > new {
        return None;
    }
    let mut parts = Vec::new();
    if old == 0 || old == new {
        return Some(ProofPlan { parts });
    }
    let (mut from, mut to) = (0, new);
    while old != to {
        let middle = from + split(to - from);
        if old <= middle {
            parts.push(complete_subtrees(middle, to));
            to = middle;
        } else {
            parts.push(complete_subtrees(from, middle));
            from = middle;
        }
    }
    // Still at the left edge means the remaining piece is the old root itself,
    // which the verifier has.
    if from != 0 {
        parts.push(complete_subtrees(from, to));
    }
    parts.reverse();
    Some(ProofPlan { parts })
}

/// Plans the root of the first `size` entries; resolves to exactly one hash.
#[must_use]
pub fn root_plan(size: u64) -> ProofPlan {
    ProofPlan {
        parts: vec![complete_subtrees(0, size)],
    }
}

/// The inclusion proof of entry `index` in the first `size` entries of `source`.
pub fn prove_inclusion<S: NodeSource>(
    source: &mut S,
    index: u64,
    size: u64,
) -> Result<Vec<Hash>, ProveError<S::Error>> {
    let plan = inclusion_plan(index, size).ok_or(ProveError::OutOfRange {
        wanted: index,
        size,
    })?;
    plan.resolve(source).map_err(ProveError::Source)
}

/// The proof that the first `old` entries of `source` are a prefix of the first `new`.
pub fn prove_consistency<S: NodeSource>(
    source: &mut S,
    old: u64,
    new: u64,
) -> Result<Vec<Hash>, ProveError<S::Error>> {
    let plan = consistency_plan(old, new).ok_or(ProveError::OutOfRange {
        wanted: old,
        size: new,
    })?;
    plan.resolve(source).map_err(ProveError::Source)
}

/// The largest power of two below `count`, for `count > 1`.
fn split(count: u64) -> u64 {
    1 << (u64::BITS - 1 - (count - 1).leading_zeros())
}

/// The complete subtrees that make up `from..to`, largest first. `from` is
/// always a multiple of the largest of them, as the tree's own splits are.
fn complete_subtrees(mut from: u64, to: u64) -> Vec<NodeId> {
    let mut nodes = Vec::new();
    while from < to {
        let level = (u64::BITS - 1 - (to - from).leading_zeros()) as u8;
        nodes.push(NodeId {
            level,
            index: from >> level,
        });
        from += 1 << level;
    }
    nodes
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests fail loudly")]
mod tests {
    use std::convert::Infallible;

    use proptest::prelude::*;

    use super::super::merkle::tests::{leaves, naive_root, rfc_leaves};
    use super::super::merkle::{
        leaf_hash, root_from_inclusion, verify_consistency, verify_inclusion,
    };
    use super::*;

    const SIZES: u64 = 130;

    fn source(all: &[Hash]) -> impl FnMut(NodeId) -> Result<Hash, Infallible> + '_ {
        |id| {
            let from = (id.index << id.level) as usize;
            Ok(naive_root(&all[from..from + (1 << id.level)]))
        }
    }

    fn naive_path(index: usize, all: &[Hash]) -> Vec<Hash> {
        if all.len() <= 1 {
            return Vec::new();
        }
        let middle = all.len().next_power_of_two() / 2;
        let (mut path, other) = if index < middle {
            (naive_path(index, &all[..middle]), &all[middle..])
        } else {
            (naive_path(index - middle, &all[middle..]), &all[..middle])
        };
        path.push(naive_root(other));
        path
    }

    #[test]
    fn every_inclusion_proof_up_to_130_entries_verifies_and_no_other_place_does() {
        let all = leaves(SIZES);
        for size in 1..SIZES {
            let tree = &all[..size as usize];
            let root = naive_root(tree);
            for index in 0..size {
                let leaf = &all[index as usize];
                let proof = prove_inclusion(&mut source(tree), index, size).unwrap();
                assert_eq!(proof, naive_path(index as usize, tree));
                assert!(verify_inclusion(index, size, leaf, &proof, &root));
                assert!(!verify_inclusion(index ^ 1, size, leaf, &proof, &root));
                assert!(!verify_inclusion(index, size, &[9; 32], &proof, &root));
                let longer = [&proof[..], &[[0; 32]]].concat();
                assert!(!verify_inclusion(index, size, leaf, &longer, &root));
                if let Some((_, shorter)) = proof.split_last() {
                    assert_eq!(root_from_inclusion(index, size, leaf, shorter), None);
                }
            }
            assert_eq!(inclusion_plan(size, size), None);
        }
    }

    #[test]
    fn every_consistency_proof_up_to_130_entries_verifies_and_damaged_ones_do_not() {
        let all = leaves(SIZES);
        for new in 0..SIZES {
            let new_root = naive_root(&all[..new as usize]);
            for old in 0..=new {
                let old_root = naive_root(&all[..old as usize]);
                let proof = prove_consistency(&mut source(&all), old, new).unwrap();
                assert!(verify_consistency(old, new, &old_root, &new_root, &proof));
                assert!(!verify_consistency(old, new, &[1; 32], &new_root, &proof));
                if old > 0 || old == new {
                    assert!(!verify_consistency(old, new, &old_root, &[1; 32], &proof));
                }
                for damaged in 0..proof.len() {
                    let mut bad = proof.clone();
                    bad[damaged][7] ^= 1;
                    assert!(!verify_consistency(old, new, &old_root, &new_root, &bad));
                    bad.remove(damaged);
                    assert!(!verify_consistency(old, new, &old_root, &new_root, &bad));
                }
                let longer = [&proof[..], &[[0; 32]]].concat();
                assert!(!verify_consistency(old, new, &old_root, &new_root, &longer));
            }
            assert_eq!(consistency_plan(new + 1, new), None);
        }
    }

    #[test]
    fn proofs_match_the_public_test_vectors() {
        let all: Vec<Hash> = rfc_leaves().iter().map(|leaf| leaf_hash(leaf)).collect();
        let inclusion = prove_inclusion(&mut source(&all), 5, 8).unwrap();
        let expected = [
            "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
            "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
            "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
        ];
        assert_eq!(
            inclusion.iter().map(hex::encode).collect::<Vec<_>>(),
            expected
        );
        let consistency = prove_consistency(&mut source(&all), 6, 8).unwrap();
        let expected = [
            "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a",
            "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
            "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
        ];
        assert_eq!(
            consistency.iter().map(hex::encode).collect::<Vec<_>>(),
            expected
        );
    }

    #[test]
    fn the_planned_root_is_the_root() {
        let all = leaves(SIZES);
        for size in 0..SIZES {
            let root = root_plan(size).resolve(&mut source(&all)).unwrap();
            assert_eq!(root, vec![naive_root(&all[..size as usize])]);
        }
    }

    #[test]
    fn the_largest_trees_are_planned_without_overflow() {
        let size = u64::MAX;
        assert!(inclusion_plan(size - 1, size).unwrap().nodes().count() <= 64);
        assert!(consistency_plan(size - 1, size).unwrap().nodes().count() <= 64);
        assert!(!verify_consistency(
            size - 1,
            size,
            &[1; 32],
            &[2; 32],
            &[[0; 32]; 64]
        ));
        assert_eq!(
            root_from_inclusion(size - 1, size, &[0; 32], &[[0; 32]; 65]),
            None
        );
    }

    proptest! {
        #[test]
        fn proofs_hold_in_larger_trees(size in 1u64..500, a in any::<u64>(), b in any::<u64>()) {
            let all = leaves(size);
            let root = naive_root(&all);
            let (index, old) = (a % size, b % (size + 1));
            let proof = prove_inclusion(&mut source(&all), index, size).unwrap();
            prop_assert!(verify_inclusion(index, size, &all[index as usize], &proof, &root));
            let proof = prove_consistency(&mut source(&all), old, size).unwrap();
            let old_root = naive_root(&all[..old as usize]);
            prop_assert!(verify_consistency(old, size, &old_root, &root, &proof));
        }
    }
}
