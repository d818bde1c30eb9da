//! `cargo xtask tidy`: the rules of the house that no compiler knows.
//!
//! Each check is a pure function from files to findings; here they are called, excused where the
//! shrinking list says so, and printed as `path:line: what; way out`.

mod domain;
mod edges;
mod errors;
mod exceptions;
mod frame;
mod lexer;
mod paths;
mod size;
mod source;
mod vendored;
mod words;
mod writes;

use std::fs;
use std::path::Path;
use std::process::ExitCode;

use anyhow::Result;

use source::Source;

/// One thing that is not as it should be.
#[derive(Debug)]
pub(crate) struct Finding {
    check: &'static str,
    path: String,
    /// From 1.
    line: usize,
    item: Option<String>,
    what: String,
    way_out: String,
    /// Only sizes may stand in the list of exceptions.
    excusable: bool,
}

impl Finding {
    fn new(check: &'static str, path: &str, line: usize, what: String, way_out: String) -> Finding {
        Finding {
            check,
            path: path.to_owned(),
            line,
            item: None,
            what,
            way_out,
            excusable: false,
        }
    }

    fn sized(
        check: &'static str,
        path: &str,
        line: usize,
        item: Option<&str>,
        what: String,
        way_out: String,
    ) -> Finding {
        let item = item.map(str::to_owned);
        Finding {
            check,
            path: path.to_owned(),
            line,
            item,
            what,
            way_out,
            excusable: true,
        }
    }

    /// How the list of exceptions names it; without the line, which moves.
    fn place(&self) -> String {
        match &self.item {
            Some(item) => format!("{}::{item}", self.path),
            None => self.path.clone(),
        }
    }
}

/// Prints the findings; the exit code is 1 when there are any.
pub(crate) fn run(root: &Path) -> Result<ExitCode> {
    Ok(if check(root)? == 0 {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

/// Runs every check, prints what it finds and returns how much that is.
pub(crate) fn check(root: &Path) -> Result<usize> {
    let (files, mut findings) = collect(root)?;
    findings.sort_by(|a, b| (&a.path, a.line, a.check).cmp(&(&b.path, b.line, b.check)));
    for finding in &findings {
        println!(
            "{}:{}: {}; {}",
            finding.path, finding.line, finding.what, finding.way_out
        );
    }
    println!("tidy: {files} Rust files, {} findings", findings.len());
    Ok(findings.len())
}

fn collect(root: &Path) -> Result<(usize, Vec<Finding>)> {
    let mut paths = source::files(root, "crates", ".rs")?;
    paths.extend(source::files(root, "xtask", ".rs")?);
    let mut findings = Vec::new();
    for path in &paths {
        let source = Source::read(root, path)?;
        size::source(&source, &mut findings);
        words::check(&source, &mut findings);
        domain::check(&source, &mut findings);
        writes::check(&source, &mut findings);
    }
    size::console(root, &mut findings)?;
    edges::check(root, &mut findings)?;
    frame::migrations(root, &mut findings)?;
    frame::dated_files(root, &mut findings)?;
    frame::dependencies(root, &mut findings)?;
    vendored::check(root, &mut findings)?;
    errors::check(root, &mut findings)?;
    let list = fs::read_to_string(root.join(exceptions::LIST)).unwrap_or_default();
    Ok((paths.len(), exceptions::apply(&list, findings)))
}
