//! Who is here: invite, reset, deactivate, activate, be away. People are never deleted.

use std::time::Duration;

use sha2::{Digest, Sha256};
use tuesday_domain::actor::Actor;
use tuesday_domain::problem::Problem;
use tuesday_domain::record::{
    AuditEntry, Away, Change, Credential, Grant, Invite, Person, Session, Subject, Token,
};
use tuesday_domain::time::Timestamp;

use crate::engine::{Engine, read_problem};
use crate::ids;

/// How long a set-up link works.
pub const INVITE_LIFE: Duration = Duration::from_secs(72 * 3_600);

/// Everything there is to know about one person, without anything secret.
#[derive(Clone, Debug)]
pub struct PersonCard {
    /// The person.
    pub person: Person,
    /// Roles.
    pub grants: Vec<Grant>,
    /// Ways to sign in; the data inside is not for display.
    pub credentials: Vec<Credential>,
    /// Sessions that are not over.
    pub sessions: Vec<Session>,
    /// Tokens in the person's name.
    pub tokens: Vec<Token>,
    /// Until when the person is away, and who stands in.
    pub away: Option<Away>,
}

fn handle_ok(handle: &str) -> Result<(), Problem> {
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || ".-_".contains(c);
    if (2..=40).contains(&handle.len()) && handle.chars().all(plain) {
        return Ok(());
    }
    Err(Problem::new(
        "bad_request",
        "a handle is 2 to 40 small letters, digits, dots, dashes or underscores",
    )
    .field("handle"))
}

pub(crate) fn reasoned(reason: &str) -> Result<&str, Problem> {
    let reason = reason.trim();
    if reason.is_empty() {
        return Err(
            Problem::new("reason_required", "this change needs a reason")
                .field("reason")
                .way_out("say why with --reason, or in the field of the form"),
        );
    }
    Ok(reason)
}

fn entry(
    engine: &Engine,
    by: &Actor,
    kind: &'static str,
    person: &str,
    reason: &str,
) -> AuditEntry {
    AuditEntry::new(engine.now(), by.clone(), kind, Subject::Instance)
        .fact("person", person)
        .fact("reason", reason)
}

impl Engine {
    /// A person by handle.
    ///
    /// # Errors
    /// `not_found`.
    pub async fn known_person(&self, handle: &str) -> Result<Person, Problem> {
        self.0
            .reader
            .person(handle)
            .await
            .map_err(read_problem)?
            .ok_or_else(|| {
                Problem::new("not_found", format!("there is no person `{handle}`")).field("person")
            })
    }

    /// Adds a person, or a new link for one who is here; answers the code of a set-up link.
    ///
    /// # Errors
    /// `reason_required`, `bad_request`, `illegal_state` when the handle belongs to somebody else.
    pub async fn invite(
        &self,
        person: Person,
        reason: &str,
        by: &Actor,
    ) -> Result<String, Problem> {
        let reason = reasoned(reason)?;
        handle_ok(&person.handle)?;
        if person.name.trim().is_empty() || !person.email.contains('@') {
            return Err(
                Problem::new("bad_request", "a person has a name and a mail address").field("name"),
            );
        }
        let known = self
            .0
            .reader
            .person(&person.handle)
            .await
            .map_err(read_problem)?;
        if known.as_ref().is_some_and(|k| *k != person) {
            return Err(Problem::new(
                "illegal_state",
                format!("`{}` is somebody already", person.handle),
            )
            .field("handle")
            .way_out("take another handle, or `tuesday user passwd-reset` for a new link"));
        }
        let (code, invite) = self.link(&person.handle)?;
        let entry = entry(self, by, "person.invited", &person.handle, reason)
            .fact("before", if known.is_some() { "known" } else { "absent" })
            .fact("after", "invited");
        let mut changes = vec![Change::InsertInvite(Box::new(invite))];
        if known.is_none() {
            changes.insert(0, Change::PutPerson(person));
        }
        self.commit(changes, entry).await?;
        Ok(code)
    }

    fn link(&self, handle: &str) -> Result<(String, Invite), Problem> {
        let bytes = ids::secret().map_err(|e| Problem::new("internal", e))?;
        let code = crate::catalog::hex(&bytes[..20]);
        let now = self.now();
        let invite = Invite {
            hash: Sha256::digest(code.as_bytes()).into(),
            person: handle.to_owned(),
            created_at: now,
            expires_at: now.plus(INVITE_LIFE),
            used_at: None,
        };
        Ok((code, invite))
    }

    /// Takes all ways to sign in away, ends all sessions, and answers the code of a new link.
    ///
    /// # Errors
    /// `reason_required`, `not_found`, `illegal_state` for a person who is not active.
    pub async fn reset_sign_in(
        &self,
        handle: &str,
        reason: &str,
        by: &Actor,
    ) -> Result<String, Problem> {
        let reason = reasoned(reason)?;
        if !self.known_person(handle).await?.active {
            return Err(Problem::new(
                "illegal_state",
                format!("{handle} is deactivated"),
            ));
        }
        let old = self
            .0
            .reader
            .credentials(handle)
            .await
            .map_err(read_problem)?;
        let entry = entry(self, by, "person.reset", handle, reason)
            .fact("before", format!("{} ways to sign in", old.len()))
            .fact("after", "a link");
        let (code, invite) = self.link(handle)?;
        let mut changes = self.ends(handle, false).await?;
        changes.extend(old.into_iter().map(|c| Change::DropCredential(Box::new(c))));
        changes.push(Change::InsertInvite(Box::new(invite)));
        self.commit(changes, entry).await?;
        Ok(code)
    }

    /// Uses a set-up link up; answers the person's handle.
    ///
    /// # Errors
    /// `token_invalid`, without saying which of unknown, used or expired it is.
    pub async fn redeem_invite(&self, code: &str) -> Result<String, Problem> {
        let spent = || {
            Problem::new(
                "token_invalid",
                "this link was used already, is too old, or never was one",
            )
            .way_out("ask an administrator for a new link")
        };
        let hash: [u8; 32] = Sha256::digest(code.as_bytes()).into();
        let found = self.0.reader.invite(&hash).await.map_err(read_problem)?;
        let now = self.now();
        let invite = found
            .filter(|i| i.used_at.is_none() && i.expires_at > now)
            .ok_or_else(spent)?;
        let by = Actor::Person(invite.person.clone());
        let entry = AuditEntry::new(now, by, "invite.used", Subject::Instance)
            .fact("person", invite.person.clone());
        self.commit(vec![Change::UseInvite { hash, at: now }], entry)
            .await
            .map_err(|e| {
                if e.code == "revision_moved" {
                    spent()
                } else {
                    e
                }
            })?;
        Ok(invite.person)
    }

    /// Switches a person off or on. Off ends sessions and tokens in the same transaction; the name
    /// and the roles stay, so that history can be read.
    ///
    /// # Errors
    /// `reason_required`, `not_found`, `illegal_state` for the last administrator.
    pub async fn set_active(
        &self,
        handle: &str,
        active: bool,
        reason: &str,
        by: &Actor,
    ) -> Result<Person, Problem> {
        let reason = reasoned(reason)?;
        let person = self.known_person(handle).await?;
        if person.active == active {
            return Ok(person);
        }
        if !active {
            self.keeps_an_administrator(handle).await?;
        }
        let word = |on| if on { "active" } else { "deactivated" };
        let kind = if active {
            "person.activated"
        } else {
            "person.deactivated"
        };
        let entry = entry(self, by, kind, handle, reason)
            .fact("before", word(person.active))
            .fact("after", word(active));
        let next = Person { active, ..person };
        let mut changes = vec![Change::PutPerson(next.clone())];
        if !active {
            changes.extend(self.ends(handle, true).await?);
        }
        self.commit(changes, entry).await?;
        self.0.tokens.forget();
        Ok(next)
    }

    /// Refuses, always: what somebody decided keeps its author.
    ///
    /// # Errors
    /// `has_history`, or `not_found`.
    pub async fn delete_person(&self, handle: &str) -> Result<(), Problem> {
        let person = self.known_person(handle).await?;
        Err(Problem::new(
            "has_history",
            format!("{} stands in the record and is never deleted", person.name),
        )
        .way_out(format!("tuesday user deactivate {handle} --reason TEXT")))
    }

    /// Sets until when a person is away and who stands in; a time in the past means back.
    ///
    /// # Errors
    /// `not_found`, `bad_request` when somebody would stand in for themselves.
    pub async fn set_away(
        &self,
        handle: &str,
        until: Timestamp,
        to: Option<String>,
        reason: &str,
        by: &Actor,
    ) -> Result<Away, Problem> {
        let reason = reasoned(reason)?;
        self.known_person(handle).await?;
        if let Some(to) = to.as_deref()
            && (to == handle || !self.known_person(to).await?.active)
        {
            return Err(
                Problem::new("bad_request", "another, active person stands in").field("to"),
            );
        }
        let before = self.away_of(handle).await?;
        let away = Away {
            person: handle.to_owned(),
            until,
            to,
        };
        let entry = entry(self, by, "person.away", handle, reason)
            .fact(
                "before",
                before.map_or_else(|| "there".to_owned(), |a| a.until.rfc3339()),
            )
            .fact("after", until.rfc3339())
            .fact("stand_in", away.to.clone().unwrap_or_default());
        self.commit(vec![Change::PutAway(away.clone())], entry)
            .await?;
        Ok(away)
    }

    /// The absence of a person that is not over.
    ///
    /// # Errors
    /// `unavailable`.
    pub async fn away_of(&self, handle: &str) -> Result<Option<Away>, Problem> {
        let now = self.now();
        let all = self.0.reader.absences().await.map_err(read_problem)?;
        Ok(all
            .into_iter()
            .find(|a| a.person == handle && a.until > now))
    }

    /// One person with roles, ways to sign in, sessions and tokens.
    ///
    /// # Errors
    /// `not_found`.
    pub async fn person_card(&self, handle: &str) -> Result<PersonCard, Problem> {
        let person = self.known_person(handle).await?;
        let reader = &self.0.reader;
        let (grants, credentials, sessions, tokens) = tokio::try_join!(
            reader.grants_of(handle),
            reader.credentials(handle),
            reader.sessions_of(handle),
            reader.tokens(),
        )
        .map_err(read_problem)?;
        let now = self.now();
        Ok(PersonCard {
            away: self.away_of(handle).await?,
            person,
            grants,
            credentials,
            sessions: sessions
                .into_iter()
                .filter(|s| !super::session::is_over(s, now))
                .collect(),
            tokens: tokens
                .into_iter()
                .filter(|t| t.person.as_deref() == Some(handle))
                .collect(),
        })
    }

    /// The ends of a person's sessions, and of their tokens.
    async fn ends(&self, handle: &str, tokens: bool) -> Result<Vec<Change>, Problem> {
        let sessions = self
            .0
            .reader
            .sessions_of(handle)
            .await
            .map_err(read_problem)?;
        let mut out: Vec<Change> = sessions
            .into_iter()
            .map(|s| Change::DropSession { hash: s.hash })
            .collect();
        if tokens {
            let at = self.now();
            let all = self.0.reader.tokens().await.map_err(read_problem)?;
            out.extend(
                all.into_iter()
                    .filter(|t| t.person.as_deref() == Some(handle) && t.revoked_at.is_none())
                    .map(|t| Change::RevokeToken { id: t.id, at }),
            );
        }
        Ok(out)
    }
}
