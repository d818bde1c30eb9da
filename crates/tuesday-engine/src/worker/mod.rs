//! Drives runs on this node.
//!
//! Who does what: [`Slots`] says how much of which workflow may run here; `claim` takes due jobs
//! that nobody holds; `drive` carries one run through its steps under one lease; `heartbeat` renews
//! the leases of everything in hand. A run accepted on this node is handed to a free slot in the
//! accepting transaction and never waits for a poll. What is *not* relied on: that a lease holder is
//! alive, or alone. Every result is recorded under the fence of its claim, and a stale one is late.

mod claim;
pub(crate) mod drive;
mod heartbeat;
pub(crate) mod limits;
mod slots;

use std::sync::atomic::Ordering;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

pub(crate) use slots::{Held, Slots};

use crate::engine::Engine;
use crate::maintenance;

/// A running worker with its maintenance services.
pub struct Worker {
    engine: Engine,
    stop: CancellationToken,
    tasks: tokio::task::JoinSet<()>,
}

impl Worker {
    /// Starts claiming, renewing and maintaining.
    #[must_use]
    pub fn start(engine: &Engine) -> Self {
        let stop = CancellationToken::new();
        let mut tasks = tokio::task::JoinSet::new();
        engine.0.worker_alive.store(true, Ordering::SeqCst);
        tasks.spawn(claim::run(engine.clone(), stop.clone()));
        tasks.spawn(heartbeat::run(engine.clone(), stop.clone()));
        maintenance::spawn_all(engine, &stop, &mut tasks);
        Self {
            engine: engine.clone(),
            stop,
            tasks,
        }
    }

    /// Stops claiming, lets what is in hand finish for at most `grace`, and gives the rest back.
    pub async fn shut_down(mut self, grace: Duration) {
        self.engine.stop_accepting();
        self.engine.0.slots.close();
        let _ = tokio::time::timeout(grace, self.engine.0.slots.idle()).await;
        self.stop.cancel();
        while self.tasks.join_next().await.is_some() {}
        self.engine.0.slots.abort_all();
        if let Err(e) = self
            .engine
            .0
            .store
            .release_leases_of(&self.engine.0.config.node)
            .await
        {
            tracing::warn!(error = %e, "leases were not given back; they run out by themselves");
        }
        self.engine.0.worker_alive.store(false, Ordering::SeqCst);
    }
}
