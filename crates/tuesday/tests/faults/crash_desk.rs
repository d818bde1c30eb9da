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
    let page = bed.reader().review_page(&QueueFilter::default(), None, 50);
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
