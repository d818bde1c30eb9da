//! A served instance of its own and the stand-in it writes to: the main job goes through the same
//! triggers, worker and destinations as production work, and its figures are read from its records.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;
use tuesday_bench::{BenchError, Completion, DriveOptions, drive};
use tuesday_domain::actor::Actor;
use tuesday_domain::definition::Package;
use tuesday_domain::id::RunId;
use tuesday_domain::problem::Problem;
use tuesday_domain::record::{Run, Scope};
use tuesday_domain::run::Status;
use tuesday_engine::ops::{InstallOptions, NewToken};
use tuesday_store::{InstanceKind, RunFilter, StoreReader};
use tuesday_web::WebConfig;

use crate::cmd::serve::{Lock, Role, Running, SLOTS, bind};
use crate::config::Home;
use crate::out::{self, unavailable};
use crate::wiring::{self, Node, Opening};

/// Requests under way at once.
const AT_ONCE: usize = 32;
/// Runs read at once.
const PAGE: usize = 500;

/// The instance and the world around it.
pub(super) struct Desk {
    running: Running,
    world: tuesday_stub::World,
    world_url: String,
    url: String,
    pub(super) dir: PathBuf,
}

/// What one run came to, read from its record.
pub(super) struct Seen {
    /// Number of the record it was made from.
    pub(super) record: usize,
    pub(super) run: Run,
    /// The model's output.
    pub(super) output: Value,
    /// Most probable labels first, with their probabilities.
    pub(super) top: Vec<(String, f64)>,
    pub(super) confidence: f64,
    pub(super) in_scope: f64,
}

impl Seen {
    /// The best label.
    pub(super) fn label(&self) -> &str {
        self.top.first().map_or("", |t| t.0.as_str())
    }

    /// Probability of one label.
    pub(super) fn chance(&self, label: &str) -> f64 {
        self.top.iter().find(|t| t.0 == label).map_or(0.0, |t| t.1)
    }

    /// No person was asked.
    pub(super) fn is_automatic(&self) -> bool {
        self.run.state.status == Status::Completed && self.run.rules_row.as_deref() == Some("auto")
    }
}

impl Desk {
    /// Starts both in `dir`.
    pub(super) async fn start(dir: PathBuf) -> Result<Self, Problem> {
        let listener = bind("127.0.0.1:0").await?;
        let url = format!(
            "http://{}",
            listener
                .local_addr()
                .map_err(|e| unavailable(e.to_string()))?
        );
        let stand_in = bind("127.0.0.1:0").await?;
        let world_url = format!(
            "http://{}",
            stand_in
                .local_addr()
                .map_err(|e| unavailable(e.to_string()))?
        );
        let world = tuesday_stub::World::new();
        let served = world.clone();
        tokio::spawn(
            async move { tuesday_stub::serve(stand_in, served, std::future::pending()).await },
        );
        let home = Home {
            dir: dir.clone(),
            database: None,
            file: crate::config::File::default(),
        };
        let lock = Lock::take(&home)?;
        let opening = Opening {
            slots: SLOTS,
            kind: InstanceKind::Test,
            public_url: url.clone(),
            create: true,
            ..Opening::default()
        };
        let node = wiring::open(home, opening).await?;
        let running = Running::start(node, listener, WebConfig::new(&url), Role::All, lock).await?;
        Ok(Self {
            running,
            world,
            world_url,
            url,
            dir,
        })
    }

    pub(super) fn node(&self) -> &Node {
        &self.running.node
    }

    /// Installs a package and answers what its model reports about rows it was not fitted on.
    pub(super) async fn install(&self, package: &Package) -> Result<Value, Problem> {
        let vars = [("desk_url".to_owned(), self.world_url.clone())].into();
        let options = InstallOptions {
            vars,
            test_instance: true,
        };
        let done = self
            .node()
            .engine
            .install(package, options, &Actor::Person("olga".to_owned()))
            .await?;
        Ok(done.model_report.unwrap_or_default())
    }

    /// A token for the API.
    pub(super) async fn token(&self, scope: Scope) -> Result<String, Problem> {
        let person = matches!(scope, Scope::Review).then(|| "olga".to_owned());
        let new = NewToken {
            scope,
            workflow: None,
            person,
            life: Duration::from_secs(3_600),
        };
        self.node()
            .engine
            .create_token(new, &Actor::Person("olga".to_owned()))
            .await
            .map(|(text, _)| text)
    }

    /// Sends all records over HTTP and waits until no machine has anything left to do.
    pub(super) async fn push(
        &self,
        workflow: &str,
        prefix: &str,
        records: Vec<Value>,
    ) -> Result<Duration, Problem> {
        let bodies: Vec<_> = records.into_iter().map(|r| r.to_string()).collect();
        let mut options = DriveOptions::new(&self.url, workflow);
        options.token = Some(self.token(Scope::Trigger).await?);
        options.runs = bodies.len() as u64;
        options.concurrency = AT_ONCE;
        options.key_prefix = prefix.to_owned();
        options.body = Some(Arc::new(move |n| {
            usize::try_from(n)
                .ok()
                .and_then(|n| bodies.get(n))
                .cloned()
                .unwrap_or_default()
                .into()
        }));
        let report = drive(options, &Settled(self.node().engine.reader().clone()))
            .await
            .map_err(|e| told(&e))?;
        Ok(Duration::from_secs_f64(report.finished_seconds))
    }

    /// All runs of a workflow whose event ids start with `prefix`, in the order of the records.
    pub(super) async fn seen(&self, workflow: &str, prefix: &str) -> Result<Vec<Seen>, Problem> {
        let reader = self.node().engine.reader();
        let filter = RunFilter {
            workflow: Some(workflow.to_owned()),
            ..RunFilter::default()
        };
        let (mut after, mut all) = (None, Vec::new());
        loop {
            let page = reader.run_page(&filter, after, PAGE).await.map_err(read)?;
            let Some(last) = page.last() else { break };
            after = Some(last.id);
            for run in page {
                let number = run
                    .event_id
                    .strip_prefix(prefix)
                    .and_then(|n| n.strip_prefix('-'))
                    .and_then(|n| n.parse().ok());
                if let Some(record) = number {
                    all.push(read_run(reader, record, run).await?);
                }
            }
        }
        all.sort_by_key(|s| s.record);
        Ok(all)
    }

    /// Approves everything that waits, over the API, as a person would.
    pub(super) async fn approve_all(&self, workflow: &str) -> Result<u64, Problem> {
        let token = self.token(Scope::Review).await?;
        let client = reqwest::Client::builder()
            .tcp_nodelay(true)
            .build()
            .map_err(|e| unavailable(e.to_string()))?;
        let mut approved = 0;
        loop {
            let list = format!("{}/api/v1/reviews?workflow={workflow}&limit=100", self.url);
            let page: Value = ask(client.get(list).bearer_auth(&token)).await?;
            let ids: Vec<String> = page
                .pointer("/items")
                .and_then(Value::as_array)
                .map_or_else(Vec::new, |items| {
                    items
                        .iter()
                        .filter_map(|i| i.get("id")?.as_str().map(str::to_owned))
                        .collect()
                });
            if ids.is_empty() {
                break;
            }
            for id in ids {
                ask(client
                    .post(format!("{}/api/v1/reviews/{id}/approval", self.url))
                    .bearer_auth(&token)
                    .body("{}"))
                .await?;
                approved += 1;
            }
        }
        Settled(self.node().engine.reader().clone())
            .wait(u64::MAX, Duration::ZERO)
            .await
            .map_err(|e| told(&e))?;
        Ok(approved)
    }

    /// The record that a write-back left in the stand-in.
    pub(super) fn written(&self, system: &str, collection: &str, id: &str) -> Option<Value> {
        self.world.record(system, collection, id)
    }

    /// Effects beyond the first for one run and record, by the stand-in's own ledger, and all effects.
    pub(super) fn ledger(&self) -> (u64, u64) {
        let total = self.world.ledger_counts().total;
        (total.duplicates, total.applied)
    }

    /// Payload texts of a run: what it was given and what it read.
    pub(super) async fn inputs(&self, run: RunId) -> Result<String, Problem> {
        use tuesday_domain::record::PayloadKind;
        let payloads = self
            .node()
            .engine
            .reader()
            .payloads(run)
            .await
            .map_err(read)?;
        let given = payloads
            .iter()
            .filter(|p| matches!(p.kind, PayloadKind::Event | PayloadKind::Source));
        Ok(given
            .map(|p| String::from_utf8_lossy(&p.bytes).into_owned())
            .collect::<Vec<_>>()
            .join("\n"))
    }

    /// Verifies the log, then stops.
    pub(super) async fn finish(self) -> Result<bool, Problem> {
        self.node().engine.seal().await?;
        let verified = match crate::cmd::audit::verify(self.node(), &[]).await {
            Ok(done) => done.sealed == done.entries,
            Err(p) if p.code == "audit_broken" => {
                out::failure(false, &p);
                false
            }
            Err(p) => return Err(p),
        };
        self.running.stop().await;
        Ok(verified)
    }
}

async fn ask(request: reqwest::RequestBuilder) -> Result<Value, Problem> {
    let answer = request
        .header("content-type", "application/json")
        .send()
        .await
        .map_err(|e| unavailable(e.to_string()))?;
    let status = answer.status();
    let body: Value = answer
        .json()
        .await
        .map_err(|e| unavailable(e.to_string()))?;
    if status.is_success() {
        Ok(body)
    } else {
        Err(unavailable(format!(
            "the instance answered {status}: {body}"
        )))
    }
}

async fn read_run(reader: &StoreReader, record: usize, run: Run) -> Result<Seen, Problem> {
    let output = payload(reader, &run, run.output_ref).await?;
    let verdict = payload(reader, &run, run.verdict_ref).await?;
    let top: Vec<(String, f64)> = verdict
        .pointer("/model/top")
        .and_then(|t| serde_json::from_value(t.clone()).ok())
        .unwrap_or_default();
    let number = |at: &str| verdict.pointer(at).and_then(Value::as_f64).unwrap_or(0.0);
    Ok(Seen {
        record,
        output,
        top,
        confidence: number("/model/confidence"),
        in_scope: number("/model/in_scope"),
        run,
    })
}

async fn payload(reader: &StoreReader, run: &Run, n: Option<u32>) -> Result<Value, Problem> {
    let Some(n) = n else { return Ok(Value::Null) };
    let found = reader.payload(run.id, n).await.map_err(read)?;
    Ok(found
        .and_then(|p| serde_json::from_slice(&p.bytes).ok())
        .unwrap_or_default())
}

fn read(e: tuesday_store::ReadError) -> Problem {
    unavailable(e.to_string())
}

fn told(e: &BenchError) -> Problem {
    unavailable(e.to_string())
}

/// Runs that no machine works on any more.
struct Settled(StoreReader);

impl Settled {
    async fn counts(&self) -> Result<(u64, u64), BenchError> {
        let counts = self
            .0
            .run_counts()
            .await
            .map_err(|e| BenchError::Run(e.to_string()))?;
        let moving = counts
            .iter()
            .filter(|c| c.status.wants_job())
            .map(|c| c.runs)
            .sum();
        let all: u64 = counts.iter().map(|c| c.runs).sum();
        Ok((all - moving, moving))
    }
}

impl Completion for Settled {
    async fn finished(&self) -> Result<u64, BenchError> {
        Ok(self.counts().await?.0)
    }

    async fn wait(&self, target: u64, _: Duration) -> Result<(), BenchError> {
        loop {
            let (settled, moving) = self.counts().await?;
            if settled >= target || (moving == 0 && target == u64::MAX) {
                return Ok(());
            }
            // The count reads every run, so it is asked for seldom.
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }
}
