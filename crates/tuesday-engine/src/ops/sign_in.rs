//! Signing in with a password and a one-time code: one answer to every wrong one, and a delay that grows.

use sha2::{Digest, Sha256};
use tuesday_domain::actor::Actor;
use tuesday_domain::credential::{FREE_FAILURES, delay_s, totp_step};
use tuesday_domain::problem::Problem;
use tuesday_domain::record::{
    AuditEntry, Change, Credential, CredentialKind, Guesses, SignedInBy, Subject,
};
use tuesday_domain::time::Timestamp;

use super::credential::{Recovery, Totp};
use super::password::{Hashed, verify};
use super::session::refused;
use crate::engine::{Engine, read_problem};

/// Wrong guesses from one address before it has to wait; several people share one.
const FREE_OF_ADDRESS: u32 = 20;
/// After this long without a wrong guess the count starts again.
const FORGET_US: i64 = 24 * 3_600 * 1_000_000;

/// What somebody typed.
#[derive(Clone, Debug, Default)]
pub struct Proof {
    /// Handle of the person.
    pub handle: String,
    /// The password.
    pub password: String,
    /// One-time or recovery code.
    pub code: String,
    /// Where the request came from.
    pub address: String,
}

fn doors(proof: &Proof) -> [(String, u32); 2] {
    let door = |kind: &str, name: &str| {
        let digest = Sha256::digest(name.trim().to_lowercase().as_bytes());
        format!("{kind}:{}", crate::catalog::hex(&digest[..16]))
    };
    [
        (door("account", &proof.handle), FREE_FAILURES),
        (door("address", &proof.address), FREE_OF_ADDRESS),
    ]
}

fn one(all: &[Credential], kind: CredentialKind) -> Option<&Credential> {
    all.iter().find(|c| c.kind == kind)
}

fn read<T: serde::de::DeserializeOwned>(c: &Credential) -> Option<T> {
    serde_json::from_str(&c.data).ok()
}

impl Engine {
    /// Checks a password and, where the account has one, the second factor. Answers how the person
    /// got in; the session begins elsewhere.
    ///
    /// # Errors
    /// `sign_in_refused` for anything wrong, `rate_limited` with `retry_after` during a delay.
    pub async fn prove(&self, proof: &Proof) -> Result<SignedInBy, Problem> {
        let now = self.now();
        let counts = self.counts(proof, now).await?;
        let handle = proof.handle.trim();
        let person = self.0.reader.person(handle).await.map_err(read_problem)?;
        let all = self
            .0
            .reader
            .credentials(handle)
            .await
            .map_err(read_problem)?;
        let stored: Option<Hashed> = one(&all, CredentialKind::Password).and_then(read);
        let right = verify(&proof.password, stored.as_ref()).await?;
        let active = person.is_some_and(|p| p.active);
        let used = if right && active {
            second(&all, &proof.code, now)
        } else {
            None
        };
        let Some((by, mut changes)) = used else {
            self.wrong(proof, counts, now).await?;
            return Err(refused());
        };
        for g in counts
            .into_iter()
            .filter(|g| g.failures > 0 && g.door.starts_with("account:"))
        {
            changes.push(Change::PutGuesses(Guesses { failures: 0, ..g }));
        }
        let password = one(&all, CredentialKind::Password).cloned();
        changes.extend(password.map(|c| {
            Change::PutCredential(Box::new(Credential {
                used_at: Some(now),
                ..c
            }))
        }));
        let entry = AuditEntry::new(
            now,
            Actor::Person(handle.to_owned()),
            "sign_in.accepted",
            Subject::Instance,
        )
        .fact("by", by.word());
        self.commit(changes, entry).await?;
        Ok(by)
    }

    /// The counts of both doors, or the refusal while one of them is shut.
    async fn counts(&self, proof: &Proof, now: Timestamp) -> Result<Vec<Guesses>, Problem> {
        let mut out = Vec::new();
        for (door, free) in doors(proof) {
            let found = self.0.reader.guesses(&door).await.map_err(read_problem)?;
            let known = found.filter(|g| now.micros() - g.last_at.micros() < FORGET_US);
            let g = known.unwrap_or(Guesses {
                door,
                failures: 0,
                last_at: now,
            });
            let wait = delay_s(g.failures, free);
            let passed = now.since(g.last_at).as_secs();
            if g.failures > 0 && passed < wait {
                let left = wait - passed;
                return Err(
                    Problem::new("rate_limited", "too many wrong guesses in a row")
                        .with("retry_after", left)
                        .way_out(format!("wait {left} s")),
                );
            }
            out.push(g);
        }
        Ok(out)
    }

    async fn wrong(
        &self,
        proof: &Proof,
        counts: Vec<Guesses>,
        now: Timestamp,
    ) -> Result<(), Problem> {
        let failures = counts.first().map_or(0, |g| g.failures) + 1;
        let changes = counts
            .into_iter()
            .map(|g| {
                Change::PutGuesses(Guesses {
                    failures: g.failures.saturating_add(1),
                    last_at: now,
                    ..g
                })
            })
            .collect();
        // The name that was typed is not kept: people type passwords into the wrong field.
        let [account, _] = doors(proof);
        let entry = AuditEntry::new(
            now,
            Actor::System("sign_in"),
            "sign_in.refused",
            Subject::Instance,
        )
        .fact("door", account.0)
        .fact("address", proof.address.clone())
        .fact("failures", failures);
        metrics::counter!("tuesday_sign_in_refused_total").increment(1);
        self.commit(changes, entry).await
    }
}

/// The second factor: a code that is spent by being used, or none where the account has none.
fn second(all: &[Credential], code: &str, now: Timestamp) -> Option<(SignedInBy, Vec<Change>)> {
    let Some(kept) = one(all, CredentialKind::Totp) else {
        return Some((SignedInBy::Password, Vec::new()));
    };
    let totp: Totp = read(kept)?;
    let secret = super::password::unhex(&totp.secret);
    let put = |c: &Credential, data: String| {
        Change::PutCredential(Box::new(Credential {
            data,
            used_at: Some(now),
            ..c.clone()
        }))
    };
    if let Some(step) = totp_step(&secret, code, now.micros() / 1_000_000, totp.last_step) {
        let next = Totp {
            last_step: step,
            ..totp
        };
        let data = serde_json::to_string(&next).ok()?;
        return Some((SignedInBy::PasswordAndCode, vec![put(kept, data)]));
    }
    let kept = one(all, CredentialKind::Recovery)?;
    let left = read::<Recovery>(kept)?.without(code)?;
    let data = serde_json::to_string(&left).ok()?;
    Some((SignedInBy::PasswordAndCode, vec![put(kept, data)]))
}
