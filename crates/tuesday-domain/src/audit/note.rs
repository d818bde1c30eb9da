//! Signed notes: a text and the signatures below it, as C2SP `signed-note` says.
//!
//! Only Ed25519 (signature type 0x01) is understood. Signatures by other keys
//! or of other kinds are carried along and ignored, which leaves room for
//! witnesses and for a second algorithm later.

use std::{fmt, str::FromStr};

use ed25519_dalek::pkcs8::DecodePrivateKey as _;
use ed25519_dalek::{Signature, Signer as _, SigningKey, VerifyingKey};
use sha2::{Digest as _, Sha256};

use super::{from_base64, to_base64};

const ED25519: u8 = 0x01;
/// Longest note in bytes; a checkpoint with a hundred witnesses is far below.
const MAX_NOTE: usize = 1 << 20;
/// Most signatures in a note; the standard asks for at least 16.
const MAX_SIGNATURES: usize = 128;
const SIGNATURE_START: &str = "\u{2014} ";

/// Why a note, a key or a key name is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NoteError {
    /// The bytes are not a signed note; the text says what is wrong.
    #[error("malformed note: {0}")]
    Malformed(&'static str),
    /// Key names are non-empty and hold neither white space nor `+`.
    #[error("bad key name {0:?}")]
    KeyName(String),
    /// Not a verifier key (`name+hex id+base64 key`), or its id does not fit.
    #[error("bad verifier key: {0}")]
    VerifierKey(&'static str),
    /// Not an Ed25519 private key in PKCS#8 PEM form.
    #[error("bad private key")]
    PrivateKey,
    /// None of the signatures is by this key.
    #[error("not signed by {0}")]
    NotSigned(String),
    /// A signature claims to be by this key and does not verify.
    #[error("the signature by {0} does not verify")]
    BadSignature(String),
}

/// The public half: name, key id and Ed25519 key.
#[derive(Clone, PartialEq, Eq)]
pub struct VerifierKey {
    name: String,
    id: [u8; 4],
    key: VerifyingKey,
}

/// The private half. Its `Debug` shows the public half only.
pub struct NoteSigner {
    public: VerifierKey,
    key: SigningKey,
}

/// One line below the text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NoteSignature {
    /// Who is said to have signed.
    pub name: String,
    /// First four bytes that, with the name, tell which key.
    pub id: [u8; 4],
    /// The signature itself, in whatever form that key uses.
    pub signature: Vec<u8>,
}

/// A text with its signatures. Parsing checks the form only: trust the text
/// after [`Note::verified_text`] returned it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Note {
    text: String,
    signatures: Vec<NoteSignature>,
}

fn check_name(name: &str) -> Result<(), NoteError> {
    let bad = |c: char| c.is_whitespace() || c.is_control() || c == '+';
    if name.is_empty() || name.contains(bad) {
        return Err(NoteError::KeyName(name.to_owned()));
    }
    Ok(())
}

fn key_id(name: &str, key: &VerifyingKey) -> [u8; 4] {
    let mut hasher = Sha256::new();
    hasher.update(name.as_bytes());
    hasher.update([b'\n', ED25519]);
    hasher.update(key.as_bytes());
    let digest: [u8; 32] = hasher.finalize().into();
    [digest[0], digest[1], digest[2], digest[3]]
}

impl VerifierKey {
    /// A verifier for the 32-byte Ed25519 public key under `name`.
    pub fn new(name: &str, key: &[u8; 32]) -> Result<Self, NoteError> {
        check_name(name)?;
        let key = VerifyingKey::from_bytes(key)
            .map_err(|_| NoteError::VerifierKey("not a point on the curve"))?;
        // A weak key accepts signatures that nobody made.
        if key.is_weak() {
            return Err(NoteError::VerifierKey("weak key"));
        }
        let id = key_id(name, &key);
        Ok(Self {
            name: name.to_owned(),
            id,
            key,
        })
    }

    /// The key's name; for a log it equals the origin.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The four-byte key id.
    #[must_use]
    pub fn id(&self) -> [u8; 4] {
        self.id
    }

    /// The raw 32-byte public key.
    #[must_use]
    pub fn public_bytes(&self) -> &[u8; 32] {
        self.key.as_bytes()
    }

    fn check(&self, text: &str, signature: &NoteSignature) -> bool {
        Signature::from_slice(&signature.signature)
            .is_ok_and(|signature| self.key.verify_strict(text.as_bytes(), &signature).is_ok())
    }
}

/// Writes the `vkey` form: `name+hex id+base64(0x01 ‖ key)`.
impl fmt::Display for VerifierKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut encoded = [ED25519; 33];
        encoded[1..].copy_from_slice(self.key.as_bytes());
        write!(
            f,
            "{}+{}+{}",
            self.name,
            hex::encode(self.id),
            to_base64(&encoded)
        )
    }
}

impl fmt::Debug for VerifierKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "VerifierKey({self})")
    }
}

impl FromStr for VerifierKey {
    type Err = NoteError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut parts = text.splitn(3, '+');
        let (Some(name), Some(id), Some(key)) = (parts.next(), parts.next(), parts.next()) else {
            return Err(NoteError::VerifierKey("expected name+id+key"));
        };
        let key = from_base64(key).ok_or(NoteError::VerifierKey("key is not base64"))?;
        let Some((&ED25519, key)) = key.split_first() else {
            return Err(NoteError::VerifierKey("not an Ed25519 key"));
        };
        let key = key
            .try_into()
            .map_err(|_| NoteError::VerifierKey("key is not 32 bytes"))?;
        let verifier = Self::new(name, key)?;
        if hex::encode(verifier.id) != id {
            return Err(NoteError::VerifierKey("key id does not match the key"));
        }
        Ok(verifier)
    }
}

impl NoteSigner {
    /// A signer from a 32-byte Ed25519 seed, which the caller drew or stored.
    pub fn from_seed(name: &str, seed: &[u8; 32]) -> Result<Self, NoteError> {
        Self::with_key(name, SigningKey::from_bytes(seed))
    }

    /// A signer from a PKCS#8 PEM file, as `openssl genpkey -algorithm ed25519` writes it.
    pub fn from_pem(name: &str, pem: &str) -> Result<Self, NoteError> {
        let key = SigningKey::from_pkcs8_pem(pem).map_err(|_| NoteError::PrivateKey)?;
        Self::with_key(name, key)
    }

    fn with_key(name: &str, key: SigningKey) -> Result<Self, NoteError> {
        let public = VerifierKey::new(name, key.verifying_key().as_bytes())?;
        Ok(Self { public, key })
    }

    /// The key others verify with.
    #[must_use]
    pub fn verifier(&self) -> &VerifierKey {
        &self.public
    }

    /// Signs `text`, which must end with a newline.
    pub fn sign(&self, text: &str) -> Result<Note, NoteError> {
        check_text(text)?;
        let signature = NoteSignature {
            name: self.public.name.clone(),
            id: self.public.id,
            signature: self.key.sign(text.as_bytes()).to_vec(),
        };
        Ok(Note {
            text: text.to_owned(),
            signatures: vec![signature],
        })
    }
}

impl fmt::Debug for NoteSigner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("NoteSigner").field(&self.public).finish()
    }
}

fn check_text(text: &str) -> Result<(), NoteError> {
    if !text.ends_with('\n') {
        return Err(NoteError::Malformed("the text does not end with a newline"));
    }
    if text.bytes().any(|b| b < 0x20 && b != b'\n') {
        return Err(NoteError::Malformed("control character"));
    }
    Ok(())
}

impl Note {
    /// Parses a whole note; nothing may stand before, between or after its parts.
    pub fn parse(note: &str) -> Result<Self, NoteError> {
        if note.len() > MAX_NOTE {
            return Err(NoteError::Malformed("too long"));
        }
        check_text(note)?;
        let split = note
            .rfind("\n\n")
            .ok_or(NoteError::Malformed("no blank line before the signatures"))?;
        let (text, block) = (&note[..=split], &note[split + 2..]);
        let lines = block
            .strip_suffix('\n')
            .ok_or(NoteError::Malformed("no signatures"))?;
        let mut signatures = Vec::new();
        for line in lines.split('\n') {
            if signatures.len() == MAX_SIGNATURES {
                return Err(NoteError::Malformed("too many signatures"));
            }
            signatures.push(parse_signature(line)?);
        }
        Ok(Self {
            text: text.to_owned(),
            signatures,
        })
    }

    /// The text, if `key` signed it. Signatures by other keys are ignored; one
    /// that claims to be by `key` and fails spoils the note.
    pub fn verified_text(&self, key: &VerifierKey) -> Result<&str, NoteError> {
        let mut verified = false;
        for signature in &self.signatures {
            if signature.name == key.name && signature.id == key.id {
                if !key.check(&self.text, signature) {
                    return Err(NoteError::BadSignature(key.name.clone()));
                }
                verified = true;
            }
        }
        if verified {
            Ok(&self.text)
        } else {
            Err(NoteError::NotSigned(key.name.clone()))
        }
    }

    /// The signatures as they stand, verified or not.
    #[must_use]
    pub fn signatures(&self) -> &[NoteSignature] {
        &self.signatures
    }

    /// Adds a signature line, such as one a witness sent.
    pub fn push(&mut self, signature: NoteSignature) -> Result<(), NoteError> {
        check_name(&signature.name)?;
        if self.signatures.len() == MAX_SIGNATURES {
            return Err(NoteError::Malformed("too many signatures"));
        }
        self.signatures.push(signature);
        Ok(())
    }
}

fn parse_signature(line: &str) -> Result<NoteSignature, NoteError> {
    let (name, encoded) = line
        .strip_prefix(SIGNATURE_START)
        .and_then(|rest| rest.split_once(' '))
        .ok_or(NoteError::Malformed("not a signature line"))?;
    check_name(name)?;
    let bytes = from_base64(encoded).ok_or(NoteError::Malformed("signature is not base64"))?;
    let (id, signature) = bytes
        .split_first_chunk::<4>()
        .filter(|(_, signature)| !signature.is_empty())
        .ok_or(NoteError::Malformed("signature is too short"))?;
    Ok(NoteSignature {
        name: name.to_owned(),
        id: *id,
        signature: signature.to_vec(),
    })
}

/// Writes the note exactly as it was signed or parsed.
impl fmt::Display for Note {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}", self.text)?;
        for line in &self.signatures {
            let bytes = [&line.id[..], &line.signature].concat();
            writeln!(f, "{SIGNATURE_START}{} {}", line.name, to_base64(&bytes))?;
        }
        Ok(())
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests fail loudly")]
mod tests {
    use super::*;

    fn signer(name: &str, seed: u8) -> NoteSigner {
        NoteSigner::from_seed(name, &[seed; 32]).unwrap()
    }

    /// The public example of the Go checksum database's note package: a key,
    /// and a note it signed, made by other software than this.
    const PETER_VKEY: &str = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW";
    const PETER_NOTE: &str = "If you think cryptography is the answer to your problem,\n\
        then you don't know what your problem is.\n\n\
        \u{2014} PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n";

    #[test]
    fn a_note_signed_by_other_software_verifies() {
        let key: VerifierKey = PETER_VKEY.parse().unwrap();
        assert_eq!(key.to_string(), PETER_VKEY);
        let note = Note::parse(PETER_NOTE).unwrap();
        assert!(note.verified_text(&key).unwrap().ends_with("problem is.\n"));
        assert_eq!(note.to_string(), PETER_NOTE);
    }

    #[test]
    fn a_signed_note_reads_back_and_any_changed_letter_spoils_it() {
        let signer = signer("example.com/log", 1);
        let note = signer.sign("one\n\ntwo\n").unwrap().to_string();
        let parsed = Note::parse(&note).unwrap();
        assert_eq!(parsed.to_string(), note);
        assert_eq!(
            parsed.verified_text(signer.verifier()).unwrap(),
            "one\n\ntwo\n"
        );
        let changed = Note::parse(&note.replacen("one", "0ne", 1)).unwrap();
        assert_eq!(
            changed.verified_text(signer.verifier()),
            Err(NoteError::BadSignature("example.com/log".into()))
        );
    }

    #[test]
    fn unknown_signatures_are_ignored_but_never_enough() {
        let (log, witness, other) = (signer("log", 1), signer("witness", 2), signer("log", 3));
        let mut note = witness.sign("x\n").unwrap();
        assert!(matches!(
            note.verified_text(log.verifier()),
            Err(NoteError::NotSigned(_))
        ));
        // Same name, another key: unknown, not wrong.
        note.push(other.sign("x\n").unwrap().signatures()[0].clone())
            .unwrap();
        assert!(matches!(
            note.verified_text(log.verifier()),
            Err(NoteError::NotSigned(_))
        ));
        note.push(log.sign("x\n").unwrap().signatures()[0].clone())
            .unwrap();
        assert_eq!(note.verified_text(log.verifier()).unwrap(), "x\n");
        // A second, failing signature by the known key spoils the whole note.
        note.push(log.sign("y\n").unwrap().signatures()[0].clone())
            .unwrap();
        assert!(matches!(
            note.verified_text(log.verifier()),
            Err(NoteError::BadSignature(_))
        ));
    }

    #[test]
    fn verifier_keys_are_strict() {
        let text = signer("log", 1).verifier().to_string();
        assert_eq!(text.parse::<VerifierKey>().unwrap().to_string(), text);
        let (head, key) = text.rsplit_once('+').unwrap();
        let id = head.rsplit_once('+').unwrap().1;
        let weak = to_base64(&[&[1u8, 1][..], &[0; 31]].concat());
        for bad in [
            String::new(),
            "log".into(),
            format!("log+{id}"),
            format!("other+{id}+{key}"),
            format!("log+00000000+{key}"),
            format!("log+{}+{key}", id.to_uppercase() + "0"),
            format!("log+{id}+{key}="),
            format!("log+{id}+{}", &key[..40]),
            format!("log+{id}+{weak}"),
            format!("lo g+{id}+{key}"),
            format!("+{id}+{key}"),
        ] {
            assert!(bad.parse::<VerifierKey>().is_err(), "{bad}");
        }
    }

    #[test]
    fn malformed_notes_are_refused() {
        let good = signer("log", 1).sign("text\n").unwrap().to_string();
        assert!(Note::parse(&good).is_ok());
        for bad in [
            String::new(),
            "text\n".into(),
            "text\n\n".into(),
            good.trim_end().to_owned(),
            format!("{good}\n"),
            good.replace('\u{2014}', "-"),
            good.replace("\u{2014} log ", "\u{2014} log  "),
            good.replace("\u{2014} log ", "\u{2014} l+g "),
            good.replace("text", "te\txt"),
            good.replace('\n', "\r\n"),
            "text\n\n\u{2014} log AAAA\n".into(),
            "text\n\n\u{2014} log AAAAAA==\n".into(),
            "text\n\n\u{2014} log AAAAAB==\n".into(),
        ] {
            assert!(Note::parse(&bad).is_err(), "{bad:?}");
        }
        assert!(signer("log", 1).sign("no newline").is_err());
        assert!(NoteSigner::from_seed("a b", &[1; 32]).is_err());
    }

    #[test]
    fn the_private_key_is_not_shown() {
        let shown = format!("{:?}", signer("log", 1));
        assert!(shown.starts_with("NoteSigner(VerifierKey(log+"));
        assert!(!shown.contains("0101010101") && !shown.contains("1, 1, 1"));
    }

    #[test]
    fn a_key_file_in_pem_form_is_read() {
        // A throw-away key in the form `openssl genpkey` writes, built here.
        let der = [
            &hex::decode("302e020100300506032b657004220420").unwrap()[..],
            &[1; 32],
        ]
        .concat();
        let label = ["PRIVATE", "KEY"].join(" ");
        let pem = format!(
            "-----BEGIN {label}-----\n{}\n-----END {label}-----\n",
            to_base64(&der)
        );
        let from_pem = NoteSigner::from_pem("log", &pem).unwrap();
        assert_eq!(from_pem.verifier(), signer("log", 1).verifier());
        assert_eq!(
            NoteSigner::from_pem("log", "x").unwrap_err(),
            NoteError::PrivateKey
        );
    }
}
