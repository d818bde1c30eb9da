//! W2: runs are parked for a person, listed, and approved over the API.

use std::time::{Duration, Instant};

use serde_json::Value;
use tuesday_bench::{
    Completion as _, DriveOptions, Histogram, drive, get_often, memory, post_each,
};
use tuesday_domain::problem::Problem;

use super::child::Child;
use super::finished::{Parked, Written};
use super::package::{Bed, REVIEW};
use super::report::W2;
use super::{BenchArgs, problem};
use crate::out::unavailable;

/// Lists that are asked for.
const LISTS: usize = 50;
/// Approvals one at a time, each followed to its write-back.
const ALONE: u64 = 200;

/// Measures.
pub(super) async fn run(args: &BenchArgs, bed: &Bed, server: &Child) -> Result<W2, Problem> {
    let told = |e| problem(&e);
    let mut options = DriveOptions::new(&bed.url, REVIEW);
    options.token = Some(bed.trigger.clone());
    options.concurrency = bed.concurrency;
    options.runs = args.runs;
    options.key_prefix = "park".to_owned();
    let park = drive(options, &Parked(bed.reader().clone()))
        .await
        .map_err(told)?;
    let memory_parked = memory(Some(server.pid()));
    let list_url = format!("{}/api/v1/reviews?limit=50", bed.url);
    let (list, _) = get_often(&list_url, &bed.review, LISTS)
        .await
        .map_err(told)?;
    let mut ids = waiting(bed).await?;
    let written = Written::new(&bed.stub_url, bed.reader().clone()).map_err(told)?;
    let one_by_one = ids.split_off(
        ids.len()
            - ids
                .len()
                .min(usize::try_from(ALONE.min(args.runs / 2)).unwrap_or(0)),
    );
    let mut done = written.finished().await.map_err(told)?;
    let mut alone = Histogram::default();
    for id in one_by_one {
        let began = Instant::now();
        post_each(&bed.url, &bed.review, vec![path(&id)], "{}", 1)
            .await
            .map_err(told)?;
        done += 1;
        written
            .wait(done, Duration::from_micros(200))
            .await
            .map_err(told)?;
        alone.record(began.elapsed());
    }
    let (approvals, began) = (ids.len() as u64, Instant::now());
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
        list: list.latency,
        approve: approve.latency,
        resumed_per_second,
        approve_to_written_alone: alone.latency(),
        memory_parked,
    })
}

fn path(id: &str) -> String {
    format!("/api/v1/reviews/{id}/approval")
}

/// Every task that waits, page by page, as a client would read the queue.
async fn waiting(bed: &Bed) -> Result<Vec<String>, Problem> {
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
