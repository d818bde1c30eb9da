//! Access tokens of machines and people: made here, shown once, withdrawn here.

use askama::Template;
use axum::extract::{Path, State};
use axum::http::HeaderMap;
use axum::response::{IntoResponse, Redirect, Response};
use tuesday_domain::access::Act;
use tuesday_domain::id::TokenId;
use tuesday_domain::problem::Problem;
use tuesday_domain::record::{Scope, Token};
use tuesday_engine::ops::NewToken;

use super::html;
use super::shell::Shell;
use super::visit::Visit;
use super::words::local;
use crate::auth::PostForm;
use crate::query;
use crate::refusal::{PageError, status};
use crate::state::App;

#[derive(Template)]
#[template(path = "tokens.html")]
struct TokensPage {
    shell: Shell,
    manages: bool,
    problem: Option<Problem>,
    fresh: Option<String>,
    rows: Vec<TokenRow>,
    people: Vec<(String, String)>,
    scopes: Vec<&'static str>,
}

struct TokenRow {
    id: String,
    scope: &'static str,
    workflow: String,
    person: String,
    expires: String,
    state: &'static str,
    tone: &'static str,
    live: bool,
}

/// Every token, never its text.
pub(crate) async fn page(State(app): State<App>, visit: Visit) -> Result<Response, PageError> {
    drawn(&app, visit, None, None).await
}

async fn drawn(
    app: &App,
    visit: Visit,
    problem: Option<Problem>,
    fresh: Option<String>,
) -> Result<Response, PageError> {
    let reader = app.engine.reader();
    let (tokens, people) = tokio::try_join!(reader.tokens(), reader.people())?;
    let now = app.engine.now();
    let row = |t: Token| {
        let (state, tone, live) = match (t.revoked_at, t.expires_at <= now) {
            (Some(_), _) => ("Withdrawn", "bad", false),
            (None, true) => ("Expired", "warn", false),
            (None, false) => ("Works", "ok", true),
        };
        TokenRow {
            id: t.id.to_string(),
            scope: t.scope.word(),
            workflow: t.workflow.unwrap_or_else(|| "all".to_owned()),
            person: t.person.unwrap_or_default(),
            expires: local(t.expires_at, None),
            state,
            tone,
            live,
        }
    };
    let named = people.into_iter().filter(|p| p.active);
    let answer_status = problem.as_ref().map(status);
    let mut answer = html(&TokensPage {
        manages: visit.user.may(Act::ManageTokens),
        shell: visit.shell(app, "Tokens", "people", None).await?,
        rows: tokens.into_iter().map(row).collect(),
        people: named.map(|p| (p.handle, p.name)).collect(),
        scopes: Scope::ALL.iter().map(|s| s.word()).collect(),
        problem,
        fresh,
    })?;
    if let Some(status) = answer_status {
        *answer.status_mut() = status;
    }
    Ok(answer)
}

/// Makes a token; the page shows its text once.
pub(crate) async fn create(
    State(app): State<App>,
    headers: HeaderMap,
    form: PostForm,
) -> Result<Response, PageError> {
    let result = match wanted(&form) {
        Ok(new) => app.engine.create_token(new, &form.user.actor()).await,
        Err(e) => Err(e),
    };
    let visit = Visit::after(form.user, "/people/tokens".to_owned(), &headers);
    match result {
        Ok((text, _)) => drawn(&app, visit, None, Some(text)).await,
        Err(problem) => drawn(&app, visit, Some(problem), None).await,
    }
}

fn wanted(form: &PostForm) -> Result<NewToken, Problem> {
    let none = || Problem::new("bad_request", "a scope is needed").field("scope");
    let scope: Scope = query::word("scope", form.text("scope").as_deref())?.ok_or_else(none)?;
    let days = form.text("days").and_then(|d| d.parse().ok());
    Ok(NewToken {
        scope,
        workflow: form.text("workflow"),
        person: form.text("person"),
        life: query::token_life(days)?,
    })
}

/// Withdraws a token.
pub(crate) async fn revoke(
    State(app): State<App>,
    Path(id): Path<String>,
    headers: HeaderMap,
    form: PostForm,
) -> Result<Response, PageError> {
    let id: TokenId = query::id(&id)?;
    let reason = form.text("reason").unwrap_or_default();
    let by = form.user.actor();
    match app.engine.revoke_token(id, &reason, &by).await {
        Ok(()) => {
            app.sessions.tell(&form.user, "Withdrawn".to_owned());
            Ok(Redirect::to("/people/tokens").into_response())
        }
        Err(problem) => {
            let visit = Visit::after(form.user, "/people/tokens".to_owned(), &headers);
            drawn(&app, visit, Some(problem), None).await
        }
    }
}
