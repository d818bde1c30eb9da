//! `tuesday eval graders`: every grader of a package that asks a model, held against what people said of its
//! labels. Nothing is stored: the gate measures for itself.

use std::process::ExitCode;
use std::sync::Arc;

use serde_json::json;
use tuesday_domain::eval::{Agreement, GraderTerms, Pack};
use tuesday_domain::problem::Problem;

use super::run::{Asked, through};
use super::{EvalArgs, Source};
use crate::cli::Common;
use crate::config::Home;
use crate::{out, wiring};

/// Asks and prints; exit 1 when a grader would not count.
pub(super) async fn run(common: &Common, args: &EvalArgs, of: &str) -> Result<ExitCode, Problem> {
    let word = &args.which.what;
    if word != "graders" {
        let words = format!("`{word}` is no part of eval that takes {of}");
        return Err(Problem::new("bad_request", words)
            .field("what")
            .way_out("tuesday eval graders PATH"));
    }
    let source = Source::find(common, of, &args.which.set).await?;
    let pack = source.pack()?;
    let faults: Vec<&str> = pack
        .faults
        .iter()
        .filter(|f| f.file.starts_with("evals/graders/"))
        .map(|f| f.message.as_str())
        .collect();
    if pack.graders.is_empty() || !faults.is_empty() {
        let none = "there is no grader in evals/graders";
        let words = faults.first().copied().unwrap_or(none).to_owned();
        return Err(Problem::new("bad_request", words)
            .field("of")
            .way_out("see docs/guides/evals.md, Model graders"));
    }
    let asked = Asked {
        record: args.record.clone(),
        recorded: args.which.recorded.clone(),
        cache: args.cache.clone(),
        ..Asked::default()
    };
    let model = wiring::ports(&Home::find(common)?)?.model;
    let tape = asked.tape(&model)?;
    let model = through(tape.as_ref(), model);
    let trial = source.trial(Arc::clone(&model)).await?;
    let graders = source.graders(&trial, model);
    let names: Vec<String> = pack.graders.keys().cloned().collect();
    let found = Box::pin(graders.agreements(&names)).await;
    Ok(told(common, &pack, &found))
}

fn told(common: &Common, pack: &Pack, found: &[Agreement]) -> ExitCode {
    let why = |a: &Agreement| {
        let terms: Option<&GraderTerms> = pack.graders.get(&a.name);
        terms.map_or_else(|| Some("not declared".to_owned()), |t| a.short_of(t))
    };
    let counts = found.iter().all(|a| why(a).is_none());
    if common.json {
        let all: Vec<_> = found
            .iter()
            .map(|a| json!({"grader": a, "terms": pack.graders.get(&a.name), "counts": why(a).is_none(), "why": why(a)}))
            .collect();
        out::json_line(&json!({"counts": counts, "graders": all}));
    } else {
        super::print::graders(found);
        for a in found {
            out::line(&format!(
                "  lets through {} that people failed, holds back {} that people passed, no answer on {}",
                a.let_through,
                a.held_back,
                a.silent_pass + a.silent_fail
            ));
            let words =
                why(a).map_or_else(|| "counts".to_owned(), |w| format!("does not count: {w}"));
            out::line(&format!("  {words}"));
        }
    }
    ExitCode::from(u8::from(!counts))
}
