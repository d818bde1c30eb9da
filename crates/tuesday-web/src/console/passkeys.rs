//! Adding and removing passkeys on one's own account, and the challenges for that.

use axum::Json;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;
use tuesday_domain::problem::Problem;
use tuesday_domain::record::{CredentialKind, SignedInBy};

use super::account::{again, fresh, renewed};
use crate::auth::{Challenge, PostForm, Source};
use crate::refusal::{ApiError, PageError};
use crate::state::App;

/// The challenge for a new passkey. What is missing is said before the device asks for a finger.
pub(crate) async fn offer(
    State(app): State<App>,
    Source(address): Source,
    form: PostForm,
) -> Result<Json<Challenge>, ApiError> {
    fresh(&app, &form.user)?;
    let session = &form.user.session;
    let who = (session.person.as_str(), session.name.as_str());
    Ok(Json(app.passkeys.offer(&app.engine, who, &address).await?))
}

/// The challenge for a fresh proof.
pub(crate) async fn ask_again(
    State(app): State<App>,
    Source(address): Source,
    form: PostForm,
) -> Result<Json<Challenge>, ApiError> {
    let me = &form.user.session.person;
    let challenge = app.passkeys.ask_again(&app.engine, me, &address).await?;
    Ok(Json(challenge))
}

/// Keeps a new passkey. Its device has just checked who holds it, so the session is whole now.
pub(crate) async fn add(
    State(app): State<App>,
    headers: HeaderMap,
    form: PostForm,
) -> Result<Response, PageError> {
    let result = match added(&app, &form).await {
        Ok(()) => {
            let told = "Passkey added; your other sessions have ended";
            renewed(&app, &form.user.session.stored, SignedInBy::Passkey, told).await
        }
        Err(e) => Err(e),
    };
    match result {
        Ok(answer) => Ok(answer),
        Err(e) => again(&app, form, &headers, Err(e), "").await,
    }
}

async fn added(app: &App, form: &PostForm) -> Result<(), Problem> {
    fresh(app, &form.user)?;
    let text = |name: &str| form.text(name).unwrap_or_default();
    let session = &form.user.session;
    let (me, engine) = (&session.person, &app.engine);
    let (id, key) = app
        .passkeys
        .accept(engine, me, &text("ceremony"), &text("answer"))
        .await?;
    engine
        .add_passkey(me, &id, &text("label"), key, &session.stored)
        .await
}

/// Takes a passkey away.
pub(crate) async fn remove(
    State(app): State<App>,
    headers: HeaderMap,
    form: PostForm,
) -> Result<Response, PageError> {
    let id = form.text("passkey").unwrap_or_default();
    let result = dropped(&app, &form, CredentialKind::Passkey, &id).await;
    let told = "Passkey removed; your other sessions have ended";
    again(&app, form, &headers, result, told).await
}

/// Unbinds the account at the identity provider.
pub(crate) async fn unbind(
    State(app): State<App>,
    headers: HeaderMap,
    form: PostForm,
) -> Result<Response, PageError> {
    let result = unbound(&app, &form).await;
    again(&app, form, &headers, result, "Company account unbound").await
}

async fn unbound(app: &App, form: &PostForm) -> Result<(), Problem> {
    let card = app.engine.person_card(&form.user.session.person).await?;
    for c in card.credentials {
        if c.kind == CredentialKind::Oidc {
            dropped(app, form, c.kind, &c.name).await?;
        }
    }
    Ok(())
}

async fn dropped(
    app: &App,
    form: &PostForm,
    kind: CredentialKind,
    name: &str,
) -> Result<(), Problem> {
    fresh(app, &form.user)?;
    let session = &form.user.session;
    app.engine
        .drop_credential(&session.person, kind, name, Some(&session.stored))
        .await
}
