//! Waits for what is to be seen, never for time to pass.

use std::future::Future;
use std::time::{Duration, Instant};

/// Longest wait; only reached when something is broken.
pub(crate) const PATIENCE: Duration = Duration::from_secs(90);

/// Asks until the answer is something, and returns it.
///
/// # Panics
/// Naming `what`, when it never came.
pub async fn until<T, F, Fut>(what: &str, ask: F) -> T
where
    F: Fn() -> Fut,
    Fut: Future<Output = Option<T>>,
{
    let started = Instant::now();
    loop {
        if let Some(answer) = ask().await {
            return answer;
        }
        assert!(started.elapsed() < PATIENCE, "waited in vain for: {what}");
        tokio::time::sleep(Duration::from_millis(15)).await;
    }
}
