//! Dies in the middle of an erasure on request: another node finishes what was ordered, each run goes once,
//! and until then the order says that it is not done. The matrix in `crash.rs` plays it.

use serde_json::json;
use tuesday_domain::id::RunId;
use tuesday_domain::privacy::is_gone;
use tuesday_store::AuditFilter;
use tuesday_testkit::{Client, Database, until};

use crate::bed::{Bed, Case};
use crate::crash_again::died;

/// What stands in every case of this bed.
const NAMED: &str = "of the tests";

pub(crate) async fn play_erase(point: &str, database: Option<Database>) {
    let bed = Bed::new(database).await;
    let cases = ["one", "two", "three"].map(|id| Case::new(id, "auto"));
    bed.accounts(&cases);
    let node = bed.home.ready(&[]).await;
    bed.finish(&node, &cases).await;
    assert!(node.stop().await.success());
    let sia = security(&bed).await;
    let mut node = bed.home.serve(&["--crash-at", point]).await;
    until(&format!("the node dies at {point}"), || async {
        ask(&sia, &node.url).await;
        node.gone().then_some(())
    })
    .await;
    died(point, &mut node, &bed).await;

    // Half done is never unseen: whatever is gone belongs to an order, and one that is done has no rest.
    let orders = bed.reader().erasures(None, 10).await.unwrap();
    let gone = gone(&bed).await;
    let open = orders.iter().filter(|o| o.done_at.is_none()).count();
    let by_order = if orders.is_empty() {
        gone == 0
    } else {
        open == 1 || gone == cases.len()
    };
    assert!(
        by_order,
        "{point}: {gone} runs are gone, {open} orders are open"
    );

    let node = bed.home.ready(&[]).await;
    until(&format!("{point}: the erasure is done"), || async {
        if bed.reader().erasures(None, 10).await.ok()?.is_empty() {
            ask(&sia, &node.url).await;
        }
        let orders = bed.reader().erasures(None, 10).await.ok()?;
        (!orders.is_empty() && orders.iter().all(|o| o.done_at.is_some())).then_some(())
    })
    .await;
    assert!(node.stop().await.success());
    assert_eq!(self::gone(&bed).await, cases.len(), "{point}");
    // It seals what the node left, so that every entry has its place.
    let verified = bed.home.json(&["audit", "verify"]).await;
    assert_eq!(verified["verified"], true, "{point}");
    for (kind, times) in [
        ("erasure.ordered", 1),
        ("run.erased", cases.len()),
        ("erasure.done", 1),
    ] {
        assert_eq!(entries(&bed, kind).await, times, "{point}: {kind}");
    }
    let runs: Vec<String> = bed.told.lock().unwrap().values().cloned().collect();
    for run in runs {
        let story = bed.home.json(&["reconstruct", &run]).await;
        assert_eq!(story["integrity"]["whole"], true, "{point}: {story}");
        assert!(!story.to_string().contains(NAMED), "{point}: {story}");
    }
}

/// Asks for the list and erases what is on it; a node that died answers nothing.
async fn ask(sia: &Client, url: &str) {
    let named = json!({"customer": NAMED});
    let Some(plan) = sia
        .post(&format!("{url}/api/v1/erasures/plan"), &named)
        .await
    else {
        return;
    };
    assert_eq!(plan.status, 200, "{:?}", plan.body);
    let how = json!({"customer": NAMED, "code": plan.body["code"], "reason": "she asked us to"});
    if let Some(done) = sia.post(&format!("{url}/api/v1/erasures"), &how).await {
        assert!(matches!(done.status, 201 | 404), "{:?}", done.body);
    }
}

/// A person who may erase, with a token.
async fn security(bed: &Bed) -> Client {
    let home = &bed.home;
    let person = "user invite sia --name Sia --email sia@example.com --reason data";
    let grant = "user grant sia --role security_approver --reason data";
    for words in [person, grant] {
        home.json(&words.split(' ').collect::<Vec<_>>()).await;
    }
    Client::new(&home.token("admin", Some("sia")).await)
}

/// Runs of which nothing is kept.
async fn gone(bed: &Bed) -> usize {
    let runs: Vec<RunId> = {
        let told = bed.told.lock().unwrap();
        told.values().map(|r| r.parse().unwrap()).collect()
    };
    let mut gone = 0;
    for run in runs {
        let all = bed.reader().payloads(run).await.unwrap();
        let erased = all.iter().filter(|p| is_gone(p)).count();
        assert!(erased == 0 || erased == all.len(), "{run} is half erased");
        gone += usize::from(erased > 0);
    }
    gone
}

async fn entries(bed: &Bed, kind: &str) -> usize {
    let filter = AuditFilter {
        kind: Some(kind.to_owned()),
        ..AuditFilter::default()
    };
    bed.reader()
        .audit_page(&filter, None, 50)
        .await
        .unwrap()
        .len()
}
