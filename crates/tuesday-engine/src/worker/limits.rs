//! How much may go out at once and per second: one limiter per provider and per destination, on
//! this node, shared by every workflow that uses it.

use std::collections::HashMap;
use std::num::NonZeroU32;
use std::sync::{Arc, Mutex, PoisonError};

use governor::{DefaultDirectRateLimiter, Quota, RateLimiter};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// A place at a provider or destination, given back when dropped.
pub(crate) type Place = OwnedSemaphorePermit;

struct Limiter {
    at_once: Arc<Semaphore>,
    per_second: Option<Arc<DefaultDirectRateLimiter>>,
}

/// Limiters by key, and one lock per target record.
#[derive(Default)]
pub(crate) struct Limiters {
    keys: Mutex<HashMap<String, Arc<Limiter>>>,
    targets: Mutex<HashMap<String, Arc<tokio::sync::Mutex<()>>>>,
}

impl Limiters {
    /// Waits for a place under `key`; the first user of a key sets its limits.
    pub(crate) async fn enter(
        &self,
        key: &str,
        at_once: u32,
        per_second: Option<u32>,
    ) -> Option<Place> {
        let limiter = {
            let mut keys = self.keys.lock().unwrap_or_else(PoisonError::into_inner);
            match keys.get(key) {
                Some(l) => Arc::clone(l),
                None => {
                    let quota = per_second.and_then(NonZeroU32::new).map(|n| {
                        Arc::new(RateLimiter::direct(
                            Quota::per_second(n).allow_burst(NonZeroU32::MIN),
                        ))
                    });
                    let limiter = Arc::new(Limiter {
                        at_once: Arc::new(Semaphore::new(at_once.max(1) as usize)),
                        per_second: quota,
                    });
                    keys.insert(key.to_owned(), Arc::clone(&limiter));
                    limiter
                }
            }
        };
        let permit = Arc::clone(&limiter.at_once).acquire_owned().await.ok();
        if let Some(rate) = &limiter.per_second {
            rate.until_ready().await;
        }
        permit
    }

    /// Orders the runs of this node that write to one record.
    pub(crate) async fn target(&self, key: String) -> tokio::sync::OwnedMutexGuard<()> {
        let lock = {
            let mut targets = self.targets.lock().unwrap_or_else(PoisonError::into_inner);
            if targets.len() > 4096 {
                targets.retain(|_, l| Arc::strong_count(l) > 1);
            }
            Arc::clone(targets.entry(key).or_default())
        };
        lock.lock_owned().await
    }
}
