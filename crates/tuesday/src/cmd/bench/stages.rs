//! How long each stage took, from the attempts in the record.

use std::collections::BTreeMap;
use std::time::Duration;

use tuesday_bench::{Histogram, Latency};
use tuesday_domain::problem::Problem;
use tuesday_store::{ReadError, RunFilter, StoreReader};

use crate::out::unavailable;

/// Newest runs that are looked at.
const SAMPLE: usize = 500;

/// Latency by stage over the newest runs of a workflow.
pub(super) async fn of(
    reader: &StoreReader,
    workflow: &str,
) -> Result<BTreeMap<String, Latency>, Problem> {
    let failed = |e: ReadError| unavailable(e.to_string());
    let filter = RunFilter {
        workflow: Some(workflow.to_owned()),
        ..RunFilter::default()
    };
    let mut stages: BTreeMap<String, Histogram> = BTreeMap::new();
    for run in reader
        .run_page(&filter, None, SAMPLE)
        .await
        .map_err(failed)?
    {
        for attempt in reader.attempts(run.id).await.map_err(failed)? {
            let taken = Duration::from_micros(u64::try_from(attempt.duration_us).unwrap_or(0));
            stages
                .entry(attempt.step.word().to_owned())
                .or_default()
                .record(taken);
        }
        if let Some(at) = run.finished_at {
            stages
                .entry("received to finished".to_owned())
                .or_default()
                .record(at.since(run.received_at));
        }
    }
    Ok(stages
        .into_iter()
        .map(|(name, h)| (name, h.latency()))
        .collect())
}
