//! Sizes: a file or a function that no longer fits a head, a template that does too much.

use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result};

use super::source::{Source, closing, files};
use super::{Finding, lexer};

/// Lines of a source file without its tests; the aim is 250.
const FILE_LINES_MAX: usize = 600;
/// Lines of a function from `fn` to its closing brace; the aim is 40.
const FUNCTION_LINES_MAX: usize = 80;
const TEMPLATE_LINES_MAX: usize = 120;
const CSS_LINES_MAX: usize = 300;

/// One function with a body.
#[derive(Debug, PartialEq, Eq)]
struct Function {
    name: String,
    line: usize,
    lines: usize,
}

/// File and function lengths of one Rust file.
pub(super) fn source(source: &Source, findings: &mut Vec<Finding>) {
    let lines = source.lines_without_tests();
    if lines > FILE_LINES_MAX {
        findings.push(Finding::sized(
            "file-length",
            &source.path,
            1,
            None,
            format!("{lines} lines without tests, the limit is {FILE_LINES_MAX}"),
            "split it by verb: one file, one job".to_owned(),
        ));
    }
    for function in functions(source) {
        if function.lines > FUNCTION_LINES_MAX {
            findings.push(Finding::sized(
                "function-length",
                &source.path,
                function.line,
                Some(&function.name),
                format!(
                    "`{}` has {} lines, the limit is {FUNCTION_LINES_MAX}",
                    function.name, function.lines
                ),
                "name its parts and make them functions".to_owned(),
            ));
        }
    }
}

/// Templates and style sheets of the console.
pub(super) fn console(root: &Path, findings: &mut Vec<Finding>) -> Result<()> {
    let web = "crates/tuesday-web";
    for (check, dir, ending, max) in [
        ("template-length", "templates", ".html", TEMPLATE_LINES_MAX),
        ("css-length", "assets", ".css", CSS_LINES_MAX),
    ] {
        for path in files(root, &format!("{web}/{dir}"), ending)? {
            if path.contains("/vendor/") {
                continue;
            }
            let text = fs::read_to_string(root.join(&path)).with_context(|| path.clone())?;
            let lines = text.lines().count();
            if lines > max {
                findings.push(Finding::sized(
                    check,
                    &path,
                    1,
                    None,
                    format!("{lines} lines, the limit is {max}"),
                    "split it into parts that have a name".to_owned(),
                ));
            }
        }
    }
    Ok(())
}

/// Functions outside tests, in the order of the file.
fn functions(source: &Source) -> Vec<Function> {
    let masked = source.masked.as_str();
    let bytes = masked.as_bytes();
    let mut found = Vec::new();
    for (start, _) in masked.match_indices("fn") {
        let before = start.checked_sub(1).map(|at| bytes[at]);
        let stands_alone = before.is_none_or(|b| !lexer::is_word(b) && b != b'#')
            && bytes
                .get(start + 2)
                .is_some_and(|b| b.is_ascii_whitespace());
        if !stands_alone || source.in_test(start) {
            continue;
        }
        let name: String = masked[start + 2..]
            .trim_start()
            .chars()
            .take_while(|c| c.is_alphanumeric() || *c == '_' || *c == '#')
            .collect();
        if let Some(end) = body_end(masked, start).filter(|_| !name.is_empty()) {
            let line = source.line(start);
            found.push(Function {
                name,
                line,
                lines: source.line(end - 1) - line + 1,
            });
        }
    }
    found
}

/// The end of the function's body; `None` for a signature that ends in `;`.
fn body_end(masked: &str, start: usize) -> Option<usize> {
    let bytes = masked.as_bytes();
    let mut at = start;
    while at < bytes.len() {
        match bytes[at] {
            b'{' => return closing(masked, at),
            b';' => return None,
            b'(' | b'[' => at = closing(masked, at)?,
            _ => at += 1,
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn measure(text: &str) -> Vec<(String, usize)> {
        functions(&Source::new("crates/x/src/y.rs", text.to_owned()))
            .into_iter()
            .map(|f| (f.name, f.lines))
            .collect()
    }

    fn pairs(expected: &[(&str, usize)]) -> Vec<(String, usize)> {
        expected
            .iter()
            .map(|(name, lines)| ((*name).to_owned(), *lines))
            .collect()
    }

    #[test]
    fn functions_are_measured_from_fn_to_brace() {
        let text = "pub async fn a<T>(x: [u8; 3]) -> T\nwhere\n    T: Fn(u8),\n{\n    let s = \"}\";\n    if x { y() }\n}\nfn b() {}\n";
        assert_eq!(measure(text), pairs(&[("a", 7), ("b", 1)]));
    }

    #[test]
    fn signatures_pointers_tests_and_text_are_no_functions() {
        let text = "trait T { fn a(&self); }\ntype F = fn(u8) -> u8;\n// fn c() {\nconst S: &str = \"fn d() {}\";\n#[cfg(test)]\nmod tests { fn e() {} }\nlet defn = 1;\n";
        assert_eq!(measure(text), pairs(&[]));
    }

    #[test]
    fn the_limit_is_the_last_length_that_passes() {
        for (body, expected) in [(FUNCTION_LINES_MAX - 2, 0), (FUNCTION_LINES_MAX - 1, 1)] {
            let text = format!("fn long() {{\n{}}}\n", "    x();\n".repeat(body));
            let mut findings = Vec::new();
            source(&Source::new("crates/x/src/y.rs", text), &mut findings);
            assert_eq!(findings.len(), expected, "{body}");
        }
    }

    #[test]
    fn tests_do_not_make_a_file_long() {
        let long = format!("#[cfg(test)]\nmod tests {{\n{}}}\n", "// x\n".repeat(900));
        let mut findings = Vec::new();
        source(&Source::new("crates/x/src/y.rs", long), &mut findings);
        assert!(findings.is_empty());
        let long = "const X: u8 = 1;\n".repeat(FILE_LINES_MAX + 1);
        source(&Source::new("crates/x/src/y.rs", long), &mut findings);
        assert_eq!(findings.len(), 1);
    }
}
