//! The RFC 6962 tree: hashing, the growing right edge, and checking proofs.
//!
//! A log of many millions of entries is never held in memory. Appending needs
//! only the [`Frontier`], at most 64 hashes, and checking a proof needs only
//! the proof. Making proofs is in `prove.rs`, because that one needs storage.

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

/// A SHA-256 value: a leaf hash, a node hash or a root.
pub type Hash = [u8; 32];

/// The hash of one log entry: SHA-256(0x00 ‖ bytes).
#[must_use]
pub fn leaf_hash(leaf: &[u8]) -> Hash {
    let mut hasher = Sha256::new();
    hasher.update([0u8]);
    hasher.update(leaf);
    hasher.finalize().into()
}

/// The hash of two neighbours: SHA-256(0x01 ‖ left ‖ right).
#[must_use]
pub fn node_hash(left: &Hash, right: &Hash) -> Hash {
    let mut input = [1u8; 65];
    input[1..33].copy_from_slice(left);
    input[33..].copy_from_slice(right);
    Sha256::digest(input).into()
}

/// The root of a tree without entries: SHA-256 of nothing.
#[must_use]
pub fn empty_root() -> Hash {
    Sha256::digest([]).into()
}

/// Names one complete subtree: it covers the entries
/// `index << level .. (index + 1) << level`. Level 0 is a leaf hash.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NodeId {
    /// Height above the leaves, 0 to 63.
    pub level: u8,
    /// Position within the level, from the left, starting at 0.
    pub index: u64,
}

/// The right edge of the tree: the roots of its complete subtrees, largest
/// first. Enough to append and to give the root at any moment.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "FrontierText", into = "FrontierText")]
pub struct Frontier {
    size: u64,
    nodes: Vec<Hash>,
}

/// A stored frontier that cannot be right.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FrontierError {
    /// A tree of `size` entries has one node per set bit of its size.
    #[error("a tree of {size} entries has {expected} edge nodes, not {got}")]
    NodeCount {
        /// Entries in the tree.
        size: u64,
        /// Nodes such a tree has.
        expected: u32,
        /// Nodes found.
        got: usize,
    },
    /// A node is not 64 hex digits.
    #[error("edge node {0} is not 64 hex digits")]
    NotHex(usize),
}

/// How a frontier is stored: hashes as hex.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct FrontierText {
    size: u64,
    nodes: Vec<String>,
}

impl Frontier {
    /// The empty tree.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Rebuilds a frontier from stored parts; the number of nodes must fit.
    pub fn from_parts(size: u64, nodes: Vec<Hash>) -> Result<Self, FrontierError> {
        let expected = size.count_ones();
        if nodes.len() != expected as usize {
            let got = nodes.len();
            return Err(FrontierError::NodeCount {
                size,
                expected,
                got,
            });
        }
        Ok(Self { size, nodes })
    }

    /// Entries in the tree.
    #[must_use]
    pub fn size(&self) -> u64 {
        self.size
    }

    /// Roots of the complete subtrees, largest first.
    #[must_use]
    pub fn nodes(&self) -> &[Hash] {
        &self.nodes
    }

    /// Appends one entry by its bytes.
    pub fn append(&mut self, leaf: &[u8]) {
        self.append_hash(leaf_hash(leaf));
    }

    /// Appends one entry by its leaf hash.
    pub fn append_hash(&mut self, leaf: Hash) {
        self.append_observed(leaf, |_, _| {});
    }

    /// Appends one leaf hash and tells `seen` every node that became complete,
    /// the leaf first, so that tiles can be written in the same pass.
    pub fn append_observed(&mut self, leaf: Hash, mut seen: impl FnMut(NodeId, &Hash)) {
        let mut node = leaf;
        let mut id = NodeId {
            level: 0,
            index: self.size,
        };
        seen(id, &node);
        // Each trailing one bit of the old size is a complete subtree that now
        // has its right-hand partner.
        while id.index & 1 == 1 {
            let Some(left) = self.nodes.pop() else { break };
            node = node_hash(&left, &node);
            id = NodeId {
                level: id.level + 1,
                index: id.index >> 1,
            };
            seen(id, &node);
        }
        self.nodes.push(node);
        self.size += 1;
    }

    /// The root of the tree as it stands.
    #[must_use]
    pub fn root(&self) -> Hash {
        fold_right(self.nodes.iter()).unwrap_or_else(empty_root)
    }
}

impl TryFrom<FrontierText> for Frontier {
    type Error = FrontierError;

    fn try_from(text: FrontierText) -> Result<Self, Self::Error> {
        let mut nodes = Vec::with_capacity(text.nodes.len());
        for (i, digits) in text.nodes.iter().enumerate() {
            let mut hash = [0u8; 32];
            hex::decode_to_slice(digits, &mut hash).map_err(|_| FrontierError::NotHex(i))?;
            nodes.push(hash);
        }
        Self::from_parts(text.size, nodes)
    }
}

impl From<Frontier> for FrontierText {
    fn from(frontier: Frontier) -> Self {
        let nodes = frontier.nodes.iter().map(hex::encode).collect();
        Self {
            size: frontier.size,
            nodes,
        }
    }
}

/// Joins complete subtrees, largest first, into the hash of their whole range.
pub(super) fn fold_right<'a>(nodes: impl DoubleEndedIterator<Item = &'a Hash>) -> Option<Hash> {
    nodes
        .rev()
        .copied()
        .reduce(|right, left| node_hash(&left, &right))
}

/// The root that `proof` leads to from the leaf at `index` in a tree of `size`
/// entries, or `None` if the proof has the wrong length for that place.
#[must_use]
pub fn root_from_inclusion(index: u64, size: u64, leaf: &Hash, proof: &[Hash]) -> Option<Hash> {
    if index >= size {
        return None;
    }
    let (mut node, mut last, mut hash) = (index, size - 1, *leaf);
    for sibling in proof {
        if last == 0 {
            return None;
        }
        if node & 1 == 1 || node == last {
            hash = node_hash(sibling, &hash);
            // On the ragged right edge a node moves up without a partner.
            while node & 1 == 0 && node != 0 {
                node >>= 1;
                last >>= 1;
            }
        } else {
            hash = node_hash(&hash, sibling);
        }
        node >>= 1;
        last >>= 1;
    }
    (last == 0).then_some(hash)
}

/// Whether the leaf hash stands at `index` in the tree of `size` entries and `root`.
#[must_use]
pub fn verify_inclusion(index: u64, size: u64, leaf: &Hash, proof: &[Hash], root: &Hash) -> bool {
    root_from_inclusion(index, size, leaf, proof).is_some_and(|found| found == *root)
}

/// Whether the tree (`old_size`, `old_root`) is a prefix of (`new_size`, `new_root`).
///
/// Equal sizes need equal roots and no proof; an empty old tree needs the empty
/// root and no proof.
#[must_use]
pub fn verify_consistency(
    old_size: u64,
    new_size: u64,
    old_root: &Hash,
    new_root: &Hash,
    proof: &[Hash],
) -> bool {
    if old_size > new_size {
        return false;
    }
    if old_size == new_size {
        return proof.is_empty() && old_root == new_root;
    }
    if old_size == 0 {
        return proof.is_empty() && *old_root == empty_root();
    }
    // The proof of a complete old tree leaves out the old root itself.
    let (start, rest) = if old_size.is_power_of_two() {
        (*old_root, proof)
    } else {
        match proof.split_first() {
            Some((first, rest)) => (*first, rest),
            None => return false,
        }
    };
    roots_from_consistency(old_size, new_size, start, rest)
        .is_some_and(|(old, new)| old == *old_root && new == *new_root)
}

fn roots_from_consistency(
    old_size: u64,
    new_size: u64,
    start: Hash,
    proof: &[Hash],
) -> Option<(Hash, Hash)> {
    let shift = (old_size - 1).trailing_ones();
    let (mut node, mut last) = ((old_size - 1) >> shift, (new_size - 1) >> shift);
    let (mut old, mut new) = (start, start);
    for sibling in proof {
        if last == 0 {
            return None;
        }
        if node & 1 == 1 || node == last {
            old = node_hash(sibling, &old);
            new = node_hash(sibling, &new);
            while node & 1 == 0 && node != 0 {
                node >>= 1;
                last >>= 1;
            }
        } else {
            new = node_hash(&new, sibling);
        }
        node >>= 1;
        last >>= 1;
    }
    (last == 0).then_some((old, new))
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests fail loudly")]
pub(super) mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The definition in RFC 6962 section 2.1, written as it stands there.
    pub(in super::super) fn naive_root(leaves: &[Hash]) -> Hash {
        match leaves {
            [] => empty_root(),
            [one] => *one,
            many => {
                let split = many.len().next_power_of_two() / 2;
                node_hash(&naive_root(&many[..split]), &naive_root(&many[split..]))
            }
        }
    }

    pub(in super::super) fn leaves(count: u64) -> Vec<Hash> {
        (0..count).map(|i| leaf_hash(&i.to_be_bytes())).collect()
    }

    /// The eight inputs of the public Certificate Transparency test vectors.
    pub(in super::super) fn rfc_leaves() -> Vec<Vec<u8>> {
        [
            "",
            "00",
            "10",
            "2021",
            "3031",
            "40414243",
            "5051525354555657",
            "606162636465666768696a6b6c6d6e6f",
        ]
        .iter()
        .map(|digits| hex::decode(digits).unwrap())
        .collect()
    }

    #[test]
    fn roots_match_the_public_test_vectors() {
        let roots = [
            "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
            "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
            "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
            "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
            "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
            "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
            "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
            "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
            "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
        ];
        let mut frontier = Frontier::new();
        assert_eq!(hex::encode(frontier.root()), roots[0]);
        for (leaf, root) in rfc_leaves().iter().zip(&roots[1..]) {
            frontier.append(leaf);
            assert_eq!(hex::encode(frontier.root()), *root);
        }
    }

    #[test]
    fn the_frontier_agrees_with_the_definition_at_every_size() {
        let all = leaves(300);
        let mut frontier = Frontier::new();
        for size in 0..all.len() {
            assert_eq!(frontier.root(), naive_root(&all[..size]));
            assert_eq!(frontier.size(), size as u64);
            frontier.append_hash(all[size]);
        }
    }

    #[test]
    fn observed_nodes_are_the_complete_subtrees() {
        let all = leaves(130);
        let mut frontier = Frontier::new();
        let mut seen = 0;
        for leaf in &all {
            frontier.append_observed(*leaf, |id, hash| {
                let from = (id.index << id.level) as usize;
                assert_eq!(*hash, naive_root(&all[from..from + (1 << id.level)]));
                seen += 1;
            });
        }
        // 130 + 65 + 32 + 16 + 8 + 4 + 2 + 1
        assert_eq!(seen, 258);
    }

    #[test]
    fn a_stored_frontier_reads_back_and_goes_on() {
        let all = leaves(77);
        for cut in 0..all.len() {
            let mut first = Frontier::new();
            all[..cut].iter().for_each(|leaf| first.append_hash(*leaf));
            let text = serde_json::to_string(&first).unwrap();
            let mut second: Frontier = serde_json::from_str(&text).unwrap();
            assert_eq!(first, second);
            all[cut..].iter().for_each(|leaf| second.append_hash(*leaf));
            assert_eq!(second.root(), naive_root(&all));
        }
    }

    #[test]
    fn a_damaged_stored_frontier_is_refused() {
        for bad in [
            r#"{"size":3,"nodes":[]}"#,
            r#"{"size":0,"nodes":["00"]}"#,
            r#"{"size":1,"nodes":["00"]}"#,
            r#"{"size":0,"nodes":[],"extra":1}"#,
        ] {
            assert!(serde_json::from_str::<Frontier>(bad).is_err(), "{bad}");
        }
    }

    proptest! {
        #[test]
        fn appending_through_the_frontier_equals_the_definition(
            entries in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..40), 0..200)
        ) {
            let mut frontier = Frontier::new();
            entries.iter().for_each(|entry| frontier.append(entry));
            let hashes: Vec<Hash> = entries.iter().map(|entry| leaf_hash(entry)).collect();
            prop_assert_eq!(frontier.root(), naive_root(&hashes));
        }
    }
}
