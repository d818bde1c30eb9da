//! Checking a whole stored log, entry by entry, against published checkpoints.
//!
//! Entries stream through in order and nothing is kept but the tree's edge, so
//! a log of any length is checked in constant memory.

use super::checkpoint::Checkpoint;
use super::merkle::{Frontier, Hash, leaf_hash};

/// A running check. Feed every entry from 0 on, then call [`LogCheck::finish`].
#[derive(Debug, Clone)]
pub struct LogCheck {
    frontier: Frontier,
    heads: Vec<Checkpoint>,
    next: usize,
}

/// Where the stored log stops being the published one.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LogFault {
    /// An index is missing or repeated.
    #[error("expected entry {expected}, found entry {found}")]
    Gap {
        /// The index that should come next.
        expected: u64,
        /// The index that came.
        found: u64,
    },
    /// The entry's bytes are not those that were hashed when it was written.
    #[error("entry {index} was changed: its bytes do not match its stored hash")]
    Changed {
        /// The first such entry.
        index: u64,
    },
    /// The entries so far are not what was signed at this size.
    #[error("entries {from}..{size} are not those signed in the checkpoint of {size} entries")]
    Root {
        /// Size of the last checkpoint that still matched.
        from: u64,
        /// Size of the first checkpoint that does not.
        size: u64,
    },
    /// A signed checkpoint covers more entries than the log holds.
    #[error("{signed} entries were signed, the log holds only {held}")]
    Truncated {
        /// Entries the largest checkpoint covers.
        signed: u64,
        /// Entries found.
        held: u64,
    },
}

impl LogCheck {
    /// A check against `heads`, which the caller opened with the trusted key.
    #[must_use]
    pub fn new(mut heads: Vec<Checkpoint>) -> Self {
        heads.sort_by_key(|head| head.size);
        Self {
            frontier: Frontier::new(),
            heads,
            next: 0,
        }
    }

    /// Takes the entry at `index`. `stored` is the leaf hash kept beside it, if
    /// any; with it the fault names the exact entry, without it only the range
    /// between two checkpoints.
    pub fn entry(
        &mut self,
        index: u64,
        leaf: &[u8],
        stored: Option<&Hash>,
    ) -> Result<(), LogFault> {
        let expected = self.frontier.size();
        if index != expected {
            return Err(LogFault::Gap {
                expected,
                found: index,
            });
        }
        self.check_heads()?;
        let hash = leaf_hash(leaf);
        if stored.is_some_and(|stored| *stored != hash) {
            return Err(LogFault::Changed { index });
        }
        self.frontier.append_hash(hash);
        Ok(())
    }

    /// Ends the check. Returns the tree's edge, whose size may be beyond the
    /// last checkpoint by entries not yet sealed.
    pub fn finish(mut self) -> Result<Frontier, LogFault> {
        self.check_heads()?;
        match self.heads.last() {
            Some(last) if self.next < self.heads.len() => Err(LogFault::Truncated {
                signed: last.size,
                held: self.frontier.size(),
            }),
            _ => Ok(self.frontier),
        }
    }

    fn check_heads(&mut self) -> Result<(), LogFault> {
        while let Some(head) = self.heads.get(self.next) {
            if head.size != self.frontier.size() {
                break;
            }
            if head.root != self.frontier.root() {
                let from = self.next.checked_sub(1).map_or(0, |i| self.heads[i].size);
                return Err(LogFault::Root {
                    from,
                    size: head.size,
                });
            }
            self.next += 1;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entries(count: usize) -> Vec<Vec<u8>> {
        (0..count)
            .map(|i| format!("entry {i}").into_bytes())
            .collect()
    }

    fn heads(all: &[Vec<u8>], sizes: &[usize]) -> Vec<Checkpoint> {
        let head = |size: &usize| {
            let mut tree = Frontier::new();
            all[..*size].iter().for_each(|leaf| tree.append(leaf));
            Checkpoint {
                origin: "log".into(),
                size: tree.size(),
                root: tree.root(),
            }
        };
        sizes.iter().map(head).collect()
    }

    fn check(all: &[Vec<u8>], hashes: &[Hash], heads: Vec<Checkpoint>) -> Result<u64, LogFault> {
        let mut check = LogCheck::new(heads);
        for (i, leaf) in all.iter().enumerate() {
            check.entry(i as u64, leaf, hashes.get(i))?;
        }
        check.finish().map(|tree| tree.size())
    }

    #[test]
    fn an_untouched_log_passes_with_unsealed_entries_at_the_end() {
        let all = entries(50);
        assert_eq!(check(&all, &[], heads(&all, &[40, 0, 7, 40])), Ok(50));
        assert_eq!(check(&all, &[], heads(&all, &[50])), Ok(50));
    }

    #[test]
    fn a_changed_entry_is_named_or_narrowed_down() {
        let all = entries(50);
        let hashes: Vec<Hash> = all.iter().map(|leaf| leaf_hash(leaf)).collect();
        let mut bad = all.clone();
        bad[23][2] ^= 1;
        assert_eq!(
            check(&bad, &hashes, heads(&all, &[20, 40])),
            Err(LogFault::Changed { index: 23 })
        );
        // Whoever changes the stored hash as well meets the checkpoint.
        assert_eq!(
            check(&bad, &[], heads(&all, &[20, 40])),
            Err(LogFault::Root { from: 20, size: 40 })
        );
    }

    #[test]
    fn cut_and_gapped_logs_are_noticed() {
        let all = entries(50);
        assert_eq!(
            check(&all[..40], &[], heads(&all, &[20, 50])),
            Err(LogFault::Truncated {
                signed: 50,
                held: 40
            })
        );
        let mut gap = LogCheck::new(Vec::new());
        assert_eq!(
            gap.entry(1, b"x", None),
            Err(LogFault::Gap {
                expected: 0,
                found: 1
            })
        );
    }
}
