//! Incidents: what is wrong, who is on it, what it touched, how it was put right.

use axum::Json;
use axum::body::Bytes;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use tuesday_domain::id::{CorrectionId, IncidentId, RunId};
use tuesday_domain::problem::Problem;
use tuesday_domain::record::{Correction, Incident};
use tuesday_domain::time::Timestamp;
use tuesday_domain::trouble::incident::{FixLayer, Proof};
use tuesday_domain::trouble::{Category, Severity};
use tuesday_engine::ops::{
    Away, Blast, BlastQuery, Closed, Looked, NewCorrection, NewIncident, Settled,
};
use tuesday_store::IncidentFilter;
use utoipa::{IntoParams, ToSchema};

use crate::auth::{ApiReader, ApiReviewer};
use crate::query;
use crate::refusal::{ApiError, ProblemBody};
use crate::state::App;

/// An incident.
#[derive(Serialize, ToSchema)]
pub(crate) struct IncidentBody {
    id: String,
    /// `triggered`, `acknowledged`, `mitigated`, `resolved` or `reviewed`.
    state: &'static str,
    category: &'static str,
    /// `critical`, `high` or `low`.
    severity: &'static str,
    title: String,
    workflow: Option<String>,
    owner: String,
    /// How many findings of this cause.
    count: u64,
    /// The name of the cause: one cause is one open incident.
    cause: String,
    opened_at: String,
    opened_by: String,
    last_at: String,
    acknowledged_by: Option<String>,
    resolution: Option<String>,
    resolved_by: Option<String>,
    resolved_at: Option<String>,
    case: Option<String>,
    waiver: Option<String>,
    fixed_in: Option<&'static str>,
    /// Whether someone who does not write code can fix the next one.
    without_code: Option<bool>,
    /// Link to the runbook.
    runbook: String,
}

fn body(app: &App, i: Incident) -> IncidentBody {
    IncidentBody {
        runbook: app.engine.runbook(i.category),
        id: i.id.to_string(),
        state: i.state.word(),
        category: i.category.word(),
        severity: i.severity.word(),
        title: i.title,
        workflow: i.workflow,
        owner: i.owner,
        count: i.count,
        cause: i.key,
        opened_at: i.opened_at.rfc3339(),
        opened_by: i.opened_by,
        last_at: i.last_at.rfc3339(),
        acknowledged_by: i.acknowledged_by,
        resolution: i.resolution,
        resolved_by: i.resolved_by,
        resolved_at: i.resolved_at.map(Timestamp::rfc3339),
        case: i.case,
        waiver: i.waiver,
        fixed_in: i.fix_layer.map(FixLayer::word),
        without_code: i.without_code,
    }
}

/// A page of incidents.
#[derive(Serialize, ToSchema)]
pub(crate) struct IncidentList {
    items: Vec<IncidentBody>,
    /// The next `after`; absent on the last page.
    next: Option<String>,
}

/// Which incidents.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct IncidentQuery {
    workflow: Option<String>,
    state: Option<String>,
    category: Option<String>,
    severity: Option<String>,
    owner: Option<String>,
    /// `true`: only those that are somebody's work.
    open: Option<bool>,
    after: Option<String>,
    limit: Option<usize>,
}

/// Incidents, newest first.
#[utoipa::path(get, path = "/api/v1/incidents", tag = "incidents", params(IncidentQuery),
    responses((status = 200, body = IncidentList), (status = 400, body = ProblemBody)))]
pub(crate) async fn list(
    State(app): State<App>,
    reader: ApiReader,
    Query(q): Query<IncidentQuery>,
) -> Result<Json<IncidentList>, ApiError> {
    let limit = query::limit(q.limit, 50);
    let filter = IncidentFilter {
        workflow: reader.only(q.workflow)?,
        among: reader.readable(),
        state: query::word("state", q.state.as_deref())?,
        open: q.open.unwrap_or(false),
        category: query::word::<Category>("category", q.category.as_deref())?,
        severity: query::word::<Severity>("severity", q.severity.as_deref())?,
        owner: q.owner,
        opened: None,
    };
    let after = q.after.as_deref().map(query::id).transpose()?;
    let found = app.engine.reader().incidents(&filter, after, limit).await?;
    let next = found
        .last()
        .filter(|_| found.len() == limit)
        .map(|i| i.id.to_string());
    Ok(Json(IncidentList {
        items: found.into_iter().map(|i| body(&app, i)).collect(),
        next,
    }))
}

/// A new incident.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct OpenBody {
    category: Option<String>,
    severity: Option<String>,
    workflow: Option<String>,
    /// What happened, in a sentence.
    #[serde(default)]
    words: String,
    /// Runs that are known to be touched.
    #[serde(default)]
    runs: Vec<String>,
}

/// Opens an incident.
#[utoipa::path(post, path = "/api/v1/incidents", tag = "incidents", request_body = OpenBody,
    responses((status = 201, body = IncidentBody), (status = 404, body = ProblemBody), (status = 422, body = ProblemBody)))]
pub(crate) async fn open(
    State(app): State<App>,
    by: ApiReviewer,
    bytes: Bytes,
) -> Result<(StatusCode, Json<IncidentBody>), ApiError> {
    let b: OpenBody = query::body(&bytes)?;
    let category = query::word("category", b.category.as_deref())?.ok_or_else(|| {
        Problem::new("incident_category_required", "an incident has a category").field("category")
    })?;
    let runs: Vec<RunId> = b
        .runs
        .iter()
        .map(|r| query::id(r))
        .collect::<Result<_, _>>()?;
    for run in &runs {
        let row = app.engine.reader().run(*run).await?;
        let row = row.ok_or_else(|| Problem::new("not_found", format!("there is no {run}")))?;
        by.sees(&row.workflow)?;
    }
    if let Some(workflow) = &b.workflow {
        by.sees(workflow)?;
    }
    let new = NewIncident {
        category,
        severity: query::word("severity", b.severity.as_deref())?,
        workflow: b.workflow,
        words: b.words,
        runs,
    };
    let incident = app.engine.open_incident(new, &by.person).await?;
    Ok((StatusCode::CREATED, Json(body(&app, incident))))
}

/// A line of the timeline.
#[derive(Serialize, ToSchema)]
pub(crate) struct LineBody {
    at: String,
    /// When it happened, for what was written down later.
    about: Option<String>,
    actor: String,
    kind: String,
    words: String,
}

/// A correction.
#[derive(Serialize, ToSchema)]
pub(crate) struct CorrectionBody {
    id: String,
    /// `open`, `done` or `dropped`.
    state: &'static str,
    owner: String,
    due_at: String,
    run_id: String,
    action_id: Option<String>,
    place: String,
    words: String,
    /// What shows that it is done: `action` (a confirmed write of ours), `read_back` (the destination was
    /// read and shows it) or `word` (nothing but the word of `settled_by`).
    proof: Option<&'static str>,
    /// What was looked up; absent for a word.
    receipt: Option<String>,
    note: Option<String>,
    settled_by: Option<String>,
    settled_at: Option<String>,
}

pub(crate) fn correction(c: &Correction) -> CorrectionBody {
    CorrectionBody {
        id: c.id.to_string(),
        state: c.state.word(),
        owner: c.owner.clone(),
        due_at: c.due_at.rfc3339(),
        run_id: c.run.to_string(),
        action_id: c.action.map(|a| a.to_string()),
        place: c.place.clone(),
        words: c.words.clone(),
        proof: c.proof.map(Proof::word),
        receipt: c.receipt.clone(),
        note: c.note.clone(),
        settled_by: c.settled_by.clone(),
        settled_at: c.settled_at.map(Timestamp::rfc3339),
    }
}

/// An incident with everything about it.
#[derive(Serialize, ToSchema)]
pub(crate) struct WholeBody {
    #[serde(flatten)]
    incident: IncidentBody,
    timeline: Vec<LineBody>,
    /// The first 200 runs it touches.
    runs: Vec<String>,
    corrections: Vec<CorrectionBody>,
    /// Who is asked now, and where the alert stands.
    alert: Option<serde_json::Value>,
}

async fn seen(app: &App, by: &ApiReader, id: &str) -> Result<Incident, ApiError> {
    let id: IncidentId = query::id(id)?;
    let incident = app.engine.incident(id).await?;
    by.sees(incident.workflow.as_deref().unwrap_or_default())?;
    Ok(incident)
}

/// One incident.
#[utoipa::path(get, path = "/api/v1/incidents/{id}", tag = "incidents", params(("id" = String, Path)),
    responses((status = 200, body = WholeBody), (status = 404, body = ProblemBody)))]
pub(crate) async fn show(
    State(app): State<App>,
    reader: ApiReader,
    Path(id): Path<String>,
) -> Result<Json<WholeBody>, ApiError> {
    let incident = seen(&app, &reader, &id).await?;
    let (id, store) = (incident.id, app.engine.reader());
    let (entries, made, runs, alert) = tokio::try_join!(
        store.incident_entries(id),
        store.corrections_of(id),
        store.incident_runs(id, None, query::MAX_PAGE),
        store.alert_of(id)
    )?;
    Ok(Json(WholeBody {
        timeline: entries
            .into_iter()
            .map(|e| LineBody {
                at: e.at.rfc3339(),
                about: e.about.map(Timestamp::rfc3339),
                actor: e.actor,
                kind: e.kind,
                words: e.words,
            })
            .collect(),
        runs: runs.iter().map(ToString::to_string).collect(),
        corrections: made.iter().map(correction).collect(),
        alert: alert.map(|a| {
            serde_json::json!({
                "state": a.state.word(), "person": a.person, "chain": a.people(), "round": a.round,
                "due_at": a.due_at.rfc3339(), "acknowledged_by": a.acknowledged_by,
            })
        }),
        incident: body(&app, incident),
    }))
}

/// What a verb needs; each takes its own part.
#[derive(Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct VerbBody {
    /// In words: the note, how it is contained, what was done, why it was not over.
    words: String,
    /// `assignment`: handle of the person.
    to: Option<String>,
    /// `note`: when it happened.
    about: Option<String>,
    /// `resolution`: the eval case that guards against it.
    case: Option<String>,
    /// `resolution`: why there is none.
    waiver: Option<String>,
    /// `review`: `input`, `prompt`, `model`, `rules`, `connector`, `process` or `platform`.
    fixed_in: Option<String>,
    /// `review`: why nothing caught it before it did harm.
    uncaught: Option<String>,
    /// `review`: whether someone who does not write code can fix the next one.
    without_code: Option<bool>,
}

/// Does one of the verbs: `acknowledgement`, `assignment`, `note`, `mitigation`, `resolution`, `review`
/// or `reopening`.
#[utoipa::path(post, path = "/api/v1/incidents/{id}/{verb}", tag = "incidents", params(("id" = String, Path), ("verb" = String, Path)), request_body = VerbBody,
    responses((status = 200, body = IncidentBody), (status = 403, body = ProblemBody), (status = 409, body = ProblemBody), (status = 422, body = ProblemBody)))]
pub(crate) async fn act(
    State(app): State<App>,
    by: ApiReviewer,
    Path((id, verb)): Path<(String, String)>,
    bytes: Bytes,
) -> Result<Json<IncidentBody>, ApiError> {
    let id: IncidentId = query::id(&id)?;
    let b: VerbBody = query::body(&bytes)?;
    let found = app.engine.incident(id).await?;
    by.sees(found.workflow.as_deref().unwrap_or_default())?;
    let (engine, who) = (&app.engine, by.person.as_str());
    let incident = match verb.as_str() {
        "acknowledgement" => engine.acknowledge_incident(id, who).await?,
        "assignment" => {
            let to =
                b.to.ok_or_else(|| Problem::new("bad_request", "say to whom").field("to"))?;
            engine.assign_incident(id, &to, who, &b.words).await?
        }
        "note" => {
            let about = b.about.as_deref().map(moment).transpose()?;
            engine.note_incident(id, who, &b.words, about).await?
        }
        "mitigation" => engine.mitigate_incident(id, &b.words, who).await?,
        "resolution" => {
            let closed = Closed {
                resolution: b.words,
                case: b.case,
                waiver: b.waiver,
            };
            engine.resolve_incident(id, closed, who).await?
        }
        "review" => {
            let layer = query::word("fixed_in", b.fixed_in.as_deref())?.ok_or_else(|| {
                Problem::new("bad_request", "say in which layer it was fixed").field("fixed_in")
            })?;
            let looked = Looked {
                layer,
                words: b.words,
                uncaught: b.uncaught.unwrap_or_default(),
                without_code: b.without_code,
            };
            engine.review_incident(id, looked, who).await?
        }
        "reopening" => engine.reopen_incident(id, &b.words, who).await?,
        other => {
            return Err(Problem::new("not_found", format!("there is no verb `{other}`")).into());
        }
    };
    Ok(Json(body(&app, incident)))
}

pub(super) fn moment(text: &str) -> Result<Timestamp, Problem> {
    Timestamp::parse(text).map_err(|e| Problem::new("bad_request", e.to_string()))
}

/// Places to be put right.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct CorrectBody {
    /// What is to be put right.
    words: String,
    /// Who does it; the incident's owner unless given.
    owner: Option<String>,
    /// Each with `run_id` and, where it was written by one, `action_id`.
    places: Vec<PlaceBody>,
}

/// A run, and the action that wrote.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct PlaceBody {
    run_id: String,
    action_id: Option<String>,
}

/// Makes corrections.
#[utoipa::path(post, path = "/api/v1/incidents/{id}/corrections", tag = "incidents", params(("id" = String, Path)), request_body = CorrectBody,
    responses((status = 201, body = Vec<CorrectionBody>), (status = 404, body = ProblemBody), (status = 409, body = ProblemBody)))]
pub(crate) async fn correct(
    State(app): State<App>,
    by: ApiReviewer,
    Path(id): Path<String>,
    bytes: Bytes,
) -> Result<(StatusCode, Json<Vec<CorrectionBody>>), ApiError> {
    let id: IncidentId = query::id(&id)?;
    let b: CorrectBody = query::body(&bytes)?;
    let found = app.engine.incident(id).await?;
    by.sees(found.workflow.as_deref().unwrap_or_default())?;
    let mut wanted = Vec::with_capacity(b.places.len());
    for p in &b.places {
        wanted.push(NewCorrection {
            run: query::id(&p.run_id)?,
            action: p.action_id.as_deref().map(query::id).transpose()?,
            words: b.words.clone(),
        });
    }
    let made = app
        .engine
        .correct(id, &wanted, b.owner.as_deref(), &by.person)
        .await?;
    Ok((
        StatusCode::CREATED,
        Json(made.iter().map(correction).collect()),
    ))
}

/// How a correction ended; exactly one of these.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct SettleBody {
    /// Done: a confirmed action that wrote something else to the same record since. It is looked up.
    action_id: Option<String>,
    /// Done: what the destination shows now, by the fields that the action wrote. It is read.
    shows: Option<serde_json::Map<String, serde_json::Value>>,
    /// Done by the word of the person: what was done. It is kept and shown as no more than that.
    word: Option<String>,
    /// Why it was dropped.
    reason: Option<String>,
}

/// Settles a correction.
#[utoipa::path(post, path = "/api/v1/corrections/{id}/settlement", tag = "incidents", params(("id" = String, Path)), request_body = SettleBody,
    responses((status = 200, body = CorrectionBody), (status = 409, body = ProblemBody), (status = 422, body = ProblemBody)))]
pub(crate) async fn settle(
    State(app): State<App>,
    by: ApiReviewer,
    Path(id): Path<String>,
    bytes: Bytes,
) -> Result<Json<CorrectionBody>, ApiError> {
    let id: CorrectionId = query::id(&id)?;
    let b: SettleBody = query::body(&bytes)?;
    let found = app.engine.reader().correction(id).await?;
    let found = found.ok_or_else(|| Problem::new("not_found", format!("there is no {id}")))?;
    let incident = app.engine.incident(found.incident).await?;
    by.sees(incident.workflow.as_deref().unwrap_or_default())?;
    let how = match (b.action_id, b.shows, b.word, b.reason) {
        (Some(action), None, None, None) => Settled::Action(query::id(&action)?),
        (None, Some(values), None, None) => Settled::ReadBack(values),
        (None, None, Some(note), None) => Settled::Word(note),
        (None, None, None, Some(reason)) => Settled::Dropped(reason),
        _ => {
            let words = "give exactly one of action_id, shows, word and reason";
            return Err(Problem::new("bad_request", words).field("action_id").into());
        }
    };
    let done = app.engine.settle_correction(id, how, &by.person);
    let done = Box::pin(done).await?;
    Ok(Json(correction(&done)))
}

/// What could be the cause; all that is given must hold.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct RadiusQuery {
    workflow: Option<String>,
    release: Option<String>,
    /// SHA-256 of the prompt, at least 8 digits.
    prompt: Option<String>,
    rules: Option<u64>,
    /// `NAME`, or `NAME=VERSION`.
    source: Option<String>,
    model: Option<String>,
    person: Option<String>,
    from: Option<String>,
    to: Option<String>,
}

/// Every output a cause has touched, and where it went.
#[utoipa::path(get, path = "/api/v1/blast-radius", tag = "incidents", params(RadiusQuery),
    responses((status = 200, description = "`runs`, `delivered`, `rows`"), (status = 422, body = ProblemBody)))]
pub(crate) async fn radius(
    State(app): State<App>,
    reader: ApiReader,
    Query(q): Query<RadiusQuery>,
) -> Result<Json<Blast>, ApiError> {
    let query = BlastQuery {
        workflow: reader.only(q.workflow)?,
        release: q.release.as_deref().map(query::id).transpose()?,
        prompt: q.prompt,
        rules: q.rules,
        source: q.source,
        model: q.model,
        person: q.person,
        from: q.from.as_deref().map(moment).transpose()?,
        to: q.to.as_deref().map(moment).transpose()?,
    };
    let mut blast = app.engine.blast_radius(&query).await?;
    app.engine.veil_blast(reader.rights(), &mut blast).await;
    Ok(Json(blast))
}

/// What a review of an incident starts from, as Markdown.
#[utoipa::path(get, path = "/api/v1/incidents/{id}/postmortem", tag = "incidents", params(("id" = String, Path)),
    responses((status = 200, content_type = "text/markdown"), (status = 404, body = ProblemBody)))]
pub(crate) async fn postmortem(
    State(app): State<App>,
    reader: ApiReader,
    Path(id): Path<String>,
) -> Result<Response, ApiError> {
    let incident = seen(&app, &reader, &id).await?;
    let text = app.engine.postmortem(incident.id).await?;
    Ok(([(CONTENT_TYPE, "text/markdown; charset=utf-8")], text).into_response())
}

/// What is in force for one workflow.
#[derive(Serialize, ToSchema)]
pub(crate) struct MeanwhileBody {
    workflow: String,
    /// `held`, `undeclared` (held, because nothing is declared), `alternative`, `people` or `paused`.
    behaviour: &'static str,
    /// The same in a sentence without its subject.
    words: String,
}

/// A system that is away.
#[derive(Serialize, ToSchema)]
pub(crate) struct AwayBody {
    incident: String,
    /// `provider_outage`, `source_outage` or `destination_outage`.
    category: &'static str,
    /// Absent where a person reported it.
    system: Option<String>,
    since: String,
    /// Every workflow that needs it, with the behaviour in force.
    workflows: Vec<MeanwhileBody>,
}

/// The systems that are away now, and what happens to the work of each workflow meanwhile.
#[utoipa::path(get, path = "/api/v1/degraded", tag = "incidents",
    responses((status = 200, body = Vec<AwayBody>)))]
pub(crate) async fn degraded(
    State(app): State<App>,
    reader: ApiReader,
) -> Result<Json<Vec<AwayBody>>, ApiError> {
    let open = app.engine.reader().open_incidents().await?;
    let found = app.engine.away(&open, reader.readable().as_deref()).await;
    let body = |a: Away| AwayBody {
        incident: a.incident.to_string(),
        category: a.category.word(),
        system: a.system,
        since: a.since.rfc3339(),
        workflows: a
            .workflows
            .into_iter()
            .map(|m| MeanwhileBody {
                workflow: m.workflow,
                behaviour: m.behaviour.word(),
                words: m.words,
            })
            .collect(),
    };
    Ok(Json(found.into_iter().map(body).collect()))
}
