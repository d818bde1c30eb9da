//! WBK-13: runs that write to one record take turns, also on two nodes. Each run here writes a note
//! and a ticket to the record of its account; the desk's ledger shows whose writes came between whose.

use serde_json::{Value, json};
use tuesday_domain::run::{Reason, Status};
use tuesday_stub::Script;
use tuesday_testkit::check::read_all;
use tuesday_testkit::{Database, Node, until};

use crate::bed::{Bed, Case, each};

/// Both writes go to the record of the account.
const ONE_RECORD: [(&str, &str); 2] = [
    (
        "target = \"input.id\"\nmethod = \"POST\"",
        "target = \"input.account\"\nmethod = \"POST\"",
    ),
    (
        "target = \"input.id\"\nmethod = \"PUT\"",
        "target = \"input.account\"\nmethod = \"PUT\"",
    ),
];
const RUNS: usize = 12;

async fn nodes(bed: &Bed) -> Vec<Node> {
    let many = if bed.database.is_some() { 2 } else { 1 };
    futures::future::join_all((0..many).map(|_| bed.home.ready(&[]))).await
}

/// Cases about one account, sent to all nodes at once.
async fn send(bed: &Bed, nodes: &[Node], lane: &'static str) {
    let shared = Case::new("shared", lane);
    bed.accounts(std::slice::from_ref(&shared));
    let sent = (0..RUNS).map(|i| {
        let mut event = Case::new(format!("{lane}-{i}"), lane).event();
        event["account"] = json!(shared.account());
        let url = format!("{}/api/v1/triggers/faults", nodes[i % nodes.len()].url);
        async move { bed.client.post(&url, &event).await.unwrap().status }
    });
    let answers = futures::future::join_all(sent).await;
    assert!(answers.iter().all(|status| *status == 202), "{answers:?}");
}

async fn slow_desk(database: Option<Database>) {
    let bed = Bed::changed(database, &ONE_RECORD).await;
    let nodes = nodes(&bed).await;
    let slow = Script {
        system: Some("desk".into()),
        delay_ms: 15,
        times: 10_000,
        ..Script::default()
    };
    bed.world.script(slow).unwrap();
    send(&bed, &nodes, "auto").await;
    bed.settle(&nodes[0]).await;
    let applied: Vec<_> = bed
        .world
        .entries("desk")
        .into_iter()
        .filter(|e| e.applied)
        .collect();
    assert_eq!(applied.len(), 2 * RUNS, "a note and a ticket for each run");
    for pair in applied.chunks(2) {
        assert!(pair[0].run.is_some());
        assert_eq!(
            (
                &pair[0].run,
                pair[0].method.as_str(),
                pair[1].method.as_str()
            ),
            (&pair[1].run, "POST", "PUT"),
            "another run wrote in between"
        );
    }
    finish(bed, nodes).await;
}

/// All runs saw the record at one version; the first changes it, and each later one reads that
/// before it writes: the destination never has to refuse one.
async fn second_looks_again(database: Option<Database>) {
    let bed = Bed::new(database).await;
    let nodes = nodes(&bed).await;
    // The model answers late, so that every run has frozen its inputs before one writes.
    let late = Script {
        system: Some("model".into()),
        delay_ms: 1500,
        times: 10_000,
        ..Script::default()
    };
    bed.world.script(late).unwrap();
    send(&bed, &nodes, "version").await;
    let all = until("every run is over or before a person", || async {
        let all = read_all(&bed.reader()).await;
        let rest = all.values().all(|f| !f.run.state.status.wants_job());
        (rest && all.len() == RUNS).then_some(all)
    })
    .await;
    let (done, asked): (Vec<_>, Vec<_>) = all
        .values()
        .partition(|f| f.run.state.status == Status::Completed);
    assert_eq!((done.len(), asked.len()), (1, RUNS - 1));
    for found in asked {
        assert_eq!(found.reviews.last().unwrap().reason, Reason::TargetChanged);
    }
    let flags = bed.world.entries("crm");
    let patched = flags.iter().filter(|e| e.method == "PATCH");
    let tried: Vec<Value> = patched.map(|e| json!([e.status, e.applied])).collect();
    assert_eq!(tried, [json!([200, true])]);
    finish(bed, nodes).await;
}

async fn finish(bed: Bed, nodes: Vec<Node>) {
    for node in nodes {
        assert!(node.stop().await.success());
    }
    bed.check().await;
    bed.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_writes_of_a_run_to_a_record_stay_together() {
    each("turns at one record", slow_desk).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_second_run_at_a_record_reads_it_again() {
    each("the second looks again", second_looks_again).await;
}
