//! Sessions of the console: an opaque random token in a cookie, its hash as the key of a table in
//! memory. A restart signs everybody out, which is the safe side.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use axum::extract::FromRequestParts;
use axum::http::header::COOKIE;
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest, Sha256};
use tuesday_domain::actor::Actor;
use tuesday_domain::problem::Problem;

use crate::config::WebConfig;
use crate::refusal::PageError;
use crate::state::App;

/// Without a request for this long, a session ends.
const IDLE: Duration = Duration::from_secs(30 * 60);
/// However busy, a session ends after this long.
const ABSOLUTE: Duration = Duration::from_secs(12 * 3_600);
/// More sessions than this are not kept; the oldest goes.
const MOST: usize = 10_000;

/// What a session knows.
#[derive(Clone)]
pub(crate) struct Session {
    /// Handle of the person.
    pub(crate) person: String,
    /// Name of the person.
    pub(crate) name: String,
    /// The only workflow it reaches, when its token was for one.
    pub(crate) workflow: Option<String>,
    /// Goes with every form.
    pub(crate) csrf: String,
    started: Instant,
    seen: Instant,
    ends: Instant,
    flash: Option<String>,
}

/// The table: hash of the cookie's token to session.
#[derive(Default)]
pub(crate) struct Sessions(Mutex<HashMap<[u8; 32], Session>>);

fn key(token: &str) -> [u8; 32] {
    Sha256::digest(token.as_bytes()).into()
}

/// 256 random bits as text.
fn secret() -> Result<String, Problem> {
    let mut bytes = [0; 32];
    getrandom::fill(&mut bytes)
        .map_err(|e| Problem::new("internal", format!("no randomness: {e}")))?;
    Ok(URL_SAFE_NO_PAD.encode(bytes))
}

impl Sessions {
    fn table(&self) -> std::sync::MutexGuard<'_, HashMap<[u8; 32], Session>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Starts a session that lasts at most `life`; answers the cookie's token.
    pub(crate) fn start(
        &self,
        person: &str,
        name: &str,
        workflow: Option<String>,
        life: Duration,
    ) -> Result<String, Problem> {
        let (token, csrf, now) = (secret()?, secret()?, Instant::now());
        let ends = now + life.min(ABSOLUTE);
        let session = Session {
            person: person.into(),
            name: name.into(),
            workflow,
            csrf,
            started: now,
            seen: now,
            ends,
            flash: None,
        };
        let mut table = self.table();
        table.retain(|_, s| s.ends > now && now.duration_since(s.seen) < IDLE);
        if table.len() >= MOST
            && let Some(oldest) = table.iter().min_by_key(|(_, s)| s.started).map(|(k, _)| *k)
        {
            table.remove(&oldest);
        }
        table.insert(key(&token), session);
        Ok(token)
    }

    /// The session of a token that is still good; being asked counts as being used.
    fn find(&self, token: &str) -> Option<Session> {
        let now = Instant::now();
        let key = key(token);
        let mut table = self.table();
        let session = table.get_mut(&key)?;
        if session.ends <= now || now.duration_since(session.seen) >= IDLE {
            table.remove(&key);
            return None;
        }
        session.seen = now;
        Some(session.clone())
    }

    /// Ends a session.
    pub(crate) fn end(&self, token: &str) {
        self.table().remove(&key(token));
    }

    /// Keeps one sentence for the next page.
    pub(crate) fn tell(&self, user: &User, words: String) {
        if let Some(session) = self.table().get_mut(&key(&user.token)) {
            session.flash = Some(words);
        }
    }

    /// Takes that sentence.
    pub(crate) fn told(&self, user: &User) -> Option<String> {
        self.table()
            .get_mut(&key(&user.token))
            .and_then(|s| s.flash.take())
    }
}

/// A person with a session: may use the console.
pub(crate) struct User {
    pub(crate) session: Session,
    pub(crate) token: String,
}

impl User {
    /// The person, as an author of changes.
    pub(crate) fn actor(&self) -> Actor {
        Actor::Person(self.session.person.clone())
    }

    /// Refuses objects of workflows the session is not for.
    pub(crate) fn sees(&self, workflow: &str) -> Result<(), Problem> {
        match &self.session.workflow {
            Some(own) if own != workflow => Err(Problem::new(
                "not_found",
                "there is nothing under that address for you",
            )),
            _ => Ok(()),
        }
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

impl FromRequestParts<App> for User {
    type Rejection = PageError;
    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, PageError> {
        let token = cookie(&parts.headers, cookie_name(&app.config))
            .ok_or(PageError::SignIn)?
            .to_owned();
        let session = app.sessions.find(&token).ok_or(PageError::SignIn)?;
        Ok(Self { session, token })
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests fail loudly")]
mod tests {
    use super::*;

    #[test]
    fn a_session_is_found_by_its_token_only_and_ends() {
        let sessions = Sessions::default();
        let token = sessions.start("dana", "Dana", None, ABSOLUTE).unwrap();
        assert_eq!(token.len(), 43);
        assert_eq!(sessions.find(&token).unwrap().person, "dana");
        assert!(sessions.find("other").is_none());
        assert!(
            !sessions.table().keys().any(|k| k == token.as_bytes()),
            "the token itself is not kept"
        );
        sessions.end(&token);
        assert!(sessions.find(&token).is_none());
        let short = sessions
            .start("dana", "Dana", None, Duration::ZERO)
            .unwrap();
        assert!(
            sessions.find(&short).is_none(),
            "a session never outlives its token"
        );
    }

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
