//! Words that have no place in the sources, and the missing story at the top of a file.

use super::Finding;
use super::source::Source;

/// Runs the checks that look at one file's words.
pub(super) fn check(source: &Source, findings: &mut Vec<Finding>) {
    module_doc(source, findings);
    if source.path.starts_with("crates/") {
        attributes(source, findings);
        unfinished(source, findings);
    }
}

fn module_doc(source: &Source, findings: &mut Vec<Finding>) {
    let first = source.text.lines().map(str::trim).find(|line| {
        // Attributes of the whole file may stand before its story.
        !line.is_empty() && !line.starts_with("#![") && !line.starts_with("// ")
    });
    if !first.is_some_and(|line| line.starts_with("//!")) {
        findings.push(Finding::new(
            "module-doc",
            &source.path,
            1,
            "no module doc".to_owned(),
            "start the file with `//!` and say why it exists".to_owned(),
        ));
    }
}

fn attributes(source: &Source, findings: &mut Vec<Finding>) {
    for (open, _) in source.masked.match_indices('#') {
        let rest = source.masked[open + 1..]
            .trim_start_matches('!')
            .trim_start();
        let Some(body) = rest.strip_prefix('[').map(str::trim_start) else {
            continue;
        };
        let name: String = body
            .chars()
            .take_while(|c| c.is_alphanumeric() || *c == '_')
            .collect();
        let way_out = match name.as_str() {
            "allow" => {
                "use #[expect(lint, reason = \"...\")], which says when it is no longer needed"
            }
            "ignore" => "make the test run everywhere, or fail and name what is missing",
            _ => continue,
        };
        findings.push(Finding::new(
            "attribute",
            &source.path,
            source.line(open),
            format!("#[{name}] is not used here"),
            way_out.to_owned(),
        ));
    }
}

fn unfinished(source: &Source, findings: &mut Vec<Finding>) {
    for word in ["todo!", "unimplemented!"] {
        for (at, _) in source.masked.match_indices(word) {
            findings.push(unfinished_finding(source, at, word));
        }
    }
    // These are words of comments, so the unmasked text is searched.
    for word in ["FIXME", "TODO", "XXX:"] {
        for (at, _) in source.text.match_indices(word) {
            findings.push(unfinished_finding(source, at, word));
        }
    }
}

fn unfinished_finding(source: &Source, at: usize, word: &str) -> Finding {
    Finding::new(
        "unfinished",
        &source.path,
        source.line(at),
        format!("`{word}` is unfinished work"),
        "finish it, or open an issue and write down why it is right as it is".to_owned(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn checks(text: &str) -> Vec<&'static str> {
        let mut findings = Vec::new();
        check(
            &Source::new("crates/x/src/y.rs", text.to_owned()),
            &mut findings,
        );
        findings.into_iter().map(|f| f.check).collect()
    }

    #[test]
    fn a_file_without_a_story_is_found() {
        assert_eq!(checks("use a::b;\n//! late\n"), ["module-doc"]);
        assert_eq!(checks(""), ["module-doc"]);
        assert!(checks("#![expect(x, reason = \"y\")]\n\n//! A story.\n").is_empty());
    }

    #[test]
    fn attributes_are_found_in_every_spelling_and_not_in_text() {
        assert_eq!(
            checks("//! x\n#[allow(y)]\n#![ allow(y)]\n# [ignore = \"z\"]\n").len(),
            3
        );
        assert!(
            checks("//! x\nconst A: &str = \"#[allow(y)]\"; // #[ignore]\n#[allowed]\n").is_empty()
        );
    }

    #[test]
    fn unfinished_work_is_found() {
        assert_eq!(
            checks("//! x\nfn a() { todo!() }\n// FIXME later\n").len(),
            2
        );
        assert!(checks("//! x\nconst A: &str = \"todo!()\";\n").is_empty());
    }
}
