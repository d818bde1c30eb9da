//! Sessions of the console: an opaque random token in a cookie; what it stands for is in the database,
//! so that signing out ends it on every node and a role that was taken away is gone with the next request.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use axum::extract::FromRequestParts;
use axum::http::header::COOKIE;
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue};
use tuesday_domain::access::{Act, Rights};
use tuesday_domain::actor::Actor;
use tuesday_domain::id::ReviewId;
use tuesday_domain::problem::Problem;
use tuesday_domain::record::{Session as Stored, SignedInBy};
use tuesday_engine::Engine;
use tuesday_engine::ops::{Case, Reader};

use super::access;
use crate::config::WebConfig;
use crate::refusal::PageError;
use crate::state::App;

/// More sentences than this are not kept.
const MOST: usize = 10_000;

/// What a session knows.
#[derive(Clone)]
pub(crate) struct Session {
    /// Handle of the person.
    pub(crate) person: String,
    /// Name of the person.
    pub(crate) name: String,
    /// The only workflow it reaches: its token was for one, or the person has roles on one.
    pub(crate) workflow: Option<String>,
    /// Goes with every form.
    pub(crate) csrf: String,
    /// As it is stored.
    pub(crate) stored: Stored,
}

/// One sentence for the next page of a session, on this node.
#[derive(Default)]
pub(crate) struct Flashes(Mutex<HashMap<[u8; 32], String>>);

impl Flashes {
    fn table(&self) -> std::sync::MutexGuard<'_, HashMap<[u8; 32], String>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Keeps one sentence for the next page.
    pub(crate) fn tell(&self, user: &User, words: String) {
        self.tell_session(user.session.stored.hash, words);
    }

    /// The same for a session that has just got a new token.
    pub(crate) fn tell_session(&self, session: [u8; 32], words: String) {
        let mut table = self.table();
        if table.len() >= MOST {
            table.clear();
        }
        table.insert(session, words);
    }

    /// Takes that sentence.
    pub(crate) fn told(&self, user: &User) -> Option<String> {
        self.table().remove(&user.session.stored.hash)
    }
}

/// A person with a session, whose roles allow what the address asks for.
pub(crate) struct User {
    pub(crate) session: Session,
    pub(crate) rights: Rights,
    act: Act,
    engine: Engine,
}

impl User {
    /// The person, as an author of changes.
    /// The person as a reader, for the engine to mask by.
    pub(crate) fn reading(&self) -> (Actor, &Rights) {
        (self.actor(), &self.rights)
    }

    /// The case of a task as this person may see it.
    pub(crate) async fn case(&self, app: &App, id: ReviewId) -> Result<Case, Problem> {
        let (who, rights) = self.reading();
        let reader = Reader { who: &who, rights };
        app.engine.case_for(id, &reader).await
    }

    pub(crate) fn actor(&self) -> Actor {
        Actor::Person(self.session.person.clone())
    }

    /// Refuses objects of workflows that the person's roles do not reach.
    pub(crate) fn sees(&self, workflow: &str) -> Result<(), Problem> {
        let reached = access::reaches(&self.rights, self.act, workflow);
        if reached.is_err() {
            access::tell_refused(&self.engine, self.actor(), self.act, workflow);
        }
        reached
    }

    /// Whether the person may read this workflow.
    pub(crate) fn reads(&self, workflow: &str) -> bool {
        self.rights.may(Act::ReadWork, workflow)
    }

    /// The workflows whose work the person may read; nothing means every one.
    pub(crate) fn readable(&self) -> Option<Vec<String>> {
        self.rights.places(Act::ReadWork)
    }

    /// Whether a page may offer this.
    pub(crate) fn may(&self, act: Act) -> bool {
        act == Act::OwnAccount || self.rights.may_anywhere(act)
    }

    /// The workflow to list: the session's own, or the one asked for.
    pub(crate) fn only(&self, asked: Option<String>) -> Option<String> {
        self.session
            .workflow
            .clone()
            .or(asked.filter(|w| !w.is_empty()))
    }
}

/// The cookie's name; with TLS the prefix makes browsers refuse it from anywhere else.
pub(crate) fn cookie_name(config: &WebConfig) -> &'static str {
    if config.https() {
        "__Host-tuesday_session"
    } else {
        "tuesday_session"
    }
}

/// The value of a cookie.
pub(crate) fn cookie<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    let all = headers
        .get_all(COOKIE)
        .iter()
        .filter_map(|v| v.to_str().ok());
    all.flat_map(|line| line.split(';'))
        .find_map(|pair| pair.trim().split_once('=').filter(|(n, _)| *n == name))
        .map(|(_, v)| v)
}

/// The header that stores the session's token.
pub(crate) fn set_cookie(config: &WebConfig, token: &str) -> Option<HeaderValue> {
    let secure = if config.https() { "; Secure" } else { "" };
    HeaderValue::from_str(&format!(
        "{}={token}; HttpOnly; SameSite=Lax; Path=/{secure}",
        cookie_name(config)
    ))
    .ok()
}

/// The header that removes it.
pub(crate) fn clear_cookie(config: &WebConfig) -> Option<HeaderValue> {
    let secure = if config.https() { "; Secure" } else { "" };
    HeaderValue::from_str(&format!(
        "{}=; HttpOnly; SameSite=Lax; Path=/; Max-Age=0{secure}",
        cookie_name(config)
    ))
    .ok()
}

/// Whether the session may only set up how to sign in: a password alone is one factor.
pub(crate) const fn is_half(by: SignedInBy) -> bool {
    matches!(by, SignedInBy::Password | SignedInBy::Invite)
}

fn one_workflow(rights: &Rights) -> Option<String> {
    let mut places = rights.grants().iter().map(|g| g.workflow.clone());
    let first = places.next()??;
    places.all(|p| p.as_ref() == Some(&first)).then_some(first)
}

impl FromRequestParts<App> for User {
    type Rejection = PageError;
    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, PageError> {
        let act = access::act_of(parts)?;
        let token = cookie(&parts.headers, cookie_name(&app.config)).ok_or(PageError::SignIn)?;
        let (stored, person) = app.engine.session(token).await?.ok_or(PageError::SignIn)?;
        if is_half(stored.by) && act != Act::OwnAccount {
            return Err(PageError::Account);
        }
        let mut rights = app.engine.rights(&person.handle).await?;
        if let Some(workflow) = &stored.workflow {
            rights = rights.only(workflow);
        }
        let actor = Actor::Person(person.handle.clone());
        access::check(&app.engine, &actor, &rights, act).await?;
        if act.step_up()
            && parts.method != axum::http::Method::GET
            && !tuesday_engine::ops::is_fresh(&stored, app.engine.now())
        {
            return Err(Problem::new(
                "fresh_sign_in_needed",
                "this act wants a proof that is at most ten minutes old",
            )
            .way_out("confirm who you are on /account, then do it again")
            .into());
        }
        app.engine
            .note_use(
                &person.handle,
                act,
                stored.workflow.as_deref().unwrap_or(""),
            )
            .await;
        let session = Session {
            person: person.handle,
            name: person.name,
            workflow: stored.workflow.clone().or_else(|| one_workflow(&rights)),
            csrf: stored.csrf.clone(),
            stored,
        };
        Ok(Self {
            session,
            rights,
            act,
            engine: app.engine.clone(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cookies_are_read_by_their_whole_name() {
        let mut headers = HeaderMap::new();
        headers.insert(
            COOKIE,
            HeaderValue::from_static("a=1; tuesday_session=tok; xtuesday_session=no"),
        );
        assert_eq!(cookie(&headers, "tuesday_session"), Some("tok"));
        assert_eq!(cookie(&headers, "session"), None);
    }
}
