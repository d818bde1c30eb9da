//! Counts finished runs, and wakes whoever waits for them.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;

use crate::completion::Completion;
use crate::fault::BenchError;

#[derive(Debug, Default)]
pub(super) struct Counter {
    finished: AtomicU64,
    changed: Notify,
    first_fault: Mutex<Option<String>>,
}

impl Counter {
    pub(super) fn finish(&self) {
        self.finished.fetch_add(1, Ordering::Release);
        self.changed.notify_waiters();
    }

    pub(super) fn fail(&self, fault: &BenchError) {
        let mut first = self
            .first_fault
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        first.get_or_insert_with(|| fault.to_string());
        drop(first);
        self.changed.notify_waiters();
    }

    pub(super) fn failed(&self) -> Option<String> {
        self.first_fault
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }
}

impl Completion for Counter {
    async fn finished(&self) -> Result<u64, BenchError> {
        match self.failed() {
            Some(fault) => Err(BenchError::Run(fault)),
            None => Ok(self.finished.load(Ordering::Acquire)),
        }
    }

    async fn wait(&self, target: u64, _pause: Duration) -> Result<(), BenchError> {
        loop {
            let changed = self.changed.notified();
            tokio::pin!(changed);
            changed.as_mut().enable();
            if self.finished().await? >= target {
                return Ok(());
            }
            changed.await;
        }
    }
}
