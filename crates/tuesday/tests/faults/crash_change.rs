//! Dies while a change settles, while the next one follows or a broken guard takes it back, and while a
//! workflow takes from its spend limit or reaches it; the matrix in `crash.rs` plays them.

use serde_json::Value;
use tuesday_domain::record::{ReleaseState, Workflow};
use tuesday_domain::workflow::Switch;
use tuesday_store::AuditFilter;
use tuesday_testkit::check::read_all;
use tuesday_testkit::{Database, Found, Node, until};

use crate::bed::{Bed, Case};
use crate::crash_again::died;
use crate::outage::{SUMMARY, pack};

const SETTLING: (&str, &str) = (
    "[limits]",
    "[settling]\nwindow = \"10m\"\n[[settling.guard]]\nname = \"flags\"\nmetric = \"signals\"\n\
     signal = \"compliance_flag\"\nover = \"1d\"\ncomparison = \"at_least\"\nnumber = 2\n\n[limits]",
);

/// One release is live and watched, the next one waits for it. The window passes, or the guard breaks:
/// whatever dies, each moves once, and people hear of it once.
pub(crate) async fn play_change(point: &str, database: Option<Database>) {
    let bed = Bed::new(database).await;
    let taken_back = point.starts_with("back.");
    order(
        &bed,
        "user grant edda --role release_approver --workflow faults --reason test",
    )
    .await;
    // The table in force must have a row for each case of the pack.
    let first = bed.variant("first", &SUMMARY[1..3]);
    bed.home.install(&first, &bed.vars()).await;
    let two = Box::pin(approved(&bed, "two")).await;
    let three = Box::pin(approved(&bed, "three")).await;
    let (lived, heard) = (
        entries(&bed, "release.live").await,
        told(&bed, "tove", "release_live").await,
    );
    for id in [&two, &three] {
        order(&bed, &format!("release promote {id} --as tove")).await;
    }
    if taken_back {
        let flag = "signal post faults --kind compliance_flag --event f1 --count 2 --as rhea";
        order(&bed, flag).await;
    } else {
        let offset = bed.reader().instance().await.unwrap().unwrap().clock_offset;
        bed.store.set_clock(offset + 11 * 60_000_000).await.unwrap();
    }
    let mut node = bed.home.serve(&["--crash-at", point]).await;
    gone(point, &node).await;
    died(point, &mut node, &bed).await;
    let node = bed.home.ready(&[]).await;
    // The first one of the bed, then these three.
    let live = if taken_back { 2 } else { 4 };
    until(&format!("release {live} is live"), || async {
        let all = bed.reader().releases("faults").await.ok()?;
        let now = all.iter().find(|r| r.state == ReleaseState::Live)?;
        (now.number == live).then_some(())
    })
    .await;
    let states: Vec<_> = bed.reader().releases("faults").await.unwrap();
    let of = |n: u32| states.iter().find(|r| r.number == n).unwrap().state;
    let changes = workflow(&bed).await.rollout.changes;
    assert!(changes.waiting.is_empty(), "{point}: {changes:?}");
    if taken_back {
        assert_eq!(
            (of(3), of(4)),
            (ReleaseState::RolledBack, ReleaseState::Approved),
            "{point}"
        );
        assert!(!changes.busy(), "{point}: {changes:?}");
        entered(&bed, "release.rolled_back", 1).await;
        assert_eq!(told(&bed, "tove", "release_dropped").await, 1, "{point}");
    } else {
        assert_eq!(
            (of(2), of(3)),
            (ReleaseState::Superseded, ReleaseState::Superseded),
            "{point}"
        );
        entered(&bed, "workflow.settled", 1).await;
        entered(&bed, "release.live", lived + 2).await;
        assert_eq!(
            told(&bed, "tove", "release_live").await,
            heard + 2,
            "{point}"
        );
    }
    let case = Case::new("after", "auto");
    bed.accounts(std::slice::from_ref(&case));
    bed.finish(&node, &[case]).await;
    assert!(node.stop().await.success());
    let ends = bed.check().await;
    assert!(
        ends["after"].starts_with("completed written_back"),
        "{point}: {ends:?}"
    );
    bed.end().await;
}

/// A release with another text, through the gate and approved by a second person; answers its id.
async fn approved(bed: &Bed, folder: &str) -> String {
    let about = format!("Reads case {folder},");
    let pairs = [&SUMMARY[1..3], &[SETTLING, ("Reads one case,", &about)]].concat();
    let path = bed.variant(folder, &pairs);
    std::fs::create_dir(path.join("evals")).unwrap();
    std::fs::write(path.join("evals/golden.jsonl"), pack()).unwrap();
    let path = path.to_string_lossy().into_owned();
    let mut args = vec!["release", "create", path.as_str(), "--as", "tove"];
    let vars: Vec<String> = bed.vars().iter().map(|(n, v)| format!("{n}={v}")).collect();
    for var in &vars {
        args.extend(["--set", var.as_str()]);
    }
    let id = bed.home.json(&args).await["id"]
        .as_str()
        .unwrap()
        .to_owned();
    order(bed, &format!("release eval {id} --as tove")).await;
    order(
        bed,
        &format!("release approve {id} --as edda --reason test"),
    )
    .await;
    id
}

/// A command of words without spaces, which must succeed.
async fn order(bed: &Bed, line: &str) -> String {
    let args: Vec<&str> = line.split(' ').collect();
    let (code, out, err) = bed.home.run(&args).await;
    assert_eq!(code, 0, "{line}\n{out}\n{err}");
    out
}

async fn gone(point: &str, node: &Node) {
    until(&format!("the node dies at {point}"), || async {
        node.gone().then_some(())
    })
    .await;
}

async fn workflow(bed: &Bed) -> Workflow {
    bed.reader().workflow("faults").await.unwrap().unwrap()
}

/// How many entries of a kind the log has.
async fn entries(bed: &Bed, kind: &str) -> usize {
    let filter = AuditFilter {
        kind: Some(kind.to_owned()),
        ..AuditFilter::default()
    };
    let page = bed.reader().audit_page(&filter, None, 50).await;
    page.unwrap().len()
}

/// So many entries, and not one more; they have their places about a second later.
async fn entered(bed: &Bed, kind: &str, many: usize) {
    until(&format!("{kind} has its place"), || async {
        (entries(bed, kind).await >= many).then_some(())
    })
    .await;
    assert_eq!(entries(bed, kind).await, many, "{kind}");
}

async fn told(bed: &Bed, person: &str, kind: &str) -> usize {
    let all = bed.reader().notices_of(person, 99).await.unwrap();
    all.iter().filter(|n| n.kind == kind).count()
}

/// A call takes its worst case, or finds that the limit is reached: whatever dies, people are told once,
/// the pause is there when they are, and the run comes to its end once there is money.
pub(crate) async fn play_spend(point: &str, database: Option<Database>) {
    let tokens = ("pin = \"stub-1\"", "pin = \"stub-1\"\nmax_tokens = 100");
    let bed = Bed::changed(database, &[tokens]).await;
    let prices = "kind,name,currency,input_per_million,output_per_million,per_hour,from\nmodel,stub-1,EUR,1,1,,\n";
    let file = bed
        .home
        .dir
        .join("prices.csv")
        .to_string_lossy()
        .into_owned();
    std::fs::write(&file, prices).unwrap();
    order(
        &bed,
        &format!("cost set-prices {file} --reason test --as tove"),
    )
    .await;
    let limit = |stop: &str| {
        format!(
            "cost limit --workflow faults --stop {stop} --currency EUR --then pause --reason test --as rhea"
        )
    };
    let stops = point.contains("_stop_");
    order(&bed, &limit(if stops { "0.00" } else { "1000.00" })).await;
    let case = Case::new("paid", "auto");
    bed.accounts(std::slice::from_ref(&case));
    let mut node = bed.home.serve(&["--crash-at", point]).await;
    until(&format!("the node dies at {point}"), || async {
        let _ = bed.send(&node.url, &case).await;
        node.gone().then_some(())
    })
    .await;
    died(point, &mut node, &bed).await;
    let after = point.contains(".after_");
    if stops {
        let paused = workflow(&bed).await.switch == Switch::Paused;
        let told = told(&bed, "rhea", "spend_limit").await;
        assert_eq!((paused, told), (after, usize::from(after)), "{point}");
    }
    let node = bed.home.ready(&[]).await;
    if stops {
        until("the workflow is paused", || async {
            (workflow(&bed).await.switch == Switch::Paused).then_some(())
        })
        .await;
        assert_eq!(told(&bed, "rhea", "spend_limit").await, 1, "{point}");
        order(&bed, &limit("1000.00")).await;
        order(&bed, "workflow resume faults --as rhea --reason test").await;
    }
    bed.finish(&node, &[case]).await;
    until("the run is over", || async {
        let all = read_all(&bed.reader()).await;
        let done = |f: &Found| f.run.state.status.is_terminal();
        all.values().all(done).then_some(())
    })
    .await;
    assert!(node.stop().await.success());
    let shown = order(&bed, "cost limit --workflow faults --json").await;
    let shown: Value = serde_json::from_str(shown.trim()).unwrap();
    let assumed = shown["assumed_micros"].as_i64().unwrap() > 0;
    assert_eq!(assumed, !stops && after, "{point}: {shown}");
    assert_eq!(shown["reserved_micros"], 0, "{point}: {shown}");
    let ends = bed.check().await;
    assert!(
        ends["paid"].starts_with("completed written_back"),
        "{point}: {ends:?}"
    );
    assert_eq!(bed.world.ledger_counts().total.duplicates, 0, "I2: {point}");
    bed.end().await;
}
