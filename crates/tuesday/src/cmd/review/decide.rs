//! The decisions that end a task: approve, edit, reject, settle.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use serde_json::{Value, json};
use tuesday_domain::id::ReviewId;
use tuesday_domain::problem::Problem;
use tuesday_domain::record::SeedResult;
use tuesday_engine::ops::{Approval, Case, Decided, Refusal, Settlement};

use super::{Act, Answers, How};
use crate::cli::Common;
use crate::cmd::run::{Wait, tell};
use crate::cmd::wait::Session;
use crate::{args, out, views, wiring};

/// Decides, waits where that was asked for, and says what came of it.
pub(super) async fn run(common: &Common, act: Act) -> Result<ExitCode, Problem> {
    let by = wiring::person(common)?;
    let decision = match &act {
        Act::Approve { decision, .. }
        | Act::Edit { decision, .. }
        | Act::Reject { decision, .. }
        | Act::Settle { decision, .. }
        | Act::Recall { decision } => decision,
        _ => return Err(no_decision()),
    };
    let id: ReviewId = args::id(&decision.id, "id")?;
    let wait = decision.wait;
    let session = Session::open(common, wait.wait).await?;
    let told = match Box::pin(decide(&session, id, &by, act)).await {
        Ok(done) => finish(common, &session, done, wait).await,
        Err(e) => Err(e),
    };
    session.close().await;
    told
}

async fn decide(session: &Session, id: ReviewId, by: &str, act: Act) -> Result<Decided, Problem> {
    let engine = &session.node.engine;
    match act {
        Act::Approve {
            decision,
            answers,
            reason,
        } => {
            let approval = Approval {
                revision: decision.revision,
                note: decision.note,
                checklist: checklist(session, id, &answers).await?,
                accept_changed: answers.accept_changed,
                reason,
                key: decision.key,
                ..Approval::default()
            };
            engine.approve(id, by, approval).await
        }
        Act::Edit {
            decision,
            answers,
            set,
            file,
            reason,
        } => {
            let approval = Approval {
                revision: decision.revision,
                edit: Some(edited(&engine.case(id).await?, &set, file)?),
                reason,
                note: decision.note,
                checklist: checklist(session, id, &answers).await?,
                accept_changed: answers.accept_changed,
                key: decision.key,
            };
            engine.approve(id, by, approval).await
        }
        Act::Reject { decision, reason } => {
            let (revision, note, key) = (decision.revision, decision.note, decision.key);
            engine
                .reject(
                    id,
                    by,
                    Refusal {
                        revision,
                        reason,
                        note,
                        key,
                    },
                )
                .await
        }
        Act::Settle { decision, how } => {
            let settlement = settlement(how, decision.note)?;
            let (revision, key) = (decision.revision, decision.key);
            Box::pin(engine.settle_once(id, by, revision, key.as_deref(), settlement)).await
        }
        Act::Recall { .. } => engine.recall(id, by).await,
        _ => Err(no_decision()),
    }
}

fn no_decision() -> Problem {
    Problem::new("internal", "this is no decision")
}

async fn finish(
    common: &Common,
    session: &Session,
    done: Decided,
    wait: Wait,
) -> Result<ExitCode, Problem> {
    let waits = wait.wait && done.approvals_left == 0;
    let run = if waits {
        session.settled(done.run.id, wait.timeout.0).await?
    } else {
        done.run
    };
    if common.json {
        out::json_line(
            &json!({"review": views::review(&done.review), "run": views::run(&run), "approvals_left": done.approvals_left,
                "recall_until": done.recall_until.map(tuesday_domain::time::Timestamp::rfc3339), "changes": done.changes,
                "seed": done.seed.map(|s| json!({"result": s.result.map(SeedResult::word), "fault": s.fault, "field": s.field}))}),
        );
        return Ok(ExitCode::SUCCESS);
    }
    let what = done
        .review
        .decision
        .map_or_else(|| done.review.state.word(), |d| d.word())
        .replace('_', " ");
    if done.approvals_left > 0 {
        out::line(&format!(
            "{}: approved, {} more needed; {} has it now",
            done.review.id, done.approvals_left, done.review.owner
        ));
    } else {
        out::line(&format!("{}: {what}", done.review.id));
        if let Some(seed) = &done.seed {
            let went = match seed.result {
                Some(SeedResult::Missed) => "and it went through",
                _ => "and it was caught",
            };
            let (field, fault) = (&seed.field, &seed.fault);
            out::line(&format!(
                "  a known error, {went}: `{field}` was wrong on purpose ({fault})"
            ));
        }
        tell(common, &run);
    }
    Ok(ExitCode::SUCCESS)
}

async fn checklist(
    session: &Session,
    id: ReviewId,
    answers: &Answers,
) -> Result<Vec<String>, Problem> {
    if !answers.all_checked {
        return Ok(answers.checked.clone());
    }
    let case = session.node.engine.case(id).await?;
    Ok(case.tier.map(|t| t.checklist).unwrap_or_default())
}

fn settlement(how: How, note: Option<String>) -> Result<Settlement, Problem> {
    Ok(match how {
        How {
            happened: Some(evidence),
            ..
        } => Settlement::Happened { evidence },
        How {
            did_not_happen: Some(evidence),
            ..
        } => Settlement::DidNotHappen { evidence },
        How {
            hand_over: Some(result),
            ..
        } => Settlement::HandOver { result },
        How {
            supply: Some(path), ..
        } => Settlement::Supply {
            input: object(&path, "supply")?,
        },
        How {
            close_failed: Some(reason),
            ..
        } => Settlement::CloseFailed { reason },
        How { .. } => Settlement::Regenerate { reason: note },
    })
}

fn object(path: &Path, field: &str) -> Result<Value, Problem> {
    let bytes = args::input(path, field)?;
    tuesday_domain::json::parse_strict(&bytes)
        .map_err(|e| Problem::new("bad_request", format!("{}: {e}", path.display())).field(field))
}

/// The output with the edited fields, or the whole file. A field that the schema calls a string
/// takes the value as it is typed; every other value is read as JSON.
fn edited(case: &Case, set: &[String], file: Option<PathBuf>) -> Result<Value, Problem> {
    if let Some(path) = file {
        return object(&path, "file");
    }
    let mut output = case
        .output
        .clone()
        .ok_or_else(|| Problem::new("illegal_state", "there is no output to edit"))?;
    for pair in set {
        let bad = |why: &str| Problem::new("bad_request", format!("`{pair}`: {why}")).field("set");
        let (field, text) = pair.split_once('=').ok_or_else(|| bad("not FIELD=VALUE"))?;
        let kind = case.output_schema.pointer(&format!("/properties/{field}"));
        let kind = kind.ok_or_else(|| {
            bad("the output schema has no such field").way_out(known_fields(&case.output_schema))
        })?;
        let is_text = kind.get("type").is_some_and(|t| t == "string") || kind.get("enum").is_some();
        let value = match serde_json::from_str(text) {
            Ok(value) if !is_text => value,
            _ if is_text => Value::String(text.to_owned()),
            _ => return Err(bad("the value is not JSON")),
        };
        output[field] = value;
    }
    Ok(output)
}

fn known_fields(schema: &Value) -> String {
    let names = schema.get("properties").and_then(Value::as_object);
    let names: Vec<&str> = names
        .into_iter()
        .flatten()
        .map(|(k, _)| k.as_str())
        .collect();
    format!("one of: {}", names.join(", "))
}
