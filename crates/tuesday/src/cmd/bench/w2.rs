//! W2: runs are parked for a person, listed, and approved over the API.

use std::time::{Duration, Instant};

use serde_json::Value;
use tuesday_bench::{Completion as _, Histogram, Latency, drive, get_often, memory, post_each};
use tuesday_domain::problem::Problem;

use super::child::Child;
use super::finished::{Parked, Written};
use super::package::{Bed, REVIEW};
use super::report::W2;
use super::w1::{cpu, per_run};
use super::{BenchArgs, problem};
use crate::out::unavailable;

/// Lists that are asked for.
pub(super) const LISTS: usize = 50;
/// Approvals one at a time, each followed to its write-back.
const ALONE: u64 = 200;
/// Between two looks at the ledger for the effect of one approval.
const PAUSE: Duration = Duration::from_micros(100);

/// Measures.
pub(super) async fn run(args: &BenchArgs, bed: &Bed, server: &Child) -> Result<W2, Problem> {
    let told = |e| problem(&e);
    let before = cpu(server);
    let park = drive(
        bed.events(REVIEW, "park", args.runs),
        &Parked(bed.reader().clone()),
    )
    .await
    .map_err(told)?;
    let park_cpu_us_per_run = per_run(cpu(server) - before, args.runs);
    let memory_parked = memory(Some(server.pid()));
    let list = list(bed).await?;
    let mut ids = waiting(bed).await?;
    let most = usize::try_from(ALONE.min(args.runs / 2)).unwrap_or(0);
    let one_by_one = ids.split_off(ids.len() - ids.len().min(most));
    let written = bed.written()?;
    let alone = alone(bed, &written, one_by_one).await?;
    let done = written.finished().await.map_err(told)?;
    let (approvals, began, before) = (ids.len() as u64, Instant::now(), cpu(server));
    let approve = post_each(
        &bed.url,
        &bed.review,
        ids.iter().map(|id| path(id)).collect(),
        "{}",
        bed.concurrency,
    )
    .await
    .map_err(told)?;
    written
        .wait(done + approvals, Duration::from_millis(4))
        .await
        .map_err(told)?;
    #[expect(clippy::cast_precision_loss, reason = "no bench has 2^52 runs")]
    let resumed_per_second = approvals as f64 / began.elapsed().as_secs_f64();
    Ok(W2 {
        parked: args.runs,
        park,
        park_cpu_us_per_run,
        list,
        approve: approve.latency,
        approve_cpu_us_per_run: per_run(cpu(server) - before, approvals),
        resumed_per_second,
        approve_to_written_alone: alone,
        memory_parked,
    })
}

/// The fifty oldest tasks, again and again.
pub(super) async fn list(bed: &Bed) -> Result<Latency, Problem> {
    let url = format!("{}/api/v1/reviews?limit=50", bed.url);
    let (list, _) = get_often(&url, &bed.review, LISTS)
        .await
        .map_err(|e| problem(&e))?;
    Ok(list.latency)
}

/// One approval after the other, each followed to its effect.
async fn alone(bed: &Bed, written: &Written, ids: Vec<String>) -> Result<Latency, Problem> {
    let (mut taken, mut done) = (
        Histogram::default(),
        written
            .effects()
            .finished()
            .await
            .map_err(|e| problem(&e))?,
    );
    for id in ids {
        let began = Instant::now();
        post_each(&bed.url, &bed.review, vec![path(&id)], "{}", 1)
            .await
            .map_err(|e| problem(&e))?;
        done += 1;
        written
            .effects()
            .wait(done, PAUSE)
            .await
            .map_err(|e| problem(&e))?;
        taken.record(began.elapsed());
    }
    Ok(taken.latency())
}

fn path(id: &str) -> String {
    format!("/api/v1/reviews/{id}/approval")
}

/// Every task that waits, page by page, as a client would read the queue.
pub(super) async fn waiting(bed: &Bed) -> Result<Vec<String>, Problem> {
    let (mut ids, mut after) = (Vec::new(), String::new());
    loop {
        let url = format!("{}/api/v1/reviews?limit=100{after}", bed.url);
        let (_, body) = get_often(&url, &bed.review, 1)
            .await
            .map_err(|e| problem(&e))?;
        let page: Value = serde_json::from_slice(&body).map_err(|e| unavailable(e.to_string()))?;
        let items = page
            .get("items")
            .and_then(Value::as_array)
            .cloned()
            .unwrap_or_default();
        ids.extend(
            items
                .iter()
                .filter_map(|i| i.get("id")?.as_str().map(str::to_owned)),
        );
        match page.get("next").and_then(Value::as_str) {
            Some(next) => after = format!("&after={next}"),
            None => return Ok(ids),
        }
    }
}
