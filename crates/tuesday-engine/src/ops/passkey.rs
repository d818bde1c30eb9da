//! Passkeys as they are kept: the public key, what it is called, and whether it was copied.
//!
//! What a browser answered is judged by the web part, which knows the protocol; here it is kept,
//! found again and refused.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest, Sha256};
use tuesday_domain::actor::Actor;
use tuesday_domain::problem::Problem;
use tuesday_domain::record::{AuditEntry, Change, Credential, CredentialKind, Session, Subject};
use tuesday_domain::time::Timestamp;

use super::credential::json;
use super::session::refused;
use crate::engine::{Engine, read_problem};

/// Passkeys of one person.
const MOST: usize = 20;
/// Characters of a name.
const LABEL_MOST: usize = 60;

/// A passkey as it is stored.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct KeptPasskey {
    v: u32,
    /// Key, counter and flags, in the form of the library that judges answers.
    pub key: Value,
    /// Set when a counter did not grow, in microseconds since 1970: two devices may hold this key.
    pub copied_at: Option<i64>,
}

/// A passkey and where it is kept.
#[derive(Clone, Debug)]
pub struct FoundPasskey {
    /// The row as it was read.
    pub row: Credential,
    /// What is in it.
    pub kept: KeptPasskey,
}

fn found(row: Credential) -> Result<FoundPasskey, Problem> {
    let kept = serde_json::from_str(&row.data)
        .map_err(|_| Problem::new("record_damaged", "a stored passkey cannot be read"))?;
    Ok(FoundPasskey { row, kept })
}

impl FoundPasskey {
    /// When it looked copied.
    #[must_use]
    pub fn copied_at(&self) -> Option<Timestamp> {
        self.kept.copied_at.map(Timestamp::from_micros)
    }
}

impl Engine {
    /// 16 bytes that name a person to an authenticator: always the same, and nothing that tells who
    /// it is.
    ///
    /// # Errors
    /// When the instance cannot be read.
    pub async fn passkey_user(&self, person: &str) -> Result<[u8; 16], Problem> {
        let instance = self.0.reader.instance().await.map_err(read_problem)?;
        let id = instance.map(|i| i.id).unwrap_or_default();
        let digest = Sha256::digest(format!("passkey user {id} {person}").as_bytes());
        let mut out = [0; 16];
        out.copy_from_slice(&digest[..16]);
        Ok(out)
    }

    /// The passkeys of a person, oldest first.
    ///
    /// # Errors
    /// `record_damaged`.
    pub async fn passkeys(&self, person: &str) -> Result<Vec<FoundPasskey>, Problem> {
        let all = self.0.reader.credentials(person).await;
        let own = all.map_err(read_problem)?.into_iter();
        own.filter(|c| c.kind == CredentialKind::Passkey)
            .map(found)
            .collect()
    }

    /// The passkey of this id, whoever has it.
    ///
    /// # Errors
    /// `sign_in_refused` when there is none, or its person is not active.
    pub async fn passkey(&self, id: &str) -> Result<FoundPasskey, Problem> {
        let reader = &self.0.reader;
        let kind = CredentialKind::Passkey.word();
        let row = reader.credential_named(kind, id).await;
        let row = row.map_err(read_problem)?.ok_or_else(refused)?;
        let person = reader.person(&row.person).await.map_err(read_problem)?;
        if person.is_none_or(|p| !p.active) {
            return Err(refused());
        }
        found(row)
    }

    /// Keeps a new passkey under a name; the person's other sessions end.
    ///
    /// # Errors
    /// `bad_request` for the name, `illegal_state` when the passkey is known or there are too many.
    pub async fn add_passkey(
        &self,
        person: &str,
        id: &str,
        label: &str,
        key: Value,
        session: &Session,
    ) -> Result<(), Problem> {
        let label = label.trim();
        if label.is_empty() || label.chars().count() > LABEL_MOST {
            return Err(Problem::new(
                "bad_request",
                format!("a passkey has a name of at most {LABEL_MOST} characters"),
            )
            .field("label")
            .way_out("call it after the device it is on"));
        }
        let reader = &self.0.reader;
        let kind = CredentialKind::Passkey;
        let (known, own) = tokio::try_join!(
            reader.credential_named(kind.word(), id),
            reader.credentials(person)
        )
        .map_err(read_problem)?;
        if known.is_some() {
            return Err(Problem::new(
                "illegal_state",
                "this passkey is known already",
            ));
        }
        if own.iter().filter(|c| c.kind == kind).count() >= MOST {
            return Err(Problem::new(
                "illegal_state",
                format!("there are {MOST} passkeys already"),
            )
            .way_out("remove one that you no longer use"));
        }
        let data = json(&KeptPasskey {
            v: 1,
            key,
            copied_at: None,
        })?;
        let credential = Credential {
            person: person.to_owned(),
            kind,
            name: id.to_owned(),
            label: label.to_owned(),
            data,
            created_at: self.now(),
            used_at: None,
        };
        self.keep_credentials(person, Some(session), vec![credential])
            .await
    }

    /// A passkey let its person in; `key` has the new counter and flags.
    ///
    /// # Errors
    /// `sign_in_refused` when it was used or removed at the same moment.
    pub async fn passkey_used(&self, passkey: FoundPasskey, key: Value) -> Result<(), Problem> {
        let data = json(&KeptPasskey {
            key,
            ..passkey.kept
        })?;
        let used = self.credential_used(passkey.row, data).await;
        used.map_err(|e| {
            if e.code == "revision_moved" {
                refused()
            } else {
                e
            }
        })
    }

    /// Keeps that a passkey's counter did not grow: somebody may have copied it. It stays refused
    /// for this sign-in, and its person and the administrators see a warning until it is removed.
    ///
    /// # Errors
    /// When that cannot be kept.
    pub async fn passkey_copied(&self, passkey: FoundPasskey) -> Result<(), Problem> {
        let now = self.now();
        let actor = Actor::System("sign_in");
        let entry = AuditEntry::new(now, actor, "credential.suspected", Subject::Instance)
            .fact("person", passkey.row.person.clone())
            .fact("kind", CredentialKind::Passkey.word());
        let data = json(&KeptPasskey {
            copied_at: Some(now.micros()),
            ..passkey.kept
        })?;
        let change = Change::UseCredential {
            used_at: passkey.row.used_at,
            was: Box::new(passkey.row),
            data,
        };
        self.commit(vec![change], entry).await
    }
}
