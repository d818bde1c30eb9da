//! Dies while a known error is placed and decided, and while a second look is opened and answered; the
//! matrix in `crash.rs` plays both.

use serde_json::json;
use tuesday_domain::record::Review;
use tuesday_domain::review::ReviewKind;
use tuesday_domain::time::Timestamp;
use tuesday_store::QueueFilter;
use tuesday_testkit::{Database, Node, until};

use crate::bed::{Bed, Case};
use crate::crash_again::{died, person};

/// A known error is placed and approved: whatever dies, it is missed once and nothing is written for it.
pub(crate) async fn play_seed(point: &str, database: Option<Database>) {
    let fault = "[[review.seeds.fault]]\nname = \"grade\"\nfield = \"grade\"\nset = \"unsure\"\n\n[[review.tier]]";
    let bed = Bed::changed(database, &[("[[review.tier]]", fault)]).await;
    let cases = ["one", "two", "three"].map(|id| Case::new(id, "review"));
    bed.accounts(&cases);
    let node = bed.home.ready(&[]).await;
    bed.finish(&node, &cases).await;
    assert!(node.stop().await.success());
    let written = applied(&bed);
    let mut node = bed.home.serve(&["--crash-at", point]).await;
    until(&format!("the node dies at {point}"), || async {
        place(&bed, &node).await;
        bed.approve_all(&node.url).await;
        node.gone().then_some(())
    })
    .await;
    died(point, &mut node, &bed).await;
    let node = bed.home.ready(&[]).await;
    until("a known error is decided", || async {
        bed.approve_all(&node.url).await;
        if missed(&bed).await == 0 {
            place(&bed, &node).await;
            return None;
        }
        Some(())
    })
    .await;
    bed.settle(&node).await;
    assert!(node.stop().await.success());
    assert_eq!(
        applied(&bed),
        written,
        "{point}: a known error wrote something"
    );
    let ends = bed.check().await;
    assert_eq!(ends.len(), cases.len(), "{point}: it counts as no run");
    assert_eq!(bed.world.ledger_counts().total.duplicates, 0, "I2: {point}");
    bed.end().await;
}

/// Writes that any system took.
fn applied(bed: &Bed) -> usize {
    let systems = ["desk", "box", "mail", "crm"];
    let of = |system: &&str| {
        bed.world
            .entries(system)
            .iter()
            .filter(|e| e.applied)
            .count()
    };
    systems.iter().map(of).sum()
}

/// Asks for one while none stands in the queue.
async fn place(bed: &Bed, node: &Node) {
    if open(bed).await.is_empty() {
        let address = format!("{}/api/v1/workflows/faults/seeds", node.url);
        let _ = person(bed, "rhea").post(&address, &json!({})).await;
    }
}

async fn open(bed: &Bed) -> Vec<Review> {
    let (reader, every) = (bed.reader(), QueueFilter::default());
    let page = reader.review_page(&every, None, 50);
    page.await.unwrap_or_default()
}

async fn missed(bed: &Bed) -> u64 {
    let (from, to) = (Timestamp::from_micros(0), Timestamp::from_micros(i64::MAX));
    let figures = bed.reader().seed_figures(from, to).await.unwrap();
    let decided = figures.iter().filter(|f| f.result.is_some());
    decided.map(|f| f.seeds).sum()
}

/// A drawn approval is looked at again: whatever dies, one task opens and one verdict counts.
pub(crate) async fn play_look(point: &str, database: Option<Database>) {
    let drawn = "[review.second_look]\nhuman_percent = 100\n\n[[review.tier]]";
    let bed = Bed::changed(database, &[("[[review.tier]]", drawn)]).await;
    let case = Case::new("looked", "review");
    bed.accounts(std::slice::from_ref(&case));
    let mut node = bed.home.serve(&["--crash-at", point]).await;
    until(&format!("the node dies at {point}"), || async {
        let _ = bed.send(&node.url, &case).await;
        bed.approve_all(&node.url).await;
        verdicts(&bed, &node).await;
        node.gone().then_some(())
    })
    .await;
    died(point, &mut node, &bed).await;
    let node = bed.home.ready(&[]).await;
    until("the look is answered", || async {
        bed.approve_all(&node.url).await;
        verdicts(&bed, &node).await;
        let looks = looks(&bed).await;
        looks.iter().any(|l| l.state.is_decided()).then_some(())
    })
    .await;
    bed.settle(&node).await;
    assert!(node.stop().await.success());
    assert_eq!(looks(&bed).await.len(), 1, "{point}: one task for one draw");
    let ends = bed.check().await;
    assert!(
        ends["looked"].starts_with("completed written_back"),
        "{point}: {ends:?}"
    );
    assert_eq!(bed.world.ledger_counts().total.duplicates, 0, "I2: {point}");
    bed.end().await;
}

async fn looks(bed: &Bed) -> Vec<Review> {
    let all = bed.tasks().await.into_iter();
    all.filter(|t| t.kind == ReviewKind::SecondLook).collect()
}

/// Everybody says that it was right; who had a part in it is refused.
async fn verdicts(bed: &Bed, node: &Node) {
    for look in looks(bed).await {
        for (_, client) in &bed.reviewers {
            let address = format!("{}/api/v1/reviews/{}/verdict", node.url, look.id);
            let _ = client.post(&address, &json!({"verdict": "correct"})).await;
        }
    }
}

/// A restore dies around its mark: the folder has no database yet, or one that is marked; said again it
/// comes to its end.
pub(crate) async fn play_restore(point: &str, database: Option<Database>) {
    let bed = Bed::new(database).await;
    let case = Case::new("kept", "auto");
    bed.accounts(std::slice::from_ref(&case));
    let node = bed.home.ready(&[]).await;
    bed.finish(&node, std::slice::from_ref(&case)).await;
    assert!(node.stop().await.success());
    let place = tempfile::tempdir().unwrap();
    let (copy, folder) = (place.path().join("copy.db"), place.path().join("back"));
    let mut home = bed.home.clone();
    let file = copy.display().to_string();
    let order = if bed.database.is_some() {
        vec!["restore", "--in-place"]
    } else {
        bed.home.json(&["backup", &file]).await;
        std::fs::create_dir(&folder).unwrap();
        home.dir.clone_from(&folder);
        vec!["restore", &file]
    };
    let dying = [order.clone(), vec!["--crash-at", point]].concat();
    let (code, _, said) = home.run(&dying).await;
    assert_ne!(code, 0, "{point}: it did not die\n{said}");
    if bed.database.is_none() {
        assert!(
            !folder.join("tuesday.db").exists(),
            "{point}: an unmarked database is in place"
        );
    }
    let done = home.json(&order).await;
    let config = home.config();
    let store = tuesday_store::Store::open(&config).await.unwrap();
    let instance = store.reader().instance().await.unwrap().unwrap();
    assert!(instance.restored_at.is_some(), "{point}: {done}");
    let workflow = store.reader().workflow("faults").await.unwrap().unwrap();
    assert_eq!(workflow.switch.word(), "paused", "{point}");
    assert!(!folder.join("restoring").exists());
    drop(store);
    bed.end().await;
}
