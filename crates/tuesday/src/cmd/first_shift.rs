//! `tuesday readiness first-shift`: a fixed queue of twenty known cases, decided alone after the training.

use std::process::ExitCode;

use tuesday_domain::charter::first_shift::FirstShiftState;
use tuesday_domain::problem::Problem;
use tuesday_engine::ops::{FirstShiftOpen, ShiftProgress};

use crate::cli::Common;
use crate::config::Home;
use crate::out;
use crate::wiring::{self, Opening};

/// Starts a shift or shows what is left of one's own; with answers, keeps them. The last one grades it: 1
/// unless it was passed.
pub(super) async fn run(
    common: &Common,
    workflow: &str,
    answers: &[String],
    helped_by: Option<&str>,
) -> Result<ExitCode, Problem> {
    let node = wiring::open(Home::find(common)?, Opening::default()).await?;
    let (engine, by) = (&node.engine, wiring::person(common)?);
    if answers.is_empty() {
        let mut view = Box::pin(engine.first_shift(workflow, &by)).await?;
        if view.open.is_none() {
            Box::pin(engine.start_first_shift(workflow, &by)).await?;
            view = Box::pin(engine.first_shift(workflow, &by)).await?;
        }
        let open = view
            .open
            .ok_or_else(|| Problem::new("internal", "the shift is missing"))?;
        asked(common, workflow, &open)?;
        return Ok(ExitCode::SUCCESS);
    }
    let said = read(answers)?;
    let done = engine.answer_first_shift(workflow, &said, helped_by, &by);
    let done = Box::pin(done).await?;
    told(common, &done)?;
    let bad = matches!(
        done.state,
        FirstShiftState::Failed | FirstShiftState::NotCounted
    );
    Ok(ExitCode::from(u8::from(bad)))
}

/// `case=approve` or `case=not` for each decision.
fn read(answers: &[String]) -> Result<Vec<(u32, bool)>, Problem> {
    let one = |text: &String| {
        let (case, said) = text.split_once('=')?;
        let said = match said.trim() {
            "approve" => true,
            "not" => false,
            _ => return None,
        };
        Some((case.trim().parse().ok()?, said))
    };
    answers
        .iter()
        .map(|text| {
            one(text).ok_or_else(|| {
                Problem::new("bad_request", format!("`{text}` is not a decision"))
                    .field("answer")
                    .way_out("--answer 1=approve, or --answer 1=not")
            })
        })
        .collect()
}

fn asked(common: &Common, workflow: &str, open: &FirstShiftOpen) -> Result<(), Problem> {
    if common.json {
        let value =
            serde_json::to_value(open).map_err(|e| Problem::new("internal", e.to_string()))?;
        out::json_line(&value);
        return Ok(());
    }
    out::line(&format!(
        "first shift {}, since {}: {} of {} cases left",
        open.seq,
        open.from,
        open.left.len(),
        open.of
    ));
    for case in &open.left {
        let record = serde_json::Value::Object(case.sources.clone());
        let proposed = serde_json::Value::Object(case.proposed.clone());
        out::line(&format!("case {}: {}", case.number, case.input));
        out::line(&format!("    sources   {record}"));
        out::line(&format!("    proposed  {proposed}"));
    }
    out::line(&format!(
        "decide: tuesday readiness first-shift {workflow} --answer 1=approve --answer 2=not … --helped-by nobody"
    ));
    Ok(())
}

fn told(common: &Common, done: &ShiftProgress) -> Result<(), Problem> {
    if common.json {
        let value =
            serde_json::to_value(done).map_err(|e| Problem::new("internal", e.to_string()))?;
        out::json_line(&value);
        return Ok(());
    }
    let Some(report) = &done.report else {
        out::line(&format!("kept, {} cases left", done.left));
        return Ok(());
    };
    let mut table = out::table(&["Case", "Right", "Said", "Why"]);
    for c in &done.cases {
        let right = if c.approved == c.approve { "yes" } else { "no" };
        let said = if c.approved { "approve" } else { "not" };
        table.add_row([&c.case.number.to_string(), right, said, &c.why]);
    }
    out::line(&table.to_string());
    out::line(&format!("{}: {}", done.state, report.words()));
    Ok(())
}
