//! A small pool of `PostgreSQL` connections per secret reference.
//!
//! The address is resolved when a connection is opened, so a rotated password counts from the next
//! connection on. A connection goes back to the pool only after a clean use.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_postgres::config::SslMode;
use tokio_postgres::{Client, NoTls, error::SqlState};
use tuesday_domain::port::Secrets;

use super::tls::{Verified, connector};

/// Connections per database; writes to one table gain nothing from more.
const MOST: usize = 8;

/// All pools of one adapter.
pub(crate) struct Pools {
    secrets: Arc<dyn Secrets>,
    pools: Mutex<HashMap<String, Arc<Pool>>>,
}

struct Pool {
    idle: Mutex<Vec<Client>>,
    permits: Arc<Semaphore>,
}

/// A connection in use; call [`Lease::give_back`] after success, or drop it to close it.
pub(crate) struct Lease {
    client: Option<Client>,
    pool: Arc<Pool>,
    _permit: OwnedSemaphorePermit,
}

impl Pools {
    pub(crate) fn new(secrets: Arc<dyn Secrets>) -> Self {
        Self {
            secrets,
            pools: Mutex::default(),
        }
    }

    /// A connection to the database behind `reference`. Errors hold no address and no password.
    pub(crate) async fn get(&self, reference: &str) -> Result<Lease, String> {
        let pool = {
            let mut pools = self.pools.lock().unwrap_or_else(PoisonError::into_inner);
            Arc::clone(pools.entry(reference.to_owned()).or_insert_with(|| {
                Arc::new(Pool {
                    idle: Mutex::default(),
                    permits: Arc::new(Semaphore::new(MOST)),
                })
            }))
        };
        let permit = Arc::clone(&pool.permits)
            .acquire_owned()
            .await
            .map_err(|_| "the pool is closed".to_owned())?;
        let idle = {
            let mut idle = pool.idle.lock().unwrap_or_else(PoisonError::into_inner);
            idle.retain(|c| !c.is_closed());
            idle.pop()
        };
        let client = match idle {
            Some(client) => client,
            None => self.connect(reference).await?,
        };
        Ok(Lease {
            client: Some(client),
            pool,
            _permit: permit,
        })
    }

    async fn connect(&self, reference: &str) -> Result<Client, String> {
        let url = self.secrets.resolve(reference)?;
        let config: tokio_postgres::Config = std::str::from_utf8(&url)
            .ok()
            .and_then(|u| u.trim().parse().ok())
            .ok_or_else(|| format!("secret `{reference}` is not a PostgreSQL address"))?;
        let failed =
            |e: tokio_postgres::Error| format!("cannot connect to `{reference}`: {}", words(&e));
        // `sslmode=require` means verified TLS; otherwise the connection is plain, for servers on
        // the same machine or in the same network.
        if config.get_ssl_mode() == SslMode::Require {
            let (client, connection) = config
                .connect(Verified(connector()?))
                .await
                .map_err(failed)?;
            drive(connection);
            return Ok(client);
        }
        let (client, connection) = config.connect(NoTls).await.map_err(failed)?;
        drive(connection);
        Ok(client)
    }
}

fn drive(connection: impl Future<Output = Result<(), tokio_postgres::Error>> + Send + 'static) {
    tokio::spawn(async move {
        if let Err(e) = connection.await {
            tracing::debug!(error = %words(&e), "database connection ended");
        }
    });
}

impl Lease {
    /// The connection.
    pub(crate) fn client(&mut self) -> Result<&mut Client, String> {
        self.client
            .as_mut()
            .ok_or_else(|| "the connection was given back".to_owned())
    }

    /// Keeps the connection for the next use.
    pub(crate) fn give_back(mut self) {
        if let Some(client) = self.client.take()
            && !client.is_closed()
        {
            self.pool
                .idle
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .push(client);
        }
    }
}

/// What the server said, without the statement and without values of other rows: the `DETAIL` line
/// of a constraint shows data, so it is left out.
pub(crate) fn words(e: &tokio_postgres::Error) -> String {
    match e.as_db_error() {
        Some(db) => format!("{} ({})", db.message(), db.code().code()),
        None if e.is_closed() => "the connection was closed".to_owned(),
        None => {
            let cause = std::error::Error::source(e)
                .map(|s| format!(": {s}"))
                .unwrap_or_default();
            format!(
                "{}{cause}",
                e.to_string().split(':').next().unwrap_or("failed")
            )
        }
    }
}

/// May the same statement work later? True for lost connections, shutdowns, lack of resources,
/// deadlocks and lock timeouts.
pub(crate) fn may_pass(e: &tokio_postgres::Error) -> bool {
    let Some(code) = e.code() else { return true };
    [
        SqlState::T_R_SERIALIZATION_FAILURE,
        SqlState::T_R_DEADLOCK_DETECTED,
        SqlState::LOCK_NOT_AVAILABLE,
        SqlState::QUERY_CANCELED,
    ]
    .contains(code)
        || ["08", "53", "57", "58"]
            .iter()
            .any(|class| code.code().starts_with(class))
}
