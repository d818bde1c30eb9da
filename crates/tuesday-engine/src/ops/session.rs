//! Sessions of people: begun with a proof, ended by time, by the person, or by an administrator.

use std::time::Duration;

use sha2::{Digest, Sha256};
use tuesday_domain::actor::Actor;
use tuesday_domain::problem::Problem;
use tuesday_domain::record::{AuditEntry, Change, Person, Session, SignedInBy, Subject};
use tuesday_domain::time::Timestamp;

use crate::engine::{Engine, read_problem};
use crate::ids;

/// Without a request for this long, a session ends.
pub(crate) const IDLE: Duration = Duration::from_secs(30 * 60);
/// However busy, a session ends after this long.
pub const ABSOLUTE: Duration = Duration::from_secs(12 * 3_600);
/// For this long a proof counts as fresh.
pub(crate) const FRESH: Duration = Duration::from_secs(10 * 60);
/// How often being used is written down.
const TOUCH: Duration = Duration::from_secs(60);

/// What a new session starts with.
#[derive(Clone, Debug)]
pub struct NewSession {
    /// Handle of the person.
    pub person: String,
    /// How they proved who they are.
    pub by: SignedInBy,
    /// The only workflow it reaches.
    pub workflow: Option<String>,
    /// The browser, in its own words.
    pub agent: String,
    /// At most this long.
    pub life: Duration,
}

fn key(token: &str) -> [u8; 32] {
    Sha256::digest(token.as_bytes()).into()
}

/// Whether a session is over.
#[must_use]
pub fn is_over(s: &Session, now: Timestamp) -> bool {
    s.ends_at <= now || now.since(s.seen_at) >= IDLE
}

/// Whether the last proof is recent enough for a sensitive act.
#[must_use]
pub fn is_fresh(s: &Session, now: Timestamp) -> bool {
    now.since(s.fresh_at) < FRESH
}

impl Engine {
    /// Begins a session; answers the text of its token, which is not stored.
    ///
    /// # Errors
    /// `sign_in_refused` when there is no active person of that handle.
    pub async fn start_session(&self, new: NewSession) -> Result<String, Problem> {
        let now = self.now();
        self.start_session_proved(new, now).await
    }

    /// The same for somebody whose proof is older than the request: an identity provider may know
    /// a person since this morning.
    ///
    /// # Errors
    /// As [`Engine::start_session`].
    pub async fn start_session_proved(
        &self,
        new: NewSession,
        proved_at: Timestamp,
    ) -> Result<String, Problem> {
        let person = self
            .0
            .reader
            .person(&new.person)
            .await
            .map_err(read_problem)?;
        let person = person.filter(|p| p.active).ok_or_else(refused)?;
        let token = text()?;
        let now = self.now();
        let mut agent = new.agent;
        agent.truncate(agent.floor_char_boundary(200));
        let session = Session {
            hash: key(&token),
            person: person.handle.clone(),
            by: new.by,
            workflow: new.workflow,
            csrf: text()?,
            agent,
            started_at: now,
            seen_at: now,
            fresh_at: proved_at.min(now),
            ends_at: now.plus(new.life.min(ABSOLUTE)),
        };
        let mut changes = self.stale(&person.handle, now).await?;
        let entry = AuditEntry::new(
            now,
            Actor::Person(person.handle),
            "session.started",
            Subject::Instance,
        )
        .fact("by", session.by.word());
        changes.push(Change::InsertSession(Box::new(session)));
        self.commit(changes, entry).await?;
        Ok(token)
    }

    /// Sessions of a person that are over go when the next one begins.
    async fn stale(&self, person: &str, now: Timestamp) -> Result<Vec<Change>, Problem> {
        let old = self
            .0
            .reader
            .sessions_of(person)
            .await
            .map_err(read_problem)?;
        Ok(old
            .into_iter()
            .filter(|s| is_over(s, now))
            .map(|s| Change::DropSession { hash: s.hash })
            .collect())
    }

    /// The session of a token that is still good, with its person; being asked counts as being used.
    ///
    /// # Errors
    /// `unavailable` when the database does not answer.
    pub async fn session(&self, token: &str) -> Result<Option<(Session, Person)>, Problem> {
        let hash = key(token);
        let Some(session) = self.0.reader.session(&hash).await.map_err(read_problem)? else {
            return Ok(None);
        };
        let now = self.now();
        if is_over(&session, now) {
            return Ok(None);
        }
        let person = self
            .0
            .reader
            .person(&session.person)
            .await
            .map_err(read_problem)?;
        let Some(person) = person.filter(|p| p.active) else {
            return Ok(None);
        };
        if now.since(session.seen_at) >= TOUCH
            && let Err(e) = self.0.store.session_seen(&hash, now).await
        {
            tracing::warn!(error = %e, "the use of a session was not noted");
        }
        Ok(Some((session, person)))
    }

    /// Ends sessions of a person: the one with this hash, or all of them except `keep`.
    ///
    /// # Errors
    /// When the end cannot be kept.
    pub async fn end_sessions(
        &self,
        person: &str,
        one: Option<[u8; 32]>,
        keep: Option<[u8; 32]>,
        by: &Actor,
    ) -> Result<usize, Problem> {
        let all = self
            .0
            .reader
            .sessions_of(person)
            .await
            .map_err(read_problem)?;
        let changes: Vec<Change> = all
            .into_iter()
            .filter(|s| one.is_none_or(|h| h == s.hash) && keep != Some(s.hash))
            .map(|s| Change::DropSession { hash: s.hash })
            .collect();
        let ended = changes.len();
        if ended > 0 {
            let entry = AuditEntry::new(self.now(), by.clone(), "session.ended", Subject::Instance)
                .fact("person", person)
                .fact("sessions", ended as u64);
            self.commit(changes, entry).await?;
        }
        Ok(ended)
    }

    /// The person has just proved again who they are: the session goes on under a new token, with
    /// the same end (ASVS 5.0, 7.2.4). Answers the text of that token and the session as it is now.
    ///
    /// # Errors
    /// When that cannot be kept.
    pub async fn renew_session(
        &self,
        session: &Session,
        by: SignedInBy,
    ) -> Result<(String, Session), Problem> {
        let now = self.now();
        let actor = Actor::Person(session.person.clone());
        let entry = AuditEntry::new(now, actor, "session.confirmed", Subject::Instance)
            .fact("by", by.word());
        let token = text()?;
        let next = Session {
            hash: key(&token),
            by,
            csrf: text()?,
            seen_at: now,
            fresh_at: now,
            ..session.clone()
        };
        let changes = vec![
            Change::DropSession { hash: session.hash },
            Change::InsertSession(Box::new(next.clone())),
        ];
        self.commit(changes, entry).await?;
        Ok((token, next))
    }
}

/// 256 random bits as text.
fn text() -> Result<String, Problem> {
    let bytes = ids::secret().map_err(|e| Problem::new("internal", e))?;
    Ok(crate::catalog::hex(&bytes))
}

/// The one answer to everybody who is not let in.
pub(crate) fn refused() -> Problem {
    Problem::new(
        "sign_in_refused",
        "name, password or code are not right, or the account is not active",
    )
    .way_out("try again, or ask an administrator for a new link")
}
