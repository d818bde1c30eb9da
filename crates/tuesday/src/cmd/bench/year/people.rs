//! What people do in the year: they open their tasks, look at them for some time and decide.

use std::time::Duration;

use futures::StreamExt as _;
use serde_json::json;
use tuesday_domain::problem::Problem;
use tuesday_domain::record::Review;
use tuesday_domain::review::ReviewKind;
use tuesday_engine::ops::{Approval, Doing, Refusal, SecondVerdict, Settlement};
use tuesday_store::QueueFilter;

use super::bed::{AT_ONCE, Bed, COMES, LEAVES};
use super::plan::{Part, dice, mixed};
use crate::out::unavailable;

/// From the work of the machines to that of the people.
const LATER: Duration = Duration::from_secs(1_200);
/// Between two signs that somebody still looks.
const SIGN: Duration = Duration::from_secs(31);
/// How often a decision is made again because the task had moved.
const TRIES: u32 = 5;
/// Tasks read at once.
const PAGE: usize = 500;

/// Decides everything that waits; answers how many decisions there were.
pub(super) async fn decide(bed: &Bed, part: &Part, comes: bool) -> Result<u64, Problem> {
    bed.at(part.at.plus(LATER)).await?;
    let tasks = waiting(bed).await?;
    let team = |n: u64| {
        let third = if comes { COMES } else { LEAVES };
        ["olga", "ben", third][usize::try_from(dice(n, 11, 3)).unwrap_or(0)]
    };
    // Two signs of life: what is in view longer than half a minute comes in pieces.
    for (nth, wait) in [0, 1, 2].into_iter().zip([0, 1, 1]) {
        bed.at(part.at.plus(LATER + SIGN * (nth + wait))).await?;
        each(&tasks, |task| async move {
            let n = number(task);
            let seen = match nth {
                0 => 0,
                _ => 2_000 + dice(n, u64::from(nth), 28_000),
            };
            // Few are decided by somebody whose client measures nothing, and not all take long.
            if dice(n, 12, 100) < 3 || (nth == 2 && dice(n, 13, 2) == 0) {
                return Ok(());
            }
            let by = who(task, team(n));
            let seen = Duration::from_millis(seen);
            let looked = bed
                .engine()
                .reading(task.id, &by, Doing::Viewing, task.revision, seen);
            looked.await.map(drop)
        })
        .await?;
    }
    each(&tasks, |task| {
        until_said(bed, task, who(task, team(number(task))))
    })
    .await?;
    bed.rest().await?;
    Ok(tasks.len() as u64)
}

/// A number of the task's own, the same whenever it is asked for.
fn number(task: &Review) -> u64 {
    let subject: String = task.subject.chars().filter(char::is_ascii_digit).collect();
    let kind = u64::from(task.kind == ReviewKind::SecondLook);
    mixed(subject.parse().unwrap_or(0), kind)
}

/// A second look is for the one who was asked: the others had a part in it.
fn who(task: &Review, team: &str) -> String {
    match task.kind {
        ReviewKind::Output => team.to_owned(),
        _ => task.owner.clone(),
    }
}

async fn each<'a, F>(tasks: &'a [Review], act: impl Fn(&'a Review) -> F) -> Result<(), Problem>
where
    F: Future<Output = Result<(), Problem>>,
{
    let all = futures::stream::iter(tasks.iter().map(act));
    let done: Vec<_> = all.buffer_unordered(AT_ONCE).collect().await;
    done.into_iter().collect()
}

async fn waiting(bed: &Bed) -> Result<Vec<Review>, Problem> {
    let (mut all, mut after) = (Vec::new(), None);
    loop {
        let page = bed
            .engine()
            .reader()
            .review_page(&QueueFilter::default(), after, PAGE)
            .await
            .map_err(|e| unavailable(e.to_string()))?;
        after = page.last().map(|r| (r.due_at, r.id));
        let full = page.len() == PAGE;
        all.extend(page.into_iter().filter(|r| !r.state.is_decided()));
        if !full {
            return Ok(all);
        }
    }
}

/// A task that moved while somebody decided it is read again and decided again, as people do; one that was
/// escalated between two pages of the queue stands on both, and is decided once.
async fn until_said(bed: &Bed, task: &Review, by: String) -> Result<(), Problem> {
    for _ in 0..TRIES {
        match one(bed, task, by.clone()).await {
            Err(e) if e.code == "revision_moved" => {}
            Err(e) if e.code == "already_decided" => return Ok(()),
            said => return said,
        }
    }
    one(bed, task, by).await
}

async fn one(bed: &Bed, task: &Review, by: String) -> Result<(), Problem> {
    let (engine, n) = (bed.engine(), number(task));
    let done = match (task.kind, dice(n, 14, 100)) {
        (ReviewKind::SecondLook, luck) => {
            let verdict = SecondVerdict {
                correct: luck >= 3,
                reason: "the answer does not follow from the case".to_owned(),
                revision: None,
                key: None,
            };
            let said = Box::pin(engine.second_verdict(task.id, &by, verdict));
            return said.await.map(drop);
        }
        (ReviewKind::Output, 0..80) if task.output_ref.is_some() => {
            Box::pin(engine.approve(task.id, &by, Approval::default())).await
        }
        (ReviewKind::Output, 80..88) if task.output_ref.is_some() => {
            let edit = Approval {
                edit: Some(json!({"answer": "yes"})),
                reason: Some("wrong".to_owned()),
                ..Approval::default()
            };
            Box::pin(engine.approve(task.id, &by, edit)).await
        }
        (ReviewKind::Output, 88..95) if task.output_ref.is_some() => {
            let refusal = Refusal {
                reason: "wrong".to_owned(),
                ..Refusal::default()
            };
            Box::pin(engine.reject(task.id, &by, refusal)).await
        }
        _ => {
            let result = Settlement::HandOver {
                result: "answered by hand".to_owned(),
            };
            Box::pin(engine.settle(task.id, &by, None, result)).await
        }
    };
    done.map(drop)
}
