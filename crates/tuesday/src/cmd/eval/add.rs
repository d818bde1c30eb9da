//! `tuesday eval add --from-run RUN`: a case of a run, to be looked at and kept in the pack.

use std::io::Write as _;
use std::path::Path;
use std::process::ExitCode;

use tuesday_domain::eval::{Case, Expect, Kind};
use tuesday_domain::problem::Problem;

use crate::cli::Common;
use crate::config::Home;
use crate::wiring::{self, Opening};
use crate::{args, out};

/// What was asked for.
pub(super) struct Asked<'a> {
    pub(super) run: &'a str,
    pub(super) kind: &'a str,
    pub(super) expect: Option<&'a str>,
    pub(super) to: Option<&'a Path>,
}

/// Prints the case, or appends it to a file.
pub(super) async fn run(
    common: &Common,
    word: &str,
    asked: Asked<'_>,
) -> Result<ExitCode, Problem> {
    if word != "add" {
        return Err(Problem::new("bad_request", "--from-run makes a case")
            .field("from_run")
            .way_out("tuesday eval add --from-run RUN"));
    }
    let kind: Kind = args::word(asked.kind, "kind")?;
    let bad = |e: String| Problem::new("bad_request", e).field("expect");
    let expect: Option<Expect> = asked
        .expect
        .map(|text| serde_json::from_str(text).map_err(|e| bad(e.to_string())))
        .transpose()?;
    let node = wiring::open(Home::find(common)?, Opening::default()).await?;
    let id = args::id(asked.run, "run")?;
    let case = node.engine.case_of_run(id, kind, expect).await?;
    let line = serde_json::to_string(&case).map_err(|e| bad(e.to_string()))?;
    // What the pack cannot read must not get into it.
    Case::parse(&line).map_err(bad)?;
    let Some(path) = asked.to else {
        out::line(&line);
        return Ok(ExitCode::SUCCESS);
    };
    let cannot =
        |e: std::io::Error| out::unavailable(format!("{}: {e}", path.display())).field("to");
    let old = match std::fs::read_to_string(path) {
        Ok(text) => text,
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => String::new(),
        Err(e) => return Err(cannot(e)),
    };
    let gap = if old.is_empty() || old.ends_with('\n') {
        ""
    } else {
        "\n"
    };
    std::fs::OpenOptions::new()
        .create(true)
        .append(true)
        .open(path)
        .and_then(|mut f| f.write_all(format!("{gap}{line}\n").as_bytes()))
        .map_err(cannot)?;
    out::line(&format!("{} added to {}", case.name, path.display()));
    Ok(ExitCode::SUCCESS)
}
