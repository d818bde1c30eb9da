//! A node's name, held by a session of the server for as long as the process lives.
//!
//! Who does what: the process keeps one connection with an advisory lock on its name. When it dies
//! the server ends the session and the name is free, so that the next start knows at once that the
//! leases under it belong to nobody. What is *not* relied on: that a name is held without a gap. A
//! connection can break while its process lives; the fence keeps late results out, as ever.

use std::time::Duration;

use tokio::task::AbortHandle;
use tokio_postgres::Client;

use super::connect::Address;
use super::{Postgres, fault::from_pg};
use crate::error::{ApplyError, OpenError};

/// Pause before a lost session is opened again.
const AGAIN: Duration = Duration::from_secs(1);
/// More nodes than this do not share one name.
const MOST: u32 = 999;

const TRY: &str = "SELECT pg_try_advisory_lock(hashtextextended('tuesday node ' || $1, 0))";
const UNLOCK: &str = "SELECT pg_advisory_unlock(hashtextextended('tuesday node ' || $1, 0))";
const HOLDERS: &str = "SELECT DISTINCT lease_node FROM jobs WHERE lease_node IS NOT NULL \
    AND (lease_node = $1 OR starts_with(lease_node, $1 || '#'))";
const RELEASE: &str = "UPDATE jobs SET lease_node = NULL, lease_until = NULL WHERE lease_node = $1";

/// Every statement of this file, for the test that prepares them all.
pub(crate) const ALL: [&str; 4] = [TRY, UNLOCK, HOLDERS, RELEASE];

/// A name that no other living process has. Given up when dropped.
#[derive(Debug)]
pub(crate) struct Held {
    pub(crate) name: String,
    keeper: AbortHandle,
}

impl Drop for Held {
    fn drop(&mut self) {
        self.keeper.abort();
    }
}

/// Takes `base`, or `base#2` and so on where a living process has it.
pub(crate) async fn take(address: &Address, base: &str) -> Result<Held, OpenError> {
    let (client, session) = connect(address).await?;
    for n in 1..=MOST {
        let name = if n == 1 {
            base.to_owned()
        } else {
            format!("{base}#{n}")
        };
        if lock(&client, &name).await? {
            let keeper = tokio::spawn(keep(address.clone(), name.clone(), client, session));
            return Ok(Held {
                name,
                keeper: keeper.abort_handle(),
            });
        }
    }
    Err(OpenError::Database(format!(
        "{MOST} nodes are called {base} already"
    )))
}

/// Frees the leases of `base` and its siblings whose process is gone. Returns how many.
pub(crate) async fn release_the_gone(pg: &Postgres, base: &str) -> Result<u64, ApplyError> {
    let client = pg.client().await?;
    let rows = client.query(HOLDERS, &[&base]).await.map_err(from_pg)?;
    let mut freed = 0;
    for row in rows {
        let name: String = row.try_get(0).map_err(from_pg)?;
        if !lock(&client, &name).await.map_err(from_pg)? {
            continue;
        }
        let done = client.execute(RELEASE, &[&name]).await;
        // The connection goes back to a pool: the lock must not stay on it.
        client.execute(UNLOCK, &[&name]).await.map_err(from_pg)?;
        freed += done.map_err(from_pg)?;
    }
    Ok(freed)
}

type Session = tokio::task::JoinHandle<()>;

async fn connect(address: &Address) -> Result<(Client, Session), tokio_postgres::Error> {
    let (client, connection) = address.config.connect(address.tls.clone()).await?;
    let session = tokio::spawn(async move {
        if let Err(e) = connection.await {
            tracing::debug!(error = %e, "the session of the node's name ended");
        }
    });
    Ok((client, session))
}

async fn lock(client: &Client, name: &str) -> Result<bool, tokio_postgres::Error> {
    client.query_one(TRY, &[&name]).await?.try_get(0)
}

/// Keeps the session, and takes the name again when the server or the way to it was away.
async fn keep(address: Address, name: String, mut client: Client, mut session: Session) {
    loop {
        let _ended = session.await;
        drop(client);
        (client, session) = loop {
            tokio::time::sleep(AGAIN).await;
            let Ok((client, session)) = connect(&address).await else {
                continue;
            };
            match lock(&client, &name).await {
                Ok(true) => break (client, session),
                Ok(false) => {
                    tracing::warn!(node = %name, "another process has this node's name by now; restart this one");
                }
                Err(e) => tracing::debug!(error = %e, "the node's name could not be taken again"),
            }
        };
    }
}
