//! Reading a bundle as a stranger would: trust one key, check everything else.

use std::collections::HashSet;
use std::fmt;
use std::io::{BufRead, Read as _};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use serde::de::{Deserializer, Error as _, SeqAccess, Visitor};
use sha2::{Digest as _, Sha256};

use super::super::canonical::is_canonical;
use super::super::checkpoint::Checkpoint;
use super::super::commit::{Commitment, Salt, each_mentioned};
use super::super::merkle::{Hash, leaf_hash, verify_consistency, verify_inclusion};
use super::super::note::{Note, NoteError, VerifierKey};
use super::super::{from_base64, hash_from_base64};
use super::{BundleFault, BundleHeader, End, Erased, FORMAT, FaultKind, seal_text};

/// Longest line in bytes; a payload of 48 MiB still fits.
const MAX_LINE: u64 = 64 << 20;

/// What a bundle that holds proves.
#[derive(Debug, Clone, PartialEq)]
pub struct BundleReport {
    /// The header, of which only `origin` and `vkey` are proven.
    pub header: BundleHeader,
    /// The key everything was checked with.
    pub key: VerifierKey,
    /// Whether the caller brought that key. If not, the bundle vouches for itself.
    pub key_was_trusted: bool,
    /// The newest checkpoint.
    pub newest: Checkpoint,
    /// Older checkpoints shown to be prefixes of the newest.
    pub older_checkpoints: u64,
    /// Entries checked.
    pub entries: u64,
    /// Index of the first entry.
    pub first_index: u64,
    /// Index of the last entry.
    pub last_index: u64,
    /// Payloads that fit their commitments.
    pub payloads: u64,
    /// Payloads stated to be erased.
    pub erased: u64,
    /// Commitments that entries mention and the bundle does not open.
    pub unopened: u64,
    /// Whether the log's key signed the whole bundle. If not, lines may have
    /// been left out after the export.
    pub sealed: bool,
}

impl BundleReport {
    /// Whether the bundle holds every entry of the log up to the checkpoint.
    #[must_use]
    pub fn is_whole_log(&self) -> bool {
        self.entries == self.newest.size
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct CheckpointLine {
    checkpoint: String,
    consistency: Option<ProofHashes>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct EntryLine<'a> {
    index: u64,
    leaf: &'a str,
    proof: ProofHashes,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct PayloadLine<'a> {
    commitment: Commitment,
    salt: Option<&'a str>,
    content: Option<&'a str>,
    erased: Option<Erased>,
    #[serde(rename = "kind")]
    _kind: Option<String>,
    #[serde(rename = "run")]
    _run: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct EndLine {
    end: End,
}

/// Checks a whole bundle. With `trusted`, a bundle by any other log is refused
/// as [`FaultKind::OtherInstance`]; without, the key named in the header is used
/// and the report says so.
pub fn verify_bundle(
    reader: impl BufRead,
    trusted: Option<&VerifierKey>,
) -> Result<BundleReport, BundleFault> {
    let mut lines = Lines {
        reader,
        number: 0,
        buffer: Vec::new(),
    };
    let mut index = None;
    check(&mut lines, trusted, &mut index).map_err(|kind| BundleFault {
        line: lines.number,
        index,
        kind,
    })
}

fn check(
    lines: &mut Lines<impl BufRead>,
    trusted: Option<&VerifierKey>,
    index: &mut Option<u64>,
) -> Result<BundleReport, FaultKind> {
    if !lines.next()? {
        return Err(FaultKind::CutOff);
    }
    let mut digest = Sha256::new();
    let (header, key) = read_header(&lines.buffer, trusted)?;
    let mut check = Check::new(header, key, trusted.is_some());
    loop {
        digest.update(&lines.buffer);
        if !lines.next()? {
            return Err(FaultKind::CutOff);
        }
        let line = lines.buffer.as_slice();
        *index = None;
        // The first member tells the kind, so the rest can be parsed strictly.
        if line.starts_with(b"{\"index\":") {
            check.entry(line, index)?;
        } else if line.starts_with(b"{\"commitment\":") {
            check.payload(line)?;
        } else if line.starts_with(b"{\"checkpoint\":") {
            check.checkpoint(line)?;
        } else if line.starts_with(b"{\"end\":") {
            let report = check.end(line, digest.finalize().into())?;
            if lines.next()? {
                return Err(FaultKind::Order("nothing follows the end line"));
            }
            return Ok(report);
        } else {
            return Err(FaultKind::Malformed("unknown kind of line".to_owned()));
        }
    }
}

/// Reads lines of bounded length into one buffer, counting them.
struct Lines<R> {
    reader: R,
    number: u64,
    buffer: Vec<u8>,
}

impl<R: BufRead> Lines<R> {
    /// Reads the next line with its newline; `false` at the end of the file.
    fn next(&mut self) -> Result<bool, FaultKind> {
        self.buffer.clear();
        self.number += 1;
        let read = (&mut self.reader)
            .take(MAX_LINE)
            .read_until(b'\n', &mut self.buffer)?;
        match self.buffer.last() {
            None => Ok(false),
            Some(b'\n') => Ok(true),
            Some(_) if read as u64 == MAX_LINE => {
                Err(FaultKind::Malformed("line too long".to_owned()))
            }
            Some(_) => Err(FaultKind::CutOff),
        }
    }
}

fn parse<'a, T: Deserialize<'a>>(line: &'a [u8]) -> Result<T, FaultKind> {
    serde_json::from_slice(line).map_err(|error| FaultKind::Malformed(error.to_string()))
}

fn read_header(
    line: &[u8],
    trusted: Option<&VerifierKey>,
) -> Result<(BundleHeader, VerifierKey), FaultKind> {
    let header: BundleHeader = parse(line)?;
    if header.format != FORMAT {
        let format = &header.format;
        return Err(FaultKind::Malformed(format!("unknown format {format:?}")));
    }
    if let Some(trusted) = trusted
        && (header.vkey != trusted.to_string() || header.origin != trusted.name())
    {
        let (trusted, found) = (trusted.to_string(), header.vkey);
        return Err(FaultKind::OtherInstance { trusted, found });
    }
    let malformed = |error: NoteError| FaultKind::Malformed(error.to_string());
    let key: VerifierKey = header.vkey.parse().map_err(malformed)?;
    if header.origin != key.name() {
        return Err(FaultKind::Malformed(
            "origin is not the key's name".to_owned(),
        ));
    }
    Ok((header, key))
}

/// The state between two lines.
struct Check {
    header: BundleHeader,
    key: VerifierKey,
    key_was_trusted: bool,
    newest: Option<Checkpoint>,
    older: u64,
    entries: u64,
    first_index: u64,
    last_index: u64,
    mentioned: HashSet<[u8; 32]>,
    opened: HashSet<[u8; 32]>,
    payloads: u64,
    erased: u64,
    leaf: Vec<u8>,
}

impl Check {
    fn new(header: BundleHeader, key: VerifierKey, key_was_trusted: bool) -> Self {
        Self {
            header,
            key,
            key_was_trusted,
            newest: None,
            older: 0,
            entries: 0,
            first_index: 0,
            last_index: 0,
            mentioned: HashSet::new(),
            opened: HashSet::new(),
            payloads: 0,
            erased: 0,
            leaf: Vec::new(),
        }
    }

    fn checkpoint(&mut self, line: &[u8]) -> Result<(), FaultKind> {
        if self.entries > 0 {
            return Err(FaultKind::Order("checkpoints come before the entries"));
        }
        let line: CheckpointLine = parse(line)?;
        let head = Checkpoint::open(&line.checkpoint, &self.key)?;
        match (&self.newest, line.consistency) {
            (None, None) => self.newest = Some(head),
            (Some(newest), Some(proof)) => {
                let (old, new) = (head.size, newest.size);
                let holds =
                    verify_consistency(old, new, &head.root, &newest.root, proof.as_slice());
                if !holds {
                    return Err(FaultKind::Inconsistent { old, new });
                }
                self.older += 1;
            }
            (None, Some(_)) => return Err(FaultKind::Order("the newest checkpoint comes first")),
            (Some(_), None) => {
                return Err(FaultKind::Order(
                    "an older checkpoint needs its consistency proof",
                ));
            }
        }
        Ok(())
    }

    fn entry(&mut self, line: &[u8], index: &mut Option<u64>) -> Result<(), FaultKind> {
        let line: EntryLine<'_> = parse(line)?;
        *index = Some(line.index);
        let Some(head) = &self.newest else {
            return Err(FaultKind::Order("entries come after the checkpoint"));
        };
        if self.payloads + self.erased > 0 {
            return Err(FaultKind::Order("entries come before the payloads"));
        }
        if self.entries > 0 && line.index <= self.last_index {
            return Err(FaultKind::Order("entries ascend by index"));
        }
        self.leaf.clear();
        STANDARD
            .decode_vec(line.leaf, &mut self.leaf)
            .map_err(|_| FaultKind::Malformed("leaf is not base64".to_owned()))?;
        let (hash, proof) = (leaf_hash(&self.leaf), line.proof.as_slice());
        if !verify_inclusion(line.index, head.size, &hash, proof, &head.root) {
            return Err(FaultKind::NotIncluded);
        }
        if !is_canonical(&self.leaf) {
            return Err(FaultKind::NotCanonical);
        }
        let mentioned = &mut self.mentioned;
        each_mentioned(&self.leaf, |commitment| {
            mentioned.insert(commitment.0);
        });
        if self.entries == 0 {
            self.first_index = line.index;
        }
        self.last_index = line.index;
        self.entries += 1;
        Ok(())
    }

    fn payload(&mut self, line: &[u8]) -> Result<(), FaultKind> {
        let line: PayloadLine<'_> = parse(line)?;
        let commitment = line.commitment;
        if !self.mentioned.contains(&commitment.0) {
            return Err(FaultKind::NotMentioned(commitment.to_string()));
        }
        self.opened.insert(commitment.0);
        match (line.salt, line.content, line.erased) {
            (Some(salt), Some(content), None) => {
                let not_base64 = || FaultKind::Malformed("payload is not base64".to_owned());
                let salt: Salt = from_base64(salt)
                    .and_then(|salt| salt.try_into().ok())
                    .ok_or_else(not_base64)?;
                let content = from_base64(content).ok_or_else(not_base64)?;
                if !commitment.opens_with(&salt, &content) {
                    return Err(FaultKind::PayloadChanged(commitment.to_string()));
                }
                self.payloads += 1;
            }
            (None, None, Some(_)) => self.erased += 1,
            _ => {
                let why = "a payload has salt and content, or is erased";
                return Err(FaultKind::Malformed(why.to_owned()));
            }
        }
        Ok(())
    }

    fn end(self, line: &[u8], digest: [u8; 32]) -> Result<BundleReport, FaultKind> {
        let EndLine { mut end } = parse(line)?;
        if self.entries == 0 {
            return Err(FaultKind::Empty);
        }
        let Some(newest) = self.newest else {
            return Err(FaultKind::Order("no checkpoint"));
        };
        if end.entries != self.entries {
            return Err(FaultKind::Altered("the number of entries"));
        }
        if end.payloads != self.payloads + self.erased {
            return Err(FaultKind::Altered("the number of payloads"));
        }
        if end.sha256 != hex::encode(digest) {
            return Err(FaultKind::Altered("the digest"));
        }
        let seal = end.seal.take();
        if let Some(seal) = &seal {
            let note = Note::parse(seal).map_err(FaultKind::Seal)?;
            let text = note.verified_text(&self.key).map_err(FaultKind::Seal)?;
            if text != seal_text(&self.header.origin, &end) {
                return Err(FaultKind::Altered("the sealed text"));
            }
        }
        Ok(BundleReport {
            unopened: (self.mentioned.len() - self.opened.len()) as u64,
            header: self.header,
            key: self.key,
            key_was_trusted: self.key_was_trusted,
            newest,
            older_checkpoints: self.older,
            entries: self.entries,
            first_index: self.first_index,
            last_index: self.last_index,
            payloads: self.payloads,
            erased: self.erased,
            sealed: seal.is_some(),
        })
    }
}

/// Up to 64 hashes (no tree is higher) decoded in place: checking a million
/// entries must not allocate a million proofs.
struct ProofHashes {
    hashes: [Hash; 64],
    len: usize,
}

impl ProofHashes {
    fn as_slice(&self) -> &[Hash] {
        &self.hashes[..self.len]
    }
}

impl<'de> Deserialize<'de> for ProofHashes {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_seq(ProofVisitor)
    }
}

struct ProofVisitor;

impl<'de> Visitor<'de> for ProofVisitor {
    type Value = ProofHashes;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("up to 64 base64 hashes")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<ProofHashes, A::Error> {
        let mut proof = ProofHashes {
            hashes: [[0; 32]; 64],
            len: 0,
        };
        while let Some(text) = seq.next_element::<&str>()? {
            let slot = proof
                .hashes
                .get_mut(proof.len)
                .ok_or_else(|| A::Error::custom("proof too long"))?;
            *slot = hash_from_base64(text).ok_or_else(|| A::Error::custom("not a base64 hash"))?;
            proof.len += 1;
        }
        Ok(proof)
    }
}
