//! Shadow runs beside the runs of the same events that people decided, page by page.

use tuesday_domain::record::*;
use tuesday_domain::run::{Outcome, ReviewStatus};
use tuesday_domain::workflow::Stage;
use tuesday_store::ShadowRow;

use crate::bed::{Bed, each};
use crate::rows::*;

/// A finished run with an output, stored in one step.
async fn stored(bed: &Bed, mut row: Run, text: &str) -> Run {
    row.version = 0;
    row.output_ref = Some(2);
    row.payloads = 2;
    let mut output = payload(&row, 2, PayloadKind::Output, 4);
    output.bytes = text.as_bytes().to_vec();
    let changes = vec![
        Change::InsertRun(Box::new(row.clone())),
        Change::InsertPayload(output),
    ];
    bed.store.apply(about(&row, "x", changes)).await.unwrap();
    row
}

fn shadow(event: &str) -> Run {
    let mut row = done(&run("new", event));
    row.stage = Stage::Shadow;
    row.state.outcome = Some(Outcome::ShadowOnly);
    row
}

fn decided(workflow: &str, event: &str, review: ReviewStatus) -> Run {
    let mut row = done(&run(workflow, event));
    row.state.review = review;
    row
}

#[tokio::test(flavor = "multi_thread")]
async fn a_shadow_run_is_read_beside_what_people_did() {
    each(|bed: Bed| async move {
        let first = stored(&bed, shadow("e1"), "a").await;
        stored(&bed, decided("old", "e1", ReviewStatus::Approved), "b").await;
        let second = stored(&bed, shadow("e2"), "c").await;
        // Nobody decided that one, and a shadow run is nobody.
        stored(&bed, decided("old", "e2", ReviewStatus::None), "d").await;
        let repeated = stored(
            &bed,
            decided("new", "e3", ReviewStatus::ApprovedWithEdits),
            "e",
        )
        .await;
        let mut third = shadow("e3/1");
        third.rerun_of = Some(repeated.id);
        let third = stored(&bed, third, "f").await;
        let days = ("2026-11-17", "2026-11-17");
        let all = bed.read.shadow_runs("new", Some("old"), days, None, 10);
        let all: Vec<ShadowRow> = all.await.unwrap();
        let told: Vec<_> = all
            .iter()
            .map(|r| {
                let people = r.people.clone().map(|(how, _, bytes)| (how, bytes));
                (r.run, r.output.clone(), people)
            })
            .collect();
        let of = |how, text: &str| Some((how, Some(text.as_bytes().to_vec())));
        assert_eq!(
            told,
            [
                (
                    first.id,
                    Some(b"a".to_vec()),
                    of(ReviewStatus::Approved, "b")
                ),
                (second.id, Some(b"c".to_vec()), None),
                (
                    third.id,
                    Some(b"f".to_vec()),
                    of(ReviewStatus::ApprovedWithEdits, "e")
                ),
            ],
            "{}",
            bed.name
        );
        assert!(all.iter().all(|r| r.sent == 0 && r.otherwise.is_none()));
        // Page by page the same; without the other workflow only what was repeated counts.
        let (mut paged, mut after) = (Vec::new(), None);
        loop {
            let behind = after.as_ref().map(|r: &ShadowRow| (r.day.as_str(), r.run));
            let page = bed.read.shadow_runs("new", Some("old"), days, behind, 1);
            let Some(row) = page.await.unwrap().pop() else {
                break;
            };
            paged.push(row.clone());
            after = Some(row);
        }
        assert_eq!(paged, all, "{}", bed.name);
        let alone = bed
            .read
            .shadow_runs("new", None, days, None, 10)
            .await
            .unwrap();
        let known: Vec<bool> = alone.iter().map(|r| r.people.is_some()).collect();
        assert_eq!(known, [false, false, true], "{}", bed.name);
        let none = bed
            .read
            .shadow_runs("new", None, ("2026-11-18", "2026-11-19"), None, 10);
        assert!(none.await.unwrap().is_empty());
    })
    .await;
}
