//! Style, brand-voice and policy texts that a prompt is made of. Each stands in a file that carries its name
//! and version, `texts/NAME.vN.md`, and a prompt includes it as `{% include "NAME@N" %}`: a changed text is
//! another version, and another version is another release.
//!
//! A text is put in as it stands. It is no template, so nothing in it reads a case.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::PackageFault;
use super::package::fault;

/// Folder of the texts within a package.
pub const FOLDER: &str = "texts/";

/// A text that a prompt includes.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct TextUse {
    /// Its name: small letters, digits and hyphens.
    pub name: String,
    /// Its version, from 1.
    pub version: u32,
}

impl TextUse {
    /// The file it stands in.
    #[must_use]
    pub fn file(&self) -> String {
        format!("{FOLDER}{}.v{}.md", self.name, self.version)
    }

    /// Reads the name of a file below [`FOLDER`]; nothing when it names no version.
    #[must_use]
    pub fn of_file(file: &str) -> Option<Self> {
        let inner = file.strip_prefix(FOLDER)?.strip_suffix(".md")?;
        let (name, version) = inner.rsplit_once(".v")?;
        Self::of(name, version)
    }

    fn of(name: &str, version: &str) -> Option<Self> {
        let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        let number: u32 = version.parse().ok()?;
        // `v04` and `+4` would be a second name of the same version.
        let exact = number >= 1 && number.to_string() == version;
        (exact && !name.is_empty() && name.chars().all(plain)).then(|| Self {
            name: name.to_owned(),
            version: number,
        })
    }
}

impl std::fmt::Display for TextUse {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} v{}", self.name, self.version)
    }
}

/// A template with its texts put in.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Included {
    /// The template, texts in the place of their includes.
    pub text: String,
    /// What was put in, in the order of the template.
    pub uses: Vec<TextUse>,
}

/// Puts the texts of a package into a part of the template `file` that begins on line `first`.
///
/// # Errors
/// Every include that does not name one version of a text that is there, with file and line.
pub fn expand(
    file: &str,
    source: &str,
    first: usize,
    files: &BTreeMap<String, String>,
) -> Result<Included, Vec<PackageFault>> {
    let (mut out, mut faults) = (Included::default(), Vec::new());
    let mut done = 0;
    for tag in tags(source) {
        let line = first + source[..tag.start].matches('\n').count();
        match included(file, line, &tag.words, files) {
            Ok(None) => {}
            Ok(Some((used, text))) => {
                out.text.push_str(&source[done..tag.start]);
                out.text.push_str(text.trim_end());
                done = tag.end;
                out.uses.push(used);
            }
            Err(fault) => faults.push(fault),
        }
    }
    out.text.push_str(&source[done..]);
    if faults.is_empty() {
        Ok(out)
    } else {
        Err(faults)
    }
}

/// A template in which each include names no version: two that are equal so differ in versions alone.
#[must_use]
pub fn without_versions(source: &str) -> String {
    let (mut out, mut done) = (String::with_capacity(source.len()), 0);
    for tag in tags(source)
        .iter()
        .filter(|t| t.words.starts_with("include"))
    {
        out.push_str(&source[done..tag.start]);
        out.push_str(tag.words.split('@').next().unwrap_or_default());
        done = tag.end;
    }
    out.push_str(&source[done..]);
    out
}

/// A `{% … %}` with what stands in it.
struct Tag {
    start: usize,
    end: usize,
    words: String,
}

fn tags(source: &str) -> Vec<Tag> {
    let (mut all, mut from) = (Vec::new(), 0);
    while let Some(start) = source[from..].find("{%").map(|i| from + i) {
        let Some(end) = source[start..].find("%}").map(|i| start + i + 2) else {
            break;
        };
        let inner = &source[start + 2..end - 2];
        let words = inner.trim_matches(|c: char| c.is_whitespace() || c == '-' || c == '+');
        all.push(Tag {
            start,
            end,
            words: words.to_owned(),
        });
        from = end;
    }
    all
}

fn included<'a>(
    file: &str,
    line: usize,
    words: &str,
    files: &'a BTreeMap<String, String>,
) -> Result<Option<(TextUse, &'a str)>, PackageFault> {
    let at = |code, message: &str, way_out: &str| fault(file, Some(line), code, message, way_out);
    let verb = words.split_whitespace().next().unwrap_or_default();
    if ["import", "from", "extends"].contains(&verb) {
        let message = format!("`{verb}` brings in something that is no versioned text");
        return Err(at(
            "bad_include",
            &message,
            "write {% include \"NAME@N\" %}",
        ));
    }
    if verb != "include" {
        return Ok(None);
    }
    let named = words["include".len()..].trim();
    let quoted = ['"', '\''].iter().find_map(|q| {
        let inner = named.strip_prefix(*q)?.strip_suffix(*q)?;
        (!inner.contains(['"', '\''])).then_some(inner)
    });
    let Some(quoted) = quoted else {
        let message = format!("`{words}` does not name one text");
        return Err(at(
            "bad_include",
            &message,
            "write {% include \"NAME@N\" %}",
        ));
    };
    let (name, version) = quoted.split_once('@').unwrap_or((quoted, ""));
    let there = versions(name, files);
    let Some(used) = TextUse::of(name, version) else {
        let by = if version.is_empty() {
            "without a version".to_owned()
        } else {
            format!("by `{version}`")
        };
        let message = format!("the text `{name}` is included {by}, not by an exact version");
        return Err(at("floating_text", &message, &exact(name, &there)));
    };
    let Some(text) = files.get(&used.file()) else {
        let message = format!("there is no {}", used.file());
        return Err(at("text_missing", &message, &exact(name, &there)));
    };
    if let Some(line) = ["{{", "{%", "{#"].iter().filter_map(|m| text.find(m)).min() {
        let line = 1 + text[..line].matches('\n').count();
        return Err(fault(
            &used.file(),
            Some(line),
            "template_in_text",
            "a text is put into the prompt as it stands and reads nothing",
            "move the template syntax into the prompt",
        ));
    }
    Ok(Some((used, text)))
}

/// Versions of a text that are there, the smallest first.
fn versions(name: &str, files: &BTreeMap<String, String>) -> Vec<u32> {
    let all = files.keys().filter_map(|f| TextUse::of_file(f));
    let mut all: Vec<u32> = all.filter(|t| t.name == name).map(|t| t.version).collect();
    all.sort_unstable();
    all
}

fn exact(name: &str, there: &[u32]) -> String {
    match there.last() {
        Some(newest) => {
            let all: Vec<String> = there.iter().map(|v| format!("v{v}")).collect();
            let all = all.join(", ");
            format!("write {{% include \"{name}@{newest}\" %}}; there are {all}")
        }
        None => format!("add {FOLDER}{name}.v1.md and write {{% include \"{name}@1\" %}}"),
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests fail loudly")]
mod tests {
    use super::*;

    fn files() -> BTreeMap<String, String> {
        let all = [
            ("texts/brand-voice.v3.md", "Be warm.\n"),
            ("texts/brand-voice.v4.md", "Be bold.\n"),
            ("texts/returns.v1.md", "First\nSee {{ input.text }}.\n"),
        ];
        all.map(|(n, t)| (n.to_owned(), t.to_owned())).into()
    }

    #[test]
    fn an_exact_version_is_put_in_as_it_stands() {
        let source = "Write.\n{% include \"brand-voice@4\" %}\n{% if input.x %}y{% endif %}\n";
        let out = expand("prompt.md", source, 1, &files()).unwrap();
        assert_eq!(out.text, "Write.\nBe bold.\n{% if input.x %}y{% endif %}\n");
        assert_eq!(out.uses[0].to_string(), "brand-voice v4");
        let three = source.replace("@4", "@3");
        assert_eq!(without_versions(source), without_versions(&three));
        assert_ne!(
            without_versions(source),
            without_versions(&source.replace("brand-voice", "returns"))
        );
    }

    #[test]
    fn whatever_is_no_exact_version_is_named_with_its_line() {
        for (words, code) in [
            ("include \"brand-voice@latest\"", "floating_text"),
            ("include \"brand-voice\"", "floating_text"),
            ("include 'brand-voice@'", "floating_text"),
            ("include \"brand-voice@04\"", "floating_text"),
            ("include \"Brand Voice@4\"", "floating_text"),
            ("include \"../secrets@1\"", "floating_text"),
            ("include \"brand-voice@5\"", "text_missing"),
            ("include \"tone@1\"", "text_missing"),
            ("include input.text", "bad_include"),
            ("include \"brand-voice@3\" ~ \"x\"", "bad_include"),
            ("include [\"brand-voice@3\"]", "bad_include"),
            ("import \"brand-voice@3\" as b", "bad_include"),
            ("extends \"brand-voice@3\"", "bad_include"),
        ] {
            let source = format!("One.\n\n{{%- {words} -%}}\n");
            let faults = expand("prompt.md", &source, 5, &files()).unwrap_err();
            let found = (faults[0].code, faults[0].file.as_str(), faults[0].line);
            assert_eq!(found, (code, "prompt.md", Some(7)), "{words}");
        }
        let latest = expand("p", "{% include \"brand-voice@latest\" %}", 1, &files()).unwrap_err();
        assert!(
            latest[0]
                .way_out
                .contains("brand-voice@4\" %}; there are v3, v4")
        );
    }

    #[test]
    fn a_text_that_reads_something_is_refused_where_it_does() {
        let faults = expand("p", "{% include \"returns@1\" %}", 1, &files()).unwrap_err();
        let found = (faults[0].code, faults[0].file.as_str(), faults[0].line);
        assert_eq!(found, ("template_in_text", "texts/returns.v1.md", Some(2)));
    }
}
