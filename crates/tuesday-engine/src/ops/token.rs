//! API tokens: made once, shown once, stored as a hash, checked on every request.

use std::time::Duration;

use sha2::{Digest, Sha256};
use tuesday_domain::actor::Actor;
use tuesday_domain::problem::Problem;
use tuesday_domain::record::{AuditEntry, Change, Decision, Scope, Subject, Token};

use crate::engine::{Engine, apply_problem, read_problem};
use crate::ids;

const ALPHABET: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/// What a new token should be.
#[derive(Clone, Debug)]
pub struct NewToken {
    /// What it may do.
    pub scope: Scope,
    /// The workflow it is for; absent means all.
    pub workflow: Option<String>,
    /// The person in whose name it decides.
    pub person: Option<String>,
    /// How long it works.
    pub life: Duration,
}

impl Engine {
    /// Makes a token; the text is returned once and never stored.
    ///
    /// # Errors
    /// `not_found` for an unknown person or workflow, `bad_request` when a deciding token names nobody.
    pub async fn create_token(
        &self,
        new: NewToken,
        by: &Actor,
    ) -> Result<(String, Token), Problem> {
        if matches!(new.scope, Scope::Review | Scope::Admin) && new.person.is_none() {
            return Err(
                Problem::new("bad_request", "a token that decides must name a person")
                    .field("person"),
            );
        }
        if let Some(handle) = &new.person
            && self
                .0
                .reader
                .person(handle)
                .await
                .map_err(read_problem)?
                .is_none_or(|p| !p.active)
        {
            return Err(
                Problem::new("not_found", format!("there is no person `{handle}`")).field("person"),
            );
        }
        if let Some(workflow) = &new.workflow {
            self.known_workflow(workflow).await?;
        }
        let text = mint(new.scope).map_err(|e| Problem::new("internal", e))?;
        let now = self.now();
        let token = Token {
            id: ids::token(),
            hash: Sha256::digest(text.as_bytes()).into(),
            scope: new.scope,
            workflow: new.workflow,
            person: new.person,
            created_at: now,
            expires_at: now.plus(new.life),
            revoked_at: None,
        };
        let entry = AuditEntry::new(now, by.clone(), "token.created", Subject::Instance)
            .fact("token", token.id.to_string())
            .fact("scope", token.scope.word())
            .fact(
                "workflow",
                token.workflow.clone().unwrap_or_else(|| "all".to_owned()),
            )
            .fact("person", token.person.clone().unwrap_or_default());
        let decision = Decision {
            changes: vec![Change::InsertToken(Box::new(token.clone()))],
            entry,
        };
        self.apply(decision).await.map_err(apply_problem)?;
        Ok((text, token))
    }

    /// Withdraws a token; it stops working at once here and within a second elsewhere.
    ///
    /// # Errors
    /// `reason_required`, `not_found`, `revision_moved` when it is withdrawn already.
    pub async fn revoke_token(
        &self,
        id: tuesday_domain::id::TokenId,
        reason: &str,
        by: &Actor,
    ) -> Result<(), Problem> {
        let reason = super::people::reasoned(reason)?;
        let all = self.0.reader.tokens().await.map_err(read_problem)?;
        let token = all
            .into_iter()
            .find(|t| t.id == id)
            .ok_or_else(|| Problem::new("not_found", format!("there is no {id}")))?;
        let at = self.now();
        let entry = AuditEntry::new(at, by.clone(), "token.revoked", Subject::Instance)
            .fact("token", id.to_string())
            .fact("person", token.person.unwrap_or_default())
            .fact("before", "valid")
            .fact("after", "withdrawn")
            .fact("reason", reason);
        self.commit(vec![Change::RevokeToken { id, at }], entry)
            .await?;
        self.0.tokens.forget();
        Ok(())
    }

    /// The token behind a presented text.
    ///
    /// # Errors
    /// `token_invalid`, without saying which of unknown, expired or withdrawn it is.
    pub async fn token(&self, presented: &str) -> Result<Token, Problem> {
        let invalid = || {
            Problem::new(
                "token_invalid",
                "the token is unknown, expired or withdrawn",
            )
        };
        if !checksum_ok(presented) {
            return Err(invalid());
        }
        let hash: [u8; 32] = Sha256::digest(presented.as_bytes()).into();
        if let Some(token) = self.0.tokens.get(&hash, self.now()) {
            return Ok(token);
        }
        let token = self
            .0
            .reader
            .token_by_hash(&hash)
            .await
            .map_err(read_problem)?
            .ok_or_else(invalid)?;
        let now = self.now();
        if token.revoked_at.is_some() || token.expires_at <= now {
            return Err(invalid());
        }
        self.0.tokens.put(hash, token.clone(), now);
        Ok(token)
    }
}

/// Tokens seen a moment ago, so that a busy sender does not cost a read each time. Short-lived: a
/// withdrawn token stops working within [`TokenCache::LIFE`] on every node.
#[derive(Default)]
pub(crate) struct TokenCache(
    std::sync::Mutex<std::collections::HashMap<[u8; 32], (Token, tuesday_domain::time::Timestamp)>>,
);

impl TokenCache {
    const LIFE: Duration = Duration::from_secs(1);

    fn lock(
        &self,
    ) -> std::sync::MutexGuard<
        '_,
        std::collections::HashMap<[u8; 32], (Token, tuesday_domain::time::Timestamp)>,
    > {
        self.0
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
    }
    fn get(&self, hash: &[u8; 32], now: tuesday_domain::time::Timestamp) -> Option<Token> {
        let (token, seen) = self.lock().get(hash).cloned()?;
        (now.since(seen) < Self::LIFE && token.expires_at > now).then_some(token)
    }
    /// Everything is read again; a right was taken away.
    pub(crate) fn forget(&self) {
        self.lock().clear();
    }
    fn put(&self, hash: [u8; 32], token: Token, now: tuesday_domain::time::Timestamp) {
        let mut map = self.lock();
        if map.len() >= 1024 {
            map.clear();
        }
        map.insert(hash, (token, now));
    }
}

/// `tsd_<scope>_<30 random><6 checksum>`, so that scanners find leaked ones and typing errors show.
fn mint(scope: Scope) -> Result<String, String> {
    let mut random = String::new();
    while random.len() < 30 {
        // Bytes past 247 would favour the first letters.
        random.extend(
            ids::secret()?
                .iter()
                .filter(|&&b| b < 248)
                .map(|b| char::from(ALPHABET[(b % 62) as usize])),
        );
    }
    random.truncate(30);
    let head = format!("tsd_{scope}_{random}");
    let sum = checksum(&head);
    Ok(format!("{head}{sum}"))
}

/// Whether the last six characters fit the rest: checked before anything is looked up.
#[must_use]
pub fn checksum_ok(text: &str) -> bool {
    text.is_ascii() && text.len() > 40 && text.starts_with("tsd_") && {
        let (head, sum) = text.split_at(text.len() - 6);
        checksum(head) == sum
    }
}

fn checksum(head: &str) -> String {
    let digest = Sha256::digest(head.as_bytes());
    let mut n = u64::from(u32::from_be_bytes([
        digest[0], digest[1], digest[2], digest[3],
    ]));
    let mut out = [b'0'; 6];
    for slot in out.iter_mut().rev() {
        *slot = ALPHABET[(n % 62) as usize];
        n /= 62;
    }
    out.iter().map(|&b| char::from(b)).collect()
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests fail loudly")]
mod tests {
    use super::*;

    #[test]
    fn a_mistyped_token_is_refused_before_any_lookup() {
        let text = mint(Scope::Trigger).unwrap();
        assert!(checksum_ok(&text), "{text}");
        assert!(text.starts_with("tsd_trigger_"));
        let mut wrong = text.clone();
        let last = wrong.pop().unwrap();
        wrong.push(if last == 'a' { 'b' } else { 'a' });
        assert!(!checksum_ok(&wrong));
        assert!(!checksum_ok("tsd_"));
        assert_ne!(text, mint(Scope::Trigger).unwrap());
    }
}
