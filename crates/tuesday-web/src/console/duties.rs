//! What people owe after a change: templates and rules with who keeps them, a policy that changed, and each
//! duty until it is answered.

use std::time::Duration;

use askama::Template;
use axum::extract::{Path, Query, State};
use axum::http::HeaderMap;
use axum::response::{IntoResponse, Redirect, Response};
use serde::Deserialize;
use tuesday_domain::access::Act;
use tuesday_domain::id::DutyId;
use tuesday_domain::problem::Problem;
use tuesday_domain::record::{Duty, DutyKind, DutyState, Person};
use tuesday_domain::time::Timestamp;
use tuesday_engine::ops::KeptRow;
use tuesday_store::DutyFilter;

use super::html;
use super::pieces::{Piece, pieces};
use super::shell::Shell;
use super::views::Pager;
use super::visit::Visit;
use super::words::{author, due, local};
use crate::api::policies::{answered, place};
use crate::auth::PostForm;
use crate::query;
use crate::refusal::{PageError, status};
use crate::state::App;

const PAGE: usize = 50;
/// Duties that stand on a workflow's own page.
const OWED: usize = 8;

/// Of which workflow, and from where on.
#[derive(Deserialize)]
pub(crate) struct DutyQuery {
    #[serde(default)]
    workflow: String,
    #[serde(default)]
    after: String,
}

struct KeptLine {
    workflow: String,
    item: String,
    owner: String,
    policies: String,
    finding: Option<String>,
}

struct Row {
    id: String,
    what: String,
    item: String,
    about: String,
    workflow: String,
    owner: String,
    due: String,
    due_tone: &'static str,
    open: bool,
    reason: Vec<Piece>,
    opened: String,
    answer: String,
}

#[derive(Template)]
#[template(path = "policies.html")]
struct PoliciesPage {
    shell: Shell,
    workflow: String,
    kept: Vec<KeptLine>,
    policies: Vec<String>,
    /// May say that a policy changed.
    says: bool,
    typed: String,
    rows: Vec<Row>,
    pager: Pager,
    problem: Option<Problem>,
}

#[derive(Template)]
#[template(path = "duty.html")]
struct DutyPage {
    shell: Shell,
    d: Row,
    /// May answer it.
    answers: bool,
    looks_back: bool,
    typed: String,
    problem: Option<Problem>,
}

/// Templates with their owners, and what is owed.
pub(crate) async fn list(
    State(app): State<App>,
    visit: Visit,
    Query(q): Query<DutyQuery>,
) -> Result<Response, PageError> {
    html(&drawn(&app, &visit, &q, String::new(), None).await?)
}

async fn drawn(
    app: &App,
    visit: &Visit,
    q: &DutyQuery,
    typed: String,
    problem: Option<Problem>,
) -> Result<PoliciesPage, PageError> {
    let own = visit.user.session.workflow.clone();
    let wished = Some(q.workflow.clone()).filter(|w| !w.is_empty());
    let workflow = own.or(wished);
    let filter = DutyFilter {
        workflow: workflow.clone(),
        among: visit.user.readable(),
        ..DutyFilter::default()
    };
    let after = Some(q.after.as_str()).filter(|a| !a.is_empty());
    let after = after.map(place).transpose()?;
    let reader = app.engine.reader();
    let (found, people) = tokio::try_join!(reader.duties(&filter, after, PAGE), reader.people())?;
    let kept = app.engine.upkeep(workflow.as_deref()).await?;
    let reads = |w: &str| visit.user.rights.may(Act::ReadWork, w);
    let kept: Vec<KeptRow> = kept.into_iter().filter(|k| reads(&k.workflow)).collect();
    let mut policies: Vec<String> = kept.iter().flat_map(|k| k.policies.clone()).collect();
    policies.sort();
    policies.dedup();
    let address = |after: &str| {
        let pairs = [("workflow", q.workflow.as_str()), ("after", after)];
        format!("/policies{}", query::query(&pairs))
    };
    let last = found.last().filter(|_| found.len() == PAGE);
    let next = last.map(|d| address(&format!("{}-{}", d.due_at.micros(), d.id)));
    let now = app.engine.now();
    Ok(PoliciesPage {
        says: visit.user.may(Act::SignCharter),
        rows: found.iter().map(|d| row(d, &people, now)).collect(),
        kept: kept.into_iter().map(|k| line(k, &people)).collect(),
        policies,
        pager: Pager {
            first: (!q.after.is_empty()).then(|| address("")),
            next,
        },
        shell: visit
            .shell(app, "Policies", "policies", workflow.clone())
            .await?,
        workflow: workflow.unwrap_or_default(),
        typed,
        problem,
    })
}

/// What a workflow's own page says: templates that nobody keeps, and what is owed with the address of each.
pub(super) async fn of_workflow(
    app: &App,
    workflow: &str,
) -> Result<(Vec<String>, Vec<(String, String)>), PageError> {
    let kept = app.engine.upkeep(Some(workflow)).await?.into_iter();
    let unkept = kept.filter_map(|k| Some(format!("{}: {}", k.item, k.finding?)));
    Ok((unkept.collect(), owed(app, workflow).await?))
}

/// What is owed on a workflow, the first due first.
async fn owed(app: &App, workflow: &str) -> Result<Vec<(String, String)>, PageError> {
    let filter = DutyFilter {
        workflow: Some(workflow.to_owned()),
        open: true,
        ..DutyFilter::default()
    };
    let reader = app.engine.reader();
    let (found, people) = tokio::try_join!(reader.duties(&filter, None, OWED), reader.people())?;
    let now = app.engine.now();
    let told = |d: &Duty| {
        let (owner, left) = (name(&d.owner, &people), due(d.due_at, now));
        let words = match d.kind {
            DutyKind::EmergencyReview => format!(
                "Emergency, {}: {owner} looks back at it, {}; unanswered, the workflow pauses then",
                d.item, left.words
            ),
            DutyKind::PolicyUpdate => {
                format!(
                    "Policy {} changed: {owner} looks at {}, {}",
                    d.about, d.item, left.words
                )
            }
            DutyKind::ThirtyDays => format!(
                "Thirty days are over: {owner} says whether it is working, {}",
                left.words
            ),
            DutyKind::NinetyDays => format!(
                "The ninety-day metric has its verdict: {owner} decides, {}",
                left.words
            ),
            DutyKind::Successor => format!(
                "Vacant: {}: {owner} names a successor, {}",
                d.item, left.words
            ),
            DutyKind::Retraining => format!(
                "What is asked in review changed: {owner} practises again, {}",
                left.words
            ),
        };
        (format!("/duties/{}", d.id), words)
    };
    Ok(found.iter().map(told).collect())
}

fn line(k: KeptRow, people: &[Person]) -> KeptLine {
    KeptLine {
        workflow: k.workflow,
        item: k.item,
        owner: k
            .owner
            .as_deref()
            .map(|o| name(o, people))
            .unwrap_or_default(),
        policies: k.policies.join(", "),
        finding: k.finding,
    }
}

fn name(handle: &str, people: &[Person]) -> String {
    let known = people.iter().find(|p| p.handle == handle);
    known.map_or_else(|| handle.to_owned(), |p| p.name.clone())
}

fn row(d: &Duty, people: &[Person], now: Timestamp) -> Row {
    let left = due(d.due_at, now);
    let answer = match (&d.done_by, d.done_at) {
        (Some(by), Some(at)) => {
            let with = match (d.answer, d.number) {
                (Some(answer), Some(n)) => format!("{answer} {n}"),
                _ if d.kind.wants_words() => "in words".to_owned(),
                _ => "no change".to_owned(),
            };
            let words = d
                .words
                .as_deref()
                .map(|w| format!(": {w}"))
                .unwrap_or_default();
            format!("{}, {}: {with}{words}", name(by, people), local(at, None))
        }
        _ => String::new(),
    };
    Row {
        id: d.id.to_string(),
        what: match d.kind {
            DutyKind::PolicyUpdate => "Policy update".to_owned(),
            DutyKind::EmergencyReview => "Emergency, looked back at".to_owned(),
            DutyKind::ThirtyDays => "Checkpoint".to_owned(),
            DutyKind::NinetyDays => "Decision".to_owned(),
            DutyKind::Successor => "Successor".to_owned(),
            DutyKind::Retraining => "Training, renewed".to_owned(),
        },
        item: d.item.clone(),
        about: d.about.clone(),
        workflow: d.workflow.clone(),
        owner: name(&d.owner, people),
        due: left.words,
        due_tone: left.tone,
        open: d.state == DutyState::Open,
        reason: pieces(&d.reason, Some(&d.workflow)),
        opened: format!("{}, {}", author(&d.opened_by), local(d.opened_at, None)),
        answer,
    }
}

/// Somebody says that a policy changed.
pub(crate) async fn changed(
    State(app): State<App>,
    headers: HeaderMap,
    form: PostForm,
) -> Result<Response, PageError> {
    let text = |name: &str| form.text(name).unwrap_or_default();
    let days = form.text("days").map(|d| d.parse::<u64>());
    let result = match days.transpose() {
        Ok(days) => {
            let due = days.map(|d| Duration::from_secs(d.saturating_mul(86_400)));
            let (policy, reason) = (text("policy"), text("reason"));
            let by = form.user.actor();
            Box::pin(app.engine.policy_changed(&policy, due, &reason, &by)).await
        }
        Err(_) => Err(Problem::new("bad_request", "days are a number").field("days")),
    };
    match result {
        Ok(done) => {
            let owed = if done.len() == 1 {
                "1 update is"
            } else {
                "updates are"
            };
            let told = match done.len() {
                1 => format!("{owed} owed now"),
                n => format!("{n} {owed} owed now"),
            };
            app.sessions.tell(&form.user, told);
            Ok(Redirect::to("/policies").into_response())
        }
        Err(p) => {
            let (code, typed) = (status(&p), text("reason"));
            let visit = Visit::after(form.user, "/policies".to_owned(), &headers);
            let q = DutyQuery {
                workflow: String::new(),
                after: String::new(),
            };
            let mut answer = html(&drawn(&app, &visit, &q, typed, Some(p)).await?)?;
            *answer.status_mut() = code;
            Ok(answer)
        }
    }
}

/// One duty.
pub(crate) async fn one(
    State(app): State<App>,
    visit: Visit,
    Path(id): Path<String>,
) -> Result<Response, PageError> {
    let duty = app.engine.duty(query::id::<DutyId>(&id)?).await?;
    visit.user.sees(&duty.workflow)?;
    html(&card(&app, &visit, &duty, String::new(), None).await?)
}

async fn card(
    app: &App,
    visit: &Visit,
    duty: &Duty,
    typed: String,
    problem: Option<Problem>,
) -> Result<DutyPage, PageError> {
    let people = app.engine.reader().people().await?;
    let d = row(duty, &people, app.engine.now());
    let person = &visit.user.session.person;
    let may = visit.user.rights.may(Act::SignCharter, &duty.workflow);
    let workflow = Some(duty.workflow.clone());
    Ok(DutyPage {
        answers: d.open && (may || *person == duty.owner),
        looks_back: duty.kind.wants_words(),
        shell: visit.shell(app, "Duty", "policies", workflow).await?,
        d,
        typed,
        problem,
    })
}

/// Somebody answers it.
pub(crate) async fn answer(
    State(app): State<App>,
    Path(id): Path<String>,
    headers: HeaderMap,
    form: PostForm,
) -> Result<Response, PageError> {
    let duty = app.engine.duty(query::id::<DutyId>(&id)?).await?;
    form.user.sees(&duty.workflow)?;
    let words = form.text("reason").unwrap_or_default();
    let address = format!("/duties/{id}");
    match answered_by(&app, &duty, &form, &words).await {
        Ok(()) => {
            app.sessions.tell(&form.user, "Answered".to_owned());
            Ok(Redirect::to(&address).into_response())
        }
        Err(p) => {
            let code = status(&p);
            let visit = Visit::after(form.user, address, &headers);
            let mut answer = html(&card(&app, &visit, &duty, words, Some(p)).await?)?;
            *answer.status_mut() = code;
            Ok(answer)
        }
    }
}

async fn answered_by(app: &App, duty: &Duty, form: &PostForm, words: &str) -> Result<(), Problem> {
    let number = |field: &'static str| {
        let bad = |_| Problem::new("bad_request", format!("`{field}` is a number")).field(field);
        form.text(field)
            .map(|t| t.parse::<u32>().map_err(bad))
            .transpose()
    };
    let with = answered(number("release")?, number("rules")?.map(u64::from))?;
    let by = form.user.session.person.clone();
    app.engine
        .answer_duty(duty.id, with, words, &by)
        .await
        .map(drop)
}
