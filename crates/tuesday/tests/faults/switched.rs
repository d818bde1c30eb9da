//! A workflow that may not work: paused by a person, or without a decision table that can be loaded.
//! Nothing starts, nothing is written, and a named person or the owner brings it on.

use tuesday_domain::run::Status;
use tuesday_testkit::check::read_all;
use tuesday_testkit::{Database, until};

use crate::bed::{Bed, Case, each, now};

async fn paused(database: Option<Database>) {
    let bed = Bed::new(database).await;
    let cases = [Case::new("waits", "auto")];
    bed.accounts(&cases);
    let node = bed.home.ready(&[]).await;
    let switch = |verb: &'static str| {
        let home = bed.home.clone();
        async move {
            home.json(&[
                "workflow", verb, "faults", "--as", "rhea", "--reason", "a test",
            ])
            .await
        }
    };
    switch("pause").await;
    // The node hears of it at its next look; until then a run may still start.
    until("the node holds new runs", || async {
        let probe = Case::new(format!("probe{}", now().as_nanosecond()), "auto");
        bed.accounts(std::slice::from_ref(&probe));
        let answer = bed
            .client
            .post(
                &format!("{}/api/v1/triggers/faults", node.url),
                &probe.event(),
            )
            .await?;
        (answer.body["held"] == true).then_some(())
    })
    .await;
    until("what had started is over", || async {
        let all = read_all(&bed.reader()).await;
        all.values()
            .all(|f| matches!(f.run.state.status, Status::Held | Status::Completed))
            .then_some(())
    })
    .await;
    let before = bed.world.entries("model").len();
    assert_eq!(bed.send(&node.url, &cases[0]).await, Some(202));
    // A whole pass of the service that looks after held runs: nothing moves while it is paused.
    let held = until("the run is held", || async {
        let all = read_all(&bed.reader()).await;
        (all.get("waits")?.run.state.status == Status::Held).then_some(all["waits"].run.id)
    })
    .await;
    assert!(bed.reader().job(held).await.unwrap().is_none(), "no job");
    assert_eq!(bed.world.entries("model").len(), before, "nothing starts");

    switch("resume").await;
    until("the held run goes on to its end", || async {
        let all = read_all(&bed.reader()).await;
        (all["waits"].run.state.status == Status::Completed).then_some(())
    })
    .await;
    bed.finish(&node, &cases).await;
    assert!(node.stop().await.success());
    bed.check().await;
    bed.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_paused_workflow_starts_nothing_and_a_resumed_one_goes_on() {
    each("pause and resume", paused).await;
}

async fn without_table(database: Option<Database>) {
    let bed = Bed::new(database).await;
    let cases = [Case::new("tableless", "auto")];
    bed.accounts(&cases);
    let spoil = "UPDATE rulesets SET csv = 'no table at all' WHERE workflow = 'faults'";
    match &bed.database {
        None => crate::storage::sqlite(&bed, spoil),
        Some(db) => db.raw(spoil).await,
    }
    let node = bed.home.ready(&[]).await;
    assert_eq!(bed.send(&node.url, &cases[0]).await, Some(202));
    let found = until("a person has it", || async {
        let mut all = read_all(&bed.reader()).await;
        let found = all.remove("tableless")?;
        (found.run.state.status == Status::InReview).then_some(found)
    })
    .await;
    let task = found.reviews.first().expect("a task");
    assert!(!task.owner.is_empty(), "a named person");
    assert!(bed.effects().is_empty(), "nothing was written");
    assert!(node.stop().await.success());
    bed.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_table_that_cannot_be_loaded_goes_to_a_person() {
    each("a spoilt decision table", without_table).await;
}
