//! Password hashes: argon2id with the parameters that OWASP asks for, a few at a time.

use argon2::{Algorithm, Argon2, Block, Params, Version};
use serde::{Deserialize, Serialize};
use subtle::ConstantTimeEq as _;
use tokio::sync::Semaphore;
use tuesday_domain::problem::Problem;

use crate::ids;

/// 19 MiB, two passes, one lane: the minimum of OWASP ASVS 5.0 appendix C.
const MEMORY_KIB: u32 = 19_456;
const PASSES: u32 = 2;

/// How many hashes are computed at once, so that a storm of guesses cannot take the memory.
static AT_ONCE: Semaphore = Semaphore::const_new(4);

/// A hash as it is stored, with what is needed to compute it again.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Hashed {
    v: u32,
    memory_kib: u32,
    passes: u32,
    salt: String,
    hash: String,
}

fn compute(text: &str, salt: &[u8], memory: u32, passes: u32) -> Result<[u8; 32], String> {
    let params = Params::new(memory, passes, 1, Some(32)).map_err(|e| e.to_string())?;
    let mut blocks = vec![Block::default(); params.block_count()];
    let mut out = [0; 32];
    Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
        .hash_password_into_with_memory(text.as_bytes(), salt, &mut out, &mut blocks)
        .map_err(|e| e.to_string())?;
    Ok(out)
}

async fn slowly(
    text: String,
    salt: Vec<u8>,
    memory: u32,
    passes: u32,
) -> Result<[u8; 32], Problem> {
    let broken = |e: String| Problem::new("internal", e);
    let _place = AT_ONCE.acquire().await.map_err(|e| broken(e.to_string()))?;
    tokio::task::spawn_blocking(move || compute(&text, &salt, memory, passes))
        .await
        .map_err(|e| broken(e.to_string()))?
        .map_err(broken)
}

/// Hashes a new password with a salt of its own.
pub(crate) async fn hash(text: &str) -> Result<Hashed, Problem> {
    let salt = ids::secret().map_err(|e| Problem::new("internal", e))?[..16].to_vec();
    let out = slowly(text.to_owned(), salt.clone(), MEMORY_KIB, PASSES).await?;
    Ok(Hashed {
        v: 1,
        memory_kib: MEMORY_KIB,
        passes: PASSES,
        salt: crate::catalog::hex(&salt),
        hash: crate::catalog::hex(&out),
    })
}

/// Whether the password is the one behind the hash. Without a hash the same work is done, so that
/// the time does not tell whether the account exists.
pub(crate) async fn verify(text: &str, stored: Option<&Hashed>) -> Result<bool, Problem> {
    let Some(h) = stored else {
        slowly(text.to_owned(), vec![0; 16], MEMORY_KIB, PASSES).await?;
        return Ok(false);
    };
    let salt = unhex(&h.salt);
    let out = slowly(text.to_owned(), salt, h.memory_kib, h.passes).await?;
    Ok(crate::catalog::hex(&out)
        .as_bytes()
        .ct_eq(h.hash.as_bytes())
        .into())
}

pub(crate) fn unhex(text: &str) -> Vec<u8> {
    (0..text.len() / 2)
        .filter_map(|i| u8::from_str_radix(text.get(i * 2..i * 2 + 2)?, 16).ok())
        .collect()
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests fail loudly")]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_password_verifies_against_its_own_hash_only() {
        let stored = hash("seven grey herons").await.unwrap();
        let text = serde_json::to_string(&stored).unwrap();
        assert!(!text.contains("heron"));
        let read: Hashed = serde_json::from_str(&text).unwrap();
        assert!(verify("seven grey herons", Some(&read)).await.unwrap());
        assert!(!verify("seven grey heron", Some(&read)).await.unwrap());
        assert!(!verify("seven grey herons", None).await.unwrap());
        let other = hash("seven grey herons").await.unwrap();
        assert_ne!(other.hash, stored.hash, "every hash has a salt of its own");
    }
}
