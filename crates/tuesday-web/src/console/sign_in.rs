//! Coming and going: a passkey, a password with a code, a one-time link, a token, the company's
//! identity provider, or on a demo instance one of its people.

use askama::Template;
use axum::Json;
use axum::extract::{Form, Query, State};
use axum::http::{HeaderMap, HeaderValue, header};
use axum::response::{IntoResponse, Redirect, Response};
use serde::Deserialize;
use tuesday_domain::access::Act;
use tuesday_domain::actor::Actor;
use tuesday_domain::problem::Problem;
use tuesday_domain::record::{Person, Scope, SignedInBy};
use tuesday_domain::time::Timestamp;
use tuesday_engine::ops::{ABSOLUTE, NewSession, Proof};

use super::html;
use super::shell::{Shell, initials};
use super::visit::{LOOK, theme};
use crate::assets;
use crate::auth::{
    Challenge, PostForm, Source, clear_cookie, cookie, cookie_name, is_half, same_site, set_cookie,
};
use crate::query::own_path;
use crate::refusal::{ApiError, PageError, status};
use crate::state::App;

#[derive(Template)]
#[template(path = "sign_in.html")]
struct SignInPage {
    shell: Shell,
    problem: Option<Problem>,
    /// What people call the identity provider.
    company: Option<String>,
    passkeys: bool,
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

/// One of the ways in.
#[derive(Debug, Default, Deserialize)]
pub(crate) struct SignInForm {
    token: Option<String>,
    code: Option<String>,
    act_as: Option<String>,
    handle: Option<String>,
    password: Option<String>,
    otp: Option<String>,
    ceremony: Option<String>,
    answer: Option<String>,
    /// The handle that was typed before the passkey was asked for.
    named: Option<String>,
}

/// The door.
pub(crate) async fn page(
    State(app): State<App>,
    headers: HeaderMap,
    Query(q): Query<SignInQuery>,
) -> Result<Response, PageError> {
    drawn(&app, &headers, q.code, None).await
}

pub(super) async fn drawn(
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
        problem: problem.cloned(),
        company: app.oidc.as_ref().map(|o| o.name().to_owned()),
        passkeys: app.passkeys.missing().is_none(),
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

/// The challenge that a passkey answers.
pub(crate) async fn passkey(
    State(app): State<App>,
    Source(address): Source,
    headers: HeaderMap,
) -> Result<Json<Challenge>, ApiError> {
    same_site(&headers, &app.config.public_url)?;
    Ok(Json(app.passkeys.ask(&app.engine, &address).await?))
}

/// Signs in.
pub(crate) async fn post(
    State(app): State<App>,
    Source(address): Source,
    headers: HeaderMap,
    Form(form): Form<SignInForm>,
) -> Result<Response, PageError> {
    same_site(&headers, &app.config.public_url)?;
    let entered = match enter(&app, form, address).await {
        Ok(new) => entered(&app, &headers, new, app.engine.now()).await,
        Err(e) => Err(e),
    };
    match entered {
        Ok(answer) => Ok(answer),
        Err(problem) => drawn(&app, &headers, None, Some(&problem)).await,
    }
}

/// Begins the session of somebody who proved who they are, and leads them to their work.
pub(super) async fn entered(
    app: &App,
    headers: &HeaderMap,
    new: NewSession,
    proved_at: Timestamp,
) -> Result<Response, Problem> {
    let (person, half) = (new.person.clone(), is_half(new.by));
    let new = NewSession {
        agent: agent(headers),
        ..new
    };
    let token = app.engine.start_session_proved(new, proved_at).await?;
    // Whoever was signed in here before is not any more: a session never changes hands.
    end_old(app, headers).await?;
    let rights = app.engine.rights(&person).await?;
    let to = match () {
        () if half => "/account",
        () if rights.may_anywhere(Act::ReadWork) => "/queue",
        () if rights.may_anywhere(Act::ReviewAccess) => "/people",
        () => "/account",
    };
    let mut answer = Redirect::to(to).into_response();
    if let Some(cookie) = set_cookie(&app.config, &token) {
        answer.headers_mut().append(header::SET_COOKIE, cookie);
    }
    Ok(answer)
}

fn agent(headers: &HeaderMap) -> String {
    let text = headers
        .get(header::USER_AGENT)
        .and_then(|v| v.to_str().ok());
    text.unwrap_or("a browser without a name").to_owned()
}

async fn end_old(app: &App, headers: &HeaderMap) -> Result<(), Problem> {
    if let Some(token) = cookie(headers, cookie_name(&app.config))
        && let Some((old, person)) = app.engine.session(token).await?
    {
        let by = Actor::Person(person.handle.clone());
        let engine = &app.engine;
        engine
            .end_sessions(&person.handle, Some(old.hash), None, &by)
            .await?;
    }
    Ok(())
}

pub(super) fn session(person: String, by: SignedInBy) -> NewSession {
    NewSession {
        person,
        by,
        workflow: None,
        agent: String::new(),
        life: ABSOLUTE,
    }
}

async fn enter(app: &App, form: SignInForm, address: String) -> Result<NewSession, Problem> {
    if let Some(code) = form.code.as_deref() {
        if let Some(person) = app.redeem(code) {
            return Ok(session(person, SignedInBy::Link));
        }
        let person = app.engine.redeem_invite(code).await?;
        return Ok(session(person, SignedInBy::Invite));
    }
    if let Some(handle) = form.act_as {
        if !app.config.demo_people {
            return Err(Problem::new(
                "not_allowed",
                "only a demo instance lets people choose who they are",
            ));
        }
        return Ok(session(handle, SignedInBy::Demo));
    }
    if let (Some(ceremony), Some(answer)) = (&form.ceremony, &form.answer) {
        let named = form.named.unwrap_or_default();
        return by_passkey(app, ceremony, answer, named.trim(), &address).await;
    }
    if let Some(handle) = form.handle {
        let proof = Proof {
            handle: handle.trim().to_owned(),
            password: form.password.unwrap_or_default(),
            code: form.otp.unwrap_or_default(),
            address,
        };
        let by = app.engine.prove(&proof).await?;
        return Ok(session(proof.handle, by));
    }
    by_token(app, form.token.as_deref().unwrap_or_default().trim()).await
}

async fn by_passkey(
    app: &App,
    ceremony: &str,
    answer: &str,
    named: &str,
    address: &str,
) -> Result<NewSession, Problem> {
    let engine = &app.engine;
    match app.passkeys.judge(engine, None, ceremony, answer).await {
        Ok(person) if named.is_empty() || named == person => {
            Ok(session(person, SignedInBy::Passkey))
        }
        Ok(person) => Err(Problem::new(
            "sign_in_refused",
            format!("that passkey belongs to `{person}` and not to `{named}`"),
        )
        .way_out("choose another passkey, or leave the handle empty")),
        // What the node itself could not do is nobody's wrong guess.
        Err(p) if p.status() >= 500 => Err(p),
        Err(p) => Err(engine.sign_in_failed("passkey", address, p).await),
    }
}

async fn by_token(app: &App, text: &str) -> Result<NewSession, Problem> {
    let token = app.engine.token(text).await?;
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
    Ok(NewSession {
        workflow: token.workflow,
        life: token.expires_at.since(app.engine.now()),
        ..session(token.person.ok_or_else(nobody)?, SignedInBy::Token)
    })
}

/// Ends the session, on every node.
pub(crate) async fn sign_out(
    State(app): State<App>,
    form: PostForm,
) -> Result<Response, PageError> {
    let session = &form.user.session;
    let (by, hash) = (form.user.actor(), session.stored.hash);
    let engine = &app.engine;
    engine
        .end_sessions(&session.person, Some(hash), None, &by)
        .await?;
    let mut answer = Redirect::to("/sign-in").into_response();
    if let Some(cookie) = clear_cookie(&app.config) {
        answer.headers_mut().insert(header::SET_COOKIE, cookie);
    }
    Ok(answer)
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
