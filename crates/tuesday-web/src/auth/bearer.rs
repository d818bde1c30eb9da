//! API tokens: `Authorization: Bearer tsd_…`. A token's scope and workflow bound what it reaches.

use axum::extract::FromRequestParts;
use axum::http::HeaderMap;
use axum::http::header::AUTHORIZATION;
use axum::http::request::Parts;
use tuesday_domain::access::{Act, Rights};
use tuesday_domain::actor::Actor;
use tuesday_domain::problem::Problem;
use tuesday_domain::record::{Scope, Subject, Token};
use tuesday_engine::Engine;

use super::access;
use crate::refusal::ApiError;
use crate::state::App;

/// May read.
pub(crate) struct ApiReader(Bearer);

/// A token that is good for what the address asks for, and whose rights it carries.
pub(crate) struct Bearer {
    token: Token,
    rights: Rights,
    act: Act,
    engine: Engine,
}

impl Bearer {
    fn actor(&self) -> Actor {
        match &self.token.person {
            Some(person) => Actor::Person(person.clone()),
            None => Actor::Token(self.token.id.to_string()),
        }
    }

    /// A token does not see the workflows it does not reach; to it they do not exist.
    fn sees(&self, workflow: &str) -> Result<(), Problem> {
        let reached = access::reaches(&self.rights, self.act, workflow);
        if reached.is_err() {
            access::tell_refused(&self.engine, self.actor(), self.act, workflow);
        }
        reached
    }
}

/// May decide, in the name of a person.
pub(crate) struct ApiReviewer {
    bearer: Bearer,
    pub(crate) person: String,
}

/// May do everything, in the name of a person.
pub(crate) struct ApiAdmin {
    bearer: Bearer,
    person: String,
}

/// The token text of a request, when there is one.
pub(crate) fn bearer(headers: &HeaderMap) -> Option<&str> {
    let (scheme, token) = headers.get(AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

async fn bearing(parts: &Parts, app: &App, allowed: &[Scope]) -> Result<Bearer, ApiError> {
    let act = access::act_of(parts)?;
    let missing = || {
        Problem::new("not_signed_in", "no access token").way_out("send Authorization: Bearer tsd_…")
    };
    let token = app
        .engine
        .token(bearer(&parts.headers).ok_or_else(missing)?)
        .await?;
    let rights = app.engine.token_rights(&token).await?;
    let found = Bearer {
        token,
        rights,
        act,
        engine: app.engine.clone(),
    };
    let scope = found.token.scope;
    if !allowed.contains(&scope) {
        let needed: Vec<_> = allowed.iter().map(|s| s.word()).collect();
        let needed = needed.join(" or ");
        access::tell_refused(&app.engine, found.actor(), act, "");
        let words = format!("the token's scope is {scope}, this needs {needed}");
        return Err(Problem::new("not_allowed", words).into());
    }
    access::check(&app.engine, &found.actor(), &found.rights, act).await?;
    if let Some(person) = &found.token.person {
        let workflow = found.token.workflow.as_deref().unwrap_or("");
        app.engine.note_use(person, act, workflow).await;
    }
    Ok(found)
}

impl Bearer {
    /// Refuses a token of one workflow where the whole instance is meant.
    fn whole(&self) -> Result<(), Problem> {
        match &self.token.workflow {
            None => Ok(()),
            Some(workflow) => Err(Problem::new(
                "not_allowed",
                format!("the token is for {workflow} alone, this is about the whole instance"),
            )
            .way_out("use a token that is for all workflows")),
        }
    }
}

fn person(token: &Token) -> Result<String, Problem> {
    token.person.clone().ok_or_else(|| {
        Problem::new(
            "not_allowed",
            "the token is bound to no person, so it cannot decide",
        )
    })
}

impl ApiReader {
    /// Refuses objects of workflows the token is not for.
    pub(crate) fn sees(&self, workflow: &str) -> Result<(), Problem> {
        self.0.sees(workflow)
    }

    /// Refuses a token of one workflow.
    pub(crate) fn whole(&self) -> Result<(), Problem> {
        self.0.whole()
    }

    /// Whether it may read this workflow.
    pub(crate) fn reads(&self, workflow: &str) -> bool {
        self.0.rights.may(Act::ReadWork, workflow)
    }

    /// The workflows whose work it may read; nothing means every one.
    pub(crate) fn readable(&self) -> Option<Vec<String>> {
        self.0.rights.places(Act::ReadWork)
    }

    /// The person the token is bound to, or the token itself, as an author of changes.
    pub(crate) fn actor(&self) -> Actor {
        self.0.actor()
    }

    /// What it may do and see.
    pub(crate) const fn rights(&self) -> &Rights {
        &self.0.rights
    }

    /// The person the token is bound to.
    pub(crate) fn person(&self) -> Option<&str> {
        self.0.token.person.as_deref()
    }

    /// The workflow to list: the one asked for, or the token's own.
    pub(crate) fn only(&self, asked: Option<String>) -> Result<Option<String>, Problem> {
        if let Some(asked) = asked.as_deref() {
            self.sees(asked)?;
        }
        Ok(asked.or_else(|| self.0.token.workflow.clone()))
    }
}

impl ApiReviewer {
    /// Refuses objects of workflows the token is not for.
    pub(crate) fn sees(&self, workflow: &str) -> Result<(), Problem> {
        self.bearer.sees(workflow)
    }

    /// The person, as an author of changes.
    pub(crate) fn actor(&self) -> Actor {
        Actor::Person(self.person.clone())
    }

    /// What it may do and see.
    pub(crate) const fn rights(&self) -> &Rights {
        &self.bearer.rights
    }
}

impl ApiAdmin {
    /// The person's handle.
    pub(crate) fn person(&self) -> &str {
        &self.person
    }

    /// Refuses a token of one workflow.
    pub(crate) fn whole(&self) -> Result<(), Problem> {
        self.bearer.whole()
    }

    /// Refuses objects of workflows the token is not for.
    pub(crate) fn sees(&self, workflow: &str) -> Result<(), Problem> {
        self.bearer.sees(workflow)
    }

    /// The person, as an author of changes.
    pub(crate) fn actor(&self) -> Actor {
        Actor::Person(self.person.clone())
    }
}

impl FromRequestParts<App> for ApiReader {
    type Rejection = ApiError;
    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, ApiError> {
        bearing(parts, app, &[Scope::Read, Scope::Review, Scope::Admin])
            .await
            .map(Self)
    }
}

impl FromRequestParts<App> for ApiReviewer {
    type Rejection = ApiError;
    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, ApiError> {
        let bearer = bearing(parts, app, &[Scope::Review, Scope::Admin]).await?;
        Ok(Self {
            person: person(&bearer.token)?,
            bearer,
        })
    }
}

impl FromRequestParts<App> for ApiAdmin {
    type Rejection = ApiError;
    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, ApiError> {
        let bearer = bearing(parts, app, &[Scope::Admin]).await?;
        let admin = Self {
            person: person(&bearer.token)?,
            bearer,
        };
        admin.kept().await?;
        Ok(admin)
    }
}

impl ApiAdmin {
    /// A person in front of a screen is asked for a fresh proof; a token cannot be. So what it is used
    /// for is an entry of its own, with the token, before anything happens.
    async fn kept(&self) -> Result<(), Problem> {
        let Bearer {
            token, act, engine, ..
        } = &self.bearer;
        if !act.step_up() {
            return Ok(());
        }
        let facts = [
            ("act", act.word().to_owned()),
            ("token", token.id.to_string()),
            ("scope", token.scope.word().to_owned()),
        ];
        engine
            .access_event("access.by_token", &self.actor(), Subject::Instance, &facts)
            .await
    }
}
