//! A node that works leaves signs of it in its own database, so that the first one that comes back after a
//! time without any can say how long that was.

use std::time::Duration;

use tuesday_domain::problem::Problem;
use tuesday_engine::Engine;
use tuesday_engine::ops::SIGN;

use crate::out;
use crate::wiring::Node;

/// A downtime longer than this opens an incident, unless `downtime_after` says otherwise.
const LIMIT: Duration = Duration::from_secs(300);

/// The signs of this node.
pub(crate) struct Signs(tokio::task::JoinHandle<()>);

/// States the time without a node, if there was one, and leaves signs from now on.
pub(crate) async fn start(node: &Node) -> Result<Signs, Problem> {
    let limit = node.home.file.downtime_after.map_or(LIMIT, |span| span.0);
    if let Some(down) = node.engine.come_back(limit).await? {
        out::say(&format!("  Back      {}", down.words()));
    }
    let engine = node.engine.clone();
    Ok(Signs(tokio::spawn(async move {
        loop {
            tokio::time::sleep(SIGN).await;
            if let Err(e) = engine.say_alive().await {
                tracing::warn!(error = %e, "this node could not leave a sign that it is at work");
            }
        }
    })))
}

impl Signs {
    /// This node stops because it was told to.
    pub(crate) async fn stop(self, engine: &Engine) {
        self.0.abort();
        let _ = self.0.await;
        if let Err(e) = engine.say_stopped().await {
            tracing::warn!(error = %e, "this node could not leave a sign that it was stopped");
        }
    }
}
