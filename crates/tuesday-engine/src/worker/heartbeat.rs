//! Renews the leases of everything in hand, in one statement; ends the tasks whose lease is lost.
//!
//! A lease counts as lost when two looks in a row say so. Under load the first answer can be older
//! than the claim's own commit: a job that was just finished or given back looks like a lost one.

use std::time::Duration;

use tokio_util::sync::CancellationToken;
use tuesday_domain::id::RunId;
use tuesday_store::ApplyError;

use crate::engine::Engine;

/// Between a first "lost" and the look that confirms it: long enough for a commit to be heard of.
const SECOND_LOOK: Duration = Duration::from_secs(1);

/// A claim in hand: run, fence, serial.
type Claim = (RunId, i64, u64);

pub(super) async fn run(engine: Engine, stop: CancellationToken) {
    let every = engine.0.config.lease / 3;
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(every) => {}
        }
        let claims = engine.0.slots.claims();
        let suspects = match lost(&engine, claims).await {
            Ok(suspects) if suspects.is_empty() => continue,
            Ok(suspects) => suspects,
            Err(e) => {
                tracing::warn!(error = %e, "leases could not be renewed");
                continue;
            }
        };
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(SECOND_LOOK.min(every)) => {}
        }
        // Only the very claim that was asked about is asked about again: one that finished since is
        // not lost, and its run may be in hand again under another claim.
        let again = still_in_hand(suspects, &engine.0.slots.claims());
        // No second answer, no confirmation: the next beat looks again.
        for (run, _, serial) in lost(&engine, again).await.unwrap_or_default() {
            if engine.0.slots.abort(run, serial) {
                tracing::warn!(%run, "lease lost; its result will not be used");
            }
        }
    }
}

/// Renews these claims; answers those that the database does not know as held.
async fn lost(engine: &Engine, claims: Vec<Claim>) -> Result<Vec<Claim>, ApplyError> {
    let held: Vec<_> = claims
        .iter()
        .map(|(run, fence, _)| (*run, *fence))
        .collect();
    let (config, now) = (&engine.0.config, engine.0.clock.for_leases());
    let lost = engine
        .0
        .store
        .heartbeat(&config.node, now, &held, config.lease)
        .await?;
    Ok(claims
        .into_iter()
        .filter(|(run, _, _)| lost.contains(run))
        .collect())
}

fn still_in_hand(suspects: Vec<Claim>, now: &[Claim]) -> Vec<Claim> {
    suspects.into_iter().filter(|c| now.contains(c)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_claim_that_ended_since_is_not_asked_about_again() {
        let run = |n: u128| RunId::new(uuid::Uuid::from_u128(n));
        let suspects = vec![(run(1), 1, 10), (run(2), 1, 11), (run(3), 4, 12)];
        let now = [(run(2), 1, 11), (run(3), 5, 13)];
        assert_eq!(still_in_hand(suspects, &now), [(run(2), 1, 11)]);
    }
}
