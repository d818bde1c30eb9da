//! Every day what was confirmed in the last week is compared with its destination: what is deleted or
//! changed on the second day is found, once, and a later write of ours explains itself.

use serde_json::json;
use tuesday_domain::record::{Gap, Incident};
use tuesday_domain::trouble::Category;
use tuesday_domain::trouble::incident::GapState;
use tuesday_store::IncidentFilter;
use tuesday_testkit::{Database, Node, until};

use crate::bed::{Bed, Case, each};
use crate::undone::{account, delivered, flag, found, grade};
use crate::write_back::removed;

const DAILY: (&str, &str) = ("[limits]", "[watch]\nreconcile = \"1d\"\n\n[limits]");
const DAY: i64 = 86_400_000_000;

/// A day passes, and the look of that day has gone through everything.
async fn a_day(bed: &Bed) {
    let cursor = || async {
        let cursor = bed.reader().cursor("faults", "watch.reconcile").await;
        cursor.unwrap().map(|c| c.value)
    };
    let before = cursor().await;
    let offset = bed.reader().instance().await.unwrap().unwrap().clock_offset;
    bed.store
        .set_clock(offset + DAY + 60_000_000)
        .await
        .unwrap();
    until("the look of the day is over", || async {
        let now = cursor().await?;
        (Some(&now) != before.as_ref() && !now.contains(' ')).then_some(())
    })
    .await;
}

async fn of(bed: &Bed, category: Category) -> Vec<Incident> {
    let filter = IncidentFilter {
        category: Some(category),
        ..IncidentFilter::default()
    };
    bed.reader().incidents(&filter, None, 9).await.unwrap()
}

async fn one(bed: &Bed, category: Category, count: u64, case: &Case) {
    let run = found(bed, case).await.run.id;
    let incident = until("one incident with that many findings", || async {
        let found = of(bed, category).await;
        assert!(found.len() < 2, "one cause is one incident: {found:?}");
        found.into_iter().find(|i| i.count == count)
    })
    .await;
    let runs = bed.reader().incident_runs(incident.id, None, 9).await;
    assert!(runs.unwrap().contains(&run));
}

async fn gap(bed: &Bed, case: &Case) -> Option<Gap> {
    let action = flag(&found(bed, case).await).id;
    bed.reader().gap(action).await.unwrap()
}

/// Another run writes another grade to the account of a case.
async fn written_over(bed: &Bed, node: &Node, case: &Case) {
    bed.world.clear_answers();
    let answer = json!({"grade": "high", "summary": "nothing that matters"});
    let rule = tuesday_stub::ModelRule {
        answer: Some(answer),
        model: Some("stub-1".into()),
        ..Default::default()
    };
    bed.world.answer(rule).unwrap();
    let mut event = Case::new("later", "version").event();
    event["account"] = json!(case.account());
    let address = format!("{}/api/v1/triggers/faults", node.url);
    let sent = bed.client.post(&address, &event).await.unwrap();
    assert_eq!(sent.status, 202, "{sent:?}");
    bed.settle(node).await;
    assert_eq!(grade(bed, case), "high");
}

async fn story(database: Option<Database>) {
    let bed = Bed::changed(database, &[DAILY]).await;
    let node = bed.home.ready(&[]).await;
    let cases = delivered(&bed, &node, &["kept", "gone", "edited", "ours", "also"]).await;
    let [kept, gone, edited, ours, also] = cases.as_slice() else {
        panic!("five cases");
    };
    a_day(&bed).await;
    for category in [Category::RecordMissing, Category::RecordChanged] {
        assert!(of(&bed, category).await.is_empty(), "all is as written");
    }

    // The first look saw them; the second finds what happened since.
    removed(&bed, &format!("/crm/accounts/{}", gone.account())).await;
    account(&bed, edited, "by hand", "77");
    written_over(&bed, &node, ours).await;
    a_day(&bed).await;
    one(&bed, Category::RecordMissing, 1, gone).await;
    one(&bed, Category::RecordChanged, 1, edited).await;
    assert_eq!(gap(&bed, gone).await.unwrap().state, GapState::Missing);
    let changed = gap(&bed, edited).await.unwrap();
    assert_eq!(
        (changed.state, changed.words.as_str()),
        (
            GapState::Changed,
            "`grade` reads otherwise than was written"
        )
    );
    assert_eq!(
        gap(&bed, ours).await,
        None,
        "a later write of ours explains it"
    );
    assert_eq!(gap(&bed, kept).await, None);

    // What is known is not told again, one more of the cause joins, and what is put right is known too.
    removed(&bed, &format!("/crm/accounts/{}", also.account())).await;
    account(&bed, edited, "low", "78");
    a_day(&bed).await;
    one(&bed, Category::RecordMissing, 2, also).await;
    one(&bed, Category::RecordChanged, 1, edited).await;
    assert_eq!(gap(&bed, edited).await.unwrap().state, GapState::Mended);

    // Gone for longer than a look reaches back is nobody's news.
    let offset = bed.reader().instance().await.unwrap().unwrap().clock_offset;
    bed.store.set_clock(offset + 6 * DAY).await.unwrap();
    removed(&bed, &format!("/crm/accounts/{}", kept.account())).await;
    account(&bed, edited, "by hand", "79");
    a_day(&bed).await;
    assert_eq!(gap(&bed, kept).await, None, "the week is over");
    one(&bed, Category::RecordMissing, 2, gone).await;
    one(&bed, Category::RecordChanged, 1, edited).await;
    assert!(node.stop().await.success());
    bed.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_deleted_or_changed_on_the_second_day_is_found_once() {
    each("reconciling", |database| Box::pin(story(database))).await;
}
