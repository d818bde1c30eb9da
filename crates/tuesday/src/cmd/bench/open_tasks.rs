//! Tens of thousands of tasks that wait for people: does the console stay quick?
//!
//! They are copies of a run that the server parked in each of several workflows, spread over owners,
//! due times and reasons as a busy company has them: most of them in few workflows, some late.

use std::time::{Duration, Instant};

use serde::Serialize;
use serde_json::Value;
use tuesday_bench::{Latency, drive, get_often, pages};
use tuesday_domain::id::{ReviewId, RunId};
use tuesday_domain::problem::Problem;
use tuesday_domain::record::{Review, SignedInBy};
use tuesday_domain::review::ReviewState;
use tuesday_domain::run::{Reason, Status};
use tuesday_domain::time::Timestamp;
use tuesday_engine::ops::{ABSOLUTE, NewSession};

use super::copies::{self, Model};
use super::finished::Parked;
use super::package::{Bed, DESKS, REVIEWERS};
use super::{history, problem};
use crate::out::unavailable;

/// Times that each page is asked for.
const TIMES: usize = 100;
/// Reasons that a tier sees, the frequent ones more than once.
const REASONS: [Reason; 8] = [
    Reason::Rule,
    Reason::Rule,
    Reason::Rule,
    Reason::UncertainOutput,
    Reason::UncertainOutput,
    Reason::StaleSource,
    Reason::ConflictingSources,
    Reason::Stage,
];
/// What cases are about.
const ABOUT: [&str; 7] = [
    "Late delivery",
    "Double invoice",
    "Missing carton",
    "Address change",
    "Refund",
    "Broken label",
    "Contract renewal",
];

/// The console with so many open tasks.
#[derive(Serialize)]
pub(super) struct OpenTasks {
    /// Tasks added.
    pub(super) tasks: u64,
    pub(super) fill_seconds: f64,
    /// Open tasks that the queue counts.
    pub(super) counted: u64,
    /// The queue of the console: its first rows, and every count.
    pub(super) queue_page: Latency,
    /// The same from the middle of the queue on.
    pub(super) queue_middle: Latency,
    /// Exact counts with one task, over the API.
    pub(super) counts: Latency,
    /// The queue of one workflow and owner, due today.
    pub(super) filter: Latency,
    /// The queue searched for words of a subject that few tasks have.
    pub(super) search: Latency,
    /// What the console loads for the next task.
    pub(super) next_task: Latency,
    /// The whole page of a task.
    pub(super) review_page: Latency,
    /// The whole page of a run that waits.
    pub(super) run_page: Latency,
}

/// A task whose pages are asked for.
struct Sample {
    review: ReviewId,
    run: RunId,
    due: Timestamp,
}

/// Adds the tasks and measures.
pub(super) async fn run(bed: &Bed, tasks: u64) -> Result<OpenTasks, Problem> {
    let (began, before) = (Instant::now(), counted(bed).await?);
    let ids = fill(bed, tasks).await?;
    let fill_seconds = began.elapsed().as_secs_f64();
    history::sealed(bed).await?;
    let counted = counted(bed).await?;
    let wanted = before + tasks + DESKS.len() as u64;
    if counted != wanted {
        return Err(unavailable(format!(
            "the queue counts {counted} open tasks and not {wanted}"
        )));
    }
    let samples = samples(bed, &ids).await?;
    measure(bed, &samples, tasks, counted, fill_seconds).await
}

async fn measure(
    bed: &Bed,
    samples: &[Sample],
    tasks: u64,
    counted: u64,
    fill_seconds: f64,
) -> Result<OpenTasks, Problem> {
    let session = NewSession {
        person: REVIEWERS[0].to_owned(),
        by: SignedInBy::Token,
        workflow: None,
        agent: "bench".to_owned(),
        life: ABSOLUTE,
    };
    let cookie = format!("tuesday_session={}", bed.session(session).await?);
    let each = |path: &dyn Fn(usize, &Sample) -> String| -> Vec<String> {
        let all = samples.iter().enumerate();
        all.map(|(i, s)| path(i, s)).collect()
    };
    let show = async |paths: Vec<String>, part| {
        pages(&bed.url, &cookie, &paths, part)
            .await
            .map_err(|e| problem(&e))
    };
    let url = format!("{}/api/v1/reviews?limit=1", bed.url);
    let counts = get_often(&url, &bed.review, samples.len())
        .await
        .map_err(|e| problem(&e))?;
    Ok(OpenTasks {
        tasks,
        fill_seconds,
        counted,
        counts: counts.0.latency,
        queue_page: show(each(&|_, _| "/queue".to_owned()), false).await?,
        queue_middle: show(
            each(&|_, s| format!("/queue?after=normal.{}.{}", s.due.micros(), s.review)),
            false,
        )
        .await?,
        filter: show(
            each(&|i, _| {
                let (desk, owner) = (DESKS[i % DESKS.len()], REVIEWERS[i % REVIEWERS.len()]);
                format!("/queue?workflow={desk}&owner={owner}&due=today")
            }),
            false,
        )
        .await?,
        search: show(
            each(&|i, _| format!("/queue?q={}%20{}", "refund", 4_000 + i)),
            false,
        )
        .await?,
        next_task: show(each(&|_, s| format!("/reviews/{}", s.review)), true).await?,
        review_page: show(each(&|_, s| format!("/reviews/{}", s.review)), false).await?,
        run_page: show(each(&|_, s| format!("/runs/{}", s.run)), false).await?,
    })
}

/// A run is parked in each workflow by the server; the others are copies. Answers some of the tasks,
/// spread evenly.
async fn fill(bed: &Bed, tasks: u64) -> Result<Vec<ReviewId>, Problem> {
    let mut models = Vec::new();
    for desk in DESKS {
        let parked = Parked(bed.reader().clone());
        let sent = drive(bed.events(desk, "model", 1), &parked).await;
        sent.map_err(|e| problem(&e))?;
        models.push(Model::read(bed, desk, Status::InReview).await?);
    }
    let (now, every) = (bed.now(), (tasks / TIMES as u64).max(1));
    let differ = move |n: u64, review: &mut Review| spread(n, now, review);
    let copies = (0..tasks).map(|n| {
        // The first desk has half of the work, the next one half of what is left, and so on.
        let desk = (mixed(n, 1).trailing_ones() as usize).min(DESKS.len() - 1);
        models[desk].copy_open(n, &differ)
    });
    let mut some = Vec::new();
    copies::write(bed, copies, |n, id| {
        if n % every == 0 && some.len() < TIMES {
            some.push(id);
        }
    })
    .await?;
    Ok(some)
}

/// The same number for the same task and purpose, without a pattern.
const fn mixed(n: u64, purpose: u64) -> u64 {
    let mut x = n.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ purpose.wrapping_mul(0xd1b5_4a32_d192_ed03);
    x ^= x >> 32;
    x = x.wrapping_mul(0xd6e8_feb8_6659_fd93);
    x ^ (x >> 32)
}

fn pick<T: Copy, const N: usize>(from: [T; N], n: u64, purpose: u64) -> T {
    from[usize::try_from(mixed(n, purpose) % N as u64).unwrap_or(0)]
}

/// Owner, due time, reason, subject and state of copy `n`.
fn spread(n: u64, now: Timestamp, review: &mut Review) {
    let minutes = |most: u64, purpose| Duration::from_secs(60 * (1 + mixed(n, purpose) % most));
    review.owner = pick(REVIEWERS, n, 2).to_owned();
    review.reason = pick(REASONS, n, 3);
    review.subject = format!("{} {}", pick(ABOUT, n, 4), 4_000 + mixed(n, 5) % 20_000);
    review.created_at = now.minus(minutes(2 * 1_440, 6));
    match mixed(n, 7) % 20 {
        // Late, and nobody is left above: such a task is told of every day and stays.
        0 => {
            review.due_at = now.minus(minutes(1_440, 8));
            review.chain = vec![review.owner.clone()];
            review.exhausted_at = Some(now);
        }
        1 => review.due_at = now.plus(minutes(60, 8)).plus(Duration::from_secs(1_800)),
        _ => {
            review.due_at = now
                .plus(minutes(3 * 1_440, 8))
                .plus(Duration::from_secs(1_800))
        }
    }
    if mixed(n, 9).is_multiple_of(25) {
        review.state = ReviewState::Claimed;
        review.claimed_by = Some(review.owner.clone());
        review.claim_until = Some(now.plus(Duration::from_secs(3_600)));
    }
}

async fn samples(bed: &Bed, ids: &[ReviewId]) -> Result<Vec<Sample>, Problem> {
    let mut out = Vec::new();
    for id in ids {
        let found = bed.reader().review(*id).await;
        let found = found.map_err(|e| unavailable(e.to_string()))?;
        let review = found.ok_or_else(|| unavailable(format!("task {id} is not there")))?;
        out.push(Sample {
            review: review.id,
            run: review.run,
            due: review.due_at,
        });
    }
    Ok(out)
}

/// Open tasks, as the queue counts them.
async fn counted(bed: &Bed) -> Result<u64, Problem> {
    let url = format!("{}/api/v1/reviews?limit=1", bed.url);
    let (_, body) = get_often(&url, &bed.review, 1)
        .await
        .map_err(|e| problem(&e))?;
    let page: Value = serde_json::from_slice(&body).map_err(|e| unavailable(e.to_string()))?;
    let total = page.pointer("/counts/total").and_then(Value::as_u64);
    total.ok_or_else(|| unavailable("the queue has no counts".to_owned()))
}
