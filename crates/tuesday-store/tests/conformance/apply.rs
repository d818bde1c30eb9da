//! A decision is kept whole or not at all.

use std::collections::HashSet;

use tuesday_domain::action::ActionState;
use tuesday_domain::record::*;
use tuesday_domain::review::ReviewState;
use tuesday_domain::run::{Status, Step};
use tuesday_store::ApplyError;

use crate::bed::{Bed, each};
use crate::rows::*;

#[tokio::test(flavor = "multi_thread")]
async fn what_is_applied_is_read_back() {
    each(|bed: Bed| async move {
        let new = run("support", "e1");
        bed.store
            .apply(accept(&new, leased(&new, "n1")))
            .await
            .unwrap();
        assert_eq!(
            bed.read.run(new.id).await.unwrap().unwrap(),
            new,
            "{}",
            bed.name
        );
        let mut next = in_review(&new, "olga");
        next.rules_version = Some(3);
        next.rules_row = Some("r1".into());
        next.cost_micros = 99;
        next.cost_unknown = true;
        let task = review(&next, "olga", at(60));
        let act = action(&next, 0, 2);
        let tried = attempt(&next);
        let changes = vec![
            Change::UpdateRun(Box::new(next.clone())),
            Change::InsertAttempt(Box::new(tried.clone())),
            Change::InsertPayload(payload(&next, 2, PayloadKind::Request, 10)),
            Change::InsertReview(Box::new(task.clone())),
            Change::InsertAction(Box::new(act.clone())),
            Change::FinishJob {
                run: next.id,
                fence: 1,
            },
        ];
        bed.store
            .apply(about(&next, "run.in_review", changes))
            .await
            .unwrap();
        assert_eq!(bed.read.run(next.id).await.unwrap().unwrap(), next);
        assert_eq!(bed.read.attempts(next.id).await.unwrap(), vec![tried]);
        assert_eq!(
            bed.read.reviews_of(next.id).await.unwrap(),
            vec![task.clone()]
        );
        assert_eq!(
            bed.read.actions_of(next.id).await.unwrap(),
            vec![act.clone()]
        );
        assert_eq!(bed.read.payloads(next.id).await.unwrap().len(), 2);
        assert_eq!(bed.read.job(next.id).await.unwrap(), None);
        let work = bed.read.work(next.id).await.unwrap().unwrap();
        assert_eq!(
            (work.run, work.job, work.actions, work.reviews),
            (next.clone(), None, vec![act.clone()], vec![task.clone()])
        );
        assert_eq!(
            work.payloads.iter().map(|p| p.n).collect::<Vec<_>>(),
            vec![1, 2]
        );

        let end = done(&next);
        let decided = Review {
            state: ReviewState::Approved,
            decided_at: Some(at(9)),
            decided_by: Some("olga".into()),
            decision: Some(ReviewDecision::Approve),
            approved_by: vec!["olga".into()],
            revision: 1,
            ..task
        };
        let sent = Action {
            state: ActionState::Confirmed,
            first_sent_at: Some(at(8)),
            external_id: Some("X-9".into()),
            attempts: 1,
            version: 1,
            ..act
        };
        let changes = vec![
            Change::UpdateReview(Box::new(decided.clone())),
            Change::UpdateAction(Box::new(sent.clone())),
            Change::UpdateRun(Box::new(end.clone())),
            Change::DropJob { run: end.id },
        ];
        bed.store
            .apply(about(&end, "run.completed", changes))
            .await
            .unwrap();
        assert_eq!(bed.read.run(end.id).await.unwrap().unwrap(), end);
        assert_eq!(bed.read.review(decided.id).await.unwrap().unwrap(), decided);
        assert_eq!(bed.read.actions_of(end.id).await.unwrap(), vec![sent]);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_conflict_leaves_nothing_behind() {
    each(|bed: Bed| async move {
        let new = run("support", "e1");
        bed.store
            .apply(accept(&new, job(&new, at(0))))
            .await
            .unwrap();
        let next = step(&new, Status::Queued, Step::Generate);
        bed.store
            .apply(about(
                &next,
                "run.queued",
                vec![Change::UpdateRun(Box::new(next.clone()))],
            ))
            .await
            .unwrap();
        // A second decision from the same reading, with other rows before and after the guard.
        let changes = vec![
            Change::InsertPayload(payload(&next, 2, PayloadKind::Snapshot, 20)),
            Change::UpdateRun(Box::new(next.clone())),
            Change::DropJob { run: next.id },
        ];
        let refused = bed
            .store
            .apply(about(&next, "run.queued", changes))
            .await
            .unwrap_err();
        assert_eq!(
            refused,
            ApplyError::Conflict {
                what: next.id.to_string()
            }
        );
        assert_eq!(bed.read.payloads(new.id).await.unwrap().len(), 1);
        assert!(bed.read.job(new.id).await.unwrap().is_some());
        assert_eq!(bed.number("SELECT count(*) FROM audit").await, 2);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_sent_fifty_times_at_once_is_one_run() {
    each(|bed: Bed| async move {
        let mut tasks = Vec::new();
        for i in 0..50 {
            let store = bed.store.clone();
            tasks.push(tokio::spawn(async move {
                let mut new = run("support", "same");
                if i % 10 == 9 {
                    new.body_hash = [8; 32];
                }
                (
                    new.id,
                    new.body_hash,
                    store.apply(accept(&new, job(&new, at(0)))).await,
                )
            }));
        }
        let mut won = Vec::new();
        let mut lost = Vec::new();
        for t in tasks {
            let (id, hash, result) = t.await.unwrap();
            match result {
                Ok(_) => won.push((id, hash)),
                Err(ApplyError::DuplicateEvent { run, same_body }) => {
                    lost.push((run, same_body, hash))
                }
                Err(other) => panic!("{}: {other}", bed.name),
            }
        }
        let [(winner, body)] = won[..] else {
            panic!("{}: {} runs", bed.name, won.len())
        };
        assert_eq!(lost.len(), 49);
        for (run, same_body, hash) in lost {
            assert_eq!((run, same_body), (winner, hash == body));
        }
        assert_eq!(bed.number("SELECT count(*) FROM payloads").await, 1);
        assert_eq!(bed.number("SELECT count(*) FROM jobs").await, 1);
        assert_eq!(bed.number("SELECT count(*) FROM audit").await, 1);
        let found = bed
            .read
            .run_by_event("support", "webhook:ticket", "same")
            .await
            .unwrap()
            .unwrap();
        assert_eq!(found.id, winner);
        assert_eq!(
            bed.read
                .run_by_event("other", "webhook:ticket", "same")
                .await
                .unwrap(),
            None
        );
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_hundred_at_once_are_all_kept_and_counted() {
    each(|bed: Bed| async move {
        let tasks: Vec<_> = (0..200)
            .map(|i| {
                let store = bed.store.clone();
                tokio::spawn(async move {
                    let new = run("support", &format!("e{i}"));
                    store
                        .apply(accept(&new, job(&new, at(0))))
                        .await
                        .unwrap()
                        .audit
                })
            })
            .collect();
        let mut indices = HashSet::new();
        for t in tasks {
            indices.extend(t.await.unwrap());
        }
        assert_eq!(bed.number("SELECT count(*) FROM runs").await, 200);
        assert_eq!(bed.number("SELECT count(*) FROM audit").await, 200);
        if bed.is_sqlite() {
            assert_eq!(indices, (0..200).collect(), "every entry has its own place");
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_bad_decision_among_many_fails_alone() {
    each(|bed: Bed| async move {
        let first = run("support", "e0");
        bed.store
            .apply(accept(&first, job(&first, at(0))))
            .await
            .unwrap();
        let tasks: Vec<_> = (0..60)
            .map(|i| {
                let store = bed.store.clone();
                let stale = step(
                    &step(&first, Status::Queued, Step::Generate),
                    Status::Running,
                    Step::Generate,
                );
                tokio::spawn(async move {
                    if i % 20 == 7 {
                        return store
                            .apply(about(
                                &stale,
                                "run.running",
                                vec![Change::UpdateRun(Box::new(stale.clone()))],
                            ))
                            .await;
                    }
                    let new = run("support", &format!("n{i}"));
                    store.apply(accept(&new, job(&new, at(0)))).await
                })
            })
            .collect();
        let mut failed = 0;
        for t in tasks {
            match t.await.unwrap() {
                Ok(_) => {}
                Err(ApplyError::Conflict { .. }) => failed += 1,
                Err(other) => panic!("{}: {other}", bed.name),
            }
        }
        assert_eq!(failed, 3, "{}", bed.name);
        assert_eq!(bed.number("SELECT count(*) FROM runs").await, 58);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn racing_changes_of_one_row_let_one_through_each_time() {
    each(|bed: Bed| async move {
        let new = run("support", "e1");
        bed.store
            .apply(accept(&new, job(&new, at(0))))
            .await
            .unwrap();
        let next = step(&new, Status::Queued, Step::Generate);
        let tasks: Vec<_> = (0..20)
            .map(|_| {
                let (store, next) = (bed.store.clone(), next.clone());
                tokio::spawn(async move {
                    store
                        .apply(about(
                            &next,
                            "run.queued",
                            vec![Change::UpdateRun(Box::new(next.clone()))],
                        ))
                        .await
                        .is_ok()
                })
            })
            .collect();
        let mut through = 0;
        for t in tasks {
            through += usize::from(t.await.unwrap());
        }
        assert_eq!(through, 1, "{}", bed.name);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_that_make_no_sense_are_refused() {
    each(|bed: Bed| async move {
        let mut headless = run("support", "e1");
        headless.state.status = Status::Completed;
        let refused = bed
            .store
            .apply(accept(&headless, job(&headless, at(0))))
            .await
            .unwrap_err();
        assert!(
            matches!(refused, ApplyError::Illegal(_)),
            "{}: {refused}",
            bed.name
        );
        let mut unowned = run("support", "e2");
        unowned.state.status = Status::InReview;
        let refused = bed
            .store
            .apply(accept(&unowned, job(&unowned, at(0))))
            .await
            .unwrap_err();
        assert!(
            matches!(refused, ApplyError::Illegal(_)),
            "{}: {refused}",
            bed.name
        );
        let new = run("support", "e3");
        let mut bold = action(&new, 0, 1);
        bold.authorised_by = None;
        bold.state = ActionState::Sending;
        let mut decision = accept(&new, job(&new, at(0)));
        decision.changes.push(Change::InsertAction(Box::new(bold)));
        let refused = bed.store.apply(decision).await.unwrap_err();
        assert!(
            matches!(refused, ApplyError::Illegal(_)),
            "{}: {refused}",
            bed.name
        );
        assert_eq!(bed.number("SELECT count(*) FROM audit").await, 0);
        assert_eq!(bed.number("SELECT count(*) FROM runs").await, 0);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn rare_changes_have_guards_too() {
    each(|bed: Bed| async move {
        let rel = release("support", 1);
        let flow = workflow("support", rel.id);
        let tok = token(1);
        let changes = vec![
            Change::InsertRelease(Box::new(rel.clone())),
            Change::PutWorkflow(Box::new(flow.clone())),
            Change::InsertRuleSet(Box::new(ruleset("support", 1))),
            Change::PutPerson(person("olga")),
            Change::InsertToken(Box::new(tok.clone())),
            Change::PutCursor(Cursor {
                workflow: "support".into(),
                trigger: "inbox".into(),
                value: "7".into(),
            }),
        ];
        let install = decide(
            Subject::Workflow("support".into()),
            "workflow.installed",
            changes,
        );
        bed.store.apply(install.clone()).await.unwrap();
        assert!(matches!(
            bed.store.apply(install).await,
            Err(ApplyError::Conflict { .. })
        ));
        let one = |change| decide(Subject::Instance, "x", vec![change]);
        let to_withdrawn = Change::SetReleaseState {
            id: rel.id,
            from: ReleaseState::Live,
            to: ReleaseState::RolledBack,
        };
        bed.store.apply(one(to_withdrawn.clone())).await.unwrap();
        assert!(matches!(
            bed.store.apply(one(to_withdrawn)).await,
            Err(ApplyError::Conflict { .. })
        ));
        let revoke = Change::RevokeToken {
            id: tok.id,
            at: at(3),
        };
        bed.store.apply(one(revoke.clone())).await.unwrap();
        assert!(matches!(
            bed.store.apply(one(revoke)).await,
            Err(ApplyError::Conflict { .. })
        ));
        let nowhere = Change::MoveRuleSet {
            from: RuleSetState::Active,
            row: Box::new(ruleset("support", 9)),
        };
        assert!(matches!(
            bed.store.apply(one(nowhere)).await,
            Err(ApplyError::Conflict { .. })
        ));
        let mut again = flow.clone();
        again.version = 1;
        again.title = "New title".into();
        bed.store
            .apply(one(Change::PutWorkflow(Box::new(again.clone()))))
            .await
            .unwrap();
        assert!(matches!(
            bed.store
                .apply(one(Change::PutWorkflow(Box::new(again.clone()))))
                .await,
            Err(ApplyError::Conflict { .. })
        ));
        assert_eq!(bed.read.workflow("support").await.unwrap().unwrap(), again);
        let moved = Person {
            active: false,
            ..person("olga")
        };
        let cursor = Cursor {
            workflow: "support".into(),
            trigger: "inbox".into(),
            value: "8".into(),
        };
        bed.store
            .apply(one(Change::PutPerson(moved.clone())))
            .await
            .unwrap();
        bed.store
            .apply(one(Change::PutCursor(cursor.clone())))
            .await
            .unwrap();
        assert_eq!(bed.read.person("olga").await.unwrap().unwrap(), moved);
        assert_eq!(
            bed.read.cursor("support", "inbox").await.unwrap().unwrap(),
            cursor
        );
    })
    .await;
}
