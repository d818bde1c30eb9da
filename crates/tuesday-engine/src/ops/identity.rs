//! Who an identity provider's subject is here: somebody who was invited, never somebody new.
//!
//! The first time, a mail address that the provider says it has verified leads to the one active
//! person who has it. From then on only issuer and subject count, so that an address that changes
//! hands leads nobody into an account.

use serde::{Deserialize, Serialize};
use tuesday_domain::problem::Problem;
use tuesday_domain::record::{Credential, CredentialKind, Person, Session};

use super::credential::json;
use crate::engine::{Engine, read_problem};

/// What a checked ID token says.
#[derive(Clone, Debug)]
pub struct Identity {
    /// The provider's own name for itself, an address.
    pub issuer: String,
    /// The provider's name for the person, for ever the same.
    pub subject: String,
    /// The mail address, when the provider gives one and says that it has verified it.
    pub verified_email: Option<String>,
}

#[derive(Serialize, Deserialize)]
struct Kept {
    v: u32,
    issuer: String,
    subject: String,
}

fn unknown(detail: String) -> Problem {
    Problem::new("identity_unknown", detail).way_out(
        "ask an administrator to invite you under the mail address of your company account, \
        or sign in with a passkey or a password",
    )
}

impl Engine {
    /// The person behind an identity; binds it the first time.
    ///
    /// # Errors
    /// `identity_unknown` when nobody, more than one, or somebody who is bound to another subject
    /// has the address, or the person is not active.
    pub async fn person_of(&self, identity: &Identity) -> Result<Person, Problem> {
        let name = format!("{} {}", identity.issuer, identity.subject);
        let reader = &self.0.reader;
        let kind = CredentialKind::Oidc;
        let bound = reader.credential_named(kind.word(), &name).await;
        if let Some(row) = bound.map_err(read_problem)? {
            let person = self.known_person(&row.person).await?;
            if !person.active {
                return Err(unknown("your account here is not active".to_owned()));
            }
            let data = row.data.clone();
            self.credential_used(row, data).await?;
            return Ok(person);
        }
        let Some(email) = identity.verified_email.as_deref() else {
            return Err(unknown(
                "the identity provider gave no mail address that it has verified".to_owned(),
            ));
        };
        let mut people = reader
            .people_with_email(email)
            .await
            .map_err(read_problem)?;
        let person = match (people.pop(), people.is_empty()) {
            (Some(person), true) => person,
            (Some(_), false) => {
                return Err(unknown(format!("more than one person here has {email}")));
            }
            (None, _) => return Err(unknown(format!("nobody here has the address {email}"))),
        };
        self.bind(person, identity, name).await
    }

    async fn bind(
        &self,
        person: Person,
        identity: &Identity,
        name: String,
    ) -> Result<Person, Problem> {
        let own = self.0.reader.credentials(&person.handle).await;
        let kind = CredentialKind::Oidc;
        let same = format!("{} ", identity.issuer);
        let taken = own.map_err(read_problem)?.into_iter();
        if taken
            .filter(|c| c.kind == kind)
            .any(|c| c.name.starts_with(&same))
        {
            return Err(unknown(format!(
                "{} is bound to another account of this provider",
                person.handle
            ))
            .way_out("ask an administrator for a new sign-in link; that unbinds the old account"));
        }
        let now = self.now();
        let data = json(&Kept {
            v: 1,
            issuer: identity.issuer.clone(),
            subject: identity.subject.clone(),
        })?;
        let row = Credential {
            person: person.handle.clone(),
            kind,
            name,
            label: identity.verified_email.clone().unwrap_or_default(),
            data,
            created_at: now,
            used_at: Some(now),
        };
        let none: Option<&Session> = None;
        self.keep_credentials(&person.handle, none, vec![row])
            .await?;
        Ok(person)
    }
}
