//! How a person sets up and changes the ways to sign in. Every change ends the person's other sessions.

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use tuesday_domain::actor::Actor;
use tuesday_domain::credential::{base32, totp_step};
use tuesday_domain::password::password;
use tuesday_domain::problem::Problem;
use tuesday_domain::record::{AuditEntry, Change, Credential, CredentialKind, Session, Subject};

use crate::engine::{Engine, read_problem};
use crate::ids;

/// A secret of one-time codes as it is stored.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Totp {
    pub(crate) v: u32,
    /// In hex.
    pub(crate) secret: String,
    /// The last step whose code was used.
    pub(crate) last_step: u64,
}

/// Hashes of the recovery codes that are left.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Recovery {
    v: u32,
    codes: Vec<String>,
}

fn code_hash(code: &str) -> String {
    let plain: String = code
        .chars()
        .filter(char::is_ascii_alphanumeric)
        .map(|c| c.to_ascii_uppercase())
        .collect();
    crate::catalog::hex(&Sha256::digest(plain.as_bytes()))
}

impl Recovery {
    /// The codes that are left after this one was used; absent when it is none of them.
    pub(crate) fn without(mut self, code: &str) -> Option<Self> {
        let hash = code_hash(code);
        let at = self.codes.iter().position(|c| *c == hash)?;
        self.codes.remove(at);
        Some(self)
    }
}

/// A secret that an app is about to learn.
#[derive(Clone, Debug)]
pub struct TotpOffer {
    /// In base 32, as people type it.
    pub secret: String,
    /// The same as an address that apps open.
    pub link: String,
    /// In hex, to be sent back with the first code.
    pub sealed: String,
}

impl Engine {
    /// Sets a person's password.
    ///
    /// # Errors
    /// `weak_password`.
    pub async fn set_password(
        &self,
        person: &str,
        text: &str,
        session: Option<&Session>,
    ) -> Result<(), Problem> {
        let found = self.0.reader.person(person).await.map_err(read_problem)?;
        let (name, email) = found.map(|p| (p.name, p.email)).unwrap_or_default();
        // The address people use names the organisation, and so does that of their mail.
        password(text, &[person, &name, &email, &self.0.config.public_url])
            .map_err(|e| Problem::new("weak_password", e).field("password"))?;
        let hashed = super::password::hash(text).await?;
        let data = json(&hashed)?;
        self.put_credentials(person, session, vec![(CredentialKind::Password, data)])
            .await
    }

    /// A new secret of one-time codes; nothing is stored before the first code has come back.
    ///
    /// # Errors
    /// When the machine has no randomness.
    pub fn offer_totp(&self, person: &str) -> Result<TotpOffer, Problem> {
        let random = ids::secret().map_err(|e| Problem::new("internal", e))?;
        let secret = base32(&random[..20]);
        Ok(TotpOffer {
            link: format!(
                "otpauth://totp/tuesday:{person}?secret={secret}&issuer=tuesday&algorithm=SHA1&digits=6&period=30"
            ),
            sealed: crate::catalog::hex(&random[..20]),
            secret,
        })
    }

    /// Keeps the secret once a code shows that the app has it; answers ten recovery codes, shown once.
    ///
    /// # Errors
    /// `sign_in_refused` when the code is not of this secret.
    pub async fn confirm_totp(
        &self,
        person: &str,
        sealed: &str,
        code: &str,
        session: Option<&Session>,
    ) -> Result<Vec<String>, Problem> {
        let secret = super::password::unhex(sealed);
        let seconds = self.now().micros() / 1_000_000;
        let step = (secret.len() == 20)
            .then(|| totp_step(&secret, code, seconds, 0))
            .flatten()
            .ok_or_else(|| {
                Problem::new("sign_in_refused", "the code does not belong to this key")
                    .field("code")
                    .way_out("check the time on your phone, and type the newest code")
            })?;
        let mut codes = Vec::new();
        for _ in 0..10 {
            let random = ids::secret().map_err(|e| Problem::new("internal", e))?;
            let text = base32(&random[..10]);
            codes.push(format!(
                "{}-{}-{}-{}",
                &text[..4],
                &text[4..8],
                &text[8..12],
                &text[12..]
            ));
        }
        let totp = json(&Totp {
            v: 1,
            secret: sealed.to_owned(),
            last_step: step,
        })?;
        let recovery = json(&Recovery {
            v: 1,
            codes: codes.iter().map(|c| code_hash(c)).collect(),
        })?;
        let both = vec![
            (CredentialKind::Totp, totp),
            (CredentialKind::Recovery, recovery),
        ];
        self.put_credentials(person, session, both).await?;
        Ok(codes)
    }

    async fn put_credentials(
        &self,
        person: &str,
        session: Option<&Session>,
        new: Vec<(CredentialKind, String)>,
    ) -> Result<(), Problem> {
        let now = self.now();
        let credential = |(kind, data)| Credential {
            person: person.to_owned(),
            kind,
            name: String::new(),
            label: String::new(),
            data,
            created_at: now,
            used_at: None,
        };
        let all: Vec<Credential> = new.into_iter().map(credential).collect();
        self.keep_credentials(person, session, all).await
    }

    /// Keeps ways to sign in and ends the person's other sessions.
    pub(crate) async fn keep_credentials(
        &self,
        person: &str,
        session: Option<&Session>,
        all: Vec<Credential>,
    ) -> Result<(), Problem> {
        let kinds: Vec<&str> = all.iter().map(|c| c.kind.word()).collect();
        let mut entry = AuditEntry::new(
            self.now(),
            Actor::Person(person.to_owned()),
            "credential.set",
            Subject::Instance,
        )
        .fact("person", person)
        .fact("kinds", kinds);
        if let [one] = all.as_slice()
            && !one.name.is_empty()
        {
            entry = entry.fact("which", which(&one.name));
        }
        let mut changes = self.others(person, session).await?;
        changes.extend(all.into_iter().map(|c| Change::PutCredential(Box::new(c))));
        self.commit(changes, entry).await
    }

    /// Notes that a passkey or an identity provider let somebody in.
    pub(crate) async fn credential_used(
        &self,
        was: Credential,
        data: String,
    ) -> Result<(), Problem> {
        let now = self.now();
        let entry = AuditEntry::new(
            now,
            Actor::Person(was.person.clone()),
            "sign_in.accepted",
            Subject::Instance,
        )
        .fact("by", was.kind.word())
        .fact("which", which(&was.name));
        let used = Change::UseCredential {
            was: Box::new(was),
            data,
            used_at: Some(now),
        };
        self.commit(vec![used], entry).await
    }

    /// Takes a way to sign in away.
    ///
    /// # Errors
    /// `not_found`, `illegal_state` when nothing that lets the person in would be left.
    pub async fn drop_credential(
        &self,
        person: &str,
        kind: CredentialKind,
        name: &str,
        session: Option<&Session>,
    ) -> Result<(), Problem> {
        let all = self
            .0
            .reader
            .credentials(person)
            .await
            .map_err(read_problem)?;
        let at = all.iter().position(|c| c.kind == kind && c.name == name);
        let at = at.ok_or_else(|| Problem::new("not_found", "there is no such way to sign in"))?;
        let mut all = all;
        let credential = all.remove(at);
        if !lets_in(&all) {
            return Err(Problem::new(
                "illegal_state",
                "this is the last way that lets you in by itself",
            )
            .way_out("add another passkey, or a password with codes from your phone, first"));
        }
        let entry = AuditEntry::new(
            self.now(),
            Actor::Person(person.to_owned()),
            "credential.dropped",
            Subject::Instance,
        )
        .fact("person", person)
        .fact("kind", kind.word())
        .fact("which", which(name));
        let mut changes = self.others(person, session).await?;
        changes.push(Change::DropCredential(Box::new(credential)));
        self.commit(changes, entry).await
    }

    /// The ends of all sessions of a person but this one.
    async fn others(&self, person: &str, keep: Option<&Session>) -> Result<Vec<Change>, Problem> {
        let all = self
            .0
            .reader
            .sessions_of(person)
            .await
            .map_err(read_problem)?;
        Ok(all
            .into_iter()
            .filter(|s| keep.is_none_or(|k| k.hash != s.hash))
            .map(|s| Change::DropSession { hash: s.hash })
            .collect())
    }
}

/// Whether these are enough: a passkey or an identity provider alone, or a password with codes.
fn lets_in(all: &[Credential]) -> bool {
    let has = |kind| all.iter().any(|c| c.kind == kind);
    has(CredentialKind::Passkey)
        || has(CredentialKind::Oidc)
        || (has(CredentialKind::Password) && has(CredentialKind::Totp))
}

/// Enough of a name to tell several apart in the log: the start of its hash, because a subject at
/// an identity provider may be a mail address.
fn which(name: &str) -> String {
    crate::catalog::hex(&Sha256::digest(name.as_bytes())[..6])
}

pub(crate) fn json<T: Serialize>(value: &T) -> Result<String, Problem> {
    serde_json::to_string(value).map_err(|e| Problem::new("internal", e.to_string()))
}
