//! Finished runs by the hundred thousand: does anything get slower with them?
//!
//! They are copies of one run that the server finished, with ids and keys of their own, written
//! through the store. Two things differ from real ones: the event is cut short to spare the disk,
//! and a copy has one entry in the log instead of four.

use std::time::{Duration, Instant};

use futures::StreamExt as _;
use tuesday_bench::{Histogram, drive, get_often};
use tuesday_domain::action::action_key;
use tuesday_domain::actor::Actor;
use tuesday_domain::audit::Commitment;
use tuesday_domain::id::{ActionId, RunId};
use tuesday_domain::problem::Problem;
use tuesday_domain::record::{
    Action, Attempt, AuditEntry, Change, Decision, Payload, PayloadKind, Run, Subject,
};
use tuesday_domain::run::Status;
use tuesday_store::{ReadError, RunFilter};
use uuid::Uuid;

use super::child::Child;
use super::finished::Parked;
use super::package::{AUTO, Bed, REVIEW};
use super::report::{History, Pace};
use super::{BenchArgs, problem, w1, w2};
use crate::out::unavailable;

/// Decisions under way at once: enough for full batches.
const AT_ONCE: usize = 512;
/// Tasks that wait while the queue is listed.
const WAITING: u64 = 200;
/// Stories that are asked for.
const STORIES: u64 = 100;
/// Longest the server may take to seal what was added.
const SEAL: Duration = Duration::from_secs(300);

/// A finished run with everything that belongs to it.
struct Model {
    run: Run,
    payloads: Vec<Payload>,
    attempts: Vec<Attempt>,
    actions: Vec<Action>,
}

/// W1, then the past, then W1 again, the queue and some stories.
pub(super) async fn run(args: &BenchArgs, bed: &Bed, server: &Child) -> Result<History, Problem> {
    let before = pace(bed, server, "before", args.runs).await?;
    let began = Instant::now();
    let ids = fill(bed, args.history).await?;
    let fill_seconds = began.elapsed().as_secs_f64();
    sealed(bed).await?;
    let after = pace(bed, server, "after", args.runs).await?;
    drive(
        bed.events(REVIEW, "wait", WAITING),
        &Parked(bed.reader().clone()),
    )
    .await
    .map_err(|e| problem(&e))?;
    Ok(History {
        runs: args.history,
        fill_seconds,
        before,
        after,
        queue_page: w2::list(bed).await?,
        story: stories(bed, &ids).await?,
    })
}

async fn pace(bed: &Bed, server: &Child, prefix: &str, runs: u64) -> Result<Pace, Problem> {
    let (report, server_cpu_us_per_run) = w1::saturate(bed, server, prefix, runs).await?;
    Ok(Pace {
        runs_per_second: report.runs_per_second,
        server_cpu_us_per_run,
    })
}

/// Writes so many copies; answers the ids of some of them, spread evenly.
async fn fill(bed: &Bed, runs: u64) -> Result<Vec<RunId>, Problem> {
    let model = &model(bed).await?;
    let every = (runs / STORIES).max(1);
    let mut some = Vec::new();
    let mut copies = futures::stream::iter((0..runs).map(|n| {
        let (id, decision) = model.copy(n);
        let applied = bed.store().apply(decision);
        async move { applied.await.map(|_| (n, id)) }
    }))
    .buffer_unordered(AT_ONCE);
    while let Some(done) = copies.next().await {
        let (n, id) = done.map_err(|e| unavailable(e.to_string()))?;
        if n % every == 0 {
            some.push(id);
        }
    }
    Ok(some)
}

/// The newest finished run.
async fn model(bed: &Bed) -> Result<Model, Problem> {
    let (reader, failed) = (bed.reader(), |e: ReadError| unavailable(e.to_string()));
    let filter = RunFilter {
        workflow: Some(AUTO.to_owned()),
        ..RunFilter::default()
    };
    let page = reader.run_page(&filter, None, 50).await.map_err(failed)?;
    let run = page
        .into_iter()
        .find(|r| r.state.status == Status::Completed)
        .ok_or_else(|| unavailable("no run is finished".to_owned()))?;
    Ok(Model {
        payloads: reader.payloads(run.id).await.map_err(failed)?,
        attempts: reader.attempts(run.id).await.map_err(failed)?,
        actions: reader.actions_of(run.id).await.map_err(failed)?,
        run,
    })
}

impl Model {
    fn copy(&self, n: u64) -> (RunId, Decision) {
        let id = RunId::new(Uuid::now_v7());
        let run = Run {
            id,
            event_id: format!("history-{n}"),
            version: 1,
            ..self.run.clone()
        };
        let subject = Subject::Run(id, run.version);
        let mut entry = AuditEntry::new(
            run.updated_at,
            Actor::System("bench"),
            "run.copied",
            subject,
        );
        let mut changes = vec![Change::InsertRun(Box::new(run))];
        for p in &self.payloads {
            let mut p = Payload {
                run: id,
                ..p.clone()
            };
            if p.kind == PayloadKind::Event {
                p.bytes = format!(r#"{{"id":"history-{n}"}}"#).into_bytes();
                p.commitment = Commitment::new(&p.salt, &p.bytes);
            }
            let name = format!("{}/{}", p.kind, p.n);
            entry.commits.push((name, p.commitment));
            changes.push(Change::InsertPayload(p));
        }
        changes.extend(self.attempts.iter().map(|a| {
            Change::InsertAttempt(Box::new(Attempt {
                run: id,
                ..a.clone()
            }))
        }));
        changes.extend(self.actions.iter().map(|a| {
            Change::InsertAction(Box::new(Action {
                id: ActionId::new(Uuid::now_v7()),
                run: id,
                key: action_key(id, a.ordinal, a.revision),
                ..a.clone()
            }))
        }));
        (id, Decision { changes, entry })
    }
}

/// Waits until the server has sealed what was added, so that sealing is not part of what follows.
async fn sealed(bed: &Bed) -> Result<(), Problem> {
    let (began, failed) = (Instant::now(), |e: ReadError| unavailable(e.to_string()));
    while began.elapsed() < SEAL {
        let size = bed.reader().audit_size().await.map_err(failed)?;
        let head = bed.reader().latest_checkpoint().await.map_err(failed)?;
        if head.is_some_and(|h| h.size + 1_000 > size) {
            return Ok(());
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    Err(unavailable(format!(
        "the log was not sealed within {SEAL:?}"
    )))
}

/// The stories of runs all over the past.
async fn stories(bed: &Bed, ids: &[RunId]) -> Result<tuesday_bench::Latency, Problem> {
    let mut taken = Histogram::default();
    for id in ids {
        let began = Instant::now();
        let url = format!("{}/api/v1/runs/{id}/story", bed.url);
        get_often(&url, &bed.review, 1)
            .await
            .map_err(|e| problem(&e))?;
        taken.record(began.elapsed());
    }
    Ok(taken.latency())
}
