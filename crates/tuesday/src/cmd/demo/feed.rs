//! Pushes the example records over HTTP, then waits until every run is settled or with a person.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use futures::StreamExt as _;
use tuesday_domain::problem::Problem;
use tuesday_domain::run::Status;
use tuesday_domain::time::Timestamp;

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

/// Pushes every record once, or as many as it takes until `wanted` runs are accepted.
pub(crate) async fn push(
    url: &str,
    token: &str,
    wanted: Option<usize>,
    now: Timestamp,
) -> Result<Pushed, Problem> {
    let client = reqwest::Client::builder()
        .pool_max_idle_per_host(AT_ONCE)
        .tcp_nodelay(true)
        .build()
        .map_err(|e| unavailable(e.to_string()))?;
    let mut records = Records::new(now);
    let bar = out::progress(wanted.unwrap_or(records.all()) as u64, "Pushing records");
    let mut pushed = Pushed::default();
    match wanted {
        None => {
            let events = records.take(records.all());
            post(&client, url, token, events, &mut pushed, &bar).await?;
        }
        Some(wanted) => {
            // Some records are refused or repeat one: go on until enough became runs.
            while pushed.accepted() < wanted && records.all() > 0 {
                let events = records.take(wanted - pushed.accepted());
                post(&client, url, token, events, &mut pushed, &bar).await?;
            }
        }
    }
    bar.finish_and_clear();
    Ok(pushed)
}

impl Pushed {
    fn accepted(&self) -> usize {
        usize::try_from(self.answers.get("accepted").copied().unwrap_or(0)).unwrap_or(usize::MAX)
    }
}

async fn post(
    client: &reqwest::Client,
    url: &str,
    token: &str,
    events: Vec<(&'static str, String)>,
    pushed: &mut Pushed,
    bar: &indicatif::ProgressBar,
) -> Result<(), Problem> {
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
        let answer = answer
            .map_err(|e| unavailable(format!("the demo's own server did not answer: {e}")))?;
        let accepted = answer.status().is_success();
        let body: serde_json::Value = answer.json().await.unwrap_or_default();
        let kind = if !accepted {
            body.get("code")
                .and_then(|c| c.as_str())
                .unwrap_or("unknown")
                .to_owned()
        } else if body.get("repeated").and_then(serde_json::Value::as_bool) == Some(true) {
            "repeated".to_owned()
        } else {
            "accepted".to_owned()
        };
        *pushed.answers.entry(kind).or_default() += 1;
        bar.inc(1);
    }
    Ok(())
}

/// The records of all packages, interleaved, without end: further rounds get ids of their own.
struct Records {
    lines: Vec<(&'static str, String)>,
    next: usize,
}

impl Records {
    fn new(now: Timestamp) -> Self {
        let packages: Vec<(&'static str, Vec<String>)> = EXAMPLES
            .iter()
            .map(|name| {
                let text = relative_times(
                    &example_file(&format!("{name}/records/records.jsonl")).unwrap_or_default(),
                    now,
                );
                (
                    *name,
                    text.lines()
                        .filter(|l| !l.trim().is_empty())
                        .map(str::to_owned)
                        .collect(),
                )
            })
            .collect();
        let longest = packages.iter().map(|(_, l)| l.len()).max().unwrap_or(0);
        let lines = (0..longest)
            .flat_map(|i| {
                packages
                    .iter()
                    .filter_map(move |(name, l)| l.get(i).map(|r| (*name, r.clone())))
            })
            .collect();
        Self { lines, next: 0 }
    }

    fn all(&self) -> usize {
        self.lines.len()
    }

    fn take(&mut self, n: usize) -> Vec<(&'static str, String)> {
        let out = (self.next..self.next + n)
            .map(|i| {
                let (name, record) = &self.lines[i % self.lines.len()];
                (*name, renamed(record, i / self.lines.len()))
            })
            .collect();
        self.next += n;
        out
    }
}

/// The same record under another event id, for rounds after the first.
fn renamed(record: &str, round: usize) -> String {
    if round == 0 {
        return record.to_owned();
    }
    match serde_json::from_str::<serde_json::Value>(record) {
        Ok(mut value) => {
            if let Some(id) = value
                .get("id")
                .and_then(serde_json::Value::as_str)
                .map(|id| format!("{id}-{round}"))
            {
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
        let counts = node
            .engine
            .reader()
            .run_counts()
            .await
            .map_err(|e| unavailable(e.to_string()))?;
        let all: u64 = counts.iter().map(|c| c.runs).sum();
        let moving: u64 = counts
            .iter()
            .filter(|c| is_moving(c.status))
            .map(|c| c.runs)
            .sum();
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
            out::say(&format!(
                "warning: {moving} runs are still waiting for a retry or a worker"
            ));
            return Ok(());
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

fn is_moving(status: Status) -> bool {
    status.wants_job()
}
