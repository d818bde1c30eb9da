//! Reads the paths that a file names: `use` trees written out, and paths in the code.

use super::lexer::is_word;

/// One path, such as `std::fs::read`, with the byte where it starts.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Named {
    pub(super) path: String,
    pub(super) at: usize,
}

/// Every path in the masked source; a `use` tree gives one path for each of its leaves.
pub(super) fn named(masked: &str) -> Vec<Named> {
    let bytes = masked.as_bytes();
    let mut found = Vec::new();
    let mut at = 0;
    while at < bytes.len() {
        if !is_word(bytes[at]) {
            at += 1;
            continue;
        }
        let (path, end) = plain_path(masked, at);
        if path == "use" {
            let end = masked[at..]
                .find(';')
                .map_or(bytes.len(), |length| at + length);
            expand(&masked[at + 3..end], "", at, &mut found);
            at = end;
        } else {
            found.push(Named { path, at });
            at = end;
        }
    }
    found
}

/// Words joined by `::` from `at` on, and where they end.
fn plain_path(masked: &str, at: usize) -> (String, usize) {
    let bytes = masked.as_bytes();
    let mut end = at;
    loop {
        while end < bytes.len() && is_word(bytes[end]) {
            end += 1;
        }
        let goes_on =
            masked[end..].starts_with("::") && bytes.get(end + 2).is_some_and(|b| is_word(*b));
        if !goes_on {
            return (masked[at..end].to_owned(), end);
        }
        end += 2;
    }
}

/// `a::{b, c::{d, e}}` becomes `a::b`, `a::c::d`, `a::c::e`.
fn expand(tree: &str, prefix: &str, at: usize, found: &mut Vec<Named>) {
    let tree = tree.trim().trim_start_matches("::");
    match tree.find('{') {
        None => {
            let leaf = tree.split_whitespace().next().unwrap_or_default();
            found.push(Named {
                path: format!("{prefix}{leaf}"),
                at,
            });
        }
        Some(open) => {
            let prefix = format!("{prefix}{}", tree[..open].trim());
            let inner = tree[open + 1..].trim_end().trim_end_matches('}');
            for branch in branches(&tree[open + 1..], inner.len()) {
                expand(branch, &prefix, at, found);
            }
        }
    }
}

/// The parts of a `{…}` that stand between commas of its own level.
fn branches(inside: &str, fallback: usize) -> Vec<&str> {
    let (mut depth, mut start, mut parts) = (0_usize, 0, Vec::new());
    for (offset, byte) in inside.bytes().enumerate() {
        match byte {
            b'{' => depth += 1,
            b'}' if depth == 0 => {
                parts.push(&inside[start..offset]);
                return parts
                    .into_iter()
                    .filter(|part| !part.trim().is_empty())
                    .collect();
            }
            b'}' => depth -= 1,
            b',' if depth == 0 => {
                parts.push(&inside[start..offset]);
                start = offset + 1;
            }
            _ => {}
        }
    }
    // A tree that never closes does not compile; what is there is read all the same.
    parts.push(&inside[start..fallback.max(start)]);
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    fn paths(text: &str) -> Vec<String> {
        named(text).into_iter().map(|n| n.path).collect()
    }

    #[test]
    fn use_trees_are_written_out() {
        assert_eq!(
            paths("use std::{fs, time::{Duration, Instant as I}};\nuse ::a::b;"),
            [
                "std::fs",
                "std::time::Duration",
                "std::time::Instant",
                "a::b"
            ]
        );
    }

    #[test]
    fn paths_in_code_are_read() {
        assert_eq!(
            paths("let x = std::env::var(y);"),
            ["let", "x", "std::env::var", "y"]
        );
    }
}
