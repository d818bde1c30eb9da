//! What is erased and what stays of it, holds that count from their commit, erasures that are not done, and
//! how far retention has been.

use tuesday_domain::actor::Class;
use tuesday_domain::id::{ErasureId, HoldId};
use tuesday_domain::privacy::{ERASED, Hold, HoldScope, is_gone};
use tuesday_domain::record::*;
use tuesday_store::{ApplyError, Due, RetentionMark};

use crate::bed::{Bed, each};
use crate::rows::*;

fn private(changes: Vec<PrivacyChange>) -> Decision {
    let changes = changes.into_iter().map(|c| Change::Privacy(Box::new(c)));
    decide(Subject::Instance, "privacy", changes.collect())
}

fn hold(workflow: Option<&str>, record: Option<&str>) -> Hold {
    Hold {
        id: HoldId::new(new_id()),
        scope: HoldScope {
            workflow: workflow.map(Into::into),
            record: record.map(Into::into),
            from: None,
            to: None,
        },
        reason: "a dispute".into(),
        placed_by: "sia".into(),
        placed_at: at(1),
        lifted: None,
        version: 1,
    }
}

fn order(objects: &str) -> ErasureOrder {
    ErasureOrder {
        id: ErasureId::new(new_id()),
        done_at: None,
        version: 1,
        about: "customer".into(),
        policy: "GDPR article 17".into(),
        reason: "she asked".into(),
        objects: objects.into(),
        ordered_by: "sia".into(),
        ordered_at: at(2),
    }
}

/// A run that is over, with payloads of two classes, a task, an action and a try.
async fn over(bed: &Bed, event: &str) -> Run {
    let first = run("support", event);
    bed.store
        .apply(accept(&first, job(&first, at(0))))
        .await
        .unwrap();
    let last = done(&first);
    let mut strict = payload(&last, 12, PayloadKind::Output, 40);
    strict.class = Class::Restricted;
    let mut task = review(&last, "olga", at(60));
    task.note = Some("call Mara first".into());
    let changes = vec![
        Change::UpdateRun(Box::new(last.clone())),
        Change::InsertPayload(payload(&last, 11, PayloadKind::Snapshot, 30)),
        Change::InsertPayload(strict),
        Change::InsertReview(Box::new(task)),
        Change::InsertAction(Box::new(action(&last, 0, 11))),
        Change::InsertAttempt(Box::new(attempt(&last))),
    ];
    bed.store
        .apply(about(&last, "run.ended", changes))
        .await
        .unwrap();
    last
}

#[tokio::test(flavor = "multi_thread")]
async fn a_class_goes_and_its_commitment_stays() {
    each(|bed: Bed| async move {
        let (run, other) = (over(&bed, "e1").await, over(&bed, "e2").await);
        let before = bed.read.payloads(run.id).await.unwrap();
        let class = Class::Restricted;
        let gone = PrivacyChange::ErasePayloads { run: run.id, class };
        bed.store.apply(private(vec![gone])).await.unwrap();
        let after = bed.read.payloads(run.id).await.unwrap();
        assert_eq!(after.len(), before.len(), "rows stay");
        for (was, is) in before.iter().zip(&after) {
            assert_eq!((was.n, was.kind, was.class), (is.n, is.kind, is.class));
            assert_eq!(was.commitment, is.commitment, "what the log says stays");
            assert_eq!(is_gone(is), is.class == class, "{}/{}", is.kind, is.n);
            assert_eq!(is.bytes.is_empty(), is.class == class);
        }
        let heads = bed.read.payload_heads(run.id).await.unwrap();
        assert!(heads.iter().all(|h| h.2 != class) && !heads.is_empty());
        let others = bed.read.payloads(other.id).await.unwrap();
        assert!(!others.iter().any(is_gone), "another run keeps its own");
        // A second time it is the same, and no fault.
        let gone = PrivacyChange::ErasePayloads { run: run.id, class };
        bed.store.apply(private(vec![gone])).await.unwrap();
        assert_eq!(bed.read.payloads(run.id).await.unwrap(), after);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn no_text_beside_the_payloads_is_left() {
    each(|bed: Bed| async move {
        let (run, other) = (over(&bed, "e1").await, over(&bed, "e2").await);
        let mut refused = intake("support");
        refused.run = Some(run.id);
        refused.verdict = IntakeVerdict::Resubmitted;
        let lone = intake("support");
        let changes = [&refused, &lone].map(|i| Change::InsertIntake(Box::new(i.clone())));
        let taken = decide(Subject::Instance, "intake", changes.into());
        bed.store.apply(taken).await.unwrap();
        let all = TextsOf::ALL.iter().map(|of| PrivacyChange::EraseTexts {
            run: run.id,
            of: *of,
        });
        bed.store.apply(private(all.collect())).await.unwrap();
        let task = &bed.read.reviews_of(run.id).await.unwrap()[0];
        assert_eq!(
            (task.subject.as_str(), task.note.as_deref()),
            (ERASED, Some(ERASED))
        );
        assert!(task.reasons.is_empty());
        assert_eq!(bed.read.actions_of(run.id).await.unwrap()[0].target, ERASED);
        assert_eq!(
            bed.read.attempts(run.id).await.unwrap()[0].request_hash,
            None
        );
        let row = bed.read.run(run.id).await.unwrap().unwrap();
        assert_eq!(row.body_hash, [0; 32], "an unsalted hash could be guessed");
        let gone = bed.read.intake(refused.id).await.unwrap().unwrap();
        assert!(gone.body.is_empty() && gone.detail == ERASED);
        assert_eq!(
            bed.read.intake(lone.id).await.unwrap().unwrap().body,
            lone.body
        );
        let kept = &bed.read.reviews_of(other.id).await.unwrap()[0];
        assert_eq!(kept.note.as_deref(), Some("call Mara first"));
        assert_eq!(
            bed.read.actions_of(other.id).await.unwrap()[0].target,
            "TCK-1"
        );
        // A refused event of its own goes by its own change.
        let gone = PrivacyChange::EraseIntake { id: lone.id };
        bed.store.apply(private(vec![gone])).await.unwrap();
        assert!(
            bed.read
                .intake(lone.id)
                .await
                .unwrap()
                .unwrap()
                .body
                .is_empty()
        );
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hold_counts_from_its_commit() {
    each(|bed: Bed| async move {
        let run = over(&bed, "e1").await;
        let (seen, none) = bed.read.holds_in_force().await.unwrap();
        assert!(none.is_empty());
        let mut held = hold(Some("support"), Some("D-7"));
        let place = vec![
            PrivacyChange::MoveHolds,
            PrivacyChange::InsertHold(Box::new(held.clone())),
        ];
        bed.store.apply(private(place)).await.unwrap();
        assert_eq!(bed.read.hold(held.id).await.unwrap(), Some(held.clone()));
        // An erasure that read the holds before goes as a whole, or not at all.
        let erase = |seen| {
            let class = Class::Internal;
            private(vec![
                PrivacyChange::CheckHolds { seen },
                PrivacyChange::ErasePayloads { run: run.id, class },
            ])
        };
        let late = bed.store.apply(erase(seen)).await.unwrap_err();
        assert!(matches!(late, ApplyError::Conflict { .. }), "{late:?}");
        let kept = bed.read.payloads(run.id).await.unwrap();
        assert!(!kept.iter().any(is_gone), "nothing of it happened");
        let (now, force) = bed.read.holds_in_force().await.unwrap();
        assert_eq!((now, force.len()), (seen + 1, 1));
        bed.store.apply(erase(now)).await.unwrap();

        held.lifted = Some(("sia".into(), "settled".into(), at(9)));
        held.version = 2;
        let lift = vec![
            PrivacyChange::MoveHolds,
            PrivacyChange::UpdateHold(Box::new(held.clone())),
        ];
        bed.store.apply(private(lift.clone())).await.unwrap();
        assert!(bed.read.holds_in_force().await.unwrap().1.is_empty());
        let twice = bed.store.apply(private(lift)).await;
        assert!(twice.is_err(), "lifted twice");
        let (after, _) = bed.read.holds_in_force().await.unwrap();
        assert_eq!(after, now + 1, "what failed moved nothing");
        // The newest first, page by page.
        let newer = hold(None, Some("D-8"));
        let place = PrivacyChange::InsertHold(Box::new(newer.clone()));
        bed.store.apply(private(vec![place])).await.unwrap();
        let first = bed.read.holds(None, 1).await.unwrap();
        assert_eq!(first, std::slice::from_ref(&newer));
        assert_eq!(bed.read.holds(Some(newer.id), 5).await.unwrap(), [held]);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_erasure_is_open_until_it_is_done() {
    each(|bed: Bed| async move {
        let (first, second) = (order("run_1 run_2"), order("run_3"));
        for o in [&first, &second] {
            let change = PrivacyChange::InsertErasure(Box::new(o.clone()));
            bed.store.apply(private(vec![change])).await.unwrap();
        }
        assert_eq!(
            bed.read.open_erasures().await.unwrap(),
            [first.clone(), second.clone()]
        );
        let mut over = first.clone();
        over.done_at = Some(at(7));
        over.version = 2;
        let end = PrivacyChange::UpdateErasure(Box::new(over.clone()));
        bed.store.apply(private(vec![end.clone()])).await.unwrap();
        // Two nodes finished it: the second is told so.
        assert!(bed.store.apply(private(vec![end])).await.is_err());
        let open = bed.read.open_erasures().await.unwrap();
        assert_eq!(open, std::slice::from_ref(&second));
        let all = bed.read.erasures(None, 10).await.unwrap();
        assert_eq!(all, [second.clone(), over]);
        let rest = bed.read.erasures(Some(second.id), 10).await.unwrap();
        assert_eq!(rest.len(), 1);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_of_privacy_that_make_no_sense_are_refused() {
    each(|bed: Bed| async move {
        let mut half = hold(Some("support"), None);
        half.lifted = Some(("sia".into(), "x".into(), at(3)));
        half.reason = String::new();
        let bad = [
            PrivacyChange::InsertHold(Box::new(hold(None, None))),
            PrivacyChange::InsertHold(Box::new(half)),
            PrivacyChange::InsertErasure(Box::new(ErasureOrder {
                about: "everybody".into(),
                ..order("")
            })),
            PrivacyChange::InsertErasure(Box::new(ErasureOrder {
                policy: String::new(),
                ..order("")
            })),
        ];
        for (i, change) in bad.into_iter().enumerate() {
            assert!(
                bed.store.apply(private(vec![change])).await.is_err(),
                "row {i}"
            );
        }
        assert!(bed.read.holds(None, 5).await.unwrap().is_empty());
        assert!(bed.read.erasures(None, 5).await.unwrap().is_empty());
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn retention_finds_what_is_due_by_day_and_class() {
    each(|bed: Bed| async move {
        let run = over(&bed, "e1").await;
        let open = crate::rows::run("support", "e2");
        bed.store
            .apply(accept(&open, job(&open, at(0))))
            .await
            .unwrap();
        let due = |class| Due {
            workflow: "support",
            day: "2026-11-17",
            class,
        };
        let read = &bed.read;
        let day = read.next_day("support", "", "2026-11-18").await.unwrap();
        assert_eq!(day.as_deref(), Some("2026-11-17"));
        let none = read.next_day("support", "2026-11-17", "2026-11-30").await;
        assert_eq!(none.unwrap(), None);
        let found = |class, by| async move {
            let runs = read.due_runs(due(class), by, None, 10).await.unwrap();
            runs.into_iter().map(|r| r.id).collect::<Vec<_>>()
        };
        assert_eq!(
            found(Class::Restricted, at(5)).await,
            [run.id],
            "it ended at five"
        );
        assert_eq!(found(Class::Restricted, at(4)).await, []);
        assert_eq!(found(Class::Confidential, at(5)).await, []);
        assert_eq!(read.runs_holding(due(Class::Restricted)).await.unwrap(), 1);
        let class = Class::Restricted;
        let gone = PrivacyChange::ErasePayloads { run: run.id, class };
        bed.store.apply(private(vec![gone])).await.unwrap();
        assert_eq!(found(class, at(5)).await, []);
        assert_eq!(read.runs_holding(due(class)).await.unwrap(), 0);

        let mut mark = RetentionMark {
            workflow: "support".into(),
            class,
            done_to: "2026-11-17".into(),
            waiting: vec!["2026-11-02".into(), "2026-11-16".into()],
        };
        bed.store.put_retention_mark(&mark).await.unwrap();
        mark.done_to = "2026-11-18".into();
        mark.waiting.clear();
        bed.store.put_retention_mark(&mark).await.unwrap();
        let kept = read.retention_mark("support", class).await.unwrap();
        assert_eq!(kept, Some(mark));
        let other = read.retention_mark("support", Class::Public).await;
        assert_eq!(other.unwrap(), None);
    })
    .await;
}
