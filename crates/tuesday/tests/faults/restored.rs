//! PLT-05: a backup is taken under load, the instance goes on and writes; then the copy is put back
//! elsewhere. It starts paused, looks before it sends, and nothing is written a second time.

use tuesday_domain::action::ActionState;
use tuesday_domain::run::{Reason, Status};
use tuesday_stub::Script;
use tuesday_testkit::check::read_all;
use tuesday_testkit::until;

use crate::bed::{Bed, Case};

#[tokio::test(flavor = "multi_thread")]
async fn a_restored_copy_sends_nothing_twice() {
    let bed = Bed::new(None).await;
    let node = bed.home.ready(&[]).await;
    let lanes = ["auto", "review", "search", "version", "auto", "two"];
    let mut cases: Vec<Case> = (0..24)
        .map(|i| Case::new(format!("r{i}"), lanes[i % lanes.len()]))
        .collect();
    cases.push(Case::new("letter", "mail"));
    bed.accounts(&cases);
    // The model is slow, so that the copy finds runs at every stage.
    let slow = Script {
        system: Some("model".into()),
        delay_ms: 400,
        times: 10_000,
        ..Script::default()
    };
    bed.world.script(slow).unwrap();
    for (i, case) in cases.iter().enumerate() {
        assert_eq!(bed.send(&node.url, case).await, Some(202));
        if i % 8 == 7 {
            tokio::time::sleep(std::time::Duration::from_millis(150)).await;
        }
    }
    let place = tempfile::tempdir().unwrap();
    let copy = place.path().join("copy.db");
    bed.home
        .json(&["backup", &copy.display().to_string()])
        .await;
    let unsent = read_all(&bed.reader()).await;
    bed.settle(&node).await;
    assert!(node.stop().await.success());
    let written = bed.effects().iter().filter(|e| e.applied).count();
    assert!(
        written > 40,
        "the instance went on after the copy: {written}"
    );
    assert!(
        unsent
            .values()
            .any(|f| f.run.state.status != Status::Completed)
    );

    let folder = place.path().join("elsewhere");
    std::fs::create_dir(&folder).unwrap();
    let bed = bed.restored(&folder, &copy).await;
    let node = bed.home.ready(&[]).await;
    let calls = bed.world.entries("model").len();
    tokio::time::sleep(std::time::Duration::from_millis(600)).await;
    assert_eq!(bed.world.entries("model").len(), calls, "it starts paused");
    let resume = [
        "workflow",
        "resume",
        "faults",
        "--as",
        "rhea",
        "--reason",
        "the copy is checked",
    ];
    bed.home.json(&resume).await;
    let all = until("everything but the letter is settled", || async {
        bed.approve_all(&node.url).await;
        let all = read_all(&bed.reader()).await;
        let rest = all
            .values()
            .filter(|f| f.run.state.status != Status::Completed);
        let rest: Vec<_> = rest.map(|f| f.run.event_id.as_str()).collect();
        (rest == ["letter"] && all["letter"].run.state.status == Status::InReview).then_some(all)
    })
    .await;
    // Nobody can look for a letter, so a person is asked.
    let letter = &all["letter"];
    assert_eq!(
        letter.reviews.last().unwrap().reason,
        Reason::UncertainAction
    );
    assert!(
        letter
            .actions
            .iter()
            .any(|a| a.state == ActionState::Uncertain)
    );
    let after = bed.effects().iter().filter(|e| e.applied).count();
    assert_eq!(after, written, "nothing was written a second time");
    let said = bed.home.json(&["audit", "verify"]).await;
    assert_eq!(said["verified"], true);
    assert!(node.stop().await.success());
}
