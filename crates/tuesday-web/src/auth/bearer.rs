//! API tokens: `Authorization: Bearer tsd_…`. A token's scope and workflow bound what it reaches.

use axum::extract::FromRequestParts;
use axum::http::HeaderMap;
use axum::http::header::AUTHORIZATION;
use axum::http::request::Parts;
use tuesday_domain::actor::Actor;
use tuesday_domain::problem::Problem;
use tuesday_domain::record::{Scope, Token};

use crate::refusal::ApiError;
use crate::state::App;

/// May read.
pub(crate) struct ApiReader(Token);

/// May decide, in the name of a person.
pub(crate) struct ApiReviewer {
    token: Token,
    pub(crate) person: String,
}

/// May do everything, in the name of a person.
pub(crate) struct ApiAdmin {
    token: Token,
    person: String,
}

/// The token text of a request, when there is one.
pub(crate) fn bearer(headers: &HeaderMap) -> Option<&str> {
    let (scheme, token) = headers.get(AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

async fn token(parts: &Parts, app: &App, allowed: &[Scope]) -> Result<Token, ApiError> {
    let missing = || {
        Problem::new("not_signed_in", "no access token").way_out("send Authorization: Bearer tsd_…")
    };
    let token = app
        .engine
        .token(bearer(&parts.headers).ok_or_else(missing)?)
        .await?;
    if allowed.contains(&token.scope) {
        return Ok(token);
    }
    let needed = allowed
        .iter()
        .map(|s| s.word())
        .collect::<Vec<_>>()
        .join(" or ");
    Err(Problem::new(
        "not_allowed",
        format!("the token's scope is {}, this needs {needed}", token.scope),
    )
    .into())
}

fn person(token: &Token) -> Result<String, Problem> {
    token.person.clone().ok_or_else(|| {
        Problem::new(
            "not_allowed",
            "the token is bound to no person, so it cannot decide",
        )
    })
}

/// A token of one workflow does not see the others; to it they do not exist.
fn sees(token: &Token, workflow: &str) -> Result<(), Problem> {
    match &token.workflow {
        Some(own) if own != workflow => Err(Problem::new(
            "not_found",
            "there is nothing under that id for this token",
        )),
        _ => Ok(()),
    }
}

impl ApiReader {
    /// Refuses objects of workflows the token is not for.
    pub(crate) fn sees(&self, workflow: &str) -> Result<(), Problem> {
        sees(&self.0, workflow)
    }

    /// The person the token is bound to, or the token itself, as an author of changes.
    pub(crate) fn actor(&self) -> Actor {
        match &self.0.person {
            Some(person) => Actor::Person(person.clone()),
            None => Actor::Token(self.0.id.to_string()),
        }
    }

    /// The person the token is bound to.
    pub(crate) fn person(&self) -> Option<&str> {
        self.0.person.as_deref()
    }

    /// The workflow to list: the one asked for, or the token's own.
    pub(crate) fn only(&self, asked: Option<String>) -> Result<Option<String>, Problem> {
        if let Some(asked) = asked.as_deref() {
            self.sees(asked)?;
        }
        Ok(asked.or_else(|| self.0.workflow.clone()))
    }
}

impl ApiReviewer {
    /// Refuses objects of workflows the token is not for.
    pub(crate) fn sees(&self, workflow: &str) -> Result<(), Problem> {
        sees(&self.token, workflow)
    }

    /// The person, as an author of changes.
    pub(crate) fn actor(&self) -> Actor {
        Actor::Person(self.person.clone())
    }
}

impl ApiAdmin {
    /// Refuses objects of workflows the token is not for.
    pub(crate) fn sees(&self, workflow: &str) -> Result<(), Problem> {
        sees(&self.token, workflow)
    }

    /// The person, as an author of changes.
    pub(crate) fn actor(&self) -> Actor {
        Actor::Person(self.person.clone())
    }
}

impl FromRequestParts<App> for ApiReader {
    type Rejection = ApiError;
    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, ApiError> {
        token(parts, app, &[Scope::Read, Scope::Review, Scope::Admin])
            .await
            .map(Self)
    }
}

impl FromRequestParts<App> for ApiReviewer {
    type Rejection = ApiError;
    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, ApiError> {
        let token = token(parts, app, &[Scope::Review, Scope::Admin]).await?;
        Ok(Self {
            person: person(&token)?,
            token,
        })
    }
}

impl FromRequestParts<App> for ApiAdmin {
    type Rejection = ApiError;
    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, ApiError> {
        let token = token(parts, app, &[Scope::Admin]).await?;
        Ok(Self {
            person: person(&token)?,
            token,
        })
    }
}
