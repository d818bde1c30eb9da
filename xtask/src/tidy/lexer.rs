//! Just enough of Rust's lexical grammar to blank out comments and strings.
//!
//! The checks look for words and braces. In text and comments both mean nothing, so every byte of
//! them becomes a space; line breaks stay, so line numbers stay true. A parser crate would be more
//! exact and would be compiled before every `cargo xtask`.

use std::ops::Range;

/// The source with comments, strings and character literals blanked. Same length, same lines.
pub(super) fn mask(source: &str) -> String {
    let mut out = source.as_bytes().to_vec();
    for token in tokens(source) {
        blank(&mut out[token]);
    }
    String::from_utf8_lossy(&out).into_owned()
}

/// Where comments, strings and character literals are, in order, as byte ranges.
pub(super) fn tokens(source: &str) -> Vec<Range<usize>> {
    let bytes = source.as_bytes();
    let (mut found, mut at) = (Vec::new(), 0);
    while at < bytes.len() {
        match token_end(bytes, at) {
            Some(end) => {
                let end = end.min(bytes.len());
                found.push(at..end);
                at = end;
            }
            None => at = skip_word(bytes, at),
        }
    }
    found
}

/// The end of the comment, string or character literal that starts at `at`, if one does.
fn token_end(bytes: &[u8], at: usize) -> Option<usize> {
    let rest = &bytes[at..];
    match rest[0] {
        b'/' if rest.starts_with(b"//") => Some(at + line_length(rest)),
        b'/' if rest.starts_with(b"/*") => Some(at + block_comment_length(rest)),
        b'"' => Some(at + string_length(rest)),
        b'\'' => char_length(rest).map(|length| at + length),
        b'r' | b'b' | b'c' => prefixed_string_length(rest).map(|length| at + length),
        _ => None,
    }
}

/// Steps over one identifier or one other byte, so that `for"` is no raw string of `r"`.
fn skip_word(bytes: &[u8], at: usize) -> usize {
    let word = bytes[at..].iter().take_while(|b| is_word(**b)).count();
    at + word.max(1)
}

pub(super) fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_' || byte >= 0x80
}

fn blank(bytes: &mut [u8]) {
    for byte in bytes.iter_mut().filter(|byte| **byte != b'\n') {
        *byte = b' ';
    }
}

fn line_length(rest: &[u8]) -> usize {
    rest.iter().position(|b| *b == b'\n').unwrap_or(rest.len())
}

/// Block comments nest.
fn block_comment_length(rest: &[u8]) -> usize {
    let (mut depth, mut at) = (0_usize, 0);
    while at < rest.len() {
        if rest[at..].starts_with(b"/*") {
            depth += 1;
            at += 2;
        } else if rest[at..].starts_with(b"*/") {
            depth -= 1;
            at += 2;
            if depth == 0 {
                return at;
            }
        } else {
            at += 1;
        }
    }
    rest.len()
}

/// From the opening quote to the closing one, with escapes.
fn string_length(rest: &[u8]) -> usize {
    let mut at = 1;
    while at < rest.len() {
        match rest[at] {
            b'\\' => at += 2,
            b'"' => return at + 1,
            _ => at += 1,
        }
    }
    rest.len()
}

/// A character literal; `None` for a lifetime.
fn char_length(rest: &[u8]) -> Option<usize> {
    match rest.get(1)? {
        b'\\' => {
            let close = rest.iter().skip(3).position(|b| *b == b'\'')?;
            Some(3 + close + 1)
        }
        first => {
            let width = match first {
                0..=0x7f => 1,
                0x80..=0xdf => 2,
                0xe0..=0xef => 3,
                _ => 4,
            };
            (rest.get(1 + width) == Some(&b'\'')).then_some(width + 2)
        }
    }
}

/// `r"…"`, `r#"…"#`, `b"…"`, `b'…'`, `br"…"`, `c"…"`, `cr"…"`; `None` for a plain word.
fn prefixed_string_length(rest: &[u8]) -> Option<usize> {
    let letters = rest
        .iter()
        .take(2)
        .take_while(|b| b"rbc".contains(b))
        .count();
    let raw = rest[..letters].contains(&b'r');
    let hashes = rest[letters..].iter().take_while(|b| **b == b'#').count();
    let quote = letters + hashes;
    match rest.get(quote)? {
        b'"' if raw => {
            let mut close = vec![b'"'];
            close.extend(std::iter::repeat_n(b'#', hashes));
            let body = &rest[quote + 1..];
            let end = body.windows(close.len()).position(|window| window == close);
            Some(end.map_or(rest.len(), |end| quote + 1 + end + close.len()))
        }
        b'"' if hashes == 0 => Some(quote + string_length(&rest[quote..])),
        b'\'' if hashes == 0 && rest[0] == b'b' && letters == 1 => {
            char_length(&rest[1..]).map(|length| length + 1)
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(source: &str) -> Vec<String> {
        mask(source).split_whitespace().map(str::to_owned).collect()
    }

    #[test]
    fn length_and_lines_stay() {
        let source = "a /* x\n y */ b // c\n\"d\n e\" f";
        let masked = mask(source);
        assert_eq!(masked.len(), source.len());
        assert_eq!(masked.lines().count(), source.lines().count());
        assert_eq!(words(source), ["a", "b", "f"]);
    }

    #[test]
    fn comments_nest_and_strings_escape() {
        assert_eq!(words("a /* b /* c */ d */ e"), ["a", "e"]);
        assert_eq!(words(r#"a "b \" { c" d"#), ["a", "d"]);
        assert_eq!(words(r#"a "\\" b"#), ["a", "b"]);
        assert_eq!(words("a \"// no comment\" b"), ["a", "b"]);
    }

    #[test]
    fn raw_and_byte_strings() {
        assert_eq!(words(r###"a r#"b " } c"# d"###), ["a", "d"]);
        assert_eq!(words(r###"a br##"b "# c"## d"###), ["a", "d"]);
        assert_eq!(words(r#"a b"{" c"}" b'{' d"#), ["a", "d"]);
        assert_eq!(words("r#type for_r\"x\" bar"), ["r#type", "for_r", "bar"]);
    }

    #[test]
    fn characters_and_lifetimes() {
        assert_eq!(words(r"a '{' '\'' '\u{7b}' 'é' '→' b"), ["a", "b"]);
        assert_eq!(
            words("fn f<'a>(x: &'a str) {}"),
            ["fn", "f<'a>(x:", "&'a", "str)", "{}"]
        );
        assert_eq!(words("'outer: loop {}"), ["'outer:", "loop", "{}"]);
    }
}
