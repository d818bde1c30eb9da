//! Refused events: what was wrong, the exact bytes, and sending them again.

use askama::Template;
use axum::extract::{Path, Query, State};
use axum::http::HeaderMap;
use axum::response::{IntoResponse, Redirect, Response};
use serde::Deserialize;
use tuesday_domain::id::IntakeId;
use tuesday_domain::problem::Problem;
use tuesday_domain::record::{Intake, IntakeVerdict};
use tuesday_engine::ops::Reader;
use tuesday_store::IntakeFilter;

use super::html;
use super::shell::Shell;
use super::views::{Pager, Pair, Tab, pair};
use super::visit::Visit;
use super::words::{code, count, local};
use crate::auth::{PostForm, User};
use crate::query;
use crate::refusal::{PageError, status};
use crate::state::App;

const PAGE: usize = 50;

/// Which records.
#[derive(Clone, Debug, Default, Deserialize)]
pub(crate) struct IntakeQuery {
    #[serde(default)]
    verdict: String,
    #[serde(default)]
    after: String,
}

#[derive(Template)]
#[template(path = "intake.html")]
struct IntakePage {
    shell: Shell,
    tabs: Vec<Tab>,
    rows: Vec<IntakeRow>,
    pager: Pager,
}

struct IntakeRow {
    id: String,
    detail: String,
    workflow: String,
    source: String,
    tone: &'static str,
    state: String,
    owner: String,
    received: String,
    received_iso: String,
}

fn tone(verdict: IntakeVerdict) -> &'static str {
    match verdict {
        IntakeVerdict::Refused => "warn",
        IntakeVerdict::Resubmitted => "ok",
        IntakeVerdict::Dismissed => "plain",
    }
}

/// Refused events, newest first; the open ones unless asked otherwise.
pub(crate) async fn list(
    State(app): State<App>,
    visit: Visit,
    Query(q): Query<IntakeQuery>,
) -> Result<Response, PageError> {
    let verdict = match q.verdict.as_str() {
        "" => Some(IntakeVerdict::Refused),
        "all" => None,
        word => query::word("verdict", Some(word))?,
    };
    let filter = IntakeFilter {
        workflow: visit.user.session.workflow.clone(),
        among: visit.user.readable(),
        owner: None,
        verdict,
    };
    let after = if q.after.is_empty() {
        None
    } else {
        Some(query::id::<IntakeId>(&q.after)?)
    };
    let reader = app.engine.reader();
    let (page, people) =
        tokio::try_join!(reader.intake_page(&filter, after, PAGE), reader.people())?;
    let name = |h: &str| {
        people
            .iter()
            .find(|p| p.handle == h)
            .map_or_else(|| h.to_owned(), |p| p.name.clone())
    };
    let address = |after: &str| {
        format!(
            "/intake{}",
            query::query(&[("verdict", &q.verdict), ("after", after)])
        )
    };
    let next = (page.len() == PAGE)
        .then(|| page.last().map(|i| address(&i.id.to_string())))
        .flatten();
    let tab = |verdict: &str, words: &str| Tab {
        href: format!("/intake{}", query::query(&[("verdict", verdict)])),
        words: words.to_owned(),
        count: String::new(),
        on: q.verdict == verdict,
    };
    let rows = page
        .iter()
        .map(|i| IntakeRow {
            id: i.id.to_string(),
            detail: i.detail.clone(),
            workflow: i.workflow.clone(),
            source: i.source.clone(),
            tone: tone(i.verdict),
            state: code(i.verdict.word()),
            owner: name(&i.owner),
            received: local(i.received_at, None),
            received_iso: i.received_at.rfc3339(),
        })
        .collect();
    let shell = visit.shell(&app, "Intake", "intake", None).await?;
    let tabs = vec![
        tab("", "Waiting"),
        tab("resubmitted", "Sent again"),
        tab("dismissed", "Dismissed"),
        tab("all", "All"),
    ];
    html(&IntakePage {
        shell,
        tabs,
        rows,
        pager: Pager {
            first: (!q.after.is_empty()).then(|| address("")),
            next,
        },
    })
}

#[derive(Template)]
#[template(path = "intake_one.html")]
struct IntakeOnePage {
    shell: Shell,
    id: String,
    title: String,
    detail: String,
    tone: &'static str,
    state: String,
    problem: Option<String>,
    faults: Vec<String>,
    facts: Vec<Pair>,
    run: Option<String>,
    /// It waits, and the reader may see all of it.
    open: bool,
    /// Part of it is not for this reader.
    masked: bool,
    size: String,
    body: String,
}

async fn found(app: &App, user: &User, id: &str) -> Result<Intake, PageError> {
    let id: IntakeId = query::id(id)?;
    let record = app.engine.reader().intake(id).await?;
    let record = record
        .ok_or_else(|| Problem::new("not_found", format!("there is no intake record {id}")))?;
    user.sees(&record.workflow)?;
    Ok(record)
}

/// One refused event.
pub(crate) async fn one(
    State(app): State<App>,
    visit: Visit,
    Path(id): Path<String>,
) -> Result<Response, PageError> {
    let record = found(&app, &visit.user, &id).await?;
    html(&drawn(&app, &visit, record, None).await?)
}

async fn drawn(
    app: &App,
    visit: &Visit,
    mut i: Intake,
    refused: Option<(Problem, String)>,
) -> Result<IntakeOnePage, PageError> {
    let (who, rights) = visit.user.reading();
    let seen = Reader { who: &who, rights };
    let masked = app.engine.veil_intake(&seen, &mut i).await?;
    let owner = app
        .engine
        .reader()
        .person(&i.owner)
        .await?
        .map_or_else(|| i.owner.clone(), |p| p.name);
    let title = tuesday_domain::problem::CODES
        .iter()
        .find(|c| c.0 == i.code)
        .map_or_else(|| code(&i.code), |c| c.3.to_owned());
    let mut facts = vec![
        pair("Workflow", i.workflow.clone()),
        pair("From", i.source.clone()),
        pair("Received", local(i.received_at, None)),
        pair("Owner", owner),
        pair("Code", i.code.clone()),
    ];
    facts.extend(i.event_id.clone().map(|id| pair("Event id", id)));
    let stored = String::from_utf8_lossy(&i.body).into_owned();
    let (problem, body) = match refused {
        Some((p, _)) if masked => (Some(p), stored),
        Some((p, typed)) => (Some(p), typed),
        None => (None, stored),
    };
    Ok(IntakeOnePage {
        shell: visit.shell(app, title.clone(), "intake", None).await?,
        id: i.id.to_string(),
        title,
        detail: i.detail,
        tone: tone(i.verdict),
        state: code(i.verdict.word()),
        faults: problem
            .iter()
            .flat_map(|p| &p.errors)
            .map(|e| format!("{}: {}", e.field, e.detail))
            .collect(),
        problem: problem.map(|p| p.detail),
        facts,
        run: i.run.map(|r| r.to_string()),
        open: i.verdict == IntakeVerdict::Refused && !masked,
        masked,
        size: format!("{} bytes", count(i.body_len)),
        body,
    })
}

/// Sends the event again, as it was or as the person put it right.
pub(crate) async fn resubmit(
    State(app): State<App>,
    Path(id): Path<String>,
    headers: HeaderMap,
    form: PostForm,
) -> Result<Response, PageError> {
    let record = found(&app, &form.user, &id).await?;
    let typed = form
        .fields
        .iter()
        .find(|(n, _)| n == "body")
        .map(|(_, v)| v.replace("\r\n", "\n"));
    let fixed = if form.text("as_is").is_some() {
        None
    } else {
        typed.clone().filter(|t| t.as_bytes() != record.body)
    };
    match app
        .engine
        .resubmit(record.id, fixed.map(String::into_bytes), &form.user.actor())
        .await
    {
        Ok(accepted) => {
            app.sessions.tell(&form.user, "It became a run".to_owned());
            Ok(Redirect::to(&format!("/runs/{}", accepted.run)).into_response())
        }
        Err(problem) => {
            let code = status(&problem);
            let visit = Visit::after(form.user, format!("/intake/{id}"), &headers);
            let page = drawn(
                &app,
                &visit,
                record,
                Some((problem, typed.unwrap_or_default())),
            )
            .await?;
            let mut answer = html(&page)?;
            *answer.status_mut() = code;
            Ok(answer)
        }
    }
}
