//! People and senders who act at the same moment: one decision, one run.

use std::collections::BTreeMap;

use futures::StreamExt as _;
use serde_json::json;
use tuesday_testkit::{Database, until};

use crate::bed::{Bed, Case, each};

const TASKS: usize = 50;

/// Two hundred clicks on fifty tasks, from four people: approve, reject and edit mixed.
async fn clicks(database: Option<Database>) {
    let bed = Bed::new(database).await;
    let cases: Vec<Case> = (0..TASKS)
        .map(|i| Case::new(format!("c{i:02}"), "review"))
        .collect();
    bed.accounts(&cases);
    let nodes = if bed.database.is_some() {
        vec![bed.home.ready(&[]).await, bed.home.ready(&[]).await]
    } else {
        vec![bed.home.ready(&[]).await]
    };
    for case in &cases {
        assert_eq!(bed.send(&nodes[0].url, case).await, Some(202));
    }
    let filter = tuesday_store::QueueFilter::default();
    let tasks = until("every task is open", || async {
        let open = bed.reader().review_page(&filter, None, 200).await.ok()?;
        (open.len() == TASKS).then_some(open)
    })
    .await;
    let mut sent = Vec::new();
    for (t, task) in tasks.iter().enumerate() {
        for (p, (person, client)) in bed.reviewers.iter().enumerate() {
            let base = format!("{}/api/v1/reviews/{}", nodes[p % nodes.len()].url, task.id);
            let (act, body) = match (t + p) % 3 {
                0 => ("approval", json!({})),
                1 => ("rejection", json!({"reason": "wrong_grade"})),
                _ => (
                    "edit",
                    json!({"output": {"grade": "high", "summary": format!("as {person} sees it")}, "reason": "wrong_grade"}),
                ),
            };
            sent.push(async move {
                let answer = client
                    .post(&format!("{base}/{act}"), &body)
                    .await
                    .expect("an answer");
                (task.id, *person, answer)
            });
        }
    }
    let answers: Vec<_> = futures::stream::iter(sent)
        .buffer_unordered(4 * TASKS)
        .collect()
        .await;
    let mut winners = BTreeMap::new();
    for (task, person, answer) in &answers {
        if answer.status == 200 {
            assert!(
                winners.insert(*task, *person).is_none(),
                "I3: two decisions on {task}"
            );
        }
    }
    assert_eq!(winners.len(), TASKS, "I3: every task has one decision");
    for (task, person, answer) in &answers {
        if winners[task] != *person {
            assert_eq!(
                (answer.status, answer.code()),
                (409, "already_decided"),
                "{answer:?}"
            );
            assert_eq!(answer.text("winner"), winners[task], "{answer:?}");
        }
    }
    bed.finish(&nodes[0], &cases).await;
    for node in nodes {
        assert!(node.stop().await.success());
    }
    bed.check().await;
    bed.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_task_has_one_decision() {
    each("clicks at once", clicks).await;
}

/// The same event fifty times at once is one run; under its id another body is refused.
async fn events(database: Option<Database>) {
    let bed = Bed::new(database).await;
    let case = Case::new("same", "auto");
    bed.accounts(std::slice::from_ref(&case));
    let nodes = if bed.database.is_some() {
        vec![bed.home.ready(&[]).await, bed.home.ready(&[]).await]
    } else {
        vec![bed.home.ready(&[]).await]
    };
    let answers = futures::future::join_all((0..50).map(|i| {
        let url = format!("{}/api/v1/triggers/faults", nodes[i % nodes.len()].url);
        let (client, event) = (&bed.client, case.event());
        async move { client.post(&url, &event).await.expect("an answer") }
    }))
    .await;
    let run = answers[0].text("run_id").to_owned();
    assert!(
        answers
            .iter()
            .all(|a| a.status == 202 && a.text("run_id") == run),
        "{answers:?}"
    );
    assert_eq!(
        answers
            .iter()
            .filter(|a| a.body["repeated"] == false)
            .count(),
        1,
        "exactly one of them was new"
    );
    let mut other = case.event();
    other["text"] = json!("something else under the same id");
    let answer = bed
        .client
        .post(&format!("{}/api/v1/triggers/faults", nodes[0].url), &other)
        .await
        .unwrap();
    assert_eq!(
        (answer.status, answer.code(), answer.text("run_id")),
        (409, "event_mismatch", run.as_str())
    );
    bed.finish(&nodes[0], &[case]).await;
    for node in nodes {
        assert!(node.stop().await.success());
    }
    assert_eq!(bed.check().await.len(), 1);
    bed.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_event_is_one_run() {
    each("the same event at once", events).await;
}
