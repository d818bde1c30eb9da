//! A node that died comes back to its own work at once; a node that lives in another time does not
//! start at all.

use serde_json::json;
use tuesday_domain::run::Status;
use tuesday_stub::ModelRule;
use tuesday_testkit::check::read_all;
use tuesday_testkit::{Database, until};

use crate::bed::{Bed, Case, now};

/// Killed while its model thinks. The work goes on under a new fence while the old lease, which
/// nobody gave back, would still have run: so it was freed, not waited out.
#[tokio::test(flavor = "multi_thread")]
async fn a_killed_node_takes_its_work_back_at_once() {
    let bed = Bed::new(Some(Database::create().await)).await;
    let cases = [Case::new("killed", "auto")];
    bed.accounts(&cases);
    bed.world
        .answer(ModelRule {
            times: Some(1),
            answer: Some(json!({"grade": "low", "summary": "never heard"})),
            model: Some("stub-1".into()),
            delay_ms: 60_000,
            ..ModelRule::default()
        })
        .unwrap();
    let node = bed.home.ready(&[]).await;
    assert_eq!(bed.send(&node.url, &cases[0]).await, Some(202));
    until("the model is called", || async {
        (!bed.world.entries("model").is_empty()).then_some(())
    })
    .await;
    let run = read_all(&bed.reader()).await["killed"].run.id;
    let before = bed.reader().job(run).await.unwrap().expect("in hand");
    let lease = before.lease.expect("under a lease");
    node.kill().await;

    let node = bed.home.ready(&[]).await;
    until("the work is taken up again", || async {
        let job = bed.reader().job(run).await.ok()?;
        job.is_none_or(|j| j.fence > before.fence).then_some(())
    })
    .await;
    assert!(
        now().as_microsecond() < lease.until.micros(),
        "the lease of {} was waited out",
        lease.node
    );
    bed.finish(&node, &cases).await;
    let found = read_all(&bed.reader()).await;
    assert_eq!(found["killed"].run.state.status, Status::Completed);
    // The first node's name was free again: nobody needed a second one.
    assert!(!lease.node.contains('#'), "{}", lease.node);
    assert!(node.stop().await.success());
    bed.check().await;
    bed.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_in_another_time_does_not_start() {
    let database = Database::create().await;
    let bed = Bed::new(Some(database.clone())).await;
    // The server tells another time from now on, as it would after losing its time service.
    let name = database.url().rsplit_once('/').unwrap().1.to_owned();
    database
        .raw(&format!(
            "CREATE SCHEMA off; CREATE FUNCTION off.clock_timestamp() RETURNS timestamptz LANGUAGE sql \
             AS $$ SELECT pg_catalog.clock_timestamp() + interval '1 minute' $$; \
             ALTER DATABASE {name} SET search_path = off, pg_catalog, public"
        ))
        .await;
    let (code, _, said) = bed.home.run(&["serve", "--listen", "127.0.0.1:0"]).await;
    assert_eq!(code, 5, "{said}");
    assert!(
        said.contains("clock_skew") && said.contains("behind the database's"),
        "{said}"
    );
    let (code, out, _) = bed.home.run(&["doctor"]).await;
    assert_eq!(code, 1, "{out}");
    assert!(out.contains("clock skew"), "{out}");
    bed.end().await;
}
