//! Turns a secret reference into a header at call time, and keeps the secret out of every text a person may see.

use std::fmt;

use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use tuesday_domain::definition::SecretHeader;
use tuesday_domain::port::Secrets;
use zeroize::Zeroizing;

/// A resolved credential of one call. It is wiped when dropped and prints as its reference.
pub struct Credential {
    reference: String,
    name: HeaderName,
    value: HeaderValue,
    secret: Zeroizing<Vec<u8>>,
}

impl Credential {
    /// Resolves the secret of `spec`. White space at its end is dropped, since files tend to end in a new line.
    ///
    /// # Errors
    /// Names the reference or the header, never the value.
    pub fn resolve(secrets: &dyn Secrets, spec: &SecretHeader) -> Result<Self, String> {
        let mut secret = Zeroizing::new(secrets.resolve(&spec.secret)?);
        let kept = secret.trim_ascii_end().len();
        secret.truncate(kept);
        if secret.is_empty() {
            return Err(format!("the secret {} is empty", spec.secret));
        }
        let name = HeaderName::from_bytes(spec.header.as_bytes())
            .map_err(|_| format!("`{}` is not a header name", spec.header))?;
        let mut whole = Zeroizing::new(Vec::with_capacity(spec.prefix.len() + secret.len()));
        whole.extend_from_slice(spec.prefix.as_bytes());
        whole.extend_from_slice(&secret);
        let mut value = HeaderValue::from_bytes(&whole)
            .map_err(|_| format!("the secret {} cannot be sent in a header", spec.secret))?;
        value.set_sensitive(true);
        Ok(Self {
            reference: spec.secret.clone(),
            name,
            value,
            secret,
        })
    }

    /// Adds the header.
    pub fn apply(&self, headers: &mut HeaderMap) {
        headers.insert(self.name.clone(), self.value.clone());
    }

    /// The header's value, secret included.
    #[must_use]
    pub fn value(&self) -> &[u8] {
        self.value.as_bytes()
    }

    /// The secret itself, for [`scrub`].
    #[must_use]
    pub fn secret(&self) -> &[u8] {
        &self.secret
    }
}

impl fmt::Debug for Credential {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Credential")
            .field("reference", &self.reference)
            .field("header", &self.name)
            .finish_non_exhaustive()
    }
}

/// A text of the other side, fit for a record: without `secret` (some servers repeat the key they refuse), on one line,
/// without control characters, at most `most` characters.
#[must_use]
pub fn scrub(text: &[u8], secret: Option<&[u8]>, most: usize) -> String {
    let text = String::from_utf8_lossy(text);
    let secret = secret
        .map(String::from_utf8_lossy)
        .filter(|secret| !secret.is_empty());
    // The secret goes first: cutting before could leave the greater part of it behind.
    let text = secret.map_or_else(
        || text.clone().into_owned(),
        |secret| text.replace(&*secret, "[secret]"),
    );
    let mut line = String::with_capacity(text.len().min(most));
    for (count, c) in text
        .split_whitespace()
        .flat_map(|word| word.chars().chain([' ']))
        .filter(|c| !c.is_control())
        .enumerate()
    {
        if count == most {
            line.push('…');
            break;
        }
        line.push(c);
    }
    line.truncate(line.trim_end().len());
    line
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests fail loudly")]
mod tests {
    use super::*;

    struct One(&'static [u8]);
    impl Secrets for One {
        fn resolve(&self, _: &str) -> Result<Vec<u8>, String> {
            Ok(self.0.to_vec())
        }
    }

    fn spec() -> SecretHeader {
        SecretHeader {
            header: "Authorization".into(),
            prefix: "Bearer ".into(),
            secret: "env:KEY".into(),
            expires: None,
        }
    }

    #[test]
    fn the_secret_is_sent_but_never_printed() {
        let credential = Credential::resolve(&One(b"canary-7\n"), &spec()).unwrap();
        let mut headers = HeaderMap::new();
        credential.apply(&mut headers);
        assert_eq!(headers["authorization"].as_bytes(), b"Bearer canary-7");
        assert!(!format!("{credential:?} {headers:?}").contains("canary"));
    }

    #[test]
    fn an_unsendable_secret_is_refused_without_its_value() {
        for bad in [&b"can\nary"[..], b"", b"\n"] {
            let refusal = Credential::resolve(&One(bad), &spec()).unwrap_err();
            assert!(
                refusal.contains("env:KEY") && !refusal.contains("ary"),
                "{refusal}"
            );
        }
    }

    #[test]
    fn texts_are_scrubbed_then_cut() {
        assert_eq!(
            scrub(b"bad key: canary-7\r\n\x1b[31mred", Some(b"canary-7"), 100),
            "bad key: [secret] [31mred"
        );
        assert_eq!(scrub(b"abc canary-7", Some(b"canary-7"), 6), "abc [s…");
        assert_eq!(scrub(b"plain", None, 100), "plain");
    }
}
