//! The Friday test over the API: start one for oneself, read its questions, answer them.

use std::collections::{BTreeMap, BTreeSet};

use axum::Json;
use axum::body::Bytes;
use axum::extract::{Path, State};
use serde::Deserialize;
use serde_json::{Value, json};
use tuesday_domain::problem::Problem;
use utoipa::ToSchema;

use crate::auth::ApiReviewer;
use crate::query;
use crate::refusal::{ApiError, ProblemBody};
use crate::state::App;

/// What is answered, and who helped.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct FridayBody {
    /// Word of each question: what was chosen or typed.
    answers: BTreeMap<String, Vec<String>>,
    /// Handle of who helped, or `nobody`.
    help: String,
}

fn value(of: &impl serde::Serialize) -> Result<Json<Value>, ApiError> {
    let value = serde_json::to_value(of).map_err(|e| Problem::new("internal", e.to_string()))?;
    Ok(Json(value))
}

/// The Friday tests of a workflow; the questions of the one that runs for who takes it.
#[utoipa::path(get, path = "/api/v1/workflows/{workflow}/friday", tag = "workflows", params(("workflow" = String, Path)),
    responses((status = 200, body = serde_json::Value), (status = 404, body = ProblemBody)))]
pub(crate) async fn show(
    State(app): State<App>,
    by: ApiReviewer,
    Path(name): Path<String>,
) -> Result<Json<Value>, ApiError> {
    by.sees(&name)?;
    value(&Box::pin(app.engine.friday(&name, &by.person)).await?)
}

/// Picks a finished run and starts the twenty minutes.
#[utoipa::path(post, path = "/api/v1/workflows/{workflow}/friday", tag = "workflows", params(("workflow" = String, Path)),
    responses((status = 200, body = serde_json::Value), (status = 404, body = ProblemBody), (status = 409, body = ProblemBody)))]
pub(crate) async fn start(
    State(app): State<App>,
    by: ApiReviewer,
    Path(name): Path<String>,
) -> Result<Json<Value>, ApiError> {
    by.sees(&name)?;
    Box::pin(app.engine.start_friday(&name, &by.person)).await?;
    value(&Box::pin(app.engine.friday(&name, &by.person)).await?)
}

/// Grades the answers against the record of the run.
#[utoipa::path(post, path = "/api/v1/workflows/{workflow}/friday/answers", tag = "workflows", params(("workflow" = String, Path)), request_body = FridayBody,
    responses((status = 200, body = serde_json::Value), (status = 403, body = ProblemBody), (status = 404, body = ProblemBody)))]
pub(crate) async fn answer(
    State(app): State<App>,
    by: ApiReviewer,
    Path(name): Path<String>,
    bytes: Bytes,
) -> Result<Json<Value>, ApiError> {
    by.sees(&name)?;
    let body: FridayBody = query::body(&bytes)?;
    let mut answers = tuesday_domain::charter::friday::FridayAnswers::new();
    for (word, said) in body.answers {
        let question = query::word("answers", Some(&word))?;
        let question =
            question.ok_or_else(|| Problem::new("bad_request", "a question is empty"))?;
        answers.insert(question, BTreeSet::from_iter(said));
    }
    let helped = helper(&body.help)?;
    let done = app.engine.answer_friday(&name, answers, helped, &by.person);
    let (test, report) = Box::pin(done).await?;
    Ok(Json(json!({
        "workflow": test.workflow, "seq": test.seq, "state": test.state, "run": test.run.to_string(),
        "report": report,
    })))
}

/// Who helped; it must be said.
pub(crate) fn helper(text: &str) -> Result<Option<String>, Problem> {
    match text.trim() {
        "" => Err(
            Problem::new("bad_request", "it is not said whether somebody helped")
                .field("help")
                .way_out("say nobody, or who"),
        ),
        "nobody" => Ok(None),
        who => Ok(Some(who.to_owned())),
    }
}
