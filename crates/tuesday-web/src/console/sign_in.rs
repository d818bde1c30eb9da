//! Coming and going: a token, a one-time link, or on a demo instance one of its people.

use std::time::Duration;

use askama::Template;
use axum::extract::{Form, Query, State};
use axum::http::{HeaderMap, HeaderValue, header};
use axum::response::{IntoResponse, Redirect, Response};
use serde::Deserialize;
use tuesday_domain::problem::Problem;
use tuesday_domain::record::{Person, Scope};

use super::html;
use super::shell::{Shell, initials};
use super::visit::{LOOK, theme};
use crate::assets;
use crate::auth::{PostForm, clear_cookie, same_site, set_cookie};
use crate::query::own_path;
use crate::refusal::{PageError, status};
use crate::state::App;

#[derive(Template)]
#[template(path = "sign_in.html")]
struct SignInPage {
    shell: Shell,
    problem: Option<String>,
    code: Option<String>,
    people: Vec<DemoPerson>,
    /// How many of them own no workflow.
    others: usize,
}

struct DemoPerson {
    handle: String,
    name: String,
    initials: String,
    role: String,
}

/// A link with a code shows a button: looking at a page changes nothing.
#[derive(Debug, Default, Deserialize)]
pub(crate) struct SignInQuery {
    code: Option<String>,
}

/// One of three ways in.
#[derive(Debug, Default, Deserialize)]
pub(crate) struct SignInForm {
    token: Option<String>,
    code: Option<String>,
    act_as: Option<String>,
}

/// The door.
pub(crate) async fn page(
    State(app): State<App>,
    headers: HeaderMap,
    Query(q): Query<SignInQuery>,
) -> Result<Response, PageError> {
    drawn(&app, &headers, q.code, None).await
}

async fn drawn(
    app: &App,
    headers: &HeaderMap,
    code: Option<String>,
    problem: Option<&Problem>,
) -> Result<Response, PageError> {
    let shell = Shell {
        title: "Sign in".to_owned(),
        assets: assets::all().links.clone(),
        theme: theme(headers),
        demo: app.config.demo_people,
        ..Shell::default()
    };
    let people = if app.config.demo_people {
        demo_people(app).await?
    } else {
        Vec::new()
    };
    let others = people.iter().filter(|p| p.role.is_empty()).count();
    let mut answer = html(&SignInPage {
        shell,
        problem: problem.map(|p| p.detail.clone()),
        code,
        people,
        others,
    })?;
    if let Some(p) = problem {
        *answer.status_mut() = status(p);
    }
    Ok(answer)
}

async fn demo_people(app: &App) -> Result<Vec<DemoPerson>, PageError> {
    let reader = app.engine.reader();
    let (people, workflows) = tokio::try_join!(reader.people(), reader.workflows())?;
    let role = |p: &Person| {
        let owned: Vec<&str> = workflows
            .iter()
            .filter(|w| w.owner == p.handle)
            .map(|w| w.title.as_str())
            .collect();
        if owned.is_empty() {
            String::new()
        } else {
            format!("owns {}", owned.join(", "))
        }
    };
    let mut out: Vec<DemoPerson> = people
        .iter()
        .filter(|p| p.active)
        .map(|p| DemoPerson {
            handle: p.handle.clone(),
            initials: initials(&p.name),
            role: role(p),
            name: p.name.clone(),
        })
        .collect();
    // Those who own a queue come first: they have something to decide.
    out.sort_by_key(|p| p.role.is_empty());
    Ok(out)
}

/// Signs in.
pub(crate) async fn post(
    State(app): State<App>,
    headers: HeaderMap,
    Form(form): Form<SignInForm>,
) -> Result<Response, PageError> {
    same_site(&headers, &app.config.public_url)?;
    match enter(&app, &form).await {
        Ok(token) => {
            let mut answer = Redirect::to("/queue").into_response();
            if let Some(cookie) = set_cookie(&app.config, &token) {
                answer.headers_mut().insert(header::SET_COOKIE, cookie);
            }
            Ok(answer)
        }
        Err(problem) => drawn(&app, &headers, None, Some(&problem)).await,
    }
}

async fn enter(app: &App, form: &SignInForm) -> Result<String, Problem> {
    let day = Duration::from_secs(12 * 3_600);
    if let Some(code) = form.code.as_deref() {
        let spent = || {
            Problem::new(
                "token_invalid",
                "this link was used already, or it never was one",
            )
        };
        return start(app, &app.redeem(code).ok_or_else(spent)?, None, day).await;
    }
    if let Some(handle) = form.act_as.as_deref() {
        if !app.config.demo_people {
            return Err(Problem::new(
                "not_allowed",
                "only a demo instance lets people choose who they are",
            ));
        }
        return start(app, handle, None, day).await;
    }
    let token = app
        .engine
        .token(form.token.as_deref().unwrap_or_default().trim())
        .await?;
    if !matches!(token.scope, Scope::Review | Scope::Admin) {
        return Err(Problem::new(
            "not_allowed",
            format!(
                "the token's scope is {}; the console needs review or admin",
                token.scope
            ),
        ));
    }
    let nobody = || Problem::new("not_allowed", "the token is bound to no person");
    let left = token.expires_at.since(app.engine.now());
    start(
        app,
        token.person.as_deref().ok_or_else(nobody)?,
        token.workflow.clone(),
        left,
    )
    .await
}

async fn start(
    app: &App,
    handle: &str,
    workflow: Option<String>,
    life: Duration,
) -> Result<String, Problem> {
    let unknown = || {
        Problem::new(
            "not_allowed",
            format!("there is no active person `{handle}`"),
        )
    };
    let person = app
        .engine
        .reader()
        .person(handle)
        .await
        .map_err(crate::refusal::read_problem)?;
    let person = person.filter(|p| p.active).ok_or_else(unknown)?;
    app.sessions
        .start(&person.handle, &person.name, workflow, life)
}

/// Ends the session.
pub(crate) async fn sign_out(State(app): State<App>, form: PostForm) -> Response {
    app.sessions.end(&form.user.token);
    let mut answer = Redirect::to("/sign-in").into_response();
    if let Some(cookie) = clear_cookie(&app.config) {
        answer.headers_mut().insert(header::SET_COOKIE, cookie);
    }
    answer
}

/// Keeps how pages should look.
pub(crate) async fn look(form: PostForm) -> Response {
    let value = match form.text("theme").as_deref() {
        Some("light") => "light",
        Some("dark") => "dark",
        _ => "system",
    };
    let back = form.text("back").unwrap_or_default();
    let mut answer = Redirect::to(own_path(&back)).into_response();
    if let Ok(cookie) = HeaderValue::from_str(&format!(
        "{LOOK}={value}; SameSite=Lax; Path=/; Max-Age=31536000; HttpOnly"
    )) {
        answer.headers_mut().insert(header::SET_COOKIE, cookie);
    }
    answer
}
