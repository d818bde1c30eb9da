//! Services that look at the state and act. They take no input: whatever they do, they find it to
//! be needed by reading, so running one twice or on two nodes at once changes nothing.

mod alerts;
mod budget;
mod calibration;
mod canary;
mod capacity;
mod conditions;
mod contract;
mod contracts;
mod cover;
mod degraded;
mod drift;
mod duties;
mod feeds;
mod figures;
mod findings;
mod follow_ups;
mod gaps;
mod gauges;
mod grants_due;
mod hand_off;
mod held;
mod labels;
mod last_ten;
mod line;
mod mailbox;
mod milestones;
mod notices;
mod owners;
mod reconcile;
mod refresh;
mod releases_true;
mod retention;
mod reviews_due;
mod rules_due;
pub mod schedule;
mod seal;
mod second_looks;
mod seeds;
mod settling;
mod stamps;
mod suspended;
mod training;
mod undoing;
mod verify;
mod watch;

pub(crate) use verify::Verifies;

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
    spawn_watchers(engine, stop, tasks);
    if engine.0.config.signer.is_some() {
        every(
            engine,
            stop,
            tasks,
            Duration::from_millis(1000),
            "seal",
            seal::run,
        );
        let slow = Duration::from_secs(15);
        every(engine, stop, tasks, slow, "verify", verify::run);
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
        Duration::from_secs(1),
        "settling",
        settling::run,
    );
    every(
        engine,
        stop,
        tasks,
        Duration::from_secs(1),
        "hand_off",
        hand_off::run,
    );
    every(
        engine,
        stop,
        tasks,
        crate::ops::LOOK,
        "conditions",
        conditions::run,
    );
    every(
        engine,
        stop,
        tasks,
        Duration::from_millis(1000),
        "rules_due",
        rules_due::run,
    );
    every(
        engine,
        stop,
        tasks,
        Duration::from_secs(30),
        "seeds",
        seeds::run,
    );
    every(
        engine,
        stop,
        tasks,
        Duration::from_secs(5),
        "budget",
        budget::run,
    );
    if let Some(pause) = engine.0.ports.mailbox.as_ref().map(|m| m.every()) {
        every(engine, stop, tasks, pause, "mailbox", mailbox::run);
    }
    resting(engine, stop, tasks, "figures", figures::run);
    resting(engine, stop, tasks, "last_ten", last_ten::run);
    resting(engine, stop, tasks, "retention", retention::run);
    every(
        engine,
        stop,
        tasks,
        Duration::from_secs(60),
        "stamps",
        stamps::run,
    );
}

/// What looks for trouble, takes it to its incident and tells people.
fn spawn_watchers(engine: &Engine, stop: &CancellationToken, tasks: &mut JoinSet<()>) {
    every(
        engine,
        stop,
        tasks,
        Duration::from_millis(1000),
        "findings",
        findings::run,
    );
    every(
        engine,
        stop,
        tasks,
        Duration::from_millis(1000),
        "alerts",
        alerts::run,
    );
    every(
        engine,
        stop,
        tasks,
        Duration::from_millis(500),
        "passed",
        watch::passed,
    );
    every(
        engine,
        stop,
        tasks,
        Duration::from_millis(1000),
        "degraded",
        degraded::run,
    );
    let second = Duration::from_secs(1);
    every(engine, stop, tasks, second, "suspended", suspended::run);
    every(engine, stop, tasks, second, "line", line::run);
    let five = Duration::from_secs(5);
    every(engine, stop, tasks, second, "grants_due", grants_due::run);
    every(engine, stop, tasks, five, "duties", duties::run);
    every(engine, stop, tasks, five, "milestones", milestones::run);
    every(engine, stop, tasks, five, "stuck", watch::stuck);
    every(engine, stop, tasks, five, "backlog", watch::backlog);
    every(engine, stop, tasks, five, "storage", watch::storage);
    every(engine, stop, tasks, five, "labels", labels::run);
    every(engine, stop, tasks, five, "owners", owners::run);
    every(engine, stop, tasks, five, "capacity", capacity::run);
    every(engine, stop, tasks, five, "undoing", undoing::run);
    every(engine, stop, tasks, five, "follow_ups", follow_ups::run);
    let slow = Duration::from_secs(15);
    every(engine, stop, tasks, slow, "drift", drift::run);
    every(engine, stop, tasks, five, "calibration", calibration::run);
    every(engine, stop, tasks, slow, "gaps", gaps::run);
    every(engine, stop, tasks, five, "training", training::run);
    every(engine, stop, tasks, five, "canary", canary::run);
    every(engine, stop, tasks, slow, "silent", watch::quiet_triggers);
    every(engine, stop, tasks, slow, "promises", watch::promises);
    every(engine, stop, tasks, slow, "rotations", watch::rotations);
    every(engine, stop, tasks, slow, "expiry", watch::credentials);
    every(engine, stop, tasks, slow, "contracts", contracts::run);
    every(engine, stop, tasks, five, "reconcile", reconcile::run);
    every(engine, stop, tasks, slow, "contract", contract::run);
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

/// As [`every`], with a rest of twenty times as long as the work took, and at least ten seconds: a day
/// with a million runs must not keep a reader busy all the time.
fn resting<F, Fut>(
    engine: &Engine,
    stop: &CancellationToken,
    tasks: &mut JoinSet<()>,
    name: &'static str,
    run: F,
) where
    F: Fn(Engine) -> Fut + Send + 'static,
    Fut: Future<Output = Result<(), String>> + Send,
{
    let (engine, stop) = (engine.clone(), stop.clone());
    tasks.spawn(async move {
        loop {
            let started = std::time::Instant::now();
            if let Err(e) = run(engine.clone()).await {
                tracing::warn!(service = name, error = %e, "a maintenance pass failed; the next one tries again");
            }
            let pause = (started.elapsed() * 20).max(Duration::from_secs(10));
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
