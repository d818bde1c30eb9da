//! Sends signs of life to the address in `tuesday.toml` while the database answers. The one who listens
//! there notices when they stay away: nobody in here could tell that all of this is gone.

use std::time::Duration;

use tuesday_connectors::notifiers::Heartbeat;
use tuesday_domain::problem::Problem;
use tuesday_engine::Engine;

use crate::config::Home;
use crate::wiring;

/// Starts sending, when an address is set.
pub(crate) fn start(home: &Home, engine: &Engine) -> Result<(), Problem> {
    let Some(beat) = &home.file.heartbeat else {
        return Ok(());
    };
    let (http, secrets) = wiring::outside(home)?;
    let to = Heartbeat::new(http, secrets, beat.url.clone());
    let every = beat
        .every
        .map_or(Duration::from_secs(60), |span| span.0)
        .max(Duration::from_secs(1));
    let engine = engine.clone();
    tokio::spawn(async move {
        loop {
            // A node that cannot reach its database is not alive for anybody who waits for its work.
            if engine.health().await.database
                && let Err(why) = to.beat().await
            {
                tracing::warn!(%why, "the sign of life did not arrive");
            }
            if engine.is_stopping() {
                return;
            }
            tokio::time::sleep(every).await;
        }
    });
    Ok(())
}
