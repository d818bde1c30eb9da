//! Pushes the example records over HTTP, then waits until every run is settled or with a person.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use futures::StreamExt as _;
use tuesday_domain::problem::Problem;
use tuesday_domain::run::Status;
use tuesday_domain::time::Timestamp;
use tuesday_engine::Engine;

use super::world::relative_times;
use crate::files::{EXAMPLES, example_file};
use crate::out::{self, unavailable};
use crate::wiring::Node;

/// Requests under way at once.
const AT_ONCE: usize = 32;
/// Longest time without any progress before the demo gives up waiting.
const PATIENCE: Duration = Duration::from_secs(60);

/// What the senders heard.
#[derive(Clone, Debug, Default)]
pub(crate) struct Pushed {
    /// Answers by kind: `accepted`, `repeated`, or a problem code.
    pub(crate) answers: BTreeMap<String, u64>,
}

/// Pushes `limit` records (all when absent), spread over the packages.
pub(crate) async fn push(_engine: &Engine, url: &str, token: &str, limit: Option<usize>, now: Timestamp) -> Result<Pushed, Problem> {
    let events = events(limit, now);
    let client = reqwest::Client::builder()
        .pool_max_idle_per_host(AT_ONCE)
        .tcp_nodelay(true)
        .build()
        .map_err(|e| unavailable(e.to_string()))?;
    let bar = out::progress(events.len() as u64, "Pushing records");
    let mut pushed = Pushed::default();
    let mut answers = futures::stream::iter(events.into_iter().map(|(workflow, body)| {
        let request = client
            .post(format!("{url}/api/v1/triggers/{workflow}"))
            .bearer_auth(token)
            .header("content-type", "application/json")
            .body(body);
        async move { request.send().await }
    }))
    .buffered(AT_ONCE);
    while let Some(answer) = answers.next().await {
        let answer = answer.map_err(|e| unavailable(format!("the demo's own server did not answer: {e}")))?;
        let accepted = answer.status().is_success();
        let body: serde_json::Value = answer.json().await.unwrap_or_default();
        let kind = if !accepted {
            body.get("code").and_then(|c| c.as_str()).unwrap_or("unknown").to_owned()
        } else if body.get("repeated").and_then(serde_json::Value::as_bool) == Some(true) {
            "repeated".to_owned()
        } else {
            "accepted".to_owned()
        };
        *pushed.answers.entry(kind).or_default() += 1;
        bar.inc(1);
    }
    bar.finish_and_clear();
    Ok(pushed)
}

/// The records of all packages, interleaved; further rounds get ids of their own.
fn events(limit: Option<usize>, now: Timestamp) -> Vec<(&'static str, String)> {
    let lines: Vec<(&'static str, Vec<String>)> = EXAMPLES
        .iter()
        .map(|name| {
            let text = relative_times(&example_file(&format!("{name}/records/records.jsonl")).unwrap_or_default(), now);
            (*name, text.lines().filter(|l| !l.trim().is_empty()).map(str::to_owned).collect())
        })
        .collect();
    let longest = lines.iter().map(|(_, l)| l.len()).max().unwrap_or(0);
    let total: usize = lines.iter().map(|(_, l)| l.len()).sum();
    let wanted = limit.unwrap_or(total);
    let mut out = Vec::with_capacity(wanted);
    for round in 0.. {
        for i in 0..longest {
            for (name, records) in &lines {
                if out.len() >= wanted || total == 0 {
                    return out;
                }
                if let Some(record) = records.get(i) {
                    out.push((*name, renamed(record, round)));
                }
            }
        }
    }
    out
}

/// The same record under another event id, for rounds after the first.
fn renamed(record: &str, round: usize) -> String {
    if round == 0 {
        return record.to_owned();
    }
    match serde_json::from_str::<serde_json::Value>(record) {
        Ok(mut value) => {
            if let Some(id) = value.get("id").and_then(serde_json::Value::as_str).map(|id| format!("{id}-{round}")) {
                value["id"] = id.into();
            }
            value.to_string()
        }
        Err(_) => record.to_owned(),
    }
}

/// Waits until no machine has anything left to do.
pub(crate) async fn settle(node: &Node) -> Result<(), Problem> {
    let bar = out::progress(0, "Working through runs");
    let (mut last, mut since) = (u64::MAX, Instant::now());
    loop {
        let counts = node.engine.reader().run_counts().await.map_err(|e| unavailable(e.to_string()))?;
        let all: u64 = counts.iter().map(|c| c.runs).sum();
        let moving: u64 = counts.iter().filter(|c| is_moving(c.status)).map(|c| c.runs).sum();
        bar.set_length(all);
        bar.set_position(all - moving);
        if moving == 0 {
            bar.finish_and_clear();
            return Ok(());
        }
        if moving != last {
            (last, since) = (moving, Instant::now());
        } else if since.elapsed() > PATIENCE {
            bar.finish_and_clear();
            out::say(&format!("warning: {moving} runs are still waiting for a retry or a worker"));
            return Ok(());
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

fn is_moving(status: Status) -> bool {
    status.wants_job()
}
