//! Reports that an output is wrong, late or in the way: the longest due answer first, one report with
//! its case, and the answer.

use askama::Template;
use axum::extract::{Path, Query, State};
use axum::response::{IntoResponse, Redirect, Response};
use serde::Deserialize;
use tuesday_domain::access::Act;
use tuesday_domain::id::{IncidentId, ProblemReportId};
use tuesday_domain::problem::Problem;
use tuesday_domain::record::{
    MailOutcome, Person, ProblemKind, ProblemReport, ProblemState, ProblemTie, ReportMail,
};
use tuesday_domain::time::Timestamp;
use tuesday_domain::trouble::sort::Facts;
use tuesday_engine::ops::{Answer, Complaint, Reader};
use tuesday_store::ProblemFilter;

use super::html;
use super::incidents::{fixed_in, yes_no};
use super::shell::Shell;
use super::views::{Pager, Tab};
use super::visit::Visit;
use super::words::{code, due, local};
use crate::auth::{PostForm, User};
use crate::query;
use crate::refusal::{PageError, status};
use crate::state::App;

const PAGE: usize = 50;
/// Mails that were put aside, on the page.
const ASIDE: usize = 20;

/// Which reports.
#[derive(Deserialize)]
pub(crate) struct ProblemQuery {
    /// Empty for those without an answer; `all`.
    #[serde(default)]
    state: String,
    /// Only of this workflow.
    #[serde(default)]
    workflow: String,
    /// Only those that came in on these days of the workflow.
    #[serde(default)]
    from: String,
    #[serde(default)]
    to: String,
    /// Only those whose answer is overdue.
    #[serde(default)]
    late: String,
    #[serde(default)]
    q: String,
    #[serde(default)]
    after: String,
}

struct Row {
    id: String,
    words: String,
    kind: String,
    state: String,
    tone: &'static str,
    workflow: String,
    run: Option<String>,
    by: String,
    owner: String,
    due: String,
    due_tone: &'static str,
    at: String,
    answer: String,
    answered: String,
    tied: &'static str,
    fixed_in: String,
    minutes: Option<u32>,
    open: bool,
}

#[derive(Template)]
#[template(path = "problems.html")]
struct ProblemsPage {
    shell: Shell,
    tabs: Vec<Tab>,
    find: String,
    state: String,
    /// The rest of the filter, kept while searching and told above the list.
    kept: Vec<(&'static str, String)>,
    rows: Vec<Row>,
    pager: Pager,
    /// Where people may write to.
    address: Option<String>,
    aside: Vec<Aside>,
    folder: String,
}

/// A mail that became no report.
struct Aside {
    why: &'static str,
    at: String,
    size: String,
}

#[derive(Template)]
#[template(path = "problem_report.html")]
struct ReportPage {
    shell: Shell,
    r: Row,
    answers: bool,
    /// Its reporter named no run: a person may say which it is.
    ties: bool,
    typed: String,
    problem: Option<Problem>,
}

fn place(text: &str) -> Result<Option<(Timestamp, ProblemReportId)>, Problem> {
    if text.is_empty() {
        return Ok(None);
    }
    let bad = || Problem::new("bad_request", "`after` is not the `next` of a page").field("after");
    let (due, id) = text.split_once('-').ok_or_else(bad)?;
    let due = due.parse().map_err(|_| bad())?;
    Ok(Some((Timestamp::from_micros(due), query::id(id)?)))
}

/// Which reports the address asks for.
async fn filtered(app: &App, visit: &Visit, q: &ProblemQuery) -> Result<ProblemFilter, PageError> {
    let workflow = visit.user.only(Some(q.workflow.clone()));
    let created = match query::days(&q.from, &q.to)? {
        Some(days) => {
            visit.user.sees(workflow.as_deref().unwrap_or_default())?;
            Some(app.engine.moments(workflow.as_deref(), days).await?)
        }
        None => None,
    };
    let late = !q.late.is_empty();
    Ok(ProblemFilter {
        created,
        workflow,
        among: visit.user.readable(),
        open: q.state.is_empty() || late,
        due_before: late.then(|| app.engine.now()),
        text: Some(q.q.clone()).filter(|t| !t.trim().is_empty()),
        ..ProblemFilter::default()
    })
}

/// Reports, the longest due answer first.
pub(crate) async fn list(
    State(app): State<App>,
    visit: Visit,
    Query(q): Query<ProblemQuery>,
) -> Result<Response, PageError> {
    let filter = filtered(&app, &visit, &q).await?;
    let reader = app.engine.reader();
    let after = place(&q.after)?;
    let (who, rights) = visit.user.reading();
    let seen = Reader { who: &who, rights };
    if filter.text.is_some() {
        let workflow = filter.workflow.as_deref();
        app.engine.may_search_words(rights, workflow).await?;
    }
    let found = reader.problem_reports(&filter, after, PAGE);
    let (mut found, people) = tokio::try_join!(found, reader.people())?;
    app.engine.veil_reports(&seen, &mut found).await;
    let address = |state: &str, after: &str| {
        let pairs = [
            ("state", state),
            ("workflow", &q.workflow),
            ("from", &q.from),
            ("to", &q.to),
            ("late", &q.late),
            ("q", &q.q),
            ("after", after),
        ];
        format!("/problem-reports{}", query::query(&pairs))
    };
    let last = found.last().filter(|_| found.len() == PAGE);
    let next = last.map(|r| address(&q.state, &format!("{}-{}", r.due_at.micros(), r.id)));
    let tab = |state: &str, words: &str| Tab {
        href: address(state, ""),
        words: words.to_owned(),
        count: String::new(),
        on: q.state == state,
    };
    let now = app.engine.now();
    let rows = found.iter().map(|r| row(r, &people, now)).collect();
    // Mails belong to no workflow, so they are for those who see all of them.
    let aside = match visit.user.sees("") {
        Ok(()) => reader.mails_aside(ASIDE).await?,
        Err(_) => Vec::new(),
    };
    let folder = app.engine.mails_aside_folder().unwrap_or_default();
    html(&ProblemsPage {
        address: app.engine.report_address().map(str::to_owned),
        aside: aside.iter().map(put_aside).collect(),
        folder: folder.to_owned(),
        tabs: vec![tab("", "Waiting for an answer"), tab("all", "All")],
        rows,
        pager: Pager {
            first: (!q.after.is_empty()).then(|| address(&q.state, "")),
            next,
        },
        shell: visit.shell(&app, "Problems", "problems", None).await?,
        kept: [
            ("workflow", q.workflow),
            ("from", q.from),
            ("to", q.to),
            ("late", q.late),
        ]
        .into_iter()
        .filter(|(_, value)| !value.is_empty())
        .collect(),
        find: q.q,
        state: q.state,
    })
}

fn put_aside(mail: &ReportMail) -> Aside {
    Aside {
        why: if mail.outcome == MailOutcome::Automatic {
            "A machine sent it"
        } else {
            "Its sender sent more than 20 within an hour"
        },
        at: local(mail.at, None),
        size: format!("{} kB", mail.size_bytes.div_ceil(1_000)),
    }
}

fn row(r: &ProblemReport, people: &[Person], now: Timestamp) -> Row {
    let name = |handle: &str| {
        let known = people.iter().find(|p| p.handle == handle);
        known.map_or_else(|| handle.to_owned(), |p| p.name.clone())
    };
    let left = due(r.due_at, now);
    let words = r.words.trim();
    let answered = match (&r.answered_by, r.answered_at) {
        (Some(by), Some(at)) => format!("{}, {}", name(by), local(at, None)),
        _ => String::new(),
    };
    Row {
        id: r.id.to_string(),
        words: if words.is_empty() {
            kind(r.kind).to_owned()
        } else {
            words.to_owned()
        },
        kind: kind(r.kind).to_owned(),
        state: code(r.state.word()),
        tone: match r.state {
            ProblemState::New => "warn",
            ProblemState::Triaged => "clock",
            ProblemState::NotAnError => "plain",
            ProblemState::QualityIssue => "ok",
            ProblemState::Incident => "bad",
        },
        workflow: r.workflow.clone().unwrap_or_default(),
        run: r.run.map(|id| id.to_string()),
        by: name(&r.reported_by),
        owner: name(&r.owner),
        due: left.words,
        due_tone: left.tone,
        at: local(r.created_at, None),
        answer: r.answer.clone().unwrap_or_default(),
        answered,
        tied: match r.tied_by.word() {
            "run" => "the reporter named the case",
            "record" => "found by the record it was written to",
            "words" => "found by its words",
            "hand" => "by a person, afterwards",
            _ => "no case was found; somebody ties it by hand",
        },
        fixed_in: fixed_in(r.fix_layer, r.without_code),
        minutes: r.minutes,
        open: !r.state.is_answered(),
    }
}

const fn kind(kind: ProblemKind) -> &'static str {
    match kind {
        ProblemKind::Wrong => "It is wrong",
        ProblemKind::Slow => "It came too late",
        ProblemKind::Annoying => "It is in the way",
        ProblemKind::Other => "Something else",
    }
}

async fn found(app: &App, user: &User, id: &str) -> Result<ProblemReport, PageError> {
    let id: ProblemReportId = query::id(id)?;
    let report = app.engine.reader().problem_report(id).await?;
    let mut report =
        report.ok_or_else(|| Problem::new("not_found", format!("there is no {id}")))?;
    // A report that fits no workflow is for those who see all of them.
    user.sees(report.workflow.as_deref().unwrap_or_default())?;
    let (who, rights) = user.reading();
    let seen = Reader { who: &who, rights };
    let one = std::slice::from_mut(&mut report);
    app.engine.veil_reports(&seen, one).await;
    Ok(report)
}

/// One report.
pub(crate) async fn one(
    State(app): State<App>,
    visit: Visit,
    Path(id): Path<String>,
) -> Result<Response, PageError> {
    let report = found(&app, &visit.user, &id).await?;
    html(&drawn(&app, &visit, &report, String::new(), None).await?)
}

async fn drawn(
    app: &App,
    visit: &Visit,
    report: &ProblemReport,
    typed: String,
    problem: Option<Problem>,
) -> Result<ReportPage, PageError> {
    let people = app.engine.reader().people().await?;
    let r = row(report, &people, app.engine.now());
    let workflow = report.workflow.clone();
    let place = workflow.clone().unwrap_or_default();
    let may = visit.user.rights.may(Act::HandleIncident, &place);
    Ok(ReportPage {
        shell: visit
            .shell(app, "Problem report", "problems", workflow)
            .await?,
        answers: may && r.open,
        ties: may && r.open && report.tied_by != ProblemTie::Run,
        r,
        typed,
        problem,
    })
}

/// Somebody says which run it is about.
pub(crate) async fn tie(
    State(app): State<App>,
    Path(id): Path<String>,
    headers: axum::http::HeaderMap,
    form: PostForm,
) -> Result<Response, PageError> {
    let report = found(&app, &form.user, &id).await?;
    let by = form.user.session.person.clone();
    let address = format!("/problem-reports/{id}");
    let typed = form.text("run_id").unwrap_or_default();
    let done = match query::id(typed.trim()) {
        Ok(run) => app.engine.tie_report(report.id, run, &by).await,
        Err(p) => Err(p.field("run_id")),
    };
    match done {
        Ok(_) => {
            app.sessions.tell(&form.user, "Tied to its case".to_owned());
            Ok(Redirect::to(&address).into_response())
        }
        Err(p) => {
            let code = status(&p);
            let visit = Visit::after(form.user, address, &headers);
            let page = drawn(&app, &visit, &report, String::new(), Some(p)).await?;
            let mut answer = html(&page)?;
            *answer.status_mut() = code;
            Ok(answer)
        }
    }
}

/// Somebody takes it, or answers it.
pub(crate) async fn triage(
    State(app): State<App>,
    Path(id): Path<String>,
    headers: axum::http::HeaderMap,
    form: PostForm,
) -> Result<Response, PageError> {
    let report = found(&app, &form.user, &id).await?;
    let to = query::word::<ProblemState>("state", form.text("state").as_deref())?
        .ok_or_else(|| Problem::new("bad_request", "say what becomes of it").field("state"))?;
    let words = form.text("answer").unwrap_or_default();
    let by = form.user.session.person.clone();
    let address = format!("/problem-reports/{id}");
    let done = match closing(&form, &words) {
        Ok(answer) => app.engine.triage(report.id, to, &by, answer).await,
        Err(p) => Err(p),
    };
    match done {
        Ok(done) => {
            let told = if done.state.is_answered() {
                "Answered"
            } else {
                "Yours now"
            };
            app.sessions.tell(&form.user, told.to_owned());
            Ok(Redirect::to(&address).into_response())
        }
        Err(p) => {
            let code = status(&p);
            let visit = Visit::after(form.user, address, &headers);
            let mut answer = html(&drawn(&app, &visit, &report, words, Some(p)).await?)?;
            *answer.status_mut() = code;
            Ok(answer)
        }
    }
}

/// The answer with what is asked when a report is closed.
fn closing(form: &PostForm, words: &str) -> Result<Answer, Problem> {
    let text = |field: &str| form.text(field).unwrap_or_default();
    let minutes = text("minutes");
    let minutes = match minutes.trim() {
        "" => None,
        some => Some(some.parse().map_err(|_| {
            Problem::new("bad_request", "minutes are a whole number").field("minutes")
        })?),
    };
    Ok(Answer {
        words: words.to_owned(),
        layer: query::word("fixed_in", Some(&text("fixed_in")))?,
        without_code: yes_no(&text("without_code"), "without_code")?,
        minutes,
    })
}

/// Sorts it by the written criteria: a quality issue, or an incident.
pub(crate) async fn sorting(
    State(app): State<App>,
    Path(id): Path<String>,
    headers: axum::http::HeaderMap,
    form: PostForm,
) -> Result<Response, PageError> {
    let report = found(&app, &form.user, &id).await?;
    let words = form.text("answer").unwrap_or_default();
    let by = form.user.session.person.clone();
    match sorted(&app, &report, &form, &words, &by).await {
        Ok(Some(incident)) => {
            app.sessions.tell(&form.user, "An incident is open".into());
            Ok(Redirect::to(&format!("/incidents/{incident}")).into_response())
        }
        Ok(None) => {
            app.sessions.tell(&form.user, "A quality issue".into());
            Ok(Redirect::to(&format!("/problem-reports/{id}")).into_response())
        }
        Err(p) => {
            let code = status(&p);
            let visit = Visit::after(form.user, format!("/problem-reports/{id}"), &headers);
            let mut answer = html(&drawn(&app, &visit, &report, words, Some(p)).await?)?;
            *answer.status_mut() = code;
            Ok(answer)
        }
    }
}

async fn sorted(
    app: &App,
    report: &ProblemReport,
    form: &PostForm,
    words: &str,
    by: &str,
) -> Result<Option<IncidentId>, Problem> {
    let missing = |field: &'static str| {
        Problem::new("bad_request", format!("`{field}` is missing")).field(field)
    };
    let text = |field: &str| form.text(field).unwrap_or_default();
    let facts = Facts {
        reach: query::word("reach", Some(&text("reach")))?.ok_or_else(|| missing("reach"))?,
        count: text("count").parse().map_err(|_| missing("count"))?,
        reversibility: query::word("reversibility", Some(&text("reversibility")))?
            .ok_or_else(|| missing("reversibility"))?,
    };
    let category = query::word("category", Some(&text("category")))?;
    let done = app
        .engine
        .sort_report(report.id, facts, category, closing(form, words)?, by)
        .await?;
    Ok(done.incident.map(|i| i.id))
}

/// Keeps a report about a run.
pub(crate) async fn about_run(
    State(app): State<App>,
    Path(id): Path<String>,
    form: PostForm,
) -> Result<Response, PageError> {
    let run = query::id(&id)?;
    let known = app.engine.reader().run(run).await?;
    let known = known.ok_or_else(|| Problem::new("not_found", format!("there is no run {run}")))?;
    form.user.sees(&known.workflow)?;
    let kind = query::word::<ProblemKind>("kind", form.text("kind").as_deref())?;
    let complaint = Complaint {
        kind: kind.unwrap_or(ProblemKind::Other),
        words: form.text("note").unwrap_or_default(),
        run: Some(run),
        review: None,
        record: None,
        workflow: None,
        reported_by: form.user.session.person.clone(),
    };
    let report = app
        .engine
        .report_problem(complaint, &form.user.actor())
        .await?;
    app.sessions
        .tell(&form.user, format!("Reported to {}", report.owner));
    Ok(Redirect::to(&format!("/problem-reports/{}", report.id)).into_response())
}
