//! The smallest package that runs: no key, no network, one file as destination.

use std::path::Path;

use tuesday_domain::eval::Kind;
use tuesday_domain::problem::Problem;

type File = (String, String);

const PACKAGE: [(&str, &str); 7] = [
    ("workflow.toml", include_str!("blank/workflow.toml")),
    ("input.schema.json", include_str!("blank/input.schema.json")),
    (
        "output.schema.json",
        include_str!("blank/output.schema.json"),
    ),
    ("rules.csv", include_str!("blank/rules.csv")),
    ("prompt.md", include_str!("blank/prompt.md")),
    ("runbook.md", include_str!("blank/runbook.md")),
    (
        "evals/golden.jsonl",
        include_str!("blank/evals/golden.jsonl"),
    ),
];

/// What holds besides the cases; kinds without a case stop the gate.
const GATE: &str = "# What a release must keep besides passing every case: docs/guides/evals.md\n\
    repeats = 1       # tries of each case at least\n\
    agreement = 0.9   # share of a case's tries that must pass, and must agree; safety cases: all\n";

/// A place for each kind of case that a pack needs, so that what is missing is seen from the first day.
/// `golden.jsonl` has the happy ones.
fn slots() -> impl Iterator<Item = File> {
    let kinds = Kind::ALL.iter().filter(|k| **k != Kind::Happy);
    let slot = |kind: &Kind| (format!("evals/{kind}.jsonl"), String::new());
    let gate = ("evals/gate.toml".to_owned(), GATE.to_owned());
    kinds.map(slot).chain([gate])
}

/// The model step of the blank package, from its heading to the next part.
const MODEL: (&str, &str) = ("[model]\n", "[output]\n");

/// The files of a blank package.
pub(super) fn files(name: &str) -> Vec<File> {
    PACKAGE
        .iter()
        .map(|(file, text)| {
            (
                (*file).to_owned(),
                text.replace("NAME", name).replace("TITLE", &title(name)),
            )
        })
        .chain(slots())
        .collect()
}

/// One event to try it with; records stay outside the package's hash.
pub(super) fn sample() -> Vec<File> {
    vec![(
        "records/sample.json".to_owned(),
        include_str!("blank/records/sample.json").to_owned(),
    )]
}

/// As [`files`], with a program as the model.
pub(super) fn from_script(name: &str, script: &Path) -> Result<Vec<File>, Problem> {
    let path = script.canonicalize().map_err(|e| {
        Problem::new("not_found", format!("{}: {e}", script.display())).field("from-script")
    })?;
    let path_text = path
        .to_str()
        .ok_or_else(|| Problem::new("bad_request", "the path is not UTF-8").field("from-script"))?;
    let command: Vec<&str> = match path.extension().and_then(|e| e.to_str()) {
        Some("py") => vec!["python3", path_text],
        Some("sh") => vec!["sh", path_text],
        Some("js" | "mjs") => vec!["node", path_text],
        _ => vec![path_text],
    };
    let quoted: Vec<String> = command
        .iter()
        .map(|part| toml::Value::from(*part).to_string())
        .collect();
    let file_name = path
        .file_stem()
        .and_then(|s| s.to_str())
        .unwrap_or("script");
    let model = format!(
        "[model]\n# Reads one JSON object on standard input (facts, prompt, schema) and writes one that meets\n\
         # output.schema.json. It sees PATH, HOME, LANG and nothing else of the environment.\n\
         kind = \"command\"\npin = {}\ncommand = [{}]\nclearance = \"internal\"\n\n",
        toml::Value::from(format!("{file_name}-1")),
        quoted.join(", ")
    );
    let mut files = files(name);
    if let Some((_, text)) = files.iter_mut().find(|(file, _)| file == "workflow.toml") {
        let (start, end) = (text.find(MODEL.0), text.find(MODEL.1));
        let (Some(start), Some(end)) = (start, end) else {
            return Err(Problem::new("internal", "the template has no model part"));
        };
        text.replace_range(start..end, &model);
    }
    Ok(files)
}

/// `invoice-match` becomes `Invoice match`.
fn title(name: &str) -> String {
    let words = name.replace('-', " ");
    let mut chars = words.chars();
    chars
        .next()
        .map(|c| c.to_ascii_uppercase().to_string() + chars.as_str())
        .unwrap_or_default()
}
