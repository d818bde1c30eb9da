//! Challenges of signing in: given out by one node, answered once, on any node, within minutes.

use std::time::Duration;

use sha2::{Digest, Sha256};
use tuesday_domain::problem::Problem;
use tuesday_domain::record::{Ceremony, CeremonyKind};

use super::sign_in::door;
use crate::engine::{Engine, apply_problem, read_problem};
use crate::ids;

/// How long a challenge waits for its answer.
pub const CEREMONY_LIFE: Duration = Duration::from_secs(10 * 60);
/// Challenges that one address may have open; an office behind one address has many sign-in pages.
const OPEN_MOST: u32 = 300;

fn over() -> Problem {
    Problem::new(
        "sign_in_expired",
        "this sign-in took longer than ten minutes, was used already, or was never begun here",
    )
    .way_out("open the page again and start over")
}

impl Engine {
    /// Keeps what is needed to judge an answer; answers the handle that must come back with it.
    ///
    /// # Errors
    /// `rate_limited` when too much is open, or went wrong, from this address.
    pub async fn begin_ceremony(
        &self,
        kind: CeremonyKind,
        person: Option<&str>,
        address: &str,
        data: String,
    ) -> Result<String, Problem> {
        self.address_open(address).await?;
        let bytes = ids::secret().map_err(|e| Problem::new("internal", e))?;
        let handle = crate::catalog::hex(&bytes);
        let now = self.now();
        let ceremony = Ceremony {
            hash: Sha256::digest(handle.as_bytes()).into(),
            kind,
            person: person.map(str::to_owned),
            door: door("address", address),
            data,
            expires_at: now.plus(CEREMONY_LIFE),
        };
        let begun = self
            .0
            .store
            .begin_ceremony(&ceremony, OPEN_MOST, now)
            .await
            .map_err(apply_problem)?;
        if begun {
            return Ok(handle);
        }
        Err(Problem::new(
            "rate_limited",
            "too many sign-ins were begun from this address",
        )
        .with("retry_after", CEREMONY_LIFE.as_secs())
        .way_out("wait ten minutes, or sign in with a password"))
    }

    /// Takes the challenge of a handle; the second caller, whatever the node, gets nothing.
    ///
    /// # Errors
    /// `sign_in_expired`, without saying which of unknown, used or too old it is.
    pub async fn take_ceremony(
        &self,
        kind: CeremonyKind,
        person: Option<&str>,
        handle: &str,
    ) -> Result<Ceremony, Problem> {
        let hash: [u8; 32] = Sha256::digest(handle.as_bytes()).into();
        let found = self.0.reader.ceremony(&hash).await.map_err(read_problem)?;
        let now = self.now();
        let ours = found
            .filter(|c| c.kind == kind && c.person.as_deref() == person && c.expires_at > now)
            .ok_or_else(over)?;
        let taken = self.0.store.end_ceremony(&hash).await;
        if taken.map_err(apply_problem)? {
            Ok(ours)
        } else {
            Err(over())
        }
    }
}
