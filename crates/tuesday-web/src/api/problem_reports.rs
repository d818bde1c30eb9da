//! Problem reports: somebody says that an output is wrong, slow or annoying.

use axum::Json;
use axum::body::Bytes;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use tuesday_domain::id::ProblemReportId;
use tuesday_domain::problem::Problem;
use tuesday_domain::record::{ProblemKind, ProblemReport, ProblemState};
use tuesday_domain::time::Timestamp;
use tuesday_domain::trouble::incident::FixLayer;
use tuesday_engine::ops::{Answer, Complaint, Reader};
use tuesday_store::ProblemFilter;
use utoipa::{IntoParams, ToSchema};

use crate::auth::{ApiReader, ApiReviewer};
use crate::query;
use crate::refusal::{ApiError, ProblemBody};
use crate::state::App;

/// What somebody says about an output.
#[derive(Serialize, ToSchema)]
pub(crate) struct ReportBody {
    id: String,
    /// `new`, `triaged`, `not_an_error`, `quality_issue` or `incident`.
    state: &'static str,
    /// `wrong`, `slow`, `annoying` or `other`.
    kind: &'static str,
    words: String,
    reported_by: String,
    workflow: Option<String>,
    run_id: Option<String>,
    /// `run`, `record`, `words`, `hand` or `nothing`.
    tied_by: &'static str,
    /// The record or words that were given to find the run.
    record: Option<String>,
    owner: String,
    due_at: String,
    created_at: String,
    answer: Option<String>,
    answered_by: Option<String>,
    answered_at: Option<String>,
    /// Of a wrong output: the layer the error is fixed in.
    fixed_in: Option<&'static str>,
    /// Of a wrong output: whether someone who does not write code can fix the next one.
    without_code: Option<bool>,
    /// How long the answer took.
    minutes: Option<u32>,
}

impl From<ProblemReport> for ReportBody {
    fn from(r: ProblemReport) -> Self {
        Self {
            id: r.id.to_string(),
            state: r.state.word(),
            kind: r.kind.word(),
            words: r.words,
            reported_by: r.reported_by,
            workflow: r.workflow,
            run_id: r.run.map(|id| id.to_string()),
            tied_by: r.tied_by.word(),
            record: r.asked_for,
            owner: r.owner,
            due_at: r.due_at.rfc3339(),
            created_at: r.created_at.rfc3339(),
            answer: r.answer,
            answered_by: r.answered_by,
            answered_at: r.answered_at.map(Timestamp::rfc3339),
            fixed_in: r.fix_layer.map(FixLayer::word),
            without_code: r.without_code,
            minutes: r.minutes,
        }
    }
}

/// A new report.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewReport {
    /// `wrong`, `slow`, `annoying` or `other`; `other` unless given.
    kind: Option<String>,
    #[serde(default)]
    words: String,
    run_id: Option<String>,
    review_id: Option<String>,
    /// The record that was written to, or words of the case.
    record: Option<String>,
    workflow: Option<String>,
    /// In whose name, when the token is bound to nobody.
    reported_by: Option<String>,
}

/// Reports a problem.
#[utoipa::path(post, path = "/api/v1/problem-reports", tag = "problem reports", request_body = NewReport,
    responses((status = 201, body = ReportBody), (status = 404, body = ProblemBody), (status = 413, body = ProblemBody), (status = 422, body = ProblemBody)))]
pub(crate) async fn create(
    State(app): State<App>,
    by: ApiReader,
    body: Bytes,
) -> Result<(StatusCode, Json<ReportBody>), ApiError> {
    let b: NewReport = query::body(&body)?;
    let reported_by = by
        .person()
        .map(str::to_owned)
        .or(b.reported_by.filter(|r| !r.trim().is_empty()))
        .unwrap_or_else(|| "anonymous".to_owned());
    let run = b.run_id.as_deref().map(query::id).transpose()?;
    let review = b.review_id.as_deref().map(query::id).transpose()?;
    if let Some(id) = run {
        let found = app.engine.reader().run(id).await?;
        let found =
            found.ok_or_else(|| Problem::new("not_found", format!("there is no run {id}")))?;
        by.sees(&found.workflow)?;
    }
    if let Some(id) = review {
        let found = app.engine.reader().review(id).await?;
        let found = found
            .ok_or_else(|| Problem::new("not_found", format!("there is no review task {id}")))?;
        by.sees(&found.workflow)?;
    }
    let complaint = Complaint {
        kind: query::word("kind", b.kind.as_deref())?.unwrap_or(ProblemKind::Other),
        words: b.words,
        run,
        review,
        record: b.record,
        workflow: by.only(b.workflow)?,
        reported_by,
    };
    let report = app.engine.report_problem(complaint, &by.actor()).await?;
    Ok((StatusCode::CREATED, Json(report.into())))
}

/// A page of reports.
#[derive(Serialize, ToSchema)]
pub(crate) struct ReportList {
    items: Vec<ReportBody>,
    /// The next `after`; absent on the last page.
    next: Option<String>,
}

/// Which reports.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct ReportQuery {
    workflow: Option<String>,
    state: Option<String>,
    /// `true`: only those without an answer.
    open: Option<bool>,
    kind: Option<String>,
    run_id: Option<String>,
    /// First and last day of receipt, in the workflow's time zone.
    from: Option<String>,
    to: Option<String>,
    /// `true`: only those whose answer was due before now.
    late: Option<bool>,
    /// Part of the words.
    q: Option<String>,
    after: Option<String>,
    limit: Option<usize>,
}

/// Reports, the longest due answer first.
#[utoipa::path(get, path = "/api/v1/problem-reports", tag = "problem reports", params(ReportQuery),
    responses((status = 200, body = ReportList), (status = 400, body = ProblemBody)))]
pub(crate) async fn list(
    State(app): State<App>,
    reader: ApiReader,
    Query(q): Query<ReportQuery>,
) -> Result<Json<ReportList>, ApiError> {
    let limit = query::limit(q.limit, 50);
    let workflow = reader.only(q.workflow)?;
    let days = query::days(
        q.from.as_deref().unwrap_or(""),
        q.to.as_deref().unwrap_or(""),
    )?;
    let late = q.late.unwrap_or(false);
    let filter = ProblemFilter {
        created: match days {
            Some(days) => Some(app.engine.moments(workflow.as_deref(), days).await?),
            None => None,
        },
        due_before: late.then(|| app.engine.now()),
        workflow,
        among: reader.readable(),
        state: query::word::<ProblemState>("state", q.state.as_deref())?,
        open: q.open.unwrap_or(false) || late,
        kind: query::word::<ProblemKind>("kind", q.kind.as_deref())?,
        run: q.run_id.as_deref().map(query::id).transpose()?,
        text: q.q.filter(|t| !t.trim().is_empty()),
    };
    let after = q.after.as_deref().map(place).transpose()?;
    let (who, rights) = (reader.actor(), reader.rights());
    let seen = Reader { who: &who, rights };
    if filter.text.is_some() {
        let workflow = filter.workflow.as_deref();
        app.engine.may_search_words(rights, workflow).await?;
    }
    let store = app.engine.reader();
    let mut found = store.problem_reports(&filter, after, limit).await?;
    app.engine.veil_reports(&seen, &mut found).await;
    let next = (found.len() == limit)
        .then(|| {
            found
                .last()
                .map(|r| format!("{}-{}", r.due_at.micros(), r.id))
        })
        .flatten();
    Ok(Json(ReportList {
        items: found.into_iter().map(ReportBody::from).collect(),
        next,
    }))
}

fn place(text: &str) -> Result<(Timestamp, ProblemReportId), Problem> {
    let bad = || Problem::new("bad_request", "`after` is not the `next` of a page").field("after");
    let (due, id) = text.split_once('-').ok_or_else(bad)?;
    let due = due.parse().map_err(|_| bad())?;
    Ok((Timestamp::from_micros(due), query::id(id)?))
}

/// One report.
#[utoipa::path(get, path = "/api/v1/problem-reports/{id}", tag = "problem reports", params(("id" = String, Path)),
    responses((status = 200, body = ReportBody), (status = 404, body = ProblemBody)))]
pub(crate) async fn show(
    State(app): State<App>,
    reader: ApiReader,
    Path(id): Path<String>,
) -> Result<Json<ReportBody>, ApiError> {
    let id: ProblemReportId = query::id(&id)?;
    let found = app.engine.reader().problem_report(id).await?;
    let mut found = found.ok_or_else(|| Problem::new("not_found", format!("there is no {id}")))?;
    // A report that fits no workflow is for those who see all of them.
    reader.sees(found.workflow.as_deref().unwrap_or_default())?;
    let (who, rights) = (reader.actor(), reader.rights());
    let seen = Reader { who: &who, rights };
    let one = std::slice::from_mut(&mut found);
    app.engine.veil_reports(&seen, one).await;
    Ok(Json(found.into()))
}

/// Mails to the address for reports that became none.
#[derive(Serialize, ToSchema)]
pub(crate) struct MailsBody {
    /// The address that people write to; absent where no mailbox is set up.
    address: Option<String>,
    /// The folder of the mailbox that they were moved to.
    folder: Option<String>,
    /// The newest hundred.
    aside: Vec<AsideBody>,
}

/// A mail that became no report.
#[derive(Serialize, ToSchema)]
pub(crate) struct AsideBody {
    /// `automatic` or `too_many`.
    outcome: &'static str,
    size_bytes: u64,
    taken_at: String,
}

/// The address for reports, and what was put aside of the mails to it.
#[utoipa::path(get, path = "/api/v1/report-mails", tag = "problem reports",
    responses((status = 200, body = MailsBody), (status = 404, body = ProblemBody)))]
pub(crate) async fn mails(
    State(app): State<App>,
    reader: ApiReader,
) -> Result<Json<MailsBody>, ApiError> {
    // They belong to no workflow, so they are for those who see all of them.
    reader.sees("")?;
    let aside = app.engine.reader().mails_aside(100).await?;
    Ok(Json(MailsBody {
        address: app.engine.report_address().map(str::to_owned),
        folder: app.engine.mails_aside_folder().map(str::to_owned),
        aside: aside
            .into_iter()
            .map(|m| AsideBody {
                outcome: m.outcome.word(),
                size_bytes: m.size_bytes,
                taken_at: m.at.rfc3339(),
            })
            .collect(),
    }))
}

/// How a report is sorted.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct TriageBody {
    /// `triaged`, `not_an_error`, `quality_issue` or `incident`.
    state: String,
    /// Needed for everything but `triaged`.
    #[serde(default)]
    answer: String,
    /// Needed for `quality_issue`: `input`, `prompt`, `model`, `rules`, `connector`, `process` or `platform`.
    fixed_in: Option<String>,
    /// Needed for `quality_issue`: whether someone who does not write code can fix the next one.
    without_code: Option<bool>,
    /// How long the answer took; enters the cost ledger as support.
    minutes: Option<u32>,
}

/// Sorts a report, or answers it.
#[utoipa::path(post, path = "/api/v1/problem-reports/{id}/triage", tag = "problem reports", params(("id" = String, Path)), request_body = TriageBody,
    responses((status = 200, body = ReportBody), (status = 403, body = ProblemBody), (status = 409, body = ProblemBody), (status = 422, body = ProblemBody)))]
pub(crate) async fn triage(
    State(app): State<App>,
    by: ApiReviewer,
    Path(id): Path<String>,
    body: Bytes,
) -> Result<Json<ReportBody>, ApiError> {
    let id: ProblemReportId = query::id(&id)?;
    let b: TriageBody = query::body(&body)?;
    let to = query::word("state", Some(&b.state))?
        .ok_or_else(|| Problem::new("bad_request", "the state is missing").field("state"))?;
    let found = app.engine.reader().problem_report(id).await?;
    let found = found.ok_or_else(|| Problem::new("not_found", format!("there is no {id}")))?;
    by.sees(found.workflow.as_deref().unwrap_or_default())?;
    let answer = Answer {
        words: b.answer,
        layer: query::word("fixed_in", b.fixed_in.as_deref())?,
        without_code: b.without_code,
        minutes: b.minutes,
    };
    let mut done = app.engine.triage(id, to, &by.person, answer).await?;
    let (who, rights) = (by.actor(), by.rights());
    let seen = Reader { who: &who, rights };
    let one = std::slice::from_mut(&mut done);
    app.engine.veil_reports(&seen, one).await;
    Ok(Json(done.into()))
}

/// The run that a report is about.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct TieBody {
    run_id: String,
}

/// Ties a report to a run, where its reporter named none.
#[utoipa::path(post, path = "/api/v1/problem-reports/{id}/tie", tag = "problem reports", params(("id" = String, Path)), request_body = TieBody,
    responses((status = 200, body = ReportBody), (status = 403, body = ProblemBody), (status = 404, body = ProblemBody), (status = 409, body = ProblemBody)))]
pub(crate) async fn tie(
    State(app): State<App>,
    by: ApiReviewer,
    Path(id): Path<String>,
    body: Bytes,
) -> Result<Json<ReportBody>, ApiError> {
    let id: ProblemReportId = query::id(&id)?;
    let b: TieBody = query::body(&body)?;
    let run = query::id(&b.run_id)?;
    let found = app.engine.reader().problem_report(id).await?;
    let found = found.ok_or_else(|| Problem::new("not_found", format!("there is no {id}")))?;
    by.sees(found.workflow.as_deref().unwrap_or_default())?;
    let of = app.engine.reader().run(run).await?;
    let of = of.ok_or_else(|| Problem::new("not_found", format!("there is no run {run}")))?;
    by.sees(&of.workflow)?;
    let mut done = app.engine.tie_report(id, run, &by.person).await?;
    let (who, rights) = (by.actor(), by.rights());
    let seen = Reader { who: &who, rights };
    let one = std::slice::from_mut(&mut done);
    app.engine.veil_reports(&seen, one).await;
    Ok(Json(done.into()))
}
