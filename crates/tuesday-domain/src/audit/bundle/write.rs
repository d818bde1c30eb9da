//! Writing a bundle line by line, so that an export of any size streams.

use std::io::Write;

use serde::Serialize;
use sha2::{Digest as _, Sha256};

use super::super::commit::{Commitment, Salt};
use super::super::merkle::Hash;
use super::super::note::{NoteError, NoteSigner};
use super::super::to_base64;
use super::{BundleHeader, End, Erased, seal_text};

/// Writes the lines of a bundle in their one allowed order.
pub struct BundleWriter<W> {
    out: W,
    origin: String,
    digest: Sha256,
    line: Vec<u8>,
    stage: Stage,
    next_index: u64,
    entries: u64,
    payloads: u64,
}

/// How far the bundle has come; stages only go forward.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Stage {
    Header,
    Checkpoints,
    Entries,
    Payloads,
}

/// Why a line was not written. The file is then unfinished and fails to verify.
#[derive(Debug, thiserror::Error)]
pub enum BundleWriteError {
    /// Writing failed.
    #[error("the bundle cannot be written")]
    Write(#[from] std::io::Error),
    /// A value has no JSON form.
    #[error("the bundle line cannot be encoded")]
    Encode(#[from] serde_json::Error),
    /// Lines were offered in the wrong order.
    #[error("bundle lines out of order: {0}")]
    Order(&'static str),
    /// Nothing matched; a bundle without entries proves nothing.
    #[error("no entries to export")]
    Empty,
    /// The seal could not be signed, or the signer is another log's.
    #[error("the bundle cannot be sealed")]
    Seal(#[from] NoteError),
}

/// Helps a reader find a payload. Labels are not proven; the entries are.
#[derive(Debug, Clone, Copy, Default, Serialize)]
pub struct PayloadLabel<'a> {
    /// What the payload is, such as `prompt` or `output`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kind: Option<&'a str>,
    /// The run it belongs to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub run: Option<&'a str>,
}

#[derive(Serialize)]
struct CheckpointLine<'a> {
    checkpoint: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    consistency: Option<Vec<String>>,
}

#[derive(Serialize)]
struct EntryLine {
    index: u64,
    leaf: String,
    proof: Vec<String>,
}

#[derive(Serialize)]
struct OpenLine<'a> {
    commitment: Commitment,
    salt: String,
    content: String,
    #[serde(flatten)]
    label: PayloadLabel<'a>,
}

#[derive(Serialize)]
struct ErasedLine<'a> {
    commitment: Commitment,
    erased: &'a Erased,
    #[serde(flatten)]
    label: PayloadLabel<'a>,
}

#[derive(Serialize)]
struct EndLine {
    end: End,
}

impl<W> std::fmt::Debug for BundleWriter<W> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("BundleWriter")
            .field("origin", &self.origin)
            .field("entries", &self.entries)
            .field("payloads", &self.payloads)
            .finish_non_exhaustive()
    }
}

impl<W: Write> BundleWriter<W> {
    /// Starts a bundle with its header. Give a buffered `out`.
    pub fn new(out: W, header: &BundleHeader) -> Result<Self, BundleWriteError> {
        let mut writer = Self {
            out,
            origin: header.origin.clone(),
            digest: Sha256::new(),
            line: Vec::new(),
            stage: Stage::Header,
            next_index: 0,
            entries: 0,
            payloads: 0,
        };
        writer.put(header)?;
        Ok(writer)
    }

    /// The newest checkpoint, as the signed note. Every proof leads to this one.
    pub fn newest_checkpoint(&mut self, note: &str) -> Result<(), BundleWriteError> {
        if self.stage != Stage::Header {
            return Err(BundleWriteError::Order(
                "the newest checkpoint follows the header",
            ));
        }
        self.stage = Stage::Checkpoints;
        self.put(&CheckpointLine {
            checkpoint: note,
            consistency: None,
        })
    }

    /// An older published checkpoint and the proof that the newest continues it.
    pub fn older_checkpoint(
        &mut self,
        note: &str,
        consistency: &[Hash],
    ) -> Result<(), BundleWriteError> {
        if self.stage != Stage::Checkpoints {
            return Err(BundleWriteError::Order(
                "older checkpoints follow the newest",
            ));
        }
        let consistency = Some(base64_all(consistency));
        self.put(&CheckpointLine {
            checkpoint: note,
            consistency,
        })
    }

    /// One entry: its place, exact bytes and inclusion proof in the newest
    /// checkpoint. Indices ascend.
    pub fn entry(
        &mut self,
        index: u64,
        leaf: &[u8],
        proof: &[Hash],
    ) -> Result<(), BundleWriteError> {
        if !matches!(self.stage, Stage::Checkpoints | Stage::Entries) {
            return Err(BundleWriteError::Order("entries follow the checkpoints"));
        }
        if index < self.next_index {
            return Err(BundleWriteError::Order("entries ascend by index"));
        }
        self.stage = Stage::Entries;
        self.next_index = index.saturating_add(1);
        self.entries += 1;
        let (leaf, proof) = (to_base64(leaf), base64_all(proof));
        self.put(&EntryLine { index, leaf, proof })
    }

    /// A payload that some entry above mentions by its commitment.
    pub fn payload(
        &mut self,
        commitment: Commitment,
        salt: &Salt,
        content: &[u8],
        label: PayloadLabel<'_>,
    ) -> Result<(), BundleWriteError> {
        self.enter_payloads()?;
        let (salt, content) = (to_base64(salt), to_base64(content));
        self.put(&OpenLine {
            commitment,
            salt,
            content,
            label,
        })
    }

    /// A payload that was erased.
    pub fn erased(
        &mut self,
        commitment: Commitment,
        erased: &Erased,
        label: PayloadLabel<'_>,
    ) -> Result<(), BundleWriteError> {
        self.enter_payloads()?;
        self.put(&ErasedLine {
            commitment,
            erased,
            label,
        })
    }

    /// Ends the bundle and gives back `out`, flushed. With the log's signer the
    /// bundle is sealed; without, a reader is told that entries may be missing.
    pub fn finish(mut self, signer: Option<&NoteSigner>) -> Result<W, BundleWriteError> {
        if self.entries == 0 {
            return Err(BundleWriteError::Empty);
        }
        let digest: [u8; 32] = self.digest.clone().finalize().into();
        let mut end = End {
            entries: self.entries,
            payloads: self.payloads,
            sha256: hex::encode(digest),
            seal: None,
        };
        if let Some(signer) = signer {
            if signer.verifier().name() != self.origin {
                return Err(NoteError::KeyName(signer.verifier().name().to_owned()).into());
            }
            end.seal = Some(signer.sign(&seal_text(&self.origin, &end))?.to_string());
        }
        self.put(&EndLine { end })?;
        self.out.flush()?;
        Ok(self.out)
    }

    fn enter_payloads(&mut self) -> Result<(), BundleWriteError> {
        if !matches!(self.stage, Stage::Entries | Stage::Payloads) {
            return Err(BundleWriteError::Order("payloads follow the entries"));
        }
        self.stage = Stage::Payloads;
        self.payloads += 1;
        Ok(())
    }

    fn put<T: Serialize>(&mut self, value: &T) -> Result<(), BundleWriteError> {
        self.line.clear();
        serde_json::to_writer(&mut self.line, value)?;
        self.line.push(b'\n');
        self.digest.update(&self.line);
        self.out.write_all(&self.line)?;
        Ok(())
    }
}

fn base64_all(hashes: &[Hash]) -> Vec<String> {
    hashes.iter().map(|hash| to_base64(hash)).collect()
}
