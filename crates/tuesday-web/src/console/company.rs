//! The way to the company's identity provider and back.

use axum::extract::{Query, State};
use axum::http::{HeaderMap, header};
use axum::response::{IntoResponse, Redirect, Response};
use tuesday_domain::problem::Problem;
use tuesday_domain::record::{Session, SignedInBy};

use super::account::renewed;
use super::sign_in::{drawn, entered, session};
use super::visit::Visit;
use super::{account, problem_page};
use crate::auth::{Back, Oidc, Source, cookie, cookie_name};
use crate::refusal::PageError;
use crate::state::App;

fn oidc(app: &App) -> Result<&Oidc, Problem> {
    app.oidc.as_ref().ok_or_else(|| {
        Problem::new("not_found", "this instance has no identity provider")
            .way_out("sign in with a passkey or a password")
    })
}

async fn sent(app: &App, confirms: Option<&str>, address: &str) -> Result<Response, Problem> {
    let begun = oidc(app)?
        .begin(&app.engine, &app.config, confirms, address)
        .await?;
    let mut answer = Redirect::to(&begun.to).into_response();
    answer
        .headers_mut()
        .append(header::SET_COOKIE, begun.cookie);
    Ok(answer)
}

/// Sends the browser to the provider. Only from our own pages: nobody is to be signed in by a link.
pub(crate) async fn enter(
    State(app): State<App>,
    Source(address): Source,
    headers: HeaderMap,
) -> Result<Response, PageError> {
    let site = headers.get("sec-fetch-site").and_then(|v| v.to_str().ok());
    if site.is_some_and(|s| s != "same-origin" && s != "none") {
        return Ok(Redirect::to("/sign-in").into_response());
    }
    match sent(&app, None, &address).await {
        Ok(answer) => Ok(answer),
        Err(p) => drawn(&app, &headers, None, Some(&p)).await,
    }
}

/// Sends somebody who is signed in to the provider for a fresh proof.
pub(crate) async fn confirm(
    State(app): State<App>,
    Source(address): Source,
    visit: Visit,
) -> Result<Response, PageError> {
    let me = visit.user.session.person.clone();
    match sent(&app, Some(&me), &address).await {
        Ok(answer) => Ok(answer),
        Err(p) => account::drawn(&app, visit, Some(p), Vec::new()).await,
    }
}

/// The browser is back: somebody comes in, or somebody who is in has proved it again. One address
/// for both, because it is registered with the provider.
pub(crate) async fn back(
    State(app): State<App>,
    Source(address): Source,
    headers: HeaderMap,
    Query(back): Query<Back>,
) -> Result<Response, PageError> {
    if !back.confirms() {
        return match came(&app, &headers, back).await {
            Ok(answer) => Ok(answer),
            Err(p) => {
                let p = counted(&app, &address, p).await;
                drawn(&app, &headers, None, Some(&p)).await
            }
        };
    }
    // The address is open, so nobody has looked at the session yet.
    let token = cookie(&headers, cookie_name(&app.config)).ok_or(PageError::SignIn)?;
    let (session, _) = app.engine.session(token).await?.ok_or(PageError::SignIn)?;
    match confirmed(&app, &headers, &session, back).await {
        Ok(answer) => Ok(answer),
        Err(p) => Ok(problem_page(&counted(&app, &address, p).await)),
    }
}

/// A refusal is kept and counted; a provider that is down is nobody's fault here.
async fn counted(app: &App, address: &str, p: Problem) -> Problem {
    if p.status() >= 500 || p.code == "rate_limited" {
        return p;
    }
    app.engine.sign_in_failed("oidc", address, p).await
}

async fn came(app: &App, headers: &HeaderMap, back: Back) -> Result<Response, Problem> {
    let engine = &app.engine;
    let known = oidc(app)?
        .back(engine, &app.config, headers, back, None)
        .await?;
    let person = engine.person_of(&known.identity).await?;
    let new = session(person.handle, SignedInBy::Oidc);
    entered(app, headers, new, known.proved_at).await
}

async fn confirmed(
    app: &App,
    headers: &HeaderMap,
    session: &Session,
    back: Back,
) -> Result<Response, Problem> {
    let (engine, me) = (&app.engine, &session.person);
    let known = oidc(app)?
        .back(engine, &app.config, headers, back, Some(me))
        .await?;
    let person = engine.person_of(&known.identity).await?;
    if person.handle != *me {
        return Err(Problem::new(
            "identity_refused",
            "the company account belongs to somebody else here",
        )
        .way_out("sign out at the identity provider, then confirm again"));
    }
    renewed(app, session, SignedInBy::Oidc, "Confirmed for ten minutes").await
}
