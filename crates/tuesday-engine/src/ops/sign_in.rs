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
use crate::engine::{Engine, apply_problem, read_problem};

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

/// The name under which guesses at an account or from an address are counted.
pub(crate) fn door(kind: &str, name: &str) -> String {
    let digest = Sha256::digest(name.trim().to_lowercase().as_bytes());
    format!("{kind}:{}", crate::catalog::hex(&digest[..16]))
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
        let account = door("account", &proof.handle);
        let address = door("address", &proof.address);
        // Counted before it is judged: many guesses at the same moment are still many guesses.
        let failures = self.count(&account, FREE_FAILURES, now).await?;
        self.count(&address, FREE_OF_ADDRESS, now).await?;
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
            // The name that was typed is not kept: people type passwords into the wrong field.
            let entry = self
                .refused_entry("password", &proof.address, now)
                .fact("door", account)
                .fact("failures", failures);
            self.commit(Vec::new(), entry).await?;
            return Err(refused());
        };
        changes.push(Change::PutGuesses(Guesses {
            door: account,
            failures: 0,
            last_at: now,
        }));
        changes.extend(one(&all, CredentialKind::Password).map(|c| used_now(c, None, now)));
        let entry = AuditEntry::new(
            now,
            Actor::Person(handle.to_owned()),
            "sign_in.accepted",
            Subject::Instance,
        )
        .fact("by", by.word());
        // A code that somebody else spent, or a password that was changed, while this was judged.
        self.commit(changes, entry).await.map_err(|e| {
            if e.code == "revision_moved" {
                refused()
            } else {
                e
            }
        })?;
        self.forgive(&address).await;
        Ok(by)
    }

    /// Counts a guess at a door; answers how many in a row there are with it.
    async fn count(&self, door: &str, free: u32, now: Timestamp) -> Result<u32, Problem> {
        for _ in 0..16 {
            let found = self.0.reader.guesses(door).await.map_err(read_problem)?;
            let was = found.as_ref().map_or(0, |g| g.failures);
            let known = found.filter(|g| now.micros() - g.last_at.micros() < FORGET_US);
            let failures = known.as_ref().map_or(0, |g| g.failures);
            if let Some(g) = known {
                shut(&g, free, now)?;
            }
            let next = Guesses {
                door: door.to_owned(),
                failures: failures.saturating_add(1),
                last_at: now,
            };
            let counted = self.0.store.count_guess(&next, was).await;
            if counted.map_err(apply_problem)? {
                return Ok(next.failures);
            }
        }
        Err(limited(1))
    }

    async fn forgive(&self, door: &str) {
        if let Err(e) = self.0.store.forgive_guess(door).await {
            tracing::warn!(error = %e, "a right guess stays counted as a wrong one");
        }
    }

    fn refused_entry(&self, by: &'static str, address: &str, now: Timestamp) -> AuditEntry {
        metrics::counter!("tuesday_sign_in_refused_total", "by" => by).increment(1);
        AuditEntry::new(
            now,
            Actor::System("sign_in"),
            "sign_in.refused",
            Subject::Instance,
        )
        .fact("by", by)
        .fact("address", address)
    }

    /// Refuses while too much went wrong from this address.
    ///
    /// # Errors
    /// `rate_limited` with `retry_after`.
    pub(crate) async fn address_open(&self, address: &str) -> Result<(), Problem> {
        let door = door("address", address);
        let found = self.0.reader.guesses(&door).await.map_err(read_problem)?;
        found.map_or(Ok(()), |g| shut(&g, FREE_OF_ADDRESS, self.now()))
    }

    /// Keeps that a passkey or an identity provider did not let somebody in, and counts it against
    /// the address; answers the refusal itself.
    pub async fn sign_in_failed(
        &self,
        by: &'static str,
        address: &str,
        problem: Problem,
    ) -> Problem {
        let now = self.now();
        if let Err(full) = self
            .count(&door("address", address), FREE_OF_ADDRESS, now)
            .await
        {
            return full;
        }
        let entry = self
            .refused_entry(by, address, now)
            .fact("why", problem.code);
        match self.commit(Vec::new(), entry).await {
            Ok(()) => problem,
            Err(e) => e,
        }
    }
}

fn limited(left: u64) -> Problem {
    Problem::new("rate_limited", "too many wrong guesses in a row")
        .with("retry_after", left)
        .way_out(format!("wait {left} s"))
}

/// Whether a door is shut for a while.
fn shut(g: &Guesses, free: u32, now: Timestamp) -> Result<(), Problem> {
    let (wait, passed) = (delay_s(g.failures, free), now.since(g.last_at).as_secs());
    if g.failures > 0 && passed < wait {
        return Err(limited(wait - passed));
    }
    Ok(())
}

fn used_now(was: &Credential, data: Option<String>, now: Timestamp) -> Change {
    Change::UseCredential {
        data: data.unwrap_or_else(|| was.data.clone()),
        was: Box::new(was.clone()),
        used_at: Some(now),
    }
}

/// The second factor: a code that is spent by being used, or none where the account has none.
fn second(all: &[Credential], code: &str, now: Timestamp) -> Option<(SignedInBy, Vec<Change>)> {
    let Some(kept) = one(all, CredentialKind::Totp) else {
        return Some((SignedInBy::Password, Vec::new()));
    };
    let totp: Totp = read(kept)?;
    let secret = super::password::unhex(&totp.secret);
    if let Some(step) = totp_step(&secret, code, now.micros() / 1_000_000, totp.last_step) {
        let next = Totp {
            last_step: step,
            ..totp
        };
        let data = serde_json::to_string(&next).ok()?;
        return Some((
            SignedInBy::PasswordAndCode,
            vec![used_now(kept, Some(data), now)],
        ));
    }
    let kept = one(all, CredentialKind::Recovery)?;
    let left = read::<Recovery>(kept)?.without(code)?;
    let data = serde_json::to_string(&left).ok()?;
    Some((
        SignedInBy::PasswordAndCode,
        vec![used_now(kept, Some(data), now)],
    ))
}
