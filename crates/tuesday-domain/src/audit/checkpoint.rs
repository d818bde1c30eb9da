//! A checkpoint says: this log, this many entries, this root. And the rule that
//! keeps the log honest: never sign one that contradicts an earlier one.

use super::merkle::{Hash, empty_root, verify_consistency};
use super::note::{Note, NoteError, NoteSigner, VerifierKey};
use super::{hash_from_base64, strict_decimal, to_base64};

/// The head of a log at one size.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checkpoint {
    /// Names the log; equals the signing key's name.
    pub origin: String,
    /// Entries in the tree.
    pub size: u64,
    /// Root hash of the tree.
    pub root: Hash,
}

/// Why a text is not a checkpoint of the wanted log.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CheckpointError {
    /// The note around it is malformed or not signed by the log's key.
    #[error(transparent)]
    Note(#[from] NoteError),
    /// The body is not exactly origin, size and root.
    #[error("malformed checkpoint: {0}")]
    Malformed(&'static str),
    /// The checkpoint names another log than the key does.
    #[error("checkpoint of {found:?}, expected {expected:?}")]
    Origin {
        /// The key's name.
        expected: String,
        /// The origin line.
        found: String,
    },
}

/// Why a checkpoint must not be signed. Each is an incident: somebody restored
/// an old database, or changed history.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// The two checkpoints belong to different logs.
    #[error("the published checkpoint belongs to {published:?}, the new one to {new:?}")]
    OtherLog {
        /// Origin published before.
        published: String,
        /// Origin to be signed.
        new: String,
    },
    /// The log has become shorter than what was published.
    #[error("the log holds {new} entries but {published} were published")]
    Smaller {
        /// Entries published before.
        published: u64,
        /// Entries now.
        new: u64,
    },
    /// The proof does not show that the published log is a prefix of the new one.
    #[error("the log of {new} entries does not continue the published {published} entries")]
    Inconsistent {
        /// Entries published before.
        published: u64,
        /// Entries now.
        new: u64,
    },
}

impl Checkpoint {
    /// The three lines that are signed. No extension lines: nobody audits them.
    #[must_use]
    pub fn body(&self) -> String {
        format!(
            "{}\n{}\n{}\n",
            self.origin,
            self.size,
            to_base64(&self.root)
        )
    }

    /// Parses a body of exactly three lines.
    pub fn parse_body(body: &str) -> Result<Self, CheckpointError> {
        let malformed = CheckpointError::Malformed;
        let lines = body
            .strip_suffix('\n')
            .ok_or(malformed("no final newline"))?;
        let lines: Vec<&str> = lines.split('\n').collect();
        let [origin, size, root] = lines[..] else {
            return Err(malformed("expected three lines"));
        };
        if origin.is_empty() {
            return Err(malformed("empty origin"));
        }
        let size = strict_decimal(size).ok_or(malformed("size is not a plain number"))?;
        let root = hash_from_base64(root).ok_or(malformed("root is not a base64 hash"))?;
        if size == 0 && root != empty_root() {
            return Err(malformed("an empty log has the empty root"));
        }
        Ok(Self {
            origin: origin.to_owned(),
            size,
            root,
        })
    }

    /// Signs the checkpoint into a note; the key's name must be the origin.
    /// Ask [`may_sign`] first.
    pub fn sign(&self, signer: &NoteSigner) -> Result<Note, CheckpointError> {
        self.check_origin(signer.verifier())?;
        // A body that would not parse again must never carry a signature.
        Self::parse_body(&self.body())?;
        Ok(signer.sign(&self.body())?)
    }

    /// Opens a signed checkpoint: form, signature by `key` and origin.
    pub fn open(note: &str, key: &VerifierKey) -> Result<Self, CheckpointError> {
        let note = Note::parse(note)?;
        let checkpoint = Self::parse_body(note.verified_text(key)?)?;
        checkpoint.check_origin(key)?;
        Ok(checkpoint)
    }

    fn check_origin(&self, key: &VerifierKey) -> Result<(), CheckpointError> {
        if self.origin == key.name() {
            return Ok(());
        }
        let (expected, found) = (key.name().to_owned(), self.origin.clone());
        Err(CheckpointError::Origin { expected, found })
    }
}

/// Whether a log that published `last_published` may sign `new`. `consistency`
/// is the proof between the two, made from the stored tree. Keep the published
/// checkpoint outside the database, or a restored database passes this test.
pub fn may_sign(
    last_published: &Checkpoint,
    new: &Checkpoint,
    consistency: &[Hash],
) -> Result<(), Refusal> {
    if last_published.origin != new.origin {
        let (published, new) = (last_published.origin.clone(), new.origin.clone());
        return Err(Refusal::OtherLog { published, new });
    }
    let (published, size) = (last_published.size, new.size);
    if size < published {
        return Err(Refusal::Smaller {
            published,
            new: size,
        });
    }
    if !verify_consistency(
        published,
        size,
        &last_published.root,
        &new.root,
        consistency,
    ) {
        return Err(Refusal::Inconsistent {
            published,
            new: size,
        });
    }
    Ok(())
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests fail loudly")]
mod tests {
    use std::convert::Infallible;

    use super::super::merkle::tests::{leaves, naive_root};
    use super::super::merkle::{Hash, NodeId};
    use super::super::prove::prove_consistency;
    use super::*;

    fn head(all: &[Hash]) -> Checkpoint {
        Checkpoint {
            origin: "log".into(),
            size: all.len() as u64,
            root: naive_root(all),
        }
    }

    fn proof(all: &[Hash], old: u64) -> Vec<Hash> {
        let mut source = |id: NodeId| {
            let from = (id.index << id.level) as usize;
            Ok::<_, Infallible>(naive_root(&all[from..from + (1 << id.level)]))
        };
        prove_consistency(&mut source, old, all.len() as u64).unwrap()
    }

    #[test]
    fn the_body_has_three_lines_and_reads_back() {
        let checkpoint = head(&leaves(5));
        assert_eq!(checkpoint.body().lines().count(), 3);
        assert_eq!(
            Checkpoint::parse_body(&checkpoint.body()).unwrap(),
            checkpoint
        );
    }

    #[test]
    fn loose_bodies_are_refused() {
        let root = to_base64(&[3; 32]);
        for bad in [
            format!("log\n5\n{root}"),
            format!("log\n5\n{root}\nextension\n"),
            format!("log\n5\n{root}\n\n"),
            format!("\n5\n{root}\n"),
            format!("log\n05\n{root}\n"),
            format!("log\n+5\n{root}\n"),
            format!("log\n-5\n{root}\n"),
            format!("log\n\n{root}\n"),
            format!("log\n18446744073709551616\n{root}\n"),
            format!("log\n0\n{root}\n"),
            format!("log\n5\n{}\n", &root[..40]),
            format!("log\n5\n{}\n", root.trim_end_matches('=')),
            "log\n5\n".to_owned(),
        ] {
            assert!(Checkpoint::parse_body(&bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn opening_needs_the_right_key_and_the_right_origin() {
        let ours = NoteSigner::from_seed("log", &[1; 32]).unwrap();
        let theirs = NoteSigner::from_seed("log", &[2; 32]).unwrap();
        let renamed = NoteSigner::from_seed("other", &[1; 32]).unwrap();
        let checkpoint = head(&leaves(5));
        let note = checkpoint.sign(&ours).unwrap().to_string();
        assert_eq!(
            Checkpoint::open(&note, ours.verifier()).unwrap(),
            checkpoint
        );
        assert!(Checkpoint::open(&note, theirs.verifier()).is_err());
        assert!(matches!(
            checkpoint.sign(&renamed),
            Err(CheckpointError::Origin { .. })
        ));
        let foreign = renamed.sign(&checkpoint.body()).unwrap().to_string();
        assert!(matches!(
            Checkpoint::open(&foreign, renamed.verifier()),
            Err(CheckpointError::Origin { .. })
        ));
    }

    #[test]
    fn a_growing_log_may_sign_and_any_other_may_not() {
        let all = leaves(40);
        for old in 0..=40 {
            let published = head(&all[..old]);
            assert_eq!(
                may_sign(&published, &head(&all), &proof(&all, old as u64)),
                Ok(())
            );
        }
        let published = head(&all[..30]);
        assert_eq!(
            may_sign(&published, &head(&all[..29]), &[]),
            Err(Refusal::Smaller {
                published: 30,
                new: 29
            })
        );
        let mut rewritten = all.clone();
        rewritten[12] = [0; 32];
        assert_eq!(
            may_sign(&published, &head(&rewritten), &proof(&rewritten, 30)),
            Err(Refusal::Inconsistent {
                published: 30,
                new: 40
            })
        );
        assert_eq!(
            may_sign(&published, &head(&rewritten[..30]), &[]),
            Err(Refusal::Inconsistent {
                published: 30,
                new: 30
            })
        );
        let mut foreign = head(&all);
        foreign.origin = "else".into();
        assert!(matches!(
            may_sign(&published, &foreign, &[]),
            Err(Refusal::OtherLog { .. })
        ));
    }
}
