//! The page about keeping and erasing: how long what is kept, legal holds, and erasure on request after
//! a list that was read.

use askama::Template;
use axum::extract::{Path, State};
use axum::http::HeaderMap;
use axum::response::{IntoResponse as _, Redirect, Response};
use tuesday_domain::access::Act;
use tuesday_domain::privacy::{Hold, HoldScope};
use tuesday_domain::problem::Problem;
use tuesday_domain::record::ErasureOrder;
use tuesday_engine::ops::{Erase, ErasureOf, ErasurePlan, ErasureQuery, NewHold, RetentionRule};

use super::audit::day;
use super::html;
use super::shell::Shell;
use super::visit::Visit;
use super::words::local;
use crate::auth::PostForm;
use crate::query;
use crate::refusal::{PageError, status};
use crate::state::App;

const SHOWN: usize = 50;

#[derive(Template)]
#[template(path = "privacy.html")]
struct PrivacyPage {
    shell: Shell,
    problem: Option<Problem>,
    rules: Vec<RuleRow>,
    holds: Vec<HoldRow>,
    orders: Vec<OrderRow>,
    erases: bool,
    holding: bool,
    asked: Asked,
    plan: Option<PlanView>,
}

struct RuleRow {
    workflow: String,
    days: Vec<(&'static str, u32, String)>,
    waiting: usize,
}

struct HoldRow {
    id: String,
    covers: String,
    reason: String,
    placed: String,
    lifted: Option<String>,
}

struct OrderRow {
    id: String,
    policy: String,
    reason: String,
    about: String,
    runs: usize,
    ordered: String,
    done: Option<String>,
}

/// What the form named.
#[derive(Default)]
struct Asked {
    about: String,
    name: String,
    except: Vec<String>,
}

struct PlanView {
    plan: ErasurePlan,
    rows: Vec<PlanRow>,
    open: usize,
}

struct PlanRow {
    run: String,
    workflow: String,
    subject: String,
    state: String,
    found: String,
    goes: String,
}

/// The page.
pub(crate) async fn page(State(app): State<App>, visit: Visit) -> Result<Response, PageError> {
    drawn(&app, visit, Asked::default(), None, None).await
}

async fn drawn(
    app: &App,
    visit: Visit,
    asked: Asked,
    plan: Option<ErasurePlan>,
    problem: Option<Problem>,
) -> Result<Response, PageError> {
    let rights = &visit.user.rights;
    let seen = |w: &str| rights.may(Act::ReviewAccess, w);
    let rules = app.engine.retention().await?;
    let holds = app.engine.reader().holds(None, SHOWN).await?;
    let holds = holds
        .into_iter()
        .filter(|h| seen(h.scope.workflow.as_deref().unwrap_or_default()));
    let orders = if seen("") {
        app.engine.erasures(None, SHOWN).await?
    } else {
        Vec::new()
    };
    let code = problem.as_ref().map(status);
    let mut answer = html(&PrivacyPage {
        rules: rule_rows(rules.into_iter().filter(|r| seen(&r.workflow))),
        holds: holds.map(hold_row).collect(),
        orders: orders.into_iter().map(order_row).collect(),
        erases: visit.user.may(Act::EraseData),
        holding: visit.user.may(Act::HoldData),
        plan: plan.map(plan_view),
        asked,
        problem,
        shell: visit
            .shell(app, "Keeping and erasing", "people", None)
            .await?,
    })?;
    if let Some(code) = code {
        *answer.status_mut() = code;
    }
    Ok(answer)
}

fn rule_rows(rules: impl Iterator<Item = RetentionRule>) -> Vec<RuleRow> {
    let mut rows: Vec<RuleRow> = Vec::new();
    for rule in rules {
        let why = rule.policy.split('(').nth(1).unwrap_or_default();
        let why = why.trim_end_matches(')').to_owned();
        let day = (rule.class, rule.days, why);
        match rows.last_mut().filter(|r| r.workflow == rule.workflow) {
            Some(row) => {
                row.days.push(day);
                row.waiting = row.waiting.max(rule.waiting);
            }
            None => rows.push(RuleRow {
                workflow: rule.workflow,
                days: vec![day],
                waiting: rule.waiting,
            }),
        }
    }
    rows
}

fn hold_row(h: Hold) -> HoldRow {
    HoldRow {
        id: h.id.to_string(),
        covers: h.scope.words(),
        placed: format!("{}, {}", h.placed_by, local(h.placed_at, None)),
        lifted: h
            .lifted
            .map(|(by, why, at)| format!("{by}, {}: {why}", local(at, None))),
        reason: h.reason,
    }
}

fn order_row(e: ErasureOrder) -> OrderRow {
    OrderRow {
        id: e.id.to_string(),
        runs: e.objects.split_whitespace().count(),
        policy: e.policy,
        reason: e.reason,
        about: e.about,
        ordered: format!("{}, {}", e.ordered_by, local(e.ordered_at, None)),
        done: e.done_at.map(|t| local(t, None)),
    }
}

fn plan_view(plan: ErasurePlan) -> PlanView {
    let row = |r: &tuesday_engine::ops::PlannedRun| PlanRow {
        run: r.run.clone(),
        workflow: r.workflow.clone(),
        subject: r.subject.clone(),
        state: super::words::code(r.status),
        found: r.found_in.join(", "),
        goes: r
            .payloads
            .iter()
            .map(|(kind, n)| format!("{n} {kind}"))
            .collect::<Vec<_>>()
            .join(", "),
    };
    PlanView {
        rows: plan.runs.iter().map(row).collect(),
        open: plan.open().len(),
        plan,
    }
}

fn asked(form: &PostForm) -> (Asked, Result<ErasureQuery, Problem>) {
    let asked = Asked {
        about: form.text("about").unwrap_or_default(),
        name: form.text("name").unwrap_or_default(),
        except: form.all("except"),
    };
    let of = match asked.about.as_str() {
        "run" => query::id(&asked.name).map(ErasureOf::Run),
        "record" => Ok(ErasureOf::Record(asked.name.clone())),
        "customer" => Ok(ErasureOf::Customer(asked.name.clone())),
        _ => Err(Problem::new("bad_request", "a customer, a record or a run").field("about")),
    };
    let except: Result<Vec<_>, _> = asked.except.iter().map(|id| query::id(id)).collect();
    let wanted = of.and_then(|of| {
        Ok(ErasureQuery {
            of,
            except: except?,
        })
    });
    (asked, wanted)
}

/// Lists what would go.
pub(crate) async fn plan(
    State(app): State<App>,
    headers: HeaderMap,
    form: PostForm,
) -> Result<Response, PageError> {
    let (asked, wanted) = asked(&form);
    let by = form.user.session.person.clone();
    let visit = Visit::after(form.user, "/privacy".to_owned(), &headers);
    let planned = match &wanted {
        Ok(wanted) => Box::pin(app.engine.plan_erasure(wanted, &by)).await,
        Err(e) => Err(e.clone()),
    };
    match planned {
        Ok(plan) => drawn(&app, visit, asked, Some(plan), None).await,
        Err(problem) => drawn(&app, visit, asked, None, Some(problem)).await,
    }
}

/// Erases by the list that was read.
pub(crate) async fn erase(
    State(app): State<App>,
    headers: HeaderMap,
    form: PostForm,
) -> Result<Response, PageError> {
    let (asked, wanted) = asked(&form);
    let by = form.user.session.person.clone();
    let how = Erase {
        code: form.text("code"),
        reason: form.text("reason").unwrap_or_default(),
        policy: form.text("policy"),
        hand_over: form.text("hand_over").is_some(),
    };
    let done = match &wanted {
        Ok(wanted) => Box::pin(app.engine.erase(wanted, &how, &by)).await,
        Err(e) => Err(e.clone()),
    };
    match done {
        Ok(done) => {
            app.sessions
                .tell(&form.user, format!("Erased: {} runs", done.runs));
            Ok(Redirect::to("/privacy").into_response())
        }
        Err(problem) => {
            // The list is drawn again: what stands in the way is named beside it.
            let plan = match &wanted {
                Ok(wanted) => Box::pin(app.engine.plan_erasure(wanted, &by)).await.ok(),
                Err(_) => None,
            };
            let visit = Visit::after(form.user, "/privacy".to_owned(), &headers);
            drawn(&app, visit, asked, plan, Some(problem)).await
        }
    }
}

/// Places a hold.
pub(crate) async fn place(
    State(app): State<App>,
    headers: HeaderMap,
    form: PostForm,
) -> Result<Response, PageError> {
    let wish = || -> Result<NewHold, Problem> {
        let text = |name: &str| form.text(name).unwrap_or_default();
        Ok(NewHold {
            scope: HoldScope {
                record: form.text("record"),
                workflow: form.text("workflow"),
                from: day("from", &text("from"), false)?,
                to: day("to", &text("to"), true)?,
            },
            reason: text("reason"),
        })
    };
    let by = form.user.session.person.clone();
    let placed = match wish() {
        Ok(wish) => app.engine.place_hold(wish, &by).await,
        Err(e) => Err(e),
    };
    ended(&app, form, &headers, placed.map(drop), "The hold is placed").await
}

/// Lifts one.
pub(crate) async fn lift(
    State(app): State<App>,
    Path(id): Path<String>,
    headers: HeaderMap,
    form: PostForm,
) -> Result<Response, PageError> {
    let id = query::id(&id)?;
    let reason = form.text("reason").unwrap_or_default();
    let by = form.user.session.person.clone();
    let lifted = app.engine.lift_hold(id, &reason, &by).await;
    ended(&app, form, &headers, lifted.map(drop), "The hold is lifted").await
}

async fn ended(
    app: &App,
    form: PostForm,
    headers: &HeaderMap,
    result: Result<(), Problem>,
    told: &str,
) -> Result<Response, PageError> {
    match result {
        Ok(()) => {
            app.sessions.tell(&form.user, told.to_owned());
            Ok(Redirect::to("/privacy").into_response())
        }
        Err(problem) => {
            let visit = Visit::after(form.user, "/privacy".to_owned(), headers);
            drawn(app, visit, Asked::default(), None, Some(problem)).await
        }
    }
}
