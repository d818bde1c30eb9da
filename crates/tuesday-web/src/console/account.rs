//! One's own account: ways to sign in, sessions, and the fresh proof that sensitive acts want.

use askama::Template;
use axum::extract::State;
use axum::http::{HeaderMap, header};
use axum::response::{IntoResponse, Redirect, Response};
use tuesday_domain::problem::Problem;
use tuesday_domain::record::{CredentialKind, SignedInBy};
use tuesday_engine::ops::{ABSOLUTE, NewSession, Proof, TotpOffer};

use super::html;
use super::shell::Shell;
use super::visit::Visit;
use super::words::{code, local};
use crate::auth::{PostForm, User, is_half, set_cookie};
use crate::refusal::{PageError, status};
use crate::state::App;

#[derive(Template)]
#[template(path = "account.html")]
struct AccountPage {
    shell: Shell,
    handle: String,
    problem: Option<Problem>,
    half: bool,
    password: Option<String>,
    codes: Option<String>,
    offer: Option<TotpOffer>,
    recovery: Vec<String>,
    roles: Vec<(String, String, String)>,
    sessions: Vec<SessionRow>,
}

struct SessionRow {
    id: String,
    by: String,
    agent: String,
    started: String,
    seen: String,
    here: bool,
}

/// The page.
pub(crate) async fn page(State(app): State<App>, visit: Visit) -> Result<Response, PageError> {
    drawn(&app, visit, None, Vec::new()).await
}

async fn drawn(
    app: &App,
    visit: Visit,
    problem: Option<Problem>,
    recovery: Vec<String>,
) -> Result<Response, PageError> {
    let me = visit.user.session.person.clone();
    let stored = visit.user.session.stored.clone();
    let card = app.engine.person_card(&me).await?;
    let since = |kind| {
        let found = card.credentials.iter().find(|c| c.kind == kind);
        found.map(|c| local(c.created_at, None))
    };
    let codes = since(CredentialKind::Totp);
    let password = since(CredentialKind::Password);
    let offer = (codes.is_none() && password.is_some() && recovery.is_empty())
        .then(|| app.engine.offer_totp(&me))
        .transpose()?;
    let roles = card.grants.iter().map(|g| {
        let words = code(g.role.word());
        (words, g.place().to_owned(), g.clearance.word().to_owned())
    });
    let row = |s: &tuesday_domain::record::Session| SessionRow {
        id: hex::encode(s.hash),
        by: code(s.by.word()),
        agent: s.agent.clone(),
        started: local(s.started_at, None),
        seen: local(s.seen_at, None),
        here: s.hash == stored.hash,
    };
    let answer_status = problem.as_ref().map(status);
    let mut answer = html(&AccountPage {
        shell: visit.shell(app, "Account", "account", None).await?,
        handle: me,
        problem,
        half: is_half(stored.by) && recovery.is_empty(),
        password,
        codes,
        offer,
        recovery,
        roles: roles.collect(),
        sessions: card.sessions.iter().map(row).collect(),
    })?;
    if let Some(status) = answer_status {
        *answer.status_mut() = status;
    }
    Ok(answer)
}

async fn again(
    app: &App,
    form: PostForm,
    headers: &HeaderMap,
    result: Result<(), Problem>,
    told: &str,
) -> Result<Response, PageError> {
    match result {
        Ok(()) => {
            app.sessions.tell(&form.user, told.to_owned());
            Ok(Redirect::to("/account").into_response())
        }
        Err(problem) => {
            let visit = Visit::after(form.user, "/account".to_owned(), headers);
            drawn(app, visit, Some(problem), Vec::new()).await
        }
    }
}

/// A change of how one signs in wants a fresh proof, except while that is being set up.
fn fresh(app: &App, user: &User) -> Result<(), Problem> {
    let stored = &user.session.stored;
    if tuesday_engine::ops::is_fresh(stored, app.engine.now()) {
        return Ok(());
    }
    Err(Problem::new(
        "fresh_sign_in_needed",
        "a change of how you sign in wants a proof that is at most ten minutes old",
    )
    .way_out("confirm who you are below, then do it again"))
}

/// Takes a fresh proof.
pub(crate) async fn confirm(
    State(app): State<App>,
    headers: HeaderMap,
    form: PostForm,
) -> Result<Response, PageError> {
    let proof = Proof {
        handle: form.user.session.person.clone(),
        password: form.text("password").unwrap_or_default(),
        code: form.text("code").unwrap_or_default(),
        address: "session".to_owned(),
    };
    let result = match app.engine.prove(&proof).await {
        Ok(_) => app.engine.freshen_session(&form.user.session.stored).await,
        Err(e) => Err(e),
    };
    again(&app, form, &headers, result, "Confirmed for ten minutes").await
}

/// Sets the password.
pub(crate) async fn password(
    State(app): State<App>,
    headers: HeaderMap,
    form: PostForm,
) -> Result<Response, PageError> {
    let text = raw(&form, "new_password");
    let result = match fresh(&app, &form.user) {
        Ok(()) if text != raw(&form, "again") => {
            Err(Problem::new("weak_password", "the two fields are not the same").field("again"))
        }
        Ok(()) => {
            let session = form.user.session.stored.clone();
            let me = form.user.session.person.clone();
            app.engine.set_password(&me, &text, Some(&session)).await
        }
        Err(e) => Err(e),
    };
    let told = "Password set; your other sessions have ended";
    again(&app, form, &headers, result, told).await
}

/// Spaces belong to a password.
fn raw(form: &PostForm, name: &str) -> String {
    form.all(name).into_iter().next().unwrap_or_default()
}

/// Takes the first code of a new key: the session goes on under a new token, with both factors.
pub(crate) async fn codes(
    State(app): State<App>,
    headers: HeaderMap,
    form: PostForm,
) -> Result<Response, PageError> {
    let (me, stored) = (
        form.user.session.person.clone(),
        form.user.session.stored.clone(),
    );
    let sealed = form.text("sealed").unwrap_or_default();
    let typed = form.text("code").unwrap_or_default();
    let kept = match fresh(&app, &form.user) {
        Ok(()) => {
            let engine = &app.engine;
            engine
                .confirm_totp(&me, &sealed, &typed, Some(&stored))
                .await
        }
        Err(e) => Err(e),
    };
    let recovery = match kept {
        Ok(recovery) => recovery,
        Err(e) => return again(&app, form, &headers, Err(e), "").await,
    };
    let by = form.user.actor();
    let token = app
        .engine
        .start_session(NewSession {
            person: me.clone(),
            by: SignedInBy::PasswordAndCode,
            workflow: stored.workflow.clone(),
            agent: stored.agent.clone(),
            life: ABSOLUTE,
        })
        .await?;
    app.engine
        .end_sessions(&me, Some(stored.hash), None, &by)
        .await?;
    let visit = Visit::after(form.user, "/account".to_owned(), &headers);
    let mut answer = drawn(&app, visit, None, recovery).await?;
    if let Some(cookie) = set_cookie(&app.config, &token) {
        answer.headers_mut().insert(header::SET_COOKIE, cookie);
    }
    Ok(answer)
}

/// Ends one session, or all the others.
pub(crate) async fn sessions(
    State(app): State<App>,
    headers: HeaderMap,
    form: PostForm,
) -> Result<Response, PageError> {
    let (me, here) = (
        form.user.session.person.clone(),
        form.user.session.stored.hash,
    );
    let one = form.text("session").and_then(|t| {
        let mut out = [0; 32];
        hex::decode_to_slice(t, &mut out).ok().map(|()| out)
    });
    let keep = one.is_none().then_some(here);
    let by = form.user.actor();
    let ended = app.engine.end_sessions(&me, one, keep, &by).await;
    again(&app, form, &headers, ended.map(drop), "Ended").await
}
