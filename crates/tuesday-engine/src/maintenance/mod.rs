//! Services that look at the state and act. They take no input: whatever they do, they find it to
//! be needed by reading, so running one twice or on two nodes at once changes nothing.

mod cover;
mod feeds;
mod gauges;
mod held;
mod notices;
mod refresh;
mod releases_true;
mod reviews_due;
mod rules_due;
pub mod schedule;
mod seal;
mod second_looks;

pub(crate) use notices::{about as notice_about, plain as notice};

use std::future::Future;
use std::time::Duration;

use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::engine::Engine;

/// Starts every service.
pub(crate) fn spawn_all(engine: &Engine, stop: &CancellationToken, tasks: &mut JoinSet<()>) {
    every(
        engine,
        stop,
        tasks,
        Duration::from_millis(500),
        "refresh",
        refresh::run,
    );
    every(
        engine,
        stop,
        tasks,
        Duration::from_millis(1000),
        "reviews_due",
        reviews_due::run,
    );
    every(
        engine,
        stop,
        tasks,
        Duration::from_millis(1000),
        "cover",
        cover::run,
    );
    every(
        engine,
        stop,
        tasks,
        Duration::from_millis(1000),
        "feeds",
        feeds::run,
    );
    every(
        engine,
        stop,
        tasks,
        Duration::from_millis(1000),
        "schedule",
        schedule::run,
    );
    every(
        engine,
        stop,
        tasks,
        Duration::from_millis(2000),
        "notices",
        notices::run,
    );
    every(
        engine,
        stop,
        tasks,
        Duration::from_secs(5),
        "gauges",
        gauges::run,
    );
    every(
        engine,
        stop,
        tasks,
        Duration::from_secs(1),
        "held",
        held::run,
    );
    spawn_timed(engine, stop, tasks);
    if engine.0.config.signer.is_some() {
        every(
            engine,
            stop,
            tasks,
            Duration::from_millis(1000),
            "seal",
            seal::run,
        );
    }
}

/// What happens when a moment comes that somebody named, or a run is over that was drawn.
fn spawn_timed(engine: &Engine, stop: &CancellationToken, tasks: &mut JoinSet<()>) {
    every(
        engine,
        stop,
        tasks,
        Duration::from_secs(5),
        "releases_true",
        releases_true::run,
    );
    every(
        engine,
        stop,
        tasks,
        Duration::from_millis(1000),
        "second_looks",
        second_looks::run,
    );
    every(
        engine,
        stop,
        tasks,
        Duration::from_millis(1000),
        "rules_due",
        rules_due::run,
    );
}

fn every<F, Fut>(
    engine: &Engine,
    stop: &CancellationToken,
    tasks: &mut JoinSet<()>,
    pause: Duration,
    name: &'static str,
    run: F,
) where
    F: Fn(Engine) -> Fut + Send + 'static,
    Fut: Future<Output = Result<(), String>> + Send,
{
    let (engine, stop) = (engine.clone(), stop.clone());
    tasks.spawn(async move {
        loop {
            if let Err(e) = run(engine.clone()).await {
                tracing::warn!(service = name, error = %e, "a maintenance pass failed; the next one tries again");
            }
            tokio::select! {
                () = stop.cancelled() => return,
                () = tokio::time::sleep(pause) => {}
            }
        }
    });
}

/// One sealing pass over everything that waits.
pub(crate) async fn seal(engine: Engine) -> Result<(), String> {
    seal::run(engine).await
}
