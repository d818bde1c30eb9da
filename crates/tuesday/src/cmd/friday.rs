//! `tuesday readiness friday`: a finished run at random, twenty minutes, fixed questions, graded against
//! the record.

use std::collections::BTreeSet;
use std::process::ExitCode;

use serde_json::json;
use tuesday_domain::charter::friday::{FridayAnswers, FridayQuestion, FridayState};
use tuesday_domain::problem::Problem;
use tuesday_engine::ops::FridayOpen;

use crate::args;
use crate::cli::Common;
use crate::config::Home;
use crate::out;
use crate::wiring::{self, Opening};

/// Starts a test or shows the one that runs; with answers, grades it: 1 unless it was passed.
pub(super) async fn run(
    common: &Common,
    workflow: &str,
    answers: &[String],
    helped_by: Option<String>,
) -> Result<ExitCode, Problem> {
    let node = wiring::open(Home::find(common)?, Opening::default()).await?;
    let (engine, by) = (&node.engine, wiring::person(common)?);
    if answers.is_empty() {
        let mut view = Box::pin(engine.friday(workflow, &by)).await?;
        if view
            .open
            .as_ref()
            .is_none_or(|o| o.person != by || o.seconds_left == 0)
        {
            Box::pin(engine.start_friday(workflow, &by)).await?;
            view = Box::pin(engine.friday(workflow, &by)).await?;
        }
        let open = view
            .open
            .ok_or_else(|| Problem::new("internal", "the test is missing"))?;
        asked(common, workflow, &open)?;
        return Ok(ExitCode::SUCCESS);
    }
    let helped = match helped_by.as_deref().map(str::trim) {
        None | Some("") => {
            return Err(
                Problem::new("bad_request", "it is not said whether somebody helped")
                    .field("helped-by")
                    .way_out("--helped-by nobody, or who"),
            );
        }
        Some("nobody") => None,
        Some(who) => Some(who.to_owned()),
    };
    let done = engine.answer_friday(workflow, read(answers)?, helped, &by);
    let (test, report) = Box::pin(done).await?;
    if common.json {
        out::json_line(
            &json!({"workflow": test.workflow, "seq": test.seq, "state": test.state,
            "run": test.run.to_string(), "report": report}),
        );
    } else {
        let mut table = out::table(&["Question", "Right", "Said", "Record"]);
        for g in &report.grades {
            let right = if g.right { "yes" } else { "no" };
            table.add_row([
                g.question.word(),
                right,
                &g.said.join(", "),
                &g.record.join(", "),
            ]);
        }
        out::line(&table.to_string());
        out::line(&format!("{}: {}", test.state, report.words()));
    }
    Ok(ExitCode::from(u8::from(test.state != FridayState::Passed)))
}

/// `question=value,value` for each question.
fn read(answers: &[String]) -> Result<FridayAnswers, Problem> {
    let mut out = FridayAnswers::new();
    for text in answers {
        let bad = || {
            Problem::new("bad_request", format!("`{text}` is not an answer"))
                .field("answer")
                .way_out("--answer happened=written_back")
        };
        let (question, said) = text.split_once('=').ok_or_else(bad)?;
        let question: FridayQuestion = args::word(question, "answer")?;
        let said: BTreeSet<String> = if question.several() {
            said.split(',').map(|s| s.trim().to_owned()).collect()
        } else {
            BTreeSet::from([said.trim().to_owned()])
        };
        out.insert(question, said);
    }
    Ok(out)
}

fn asked(common: &Common, workflow: &str, open: &FridayOpen) -> Result<(), Problem> {
    if common.json {
        let value =
            serde_json::to_value(open).map_err(|e| Problem::new("internal", e.to_string()))?;
        out::json_line(&value);
        return Ok(());
    }
    let run = open.run.clone().unwrap_or_default();
    out::line(&format!(
        "run {run}, until {} ({} s left)",
        open.until, open.seconds_left
    ));
    if let Some(why) = &open.not_counted {
        out::say(&format!(
            "warning: {why}: this is practice and counts for nothing"
        ));
    }
    for q in &open.questions {
        out::line(&format!("{}: {}", q.question, q.text));
        for o in &q.options {
            out::line(&format!("    {}  {}", o.value, o.words));
        }
    }
    out::line(&format!(
        "answer: tuesday readiness friday {workflow} --answer happened=… --answer inputs=…,… --helped-by nobody"
    ));
    Ok(())
}
