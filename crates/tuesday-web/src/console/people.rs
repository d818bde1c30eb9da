//! Who may do what: the list of people, one person, and the matrix of roles and acts.

use askama::Template;
use axum::extract::{Path, State};
use axum::http::HeaderMap;
use axum::response::{IntoResponse, Redirect, Response};
use tuesday_domain::access::{Act, Role, may};
use tuesday_domain::problem::Problem;
use tuesday_domain::record::{Grant, Person};
use tuesday_domain::time::Timestamp;

use super::html;
use super::shell::Shell;
use super::visit::Visit;
use super::words::{author, code, local, plural, way};
use crate::auth::PostForm;
use crate::query;
use crate::refusal::{PageError, status};
use crate::state::App;

#[derive(Template)]
#[template(path = "people.html")]
struct PeoplePage {
    shell: Shell,
    manages: bool,
    problem: Option<Problem>,
    link: Option<String>,
    rows: Vec<PersonRow>,
    findings: Vec<String>,
}

struct PersonRow {
    handle: String,
    name: String,
    email: String,
    active: bool,
    roles: String,
    last_used: String,
}

#[derive(Template)]
#[template(path = "person.html")]
struct PersonPage {
    shell: Shell,
    manages: bool,
    problem: Option<Problem>,
    link: Option<String>,
    person: Person,
    away: Option<String>,
    grants: Vec<GrantRow>,
    ways: Vec<(String, String, String)>,
    sessions: String,
    tokens: String,
    roles: Vec<(&'static str, String)>,
    classes: [&'static str; 4],
}

struct GrantRow {
    role: &'static str,
    words: String,
    place: String,
    workflow: String,
    tier: String,
    clearance: &'static str,
    may_pause: bool,
    by: String,
    at: String,
    until: Option<String>,
}

#[derive(Template)]
#[template(path = "matrix.html")]
struct MatrixPage {
    shell: Shell,
    roles: Vec<String>,
    rows: Vec<MatrixRow>,
}

struct MatrixRow {
    act: String,
    step_up: bool,
    cells: Vec<bool>,
}

/// Everybody.
pub(crate) async fn list(State(app): State<App>, visit: Visit) -> Result<Response, PageError> {
    drawn(&app, visit, None, None).await
}

async fn drawn(
    app: &App,
    visit: Visit,
    problem: Option<Problem>,
    link: Option<String>,
) -> Result<Response, PageError> {
    let people = app.engine.reader().people().await?;
    let review = app.engine.access_review().await?;
    let rows = people.into_iter().map(|p| {
        let own = || review.iter().filter(|r| r.person == p.handle);
        let mut roles: Vec<String> = own().map(|r| code(r.role.word())).collect();
        roles.dedup();
        let last = own().filter_map(|r| r.last_used.as_deref()).max();
        PersonRow {
            roles: roles.join(", "),
            last_used: last
                .map_or("never", |t| t.get(..10).unwrap_or(t))
                .to_owned(),
            handle: p.handle,
            name: p.name,
            email: p.email,
            active: p.active,
        }
    });
    let findings = review.iter().filter_map(|r| {
        let place = r.workflow.as_deref().unwrap_or("the instance");
        let finding = r.finding.as_ref()?;
        Some(format!(
            "{}, {} on {place}: {finding}",
            r.name,
            code(r.role.word()).to_lowercase()
        ))
    });
    let kept = app.engine.upkeep(None).await?;
    let unkept = kept.into_iter().filter_map(|k| {
        let finding = k.finding?;
        Some(format!("{}, {}: {finding}", k.workflow, k.item))
    });
    let findings = findings.chain(unkept);
    let answer_status = problem.as_ref().map(status);
    let mut answer = html(&PeoplePage {
        manages: visit.user.may(Act::ManagePeople),
        rows: rows.collect(),
        findings: findings.collect(),
        shell: visit.shell(app, "People", "people", None).await?,
        problem,
        link,
    })?;
    if let Some(status) = answer_status {
        *answer.status_mut() = status;
    }
    Ok(answer)
}

fn link_of(app: &App, code: &str) -> String {
    format!("{}/sign-in?code={code}", app.config.public_url)
}

/// Adds a person; the page shows the set-up link once.
pub(crate) async fn invite(
    State(app): State<App>,
    headers: HeaderMap,
    form: PostForm,
) -> Result<Response, PageError> {
    let text = |name: &str| form.text(name).unwrap_or_default();
    let person = Person {
        handle: text("handle"),
        name: text("name"),
        email: text("email"),
        active: true,
    };
    let by = form.user.actor();
    let result = app.engine.invite(person, &text("reason"), &by).await;
    let visit = Visit::after(form.user, "/people".to_owned(), &headers);
    match result {
        Ok(code) => drawn(&app, visit, None, Some(link_of(&app, &code))).await,
        Err(problem) => drawn(&app, visit, Some(problem), None).await,
    }
}

/// One person.
pub(crate) async fn one(
    State(app): State<App>,
    visit: Visit,
    Path(handle): Path<String>,
) -> Result<Response, PageError> {
    card(&app, visit, &handle, None, None).await
}

async fn card(
    app: &App,
    visit: Visit,
    handle: &str,
    problem: Option<Problem>,
    link: Option<String>,
) -> Result<Response, PageError> {
    let card = app.engine.person_card(handle).await?;
    let grant = |g: &Grant| GrantRow {
        role: g.role.word(),
        words: code(g.role.word()),
        place: g.place().to_owned(),
        workflow: g.workflow.clone().unwrap_or_default(),
        tier: g.tier.clone().unwrap_or_default(),
        clearance: g.clearance.word(),
        may_pause: g.may_pause,
        by: author(&g.granted_by).to_owned(),
        at: local(g.granted_at, None),
        until: g.until.map(|t| local(t, None)),
    };
    let passkeys = app.engine.passkeys(handle).await?;
    let copied = |name: &str| {
        let mut found = passkeys.iter().filter(|p| p.row.name == name);
        found.any(|p| p.copied_at().is_some())
    };
    let ways = card.credentials.iter().map(|c| {
        let used = c
            .used_at
            .map_or_else(|| "never".to_owned(), |t| local(t, None));
        let mut words = way(c.kind.word());
        if !c.label.is_empty() {
            words = format!("{words}, {}", c.label);
        }
        if copied(&c.name) {
            words.push_str(" (possibly copied)");
        }
        (words, local(c.created_at, None), used)
    });
    let grantable = Role::ALL.iter().filter(|r| **r != Role::MachineIdentity);
    let answer_status = problem.as_ref().map(status);
    let mut answer = html(&PersonPage {
        manages: visit.user.may(Act::ManagePeople),
        shell: visit
            .shell(app, card.person.name.clone(), "people", None)
            .await?,
        away: card.away.map(|a| local(a.until, None)),
        grants: card.grants.iter().map(grant).collect(),
        ways: ways.collect(),
        sessions: plural(card.sessions.len() as u64, "session"),
        tokens: plural(
            card.tokens
                .iter()
                .filter(|t| t.revoked_at.is_none())
                .count() as u64,
            "token",
        ),
        roles: grantable.map(|r| (r.word(), code(r.word()))).collect(),
        classes: ["public", "internal", "confidential", "restricted"],
        person: card.person,
        problem,
        link,
    })?;
    if let Some(status) = answer_status {
        *answer.status_mut() = status;
    }
    Ok(answer)
}

/// Grants or revokes a role.
pub(crate) async fn role(
    State(app): State<App>,
    Path(handle): Path<String>,
    headers: HeaderMap,
    form: PostForm,
) -> Result<Response, PageError> {
    let result = changed_role(&app, &handle, &form).await;
    after(&app, &handle, headers, form, result.map(|()| None)).await
}

async fn changed_role(app: &App, handle: &str, form: &PostForm) -> Result<(), Problem> {
    let none = || Problem::new("bad_request", "a role is needed").field("role");
    let role: Role = query::word("role", form.text("role").as_deref())?.ok_or_else(none)?;
    let mut grant = Grant::new(handle, role, form.text("workflow"));
    grant.tier = form.text("tier");
    if let Some(class) = form.text("clearance") {
        grant.clearance = class
            .parse()
            .map_err(|e: String| Problem::new("bad_request", e).field("clearance"))?;
    }
    grant.may_pause = form.text("may_pause").is_some();
    if let Some(day) = form.text("until") {
        grant.until = Some(end_of(&day)?);
    }
    let (reason, by) = (form.text("reason").unwrap_or_default(), form.user.actor());
    match form.text("act").as_deref() {
        Some("revoke") => app.engine.revoke(&grant, &reason, &by).await,
        _ => app.engine.grant(grant, &reason, &by).await.map(drop),
    }
}

/// Switches a person off or on, resets the ways to sign in, notes an absence.
pub(crate) async fn standing(
    State(app): State<App>,
    Path(handle): Path<String>,
    headers: HeaderMap,
    form: PostForm,
) -> Result<Response, PageError> {
    let (reason, by) = (form.text("reason").unwrap_or_default(), form.user.actor());
    let engine = &app.engine;
    let result = match form.text("act").as_deref() {
        Some("deactivate") => engine
            .set_active(&handle, false, &reason, &by)
            .await
            .map(|_| None),
        Some("activate") => engine
            .set_active(&handle, true, &reason, &by)
            .await
            .map(|_| None),
        Some("reset") => {
            let code = engine.reset_sign_in(&handle, &reason, &by).await;
            code.map(|c| Some(link_of(&app, &c)))
        }
        Some("delete") => engine.delete_person(&handle).await.map(|()| None),
        Some("away") => match until(&form) {
            Ok(at) => engine
                .set_away(&handle, at, form.text("to"), &reason, &by)
                .await
                .map(|_| None),
            Err(e) => Err(e),
        },
        _ => Err(Problem::new("bad_request", "nothing to do").field("act")),
    };
    after(&app, &handle, headers, form, result).await
}

fn until(form: &PostForm) -> Result<Timestamp, Problem> {
    let bad = || Problem::new("bad_request", "a day is written 2026-11-30").field("until");
    form.text("until")
        .ok_or_else(bad)
        .and_then(|day| end_of(&day))
}

/// The last second of a day.
fn end_of(day: &str) -> Result<Timestamp, Problem> {
    let bad = |_| Problem::new("bad_request", "a day is written 2026-11-30").field("until");
    Timestamp::parse(&format!("{day}T23:59:59Z")).map_err(bad)
}

async fn after(
    app: &App,
    handle: &str,
    headers: HeaderMap,
    form: PostForm,
    result: Result<Option<String>, Problem>,
) -> Result<Response, PageError> {
    let at = format!("/people/{handle}");
    match result {
        Ok(None) => {
            app.sessions
                .tell(&form.user, "Done, and kept in the audit log".to_owned());
            Ok(Redirect::to(&at).into_response())
        }
        Ok(link) => {
            card(
                app,
                Visit::after(form.user, at, &headers),
                handle,
                None,
                link,
            )
            .await
        }
        Err(p) if p.code == "not_found" && p.field.as_deref() == Some("person") => Err(p.into()),
        Err(p) => {
            card(
                app,
                Visit::after(form.user, at, &headers),
                handle,
                Some(p),
                None,
            )
            .await
        }
    }
}

/// The matrix, printed from the function that is asked.
pub(crate) async fn matrix(State(app): State<App>, visit: Visit) -> Result<Response, PageError> {
    let row = |act: &Act| MatrixRow {
        act: code(act.word()),
        step_up: act.step_up(),
        cells: Role::ALL.iter().map(|r| may(*r, *act)).collect(),
    };
    html(&MatrixPage {
        shell: visit.shell(&app, "Roles and acts", "people", None).await?,
        roles: Role::ALL.iter().map(|r| code(r.word())).collect(),
        rows: Act::ALL.iter().map(row).collect(),
    })
}
