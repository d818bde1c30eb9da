//! Every error code that a user can see has a page, and every page has a code.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use anyhow::Result;

use super::source::{Source, closing, files};
use super::{Finding, lexer};

const TABLE: &str = "crates/tuesday-domain/src/problem/codes.rs";
const PAGES: &str = "docs/errors";

/// Compares the table of codes with the folder of pages. Silent until the table exists.
pub(super) fn check(root: &Path, findings: &mut Vec<Finding>) -> Result<()> {
    if !root.join(TABLE).is_file() {
        return Ok(());
    }
    let source = Source::read(root, TABLE)?;
    let codes = codes(&source);
    if codes.is_empty() {
        findings.push(finding(
            TABLE,
            1,
            "no table `CODES` with string codes was found".to_owned(),
            "keep the codes in `pub const CODES: &[(&str, ...)]`, code first",
        ));
    }
    for (code, line) in &codes {
        let page = format!("{PAGES}/{code}.md");
        let text = fs::read_to_string(root.join(&page)).unwrap_or_default();
        if text.trim().is_empty() {
            let way_out = "write the page: what happened, why, what to do";
            findings.push(finding(
                TABLE,
                *line,
                format!("`{code}` has no page {page}"),
                way_out,
            ));
        }
    }
    for page in files(root, PAGES, ".md")? {
        let name = page
            .rsplit('/')
            .next()
            .unwrap_or(&page)
            .trim_end_matches(".md");
        if !codes.contains_key(name) && !matches!(name, "README" | "index") {
            let what = format!("`{name}` is no code in {TABLE}");
            findings.push(finding(
                &page,
                1,
                what,
                "delete the page, or give it the code's name",
            ));
        }
    }
    Ok(())
}

/// The first string of every element of the table `CODES`, with its line.
fn codes(source: &Source) -> BTreeMap<String, usize> {
    let masked = source.masked.as_bytes();
    let Some(name) = source.masked.find("const CODES") else {
        return BTreeMap::new();
    };
    let value = source.masked[name..].find('=').map_or(name, |at| name + at);
    let Some(open) = source.masked[value..].find('[').map(|at| value + at) else {
        return BTreeMap::new();
    };
    let end = closing(&source.masked, open).unwrap_or(masked.len());
    // Strings are blank in the masked text, and quotes in comments are none.
    let strings: BTreeSet<usize> = lexer::tokens(&source.text)
        .into_iter()
        .map(|token| token.start)
        .filter(|start| source.text.as_bytes()[*start] == b'"')
        .collect();
    let (mut depth, mut fresh, mut at) = (0_usize, true, open);
    let mut found = BTreeMap::new();
    while at < end {
        match masked[at] {
            b'(' | b'[' | b'{' => depth += 1,
            b')' | b']' | b'}' => depth = depth.saturating_sub(1),
            b',' if depth == 1 => fresh = true,
            _ if fresh && strings.contains(&at) => {
                if let Some(code) = source.text[at + 1..]
                    .split('"')
                    .next()
                    .filter(|c| is_code(c))
                {
                    found.insert(code.to_owned(), source.line(at));
                    fresh = false;
                }
            }
            _ => {}
        }
        at += 1;
    }
    found
}

fn is_code(text: &str) -> bool {
    let plain =
        |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '-' | '_' | '.');
    !text.is_empty() && text.chars().all(plain)
}

fn finding(path: &str, line: usize, what: String, way_out: &str) -> Finding {
    Finding::new("errors", path, line, what, way_out.to_owned())
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests fail loudly")]
    use super::*;

    const TEXT: &str = "//! x\npub const CODES: &[(&str, u16, &str)] = &[\n    (\"stale-input\", 409, \"again\"),\n    // (\"not-this\", 1, \"x\"),\n    (\"bad-schema\", 422, \"word, word\"),\n    Code { code: \"gone\", status: 410 },\n];\nconst OTHER: &str = \"else\";\n";

    #[test]
    fn codes_are_the_first_strings() {
        let codes = codes(&Source::new(TABLE, TEXT.to_owned()));
        let names: Vec<_> = codes.keys().map(String::as_str).collect();
        assert_eq!(names, ["bad-schema", "gone", "stale-input"]);
        assert_eq!(codes["bad-schema"], 5);
    }

    #[test]
    fn codes_and_pages_match() {
        let root = tempfile::tempdir().unwrap();
        let mut findings = Vec::new();
        check(root.path(), &mut findings).unwrap();
        assert!(findings.is_empty());
        fs::create_dir_all(root.path().join(TABLE).parent().unwrap()).unwrap();
        fs::create_dir_all(root.path().join(PAGES)).unwrap();
        fs::write(root.path().join(TABLE), TEXT).unwrap();
        for name in ["gone", "stale-input", "README", "old"] {
            fs::write(root.path().join(PAGES).join(format!("{name}.md")), "text").unwrap();
        }
        check(root.path(), &mut findings).unwrap();
        let whats: Vec<_> = findings.iter().map(|f| f.what.as_str()).collect();
        assert_eq!(whats.len(), 2);
        assert!(whats[0].contains("`bad-schema`") && whats[1].contains("`old`"));
    }
}
