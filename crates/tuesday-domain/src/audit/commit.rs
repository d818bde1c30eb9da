//! A salted commitment stands in the log for a payload that must stay erasable.
//!
//! The log can never forget, so it never holds a payload: it holds this hash.
//! Whoever has payload and salt can check it; once both are deleted the hash
//! says nothing, not even to somebody who guesses the payload, because the
//! salt is random and gone.

use std::{fmt, str::FromStr};

use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;

/// Bytes in a salt.
pub const SALT_LEN: usize = 16;
/// A salt; the caller draws it from the system's random source, once per payload.
pub type Salt = [u8; SALT_LEN];

const DOMAIN: &[u8] = b"tuesday/commit/1";
const PREFIX: &str = "sha256:";

/// SHA-256(`"tuesday/commit/1"` ‖ salt length as 4 big-endian bytes ‖ salt ‖ payload).
#[derive(Clone, Copy)]
pub struct Commitment(pub [u8; 32]);

/// The text is not `sha256:` and 64 lower-case hex digits.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not a commitment; expected `sha256:` and 64 lower-case hex digits")]
pub struct CommitmentError;

impl Commitment {
    /// Commits to `payload` under `salt`.
    #[must_use]
    pub fn new(salt: &Salt, payload: &[u8]) -> Self {
        let mut hasher = Sha256::new();
        hasher.update(DOMAIN);
        // The length prefix keeps salt and payload apart should salts ever grow.
        hasher.update((SALT_LEN as u32).to_be_bytes());
        hasher.update(salt);
        hasher.update(payload);
        Self(hasher.finalize().into())
    }

    /// Whether `salt` and `payload` are what was committed to.
    #[must_use]
    pub fn opens_with(&self, salt: &Salt, payload: &[u8]) -> bool {
        *self == Self::new(salt, payload)
    }
}

// A derived comparison would stop at the first differing byte.
impl PartialEq for Commitment {
    fn eq(&self, other: &Self) -> bool {
        self.0.ct_eq(&other.0).into()
    }
}

impl Eq for Commitment {}

impl fmt::Display for Commitment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{PREFIX}{}", hex::encode(self.0))
    }
}

impl fmt::Debug for Commitment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Commitment({self})")
    }
}

impl FromStr for Commitment {
    type Err = CommitmentError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let digits = text.strip_prefix(PREFIX).ok_or(CommitmentError)?;
        if digits.bytes().any(|b| b.is_ascii_uppercase()) {
            return Err(CommitmentError);
        }
        let mut bytes = [0u8; 32];
        hex::decode_to_slice(digits, &mut bytes).map_err(|_| CommitmentError)?;
        Ok(Self(bytes))
    }
}

impl serde::Serialize for Commitment {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> serde::Deserialize<'de> for Commitment {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

/// Calls `found` for every commitment written as a JSON string in canonical
/// `leaf` bytes, without parsing the JSON.
///
/// Inside a JSON string a quote always follows a backslash, so a quote after
/// any other byte opens or closes a string, and a closing quote is never
/// followed by `sha256:`.
pub(super) fn each_mentioned(leaf: &[u8], mut found: impl FnMut(Commitment)) {
    const OPENING: &[u8] = b"\"sha256:";
    const WHOLE: usize = OPENING.len() + 64 + 1;
    let mut at = 0;
    while let Some(step) = leaf[at..].iter().position(|&b| b == b'"') {
        let start = at + step;
        at = start + 1;
        let Some(candidate) = leaf.get(start..start + WHOLE) else {
            break;
        };
        let opens = candidate.starts_with(OPENING) && (start == 0 || leaf[start - 1] != b'\\');
        if !opens || candidate[WHOLE - 1] != b'"' {
            continue;
        }
        let parsed = std::str::from_utf8(&candidate[1..WHOLE - 1]).map(str::parse);
        if let Ok(Ok(commitment)) = parsed {
            found(commitment);
            at = start + WHOLE;
        }
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests fail loudly")]
mod tests {
    use super::*;

    fn mentioned(leaf: &str) -> Vec<Commitment> {
        let mut all = Vec::new();
        each_mentioned(leaf.as_bytes(), |c| all.push(c));
        all
    }

    #[test]
    fn the_bytes_hashed_are_the_documented_ones() {
        let salt = *b"0123456789abcdef";
        let mut input = b"tuesday/commit/1\x00\x00\x00\x10".to_vec();
        input.extend_from_slice(&salt);
        input.extend_from_slice(b"payload");
        let expected: [u8; 32] = Sha256::digest(&input).into();
        assert_eq!(Commitment::new(&salt, b"payload").0, expected);
    }

    #[test]
    fn a_commitment_opens_only_with_its_own_salt_and_payload() {
        let salt = [7; SALT_LEN];
        let commitment = Commitment::new(&salt, b"invoice 17");
        assert!(commitment.opens_with(&salt, b"invoice 17"));
        assert!(!commitment.opens_with(&salt, b"invoice 18"));
        assert!(!commitment.opens_with(&[8; SALT_LEN], b"invoice 17"));
    }

    #[test]
    fn text_form_reads_back_and_is_strict() {
        let commitment = Commitment::new(&[1; SALT_LEN], b"");
        let text = commitment.to_string();
        assert_eq!(text.parse::<Commitment>().unwrap(), commitment);
        let json = serde_json::to_string(&commitment).unwrap();
        assert_eq!(
            serde_json::from_str::<Commitment>(&json).unwrap(),
            commitment
        );
        let upper = format!("sha256:{}", "AB".repeat(32));
        for bad in [
            "",
            "sha256:",
            &text[..70],
            &text[7..],
            &upper,
            &format!("{text}0"),
        ] {
            assert_eq!(bad.parse::<Commitment>(), Err(CommitmentError), "{bad}");
        }
    }

    #[test]
    fn mentions_are_found_as_whole_strings_only() {
        let a = Commitment::new(&[1; SALT_LEN], b"a");
        let b = Commitment::new(&[1; SALT_LEN], b"b");
        let leaf = format!(r#"{{"x":["{a}","{b}"],"y":"{a}"}}"#);
        assert_eq!(mentioned(&leaf), vec![a, b, a]);
        assert_eq!(mentioned(&format!(r#"{{"x":"see {a}"}}"#)), vec![]);
        assert_eq!(mentioned(&format!(r#"{{"x":"\"{a}"}}"#)), vec![]);
        assert_eq!(mentioned(&format!(r#"{{"x":"{a}0"}}"#)), vec![]);
        assert_eq!(mentioned(&format!(r#"{{"x":"{a}"#)), vec![]);
    }
}
