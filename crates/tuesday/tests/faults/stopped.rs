//! Stopping: judged by the ledgers, no model call and no write starts more than a second after the
//! command came back, on any node; and while the switch cannot be read, nothing starts at all.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tuesday_domain::run::Status;
use tuesday_stub::Script;
use tuesday_testkit::check::read_all;
use tuesday_testkit::{Database, Node, until};

use crate::bed::{Bed, Case, each, now};

/// Calls that had an effect, or would have had one.
const JUDGES: [&str; 3] = ["model", "desk", "crm"];

pub(crate) async fn nodes(bed: &Bed) -> Vec<Node> {
    let many = if bed.database.is_some() { 2 } else { 1 };
    futures::future::join_all((0..many).map(|_| bed.home.ready(&[]))).await
}

/// When each call of a judge arrived.
fn arrivals(bed: &Bed) -> Vec<jiff::Timestamp> {
    let all = JUDGES.iter().flat_map(|s| bed.world.entries(s));
    all.map(|e| e.at.parse().unwrap()).collect()
}

fn after(bed: &Bed, moment: jiff::Timestamp) -> usize {
    arrivals(bed).iter().filter(|at| **at > moment).count()
}

/// Sends one case after the other to every node until it is told to stop.
async fn load(bed: &Bed, nodes: &[Node], stop: &AtomicBool) {
    let senders = nodes.iter().enumerate().flat_map(|(n, node)| {
        (0..8).map(move |sender| async move {
            let mut i = 0;
            while !stop.load(Ordering::SeqCst) {
                let case = Case::new(format!("n{n}s{sender}c{i}"), "auto");
                bed.accounts(std::slice::from_ref(&case));
                bed.send(&node.url, &case).await;
                i += 1;
            }
        })
    });
    futures::future::join_all(senders).await;
}

async fn busy(bed: &Bed) {
    for (system, delay_ms) in [("model", 120), ("desk", 40)] {
        let slow = Script {
            system: Some(system.into()),
            delay_ms,
            times: 1_000_000,
            ..Script::default()
        };
        bed.world.script(slow).unwrap();
    }
}

async fn killed(database: Option<Database>) {
    let bed = Bed::new(database).await;
    busy(&bed).await;
    let nodes = nodes(&bed).await;
    let stop = AtomicBool::new(false);
    let kill = async {
        until("both judges are busy", || async {
            (bed.world.entries("desk").len() > 40).then_some(())
        })
        .await;
        let open = read_all(&bed.reader()).await;
        let under_way = open.values().any(|f| f.run.state.status.wants_job());
        assert!(under_way, "there is work under way");
        let told = bed
            .home
            .json(&[
                "workflow", "kill", "faults", "--as", "rhea", "--reason", "a test",
            ])
            .await;
        let returned = now();
        assert_eq!(told["switch"], "killed");
        // The load goes on: nothing of it may start.
        tokio::time::sleep(Duration::from_secs(4)).await;
        stop.store(true, Ordering::SeqCst);
        returned
    };
    let (returned, ()) = tokio::join!(kill, load(&bed, &nodes, &stop));
    let limit = returned + jiff::SignedDuration::from_secs(1);
    assert_eq!(after(&bed, limit), 0, "something started after the second");
    let refused = bed.send(&nodes[0].url, &Case::new("late", "auto")).await;
    assert_eq!(refused, Some(409));
    until("nothing is left to the machine", || async {
        let all = read_all(&bed.reader()).await;
        let rest = all.values().all(|f| !f.run.state.status.wants_job());
        rest.then_some(())
    })
    .await;
    for node in nodes {
        assert!(node.stop().await.success());
    }
    bed.check().await;
    bed.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_starts_a_second_after_a_kill() {
    each("kill under load", killed).await;
}

/// The row cannot be read: the picture grows old, and nothing starts until it can be read again.
#[tokio::test(flavor = "multi_thread")]
async fn nothing_starts_while_the_switch_cannot_be_read() {
    let bed = Bed::new(Some(Database::create().await)).await;
    busy(&bed).await;
    let nodes = nodes(&bed).await;
    let stop = AtomicBool::new(false);
    let lock = async {
        until("both judges are busy", || async {
            (bed.world.entries("desk").len() > 40).then_some(())
        })
        .await;
        let database = bed.database.clone().unwrap();
        let held = tokio::spawn(async move {
            let sql =
                "BEGIN; LOCK TABLE workflows IN ACCESS EXCLUSIVE MODE; SELECT pg_sleep(4); COMMIT";
            database.raw(sql).await;
        });
        tokio::time::sleep(Duration::from_secs(2)).await;
        let (silent, seen) = (now(), arrivals(&bed).len());
        tokio::time::sleep(Duration::from_secs(1)).await;
        assert_eq!(arrivals(&bed).len(), seen, "something started unseen");
        held.await.unwrap();
        until("work goes on by itself", || async {
            (after(&bed, silent) > 20).then_some(())
        })
        .await;
        stop.store(true, Ordering::SeqCst);
    };
    tokio::join!(lock, load(&bed, &nodes, &stop));
    bed.settle(&nodes[0]).await;
    let all = read_all(&bed.reader()).await;
    assert!(
        all.values()
            .all(|f| f.run.state.status == Status::Completed)
    );
    for node in nodes {
        assert!(node.stop().await.success());
    }
    bed.check().await;
    bed.end().await;
}
