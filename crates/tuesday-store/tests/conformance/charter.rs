//! Statements, the history of labels, and what proofs count.

use tuesday_domain::charter::Statement;
use tuesday_domain::charter::fallback::Fallback;
use tuesday_domain::charter::first_shift::FirstShiftState;
use tuesday_domain::charter::friday::FridayState;
use tuesday_domain::charter::turnover::TurnoverState;
use tuesday_domain::id::{DecisionId, ReleaseId, RunId};
use tuesday_domain::record::{
    Change, CharterChange, CharterFact, Decision, FirstShift, FridayTest, LabelEvent, LabelMove,
    QuarterChoice, QuarterDecision, RolloutChange, Signal, Subject, Turnover,
};
use tuesday_domain::workflow::Label;
use tuesday_store::ApplyError;

use crate::bed::each;
use crate::rows::{
    about, accept, at, decide, in_review, job, new_id, release, review, run, workflow,
};

fn friday(seq: u32, state: FridayState) -> FridayTest {
    let ended = state != FridayState::Running;
    FridayTest {
        workflow: "support".into(),
        seq,
        state,
        ended_at: ended.then(|| at(60)),
        report: ended.then(|| "{}".into()),
        version: 1 + u32::from(ended),
        run: RunId::new(uuid::Uuid::from_u128(7)),
        person: "olga".into(),
        from: at(0),
        until: at(1_200),
        engineers: "nils ada".into(),
    }
}

fn shift(seq: u32, person: &str, state: FirstShiftState) -> FirstShift {
    let ended = state != FirstShiftState::Running;
    FirstShift {
        workflow: "support".into(),
        seq,
        state,
        ended_at: ended.then(|| at(60)),
        report: ended.then(|| "{}".into()),
        answers: "{}".into(),
        helped_by: ended.then(|| "ada".into()),
        version: 1 + u32::from(ended),
        person: person.into(),
        from: at(0),
        log_from: 7,
        release: ReleaseId::new(uuid::Uuid::from_u128(9)),
        cases: "[]".into(),
        decided_before: 3,
        engineers: "nils ada".into(),
    }
}

fn one(change: CharterChange) -> Decision {
    let change = Change::Charter(Box::new(change));
    decide(Subject::Workflow("support".into()), "x", vec![change])
}

fn fact(seq: u32, statement: Statement, about: &str, value: &str) -> CharterFact {
    CharterFact {
        workflow: "support".into(),
        seq,
        statement,
        about: about.into(),
        value: value.into(),
        by: "olga".into(),
        at: at(u64::from(seq)),
    }
}

fn event(seq: u32, kind: LabelMove, label: Label) -> LabelEvent {
    let person = matches!(kind, LabelMove::Raised | LabelMove::Lowered);
    LabelEvent {
        workflow: "support".into(),
        seq,
        kind,
        label,
        reasons: "one\ntwo".into(),
        until: (kind == LabelMove::Lapsing).then(|| at(90)),
        decision: person.then(|| DecisionId::new(new_id())),
        quarter: (kind == LabelMove::Reviewed).then(|| QuarterDecision {
            choice: QuarterChoice::Keep,
            evidence: "{}".into(),
        }),
        by: "person:olga".into(),
        at: at(u64::from(seq)),
    }
}

#[tokio::test]
async fn the_newest_statement_of_a_kind_counts_and_all_are_kept() {
    each(|bed| async move {
        let rows = [
            fact(1, Statement::FrictionHours, "", "10"),
            fact(2, Statement::Training, "lena", "aa"),
            fact(3, Statement::Training, "samir", "aa"),
            fact(4, Statement::FrictionHours, "", ""),
        ];
        for row in &rows {
            let insert = CharterChange::InsertFact(row.clone());
            bed.store.apply(one(insert)).await.unwrap();
        }
        let found = bed.read.charter_facts("support").await.unwrap();
        assert_eq!(
            found,
            [rows[1].clone(), rows[2].clone(), rows[3].clone()],
            "{}",
            bed.name
        );
        let all = bed.read.charter_history("support", 0, 3).await.unwrap();
        assert_eq!(all.iter().map(|f| f.seq).collect::<Vec<_>>(), [4, 3, 2]);
        let rest = bed.read.charter_history("support", 2, 3).await.unwrap();
        assert_eq!(rest, [rows[0].clone()]);
        assert_eq!(bed.read.charter_facts("other").await.unwrap(), []);
    })
    .await;
}

#[tokio::test]
async fn two_that_state_at_once_do_not_both_count() {
    each(|bed| async move {
        let insert = |value| {
            one(CharterChange::InsertFact(fact(
                1,
                Statement::PilotEnd,
                "",
                value,
            )))
        };
        bed.store.apply(insert("2027-01-01")).await.unwrap();
        let second = bed.store.apply(insert("2027-02-02")).await;
        assert!(
            matches!(second, Err(ApplyError::Conflict { .. })),
            "{}",
            bed.name
        );
    })
    .await;
}

#[tokio::test]
async fn a_label_is_read_from_the_event_that_gave_it() {
    each(|bed| async move {
        let rows = [
            event(1, LabelMove::Raised, Label::Pilot),
            event(2, LabelMove::Lapsing, Label::Pilot),
            event(3, LabelMove::Fell, Label::Research),
            event(4, LabelMove::Raised, Label::Pilot),
            event(5, LabelMove::Lapsing, Label::Pilot),
            event(6, LabelMove::Restored, Label::Pilot),
            event(7, LabelMove::Reviewed, Label::Pilot),
        ];
        for row in &rows {
            let insert = CharterChange::InsertLabelEvent(row.clone());
            bed.store.apply(one(insert)).await.unwrap();
        }
        let found = bed.read.label_events("support").await.unwrap();
        assert_eq!(found, rows[3..].to_vec(), "{}", bed.name);
        let all = bed.read.label_history("support", 3, 10).await.unwrap();
        assert_eq!(all, [rows[1].clone(), rows[0].clone()]);
    })
    .await;
}

#[tokio::test]
async fn a_label_without_a_decision_or_a_grace_without_an_end_is_refused() {
    each(|bed| async move {
        let bad = [
            LabelEvent {
                decision: None,
                ..event(1, LabelMove::Raised, Label::Pilot)
            },
            LabelEvent {
                until: None,
                ..event(1, LabelMove::Lapsing, Label::Pilot)
            },
            LabelEvent {
                quarter: event(1, LabelMove::Reviewed, Label::Pilot).quarter,
                ..event(1, LabelMove::Restored, Label::Pilot)
            },
        ];
        for row in bad {
            let insert = CharterChange::InsertLabelEvent(row);
            assert!(bed.store.apply(one(insert)).await.is_err(), "{}", bed.name);
        }
    })
    .await;
}

#[tokio::test]
async fn with_nothing_there_every_figure_is_nothing() {
    each(|bed| async move {
        let row = release("support", 1);
        let live = ReleaseId::new(row.id.uuid());
        let put = decide(
            Subject::Workflow("support".into()),
            "x",
            vec![
                Change::InsertRelease(Box::new(row.clone())),
                Change::PutWorkflow(Box::new(workflow("support", live))),
            ],
        );
        bed.store.apply(put).await.unwrap();
        let found = bed
            .read
            .charter_figures("support", Some("old_path"), &[], at(50))
            .await
            .unwrap();
        assert_eq!(
            found.figures,
            tuesday_domain::charter::Figures::default(),
            "{}",
            bed.name
        );
        assert_eq!(
            (found.releases_before, found.released_at),
            (0, Some(row.created_at))
        );
    })
    .await;
}

#[tokio::test]
async fn use_of_the_old_way_and_overdue_tasks_are_told_apart() {
    each(|bed| async move {
        let used = Signal {
            workflow: "support".into(),
            event: "one".into(),
            kind: "old_path".into(),
            run: None,
            record: None,
            wrong: true,
            count: 1,
            at: at(10),
            posted_by: "person:olga".into(),
            received_at: at(11),
        };
        let first = Change::Rollout(Box::new(RolloutChange::InsertSignal(used.clone())));
        let subject = Subject::Workflow("support".into());
        bed.store
            .apply(decide(subject, "x", vec![first]))
            .await
            .unwrap();
        for (event, due) in [("late", 20), ("fresh", 90)] {
            let row = run("support", event);
            bed.store
                .apply(accept(&row, job(&row, at(1))))
                .await
                .unwrap();
            let asked = in_review(&row, "olga");
            let task = review(&asked, "olga", at(due));
            let changes = vec![
                Change::UpdateRun(Box::new(asked.clone())),
                Change::InsertReview(Box::new(task)),
            ];
            bed.store
                .apply(about(&asked, "review.opened", changes))
                .await
                .unwrap();
        }
        let figures = async |old: &str| {
            let found = bed
                .read
                .charter_figures("support", Some(old), &[], at(50))
                .await;
            found.unwrap().figures
        };
        let found = figures("old_path").await;
        assert_eq!((found.open, found.overdue), (2, 1), "{}", bed.name);
        assert_eq!(found.old_path_at, Some(at(10)), "{}", bed.name);
        // The plain kind counts whatever is declared, as it does in adoption; another kind only when it is.
        assert_eq!(figures("another").await.old_path_at, Some(at(10)));
        let own = Signal {
            event: "two".into(),
            kind: "another".into(),
            at: at(12),
            ..used.clone()
        };
        let own = Change::Rollout(Box::new(RolloutChange::InsertSignal(own)));
        let subject = Subject::Workflow("support".into());
        bed.store
            .apply(decide(subject, "x", vec![own]))
            .await
            .unwrap();
        assert_eq!(figures("another").await.old_path_at, Some(at(12)));
        assert_eq!(figures("old_path").await.old_path_at, Some(at(10)));
        // What falls into declared fallback does not count; what falls outside does.
        for (from, until, wanted) in [
            (9, Some(11), None),
            (9, None, None),
            (11, None, Some(at(10))),
            (2, Some(9), Some(at(10))),
        ] {
            let then = [Fallback {
                from: at(from),
                until: until.map(at),
            }];
            let found = bed
                .read
                .charter_figures("support", Some("old_path"), &then, at(50));
            let found = found.await.unwrap().figures.old_path_at;
            assert_eq!(found, wanted, "{} {from} {until:?}", bed.name);
        }
    })
    .await;
}

fn test(seq: u32, state: TurnoverState) -> Turnover {
    let over = state != TurnoverState::Running;
    let signed = state.is_over();
    Turnover {
        workflow: "support".into(),
        seq,
        state,
        ended_at: over.then(|| at(60)),
        signed_by: signed.then(|| "olga".into()),
        report: signed.then(|| "{}".into()),
        version: 1 + u32::from(over),
        without: "nils".into(),
        from: at(10),
        until: at(90),
        log_from: 3,
        started_by: "olga".into(),
        engineers: "administrator yuki".into(),
    }
}

#[tokio::test]
async fn a_turnover_test_suspends_while_it_runs_and_is_open_once() {
    each(|bed| async move {
        let running = test(1, TurnoverState::Running);
        let insert = one(CharterChange::InsertTurnover(running.clone()));
        bed.store.apply(insert).await.unwrap();
        assert_eq!(bed.read.suspended_on("nils").await.unwrap(), ["support"]);
        assert!(bed.read.suspended_on("olga").await.unwrap().is_empty());
        let running = vec![running];
        assert_eq!(bed.read.turnovers_running().await.unwrap(), running);
        let second = one(CharterChange::InsertTurnover(test(
            2,
            TurnoverState::Running,
        )));
        assert!(bed.store.apply(second).await.is_err(), "{}", bed.name);

        let passed = test(1, TurnoverState::Passed);
        let update = one(CharterChange::UpdateTurnover(passed.clone()));
        bed.store.apply(update).await.unwrap();
        let late = one(CharterChange::UpdateTurnover(test(
            1,
            TurnoverState::Failed,
        )));
        let late = bed.store.apply(late).await;
        assert!(matches!(late, Err(ApplyError::Conflict { .. })));
        assert!(bed.read.suspended_on("nils").await.unwrap().is_empty());
        assert_eq!(bed.read.turnovers("support", 5).await.unwrap(), [passed]);

        let mut own = test(2, TurnoverState::Running);
        let insert = one(CharterChange::InsertTurnover(own.clone()));
        bed.store.apply(insert).await.unwrap();
        (own.state, own.version) = (TurnoverState::Passed, 2);
        (own.ended_at, own.report) = (Some(at(60)), Some("{}".into()));
        own.signed_by = Some("nils".into());
        let own = one(CharterChange::UpdateTurnover(own));
        assert!(
            bed.store.apply(own).await.is_err(),
            "nobody attests themselves"
        );
    })
    .await;
}

#[tokio::test]
async fn a_friday_test_is_open_once_and_ends_once() {
    each(|bed| async move {
        let running = friday(1, FridayState::Running);
        let insert = |t: &FridayTest| one(CharterChange::InsertFriday(t.clone()));
        let update = |t: &FridayTest| one(CharterChange::UpdateFriday(t.clone()));
        bed.store.apply(insert(&running)).await.unwrap();
        let second = friday(2, FridayState::Running);
        assert!(
            bed.store.apply(insert(&second)).await.is_err(),
            "{}",
            bed.name
        );
        assert!(
            bed.read
                .fridays_over(running.until)
                .await
                .unwrap()
                .is_empty()
        );
        let over = bed.read.fridays_over(at(1_000_000)).await.unwrap();
        assert_eq!(over, vec![running.clone()]);

        let mut half = friday(1, FridayState::Passed);
        half.report = None;
        assert!(
            bed.store.apply(update(&half)).await.is_err(),
            "ended without grades"
        );
        let ended = friday(1, FridayState::NotCounted);
        bed.store.apply(update(&ended)).await.unwrap();
        let late = bed
            .store
            .apply(update(&friday(1, FridayState::Failed)))
            .await;
        assert!(matches!(late, Err(ApplyError::Conflict { .. })));
        bed.store.apply(insert(&second)).await.unwrap();
        assert_eq!(
            bed.read.fridays("support", 5).await.unwrap(),
            [second, ended]
        );
    })
    .await;
}

#[tokio::test]
async fn a_first_shift_is_open_once_for_each_person_and_ends_once() {
    each(|bed| async move {
        let running = |seq, person| shift(seq, person, FirstShiftState::Running);
        let insert = |t: &FirstShift| one(CharterChange::InsertFirstShift(t.clone()));
        let update = |t: &FirstShift| one(CharterChange::UpdateFirstShift(t.clone()));
        let olga = running(1, "olga");
        bed.store.apply(insert(&olga)).await.unwrap();
        let twice = bed.store.apply(insert(&running(2, "olga"))).await;
        assert!(twice.is_err(), "{}", bed.name);
        let nils = running(2, "nils");
        bed.store.apply(insert(&nils)).await.unwrap();

        let mut half = shift(1, "olga", FirstShiftState::Passed);
        half.report = None;
        let half = bed.store.apply(update(&half)).await;
        assert!(half.is_err(), "ended without a result");
        let ended = shift(1, "olga", FirstShiftState::NotCounted);
        bed.store.apply(update(&ended)).await.unwrap();
        let late = shift(1, "olga", FirstShiftState::Failed);
        let late = bed.store.apply(update(&late)).await;
        assert!(matches!(late, Err(ApplyError::Conflict { .. })));
        let all = bed.read.first_shifts("support", 5).await.unwrap();
        assert_eq!(all, [nils, ended.clone()]);
        let again = running(3, "olga");
        bed.store.apply(insert(&again)).await.unwrap();
        let own = bed.read.first_shift_of("support", "olga").await.unwrap();
        assert_eq!(own, Some(again));
        let none = bed.read.first_shift_of("support", "edda").await.unwrap();
        assert_eq!(none, None);
    })
    .await;
}

#[tokio::test]
async fn the_days_of_a_turnover_test_are_counted() {
    each(|bed| async move {
        for (event, due, decided) in [
            ("left", 500, false),
            ("late", 20, false),
            ("done", 500, true),
        ] {
            let row = run("support", event);
            bed.store
                .apply(accept(&row, job(&row, at(1))))
                .await
                .unwrap();
            let asked = in_review(&row, "olga");
            let task = review(&asked, "olga", at(due));
            let insert = vec![
                Change::UpdateRun(Box::new(asked.clone())),
                Change::InsertReview(Box::new(task.clone())),
            ];
            bed.store
                .apply(about(&asked, "review.opened", insert))
                .await
                .unwrap();
            if decided {
                let mut task = task;
                task.state = tuesday_domain::review::ReviewState::Approved;
                task.decision = Some(tuesday_domain::record::ReviewDecision::Approve);
                (task.decided_by, task.decided_at) = (Some("olga".into()), Some(at(30)));
                task.revision += 1;
                let change = vec![Change::UpdateReview(Box::new(task))];
                bed.store
                    .apply(about(&asked, "review.approved", change))
                    .await
                    .unwrap();
            }
        }
        let days = ["2026-11-17", "2026-11-17", "2026-10-20"].map(str::to_owned);
        let window = (at(0), at(40));
        let read = |window, days| bed.read.turnover_figures("support", window, days);
        let found = read(window, days.clone()).await.unwrap();
        assert_eq!(
            (found.tasks, found.overdue),
            (3, 1),
            "{} {found:?}",
            bed.name
        );
        assert_eq!(found.unfinished, 0, "opened in the last hour");
        let later = read((at(0), at(4_000)), days).await.unwrap();
        assert_eq!(
            (later.unfinished, later.overdue),
            (2, 2),
            "{} {later:?}",
            bed.name
        );
        let shares = bed.read.decision_shares("support", at(0)).await.unwrap();
        assert_eq!(shares, [("olga".to_owned(), 1)], "{}", bed.name);
        let since = bed.read.decision_shares("support", at(31)).await.unwrap();
        assert!(since.is_empty());
    })
    .await;
}
