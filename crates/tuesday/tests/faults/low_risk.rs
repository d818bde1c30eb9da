//! `capacity whatif --low-risk` with real runs: it passes only when people decided enough of what would go alone
//! and nearly all of it stood.

use serde_json::{Value, json};
use tuesday_testkit::{Database, Node};

use crate::bed::{Bed, Case, each};

const CAPACITY: &str = "[capacity]\nminutes_per_task = 1\n[[capacity.person]]\nperson = \"pia\"\ndays = \"mon-sun\"\n\
                        hours = 8\n\n[rollout]\n";

/// Runs that a person must look at.
async fn send(bed: &Bed, node: &Node, ids: std::ops::Range<u32>) {
    let cases: Vec<Case> = ids.map(|i| Case::new(format!("c{i}"), "review")).collect();
    bed.accounts(&cases);
    for case in &cases {
        assert_eq!(bed.send(&node.url, case).await, Some(202));
    }
}

/// Asks about a table that lets the lane go alone; exit code, answer, and what was said.
async fn asked(bed: &Bed, more: &[&str]) -> (i32, Value, String) {
    let table = bed.home.dir.join("alone.csv");
    let path = table.display().to_string();
    let args = [
        &["--json", "capacity", "whatif", "faults", "--file", &path],
        more,
    ]
    .concat();
    let (code, out, err) = bed.home.run(&args).await;
    let said = serde_json::from_str(out.trim()).unwrap_or_else(|e| panic!("{e}: {out}{err}"));
    (code, said, err)
}

async fn story(database: Option<Database>) {
    let bed = Bed::changed(database, &[("[rollout]\n", CAPACITY)]).await;
    let rules = include_str!("package/rules.csv");
    let (before, alone) = ("r1,review,any,review,desk,", "r1,review,any,auto,,");
    assert!(rules.contains(before));
    let table = bed.home.dir.join("alone.csv");
    std::fs::write(&table, rules.replace(before, alone)).unwrap();
    let node = bed.home.ready(&[]).await;

    // Nobody has decided anything: not low.
    let (code, said, err) = asked(&bed, &["--low-risk"]).await;
    assert_eq!(
        (code, &said["low_risk"], &said["errors"]),
        (1, &json!(false), &Value::Null),
        "{said}"
    );
    assert!(err.contains("Not of low risk"), "{err}");
    // All of twenty stood: that is too few, the upper end is far above five in a hundred.
    send(&bed, &node, 0..20).await;
    bed.settle(&node).await;
    let (code, said, _) = asked(&bed, &["--low-risk"]).await;
    assert_eq!(
        (code, &said["low_risk"], &said["runs"]),
        (1, &json!(false), &json!(20)),
        "{said}"
    );
    assert!(said["errors"][1].as_f64() > Some(0.1), "{said}");
    // Without the flag it is an answer like any other.
    assert_eq!(asked(&bed, &[]).await.0, 0);
    // All of eighty stood.
    send(&bed, &node, 20..80).await;
    bed.settle(&node).await;
    let (code, said, err) = asked(&bed, &["--low-risk"]).await;
    assert_eq!(
        (code, &said["low_risk"], &said["runs"]),
        (0, &json!(true), &json!(80)),
        "{said}"
    );
    assert!(said["errors"][1].as_f64() <= Some(0.05), "{said}");
    assert!(!err.contains("Not of low risk"), "{err}");
    // Six more are refused: it is not low any more.
    send(&bed, &node, 80..86).await;
    let refused = json!({"reason": "wrong_grade"});
    tuesday_testkit::until("all are refused", || async {
        bed.say(&node.url, "rejection", &refused).await;
        let tasks = bed.tasks().await;
        (tasks.len() == 86 && tasks.iter().all(|t| t.state.is_decided())).then_some(())
    })
    .await;
    let (code, said, _) = asked(&bed, &["--low-risk"]).await;
    assert_eq!(
        (code, &said["low_risk"], &said["runs"]),
        (1, &json!(false), &json!(86)),
        "{said}"
    );
    assert!(said["errors"][0].as_f64() > Some(0.0), "{said}");
    bed.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_goes_alone_is_of_low_risk_only_by_what_people_decided() {
    each("low risk", story).await;
}
