//! Tiles: the tree cut into files of up to 256 hashes, as C2SP `tlog-tiles` says.
//!
//! Full tiles never change, so they can be cached, copied to another volume or
//! served as plain files. Only the right edge is partial.

use std::{collections::HashMap, fmt, str::FromStr};

use super::merkle::{Frontier, Hash, NodeId};
use super::prove::NodeSource;

/// Hashes in a full tile.
pub const TILE_WIDTH: u64 = 256;
/// Tree levels within one tile.
const TILE_HEIGHT: u8 = 8;
/// Longest entry in bytes; entry bundles hold 16-bit lengths.
pub const MAX_LEAF: usize = 65_535;

/// One tile: its level (counted in tiles), its place and how much of it is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TileId {
    /// Level in units of eight tree levels; 0 holds leaf hashes.
    pub level: u8,
    /// Position within the level, from the left, starting at 0.
    pub index: u64,
    /// Hashes in the tile, 1 to 256; below 256 it is partial.
    pub width: u16,
}

/// What can be wrong with a tile, a path or an entry bundle.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TileError<E> {
    /// The node does not exist in a tree of this size.
    #[error("node {0:?} is not in the tree")]
    NotInTree(NodeId),
    /// The tile does not have 32 bytes for each of its hashes.
    #[error("tile {path} has {got} bytes, expected {expected}")]
    Length {
        /// The tile's path.
        path: String,
        /// Bytes it must have.
        expected: usize,
        /// Bytes found.
        got: usize,
    },
    /// Reading the tile failed.
    #[error("tile could not be read")]
    Read(E),
}

/// Not a tile path in the only spelling `tlog-tiles` allows.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not a tile path: {0}")]
pub struct TilePathError(String);

impl TileId {
    /// The tile at this place in a tree of `size` entries, as wide as it is
    /// then; `None` if it would be empty.
    #[must_use]
    pub fn at(level: u8, index: u64, size: u64) -> Option<Self> {
        let hashes = hashes_at(level, size);
        let start = index.checked_mul(TILE_WIDTH)?;
        let width = hashes.saturating_sub(start).min(TILE_WIDTH) as u16;
        (width > 0).then_some(Self {
            level,
            index,
            width,
        })
    }

    /// Whether the tile is not full yet.
    #[must_use]
    pub fn is_partial(&self) -> bool {
        u64::from(self.width) < TILE_WIDTH
    }

    /// Bytes in the tile.
    #[must_use]
    pub fn byte_len(&self) -> usize {
        usize::from(self.width) * 32
    }

    /// The path of the bundle holding the entries of this level-0 tile.
    #[must_use]
    pub fn entries_path(&self) -> String {
        format!("tile/entries/{}", self.place())
    }

    /// Index as `x001/x234/067`, with `.p/<width>` when partial.
    fn place(&self) -> String {
        let mut path = format!("{:03}", self.index % 1000);
        let mut rest = self.index / 1000;
        while rest > 0 {
            path = format!("x{:03}/{path}", rest % 1000);
            rest /= 1000;
        }
        if self.is_partial() {
            path = format!("{path}.p/{}", self.width);
        }
        path
    }
}

/// Writes the tile's path, such as `tile/0/x001/x234/067.p/8`.
impl fmt::Display for TileId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "tile/{}/{}", self.level, self.place())
    }
}

impl FromStr for TileId {
    type Err = TilePathError;

    fn from_str(path: &str) -> Result<Self, Self::Err> {
        let tile = parse_path(path).ok_or_else(|| TilePathError(path.to_owned()))?;
        // One spelling per tile: whatever does not write back the same is refused.
        if tile.to_string() == path && (1..=256).contains(&tile.width) && tile.level < 64 {
            Ok(tile)
        } else {
            Err(TilePathError(path.to_owned()))
        }
    }
}

fn parse_path(path: &str) -> Option<TileId> {
    let (level, place) = path.strip_prefix("tile/")?.split_once('/')?;
    let (digits, width) = match place.split_once(".p/") {
        Some((digits, width)) => (digits, width.parse().ok()?),
        None => (place, 256),
    };
    let mut index = 0u64;
    for element in digits.split('/') {
        let number: u64 = element.strip_prefix('x').unwrap_or(element).parse().ok()?;
        index = index.checked_mul(1000)?.checked_add(number)?;
    }
    let level = level.parse().ok()?;
    Some(TileId {
        level,
        index,
        width,
    })
}

/// Hashes the tree of `size` entries has on tile level `level`.
fn hashes_at(level: u8, size: u64) -> u64 {
    let shift = u32::from(level) * u32::from(TILE_HEIGHT);
    size.checked_shr(shift).unwrap_or(0)
}

/// The tiles to write when the tree grows from `old` to `new` entries: each tile
/// whose content changed, as wide as it is at `new`, lowest level first.
#[must_use]
pub fn new_tiles(old: u64, new: u64) -> Vec<TileId> {
    let mut tiles = Vec::new();
    for level in 0..TILE_HEIGHT {
        let (before, after) = (hashes_at(level, old), hashes_at(level, new));
        if after <= before {
            break;
        }
        let range = before / TILE_WIDTH..after.div_ceil(TILE_WIDTH);
        tiles.extend(range.filter_map(|index| TileId::at(level, index, new)));
    }
    tiles
}

/// A [`NodeSource`] over tiles of a tree with `size` entries. `read` returns the
/// tile's bytes; when a partial tile is gone it may return the full one instead.
/// Tiles read once are kept, so use one value per proof or per batch of proofs.
pub struct TileNodes<F> {
    size: u64,
    read: F,
    kept: HashMap<TileId, Vec<u8>>,
}

impl<F> fmt::Debug for TileNodes<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TileNodes")
            .field("size", &self.size)
            .field("kept", &self.kept.len())
            .finish_non_exhaustive()
    }
}

impl<F> TileNodes<F> {
    /// Reads nodes of the tree with `size` entries through `read`.
    pub fn new(size: u64, read: F) -> Self {
        Self {
            size,
            read,
            kept: HashMap::new(),
        }
    }
}

impl<F, E> NodeSource for TileNodes<F>
where
    F: FnMut(TileId) -> Result<Vec<u8>, E>,
{
    type Error = TileError<E>;

    fn node(&mut self, id: NodeId) -> Result<Hash, Self::Error> {
        let (level, height) = (id.level / TILE_HEIGHT, id.level % TILE_HEIGHT);
        // The node covers `1 << height` neighbouring hashes of one tile.
        let count = 1usize << height;
        let missing = TileError::NotInTree(id);
        let Some(first) = id.index.checked_shl(height.into()) else {
            return Err(missing);
        };
        let Some(tile) = TileId::at(level, first / TILE_WIDTH, self.size) else {
            return Err(missing);
        };
        let start = (first % TILE_WIDTH) as usize;
        if start + count > usize::from(tile.width) {
            return Err(missing);
        }
        let bytes = match self.kept.entry(tile) {
            std::collections::hash_map::Entry::Occupied(kept) => kept.into_mut(),
            std::collections::hash_map::Entry::Vacant(free) => {
                free.insert((self.read)(tile).map_err(TileError::Read)?)
            }
        };
        let full = TILE_WIDTH as usize * 32;
        if bytes.len() != tile.byte_len() && bytes.len() != full {
            let (expected, got) = (tile.byte_len(), bytes.len());
            return Err(TileError::Length {
                path: tile.to_string(),
                expected,
                got,
            });
        }
        let mut joined = Frontier::new();
        for hash in bytes[start * 32..].as_chunks::<32>().0.iter().take(count) {
            joined.append_hash(*hash);
        }
        Ok(joined.root())
    }
}

/// Appends one entry to an entry bundle (the file at [`TileId::entries_path`]):
/// 16-bit big-endian length, then the bytes. `false` if it is over [`MAX_LEAF`].
#[must_use]
pub fn entry_bundle_push(bundle: &mut Vec<u8>, leaf: &[u8]) -> bool {
    let Ok(length) = u16::try_from(leaf.len()) else {
        return false;
    };
    bundle.extend_from_slice(&length.to_be_bytes());
    bundle.extend_from_slice(leaf);
    true
}

/// Splits an entry bundle into its entries; `None` if it is cut short.
#[must_use]
pub fn entry_bundle_split(mut bundle: &[u8]) -> Option<Vec<&[u8]>> {
    let mut entries = Vec::new();
    while !bundle.is_empty() {
        let (length, rest) = bundle.split_first_chunk::<2>()?;
        let (entry, rest) = rest.split_at_checked(u16::from_be_bytes(*length).into())?;
        entries.push(entry);
        bundle = rest;
    }
    Some(entries)
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests fail loudly")]
mod tests {
    use proptest::prelude::*;

    use super::super::merkle::tests::leaves;
    use super::super::merkle::{Hash, verify_consistency, verify_inclusion};
    use super::super::prove::{prove_consistency, prove_inclusion};
    use super::*;

    /// A little tile store, filled the way the sequencer fills the real one.
    #[derive(Default)]
    struct Store {
        frontier: Frontier,
        levels: HashMap<u8, Vec<Hash>>,
        tiles: HashMap<String, Vec<u8>>,
    }

    impl Store {
        fn grow(&mut self, all: &[Hash]) {
            let old = self.frontier.size();
            for leaf in all {
                let levels = &mut self.levels;
                self.frontier.append_observed(*leaf, |id, hash| {
                    if id.level % TILE_HEIGHT == 0 {
                        levels
                            .entry(id.level / TILE_HEIGHT)
                            .or_default()
                            .push(*hash);
                    }
                });
            }
            for tile in new_tiles(old, self.frontier.size()) {
                let start = (tile.index * TILE_WIDTH) as usize;
                let hashes = &self.levels[&tile.level][start..start + usize::from(tile.width)];
                self.tiles.insert(tile.to_string(), hashes.concat());
            }
        }

        fn nodes(&self) -> TileNodes<impl FnMut(TileId) -> Result<Vec<u8>, String>> {
            TileNodes::new(self.frontier.size(), |tile: TileId| {
                self.tiles
                    .get(&tile.to_string())
                    .cloned()
                    .ok_or_else(|| tile.to_string())
            })
        }
    }

    #[test]
    fn paths_are_spelled_as_the_standard_spells_them() {
        let tile = |level, index, width| {
            TileId {
                level,
                index,
                width,
            }
            .to_string()
        };
        assert_eq!(tile(0, 1_234_067, 256), "tile/0/x001/x234/067");
        assert_eq!(tile(0, 0, 256), "tile/0/000");
        assert_eq!(tile(2, 999, 1), "tile/2/999.p/1");
        assert_eq!(tile(1, 1000, 255), "tile/1/x001/000.p/255");
        assert_eq!(
            TileId {
                level: 0,
                index: 273,
                width: 112
            }
            .entries_path(),
            "tile/entries/273.p/112"
        );
    }

    #[test]
    fn other_spellings_of_a_path_are_refused() {
        for bad in [
            "tile/0/1",
            "tile/00/001",
            "tile/0/001/x002",
            "tile/0/x000/001",
            "tile/0/001.p/256",
            "tile/0/001.p/0",
            "tile/0/001.p/08",
            "tile/64/001",
            "tile/0/",
            "/tile/0/001",
            "tile/0/001/",
            "tile/0/+01",
            "tile/0/x018/x446/x744/x073/x709/x552/x000",
        ] {
            assert!(bad.parse::<TileId>().is_err(), "{bad}");
        }
    }

    #[test]
    fn a_tree_of_70000_has_the_tiles_the_standard_counts() {
        let tiles = new_tiles(0, 70_000);
        let count = |level, partial| {
            let wanted = |t: &&TileId| t.level == level && t.is_partial() == partial;
            tiles.iter().filter(wanted).count()
        };
        assert_eq!((count(0, false), count(0, true)), (273, 1));
        assert_eq!((count(1, false), count(1, true)), (1, 1));
        assert_eq!((count(2, false), count(2, true)), (0, 1));
        assert_eq!(TileId::at(0, 273, 70_000).unwrap().width, 112);
        assert_eq!(TileId::at(1, 1, 70_000).unwrap().width, 17);
        assert_eq!(TileId::at(2, 0, 70_000).unwrap().width, 1);
        assert_eq!(TileId::at(0, 274, 70_000), None);
        let of_256: Vec<String> = new_tiles(0, 256).iter().map(ToString::to_string).collect();
        assert_eq!(of_256, ["tile/0/000", "tile/1/000.p/1"]);
        assert_eq!(new_tiles(256, 256), []);
    }

    #[test]
    fn proofs_from_tiles_verify_while_the_log_grows_in_uneven_steps() {
        let all = leaves(66_000);
        let mut store = Store::default();
        let mut heads = vec![(0, store.frontier.root())];
        let mut from = 0;
        for step in [1, 254, 1, 1, 300, 443, 64_536, 464] {
            store.grow(&all[from..from + step]);
            from += step;
            heads.push((from as u64, store.frontier.root()));
        }
        let (size, root) = *heads.last().unwrap();
        assert_eq!(size, 66_000);
        let mut nodes = store.nodes();
        for (old, old_root) in &heads {
            let proof = prove_consistency(&mut nodes, *old, size).unwrap();
            assert!(
                verify_consistency(*old, size, old_root, &root, &proof),
                "{old}"
            );
        }
        for index in (0..size)
            .step_by(997)
            .chain([255, 256, 65_535, 65_536, size - 1])
        {
            let proof = prove_inclusion(&mut nodes, index, size).unwrap();
            assert!(verify_inclusion(
                index,
                size,
                &all[index as usize],
                &proof,
                &root
            ));
        }
        // 259 level-0 tiles exist; the rest of the tree is never read.
        assert!(nodes.kept.len() < 265, "{}", nodes.kept.len());
    }

    #[test]
    fn a_missing_or_short_tile_is_an_error_and_a_full_one_stands_in() {
        let all = leaves(300);
        let mut store = Store::default();
        store.grow(&all[..200]);
        let early = store.frontier.clone();
        store.grow(&all[200..]);
        store.tiles.remove("tile/0/000.p/200");
        let mut nodes = TileNodes::new(200, |tile: TileId| {
            let full = format!("tile/{}/{:03}", tile.level, tile.index);
            store.tiles.get(&full).cloned().ok_or(full)
        });
        let proof = prove_inclusion(&mut nodes, 7, 200).unwrap();
        assert!(verify_inclusion(7, 200, &all[7], &proof, &early.root()));

        let mut missing = TileNodes::new(200, |_| Err("gone"));
        assert!(prove_inclusion(&mut missing, 7, 200).is_err());
        let mut short = TileNodes::new(200, |_| Ok::<_, ()>(vec![0; 31]));
        assert!(prove_inclusion(&mut short, 7, 200).is_err());
        let mut outside = TileNodes::new(200, |_| Ok::<_, ()>(vec![0; 6400]));
        let beyond = NodeId {
            level: 3,
            index: 25,
        };
        assert_eq!(outside.node(beyond), Err(TileError::NotInTree(beyond)));
    }

    #[test]
    fn entry_bundles_read_back_and_cut_ones_do_not() {
        let mut bundle = Vec::new();
        assert!(entry_bundle_push(&mut bundle, b"one"));
        assert!(entry_bundle_push(&mut bundle, b""));
        assert!(entry_bundle_push(&mut bundle, &[7; MAX_LEAF]));
        assert!(!entry_bundle_push(&mut bundle, &[7; MAX_LEAF + 1]));
        let entries = entry_bundle_split(&bundle).unwrap();
        assert_eq!(entries, [&b"one"[..], b"", &[7; MAX_LEAF]]);
        assert_eq!(entry_bundle_split(&bundle[..bundle.len() - 1]), None);
        assert_eq!(entry_bundle_split(&bundle[..1]), None);
    }

    proptest! {
        #[test]
        fn every_path_reads_back(level in 0u8..8, index in any::<u64>(), width in 1u16..=256) {
            let tile = TileId { level, index, width };
            prop_assert_eq!(tile.to_string().parse::<TileId>().unwrap(), tile);
        }

        #[test]
        fn growing_in_two_steps_touches_every_tile_of_growing_at_once(a in 0u64..200_000, b in 0u64..200_000) {
            let (small, large) = (a.min(b), a.max(b));
            let mut paths: Vec<_> = new_tiles(0, small).into_iter().filter(|t| !t.is_partial()).collect();
            paths.extend(new_tiles(small, large));
            // A partial tile that did not change is still needed at the end.
            paths.extend(new_tiles(0, small).into_iter().filter(|t| TileId::at(t.level, t.index, large) == Some(*t)));
            paths.sort();
            paths.dedup();
            let mut whole = new_tiles(0, large);
            whole.sort();
            prop_assert_eq!(paths, whole);
        }
    }
}
