//! Turns at one record among all nodes: advisory locks on one session of this process.
//!
//! A turn orders writes, it does not make them safe: a session can break while its process writes.
//! Keys, preconditions and fences hold then, as ever. Waiting asks again after a pause, because a
//! statement that waits would hold up every other turn of the session.

use std::sync::Arc;
use std::time::Duration;

use tokio_postgres::Client;

use super::connect::Address;
use super::fault::from_pg;
use crate::error::ApplyError;

/// First and longest pause between two questions.
const PAUSES: (Duration, Duration) = (Duration::from_millis(5), Duration::from_millis(100));

const TAKE: &str = "SELECT pg_try_advisory_lock(hashtextextended('tuesday record ' || $1, 0))";
const GIVE: &str = "SELECT pg_advisory_unlock(hashtextextended('tuesday record ' || $1, 0))";

/// Every statement of this file, for the test that prepares them all.
pub(crate) const ALL: [&str; 2] = [TAKE, GIVE];

/// The session all turns of this process are held on; opened when the first is taken.
#[derive(Default)]
pub(crate) struct Turns {
    session: tokio::sync::Mutex<Option<Arc<Client>>>,
}

impl Turns {
    async fn client(&self, address: &Address) -> Result<Arc<Client>, ApplyError> {
        let mut session = self.session.lock().await;
        if let Some(client) = session.as_ref().filter(|c| !c.is_closed()) {
            return Ok(Arc::clone(client));
        }
        let (client, connection) = address
            .config
            .connect(address.tls.clone())
            .await
            .map_err(from_pg)?;
        tokio::spawn(async move {
            if let Err(e) = connection.await {
                tracing::debug!(error = %e, "the session of the turns ended");
            }
        });
        Ok(Arc::clone(session.insert(Arc::new(client))))
    }

    /// Waits until no other process has `place`.
    pub(crate) async fn take(&self, address: &Address, place: &str) -> Result<Held, ApplyError> {
        let mut pause = PAUSES.0;
        loop {
            let client = self.client(address).await?;
            let row = client.query_one(TAKE, &[&place]).await.map_err(from_pg)?;
            if row.try_get(0).map_err(from_pg)? {
                return Ok(Held {
                    client,
                    place: place.to_owned(),
                });
            }
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(PAUSES.1);
        }
    }
}

/// A turn of this process. Given back when dropped; the server does it when the process dies.
pub(crate) struct Held {
    client: Arc<Client>,
    place: String,
}

impl Drop for Held {
    fn drop(&mut self) {
        let Ok(runtime) = tokio::runtime::Handle::try_current() else {
            return;
        };
        let (client, place) = (Arc::clone(&self.client), std::mem::take(&mut self.place));
        runtime.spawn(async move {
            if let Err(e) = client.query_one(GIVE, &[&place]).await {
                tracing::debug!(error = %e, "the session of a turn is gone, and the turn with it");
            }
        });
    }
}
