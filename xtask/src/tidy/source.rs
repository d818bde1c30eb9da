//! The Rust files of the workspace, with what the checks need to know about each.

use std::fs;
use std::ops::Range;
use std::path::Path;

use anyhow::{Context as _, Result};

use super::lexer;

/// One Rust file.
pub(super) struct Source {
    /// Relative to the root, with `/`.
    pub(super) path: String,
    pub(super) text: String,
    /// The text with comments and strings blanked; same byte offsets.
    pub(super) masked: String,
    /// Byte ranges of items under `#[cfg(test)]`.
    tests: Vec<Range<usize>>,
}

impl Source {
    /// Reads the file at `path`, which is relative to `root`.
    pub(super) fn read(root: &Path, path: &str) -> Result<Source> {
        let text =
            fs::read_to_string(root.join(path)).with_context(|| format!("reading {path}"))?;
        Ok(Source::new(path, text))
    }

    /// From text, for tests too.
    pub(super) fn new(path: &str, text: String) -> Source {
        let masked = lexer::mask(&text);
        let tests = test_items(&masked);
        Source {
            path: path.to_owned(),
            text,
            masked,
            tests,
        }
    }

    /// A file that holds nothing but tests: `tests/…`, `benches/…`, `tests.rs`, `…_tests.rs`.
    pub(super) fn is_test_file(&self) -> bool {
        let in_folder = ["/tests/", "/benches/"]
            .iter()
            .any(|dir| self.path.contains(dir));
        in_folder || self.path.ends_with("/tests.rs") || self.path.ends_with("_tests.rs")
    }

    /// True when the byte lies in a test.
    pub(super) fn in_test(&self, offset: usize) -> bool {
        self.is_test_file() || self.tests.iter().any(|range| range.contains(&offset))
    }

    /// The number of the line that holds the byte, from 1.
    pub(super) fn line(&self, offset: usize) -> usize {
        line_of(&self.text, offset)
    }

    /// Lines without the items under `#[cfg(test)]`; 0 for a test file.
    pub(super) fn lines_without_tests(&self) -> usize {
        if self.is_test_file() {
            return 0;
        }
        let all = self.text.lines().count();
        let tests: usize = self
            .tests
            .iter()
            .map(|range| self.line(range.end.saturating_sub(1)) - self.line(range.start) + 1)
            .sum();
        all.saturating_sub(tests)
    }
}

/// The number of the line that holds the byte, from 1.
pub(super) fn line_of(text: &str, offset: usize) -> usize {
    text.as_bytes()[..offset.min(text.len())]
        .iter()
        .filter(|b| **b == b'\n')
        .count()
        + 1
}

/// Paths (relative, sorted) of the files under `dir` whose name ends with `ending`.
pub(super) fn files(root: &Path, dir: &str, ending: &str) -> Result<Vec<String>> {
    let mut found = Vec::new();
    let start = root.join(dir);
    if start.is_dir() {
        walk(&start, ending, &mut found)?;
    }
    let mut paths: Vec<String> = found
        .iter()
        .filter_map(|path| path.strip_prefix(root).ok())
        .map(|path| path.to_string_lossy().replace('\\', "/"))
        .collect();
    paths.sort();
    Ok(paths)
}

fn walk(dir: &Path, ending: &str, found: &mut Vec<std::path::PathBuf>) -> Result<()> {
    for entry in fs::read_dir(dir).with_context(|| format!("reading {}", dir.display()))? {
        let path = entry?.path();
        let name = path
            .file_name()
            .map(|n| n.to_string_lossy().into_owned())
            .unwrap_or_default();
        if path.is_dir() && name != "target" && name != "node_modules" {
            walk(&path, ending, found)?;
        } else if path.is_file() && name.ends_with(ending) {
            found.push(path);
        }
    }
    Ok(())
}

/// Byte ranges of the items under `#[cfg(test)]` or `#[cfg(all(test, …))]`.
fn test_items(masked: &str) -> Vec<Range<usize>> {
    let mut ranges: Vec<Range<usize>> = Vec::new();
    for (start, _) in masked.match_indices("#[cfg(") {
        if ranges.last().is_some_and(|last| last.contains(&start)) {
            continue;
        }
        let Some(attribute_end) = closing(masked, start + 1) else {
            continue;
        };
        let condition = &masked[start..attribute_end];
        let names_test = condition
            .split(|c: char| !c.is_alphanumeric() && c != '_')
            .any(|w| w == "test");
        if names_test && !condition.contains("not(") {
            ranges.push(start..item_end(masked, attribute_end));
        }
    }
    ranges
}

/// The end of the item at `at`: its closing brace, or its `;` when it has no body.
fn item_end(masked: &str, at: usize) -> usize {
    let bytes = masked.as_bytes();
    let mut here = at;
    while here < bytes.len() {
        match bytes[here] {
            b'{' => return closing(masked, here).unwrap_or(bytes.len()),
            b'(' | b'[' => here = closing(masked, here).unwrap_or(bytes.len()),
            b';' => return here + 1,
            _ => here += 1,
        }
    }
    bytes.len()
}

/// The offset just after the bracket that closes the one at `open`.
pub(super) fn closing(masked: &str, open: usize) -> Option<usize> {
    let mut depth = 0_usize;
    for (offset, byte) in masked.bytes().enumerate().skip(open) {
        match byte {
            b'(' | b'[' | b'{' => depth += 1,
            b')' | b']' | b'}' => {
                depth = depth.checked_sub(1)?;
                if depth == 0 {
                    return Some(offset + 1);
                }
            }
            _ => {}
        }
    }
    None
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests fail loudly")]
    use super::*;

    const TEXT: &str = "fn a() {}\n\n#[cfg(test)]\n#[expect(x, reason = \"}\")]\nmod tests {\n    fn b() {}\n}\nfn c() {}\n";

    #[test]
    fn test_items_are_known() {
        let source = Source::new("crates/x/src/y.rs", TEXT.to_owned());
        assert!(!source.in_test(TEXT.find("fn a").unwrap()));
        assert!(source.in_test(TEXT.find("fn b").unwrap()));
        assert!(!source.in_test(TEXT.find("fn c").unwrap()));
        assert_eq!(source.lines_without_tests(), 3);
        assert_eq!(source.line(TEXT.find("fn c").unwrap()), 8);
    }

    #[test]
    fn only_a_positive_condition_on_test_counts() {
        for (attribute, is_test) in [
            ("#[cfg(all(test, unix))]", true),
            ("#[cfg(not(test))]", false),
            ("#[cfg(feature = \"test\")]", false),
            ("#[cfg(unix)]", false),
        ] {
            let text = format!("{attribute}\nfn a() {{}}\n");
            let source = Source::new("crates/x/src/y.rs", text.clone());
            assert_eq!(
                source.in_test(text.find("fn").unwrap()),
                is_test,
                "{attribute}"
            );
        }
    }

    #[test]
    fn test_files_by_place_and_name() {
        for (path, is_test) in [
            ("crates/x/tests/api/main.rs", true),
            ("crates/x/src/run/tests.rs", true),
            ("crates/x/src/run_tests.rs", true),
            ("crates/x/src/latest.rs", false),
        ] {
            assert_eq!(
                Source::new(path, String::new()).is_test_file(),
                is_test,
                "{path}"
            );
        }
    }
}
