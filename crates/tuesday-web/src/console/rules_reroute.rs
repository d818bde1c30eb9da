//! Which open tasks the rules in force would send elsewhere, and moving exactly those.

use askama::Template;
use axum::extract::{Path, State};
use axum::http::HeaderMap;
use axum::response::{IntoResponse, Redirect, Response};
use tuesday_domain::problem::Problem;
use tuesday_domain::reroute::Goes;
use tuesday_engine::ops::{Rerouted, Rerouting};

use super::html;
use super::shell::Shell;
use super::visit::Visit;
use super::words::{count, plural};
use crate::auth::{PostForm, User};
use crate::refusal::{PageError, status};
use crate::state::App;

/// Moving tasks that are listed.
const LISTED: usize = 200;

#[derive(Template)]
#[template(path = "rules_reroute.html")]
struct ReroutePage {
    shell: Shell,
    name: String,
    title: String,
    told: String,
    code: String,
    reason: String,
    problem: Option<Problem>,
    lanes: Vec<Lane>,
    stay: Vec<(String, &'static str)>,
    items: Vec<Item>,
    total: usize,
    more: bool,
    /// Some would go out without a person.
    sends: bool,
}

/// Tasks that go the same way.
struct Lane {
    from: String,
    to: String,
    tone: &'static str,
    tasks: String,
}

/// One task that moves.
struct Item {
    review: String,
    subject: String,
    from: String,
    to: String,
}

fn to(goes: &Goes) -> (String, &'static str) {
    match goes {
        Goes::Auto => ("Without a person".to_owned(), "ok"),
        Goes::Tier(tier) => (tier.replace('_', " "), "warn"),
        Goes::ByHand => ("By hand".to_owned(), "esc"),
    }
}

/// The preview.
pub(crate) async fn page(
    State(app): State<App>,
    visit: Visit,
    Path(name): Path<String>,
) -> Result<Response, PageError> {
    visit.user.sees(&name)?;
    let found = app
        .engine
        .preview_reroute(&name, &visit.user.session.person)
        .await?;
    html(&drawn(&app, &visit, &name, found, String::new(), None).await?)
}

/// Moves them as they were shown; what changed since is shown anew.
pub(crate) async fn post(
    State(app): State<App>,
    Path(name): Path<String>,
    headers: HeaderMap,
    form: PostForm,
) -> Result<Response, PageError> {
    form.user.sees(&name)?;
    let reason = form.text("reason").unwrap_or_default();
    let (by, confirm) = (form.user.session.person.clone(), form.text("confirm"));
    let done = app
        .engine
        .reroute(&name, &by, confirm.as_deref(), &reason)
        .await;
    match done {
        Ok(done) => {
            app.sessions.tell(&form.user, said(&done));
            Ok(Redirect::to(&format!("/workflows/{name}/rules/reroute")).into_response())
        }
        Err(problem) => again(&app, form.user, &name, &headers, reason, problem).await,
    }
}

async fn again(
    app: &App,
    user: User,
    name: &str,
    headers: &HeaderMap,
    reason: String,
    problem: Problem,
) -> Result<Response, PageError> {
    let found = app
        .engine
        .preview_reroute(name, &user.session.person)
        .await?;
    let code = status(&problem);
    let visit = Visit::after(user, format!("/workflows/{name}/rules/reroute"), headers);
    let mut answer = html(&drawn(app, &visit, name, found, reason, Some(problem)).await?)?;
    *answer.status_mut() = code;
    Ok(answer)
}

fn said(done: &Rerouted) -> String {
    let moved = plural(done.moved.values().sum(), "task");
    match done.stayed.first() {
        None => format!("{moved} moved"),
        Some((run, why)) => format!(
            "{moved} moved, {} stayed; the first is {run}: {why}",
            done.stayed.len()
        ),
    }
}

async fn drawn(
    app: &App,
    visit: &Visit,
    name: &str,
    found: Rerouting,
    reason: String,
    problem: Option<Problem>,
) -> Result<ReroutePage, PageError> {
    let (w, _) = app.engine.live(name).await?;
    let title = format!("Re-route open tasks of {}", w.title);
    let shell = visit.shell(app, title, "workflows", Some(name.to_owned()));
    let lanes = found.counts.iter().map(|((from, goes), tasks)| {
        let (to, tone) = to(goes);
        Lane {
            from: from.replace('_', " "),
            to,
            tone,
            tasks: count(*tasks),
        }
    });
    let items = found.moves.iter().take(LISTED).map(|m| Item {
        review: m.review.to_string(),
        subject: m.subject.clone(),
        from: m.from.replace('_', " "),
        to: to(&m.goes).0,
    });
    Ok(ReroutePage {
        told: format!(
            "{} looked at under rules version {}; {} would move.",
            plural(found.open, "open task"),
            found.version,
            count(found.moves.len() as u64)
        ),
        sends: found.counts.keys().any(|(_, goes)| *goes == Goes::Auto),
        lanes: lanes.collect(),
        items: items.collect(),
        stay: found
            .stay
            .iter()
            .map(|(why, n)| (count(*n), *why))
            .collect(),
        total: found.moves.len(),
        more: found.more,
        code: found.code,
        shell: shell.await?,
        name: name.to_owned(),
        title: w.title.clone(),
        reason,
        problem,
    })
}
