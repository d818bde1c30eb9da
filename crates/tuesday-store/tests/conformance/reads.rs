//! Pages, counts and sweeps.

use tuesday_domain::id::{ReviewId, RunId};
use tuesday_domain::record::*;
use tuesday_domain::review::ReviewState;
use tuesday_domain::run::{Outcome, Status, Step};
use tuesday_domain::time::Timestamp;
use tuesday_store::{IntakeFilter, QueueFilter, RunFilter};

use crate::bed::{Bed, each};
use crate::rows::*;

#[tokio::test(flavor = "multi_thread")]
async fn pages_of_runs_are_newest_first_and_complete() {
    each(|bed: Bed| async move {
        let mut made = Vec::new();
        for i in 0..12 {
            let mut new = run(
                if i % 3 == 0 { "deals" } else { "support" },
                &format!("e{i}"),
            );
            new.batch = if i < 6 {
                "2026-11-17".into()
            } else {
                "2026-11-18".into()
            };
            new.subject = format!("Über 100% of case_{i}");
            bed.store
                .apply(accept(&new, job(&new, at(0))))
                .await
                .unwrap();
            made.push(new);
        }
        let end = done(&made[1]);
        bed.store
            .apply(about(
                &end,
                "run.completed",
                vec![Change::UpdateRun(Box::new(end.clone()))],
            ))
            .await
            .unwrap();
        let pages = |filter: RunFilter| {
            let read = bed.read.clone();
            async move {
                let (mut all, mut after) = (Vec::<RunId>::new(), None);
                loop {
                    let page = read.run_page(&filter, after, 2).await.unwrap();
                    let Some(last) = page.last() else { return all };
                    after = Some(last.id);
                    all.extend(page.iter().map(|r| r.id));
                }
            }
        };
        let want = |keep: &dyn Fn(usize) -> bool| -> Vec<RunId> {
            (0..12)
                .rev()
                .filter(|i| keep(*i))
                .map(|i| made[i].id)
                .collect()
        };
        let any = RunFilter::default;
        assert_eq!(pages(any()).await, want(&|_| true), "{}", bed.name);
        let support = RunFilter {
            workflow: Some("support".into()),
            ..any()
        };
        assert_eq!(pages(support.clone()).await, want(&|i| i % 3 != 0));
        assert_eq!(
            pages(RunFilter {
                day: Some("2026-11-18".into()),
                ..support.clone()
            })
            .await,
            want(&|i| i % 3 != 0 && i >= 6)
        );
        assert_eq!(
            pages(RunFilter {
                status: Some(Status::Completed),
                ..any()
            })
            .await,
            want(&|i| i == 1)
        );
        assert_eq!(
            pages(RunFilter {
                status: Some(Status::Received),
                ..any()
            })
            .await
            .len(),
            11
        );
        assert_eq!(
            pages(RunFilter {
                outcome: Some(Outcome::WrittenBack),
                ..support.clone()
            })
            .await,
            want(&|i| i == 1)
        );
        // Pages stay full and in order when only some workflows may be seen.
        let among = |names: &[&str]| RunFilter {
            among: Some(names.iter().map(|n| (*n).to_owned()).collect()),
            ..any()
        };
        assert_eq!(
            pages(among(&["support"])).await,
            pages(support.clone()).await
        );
        assert_eq!(pages(among(&[])).await.len(), 0);
        assert_eq!(
            pages(among(&["support", "nowhere"])).await,
            pages(support.clone()).await
        );
        assert_eq!(
            pages(RunFilter {
                text: Some("CASE_7".into()),
                ..any()
            })
            .await,
            want(&|i| i == 7)
        );
        assert_eq!(
            pages(RunFilter {
                text: Some("100% of".into()),
                ..any()
            })
            .await
            .len(),
            12
        );
        assert_eq!(
            pages(RunFilter {
                text: Some("100_ of".into()),
                ..any()
            })
            .await
            .len(),
            0
        );
        assert_eq!(
            pages(RunFilter {
                text: Some("e4".into()),
                ..any()
            })
            .await,
            want(&|i| i == 4)
        );
        let counts = bed.read.run_counts().await.unwrap();
        assert_eq!(counts.iter().map(|c| c.runs).sum::<u64>(), 12);
        let totals = bed
            .read
            .batch_totals("support", "2026-11-17")
            .await
            .unwrap();
        assert_eq!(
            totals
                .iter()
                .map(|t| (t.status, t.runs))
                .collect::<Vec<_>>(),
            vec![(Status::Completed, 1), (Status::Received, 3)]
        );
        assert_eq!(bed.read.overdue_runs(at(3599), 50).await.unwrap().len(), 0);
        assert_eq!(
            bed.read.overdue_runs(at(3600), 50).await.unwrap().len(),
            11,
            "an ended run is never overdue"
        );
        assert_eq!(bed.read.overdue_runs(at(3600), 3).await.unwrap().len(), 3);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_queue_pages_counts_and_sweeps() {
    each(|bed: Bed| async move {
        let mut tasks = Vec::new();
        for i in 0..9_u64 {
            let new = run(
                if i % 3 == 0 { "deals" } else { "support" },
                &format!("e{i}"),
            );
            // Due times repeat, so that the id has to break ties.
            let mut task = review(
                &new,
                if i % 2 == 0 { "olga" } else { "lena" },
                at(60 + i / 4),
            );
            if i == 8 {
                task.state = ReviewState::Claimed;
                task.claimed_by = Some("olga".into());
                task.claim_until = Some(at(30));
            }
            if i == 7 {
                task.state = ReviewState::Superseded;
            }
            if i == 6 {
                task.state = ReviewState::Suspended;
            }
            let held = in_review(&new, "olga");
            let changes = vec![
                Change::InsertRun(Box::new(Run { version: 0, ..held })),
                Change::InsertReview(Box::new(task.clone())),
            ];
            bed.store
                .apply(about(&new, "run.in_review", changes))
                .await
                .unwrap();
            tasks.push(task);
        }
        let any = QueueFilter::default;
        let pages = |filter: QueueFilter| {
            let read = bed.read.clone();
            async move {
                let (mut all, mut after): (Vec<ReviewId>, Option<(Timestamp, ReviewId)>) =
                    (vec![], None);
                loop {
                    let page = read.review_page(&filter, after, 2).await.unwrap();
                    let Some(last) = page.last() else { return all };
                    after = Some((last.due_at, last.id));
                    all.extend(page.iter().map(|r| r.id));
                }
            }
        };
        let want = |keep: &[usize]| keep.iter().map(|i| tasks[*i].id).collect::<Vec<_>>();
        assert_eq!(
            pages(any()).await,
            want(&[0, 1, 2, 3, 4, 5, 6, 8]),
            "{}",
            bed.name
        );
        assert_eq!(
            pages(QueueFilter {
                owner: Some("lena".into()),
                ..any()
            })
            .await,
            want(&[1, 3, 5])
        );
        assert_eq!(
            pages(QueueFilter {
                workflow: Some("deals".into()),
                ..any()
            })
            .await,
            want(&[0, 3, 6])
        );
        assert_eq!(
            pages(QueueFilter {
                claimed_by: Some("olga".into()),
                ..any()
            })
            .await,
            want(&[8])
        );
        assert_eq!(
            pages(QueueFilter {
                states: vec![ReviewState::Superseded],
                ..any()
            })
            .await,
            want(&[7])
        );
        assert_eq!(
            pages(QueueFilter {
                states: vec![ReviewState::Suspended],
                ..any()
            })
            .await,
            want(&[6])
        );
        assert_eq!(
            pages(QueueFilter {
                text: Some("ticket E3".into()),
                ..any()
            })
            .await,
            want(&[3])
        );
        assert_eq!(
            pages(QueueFilter {
                tier: Some("gold".into()),
                ..any()
            })
            .await,
            want(&[])
        );
        let counts = bed.read.review_counts(&any()).await.unwrap();
        assert_eq!(counts.iter().map(|c| c.tasks).sum::<u64>(), 8);
        let lena = QueueFilter {
            owner: Some("lena".into()),
            ..any()
        };
        assert_eq!(
            bed.read
                .review_counts(&lena)
                .await
                .unwrap()
                .iter()
                .map(|c| c.tasks)
                .sum::<u64>(),
            3
        );
        let due = bed.read.due_reviews(at(61), at(0), 50).await.unwrap();
        assert_eq!(
            due.iter().map(|r| r.id).collect::<Vec<_>>(),
            want(&[0, 1, 2, 3, 4, 5])
        );
        assert_eq!(bed.read.expired_claims(at(29), 50).await.unwrap().len(), 0);
        assert_eq!(
            bed.read.expired_claims(at(30), 50).await.unwrap()[0].id,
            tasks[8].id
        );
        assert_eq!(
            bed.read.overdue_runs(at(9000), 50).await.unwrap().len(),
            0,
            "people's time is not the machine's"
        );
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_rest_is_read_back_too() {
    each(|bed: Bed| async move {
        let one = |change| decide(Subject::Instance, "x", vec![change]);
        let refused = intake("support");
        let newer = Intake {
            owner: "lena".into(),
            ..intake("support")
        };
        bed.store
            .apply(one(Change::InsertIntake(Box::new(refused.clone()))))
            .await
            .unwrap();
        bed.store
            .apply(one(Change::InsertIntake(Box::new(newer.clone()))))
            .await
            .unwrap();
        let page = bed
            .read
            .intake_page(&IntakeFilter::default(), None, 1)
            .await
            .unwrap();
        assert_eq!(page, vec![newer.clone()], "{}", bed.name);
        assert_eq!(
            bed.read
                .intake_page(&IntakeFilter::default(), Some(newer.id), 5)
                .await
                .unwrap(),
            vec![refused.clone()]
        );
        let lena = IntakeFilter {
            among: Some(vec!["deals".into(), "support".into()]),
            owner: Some("lena".into()),
            verdict: Some(IntakeVerdict::Refused),
            workflow: None,
        };
        assert_eq!(bed.read.intake_page(&lena, None, 5).await.unwrap().len(), 1);
        let again = Intake {
            verdict: IntakeVerdict::Resubmitted,
            run: Some(RunId::new(new_id())),
            version: 1,
            ..refused
        };
        bed.store
            .apply(one(Change::UpdateIntake(Box::new(again.clone()))))
            .await
            .unwrap();
        assert_eq!(bed.read.intake(again.id).await.unwrap().unwrap(), again);

        let note = notice("olga", at(10));
        bed.store
            .apply(one(Change::InsertNotice(Box::new(note.clone()))))
            .await
            .unwrap();
        assert_eq!(bed.read.waiting_notices(at(9), 5).await.unwrap(), vec![]);
        assert_eq!(
            bed.read.waiting_notices(at(10), 5).await.unwrap(),
            vec![note.clone()]
        );
        let sent = Notice {
            state: NoticeState::Sent,
            attempts: 1,
            version: 1,
            ..note
        };
        bed.store
            .apply(one(Change::UpdateNotice(Box::new(sent.clone()))))
            .await
            .unwrap();
        assert_eq!(bed.read.waiting_notices(at(99), 5).await.unwrap(), vec![]);
        assert_eq!(bed.read.notices_of("olga", 5).await.unwrap(), vec![sent]);

        let (first, second) = (release("support", 1), release("support", 2));
        let tok = token(4);
        let changes = vec![
            Change::InsertRelease(Box::new(first.clone())),
            Change::InsertRelease(Box::new(second.clone())),
            Change::PutWorkflow(Box::new(workflow("support", second.id))),
            Change::InsertRuleSet(Box::new(ruleset("support", 1))),
            Change::InsertRuleSet(Box::new(ruleset("support", 2))),
            Change::InsertToken(Box::new(tok.clone())),
            Change::PutPerson(person("olga")),
        ];
        bed.store
            .apply(decide(
                Subject::Workflow("support".into()),
                "workflow.installed",
                changes,
            ))
            .await
            .unwrap();
        assert_eq!(
            bed.read.workflows().await.unwrap(),
            vec![workflow("support", second.id)]
        );
        assert_eq!(bed.read.release(first.id).await.unwrap().unwrap(), first);
        assert_eq!(
            bed.read.releases("support").await.unwrap(),
            vec![second.clone(), first]
        );
        assert_eq!(
            bed.read.live_release("support").await.unwrap().unwrap(),
            second
        );
        assert_eq!(bed.read.live_release("none").await.unwrap(), None);
        assert_eq!(
            bed.read.ruleset("support", 2).await.unwrap().unwrap(),
            ruleset("support", 2)
        );
        assert_eq!(bed.read.rulesets("support").await.unwrap().len(), 2);
        assert_eq!(
            bed.read.token_by_hash(&[4; 32]).await.unwrap().unwrap(),
            tok
        );
        assert_eq!(bed.read.tokens().await.unwrap(), vec![tok]);
        assert_eq!(bed.read.people().await.unwrap(), vec![person("olga")]);

        let new = run("support", "e1");
        bed.store
            .apply(accept(&new, job(&new, at(0))))
            .await
            .unwrap();
        let body = bed.read.payload(new.id, 1).await.unwrap().unwrap();
        assert_eq!(body, payload(&new, 1, PayloadKind::Event, 2048));
        assert_eq!(bed.read.payload(new.id, 2).await.unwrap(), None);
        assert_eq!(
            bed.read
                .work(RunId::new(new_id()))
                .await
                .unwrap()
                .map(|w| w.run.id),
            None
        );
        let waiting = step(&new, Status::Received, Step::Snapshot);
        bed.store
            .apply(about(
                &waiting,
                "run.retry",
                vec![Change::UpdateRun(Box::new(waiting.clone()))],
            ))
            .await
            .unwrap();
        assert_eq!(
            bed.read.work(new.id).await.unwrap().unwrap().job,
            Some(job(&new, at(0)))
        );
    })
    .await;
}
