//! Finds the tokens of a call, also in an answer that broke off: what was used is paid for and must be booked.

use serde::Deserialize;
use tuesday_domain::record::Usage;

/// Tokens in any of the dialects.
#[derive(Debug, Default, Clone, Copy, Deserialize)]
#[serde(default)]
pub(super) struct Tokens {
    #[serde(alias = "prompt_tokens")]
    input_tokens: Option<u64>,
    #[serde(alias = "completion_tokens")]
    output_tokens: Option<u64>,
    cache_creation_input_tokens: Option<u64>,
    cache_read_input_tokens: Option<u64>,
}

impl Tokens {
    /// The larger of each count: streams report them piece by piece, each report a total so far.
    pub(super) fn merge(self, later: Self) -> Self {
        Self {
            input_tokens: self.input_tokens.max(later.input_tokens),
            output_tokens: self.output_tokens.max(later.output_tokens),
            cache_creation_input_tokens: self
                .cache_creation_input_tokens
                .max(later.cache_creation_input_tokens),
            cache_read_input_tokens: self
                .cache_read_input_tokens
                .max(later.cache_read_input_tokens),
        }
    }

    /// Tokens out, when reported.
    pub(super) fn output(self) -> Option<u64> {
        self.output_tokens
    }

    /// What is booked; nothing when nothing was reported, because unknown is not zero.
    pub(super) fn usage(self) -> Option<Usage> {
        if self.input_tokens.is_none() && self.output_tokens.is_none() {
            return None;
        }
        // Tokens read from or written to the provider's cache are input that it counts apart.
        let cached = self
            .cache_creation_input_tokens
            .unwrap_or(0)
            .saturating_add(self.cache_read_input_tokens.unwrap_or(0));
        Some(Usage {
            input_tokens: self.input_tokens.unwrap_or(0).saturating_add(cached),
            output_tokens: self.output_tokens.unwrap_or(0),
        })
    }
}

/// The tokens named anywhere in `body`, whole or cut. Text inside JSON strings cannot pose as them, since its quotes are escaped.
pub(super) fn scan(body: &[u8]) -> Option<Usage> {
    const MARK: &[u8] = b"\"usage\"";
    let mut found = Tokens::default();
    let mut rest = body;
    while let Some(at) = rest.windows(MARK.len()).position(|window| window == MARK) {
        let escaped = at > 0 && rest[at - 1] == b'\\';
        rest = &rest[at + MARK.len()..];
        let Some(value) = rest.trim_ascii_start().strip_prefix(b":") else {
            continue;
        };
        let first = serde_json::Deserializer::from_slice(value)
            .into_iter::<Tokens>()
            .next();
        if let (false, Some(Ok(tokens))) = (escaped, first) {
            found = found.merge(tokens);
        }
    }
    found.usage()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_dialects_whole_and_cut() {
        let some = |input_tokens, output_tokens| {
            Some(Usage {
                input_tokens,
                output_tokens,
            })
        };
        assert_eq!(
            scan(br#"{"usage":{"prompt_tokens":9,"completion_tokens":3}}"#),
            some(9, 3)
        );
        assert_eq!(
            scan(br#"{"usage":{"prompt_tokens":9,"completion_tokens":3},"choices":[{"mess"#),
            some(9, 3)
        );
        let stream = br#"data: {"message":{"usage":{"input_tokens":5,"output_tokens":1,"cache_read_input_tokens":2}}}
data: {"usage": {"output_tokens":8}}"#;
        assert_eq!(scan(stream), some(7, 8));
    }

    #[test]
    fn nothing_reported_is_unknown() {
        for body in [
            &b"{}"[..],
            b"",
            b"{\"usage\":nu",
            b"{\"usage\":null}",
            br#"{"text":"\"usage\":{\"input_tokens\":5}"}"#,
        ] {
            assert_eq!(scan(body), None, "{}", String::from_utf8_lossy(body));
        }
    }
}
