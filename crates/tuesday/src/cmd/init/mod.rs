//! `tuesday init NAME`: a package of one's own that passes `tuesday check` at once.

mod blank;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Args, ValueEnum};
use serde_json::json;
use tuesday_domain::definition::{Package, lint};
use tuesday_domain::problem::Problem;

use crate::cli::Common;
use crate::{files, out};

/// Arguments of `init`.
#[derive(Debug, Args)]
pub(crate) struct InitArgs {
    /// Name of the workflow and of the folder: lower-case letters, digits and hyphens
    name: String,
    /// What to start from
    #[arg(long, value_enum, default_value_t = Template::Blank)]
    template: Template,
    /// A program that reads one JSON object and writes one: becomes the model step, unchanged
    #[arg(long, value_name = "FILE", conflicts_with = "template")]
    from_script: Option<PathBuf>,
}

/// What a package starts from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Template {
    /// One request in, one ticket out
    SupportTriage,
    /// One opportunity in, one document draft out
    DocumentDraft,
    /// One questionnaire in, one risk flag out
    DealRisk,
    /// One payment in, one match out
    Reconciliation,
    /// The smallest package that runs: webhook or command line in, a file out
    Blank,
}

impl Template {
    const fn example(self) -> Option<&'static str> {
        match self {
            Self::SupportTriage => Some("support-triage"),
            Self::DocumentDraft => Some("document-draft"),
            Self::DealRisk => Some("deal-risk"),
            Self::Reconciliation => Some("reconciliation"),
            Self::Blank => None,
        }
    }
}

/// Writes the package and says what to do next.
pub(crate) fn run(common: &Common, args: &InitArgs) -> Result<ExitCode, Problem> {
    check_name(&args.name)?;
    let dir = PathBuf::from(&args.name);
    if dir.exists() {
        return Err(
            Problem::new("bad_request", format!("{} is there already", dir.display()))
                .field("name")
                .way_out("choose another name"),
        );
    }
    let (files, extra) = match (&args.from_script, args.template.example()) {
        (Some(script), _) => (blank::from_script(&args.name, script)?, blank::sample()),
        (None, Some(example)) => (from_example(example, &args.name), Vec::new()),
        (None, None) => (blank::files(&args.name), blank::sample()),
    };
    // What is written must be right before a person touches it.
    let faults = lint::check(&Package::new(files.clone()), &BTreeMap::new());
    if let Some(f) = faults.iter().find(|f| !f.warning) {
        return Err(Problem::new(
            "internal",
            format!("the template is faulty: {}: {}", f.file, f.message),
        ));
    }
    for (name, text) in files.iter().chain(&extra) {
        write(&dir.join(name), text)?;
    }
    tell(common, args, files.len() + extra.len());
    Ok(ExitCode::SUCCESS)
}

fn check_name(name: &str) -> Result<(), Problem> {
    let fits = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    if name.len() > 60
        || !name.starts_with(|c: char| c.is_ascii_lowercase())
        || !name.chars().all(fits)
    {
        return Err(Problem::new(
            "bad_request",
            format!("`{name}` is not a name for a workflow"),
        )
        .field("name")
        .way_out("lower-case letters, digits and hyphens, beginning with a letter"));
    }
    Ok(())
}

/// An example under another name, asking for no more than a pilot.
fn from_example(example: &str, name: &str) -> Vec<(String, String)> {
    let rename = |(file, text): (String, String)| {
        let mut text = text.replace(example, name);
        if file == "workflow.toml" {
            text = text
                .replace("label = \"production\"", "label = \"pilot\"")
                .replace("stage = \"auto\"", "stage = \"approval_first\"");
        }
        (file, text)
    };
    files::example(example)
        .files
        .into_iter()
        .map(rename)
        .collect()
}

fn write(path: &Path, text: &str) -> Result<(), Problem> {
    let failed = |e: std::io::Error| out::unavailable(format!("{}: {e}", path.display()));
    if let Some(parent) = path.parent() {
        std::fs::create_dir_all(parent).map_err(failed)?;
    }
    std::fs::write(path, text).map_err(failed)
}

fn tell(common: &Common, args: &InitArgs, count: usize) {
    let name = &args.name;
    if common.json {
        return out::json_line(&json!({"name": name, "dir": name, "files": count}));
    }
    out::line(&format!("Wrote {count} files to {name}/"));
    let of_own = args.from_script.is_some() || args.template == Template::Blank;
    let mut next = vec![
        format!("edit the people under [owners] in {name}/workflow.toml: they get the work"),
        format!("tuesday check {name}"),
    ];
    if of_own {
        next.push(format!(
            "tuesday install {name} --test-instance, to try it (a real one begins as research and writes drafts only)"
        ));
        next.push(format!(
            "tuesday run start {name} --input {name}/records/sample.json --wait"
        ));
        next.push("tuesday review list".to_owned());
        next.push("tuesday serve, for webhooks and the console".to_owned());
    } else {
        next.push(format!("set desk_url and the other [vars] to your systems, or try `tuesday stub`; {name}/README.md says more"));
        next.push(format!(
            "tuesday install {name} --set desk_url=http://127.0.0.1:4390"
        ));
    }
    out::say("Next:");
    for (i, step) in next.iter().enumerate() {
        out::say(&format!("  {}. {step}", i + 1));
    }
}

#[cfg(test)]
mod tests {
    use tuesday_domain::eval::{GateReason, Kind, PackReader};

    use super::*;

    /// A pack from the first day: a file for each kind, and the gate names what it lacks.
    #[test]
    fn a_blank_package_has_a_place_for_each_kind_of_case() {
        let package = Package::new(blank::files("own-work"));
        let mut reader = PackReader::new(package.text("evals/gate.toml"));
        for kind in Kind::ALL.iter().filter(|k| **k != Kind::Happy) {
            assert_eq!(package.text(&format!("evals/{kind}.jsonl")), Some(""));
        }
        let golden = package.text("evals/golden.jsonl").unwrap_or_default();
        for (line, number) in golden.lines().zip(1..) {
            reader.line("evals/golden.jsonl", number, line);
        }
        let faults = reader.finish().faults;
        let missing = faults
            .iter()
            .filter(|f| f.reason == GateReason::KindMissing);
        assert_eq!(missing.count(), Kind::ALL.len() - 1);
        assert_eq!(faults.len(), Kind::ALL.len() - 1, "{faults:?}");
    }

    #[test]
    fn every_template_is_free_of_faults_and_warnings_about_rules() {
        for template in Template::value_variants() {
            let files = template
                .example()
                .map_or_else(|| blank::files("own-work"), |e| from_example(e, "own-work"));
            let faults = lint::check(&Package::new(files), &BTreeMap::new());
            let wrong: Vec<_> = faults
                .iter()
                .filter(|f| !f.warning || *template == Template::Blank && f.code != "rules")
                .collect();
            assert!(wrong.is_empty(), "{template:?}: {wrong:?}");
        }
    }

    #[test]
    fn names_are_names() {
        assert!(check_name("invoice-match-2").is_ok());
        for bad in ["", "2nd", "Über", "a b", "../x", "-a"] {
            assert_eq!(check_name(bad).map_err(|p| p.exit()), Err(2), "{bad}");
        }
    }
}
