//! `cargo xtask test`: every check in order, each with a header, a time and a line in the table.

mod demo;
mod steps;
mod summary;

use std::path::Path;
use std::process::ExitCode;
use std::time::Instant;

use anyhow::{Result, bail};

use steps::{Outcome, STEPS, Session, Step};
use summary::{Line, Verdict};

#[derive(Debug, Default, PartialEq, Eq)]
struct Options {
    keep_going: bool,
    list: bool,
    only: Vec<String>,
}

/// Runs the chosen steps; the exit code is 0 only when each of them passed.
pub(crate) fn run(root: &Path, args: &[String]) -> Result<ExitCode> {
    let options = parse(args)?;
    if options.list {
        for step in STEPS {
            println!("{:<10} {}", step.name, step.about);
        }
        return Ok(ExitCode::SUCCESS);
    }
    let mut session = Session::new(root)?;
    let mut lines: Vec<Line> = Vec::new();
    let mut stopped = false;
    for step in STEPS.iter().filter(|step| chosen(step, &options)) {
        if stopped {
            lines.push(Line::not_run(step.name));
            continue;
        }
        let line = run_step(step, &mut session);
        stopped = matches!(line.verdict, Verdict::Failed(_)) && !options.keep_going;
        lines.push(line);
    }
    // The database stops before the table, so that the last line of all is the verdict.
    drop(session);
    summary::print(&lines);
    let failed = lines
        .iter()
        .any(|line| matches!(line.verdict, Verdict::Failed(_)));
    Ok(if failed {
        ExitCode::FAILURE
    } else {
        ExitCode::SUCCESS
    })
}

fn run_step(step: &Step, session: &mut Session) -> Line {
    println!("\n=== {}: {}", step.name, step.about);
    let started = Instant::now();
    let verdict = match (step.run)(session) {
        Ok(Outcome::Passed) => Verdict::Passed,
        Ok(Outcome::Skipped(why)) => {
            println!("{why}");
            Verdict::Skipped(why)
        }
        Err(error) => {
            let why = format!("{error:#}");
            println!("FAILED {}: {why}", step.name);
            Verdict::Failed(why)
        }
    };
    Line {
        step: step.name,
        verdict,
        took: started.elapsed(),
    }
}

fn chosen(step: &Step, options: &Options) -> bool {
    options.only.is_empty() || options.only.iter().any(|name| name == step.name)
}

fn parse(args: &[String]) -> Result<Options> {
    let mut options = Options::default();
    let mut rest = args.iter();
    while let Some(arg) = rest.next() {
        match arg.as_str() {
            "--keep-going" => options.keep_going = true,
            "--list" => options.list = true,
            "--only" => match rest.next() {
                Some(name) if STEPS.iter().any(|step| step.name == name) => {
                    options.only.push(name.clone());
                }
                Some(name) => bail!("there is no step `{name}`; see `cargo xtask test --list`"),
                None => bail!("`--only` needs a step; see `cargo xtask test --list`"),
            },
            other => bail!("`test` has no option `{other}`: --keep-going, --only STEP, --list"),
        }
    }
    Ok(options)
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests fail loudly")]
    use super::*;

    fn words(text: &str) -> Vec<String> {
        text.split_whitespace().map(str::to_owned).collect()
    }

    #[test]
    fn options_are_read_and_unknown_ones_refused() {
        let options = parse(&words("--keep-going --only tidy --only fmt")).unwrap();
        assert!(options.keep_going && !options.list);
        assert_eq!(options.only, ["tidy", "fmt"]);
        for wrong in ["--only", "--only dance", "--fast", "tidy"] {
            assert!(parse(&words(wrong)).is_err(), "{wrong}");
        }
    }

    #[test]
    fn step_names_are_unique() {
        let mut names: Vec<_> = STEPS.iter().map(|step| step.name).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), STEPS.len());
    }
}
