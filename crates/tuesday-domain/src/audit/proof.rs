//! One entry's proof as a small text file (`.tlog-proof`), as C2SP `tlog-proof`
//! says: place, sibling hashes and the signed checkpoint, checkable offline.

use std::{fmt, str::FromStr};

use super::checkpoint::{Checkpoint, CheckpointError};
use super::merkle::{Hash, leaf_hash, verify_inclusion};
use super::note::VerifierKey;
use super::{from_base64, hash_from_base64, strict_decimal, to_base64};

const FIRST_LINE: &str = "c2sp.org/tlog-proof@v1";

/// A proof that one entry is in the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TlogProof {
    /// Free data next to the proof. Not covered by it: never trust it.
    pub extra: Option<Vec<u8>>,
    /// The entry's place in the log, starting at 0.
    pub index: u64,
    /// Sibling hashes from the leaf upwards.
    pub hashes: Vec<Hash>,
    /// The signed checkpoint, exactly as published.
    pub checkpoint: String,
}

/// Why a proof does not hold.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ProofError {
    /// Not in the form of a `tlog-proof`; the text says what is wrong.
    #[error("malformed proof: {0}")]
    Malformed(&'static str),
    /// The checkpoint inside is not one of the trusted log.
    #[error(transparent)]
    Checkpoint(#[from] CheckpointError),
    /// The entry with this index does not lead to the checkpoint's root.
    #[error("entry {0} is not what the checkpoint covers")]
    NotIncluded(u64),
}

impl TlogProof {
    /// Checks that `leaf` is the entry at this index in the log of `key`.
    /// Returns the checkpoint that vouches for it.
    pub fn verify(&self, leaf: &[u8], key: &VerifierKey) -> Result<Checkpoint, ProofError> {
        let head = Checkpoint::open(&self.checkpoint, key)?;
        let leaf = leaf_hash(leaf);
        if !verify_inclusion(self.index, head.size, &leaf, &self.hashes, &head.root) {
            return Err(ProofError::NotIncluded(self.index));
        }
        Ok(head)
    }
}

impl fmt::Display for TlogProof {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{FIRST_LINE}")?;
        if let Some(extra) = &self.extra {
            writeln!(f, "extra {}", to_base64(extra))?;
        }
        writeln!(f, "index {}", self.index)?;
        for hash in &self.hashes {
            writeln!(f, "{}", to_base64(hash))?;
        }
        write!(f, "\n{}", self.checkpoint)
    }
}

impl FromStr for TlogProof {
    type Err = ProofError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let malformed = ProofError::Malformed;
        let (head, checkpoint) = text
            .split_once("\n\n")
            .ok_or(malformed("no blank line before the checkpoint"))?;
        let mut lines = head.split('\n').peekable();
        if lines.next() != Some(FIRST_LINE) {
            return Err(malformed("unknown first line"));
        }
        let extra = lines
            .next_if(|line| line.starts_with("extra "))
            .map(|line| {
                from_base64(&line["extra ".len()..]).ok_or(malformed("extra is not base64"))
            })
            .transpose()?;
        let index = lines
            .next()
            .and_then(|line| line.strip_prefix("index "))
            .and_then(strict_decimal)
            .ok_or(malformed("no index line"))?;
        let hashes: Vec<Hash> = lines
            .map(|line| hash_from_base64(line).ok_or(malformed("not a base64 hash")))
            .collect::<Result<_, _>>()?;
        if hashes.len() > 64 {
            return Err(malformed("more hashes than any tree is high"));
        }
        Ok(Self {
            extra,
            index,
            hashes,
            checkpoint: checkpoint.to_owned(),
        })
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests fail loudly")]
mod tests {
    use std::convert::Infallible;

    use super::super::merkle::NodeId;
    use super::super::merkle::tests::naive_root;
    use super::super::note::NoteSigner;
    use super::super::prove::prove_inclusion;
    use super::*;

    fn proof(index: u64, count: u64) -> (TlogProof, NoteSigner) {
        let all: Vec<Hash> = (0..count)
            .map(|i| leaf_hash(format!("entry {i}").as_bytes()))
            .collect();
        let mut source = |id: NodeId| {
            let from = (id.index << id.level) as usize;
            Ok::<_, Infallible>(naive_root(&all[from..from + (1 << id.level)]))
        };
        let hashes = prove_inclusion(&mut source, index, count).unwrap();
        let signer = NoteSigner::from_seed("example.com/log", &[5; 32]).unwrap();
        let head = Checkpoint {
            origin: "example.com/log".into(),
            size: count,
            root: naive_root(&all),
        };
        let checkpoint = head.sign(&signer).unwrap().to_string();
        (
            TlogProof {
                extra: None,
                index,
                hashes,
                checkpoint,
            },
            signer,
        )
    }

    #[test]
    fn proofs_read_back_and_verify() {
        for (index, count) in [(0, 1), (0, 2), (6, 7), (3, 8), (70, 100)] {
            let (mut proof, signer) = proof(index, count);
            for extra in [None, Some(vec![]), Some(b"note".to_vec())] {
                proof.extra = extra;
                let again: TlogProof = proof.to_string().parse().unwrap();
                assert_eq!(again, proof);
                let leaf = format!("entry {index}");
                let head = again.verify(leaf.as_bytes(), signer.verifier()).unwrap();
                assert_eq!(head.size, count);
                assert_eq!(
                    again.verify(b"entry x", signer.verifier()),
                    Err(ProofError::NotIncluded(index))
                );
            }
        }
    }

    #[test]
    fn another_key_is_refused() {
        let (proof, _) = proof(3, 8);
        let other = NoteSigner::from_seed("example.com/log", &[6; 32]).unwrap();
        assert!(matches!(
            proof.verify(b"entry 3", other.verifier()),
            Err(ProofError::Checkpoint(_))
        ));
    }

    #[test]
    fn malformed_proofs_are_refused() {
        let good = proof(3, 8).0.to_string();
        assert!(good.parse::<TlogProof>().is_ok());
        for bad in [
            good.replace("@v1", "@v2"),
            good.replace("index 3", "index 03"),
            good.replace("index 3", "index"),
            good.replace("index 3\n", ""),
            good.replace("index 3", "extra !\nindex 3"),
            good.replace("index 3", "index 3\nextra AAAA"),
            good.replacen("=\n", "\n", 1),
            good.replace("\n\n", "\n"),
            String::new(),
        ] {
            assert!(bad.parse::<TlogProof>().is_err(), "{bad}");
        }
    }
}
