//! Typed, prefixed ids: a `run_…` can never be passed where a `rev_…` is meant.
//!
//! An id is a UUIDv7 (RFC 9562) printed in Crockford base32, so ids sort by creation time and
//! survive being read aloud. The domain reads no clock: callers bring the UUID.

use std::fmt;
use std::str::FromStr;

use uuid::Uuid;

/// Crockford's alphabet: no I, L, O, U, so a person can dictate an id.
const ALPHABET: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";

/// Why a text is not an id of the expected kind.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not a {noun} id: expected {prefix}_ followed by 26 letters and digits")]
pub struct IdError {
    /// What was given.
    pub text: String,
    /// The kind of id that was expected, in words.
    pub noun: &'static str,
    /// The prefix that was expected.
    pub prefix: &'static str,
}

fn encode(uuid: Uuid) -> String {
    let mut n = uuid.as_u128();
    let mut out = [0_u8; 26];
    for slot in out.iter_mut().rev() {
        *slot = ALPHABET[(n & 31) as usize];
        n >>= 5;
    }
    out.iter().map(|&b| char::from(b)).collect()
}

fn decode(text: &str) -> Option<Uuid> {
    if text.len() != 26 {
        return None;
    }
    let mut n: u128 = 0;
    for (i, c) in text.bytes().enumerate() {
        let c = c.to_ascii_lowercase();
        let v = ALPHABET.iter().position(|&a| a == c)? as u128;
        // 26 × 5 = 130 bits: the first digit may carry three of them only.
        if i == 0 && v > 7 {
            return None;
        }
        n = (n << 5) | v;
    }
    Some(Uuid::from_u128(n))
}

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident, $prefix:literal, $noun:literal;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(Uuid);

        impl $name {
            /// Wraps a UUIDv7 made by the caller.
            #[must_use]
            pub const fn new(uuid: Uuid) -> Self { Self(uuid) }
            /// The 16 bytes as stored in both databases.
            #[must_use]
            pub const fn uuid(self) -> Uuid { self.0 }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!($prefix, "_{}"), encode(self.0))
            }
        }
        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result { fmt::Display::fmt(self, f) }
        }
        impl FromStr for $name {
            type Err = IdError;
            fn from_str(text: &str) -> Result<Self, IdError> {
                text.strip_prefix(concat!($prefix, "_"))
                    .and_then(decode)
                    .map(Self)
                    .ok_or_else(|| IdError { text: text.to_owned(), noun: $noun, prefix: $prefix })
            }
        }
        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
                s.collect_str(self)
            }
        }
        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
                let text = String::deserialize(d)?;
                text.parse().map_err(serde::de::Error::custom)
            }
        }
    )*};
}

ids! {
    /// One cost that somebody entered.
    CostEntryId, "cst", "cost entry";
    /// One execution of a workflow for one event.
    RunId, "run", "run";
    /// One unit of human decision.
    ReviewId, "rev", "review task";
    /// One intended effect on a destination.
    ActionId, "act", "action";
    /// One immutable bundle of prompt, model pin, parameters and schemas.
    ReleaseId, "rel", "release";
    /// One received occurrence that did not become a run.
    IntakeId, "int", "intake record";
    /// A notice to a person.
    NoticeId, "not", "notice";
    /// A scoped, expiring API token.
    TokenId, "tok", "token";
    /// What somebody says about an output.
    ProblemReportId, "prb", "problem report";
    /// Something that keeps data from being erased.
    HoldId, "hld", "legal hold";
    /// An erasure that somebody asked for.
    ErasureId, "era", "erasure";
    /// What was decided about a workflow.
    DecisionId, "dec", "decision record";
    /// An incident.
    IncidentId, "inc", "incident";
    /// A finding on its way to its incident.
    FindingId, "fnd", "finding";
    /// A notice that demands a person's act.
    AlertId, "alt", "alert";
    /// What a person owes after a change.
    DutyId, "dut", "duty";
    /// What puts a wrong output right.
    CorrectionId, "cor", "correction";
    /// What follows from an incident or a stop.
    FollowUpId, "fup", "follow-up";
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests fail loudly")]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn an_id_survives_its_own_text(n: u128) {
            let id = RunId::new(Uuid::from_u128(n));
            prop_assert_eq!(id.to_string().parse::<RunId>().unwrap(), id);
            prop_assert_eq!(id.to_string().len(), 30);
        }

        #[test]
        fn garbage_never_parses_into_another_id(text in "\\PC{0,40}") {
            if let Ok(id) = text.parse::<RunId>() {
                prop_assert_eq!(id.to_string(), text.to_lowercase());
            }
        }
    }

    #[test]
    fn prefixes_keep_kinds_apart() {
        let id = RunId::new(Uuid::from_u128(7));
        assert!(
            id.to_string()
                .replace("run_", "rev_")
                .parse::<RunId>()
                .is_err()
        );
        assert!("run_zzzzzzzzzzzzzzzzzzzzzzzzzz".parse::<RunId>().is_err());
    }
}
