//! How the load generator learns that runs are finished.

use std::future::Future;
use std::time::Duration;

use tokio::sync::Mutex;

use crate::client::{Address, Connection};
use crate::fault::BenchError;

/// A count of finished runs that only grows. A closure that returns a future of the count is one.
pub trait Completion: Sync {
    /// Runs finished so far, those from before the measurement included.
    fn finished(&self) -> impl Future<Output = Result<u64, BenchError>> + Send;

    /// Returns once `target` runs are finished. Asks again after `pause`, unless the implementor
    /// can be woken.
    fn wait(
        &self,
        target: u64,
        pause: Duration,
    ) -> impl Future<Output = Result<(), BenchError>> + Send {
        async move {
            while self.finished().await? < target {
                nap(pause).await?;
            }
            Ok(())
        }
    }
}

impl<F, Fut> Completion for F
where
    F: Fn() -> Fut + Sync,
    Fut: Future<Output = u64> + Send,
{
    async fn finished(&self) -> Result<u64, BenchError> {
        Ok(self().await)
    }
}

/// A JSON answer that holds the count, asked for over one connection.
#[derive(Debug)]
pub struct CountEndpoint {
    address: Address,
    pointer: String,
    connection: Mutex<Option<Connection>>,
}

impl std::fmt::Debug for Connection {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Connection").finish_non_exhaustive()
    }
}

impl CountEndpoint {
    /// `url` answers JSON in which `pointer` (RFC 6901, such as `/runs/finished`) is the count.
    ///
    /// # Errors
    /// When the address is not a plain HTTP one.
    pub fn new(url: &str, pointer: &str) -> Result<Self, BenchError> {
        let address = Address::parse(url)?;
        Ok(Self {
            address,
            pointer: pointer.to_owned(),
            connection: Mutex::new(None),
        })
    }
}

impl Completion for CountEndpoint {
    async fn finished(&self) -> Result<u64, BenchError> {
        let mut kept = self.connection.lock().await;
        let mut connection = match kept.take() {
            Some(connection) => connection,
            None => Connection::open(&self.address).await?,
        };
        let heard = connection.get().await?;
        *kept = Some(connection);
        let fault = |detail: String| BenchError::Answer {
            what: "the count of finished runs".to_owned(),
            status: heard.status,
            detail,
        };
        if heard.status != 200 {
            return Err(fault(heard.excerpt()));
        }
        let body: serde_json::Value =
            serde_json::from_slice(&heard.body).map_err(|e| fault(e.to_string()))?;
        let count = body
            .pointer(&self.pointer)
            .and_then(serde_json::Value::as_u64);
        count.ok_or_else(|| fault(format!("no whole number at {}", self.pointer)))
    }
}

/// Waits; below the millisecond that the runtime's timer can tell apart, on a thread of its own.
async fn nap(pause: Duration) -> Result<(), BenchError> {
    if pause >= Duration::from_millis(1) {
        tokio::time::sleep(pause).await;
        return Ok(());
    }
    let slept = tokio::task::spawn_blocking(move || std::thread::sleep(pause)).await;
    slept.map_err(|_| BenchError::Gone("timer thread"))
}
