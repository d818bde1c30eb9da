//! What stands about a workflow's rollout: its row, decisions, signals, and the figures of its rules.

use tuesday_domain::drift::calibration::{Band, BandCount, BandState, BandTrust, Trust};
use tuesday_domain::id::{DecisionId, ReleaseId, RunId};
use tuesday_domain::record::{
    Change, Choice, Decision, DecisionRecord, Rollout, RolloutChange, Signal, Subject, TextList,
};
use tuesday_domain::run::{Reason, RunEvent, Status};
use tuesday_domain::scope::Restriction;
use tuesday_domain::settling::{Changed, Changes, Settling};

use crate::bed::each;
use crate::rows::{about, accept, at, decide, in_review, job, new_id, run, workflow};

fn one(change: Change) -> Decision {
    decide(Subject::Workflow("support".into()), "x", vec![change])
}

fn signal(n: u64, kind: &str, about: Option<RunId>, wrong: bool) -> Signal {
    Signal {
        workflow: "support".into(),
        event: format!("{kind} {n}"),
        kind: kind.into(),
        run: about,
        record: Some("CRM 7".into()),
        wrong,
        count: 2,
        at: at(n - 1),
        posted_by: "person:olga".into(),
        received_at: at(n),
    }
}

fn posted(signal: &Signal) -> Decision {
    let insert = RolloutChange::InsertSignal(signal.clone());
    one(Change::Rollout(Box::new(insert)))
}

#[tokio::test]
async fn a_standing_is_read_back_as_it_was_written() {
    each(|bed| async move {
        let mut row = workflow("support", ReleaseId::new(new_id()));
        let put = |row| one(Change::PutWorkflow(Box::new(row)));
        bed.store.apply(put(row.clone())).await.unwrap();
        row.version = 1;
        row.rollout = Rollout {
            scope: Restriction {
                groups: vec!["emea".into()],
                percent: Some(10),
                ..Restriction::default()
            },
            fallback: true,
            retiring: true,
            staged_at: Some(at(1)),
            counted_from: Some(at(2)),
            switched_at: Some(at(3)),
            switched_by: Some("person:olga".into()),
            switch_reason: Some("a test".into()),
            load: tuesday_domain::capacity::LoadState {
                slow: Some(40),
                ..tuesday_domain::capacity::LoadState::default()
            },
            changes: Changes {
                settling: Some(Settling {
                    changed: Changed::Rules { came: 2, back: 1 },
                    began_at: at(3),
                    until: at(4),
                }),
                ..Changes::default()
            },
            trust: std::sync::Arc::new(Trust {
                granted: true,
                releases: vec![row.live_release],
                bands: vec![BandTrust {
                    band: Band::From90,
                    state: BandState::Miscalibrated,
                    rests_on: BandCount::default(),
                    from: None,
                    relied: None,
                }],
                ..Trust::default()
            }),
            alternative: Some(ReleaseId::new(new_id())),
        };
        bed.store.apply(put(row.clone())).await.unwrap();
        let read = bed.read.workflow("support").await.unwrap().unwrap();
        assert_eq!(read, row, "{}", bed.name);
    })
    .await;
}

#[tokio::test]
async fn decisions_and_signals_are_kept_and_counted() {
    each(|bed| async move {
        let ids: Vec<DecisionId> = (0..3).map(|_| DecisionId::new(new_id())).collect();
        let made = |n: usize, supersedes| DecisionRecord {
            id: ids[n],
            workflow: "support".into(),
            choice: Choice::AnotherPilot,
            question: format!("question {n}"),
            evidence: "figures".into(),
            links: TextList::new(&["/hub".to_owned(), "https://example.com/ü".to_owned()]),
            conditions: TextList::new(&[format!("condition {n}, \"as said\"")]),
            reason: "a test".into(),
            supersedes,
            decided_by: "olga".into(),
            decided_at: at(n as u64),
        };
        for n in 0..3 {
            let record = made(n, (n == 2).then_some(ids[0]));
            let insert = RolloutChange::InsertDecision(record);
            let kept = bed.store.apply(one(Change::Rollout(Box::new(insert))));
            kept.await.unwrap();
        }
        let first = bed.read.decision(ids[0]).await.unwrap().unwrap();
        assert_eq!(first, made(0, None), "{}: as it was decided", bed.name);
        let instead = bed.read.decision_instead(ids[0]).await.unwrap();
        assert_eq!(instead, Some(made(2, Some(ids[0]))), "{}", bed.name);
        assert_eq!(bed.read.decision_instead(ids[1]).await.unwrap(), None);
        let twice = DecisionRecord {
            id: DecisionId::new(new_id()),
            ..made(1, Some(ids[0]))
        };
        let insert = RolloutChange::InsertDecision(twice);
        let refused = bed
            .store
            .apply(one(Change::Rollout(Box::new(insert))))
            .await;
        assert!(refused.is_err(), "{}: one place is taken once", bed.name);
        let newest = bed.read.decisions("support", 2).await.unwrap();
        let asked: Vec<_> = newest.iter().map(|d| d.question.as_str()).collect();
        assert_eq!(asked, ["question 2", "question 1"], "{}", bed.name);
        assert_eq!(bed.read.decisions("other", 2).await.unwrap(), []);

        let case = RunId::new(new_id());
        let first = signal(10, "outcome", Some(case), true);
        bed.store.apply(posted(&first)).await.unwrap();
        assert!(
            bed.store.apply(posted(&first)).await.is_err(),
            "an event counts once"
        );
        for n in 12..15 {
            let next = signal(n, "outcome", None, n == 14);
            bed.store.apply(posted(&next)).await.unwrap();
        }
        bed.store
            .apply(posted(&signal(16, "complaint", Some(case), true)))
            .await
            .unwrap();
        let count = |since, n| bed.read.outcomes("support", "outcome", at(since), n);
        let all = count(0, 100).await.unwrap();
        assert_eq!((all.decided, all.wrong, all.newest), (4, 2, Some(at(14))));
        let newest = count(0, 3).await.unwrap();
        assert_eq!((newest.decided, newest.wrong), (3, 1), "exactly the newest");
        assert_eq!(count(13, 100).await.unwrap().decided, 2);
        assert_eq!(count(99, 100).await.unwrap().newest, None);
        let found = bed.read.signal("support", "outcome 10").await.unwrap();
        assert_eq!(found, Some(first), "{}", bed.name);
        assert_eq!(bed.read.signals("support", 2).await.unwrap().len(), 2);

        // The case was looked at again: one case, and the newest word about it.
        let later = signal(17, "outcome", Some(case), false);
        bed.store.apply(posted(&later)).await.unwrap();
        let all = count(0, 100).await.unwrap();
        assert_eq!((all.decided, all.wrong, all.newest), (4, 1, Some(at(17))));
        let happened = |since| bed.read.signals_since("support", "outcome", at(since));
        assert_eq!(happened(0).await.unwrap(), 10, "as the senders count");
        assert_eq!(happened(16).await.unwrap(), 2);
        assert_eq!(happened(17).await.unwrap(), 0);
    })
    .await;
}

#[tokio::test]
async fn open_and_held_runs_are_paged_and_their_reasons_counted() {
    each(|bed| async move {
        let mut ids = Vec::new();
        for n in 0..6 {
            let new = run("support", &format!("e{n}"));
            ids.push(new.id);
            bed.store
                .apply(accept(&new, job(&new, at(0))))
                .await
                .unwrap();
            let mut next = in_review(&new, "olga");
            next.reason = Some(if n == 0 {
                Reason::InvalidOutput
            } else {
                Reason::Rule
            });
            if n >= 3 {
                next = new.clone();
                next.version += 1;
                next.state = next.state.next(RunEvent::Paused).unwrap();
                next.owner = Some("olga".into());
                // The oldest ones wait for money and for a system.
                next.reason = match n {
                    3 => Some(Reason::SpendLimit),
                    4 => Some(Reason::DependencyDown),
                    _ => None,
                };
            }
            let drop = Change::DropJob { run: new.id };
            let moved = about(
                &next,
                "x",
                vec![Change::UpdateRun(Box::new(next.clone())), drop],
            );
            bed.store.apply(moved).await.unwrap();
        }
        let first = bed.read.open_runs("support", None, 3).await.unwrap();
        assert_eq!(first.iter().map(|r| r.id).collect::<Vec<_>>(), ids[..3]);
        let rest = bed
            .read
            .open_runs("support", Some(ids[2]), 9)
            .await
            .unwrap();
        assert_eq!(rest.iter().map(|r| r.id).collect::<Vec<_>>(), ids[3..]);
        // What cannot go on hides nothing behind it, however short the page is.
        for (with_money, wanted) in [(false, ids[5]), (true, ids[3])] {
            let held = bed.read.held_runs("support", with_money, 1).await.unwrap();
            assert_eq!(held.len(), 1, "{}", bed.name);
            assert_eq!((held[0].id, held[0].state.status), (wanted, Status::Held));
        }
        let both = bed.read.held_runs("support", true, 9).await.unwrap();
        assert_eq!(
            both.iter().map(|r| r.id).collect::<Vec<_>>(),
            [ids[3], ids[5]]
        );
        let before = at(0).minus(std::time::Duration::from_secs(3 * 86_400));
        let figures = bed.read.run_figures("support", before, 9).await.unwrap();
        assert_eq!((figures.runs, figures.errors, figures.refusals), (3, 1, 0));
        assert_eq!(
            bed.read
                .override_figures("support", at(0), 9)
                .await
                .unwrap(),
            (0, 0)
        );
        let newest = bed.read.newest_event("support").await.unwrap();
        assert_eq!(newest, Some(at(0)));
    })
    .await;
}
