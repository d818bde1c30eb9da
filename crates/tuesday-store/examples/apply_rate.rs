//! How many decisions a second a store takes, and how many bytes a run costs.
//!
//! ```text
//! apply_rate [--runs N] [--tasks N] [--writers N] FILE|postgres://…
//! ```
//! Every run is the four decisions of the straight path: accept, snapshot, generate, confirm.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a probe ends at the first fault"
)]

#[expect(dead_code, reason = "the probe needs some of the test rows only")]
#[path = "../tests/conformance/rows.rs"]
mod rows;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use rows::{about, accept, action, attempt, done, leased, payload, run, step};
use tuesday_domain::action::ActionState;
use tuesday_domain::record::{Action, Change, PayloadKind};
use tuesday_domain::run::{Status, Step};
use tuesday_store::{Config, Store};

/// One whole run: four decisions, one after the other.
async fn one_run(store: &Store, event: &str, times: &mut Vec<Duration>) {
    let new = run("support-triage", event);
    let id = new.id;
    let timed = async |decision, times: &mut Vec<Duration>| {
        let start = Instant::now();
        store.apply(decision).await.unwrap();
        times.push(start.elapsed());
    };
    timed(accept(&new, leased(&new, "node-1")), times).await;
    let queued = step(&new, Status::Running, Step::Generate);
    let changes = vec![
        Change::UpdateRun(Box::new(queued.clone())),
        Change::InsertPayload(payload(&queued, 2, PayloadKind::Snapshot, 400)),
        Change::CheckFence { run: id, fence: 1 },
    ];
    timed(about(&queued, "run.snapshot", changes), times).await;
    let sending = step(&queued, Status::Dispatching, Step::Dispatch);
    let act = action(&sending, 0, 4);
    let changes = vec![
        Change::UpdateRun(Box::new(sending.clone())),
        Change::InsertAttempt(Box::new(attempt(&sending))),
        Change::InsertPayload(payload(&sending, 3, PayloadKind::Answer, 300)),
        Change::InsertPayload(payload(&sending, 4, PayloadKind::Request, 300)),
        Change::InsertAction(Box::new(act.clone())),
        Change::CheckFence { run: id, fence: 1 },
    ];
    timed(about(&sending, "run.routed", changes), times).await;
    let end = done(&sending);
    let sent = Action {
        state: ActionState::Confirmed,
        attempts: 1,
        receipt_ref: Some(5),
        version: 1,
        ..act
    };
    let changes = vec![
        Change::UpdateRun(Box::new(end.clone())),
        Change::UpdateAction(Box::new(sent)),
        Change::InsertPayload(payload(&end, 5, PayloadKind::Receipt, 200)),
        Change::FinishJob { run: id, fence: 1 },
    ];
    timed(about(&end, "run.completed", changes), times).await;
}

#[tokio::main]
async fn main() {
    let (mut runs, mut tasks, mut target, mut writers) = (20_000, 64, None, None);
    let mut args = std::env::args().skip(1);
    while let Some(arg) = args.next() {
        let mut number = || {
            args.next()
                .and_then(|n| n.parse::<usize>().ok())
                .expect("a number follows")
        };
        match arg.as_str() {
            "--runs" => runs = number(),
            "--tasks" => tasks = number(),
            "--writers" => writers = Some(number()),
            other => target = Some(other.to_owned()),
        }
    }
    let target = target.expect("name a file or a postgres:// address");
    let mut config = if target.starts_with("postgres") {
        Config::postgres(&target)
    } else {
        Config::sqlite(&target)
    };
    config.writers = writers.unwrap_or(config.writers);
    let store = Store::open(&config).await.unwrap();
    let before = store.reader().health().await.unwrap().bytes;
    let next = Arc::new(AtomicUsize::new(0));
    let tag = uuid::Uuid::new_v4().simple().to_string();
    let start = Instant::now();
    let handles: Vec<_> = (0..tasks)
        .map(|_| {
            let (store, next, tag) = (store.clone(), next.clone(), tag.clone());
            tokio::spawn(async move {
                let mut times = Vec::new();
                loop {
                    let i = next.fetch_add(1, Ordering::Relaxed);
                    if i >= runs {
                        return times;
                    }
                    one_run(&store, &format!("{tag}-{i}"), &mut times).await;
                }
            })
        })
        .collect();
    let mut times = Vec::with_capacity(runs * 4);
    for handle in handles {
        times.extend(handle.await.unwrap());
    }
    let took = start.elapsed();
    times.sort_unstable();
    let health = store.reader().health().await.unwrap();
    let rate = times.len() as f64 / took.as_secs_f64();
    let at = |share: f64| times[((times.len() - 1) as f64 * share) as usize].as_secs_f64() * 1e3;
    println!(
        "{} {}: {runs} runs, {tasks} tasks, {:.2} s",
        health.backend,
        health.version,
        took.as_secs_f64()
    );
    println!("  {rate:.0} applies/s, {:.0} runs/s", rate / 4.0);
    println!(
        "  an apply takes p50 {:.2} ms, p99 {:.2} ms",
        at(0.5),
        at(0.99)
    );
    println!(
        "  {} bytes a run with the write-ahead log where there is one",
        health.bytes.saturating_sub(before) / runs as u64
    );
}
