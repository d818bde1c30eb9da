//! What needs no person is delivered within the declared time, and where a destination is too slow for
//! that its owner is told. What waits for a person is not counted, and an hour later the alarm is over.

use serde_json::json;
use tuesday_domain::action::ActionState;
use tuesday_domain::record::Incident;
use tuesday_domain::trouble::Category;
use tuesday_domain::trouble::incident::IncidentState;
use tuesday_store::IncidentFilter;
use tuesday_stub::Script;
use tuesday_testkit::check::read_all;
use tuesday_testkit::{Database, until};

use crate::bed::{Bed, Case, each};

const PROMISE: (&str, &str) = ("[limits]", "[watch]\ndelivery = \"2m\"\n\n[limits]");
const MINUTE: i64 = 60_000_000;

async fn late(bed: &Bed) -> Option<Incident> {
    let filter = IncidentFilter {
        category: Some(Category::DeliveryLate),
        ..IncidentFilter::default()
    };
    let mut found = bed.reader().incidents(&filter, None, 9).await.unwrap();
    assert!(found.len() < 2, "one cause is one incident: {found:?}");
    found.pop()
}

async fn pass(bed: &Bed, minutes: i64) {
    let offset = bed.reader().instance().await.unwrap().unwrap().clock_offset;
    bed.store
        .set_clock(offset + minutes * MINUTE)
        .await
        .unwrap();
}

async fn story(database: Option<Database>) {
    let bed = Bed::changed(database, &[PROMISE]).await;
    let node = bed.home.ready(&[]).await;
    let quick: Vec<Case> = ["q1", "q2", "q3"].map(|id| Case::new(id, "auto")).into();
    let (slow, asked) = (Case::new("slow", "auto"), Case::new("asked", "review"));
    let all = [quick.clone(), vec![slow.clone(), asked.clone()]].concat();
    bed.accounts(&all);
    bed.finish(&node, &quick).await;
    let promise = 2 * MINUTE;
    for (id, found) in read_all(&bed.reader()).await {
        let took = found.run.finished_at.unwrap().since(found.run.received_at);
        assert!(
            took.as_micros() < promise.unsigned_abs().into(),
            "{id}: {took:?}"
        );
    }

    // It takes the write in three minutes and not before; the other case waits for a person meanwhile.
    let busy = Script {
        path_prefix: Some(format!("/desk/tickets/{}", slow.id)),
        status: Some(429),
        retry_after: Some(json!(180)),
        ..Script::default()
    };
    bed.world.script(busy).unwrap();
    for case in [&slow, &asked] {
        assert_eq!(bed.send(&node.url, case).await, Some(202));
    }
    until(
        "one waits for the destination and one for a person",
        || async {
            let all = read_all(&bed.reader()).await;
            let mut actions = all.get(&slow.id)?.actions.iter();
            let waits = actions.any(|a| a.state == ActionState::RetryWait);
            (waits && !all.get(&asked.id)?.reviews.is_empty()).then_some(())
        },
    )
    .await;
    assert_eq!(late(&bed).await, None, "nothing is late yet");
    pass(&bed, 4).await;
    let incident = until("the owner has an incident", || late(&bed)).await;
    assert_eq!(
        (incident.key.as_str(), incident.owner.as_str()),
        ("delivery_late:faults", "rhea")
    );
    let entries = bed.reader().incident_entries(incident.id).await.unwrap();
    let words: String = entries.iter().map(|e| e.words.as_str()).collect();
    assert!(
        words.contains("1 of 4 deliveries") && words.contains("longer than 2m"),
        "what waits for a person is not counted: {words}"
    );
    until("it is delivered after all", || async {
        bed.world.record("desk", "tickets", &slow.id).map(drop)
    })
    .await;
    pass(&bed, 61).await;
    until("the alarm is over", || async {
        let state = late(&bed).await?.state;
        (state == IncidentState::Mitigated).then_some(())
    })
    .await;
    bed.settle(&node).await;
    assert!(node.stop().await.success());
    bed.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_automatic_way_keeps_its_time_and_a_slow_destination_is_told() {
    each("delivery", |database| Box::pin(story(database))).await;
}
