//! The queue as people see it, and the rows around review tasks.

use std::collections::BTreeMap;
use std::time::Duration;

use tuesday_domain::id::{ProblemReportId, ReviewId};
use tuesday_domain::record::*;
use tuesday_domain::review::{ReviewKind, ReviewState};
use tuesday_domain::run::Reason;
use tuesday_store::{ApplyError, DueGroup, ProblemFilter, QueueFilter, QueuePlace, QueueTimes};

use crate::bed::{Bed, each};
use crate::rows::*;

const WORKFLOWS: [&str; 3] = ["deals", "support", "triage"];

fn desk(change: DeskChange) -> Decision {
    decide(
        Subject::Instance,
        "desk",
        vec![Change::Desk(Box::new(change))],
    )
}

fn times() -> QueueTimes {
    QueueTimes {
        now: at(10_000),
        day_end: at(20_000),
    }
}

/// Fifty tasks of every kind, some decided.
async fn fill(bed: &Bed) -> Vec<Review> {
    let mut made = Vec::new();
    for i in 0_u64..50 {
        let run = run(WORKFLOWS[(i % 3) as usize], &format!("e{i}"));
        bed.store
            .apply(accept(&run, job(&run, at(0))))
            .await
            .unwrap();
        let owner = ["olga", "pia"][(i % 2) as usize];
        let mut task = review(&run, owner, at((i * 7_919) % 30_000));
        task.tier = ["standard", "deal"][(i / 2 % 2) as usize].to_owned();
        if i % 5 == 0 {
            task.kind = ReviewKind::Input;
            task.reason = Reason::MissingInput;
        }
        if i % 4 == 1 {
            task.state = ReviewState::Claimed;
            task.claimed_by = Some("quentin".into());
            task.claim_until = Some(at(12_000));
        }
        if i == 7 {
            task.note = Some("Please ask Legal first".into());
        }
        if i % 10 == 9 {
            task.state = ReviewState::Approved;
            task.claimed_by = None;
            task.claim_until = None;
            task.decided_by = Some("pia".into());
            task.decided_at = Some(at(9_000));
            task.decision = Some(ReviewDecision::Approve);
        }
        let insert = Change::InsertReview(Box::new(task.clone()));
        bed.store
            .apply(about(&run, "review.opened", vec![insert]))
            .await
            .unwrap();
        made.push(task);
    }
    made
}

fn rank(workflow: &str) -> PriorityClass {
    match workflow {
        "triage" => PriorityClass::High,
        "deals" => PriorityClass::Low,
        _ => PriorityClass::Normal,
    }
}

fn fits(f: &QueueFilter, t: &Review) -> bool {
    let is = |want: &Option<String>, has: &str| want.as_deref().is_none_or(|w| w == has);
    let on = t.claimed_by.as_deref();
    !t.state.is_decided()
        && is(&f.workflow, &t.workflow)
        && f.among.as_ref().is_none_or(|a| a.contains(&t.workflow))
        && is(&f.owner, &t.owner)
        && is(&f.tier, &t.tier)
        && f.claimed_by.as_deref().is_none_or(|w| on == Some(w))
        && f.mine
            .as_deref()
            .is_none_or(|m| t.owner == m || on == Some(m))
        && !(f.unclaimed && t.state == ReviewState::Claimed)
        && f.kind.is_none_or(|k| k == t.kind)
        && f.reason.is_none_or(|r| r == t.reason)
        && f.due.is_none_or(|d| d == times().group(t.due_at))
}

fn filters(some: &Review) -> Vec<QueueFilter> {
    let text = |t: &str| Some(t.to_owned());
    let any = QueueFilter {
        me: text("pia"),
        ..QueueFilter::default()
    };
    vec![
        any.clone(),
        QueueFilter {
            workflow: text("triage"),
            ..any.clone()
        },
        QueueFilter {
            owner: text("olga"),
            kind: Some(ReviewKind::Input),
            ..any.clone()
        },
        QueueFilter {
            mine: text("quentin"),
            due: Some(DueGroup::Overdue),
            ..any.clone()
        },
        QueueFilter {
            unclaimed: true,
            tier: text("deal"),
            ..any.clone()
        },
        QueueFilter {
            claimed_by: text("quentin"),
            reason: Some(Reason::MissingInput),
            ..any.clone()
        },
        QueueFilter {
            due: Some(DueGroup::Later),
            ..any.clone()
        },
        QueueFilter {
            among: Some(vec!["triage".into(), "deals".into()]),
            ..any.clone()
        },
        QueueFilter {
            among: Some(vec!["deals".into()]),
            workflow: text("triage"),
            ..any.clone()
        },
        QueueFilter {
            among: Some(Vec::new()),
            ..any.clone()
        },
        QueueFilter {
            due: Some(DueGroup::Today),
            workflow: some.workflow.clone().into(),
            ..any
        },
    ]
}

/// Every page of a filter, three tasks at a time.
async fn walk(bed: &Bed, filter: &QueueFilter) -> Vec<(PriorityClass, ReviewId)> {
    let (mut all, mut after) = (Vec::new(), None::<QueuePlace>);
    loop {
        let page = bed.read.queue(filter, times(), after, 3).await.unwrap();
        all.extend(page.rows.iter().map(|r| (r.class, r.review.id)));
        match page.next {
            // A place survives its own text, which is how it travels in addresses.
            Some(next) => after = Some(next.to_string().parse().unwrap()),
            None => return all,
        }
    }
}

async fn set_priorities(bed: &Bed) {
    for name in WORKFLOWS {
        if rank(name) != PriorityClass::Normal {
            let change = DeskChange::PutPriority(WorkflowPriority {
                workflow: name.into(),
                class: rank(name),
                set_by: "sam".into(),
                reason: "quarter end".into(),
                set_at: at(1),
            });
            bed.store.apply(desk(change)).await.unwrap();
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_queue_is_in_order_complete_and_exactly_counted() {
    each(|bed: Bed| async move {
        let made = fill(&bed).await;
        set_priorities(&bed).await;
        for f in filters(&made[0]) {
            let mut want: Vec<_> = made.iter().filter(|t| fits(&f, t)).collect();
            want.sort_by_key(|t| (rank(&t.workflow), t.due_at, t.id));
            let want: Vec<_> = want.iter().map(|t| (rank(&t.workflow), t.id)).collect();
            assert_eq!(walk(&bed, &f).await, want, "{}: {f:?}", bed.name);

            let counts = bed.read.queue_counts(&f, times()).await.unwrap();
            let count = |f: &QueueFilter| made.iter().filter(|t| fits(f, t)).count() as u64;
            assert_eq!(counts.total, count(&f), "{}: {f:?}", bed.name);
            let no_group = QueueFilter {
                due: None,
                ..f.clone()
            };
            for group in DueGroup::ALL {
                let there = QueueFilter {
                    due: Some(group),
                    ..no_group.clone()
                };
                assert_eq!(group.of(&counts), count(&there), "{}: {f:?}", bed.name);
            }
            let whoever = QueueFilter {
                mine: None,
                unclaimed: false,
                ..f.clone()
            };
            assert_eq!(counts.all, count(&whoever), "{f:?}");
            let mine = QueueFilter {
                mine: f.me.clone(),
                ..whoever.clone()
            };
            assert_eq!(counts.mine, count(&mine), "{f:?}");
            let unclaimed = QueueFilter {
                unclaimed: true,
                ..whoever
            };
            assert_eq!(counts.unclaimed, count(&unclaimed), "{f:?}");
            let by_workflow: BTreeMap<_, _> = WORKFLOWS
                .into_iter()
                .map(|w| {
                    (
                        w.to_owned(),
                        count(&QueueFilter {
                            workflow: Some(w.into()),
                            ..f.clone()
                        }),
                    )
                })
                .filter(|(_, n)| *n > 0)
                .collect();
            assert_eq!(counts.workflows, by_workflow, "{}: {f:?}", bed.name);
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_next_ones_and_what_words_find() {
    each(|bed: Bed| async move {
        let made = fill(&bed).await;
        let all = walk(&bed, &QueueFilter::default()).await;
        let at_fourth = bed.read.queue_place(all[3].1).await.unwrap();
        let next = bed
            .read
            .queue_after(&QueueFilter::default(), times(), at_fourth, 2)
            .await
            .unwrap();
        let next: Vec<_> = next.iter().map(|r| r.review.id).collect();
        assert_eq!(next, [all[4].1, all[5].1], "{}", bed.name);
        for (text, want) in [
            ("TICKET E21", vec![21]),
            ("please ask", vec![7]),
            ("ask legal", vec![]),
            ("100%", vec![]),
            (&made[13].run.to_string(), vec![13]),
            (&made[14].id.to_string(), vec![14]),
        ] {
            let filter = QueueFilter {
                text: Some(text.to_owned()),
                ..QueueFilter::default()
            };
            let found: Vec<_> = walk(&bed, &filter).await.into_iter().map(|f| f.1).collect();
            let want: Vec<_> = want.into_iter().map(|i: usize| made[i].id).collect();
            assert_eq!(found, want, "{}: {text}", bed.name);
            let counts = bed.read.queue_counts(&filter, times()).await.unwrap();
            assert_eq!(counts.total, want.len() as u64, "{}: {text}", bed.name);
        }
        let row = &bed
            .read
            .queue(&QueueFilter::default(), times(), None, 1)
            .await
            .unwrap()
            .rows[0];
        assert_eq!(row.age, Duration::from_secs(9_998));
        assert_eq!(row.group, DueGroup::Overdue);
        assert!("normal.5".parse::<QueuePlace>().is_err());
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn tasks_of_people_and_claims_that_run_on() {
    each(|bed: Bed| async move {
        let made = fill(&bed).await;
        let with = bed
            .read
            .reviews_with(&["quentin".into()], None, 100)
            .await
            .unwrap();
        let open = made.iter().filter(|t| !t.state.is_decided());
        let held: Vec<_> = open.filter(|t| t.claimed_by.is_some()).collect();
        assert_eq!(with.len(), held.len(), "{}", bed.name);
        assert!(
            bed.read
                .reviews_with(&[], None, 100)
                .await
                .unwrap()
                .is_empty()
        );
        let renew = |by: &str| DeskChange::RenewClaim {
            review: held[0].id,
            by: by.into(),
            until: at(15_000),
        };
        bed.store.apply(desk(renew("quentin"))).await.unwrap();
        let now = bed.read.review(held[0].id).await.unwrap().unwrap();
        assert_eq!(
            (now.claim_until, now.revision),
            (Some(at(15_000)), held[0].revision)
        );
        let refused = bed.store.apply(desk(renew("pia"))).await.unwrap_err();
        assert!(
            matches!(refused, ApplyError::Conflict { .. }),
            "{}: {refused}",
            bed.name
        );

        let mut last = made[0].clone();
        last.exhausted_at = Some(at(500));
        last.revision += 1;
        let change = Change::UpdateReview(Box::new(last.clone()));
        bed.store
            .apply(decide(Subject::Instance, "told", vec![change]))
            .await
            .unwrap();
        let due = |told: u64| {
            let read = bed.read.clone();
            async move { read.due_reviews(at(90_000), at(told), 100).await.unwrap() }
        };
        assert!(
            due(499).await.iter().all(|r| r.id != last.id),
            "{}",
            bed.name
        );
        assert!(
            due(500).await.iter().any(|r| r.id == last.id),
            "{}",
            bed.name
        );
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn views_come_and_go() {
    each(|bed: Bed| async move {
        let mut view = SavedView {
            person: "pia".into(),
            name: "Late deals".into(),
            query: "due=overdue".into(),
            created_at: at(5),
        };
        bed.store
            .apply(desk(DeskChange::PutView(view.clone())))
            .await
            .unwrap();
        view.query = "due=overdue&workflow=deals".into();
        bed.store
            .apply(desk(DeskChange::PutView(view.clone())))
            .await
            .unwrap();
        assert_eq!(
            bed.read.saved_views("pia").await.unwrap(),
            [view],
            "{}",
            bed.name
        );
        assert!(bed.read.saved_views("olga").await.unwrap().is_empty());
        let drop = || DeskChange::DropView {
            person: "pia".into(),
            name: "Late deals".into(),
        };
        bed.store.apply(desk(drop())).await.unwrap();
        assert!(matches!(
            bed.store.apply(desk(drop())).await.unwrap_err(),
            ApplyError::Conflict { .. }
        ));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn oversight_rows_are_kept_and_summed() {
    each(|bed: Bed| async move {
        let made = fill(&bed).await;
        let decided = &made[9];
        let read = |visible_ms, last| ReviewRead {
            review: decided.id,
            person: "pia".into(),
            revision: 1,
            visible_ms,
            dropped: u32::from(last == 20),
            last_at: at(last),
            run: decided.run,
            opened_at: at(last),
        };
        bed.store
            .apply(desk(DeskChange::PutRead(read(700, 10))))
            .await
            .unwrap();
        bed.store
            .apply(desk(DeskChange::PutRead(read(1_900, 20))))
            .await
            .unwrap();
        let reads = bed.read.review_reads(decided.id, "pia").await.unwrap();
        assert_eq!((reads.len(), reads[0].visible_ms), (1, 1_900));
        assert_eq!(
            (reads[0].opened_at, reads[0].last_at),
            (at(10), at(20)),
            "{}",
            bed.name
        );
        let figures = bed.read.read_figures(at(0), at(99_000)).await.unwrap();
        let opened: Vec<_> = figures.iter().filter_map(|f| f.visible_ms).collect();
        // Of the five decided tasks, those about inputs are not approvals of outputs.
        let outputs = made
            .iter()
            .filter(|t| t.state.is_decided() && t.kind == ReviewKind::Output);
        assert_eq!(
            (figures.len(), opened),
            (outputs.count(), vec![1_900]),
            "{}",
            bed.name
        );
        assert_eq!(bed.read.recent_decisions(at(9_001), 9).await.unwrap(), []);

        let mut look = SecondLook {
            run: made[3].run,
            review: None,
            result: None,
            reason: None,
            looked_by: None,
            looked_at: None,
            version: 0,
            workflow: "deals".into(),
            tier: String::new(),
            basis: SecondLookBasis::Automatic,
            approved_by: "rule:r1@1".into(),
            share_ppm: 50_000,
            draw: 49_999,
            drawn_at: at(30),
        };
        bed.store
            .apply(desk(DeskChange::InsertSecondLook(look.clone())))
            .await
            .unwrap();
        assert!(
            bed.read.waiting_looks(9).await.unwrap().is_empty(),
            "the run is not over"
        );
        look.review = Some(made[3].id);
        look.version = 1;
        bed.store
            .apply(desk(DeskChange::UpdateSecondLook(look.clone())))
            .await
            .unwrap();
        assert_eq!(
            bed.read.second_look(made[3].run).await.unwrap(),
            Some(look.clone())
        );
        let over = SecondLook {
            run: made[4].run,
            draw: 50_000,
            version: 0,
            ..look
        };
        let refused = bed
            .store
            .apply(desk(DeskChange::InsertSecondLook(over)))
            .await;
        assert!(
            refused.is_err(),
            "{}: a draw above the share is no second look",
            bed.name
        );
        for workflow in [None, Some("deals")] {
            let looks = bed.read.look_figures(workflow, at(0), at(99)).await;
            let looks = looks.unwrap();
            assert_eq!((looks.len(), looks[0].looks, looks[0].result), (1, 1, None));
        }
        let other = bed.read.look_figures(Some("support"), at(0), at(99)).await;
        assert_eq!(other.unwrap(), []);

        let mut seed = Seed {
            run: made[5].run,
            result: None,
            decided_by: None,
            decided_at: None,
            version: 0,
            workflow: "triage".into(),
            tier: "standard".into(),
            fault: "the amount is the tax".into(),
            placed_by: "olga".into(),
            placed_at: at(40),
            field: "amount".into(),
            made_from: Some(made[6].run),
        };
        bed.store
            .apply(desk(DeskChange::InsertSeed(seed.clone())))
            .await
            .unwrap();
        seed.result = Some(SeedResult::Missed);
        seed.decided_by = Some("pia".into());
        seed.decided_at = Some(at(50));
        seed.version = 1;
        bed.store
            .apply(desk(DeskChange::UpdateSeed(seed.clone())))
            .await
            .unwrap();
        assert_eq!(bed.read.seed(seed.run).await.unwrap(), Some(seed));
        let seeds = bed.read.seed_figures(at(0), at(99)).await.unwrap();
        assert_eq!((seeds.len(), seeds[0].seeds), (1, 1));
        assert_eq!(seeds[0].result, Some(SeedResult::Missed), "{}", bed.name);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn delivered_runs_and_the_visits_to_them() {
    each(|bed: Bed| async move {
        for i in 0..4 {
            let new = run("support", &format!("e{i}"));
            bed.store
                .apply(accept(&new, job(&new, at(0))))
                .await
                .unwrap();
            let end = done(&new);
            let change = Change::UpdateRun(Box::new(end.clone()));
            bed.store
                .apply(about(&end, "run.completed", vec![change]))
                .await
                .unwrap();
            if i == 0 {
                for last in [60, 70] {
                    let visit = RunVisit {
                        run: new.id,
                        person: "pia".into(),
                        last_at: at(last),
                        first_at: at(last),
                    };
                    bed.store
                        .apply(desk(DeskChange::PutVisit(visit)))
                        .await
                        .unwrap();
                }
                let seen = bed.read.run_visit(new.id, "pia").await.unwrap().unwrap();
                assert_eq!(
                    (seen.first_at, seen.last_at),
                    (at(60), at(70)),
                    "{}",
                    bed.name
                );
            }
        }
        let found = bed
            .read
            .visit_figures("support", "2026-11-17", "2026-11-17")
            .await
            .unwrap();
        assert_eq!(found.len(), 1, "{}", bed.name);
        assert_eq!(
            (found[0].asked, found[0].delivered, found[0].visited),
            (false, 4, 1)
        );
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mail_is_taken_once() {
    each(|bed: Bed| async move {
        let mail = |key: &str, outcome: MailOutcome, second: u64| ReportMail {
            key: key.into(),
            outcome,
            report: outcome.is_report().then(|| ProblemReportId::new(new_id())),
            size_bytes: 9,
            at: at(second),
        };
        let put = |m: &ReportMail| desk(DeskChange::InsertMail(m.clone()));
        let first = mail("one", MailOutcome::Reported, 1);
        bed.store.apply(put(&first)).await.unwrap();
        let again = bed
            .store
            .apply(put(&mail("one", MailOutcome::Automatic, 2)));
        assert!(
            matches!(again.await, Err(ApplyError::Conflict { .. })),
            "{}",
            bed.name
        );
        let loops = mail("two", MailOutcome::Automatic, 3);
        let many = mail("three", MailOutcome::TooMany, 4);
        for m in [&loops, &many] {
            bed.store.apply(put(m)).await.unwrap();
        }
        assert_eq!(bed.read.report_mail("one").await.unwrap(), Some(first));
        assert_eq!(bed.read.report_mail("four").await.unwrap(), None);
        let aside = bed.read.mails_aside(9).await.unwrap();
        assert_eq!(aside, [many.clone(), loops.clone()]);
        let since = |s: u64| bed.read.mails_since(MailOutcome::TooMany, at(s));
        assert_eq!(since(4).await.unwrap(), 1);
        assert_eq!(since(5).await.unwrap(), 0);
        // A report without its id, and an id of what is none.
        for wrong in [
            ReportMail {
                report: None,
                ..mail("five", MailOutcome::TooLarge, 5)
            },
            ReportMail {
                report: Some(ProblemReportId::new(new_id())),
                ..mail("six", MailOutcome::TooMany, 5)
            },
        ] {
            assert!(bed.store.apply(put(&wrong)).await.is_err(), "{}", bed.name);
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn problem_reports_are_found_by_what_they_say() {
    each(|bed: Bed| async move {
        let new = run("support", "e1");
        bed.store
            .apply(accept(&new, job(&new, at(0))))
            .await
            .unwrap();
        let mut report = ProblemReport {
            id: ProblemReportId::new(new_id()),
            state: ProblemState::New,
            owner: "olga".into(),
            due_at: at(100),
            answer: None,
            answered_by: None,
            answered_at: None,
            fix_layer: None,
            without_code: None,
            minutes: None,
            version: 0,
            kind: ProblemKind::Wrong,
            words: "The <script>price</script> is off by 100%".into(),
            reported_by: "customer@example.org".into(),
            workflow: Some("support".into()),
            run: Some(new.id),
            tied_by: ProblemTie::Run,
            asked_for: Some(new.id.to_string()),
            created_at: at(1),
        };
        bed.store
            .apply(desk(DeskChange::InsertProblem(report.clone())))
            .await
            .unwrap();
        let lost = ProblemReport {
            id: ProblemReportId::new(new_id()),
            run: None,
            workflow: None,
            tied_by: ProblemTie::Nothing,
            due_at: at(50),
            words: "nothing fits".into(),
            ..report.clone()
        };
        bed.store
            .apply(desk(DeskChange::InsertProblem(lost.clone())))
            .await
            .unwrap();
        let find = |filter: ProblemFilter| {
            let read = bed.read.clone();
            async move { read.problem_reports(&filter, None, 9).await.unwrap() }
        };
        assert_eq!(
            find(ProblemFilter::default()).await,
            [lost.clone(), report.clone()]
        );
        let text = |t: &str| ProblemFilter {
            text: Some(t.into()),
            ..ProblemFilter::default()
        };
        assert_eq!(find(text("100%")).await, [report.clone()], "{}", bed.name);
        let of_run = ProblemFilter {
            run: Some(new.id),
            ..ProblemFilter::default()
        };
        assert_eq!(find(of_run).await, [report.clone()]);
        let update = |r: &ProblemReport| desk(DeskChange::UpdateProblem(r.clone()));
        let mut tied = lost.clone();
        (tied.run, tied.tied_by, tied.version) = (Some(new.id), ProblemTie::Hand, 1);
        tied.workflow = Some("support".into());
        bed.store.apply(update(&tied)).await.unwrap();
        let found = bed.read.problem_report(lost.id).await.unwrap();
        assert_eq!(found, Some(tied.clone()), "{}: tied by a person", bed.name);
        (tied.run, tied.tied_by, tied.version) = (None, ProblemTie::Nothing, 2);
        tied.workflow = None;
        bed.store.apply(update(&tied)).await.unwrap();
        let lost = tied;
        report.state = ProblemState::QualityIssue;
        report.version = 1;
        let update = |r: &ProblemReport| desk(DeskChange::UpdateProblem(r.clone()));
        assert!(
            bed.store.apply(update(&report)).await.is_err(),
            "{}: no answer",
            bed.name
        );
        report.answer = Some("a rounding fault".into());
        report.answered_by = Some("olga".into());
        report.answered_at = Some(at(9));
        bed.store.apply(update(&report)).await.unwrap();
        assert_eq!(
            bed.read.problem_report(report.id).await.unwrap(),
            Some(report)
        );
        let open = ProblemFilter {
            open: true,
            ..ProblemFilter::default()
        };
        assert_eq!(find(open).await, [lost], "{}", bed.name);
    })
    .await;
}
