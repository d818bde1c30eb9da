//! Tamper-evident audit, the pure part: what the log's bytes are, how they hash
//! into one tree, and how an outsider proves that nothing was changed since.
//!
//! The tree is the SHA-256 Merkle tree of RFC 6962; checkpoints, signatures,
//! tiles and proofs follow the C2SP texts (`tlog-checkpoint`, `signed-note`,
//! `tlog-tiles`, `tlog-proof`), so that other people's tools can read them.
//! Nothing here touches a clock, a disk, a database or a random source: callers
//! pass salts, keys and bytes in, which is what makes the same code usable by
//! the server, by the command line and by a stranger with a file.

mod bundle;
mod canonical;
mod checkpoint;
mod commit;
mod log;
mod merkle;
mod note;
mod proof;
mod prove;
mod tile;

pub use bundle::{
    BundleFault, BundleHeader, BundleReport, BundleWriteError, BundleWriter, Erased, FaultKind,
    PayloadLabel, verify_bundle,
};
pub use canonical::{CanonicalError, canonical, is_canonical};
pub use checkpoint::{Checkpoint, CheckpointError, Refusal, may_sign};
pub use commit::{Commitment, CommitmentError, SALT_LEN, Salt};
pub use log::{LogCheck, LogFault};
pub use merkle::{
    Frontier, FrontierError, Hash, NodeId, empty_root, leaf_hash, node_hash, root_from_inclusion,
    verify_consistency, verify_inclusion,
};
pub use note::{Note, NoteError, NoteSignature, NoteSigner, VerifierKey};
pub use proof::{ProofError, TlogProof};
pub use prove::{
    NodeSource, ProofPlan, ProveError, consistency_plan, inclusion_plan, prove_consistency,
    prove_inclusion, root_plan,
};
pub use tile::{
    MAX_LEAF, TILE_WIDTH, TileError, TileId, TileNodes, TilePathError, entry_bundle_push,
    entry_bundle_split, new_tiles,
};

/// Decodes standard base64 of exactly 32 bytes; anything else is `None`.
fn hash_from_base64(text: &str) -> Option<Hash> {
    use base64::Engine as _;
    // The decoder wants room for its estimate (33 for 44 characters), so the
    // buffer is a little larger than a hash.
    let mut buf = [0u8; 36];
    if text.len() != 44 {
        return None;
    }
    let n = base64::engine::general_purpose::STANDARD
        .decode_slice(text, &mut buf)
        .ok()?;
    buf[..n].try_into().ok()
}

/// Encodes bytes as standard base64 with padding, the only base64 used here.
fn to_base64(bytes: &[u8]) -> String {
    use base64::Engine as _;
    base64::engine::general_purpose::STANDARD.encode(bytes)
}

/// Decodes standard base64 strictly (padding and zero trailing bits required).
fn from_base64(text: &str) -> Option<Vec<u8>> {
    use base64::Engine as _;
    base64::engine::general_purpose::STANDARD.decode(text).ok()
}

/// Parses an ASCII decimal without sign or leading zeroes, as C2SP texts ask.
fn strict_decimal(text: &str) -> Option<u64> {
    let plain = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    let minimal = text == "0" || !text.starts_with('0');
    if plain && minimal {
        text.parse().ok()
    } else {
        None
    }
}
