//! One's own account: ways to sign in, sessions, and the fresh proof that sensitive acts want.

use askama::Template;
use axum::extract::State;
use axum::http::{HeaderMap, header};
use axum::response::{IntoResponse, Redirect, Response};
use tuesday_domain::problem::Problem;
use tuesday_domain::record::{CredentialKind, Session, SignedInBy};
use tuesday_engine::ops::{FoundPasskey, Proof, TotpOffer};

use super::html;
use super::shell::Shell;
use super::visit::Visit;
use super::words::{code, local, way};
use crate::auth::{PostForm, Source, User, is_half, set_cookie};
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
    /// Whether a fresh proof is asked for before anything can be changed.
    confirm: bool,
    passkeys: Vec<PasskeyRow>,
    /// Why there are no passkeys here.
    no_passkeys: Option<String>,
    company: Option<Company>,
}

struct PasskeyRow {
    id: String,
    label: String,
    added: String,
    used: String,
    synced: bool,
    copied: bool,
}

/// The identity provider, and whether this person is bound to an account there.
struct Company {
    name: String,
    bound: Option<String>,
    since: Option<String>,
}

struct SessionRow {
    id: String,
    by: String,
    agent: String,
    browser: String,
    started: String,
    seen: String,
    here: bool,
}

/// The page.
pub(crate) async fn page(State(app): State<App>, visit: Visit) -> Result<Response, PageError> {
    drawn(&app, visit, None, Vec::new()).await
}

pub(super) async fn drawn(
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
    let row = |s: &Session| SessionRow {
        id: hex::encode(s.hash),
        by: way(s.by.word()),
        browser: browser(&s.agent),
        agent: s.agent.clone(),
        started: local(s.started_at, None),
        seen: local(s.seen_at, None),
        here: s.hash == stored.hash,
    };
    let answer_status = problem.as_ref().map(status);
    let own = app.engine.passkeys(&me).await?;
    let company = app.oidc.as_ref().map(|o| {
        let found = card
            .credentials
            .iter()
            .find(|c| c.kind == CredentialKind::Oidc);
        Company {
            name: o.name().to_owned(),
            bound: found.map(|c| c.label.clone()),
            since: found.map(|c| local(c.created_at, None)),
        }
    });
    let bound = company.as_ref().is_some_and(|c| c.bound.is_some());
    let can_confirm = bound || password.is_some() || !own.is_empty();
    let mut answer = html(&AccountPage {
        confirm: can_confirm && !tuesday_engine::ops::is_fresh(&stored, app.engine.now()),
        passkeys: own.iter().map(passkey_row).collect(),
        no_passkeys: app.passkeys.missing().map(str::to_owned),
        company,
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

/// A browser's name and system, from what it says about itself; the rest is for machines.
fn browser(agent: &str) -> String {
    let first = |known: &[(&str, &'static str)]| {
        let found = known.iter().find(|(mark, _)| agent.contains(mark));
        found.map(|(_, words)| *words)
    };
    // Each of these claims to be those after it.
    let name = first(&[
        ("Edg", "Edge"),
        ("OPR/", "Opera"),
        ("Firefox/", "Firefox"),
        ("Chrom", "Chrome"),
        ("Safari/", "Safari"),
    ]);
    let system = first(&[
        ("Android", "Android"),
        ("iPhone", "iPhone"),
        ("iPad", "iPad"),
        ("Windows", "Windows"),
        ("Mac OS", "macOS"),
        ("Linux", "Linux"),
    ]);
    match (name, system) {
        (Some(name), Some(system)) => format!("{name} on {system}"),
        (Some(one), None) | (None, Some(one)) => one.to_owned(),
        (None, None) => agent.chars().take(40).collect(),
    }
}

fn passkey_row(p: &FoundPasskey) -> PasskeyRow {
    PasskeyRow {
        id: p.row.name.clone(),
        label: p.row.label.clone(),
        added: local(p.row.created_at, None),
        used: p
            .row
            .used_at
            .map_or_else(|| "never".to_owned(), |t| local(t, None)),
        synced: p.kept.key.pointer("/cred/backup_state") == Some(&serde_json::Value::Bool(true)),
        copied: p.copied_at().is_some(),
    }
}

/// The session goes on under a new token, and the next page says so.
pub(super) async fn renewed(
    app: &App,
    session: &Session,
    by: SignedInBy,
    told: &str,
) -> Result<Response, Problem> {
    let (token, next) = app.engine.renew_session(session, by).await?;
    app.sessions.tell_session(next.hash, told.to_owned());
    let mut answer = Redirect::to("/account").into_response();
    if let Some(cookie) = set_cookie(&app.config, &token) {
        answer.headers_mut().append(header::SET_COOKIE, cookie);
    }
    Ok(answer)
}

pub(super) async fn again(
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
pub(super) fn fresh(app: &App, user: &User) -> Result<(), Problem> {
    let stored = &user.session.stored;
    if tuesday_engine::ops::is_fresh(stored, app.engine.now()) {
        return Ok(());
    }
    Err(Problem::new(
        "fresh_sign_in_needed",
        "a change of how you sign in wants a proof that is at most ten minutes old",
    )
    .way_out("confirm who you are, then do it again"))
}

/// Takes a fresh proof: a passkey, or the password and a code.
pub(crate) async fn confirm(
    State(app): State<App>,
    Source(address): Source,
    headers: HeaderMap,
    form: PostForm,
) -> Result<Response, PageError> {
    let result = match proved(&app, &form, address).await {
        Ok(by) => {
            renewed(
                &app,
                &form.user.session.stored,
                by,
                "Confirmed for ten minutes",
            )
            .await
        }
        Err(e) => Err(e),
    };
    match result {
        Ok(answer) => Ok(answer),
        Err(e) => again(&app, form, &headers, Err(e), "").await,
    }
}

async fn proved(app: &App, form: &PostForm, address: String) -> Result<SignedInBy, Problem> {
    let me = form.user.session.person.clone();
    let engine = &app.engine;
    if let (Some(ceremony), Some(answer)) = (form.text("ceremony"), form.text("answer")) {
        let judged = app.passkeys.judge(engine, Some(&me), &ceremony, &answer);
        return match judged.await {
            Ok(_) => Ok(SignedInBy::Passkey),
            Err(p) if p.status() >= 500 => Err(p),
            Err(p) => Err(engine.sign_in_failed("passkey", &address, p).await),
        };
    }
    let proof = Proof {
        handle: me,
        password: raw(form, "password"),
        code: form.text("code").unwrap_or_default(),
        address,
    };
    engine.prove(&proof).await
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
    let by = SignedInBy::PasswordAndCode;
    let (token, _) = app.engine.renew_session(&stored, by).await?;
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
