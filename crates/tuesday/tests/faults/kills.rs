//! SIGKILL at random moments under load. The seed is printed; the moments are counted in effects
//! the outside world has seen, so that a slow machine tests the same thing as a fast one.

use std::sync::atomic::{AtomicBool, Ordering};

use tuesday_stub::ModelRule;
use tuesday_testkit::{Database, Node, Random, until};

use crate::bed::{Bed, Case};

const RUNS: usize = 100;
const KILLS: usize = 20;

fn cases() -> Vec<Case> {
    let lane = |i| match i % 5 {
        0 => "review",
        1 => "search",
        2 => "version",
        _ => "auto",
    };
    (0..RUNS)
        .map(|i| Case::new(format!("k{i:03}"), lane(i)))
        .collect()
}

/// Nodes that share the work; SQLite has one, PostgreSQL two.
async fn nodes(bed: &Bed) -> Vec<Node> {
    let n = if bed.database.is_some() { 2 } else { 1 };
    futures::future::join_all((0..n).map(|_| bed.home.ready(&[]))).await
}

async fn kill_at_random(database: Option<Database>) {
    let mut random = Random::seeded("TUESDAY_TEST_SEED");
    // A slow machine can be killed four times over one write: that would be a person's by rights, and
    // what is looked for here is that nothing is lost and nothing happens twice.
    let bed = Bed::changed(database, &[("max_attempts = 4", "max_attempts = 400")]).await;
    let cases = cases();
    bed.accounts(&cases);
    // A little time in the model, so that a kill finds runs in every step.
    let answer = serde_json::json!({"grade": "high", "summary": "it matters"});
    bed.world
        .answer(ModelRule {
            answer: Some(answer),
            model: Some("stub-1".into()),
            delay_ms: 15,
            ..ModelRule::default()
        })
        .unwrap();
    let mut nodes = nodes(&bed).await;
    let urls = std::sync::Mutex::new(nodes.iter().map(|n| n.url.clone()).collect::<Vec<_>>());
    let over = AtomicBool::new(false);
    let load = async {
        for (i, case) in cases.iter().enumerate() {
            until("the case is acknowledged", || async {
                let url = {
                    let urls = urls.lock().unwrap();
                    urls[i % urls.len()].clone()
                };
                (bed.send(&url, case).await == Some(202)).then_some(())
            })
            .await;
        }
        while !over.load(Ordering::SeqCst) {
            let url = urls.lock().unwrap()[0].clone();
            bed.approve_all(&url).await;
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        }
    };
    let kills = async {
        // Each case has two effects or more: the moments lie between the first and nearly the last.
        let mut moments: Vec<u64> = (0..KILLS)
            .map(|_| 1 + random.below(RUNS as u64 * 2 - 20))
            .collect();
        moments.sort_unstable();
        for (k, moment) in moments.into_iter().enumerate() {
            bed.world.wait_applied(moment).await;
            let i = k % nodes.len();
            let fresh = {
                let node = nodes.remove(i);
                node.kill().await;
                bed.home.ready(&[]).await
            };
            urls.lock().unwrap()[i].clone_from(&fresh.url);
            nodes.insert(i, fresh);
        }
        bed.finish(&nodes[0], &cases).await;
        over.store(true, Ordering::SeqCst);
    };
    tokio::join!(load, kills);
    for node in nodes {
        assert!(node.stop().await.success());
    }
    let ends = bed.check().await;
    assert_eq!(ends.len(), RUNS);
    for (event, end) in &ends {
        assert!(
            end.starts_with("completed written_back"),
            "{event} ends as {end}"
        );
    }
    let counts = bed.world.ledger_counts().total;
    assert_eq!(
        (counts.duplicates, counts.without_key),
        (0, 0),
        "{counts:?}"
    );
    println!(
        "{RUNS} runs, {KILLS} kills, {} requests, {} effects, none twice",
        counts.requests, counts.applied
    );
    bed.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn sqlite_loses_nothing() {
    kill_at_random(None).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_nodes_on_postgres_lose_nothing() {
    kill_at_random(Some(Database::create().await)).await;
}
