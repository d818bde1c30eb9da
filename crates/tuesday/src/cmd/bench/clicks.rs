//! Several people decide the same tasks at the same moment: each task takes one decision, and everybody
//! who came later is told whose it was.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::Serialize;
use serde_json::Value;
use tuesday_bench::{Answer, Histogram, Latency, Post, drive, post_all};
use tuesday_domain::problem::Problem;

use super::finished::Parked;
use super::package::{Bed, REVIEW, REVIEWERS};
use super::{BenchArgs, problem, w2};

/// How people decide, and with which body.
const ACTS: [(&str, &str); 3] = [
    ("approval", "{}"),
    ("rejection", r#"{"reason":"wrong"}"#),
    ("edit", r#"{"output":{"answer":"no"},"reason":"wrong"}"#),
];

/// What the clicks came to.
#[derive(Debug, Default, Serialize)]
pub(super) struct Clicks {
    pub(super) tasks: usize,
    pub(super) clicks: usize,
    /// Clicks under way at one time.
    pub(super) connections: usize,
    /// Decisions that were taken.
    pub(super) accepted: usize,
    /// Clicks that were told who had decided before.
    pub(super) told_winner: usize,
    /// Any other answer, or none.
    pub(super) errors: usize,
    /// The first of them.
    pub(super) first_error: Option<String>,
    /// Tasks with a number of decisions that is not one.
    pub(super) not_once: usize,
    /// Tasks that are still open.
    pub(super) left_open: usize,
    /// From the first click to the last answer.
    pub(super) seconds: f64,
    pub(super) latency: Latency,
}

impl Clicks {
    /// Every task was decided once, and nobody else was left in doubt.
    pub(super) const fn holds(&self) -> bool {
        self.accepted == self.tasks
            && self.told_winner == self.clicks - self.tasks
            && self.errors == 0
            && self.not_once == 0
            && self.left_open == 0
    }
}

/// Parks the tasks through the trigger and lets all clicks go.
pub(super) async fn run(args: &BenchArgs, bed: &Bed) -> Result<Clicks, Problem> {
    drive(
        bed.events(REVIEW, "clicks", args.tasks),
        &Parked(bed.reader().clone()),
    )
    .await
    .map_err(|e| problem(&e))?;
    let ids = w2::waiting(bed).await?;
    let people = usize::from(args.clicks_per_task);
    let (answers, seconds) = post_all(&bed.url, posts(bed, &ids, people), args.connections)
        .await
        .map_err(|e| problem(&e))?;
    let mut out = judge(ids.len(), people, &answers);
    out.connections = args.connections.clamp(1, out.clicks.max(1));
    out.seconds = seconds;
    out.left_open = w2::waiting(bed).await?.len();
    Ok(out)
}

/// Who clicks in which place of the list: people take turns in being the first.
const fn person(task: usize, place: usize, people: usize) -> usize {
    (task + place) % people
}

fn posts(bed: &Bed, ids: &[String], people: usize) -> Vec<Post> {
    let tokens: Vec<Arc<str>> = bed.reviewers.iter().map(|t| t.as_str().into()).collect();
    let click = |task: usize, place: usize, id: &str| {
        let (act, body) = ACTS[(task + place) % ACTS.len()];
        Post {
            path: format!("/api/v1/reviews/{id}/{act}"),
            token: Arc::clone(&tokens[person(task, place, people)]),
            body,
        }
    };
    ids.iter()
        .enumerate()
        .flat_map(|(task, id)| (0..people).map(move |place| (task, place, id)))
        .map(|(task, place, id)| click(task, place, id))
        .collect()
}

/// Counts what was answered; the winner that a loser is told must be the one whose click was taken.
fn judge(tasks: usize, people: usize, answers: &[Answer]) -> Clicks {
    let mut taken = Histogram::default();
    let mut winners: BTreeMap<usize, Vec<&str>> = BTreeMap::new();
    let who = |a: &Answer| {
        let (task, place) = (a.request / people, a.request % people);
        (task, REVIEWERS[person(task, place, people)])
    };
    for answer in answers {
        taken.record(answer.taken);
        if matches!(answer.heard, Ok((200, _))) {
            let (task, person) = who(answer);
            winners.entry(task).or_default().push(person);
        }
    }
    let mut out = Clicks {
        tasks,
        clicks: tasks * people,
        accepted: winners.values().map(Vec::len).sum(),
        not_once: tasks - winners.values().filter(|w| w.len() == 1).count(),
        latency: taken.latency(),
        ..Clicks::default()
    };
    for answer in answers {
        let (task, person) = who(answer);
        match fault(answer, winners.get(&task).map_or(&[], Vec::as_slice)) {
            None if matches!(answer.heard, Ok((200, _))) => {}
            None => out.told_winner += 1,
            Some(why) => {
                out.errors += 1;
                let why = format!("{person} on task {task}: {why}");
                out.first_error.get_or_insert(why);
            }
        }
    }
    out
}

/// What is wrong with an answer, given who won.
fn fault(answer: &Answer, winners: &[&str]) -> Option<String> {
    let (status, body) = match &answer.heard {
        Ok((200, _)) => return None,
        Ok(heard) => heard,
        Err(e) => return Some(e.to_string()),
    };
    let said: Value = serde_json::from_slice(body).unwrap_or_default();
    let text = |name| said.get(name).and_then(Value::as_str).unwrap_or_default();
    let right = *status == 409
        && text("code") == "already_decided"
        && winners.contains(&text("winner"))
        && !winners.is_empty();
    (!right).then(|| format!("{status} {said}, decided by {winners:?}"))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn answer(request: usize, status: u16, body: &'static str) -> Answer {
        Answer {
            request,
            taken: Duration::from_millis(1),
            heard: Ok((status, body.into())),
        }
    }

    /// Task 0: olga first, then ben. Task 1: ben first, then olga.
    fn of(answers: &[Answer]) -> (Clicks, bool) {
        let clicks = judge(2, 2, answers);
        let holds = clicks.holds();
        (clicks, holds)
    }

    const BY_OLGA: &str = r#"{"code":"already_decided","winner":"olga"}"#;
    const BY_BEN: &str = r#"{"code":"already_decided","winner":"ben"}"#;

    #[test]
    fn one_decision_each_and_losers_who_know_it_hold() {
        let (clicks, holds) = of(&[
            answer(0, 409, BY_BEN),
            answer(1, 200, "{}"),
            answer(2, 200, "{}"),
            answer(3, 409, BY_BEN),
        ]);
        assert!(holds, "{clicks:?}");
        assert_eq!((clicks.accepted, clicks.told_winner), (2, 2));
    }

    #[test]
    fn anything_else_does_not() {
        let first = || [answer(0, 200, "{}"), answer(1, 409, BY_OLGA)];
        let cases = [
            (answer(2, 200, "{}"), answer(3, 200, "{}"), "decided twice"),
            (
                answer(2, 200, "{}"),
                answer(3, 409, BY_OLGA),
                "wrong winner",
            ),
            (answer(2, 200, "{}"), answer(3, 500, "{}"), "an error"),
            (answer(2, 409, BY_BEN), answer(3, 409, BY_BEN), "nobody won"),
            (
                answer(2, 200, "{}"),
                answer(3, 409, r#"{"code":"revision_moved","winner":"ben"}"#),
                "another refusal",
            ),
        ];
        for (a, b, what) in cases {
            let mut all = Vec::from(first());
            all.extend([a, b]);
            let (clicks, holds) = of(&all);
            assert!(!holds, "{what}: {clicks:?}");
        }
        let mut left = judge(1, 2, &first());
        assert!(left.holds());
        left.left_open = 1;
        assert!(!left.holds());
    }
}
