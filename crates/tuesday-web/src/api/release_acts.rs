//! What is done to releases over the API: a draft from a package, the excuse for one more rewrite of a prompt,
//! and that a person has read what one changed.

use axum::Json;
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use tuesday_domain::definition::Package;
use tuesday_domain::id::ReleaseId;
use tuesday_domain::problem::Problem;
use tuesday_domain::record::{Release, ReleaseFix};
use tuesday_domain::release::rewrites::{Answers, Cited, failed};
use tuesday_domain::trouble::incident::FixLayer;
use tuesday_engine::ops::release::GateRecord;
use utoipa::ToSchema;

use crate::auth::{ApiReader, ApiReviewer};
use crate::query;
use crate::refusal::{ApiError, ProblemBody};
use crate::state::App;

/// A release as it stands.
#[derive(Serialize, ToSchema)]
pub(crate) struct ReleaseHeadBody {
    id: String,
    workflow: String,
    number: u32,
    /// `draft`, `evaluating`, `blocked`, `passed`, `approved`, `live`, `superseded`, `rolled_back`,
    /// `withdrawn`.
    state: &'static str,
    /// SHA-256 of its texts, hex.
    hash: String,
    created_at: String,
    created_by: String,
}

impl ReleaseHeadBody {
    fn of(r: &Release) -> Self {
        Self {
            id: r.id.to_string(),
            workflow: r.workflow.clone(),
            number: r.number,
            state: r.state.word(),
            hash: hex::encode(r.hash),
            created_at: r.created_at.rfc3339(),
            created_by: r.created_by.clone(),
        }
    }
}

/// A release with what it is judged by.
#[derive(Serialize, ToSchema)]
pub(crate) struct ReleaseFull {
    #[serde(flatten)]
    release: ReleaseHeadBody,
    /// The gate's verdict; absent before there is one that counts.
    passed: Option<bool>,
    /// Why the gate stopped it, each with its stable word.
    reasons: Vec<ReasonBody>,
    approved_by: Option<String>,
    live_at: Option<String>,
    /// The category of error it answers.
    answers: Option<AnswersBody>,
}

/// A reason of the gate.
#[derive(Serialize, ToSchema)]
pub(crate) struct ReasonBody {
    reason: &'static str,
    detail: String,
}

/// What a release answers, and what was tried before.
#[derive(Serialize, ToSchema)]
pub(crate) struct AnswersBody {
    category: String,
    /// In which layers it differs from the live release.
    layers: Vec<&'static str>,
    /// Why it would be stopped as it stands, in words.
    stopped: Option<String>,
    /// The layer in which somebody else classed the fix.
    class: Option<&'static str>,
    excuse: Option<String>,
    excused_by: Option<String>,
    excused_at: Option<String>,
    earlier: Vec<CitedBody>,
}

/// An earlier release that answered the same.
#[derive(Serialize, ToSchema)]
pub(crate) struct CitedBody {
    number: u32,
    layers: Vec<&'static str>,
    live_at: Option<String>,
    /// The first error of the category after that.
    again_at: Option<String>,
    /// It counts as a rewrite of the prompt that the error outlived.
    failed: bool,
}

fn answers_body((fix, answers): (ReleaseFix, Answers)) -> AnswersBody {
    let outlived: Vec<u32> = failed(&answers.earlier).iter().map(|c| c.number).collect();
    let words = |layers: &std::collections::BTreeSet<FixLayer>| {
        layers.iter().map(|l| l.word()).collect::<Vec<_>>()
    };
    let cited = |c: &Cited| CitedBody {
        number: c.number,
        layers: words(&c.layers),
        live_at: c.live_at.map(|t| t.rfc3339()),
        again_at: c.again_at.map(|t| t.rfc3339()),
        failed: outlived.contains(&c.number),
    };
    AnswersBody {
        layers: words(&answers.layers),
        stopped: answers.stopped(),
        class: fix.class.map(FixLayer::word),
        excuse: fix.excuse,
        excused_by: fix.excused_by,
        excused_at: fix.excused_at.map(|t| t.rfc3339()),
        earlier: answers.earlier.iter().map(cited).collect(),
        category: fix.category,
    }
}

async fn full(app: &App, row: &Release) -> Result<Json<ReleaseFull>, ApiError> {
    let gate = app.engine.reader().gate(row.id).await?;
    let verdict = GateRecord::of(gate.as_ref()).ok().map(|r| r.verdict);
    let reasons = verdict.iter().flat_map(|v| &v.reasons);
    Ok(Json(ReleaseFull {
        release: ReleaseHeadBody::of(row),
        passed: verdict.as_ref().map(|v| v.passed),
        reasons: reasons
            .map(|r| ReasonBody {
                reason: r.reason.word(),
                detail: r.detail.clone(),
            })
            .collect(),
        approved_by: gate.as_ref().and_then(|g| g.decided_by.clone()),
        live_at: gate.and_then(|g| g.live_at).map(|t| t.rfc3339()),
        answers: app.engine.answers(row).await?.map(answers_body),
    }))
}

/// A release of a workflow that the caller sees.
async fn found(app: &App, name: &str, id: &str) -> Result<Release, ApiError> {
    let id: ReleaseId = query::id(id)?;
    let row = app.engine.release_row(id).await?;
    if row.workflow != name {
        return Err(Problem::new("not_found", "this workflow has no such release").into());
    }
    Ok(row)
}

/// One release with the gate's verdict and what it answers.
#[utoipa::path(get, path = "/api/v1/workflows/{workflow}/releases/{id}", tag = "releases", params(("workflow" = String, Path), ("id" = String, Path)),
    responses((status = 200, body = ReleaseFull), (status = 404, body = ProblemBody)))]
pub(crate) async fn show(
    State(app): State<App>,
    reader: ApiReader,
    Path((name, id)): Path<(String, String)>,
) -> Result<Json<ReleaseFull>, ApiError> {
    reader.sees(&name)?;
    let row = found(&app, &name, &id).await?;
    full(&app, &row).await
}

/// A new draft.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct DraftBody {
    /// What `tuesday pack` writes: `format`, `files`, `vars`.
    #[schema(value_type = Object)]
    package: serde_json::Value,
    /// The category of error it answers.
    #[serde(default)]
    answers: Option<String>,
}

/// A draft of a package, which has to pass the gate.
#[utoipa::path(post, path = "/api/v1/workflows/{workflow}/releases", tag = "releases", params(("workflow" = String, Path)), request_body = DraftBody,
    responses((status = 201, body = ReleaseFull), (status = 403, body = ProblemBody), (status = 422, body = ProblemBody)))]
pub(crate) async fn create(
    State(app): State<App>,
    who: ApiReviewer,
    Path(name): Path<String>,
    bytes: Bytes,
) -> Result<(StatusCode, Json<ReleaseFull>), ApiError> {
    who.sees(&name)?;
    let draft: DraftBody = query::body(&bytes)?;
    let text = draft.package.to_string();
    let bad = |e: String| Problem::new("bad_request", e).field("package");
    let (package, vars) = Package::from_pack_file(text.as_bytes()).map_err(bad)?;
    let def = package.definition(&vars).map_err(|f| bad(f.message))?;
    if def.workflow.name != name {
        return Err(bad(format!("it is a package of {}", def.workflow.name)).into());
    }
    let answers = draft.answers.as_deref();
    let engine = &app.engine;
    let row = Box::pin(engine.create_release(&package, &vars, answers, &who.actor())).await?;
    Ok((StatusCode::CREATED, full(&app, &row).await?))
}

/// Where the fix is, or why the prompt is tried once more.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ExcuseBody {
    /// `input`, `rules`, `connector` or `process`; without it the stop is waived.
    #[serde(default)]
    layer: Option<String>,
    reason: String,
}

/// Classes the fix that a release answers as work in another layer, or waives the stop after three
/// rewrites of the prompt.
#[utoipa::path(post, path = "/api/v1/workflows/{workflow}/releases/{id}/excuse", tag = "releases", params(("workflow" = String, Path), ("id" = String, Path)), request_body = ExcuseBody,
    responses((status = 200, body = ReleaseFull), (status = 403, body = ProblemBody), (status = 409, body = ProblemBody), (status = 422, body = ProblemBody)))]
pub(crate) async fn excuse(
    State(app): State<App>,
    who: ApiReviewer,
    Path((name, id)): Path<(String, String)>,
    bytes: Bytes,
) -> Result<Json<ReleaseFull>, ApiError> {
    who.sees(&name)?;
    let b: ExcuseBody = query::body(&bytes)?;
    let layer = query::word("layer", b.layer.as_deref())?;
    let row = found(&app, &name, &id).await?;
    let engine = &app.engine;
    let row = engine.excuse_release(row.id, &who.person, layer, &b.reason);
    full(&app, &row.await?).await
}

/// Which release was read.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ReleaseReadBody {
    /// Its number.
    number: u32,
}

/// A person has read what a release changed.
#[derive(Serialize, ToSchema)]
pub(crate) struct ReleaseAckBody {
    workflow: String,
    person: String,
    number: u32,
    at: String,
}

/// The person has read what the release changed and may decide again.
#[utoipa::path(post, path = "/api/v1/workflows/{workflow}/releases/acknowledgement", tag = "releases",
    params(("workflow" = String, Path)), request_body = ReleaseReadBody,
    responses((status = 200, body = ReleaseAckBody), (status = 409, body = ProblemBody)))]
pub(crate) async fn acknowledge(
    State(app): State<App>,
    by: ApiReviewer,
    Path(name): Path<String>,
    body: Bytes,
) -> Result<Json<ReleaseAckBody>, ApiError> {
    by.sees(&name)?;
    let b: ReleaseReadBody = query::body(&body)?;
    let ack = app
        .engine
        .acknowledge_release(&name, &by.person, b.number)
        .await?;
    Ok(Json(ReleaseAckBody {
        workflow: ack.workflow,
        person: ack.person,
        number: ack.number,
        at: ack.at.rfc3339(),
    }))
}
